//! Deliveries of OpenRouter whose callers name, count and time things as they like.

use serde_json::{Value, json};

use super::openrouter::{delivery, events_of, with_trace};
use super::traces::{Files, in_trace, named, only, request, span};
use crate::support::library::Run;
use crate::support::openrouter::Request;

/// Providers advise to send hashes of people. Claude Code sends a hash of the machine, with the
/// UUID of its session.
#[test]
fn a_hash_of_a_person_is_a_person() {
    let hash: &'static str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    for session in [None, Some("checkout-17")] {
        let events = events_of(&[Request {
            session,
            user: Some(hash),
            ..Request::default()
        }]);
        assert!(events.iter().all(|it| it["distinct_id"] == hash));
    }
}

/// Applications choose the names of their requests freely.
#[test]
fn a_paid_request_is_sent_whatever_its_name() {
    for name in ["Test Generation", "openrouter-connection-test"] {
        let events = events_of(&[with_trace(&json!({ "generation_name": name }))]);
        assert_eq!(only(&events, "$ai_generation")["$ai_span_name"], name);
    }
}

/// A Collector may keep only the attributes of the conventions.
#[test]
fn the_course_of_a_request_is_no_call_whatever_is_left_of_it() {
    let mut delivery = Request::default().delivery(0);
    for resource in delivery["resourceSpans"].as_array_mut().expect("spans") {
        let spans = resource["scopeSpans"][0]["spans"].as_array_mut();
        for span in spans.expect("spans") {
            let attributes = span["attributes"].as_array_mut().expect("attributes");
            attributes.retain(|it| {
                it["key"]
                    .as_str()
                    .is_some_and(|it| it.starts_with("gen_ai."))
            });
        }
    }
    let events = Files::of(&[delivery]).events(&Run::default());
    assert_eq!(named(&events, "$ai_generation").len(), 1);
}

#[test]
fn the_cost_of_an_older_delivery_may_be_nothing() {
    let old = json!({ "gen_ai.usage.input_cost": null, "gen_ai.usage.output_cost": null, "gen_ai.usage.total_cost": null, "gen_ai.usage.cost": 0.0 });
    let events = Files::of(&[delivery(0, &old)]).events(&Run::default());
    let call = only(&events, "$ai_generation");
    assert_eq!(
        (&call["$ai_total_cost_usd"], &call["$ai_cost_passthrough"]),
        (&json!(0.0), &json!(true))
    );
}

/// Two people talk at the same time in one trace, and the provider numbers tool calls from 0 in
/// each conversation.
#[test]
fn results_of_tools_stay_in_their_conversation() {
    let talk = |user: &'static str| {
        let call = json!({ "id": "call_0", "type": "function",
            "function": { "name": "look_up", "arguments": json!({ "who": user }).to_string() } });
        let asked = json!({ "role": "user", "content": format!("I am {user}") });
        let answered = json!({ "role": "tool", "tool_call_id": "call_0", "content": format!("facts of {user}") });
        let again = json!({ "role": "assistant", "content": null, "tool_calls": [call] });
        let request = |messages: Vec<Value>, calls: Vec<Value>| Request {
            user: Some(user),
            trace: json!({ "trace_id": "shared" })
                .as_object()
                .expect("an object")
                .clone(),
            messages,
            calls,
            ..Request::default()
        };
        [
            request(vec![asked.clone()], vec![call.clone()]),
            request(vec![asked, again, answered], Vec::new()),
        ]
    };
    let [[a1, a2], [b1, b2]] = ["ada", "bob"].map(talk);
    let events = events_of(&[a1, b1, a2, b2]);
    let tools = events
        .iter()
        .filter(|it| it["properties"]["$ai_span_type"] == "tool");
    let mut found: Vec<(String, String, String)> = tools
        .map(|it| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            (
                text(&it["distinct_id"]),
                text(&it["properties"]["$ai_input_state"]["who"]),
                it["properties"]["$ai_output_state"].to_string(),
            )
        })
        .collect();
    found.sort();
    let expected =
        ["ada", "bob"].map(|it| (it.to_owned(), it.to_owned(), format!("\"facts of {it}\"")));
    assert_eq!(found, expected);
}

/// The application measures from the time of its request.
#[test]
fn a_call_and_its_delivery_in_one_trace_are_one_whatever_their_times() {
    for earlier in [0, 100, 130, 5_000] {
        let delivery = Request::default().delivery(0);
        let root = &delivery["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
        let trace = root["traceId"].as_str().expect("an id");
        let start: u64 = root["startTimeUnixNano"]
            .as_str()
            .expect("text")
            .parse()
            .expect("a number");
        let own = json!({
            "gen_ai.operation.name": "chat", "gen_ai.request.model": "anthropic/claude-haiku-4.5",
            "gen_ai.response.id": crate::support::openrouter::generation_id(0),
            "gen_ai.usage.input_tokens": 20, "gen_ai.usage.output_tokens": 5,
        });
        let mut own = in_trace(span("9", "chat", (0, 1), &own), trace);
        own["startTimeUnixNano"] = (start - earlier * 1_000_000).to_string().into();
        own["endTimeUnixNano"] = root["endTimeUnixNano"].clone();
        let own = request("shop", "shop", &[own]);
        let events = Files::of(&[own, delivery]).events(&Run::default());
        assert_eq!(
            only(&events, "$ai_generation")["$ai_total_cost_usd"],
            0.000_045,
            "{earlier} ms"
        );
        let trace = only(&events, "$ai_trace");
        assert_eq!(
            (&trace["generation_count"], &trace["$ai_total_input_tokens"]),
            (&json!(1), &json!(20)),
            "{earlier} ms"
        );
    }
}
