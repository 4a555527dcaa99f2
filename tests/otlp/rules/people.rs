//! Users, sessions, groups and an application's own facts.

use serde_json::{Value, json};

use crate::otlp::complaints::chat;
use crate::otlp::traces::{Files, attributes_of, events_of, named, only, request, span, with};
use crate::support::library::{Events, Run};

const SESSIONS: [&str; 14] = [
    "$ai_session_id",
    "ai.telemetry.metadata.$ai_session_id",
    "ai.telemetry.metadata.sessionId",
    "ai.telemetry.metadata.session_id",
    "ai.settings.context.$ai_session_id",
    "gen_ai.conversation.id",
    "session.id",
    "langfuse.session.id",
    "traceloop.association.properties.session_id",
    "langsmith.metadata.session_id",
    "langsmith.metadata.thread_id",
    "metadata",
    "conversation.id",
    "gcp.vertex.agent.session_id",
];

/// The value of an attribute: `metadata` is an object in JSON.
fn stated(name: &str, key: &str, value: &str) -> Value {
    match name {
        "metadata" => json!({ name: json!({ key: value }).to_string() }),
        _ => json!({ name: value }),
    }
}

fn agent(extra: &Value) -> Value {
    with(json!({ "gen_ai.operation.name": "invoke_agent" }), extra)
}

fn session_of(events: &Events) -> &Value {
    &only(events, "$ai_generation")["$ai_session_id"]
}

#[test]
fn a_session_is_understood_under_every_name() {
    for name in SESSIONS {
        let call = chat(&stated(name, "session_id", "sess-9"));
        let events = events_of("x", &[span("1", "chat", (0, 9), &call)]);
        assert_eq!(session_of(&events), "sess-9", "{name}");
    }
}

#[test]
fn posthog_s_name_of_a_session_comes_before_all_others() {
    for name in &SESSIONS[1..] {
        let both = with(
            stated(name, "session_id", "other"),
            &json!({ "$ai_session_id": "sess-9" }),
        );
        let events = events_of("x", &[span("1", "chat", (0, 9), &chat(&both))]);
        assert_eq!(session_of(&events), "sess-9", "{name}");
    }
}

/// Events of a call in an agent in a request, each with attributes of its own.
fn nested(resource: &Value, root: &Value, agent_says: &Value, call: &Value) -> Events {
    let spans = [
        span("1", "GET /", (0, 99), root),
        span("2<1", "agent", (1, 98), &agent(agent_says)),
        span("3<2", "chat", (2, 9), &chat(call)),
        span("4<1", "chat", (10, 19), &chat(&json!({}))),
    ];
    let mut request = request("shop", "x", &spans);
    let resource = with(json!({ "service.name": "shop" }), resource);
    request["resourceSpans"][0]["resource"]["attributes"] = attributes_of(&resource);
    Files::of(&[request]).events(&Run::default())
}

#[test]
fn user_and_session_are_those_of_the_span_then_the_nearest_around_it_then_the_root_then_the_resource()
 {
    let says = |id: &str| json!({ "posthog.distinct_id": id, "session.id": id });
    let nothing = json!({});
    for (context, resource, root, agent, call, expected) in [
        (
            "the call",
            says("r"),
            says("root"),
            says("agent"),
            says("call"),
            ["call", "root"],
        ),
        (
            "the agent",
            says("r"),
            says("root"),
            says("agent"),
            nothing.clone(),
            ["agent", "root"],
        ),
        (
            "the root",
            says("r"),
            says("root"),
            nothing.clone(),
            nothing.clone(),
            ["root", "root"],
        ),
        (
            "the resource",
            says("r"),
            nothing.clone(),
            nothing.clone(),
            nothing.clone(),
            ["r", "r"],
        ),
    ] {
        let events = nested(&resource, &root, &agent, &call);
        let calls = named(&events, "$ai_generation");
        let users: Vec<&Value> = calls.iter().map(|it| &it["distinct_id"]).collect();
        assert_eq!(users, expected, "{context}");
        let sessions = calls.iter().map(|it| &it["properties"]["$ai_session_id"]);
        assert_eq!(sessions.collect::<Vec<_>>(), expected, "{context}");
    }
    let events = nested(&nothing, &nothing, &nothing, &nothing);
    let call = named(&events, "$ai_generation")[0];
    assert_eq!(call["properties"]["$ai_session_id"], Value::Null);
}

#[test]
fn posthog_s_id_anywhere_around_comes_before_another_id_of_the_user_on_the_call() {
    let nothing = json!({});
    let own = json!({ "posthog.distinct_id": "user_123" });
    let other = json!({ "user.id": "other" });
    for (context, events) in [
        ("agent", nested(&nothing, &nothing, &own, &other)),
        ("root", nested(&nothing, &own, &nothing, &other)),
        ("resource", nested(&own, &nothing, &nothing, &other)),
    ] {
        assert_eq!(
            named(&events, "$ai_generation")[0]["distinct_id"],
            "user_123",
            "{context}"
        );
    }
}

#[test]
fn other_ids_of_the_user_have_an_order() {
    let names = ["user.email", "user.id", "enduser.id", "langfuse.user.id"];
    for (place, name) in names.iter().enumerate() {
        let mut says = json!({});
        for later in &names[place..] {
            says[*later] = json!(format!("{later}!"));
        }
        let events = events_of("x", &[span("1", "chat", (0, 9), &chat(&says))]);
        assert_eq!(events[0]["distinct_id"], format!("{name}!"));
    }
}

#[test]
fn without_a_user_the_setting_counts_and_without_it_nobody_gets_a_profile() {
    let call = |extra: &Value| {
        Files::of(&[request(
            "shop",
            "x",
            &[span("1", "chat", (0, 9), &chat(extra))],
        )])
    };
    let events = call(&json!({})).events(&Run::default());
    assert_eq!(events[0]["distinct_id"], "ada@example.com");
    for (says, expected) in [
        (json!({ "session.id": "sess-9" }), "otel:sess-9".to_owned()),
        (json!({}), format!("otel:{}", crate::otlp::traces::TRACE)),
        (
            json!({ "user.id": "anonymous", "session.id": "s" }),
            "otel:s".to_owned(),
        ),
        (
            json!({ "user.id": "unknown", "session.id": "s" }),
            "otel:s".to_owned(),
        ),
    ] {
        let events = call(&says).events(&Run::with(&[("POSTHOG_LLMA_DISTINCT_ID", "")]));
        assert_eq!(events[0]["distinct_id"], expected, "{says}");
        assert_eq!(events[0]["properties"]["$process_person_profile"], false);
    }
}

#[test]
fn groups_are_an_object_under_every_name() {
    let groups = json!({ "company": "id:5" });
    for name in [
        "$groups",
        "ai.telemetry.metadata.$groups",
        "ai.settings.context.$groups",
    ] {
        for value in [json!(groups.to_string()), groups.clone()] {
            let call = chat(&json!({ name: value }));
            let events = events_of("x", &[span("1", "chat", (0, 9), &call)]);
            assert_eq!(only(&events, "$ai_generation")["$groups"], groups, "{name}");
        }
    }
    let call = chat(&json!({ "$groups": "no object" }));
    let events = events_of("x", &[span("1", "chat", (0, 9), &call)]);
    assert_eq!(only(&events, "$ai_generation")["$groups"], Value::Null);
}

#[test]
fn an_application_s_facts_are_properties_under_their_own_names() {
    for prefix in [
        "ai.telemetry.metadata.",
        "ai.settings.context.",
        "traceloop.association.properties.",
        "langsmith.metadata.",
        "langfuse.trace.metadata.",
        "trace.metadata.",
    ] {
        let says = json!({
            format!("{prefix}feature"): "facts", format!("{prefix}posthog_tier"): 2,
            format!("{prefix}beta"): true, format!("{prefix}tags"): ["a", "b"],
        });
        let events = events_of("x", &[span("1", "chat", (0, 9), &chat(&says))]);
        let call = only(&events, "$ai_generation");
        let found = json!([call["feature"], call["tier"], call["beta"], call["tags"]]);
        assert_eq!(found, json!(["facts", 2, true, ["a", "b"]]), "{prefix}");
    }
}

#[test]
fn an_application_s_facts_replace_nothing_and_are_no_content() {
    let long = vec!["x"; 33];
    let says = json!({
        "ai.telemetry.metadata.$ai_model": "planted",
        "ai.telemetry.metadata.$ai_input_tokens": 777,
        "ai.telemetry.metadata.$set": "planted",
        "ai.telemetry.metadata.usage_known": "planted",
        "ai.telemetry.metadata.service_version": "own",
        "ai.telemetry.metadata.story": "planted ".repeat(200),
        "ai.telemetry.metadata.list": long,
    });
    let events = events_of("x", &[span("1", "chat", (0, 9), &chat(&says))]);
    let call = only(&events, "$ai_generation");
    assert_eq!(
        (&call["$ai_model"], &call["$ai_input_tokens"]),
        (&json!("gpt-4o"), &json!(9))
    );
    assert_eq!(call["list"], Value::Null);
    assert_eq!(call["story"], Value::Null);
    let text = json!(call).to_string();
    assert!(!text.contains("\"$set\""), "{text}");
}

#[test]
fn a_trace_of_several_users_without_a_common_root_is_nobody_s() {
    let call = |ids: &str, times, user: &str| {
        let attributes = json!({ "user.id": user, "$groups": r#"{"company":"one"}"#, "ai.telemetry.metadata.plan": "pro" });
        span(ids, "chat", times, &chat(&attributes))
    };
    for (second, expected) in [("u1", "u1"), ("u2", "ada@example.com")] {
        let events = events_of("x", &[call("1", (0, 9), "u1"), call("2", (10, 19), second)]);
        let trace = named(&events, "$ai_trace")[0];
        let person = trace["distinct_id"].as_str().expect("an id");
        assert_eq!(
            person, expected,
            "the person of the settings is nobody in particular"
        );
        let is_one = second == "u1";
        assert_eq!(
            trace["properties"].get("plan").is_some(),
            is_one,
            "{trace:#}"
        );
        assert_eq!(
            trace["properties"].get("$groups").is_some(),
            is_one,
            "{trace:#}"
        );
        assert_eq!(
            trace["properties"]["$ai_total_input_tokens"], 18,
            "the totals are of both"
        );
        let people: Vec<_> = named(&events, "$ai_generation")
            .iter()
            .map(|it| &it["distinct_id"])
            .collect();
        assert_eq!(people, ["u1", second]);
    }
}

#[test]
fn of_an_application_s_properties_a_thousand_are_kept_and_the_others_counted() {
    let fields = (0..1_200).map(|it| (format!("ai.telemetry.metadata.k{it}"), json!("v")));
    let attributes = chat(&Value::Object(fields.collect()));
    let events = events_of("x", &[span("1", "chat", (0, 9), &attributes)]);
    let call = only(&events, "$ai_generation")
        .as_object()
        .expect("properties");
    let own = call
        .keys()
        .filter(|it| it.starts_with('k') && call[*it] == "v");
    assert_eq!(own.count(), 1_000);
    assert_eq!(call["properties_left_out"], 200);
}
