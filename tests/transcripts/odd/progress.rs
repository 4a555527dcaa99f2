//! Messages of subagents in `progress` lines of the session, as copies or alone.

use serde_json::{Value, json};

use super::{Session, calls, line, numbers, part, prompt, result, says, time, tools, usage};

/// A line of the subagent `a1`, which `toolu_1` started, as a `progress` line of the session.
fn reported(second: u32, mut message: Value) -> Value {
    let fields = message.as_object_mut().expect("a line is an object");
    fields.retain(|name, _| {
        ["type", "uuid", "timestamp", "message", "requestId"].contains(&name.as_str())
    });
    message["uuid"] = json!(format!("inner-{second}"));
    message["timestamp"] = json!(time(second));
    let mut line = line("progress", second, &Value::Null);
    let fields = line.as_object_mut().expect("a line is an object");
    fields.remove("message");
    line["parentToolUseID"] = json!("toolu_1");
    line["data"] = json!({ "type": "agent_progress", "agentId": "a1", "message": message });
    line
}

/// A session with a subagent that answers twice, the first time with a tool call.
fn session() -> Vec<Value> {
    let input = json!({ "prompt": "look for maps", "subagent_type": "Explore" });
    let grep = calls("toolu_2", "Grep", &json!({ "pattern": "map" }));
    vec![
        prompt(0, "count the books"),
        part(2, 0, "one", &calls("toolu_1", "Task", &input), &usage(5)),
        reported(3, prompt(3, "look for maps")),
        reported(4, part(4, 3, "two", &says("I look"), &usage(1))),
        reported(5, part(5, 4, "two", &grep, &usage(11))),
        reported(6, result(6, "toolu_2", &json!({}))),
        reported(7, part(7, 6, "three", &says("None"), &usage(13))),
        result(8, "toolu_1", &json!({ "agentId": "a1" })),
        part(9, 8, "four", &says("No maps"), &usage(7)),
        prompt(20, "go on"),
        part(22, 20, "five", &says("Done"), &usage(8)),
    ]
}

/// The subagent's own file, in which the last answer has more.
fn file() -> Vec<Value> {
    let grep = calls("toolu_2", "Grep", &json!({ "pattern": "map" }));
    let mut lines = vec![
        prompt(3, "look for maps"),
        part(4, 3, "two", &says("I look"), &usage(1)),
        part(5, 4, "two", &grep, &usage(11)),
        result(6, "toolu_2", &json!({})),
        part(7, 6, "three", &says("None"), &usage(17)),
    ];
    for line in &mut lines {
        line["isSidechain"] = json!(true);
        line["agentId"] = json!("a1");
    }
    lines
}

#[test]
fn answers_that_only_progress_lines_hold_are_below_their_call() {
    let session = Session::of(&session());
    let generations = session.generations();
    assert_eq!(
        numbers(&generations, "$ai_output_tokens"),
        [5, 7, 8, 11, 13]
    );
    let events = session.events();
    let call = events
        .iter()
        .find(|it| it["properties"]["$ai_tool_call_id"] == "toolu_1");
    let call = &call.expect("the call has a span")["uuid"];
    let below = generations.iter().filter(|it| it["$ai_parent_id"] == *call);
    assert_eq!(
        numbers(&below.cloned().collect::<Vec<_>>(), "$ai_output_tokens"),
        [11, 13]
    );
    let grep = tools(&events)
        .into_iter()
        .find(|it| it["$ai_span_name"] == "Grep")
        .expect("the subagent's tool has a span");
    assert!(grep["$ai_output_state"].to_string().contains("done"));
    assert!(
        generations
            .iter()
            .all(|it| it["subagent_type"].is_null() || it["subagent_type"] == "Explore")
    );
}

#[test]
fn the_file_of_a_subagent_counts_instead_of_its_progress_lines() {
    let session = Session::of(&session()).with_agent("a1", "", &file());
    let output = numbers(&session.generations(), "$ai_output_tokens");
    assert_eq!(output, [5, 7, 8, 11, 17]);
    // Without the lines.
    let mut alone = self::session();
    alone.retain(|line| line["type"] != "progress");
    let alone = Session::of(&alone).with_agent("a1", "", &file());
    assert_eq!(session.events(), alone.events());
}

#[test]
fn progress_without_a_message_of_a_subagent_is_no_answer() {
    let whole = session();
    for (name, value) in [
        ("agentId", Value::Null),
        ("message", Value::Null),
        ("message", json!("text")),
        ("message", json!({ "type": "progress", "data": {} })),
    ] {
        let mut lines = whole.clone();
        for line in lines.iter_mut().filter(|line| line["type"] == "progress") {
            line["data"][name] = value.clone();
        }
        let output = numbers(&Session::of(&lines).generations(), "$ai_output_tokens");
        assert_eq!(output, [5, 7, 8], "{name}: {value}");
    }
}
