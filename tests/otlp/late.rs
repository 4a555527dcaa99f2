//! Spans that arrive late, or without earlier ones, leave correct sums unchanged.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use super::complaints::chat;
use super::traces::{TRACE, in_trace, named, request, span, with};
use crate::support::env::TestEnv;
use crate::support::library::Events;
use crate::support::scene::Scene;

/// Requests that arrive one after the other, each sent to PostHog before the next arrives.
struct Arrivals {
    scene: Scene,
    number: usize,
}

impl Arrivals {
    fn new() -> Self {
        Self::on(|env| env)
    }

    /// Arrivals on a machine with something special about it.
    fn on(special: impl FnOnce(TestEnv) -> TestEnv) -> Self {
        Self {
            scene: Scene::on(special),
            number: 0,
        }
    }

    /// Receives a request, and sends everything.
    fn come(&mut self, request: &Value) {
        self.number += 1;
        let env = &self.scene.env;
        env.write(format!("traces/{}.jsonl", self.number), request.to_string());
        let folder = env.root().join("traces");
        env.command(["ingest"]).argument(&folder).run().success();
    }

    /// Removes the requests received so far.
    fn forget(&self) {
        fs::remove_dir_all(self.scene.env.root().join("traces")).expect("it is ours");
    }

    /// The events at PostHog: the last of those with one identity.
    fn events(&self) -> Events {
        self.scene.posthog.merged()
    }
}

/// Number of calls, and their tokens in and out.
fn tokens(events: &Events) -> (usize, u64, u64) {
    let calls = named(events, "$ai_generation");
    let sum = |name: &str| {
        let counts = calls
            .iter()
            .filter_map(|it| it["properties"][name].as_u64());
        counts.sum()
    };
    (
        calls.len(),
        sum("$ai_input_tokens"),
        sum("$ai_output_tokens"),
    )
}

fn content() -> Value {
    json!({
        "gen_ai.input.messages": r#"[{"role":"user","parts":[{"type":"text","content":"Fact?"}]}]"#,
        "gen_ai.output.messages": r#"[{"role":"assistant","parts":[{"type":"tool_call","id":"a","name":"weather","arguments":{}}]}]"#,
    })
}

/// A report of one call, by an instrumentation of its own.
fn report(scope: &str, ids: &str, times: (u64, u64), extra: &Value) -> Value {
    let call = chat(&with(json!({ "gen_ai.response.id": "msg_1" }), extra));
    request("shop", scope, &[span(ids, scope, times, &call)])
}

fn tool() -> Value {
    let tool = json!({ "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "weather", "gen_ai.tool.call.id": "a" });
    request(
        "shop",
        "x",
        &[span("9", "execute_tool weather", (210, 220), &tool)],
    )
}

/// Asserts that every event is in a trace at PostHog, under a parent at PostHog.
#[track_caller]
fn hangs_together(events: &Events, context: &str) {
    let text = |it: &Value, name: &str| it["properties"][name].as_str().map(str::to_owned);
    let spans: BTreeSet<_> = events
        .iter()
        .filter_map(|it| text(it, "$ai_span_id"))
        .collect();
    for event in events.iter().filter(|it| it["event"] != "$ai_trace") {
        let parent = text(event, "$ai_parent_id");
        assert!(
            parent.is_some_and(|it| spans.contains(&it)),
            "{context}: {event:#}"
        );
    }
}

#[test]
fn a_second_report_of_a_call_that_was_sent_adds_nothing_whichever_is_better() {
    let outer = |extra: &Value| report("outer", "1", (0, 200), extra);
    let inner = |extra: &Value| report("inner", "2<1", (2, 198), extra);
    let apart = |extra: &Value| report("inner", "2", (2, 198), extra);
    for (case, first, second) in [
        (
            "outer with content, inner",
            outer(&content()),
            inner(&json!({})),
        ),
        (
            "inner, outer with content",
            inner(&json!({})),
            outer(&content()),
        ),
        (
            "outer, inner with content",
            outer(&json!({})),
            inner(&content()),
        ),
        (
            "inner with content, outer",
            inner(&content()),
            outer(&json!({})),
        ),
        ("beside each other", apart(&json!({})), outer(&content())),
    ] {
        let mut arrivals = Arrivals::new();
        arrivals.come(&first);
        arrivals.come(&second);
        arrivals.come(&tool());
        let events = arrivals.events();
        assert_eq!(tokens(&events), (1, 9, 3), "{case}");
        hangs_together(&events, case);
        let trace = named(&events, "$ai_trace")[0];
        assert_eq!(trace["properties"]["$ai_total_output_tokens"], 3, "{case}");
        assert_eq!(trace["properties"]["tool_call_count"], 1, "{case}");
    }
}

#[test]
fn calls_within_one_that_was_sent_add_nothing_if_it_summed_them_up() {
    let used =
        |input: u64| json!({ "gen_ai.usage.input_tokens": input, "gen_ai.usage.output_tokens": 2 });
    let outer = chat(&json!({ "gen_ai.usage.input_tokens": 30, "gen_ai.usage.output_tokens": 4 }));
    let outer = request("shop", "x", &[span("1", "chat", (0, 99), &outer)]);
    let inner = [
        span("2<1", "chat", (1, 40), &chat(&used(10))),
        span("3<1", "chat", (41, 90), &chat(&used(20))),
    ];
    let mut arrivals = Arrivals::new();
    arrivals.come(&outer);
    arrivals.come(&request("shop", "x", &inner));
    let events = arrivals.events();
    assert_eq!(tokens(&events), (1, 30, 4));
    hangs_together(&events, "summed up");
    // When all arrive together, the calls count and the work around them does not.
    let mut arrivals = Arrivals::new();
    let all: Vec<Value> = [&outer["resourceSpans"][0]["scopeSpans"][0]["spans"][0]]
        .into_iter()
        .chain(&inner)
        .cloned()
        .collect();
    arrivals.come(&request("shop", "x", &all));
    assert_eq!(tokens(&arrivals.events()), (2, 30, 4));
}

#[test]
fn a_report_in_a_trace_of_its_own_that_comes_late_adds_nothing() {
    let id = json!({ "gen_ai.response.id": "msg_01XFDUDYJgAACzvnptvVoYEL" });
    let call =
        |ids: &str, times, extra: &Value| span(ids, "chat", times, &chat(&with(id.clone(), extra)));
    let other = "1af7651916cd43dd8448eb211c80319c";
    let own = request(
        "shop",
        "com.anthropic.sdk",
        &[in_trace(call("2", (2, 198), &json!({})), other)],
    );
    let instrumentation = request("shop", "x", &[call("1", (0, 200), &content())]);
    for [first, second] in [[&own, &instrumentation], [&instrumentation, &own]] {
        let mut arrivals = Arrivals::new();
        arrivals.come(first);
        arrivals.come(second);
        assert_eq!(tokens(&arrivals.events()), (1, 9, 3));
    }
}

#[test]
fn a_tool_that_is_known_by_its_call_stays_one_when_its_execution_comes() {
    let mut arrivals = Arrivals::new();
    let asked = report("x", "1", (0, 50), &content());
    let answer = r#"[{"role":"user","parts":[{"type":"text","content":"Fact?"}]},
        {"role":"assistant","parts":[{"type":"tool_call","id":"a","name":"weather","arguments":{}}]},
        {"role":"tool","parts":[{"type":"tool_call_response","id":"a","response":"cold"}]}]"#;
    let next = report(
        "x",
        "2",
        (230, 250),
        &json!({ "gen_ai.input.messages": answer, "gen_ai.response.id": "msg_2" }),
    );
    arrivals.come(&asked);
    arrivals.come(&next);
    arrivals.come(&tool());
    let events = arrivals.events();
    assert_eq!(named(&events, "$ai_span").len(), 1, "{events:#?}");
    hangs_together(&events, "a tool");
    let trace = named(&events, "$ai_trace")[0];
    assert_eq!(trace["properties"]["$ai_total_output_tokens"], 6);
}

#[test]
fn a_call_that_comes_when_the_rest_of_its_trace_is_gone_leaves_the_totals_as_they_are() {
    let call =
        |ids: &str, times| request("shop", "x", &[span(ids, "chat", times, &chat(&json!({})))]);
    let agent = json!({ "gen_ai.operation.name": "invoke_agent" });
    let agent = request("shop", "x", &[span("1", "agent", (0, 99), &agent)]);
    let mut arrivals = Arrivals::new();
    arrivals.come(&call("2<1", (1, 9)));
    arrivals.come(&agent);
    arrivals.come(&call("3<1", (10, 19)));
    arrivals.forget();
    arrivals.come(&call("4<1", (100, 110)));
    let events = arrivals.events();
    assert_eq!(tokens(&events), (3, 27, 9), "the late call counts");
    let trace = &named(&events, "$ai_trace")[0]["properties"];
    assert_eq!(
        trace["$ai_total_output_tokens"], 6,
        "what was known as a whole"
    );
    assert_eq!(trace["$ai_trace_name"], "agent");
}

#[test]
fn a_trace_keeps_the_person_and_the_day_with_which_it_was_first_sent() {
    let call = |ids: &str, times| span(ids, "chat", times, &chat(&json!({})));
    let root = json!({ "gen_ai.operation.name": "invoke_agent", "posthog.distinct_id": "alice" });
    for (setting, expected) in [
        (None, format!("otel:{TRACE}")),
        (Some("team@example.com"), "team@example.com".to_owned()),
    ] {
        let mut arrivals = Arrivals::on(|env| match setting {
            Some(person) => env.with("POSTHOG_LLMA_DISTINCT_ID", person),
            None => env.without("POSTHOG_LLMA_DISTINCT_ID"),
        });
        arrivals.come(&request("shop", "x", &[call("2<1", (0, 9))]));
        let mut before_midnight = span("1", "agent", (0, 70_000), &root);
        before_midnight["startTimeUnixNano"] = "1772300000000000000".into();
        arrivals.come(&request(
            "shop",
            "x",
            &[before_midnight, call("3<1", (10, 19))],
        ));
        let sent = arrivals.scene.posthog.events();
        let traces: Vec<&Value> = sent
            .iter()
            .filter(|it| it["event"] == "$ai_trace")
            .collect();
        assert_eq!(traces.len(), 2, "its totals changed");
        for trace in traces {
            assert_eq!(trace["distinct_id"], expected.as_str(), "{trace:#}");
            assert_eq!(trace["timestamp"], "2026-03-01T12:00:00.000Z", "{trace:#}");
        }
        let later = named(&sent, "$ai_generation");
        assert_eq!(later[1]["distinct_id"], "alice", "who is known then");
    }
}
