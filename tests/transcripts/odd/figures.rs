//! Counts.

use serde_json::{Value, json};

use super::{ID, Session, numbers, part, prompt, properties, says, text, time, usage};

#[test]
fn a_response_has_the_usage_of_its_last_part_whatever_is_between_the_parts() {
    let first = part(2, 0, "one", &says("One"), &usage(5));
    let last = |parent| part(4, parent, "one", &says("and all"), &usage(50));
    let next = part(8, 6, "two", &says("Two"), &usage(7));
    for between in [
        prompt(3, "and the flowers"),
        // Another process writes into the same file.
        part(3, 1, "other", &says("Elsewhere"), &usage(9)),
    ] {
        let is_response = between["type"] == "assistant";
        let lines = [
            prompt(0, "count the books"),
            prompt(1, "count the maps"),
            first.clone(),
            between,
            last(2),
            prompt(6, "go on"),
            next.clone(),
        ];
        let generations = Session::of(&lines).generations();
        let expected = if is_response {
            vec![7, 9, 50]
        } else {
            vec![7, 50]
        };
        assert_eq!(numbers(&generations, "$ai_output_tokens"), expected);
    }
}

#[test]
fn books_of_two_runs_add_up() {
    let books = |since: u32, calls: u64| {
        let since = chrono::DateTime::parse_from_rfc3339(&time(since)).expect("a time");
        let used = json!({
            "inputTokens": 10 * calls, "outputTokens": 5 * calls,
            "cacheReadInputTokens": 100 * calls,
        });
        json!({
            "type": "cost-state", "sessionId": ID, "startTime": since.timestamp_millis(),
            "modelUsage": { "claude-sonnet-4-5": used },
        })
    };
    let lines = [
        prompt(0, "count the books"),
        part(2, 0, "one", &says("One"), &usage(5)),
        part(4, 2, "two", &says("Two"), &usage(5)),
        books(0, 3),
        prompt(12, "go on"),
        part(14, 12, "three", &says("Three"), &usage(5)),
        books(10, 2),
    ];
    let generations = Session::of(&lines).generations();
    assert_eq!(numbers(&generations, "$ai_output_tokens"), [5; 5]);
}

#[test]
fn a_queued_prompt_that_is_taken_out_by_name_is_the_one_that_was_said() {
    let queue = |second: u32, operation: &str, text: &str| {
        json!({
            "type": "queue-operation", "sessionId": ID, "timestamp": time(second),
            "operation": operation, "content": text,
        })
    };
    let lines = [
        prompt(0, "count the books"),
        queue(1, "enqueue", "and the maps"),
        queue(2, "enqueue", "no, the flowers"),
        part(3, 0, "one", &says("One"), &usage(5)),
        queue(4, "remove", "no, the flowers"),
        part(6, 3, "two", &says("Two"), &usage(7)),
    ];
    let session = Session::of(&lines);
    assert_eq!(session.generations().len(), 2);
    let events = session.events();
    let turns = properties(&events, "$ai_span").into_iter();
    let prompts: Vec<Value> = turns.map(|turn| turn["$ai_input_state"].clone()).collect();
    assert_eq!(prompts, ["count the books", "no, the flowers"]);
}

#[test]
fn one_odd_field_of_a_line_costs_nothing_else_on_it() {
    let plain = text(&[
        prompt(0, "count the books"),
        part(2, 0, "one", &says("One"), &usage(5)),
    ]);
    let count = r#""input_tokens":10"#;
    let content = r#""content":[{"text":"One","type":"text"}]"#;
    assert!(plain.contains(count), "{plain}");
    for (found, odd) in [
        (count, r#""input_tokens":10,"x":1e999"#),
        (count, r#""input_tokens":10,"iterations":-1e999"#),
        (count, r#""input_tokens":1e999,"input_tokens":10"#),
        (count, r#""cache_creation":{"x":1,"x":2},"input_tokens":10"#),
        (
            count,
            r#""speed":"fast","speed":"standard","input_tokens":10"#,
        ),
        (
            r#""cwd":"/home/ada/shop""#,
            r#""cwd":"/a","cwd":"/home/ada/shop""#,
        ),
        (
            r#""cwd":"/home/ada/shop""#,
            r#""durationMs":1e999,"gitBranch":1e999"#,
        ),
        (
            r#""cwd":"/home/ada/shop""#,
            r#""toolUseResult":1e999,"data":1e999"#,
        ),
        (
            r#""stop_reason":null"#,
            r#""stop_reason":1e999,"stop_reason":7"#,
        ),
        (r#""text":"One""#, r#""text":"One","text":"One""#),
        (content, r#""content":1e999"#),
        (
            count,
            r#""cache_creation_input_tokens":99999999999999999999,"input_tokens":10"#,
        ),
    ] {
        let odd = plain.replace(found, odd);
        let events = Session::of_text(&odd).events();
        let generations = properties(&events, "$ai_generation");
        let [generation] = generations.as_slice() else {
            panic!("{odd}: {} generations", generations.len());
        };
        for (name, count) in [
            ("$ai_input_tokens", 10),
            ("$ai_output_tokens", 5),
            ("$ai_cache_read_input_tokens", 100),
        ] {
            assert_eq!(generation[name], count, "{name} of {odd}");
        }
    }
}
