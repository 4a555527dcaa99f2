//! Unknown emitters: facts under known names are used, and no token counts twice.

use serde_json::{Value, json};

use super::traces::{
    Files, attributes_of, events_of, log, log_request, named, only, request, span,
};
use crate::support::library::{Events, Run};

/// Sums of the tokens of all calls, in and out.
fn tokens(events: &Events) -> (u64, u64) {
    let calls = named(events, "$ai_generation");
    let sum = |name: &str| {
        calls
            .iter()
            .filter_map(|it| it["properties"][name].as_u64())
            .sum()
    };
    (sum("$ai_input_tokens"), sum("$ai_output_tokens"))
}

/// Token counts, which are all that these emitters have in common with others.
fn used(input: u64, output: u64) -> Value {
    json!({ "gen_ai.usage.input_tokens": input, "gen_ai.usage.output_tokens": output })
}

#[test]
fn work_around_calls_that_repeats_their_tokens_is_no_call_whatever_it_repeats() {
    for (of_outer, what) in [
        (used(90, 20), "the sum"),
        (used(50, 10), "the last call"),
        (used(120, 30), "more than was exported"),
        (used(0, 0), "nothing"),
    ] {
        for between in [
            json!({ "acme.step": 1 }),
            json!({ "gen_ai.operation.name": "invoke_agent" }),
        ] {
            let events = events_of(
                "acme",
                &[
                    span("1", "pipeline.run", (0, 99), &of_outer),
                    span("2<1", "pipeline.step", (1, 98), &between),
                    span("3<2", "model.call", (2, 40), &used(40, 10)),
                    span("4<2", "model.call", (41, 97), &used(50, 10)),
                ],
            );
            assert_eq!(tokens(&events), (90, 20), "{what}, {between}");
        }
    }
}

#[test]
fn names_of_its_own_beside_known_ones_are_ignored() {
    let events = events_of(
        "acme",
        &[span(
            "1",
            "acme.chat",
            (0, 9),
            &json!({
                "acme.llm.model": "acme-1", "acme.llm.tokens": 999, "acme.llm.cost": 9.9,
                "llm.usage.prompt_tokens": 7, "llm.usage.completion_tokens": 2, "llm.response.model": "gpt-4o",
            }),
        )],
    );
    let call = only(&events, "$ai_generation");
    assert_eq!(tokens(&events), (7, 2));
    assert_eq!(call["$ai_model"], "gpt-4o");
    assert_eq!(
        call["$ai_total_cost_usd"],
        Value::Null,
        "it is no known name"
    );
    assert!(!json!(events).to_string().contains("acme-1"));
}

#[test]
fn nothing_known_at_all_is_no_event() {
    let own = json!({ "acme.llm.model": "acme-1", "acme.llm.tokens": 999 });
    let files = Files::of(&[request(
        "shop",
        "acme",
        &[span("1", "acme.chat", (0, 9), &own)],
    )]);
    assert_eq!(files.events(&Run::default()), Events::new());
}

#[test]
fn content_in_span_events_of_any_name_does_not_change_the_tokens() {
    let mut call = span("1", "model.call", (0, 9), &used(9, 3));
    let event = |name: &str, text: &str| json!({ "name": name, "timeUnixNano": "1", "attributes": attributes_of(&json!({ "acme.text": text })) });
    call["events"] = json!([
        event("acme.asked", "Weather?"),
        event("acme.answered", "Cold")
    ]);
    let events = events_of("acme", &[call]);
    assert_eq!(tokens(&events), (9, 3));
}

#[test]
fn log_records_of_any_name_about_a_call_do_not_count_it_twice() {
    let call = span("1", "model.call", (0, 9), &used(9, 3));
    let records = [
        log("1", "acme.answered", &used(9, 3), &json!("Cold")),
        log("1", "acme.done", &used(9, 3), &json!({ "text": "Cold" })),
        log("7", "acme.about.another.span", &used(9, 3), &json!("Cold")),
    ];
    let files = Files::of(&[
        request("shop", "acme", &[call]),
        log_request("shop", &records),
    ]);
    assert_eq!(tokens(&files.events(&Run::default())), (9, 3));
}

#[test]
fn cached_tokens_under_other_names_have_one_price() {
    for (name, reads) in [
        ("gen_ai.usage.cache_read_input_tokens", 900),
        ("gen_ai.usage.prompt_tokens_details.cached_tokens", 900),
        ("gen_ai.usage.acme_cached", 0),
    ] {
        let mut attributes = used(1_000, 3);
        attributes[name] = json!(900);
        let events = events_of("acme", &[span("1", "model.call", (0, 9), &attributes)]);
        let call = only(&events, "$ai_generation");
        assert_eq!(tokens(&events), (1_000, 3), "{name}");
        assert_eq!(
            call["$ai_cache_read_input_tokens"].as_u64().unwrap_or(0),
            reads,
            "{name}"
        );
        assert_eq!(call["$ai_cache_reporting_exclusive"], false, "{name}");
    }
}
