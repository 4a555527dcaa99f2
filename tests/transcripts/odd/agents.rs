//! Subagents and the calls that started them.

use serde_json::{Value, json};

use super::{Session, calls, part, prompt, result, says, usage};

/// A call of an agent, in the background, and the agent's own lines.
fn with_agent(launch: &Value) -> (Vec<Value>, Vec<Value>) {
    let input = json!({ "prompt": "look for maps", "subagent_type": "Explore" });
    let main = vec![
        prompt(0, "count the books"),
        part(2, 0, "one", &calls("toolu_1", "Agent", &input), &usage(5)),
        result(9, "toolu_1", launch),
        part(12, 9, "two", &says("Two"), &usage(7)),
        prompt(20, "go on"),
        part(22, 20, "three", &says("Three"), &usage(8)),
    ];
    let mut agent = vec![
        prompt(3, "look for maps"),
        part(4, 3, "four", &says("Four"), &usage(11)),
        part(5, 4, "five", &says("Five"), &usage(13)),
        part(21, 5, "six", &says("Six"), &usage(17)),
    ];
    for line in &mut agent {
        line["isSidechain"] = json!(true);
        line["agentId"] = json!("a1");
    }
    (main, agent)
}

/// Number of generations of the agent, and of those below its call.
fn under_call(session: &Session) -> (usize, usize) {
    let generations = session.generations();
    let events = session.events();
    let spans = events
        .iter()
        .filter(|it| it["properties"]["$ai_tool_call_id"] == "toolu_1");
    let call = spans
        .map(|it| &it["uuid"])
        .next()
        .expect("the call has a span");
    let of_agent = generations
        .iter()
        .filter(|it| it["$ai_output_tokens"].as_u64() > Some(10));
    let below = of_agent.clone().filter(|it| it["$ai_parent_id"] == *call);
    (of_agent.count(), below.count())
}

#[test]
fn an_agent_is_below_its_call_by_whatever_fact_names_it() {
    let launched = json!({ "agentId": "a1", "status": "async_launched" });
    let nothing = json!({});
    let named = r#"{"toolUseId":"toolu_1"}"#;
    for (meta, launch) in [
        (named, &launched),
        (named, &nothing),
        ("", &launched),
        ("", &nothing),
        (r#"{"agentType":7,"toolUseId":"toolu_1"}"#, &nothing),
        (
            r#"{"agentType":"a","agentType":"b","toolUseId":"toolu_1"}"#,
            &nothing,
        ),
        (r#"{"agentType":["Explore"],"toolUseId":null}"#, &nothing),
    ] {
        let (main, agent) = with_agent(launch);
        let session = Session::of(&main).with_agent("a1", meta, &agent);
        assert_eq!(under_call(&session), (3, 3), "{meta} {launch}");
    }
}

#[test]
fn an_agent_with_an_ambiguous_prompt_waits_for_the_line_that_names_its_call() {
    let launched = json!({ "agentId": "a1", "status": "async_launched" });
    let (main, mut agent) = with_agent(&launched);
    agent[0]["message"]["content"] = json!("in other words");
    let session = Session::of(&main).with_agent("a1", "", &agent);
    assert_eq!(under_call(&session), (3, 3));
}

#[test]
fn two_agents_with_one_prompt_hang_under_one_call_each() {
    let input = json!({ "prompt": "look for maps" });
    let (mut main, agent) = with_agent(&json!({}));
    main.insert(
        2,
        part(3, 0, "one", &calls("toolu_2", "Agent", &input), &usage(5)),
    );
    main[2]["uuid"] = json!("line-2b");
    let other: Vec<Value> = agent
        .iter()
        .cloned()
        .map(|mut line| {
            line["agentId"] = json!("a2");
            line["uuid"] = json!(format!(
                "other-{}",
                line["uuid"].as_str().unwrap_or_default()
            ));
            if let Some(id) = line["message"]["id"].as_str().map(|id| format!("{id}_b")) {
                line["message"]["id"] = json!(id);
                line["requestId"] = json!(format!("{id}_r"));
            }
            line
        })
        .collect();
    main.insert(4, result(10, "toolu_2", &json!({ "agentId": "a1" })));
    let session = Session::of(&main)
        .with_agent("a1", "", &agent)
        .with_agent("a2", "", &other);
    let events = session.events();
    for call in ["toolu_1", "toolu_2"] {
        let mut spans = events
            .iter()
            .filter(|it| it["properties"]["$ai_tool_call_id"] == call);
        let span = spans.next().expect("the call has a span");
        let below = events
            .iter()
            .filter(|it| it["properties"]["$ai_parent_id"] == span["uuid"]);
        assert_eq!(below.count(), 3, "{call}");
    }
}
