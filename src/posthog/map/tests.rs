//! The tree of events that a session becomes. Each test lists the events as `name < parent`.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::*;
use crate::posthog::{Frozen, Json, Recording, names};
use crate::session::{
    Agent, Asks, Background, Block, CacheCounts, Earlier, InputScope, Lineage, Oddities, Order,
    OutputCount, Parameters, Retries, ToolResult, ToolTime, Trigger, Usage, UsageReport,
};

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
}

/// A complete response with this content.
fn response(id: &str, output: Vec<Block>) -> Generation {
    Generation {
        id: id.to_owned(),
        request: None,
        kind: CallKind::Chat,
        response: None,
        traced: None,
        cache_counts: CacheCounts::Apart,
        is_copy: false,
        model: Some(id.to_owned()),
        provider: Some("anthropic".to_owned()),
        usage: Usage::default(),
        cost: None,
        started_at: at(0),
        timing: Timing::Known,
        first_token_at: None,
        ended_at: at(0),
        retries: Retries::default(),
        stop_reason: None,
        input: Vec::new(),
        whole_input: None,
        begins_anew: false,
        setup: None,
        output,
        parameters: Parameters::default(),
        error: None,
        label: None,
        output_count: OutputCount::Final,
        usage_report: UsageReport::Present,
        complete: true,
        circumstances: Arc::default(),
    }
}

/// A tool call of this name; with a result, if it `returned`.
fn call(name: &str, returned: bool) -> ToolCall {
    let result = ToolResult {
        content: Vec::new(),
        is_error: false,
        returned_at: at(0),
        is_untimed: false,
        duration_ms: None,
        permission: None,
        background: Background::default(),
        web_searches: 0,
        work: crate::session::Work::default(),
    };
    ToolCall {
        id: name.to_owned(),
        name: name.to_owned(),
        input: json!({}),
        called_at: at(0),
        is_untimed: false,
        traced: None,
        asks: Asks::default(),
        order: Order::default(),
        time: ToolTime::default(),
        result: returned.then(|| Arc::new(result)),
        subagents: Vec::new(),
        circumstances: Arc::default(),
    }
}

/// A turn that begins at this minute and is over at once.
fn turn(prompt: &str, minute: i64, generations: Vec<Generation>) -> Turn {
    Turn {
        id: format!("id of {prompt}"),
        trigger: Trigger::Prompt,
        prompt: prompt.to_owned(),
        started_at: at(minute),
        ended_at: at(minute),
        circumstances: Arc::default(),
        generations,
        operations: Vec::new(),
        stray_subagents: Vec::new(),
        shared_wait: TimeDelta::zero(),
        incidents: crate::session::Incidents::default(),
    }
}

fn session(turns: Vec<Turn>) -> Session {
    Session {
        agent: Agent::ClaudeCode,
        id: "session".to_owned(),
        key: "session".to_owned(),
        started_at: at(0),
        ended_at: at(0),
        timing: Timing::Known,
        is_closed: false,
        is_cut_off: false,
        title: None,
        turns,
        whole: None,
        lineage: Lineage::default(),
        statements: Vec::new(),
        earlier: Earlier::default(),
        is_part: false,
        oddities: Oddities::default(),
    }
}

/// A session of two turns, the first with a tool call.
fn two_turns() -> Session {
    let tool = Block::ToolCall(Box::new(call("Read", true)));
    session(vec![
        turn("fix it", 0, vec![response("m1", vec![tool])]),
        turn("thanks", 60, vec![response("m2", Vec::new())]),
    ])
}

fn settings(frozen: Frozen) -> Settings {
    Settings {
        frozen,
        recording: Recording::Full,
        input_scope: InputScope::New,
        agent_name: None,
        purpose: None,
        custom: serde_json::Map::new(),
        repositories: std::collections::BTreeMap::new(),
        work_trees: std::collections::BTreeMap::new(),
    }
}

fn events<'a>(
    session: &'a Session,
    settings: &'a Settings,
    state: SessionState,
    foreign: &Foreign,
) -> Vec<Event<'a>> {
    let mut events = Vec::new();
    map(session, settings, state, foreign, &mut |event| {
        events.push(event);
    });
    events
}

/// The events as `name < name of its parent`, in the order in which they are built.
fn tree(events: &[Event<'_>]) -> Vec<String> {
    let text = |event: &Event<'_>, name| Some(event.properties.get(name)?.as_str()?.to_owned());
    let label =
        |event: &Event<'_>| text(event, names::MODEL).or_else(|| text(event, names::SPAN_NAME));
    let labels: HashMap<_, _> = (events.iter())
        .map(|event| (text(event, names::SPAN_ID), label(event)))
        .collect();
    let line = |event: &Event<'_>| {
        let own = label(event).unwrap_or_default();
        match text(event, names::PARENT_ID) {
            Some(parent) => {
                let parent = labels.get(&Some(parent)).cloned().flatten();
                format!("{own} < {}", parent.unwrap_or("?".to_owned()))
            }
            None => format!("trace {own}"),
        }
    };
    events.iter().map(line).collect()
}

fn ended(session: &Session, frozen: Frozen) -> Vec<String> {
    tree(&events(
        session,
        &settings(frozen),
        SessionState::Ended,
        &Foreign::default(),
    ))
}

fn running(session: &Session) -> Vec<String> {
    let (frozen, foreign) = (Frozen::of_project("shop"), Foreign::default());
    tree(&events(
        session,
        &settings(frozen),
        SessionState::Running,
        &foreign,
    ))
}

#[test]
fn a_session_is_a_trace_of_turns_with_their_calls_and_tools() {
    let tree = ended(&two_turns(), Frozen::of_project("shop"));
    assert_eq!(
        tree,
        [
            "fix it < fix it",
            "m1 < fix it",
            "Read < m1",
            "thanks < fix it",
            "m2 < thanks",
            "trace fix it"
        ]
    );
}

#[test]
fn without_spans_of_turns_calls_are_directly_below_the_trace() {
    let frozen = Frozen {
        turn_spans: false,
        ..Frozen::of_project("shop")
    };
    let tree = ended(&two_turns(), frozen);
    assert_eq!(
        tree,
        ["m1 < fix it", "Read < m1", "m2 < fix it", "trace fix it"]
    );
}

#[test]
fn with_message_grouping_every_turn_is_a_trace() {
    let frozen = Frozen {
        grouping: Grouping::Message,
        ..Frozen::of_project("shop")
    };
    let tree = ended(&two_turns(), frozen);
    assert_eq!(
        tree,
        [
            "trace fix it",
            "m1 < fix it",
            "Read < m1",
            "trace thanks",
            "m2 < thanks"
        ]
    );
}

#[test]
fn a_silence_longer_than_the_window_begins_another_trace() {
    let frozen = Frozen {
        session_window: Some(59),
        ..Frozen::of_project("shop")
    };
    let tree = ended(&two_turns(), frozen);
    assert_eq!(
        tree[3..],
        [
            "thanks < thanks",
            "m2 < thanks",
            "trace fix it",
            "trace thanks"
        ]
    );
}

#[test]
fn the_calls_of_a_subagent_are_below_the_tool_that_started_it() {
    let mut task = call("Task", true);
    task.subagents.push(Subagent {
        id: "a1".to_owned(),
        kind: Some("Explore".to_owned()),
        is_internal: false,
        generations: vec![response("m2", Vec::new())],
    });
    let output = vec![Block::ToolCall(Box::new(task))];
    let tree = ended(
        &session(vec![turn("look", 0, vec![response("m1", output)])]),
        Frozen::of_project("shop"),
    );
    assert_eq!(tree[1..4], ["m1 < look", "Task < m1", "m2 < Task"]);
}

#[test]
fn what_may_change_while_a_session_runs_is_not_sent_yet() {
    let mut session = two_turns();
    let tree = running(&session);
    assert_eq!(
        tree,
        [
            "fix it < fix it",
            "m1 < fix it",
            "Read < m1",
            "m2 < ?",
            "trace fix it"
        ]
    );
    session.turns[1].generations[0].complete = false;
    session.turns[1].generations[0]
        .output
        .push(Block::ToolCall(Box::new(call("Bash", false))));
    assert_eq!(running(&session).len(), 4);
}

#[test]
fn a_call_without_a_result_is_a_failure_once_the_session_ended() {
    let output = vec![Block::ToolCall(Box::new(call("Bash", false)))];
    let session = session(vec![turn("run", 0, vec![response("m1", output)])]);
    let settings = settings(Frozen::of_project("shop"));
    let events = events(
        &session,
        &settings,
        SessionState::Ended,
        &Foreign::default(),
    );
    let tool = events
        .iter()
        .find(|event| event.properties.get(names::UNFINISHED).is_some());
    let tool = &tool.unwrap().properties;
    let is_error = tool.get(names::IS_ERROR).and_then(Json::as_value);
    assert_eq!(is_error, Some(&Value::Bool(true)));
}

#[test]
fn events_of_another_session_are_not_sent_again() {
    let session = two_turns();
    let foreign: Foreign = claims(&session).into_iter().take(2).collect();
    let settings = settings(Frozen::of_project("shop"));
    let events = events(&session, &settings, SessionState::Ended, &foreign);
    assert_eq!(
        tree(&events),
        ["thanks < fix it", "m2 < thanks", "trace fix it"]
    );
}

#[test]
fn a_session_without_turns_has_no_events() {
    assert!(ended(&session(Vec::new()), Frozen::of_project("shop")).is_empty());
}
