//! Changes around a session: its folder, its work tree, its agent.

use std::process::Command;

use serde_json::Value;

use super::claude::Claude;
use super::{SOON, posthog_and_claude};
use crate::support::posthog::PostHog;

/// The values of a property of the calls of a model, in the order of the calls.
fn of_calls(posthog: &PostHog, name: &str) -> Vec<Value> {
    let mut calls = posthog.named("$ai_generation");
    calls.sort_by_key(|call| call["timestamp"].to_string());
    let values = calls.iter().map(|call| call["properties"][name].clone());
    values.collect()
}

fn git(claude: &Claude, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]);
    command.args(arguments);
    let done = claude.prepare(command).output().expect("git runs");
    assert!(done.status.success(), "{done:?}");
}

#[test]
fn a_work_tree_belongs_to_its_project() {
    let Some((posthog, claude)) = posthog_and_claude() else {
        return;
    };
    git(&claude, &["init", "-b", "main"]);
    git(&claude, &["add", "."]);
    git(&claude, &["commit", "-m", "first"]);
    claude
        .claude(["-p", "--worktree", "forecast", "hello"])
        .run()
        .success();
    assert_eq!(of_calls(&posthog, "$ai_project_name"), ["project"]);
    assert_eq!(of_calls(&posthog, "worktree"), ["forecast"]);
}

#[test]
fn the_agent_that_the_user_chose_is_told() {
    let Some((posthog, claude)) = posthog_and_claude() else {
        return;
    };
    claude.write(
        "project/.claude/agents/reviewer.md",
        "---\nname: reviewer\ndescription: Reads changes\n---\nRead what was changed.\n",
    );
    claude
        .claude(["-p", "--agent", "reviewer", "hello"])
        .run()
        .success();
    assert_eq!(of_calls(&posthog, "claude_code_agent"), ["reviewer"]);
}

#[test]
fn a_session_that_moves_to_another_folder_is_told_where_it_was() {
    let Some((posthog, claude)) = posthog_and_claude() else {
        return;
    };
    claude.write("project/api/notes.md", "# Notes\n");
    let is_turn_done = |line: &Value| line["subtype"] == "turn_duration";
    let mut terminal = claude.open(&["hello"]);
    claude.wait_for_line(SOON, is_turn_done);
    terminal.press("/color blue\r");
    claude.wait_for_line(SOON, |line| line["type"] == "agent-color");
    terminal.press("/cd api\r");
    claude.wait_for_line(SOON, |line| line["type"] == "relocated");
    terminal.press("and once more\r");
    claude.wait_for_line(SOON, |line| {
        line["type"] == "assistant" && line.to_string().contains("and once more")
    });
    terminal.terminate();
    posthog.wait_until(SOON, |events| {
        events.iter().any(|event| event["event"] == "$ai_trace")
    });
    assert_eq!(of_calls(&posthog, "$ai_session_id").len(), 2);
    assert_eq!(
        of_calls(&posthog, "$ai_project_name"),
        ["project", "project"]
    );
    let traces = posthog.named("$ai_trace");
    assert_eq!(traces.len(), 1, "{traces:?}");
    let unknown = &traces[0]["properties"]["unknown_line_count"];
    assert_eq!(*unknown, Value::Null, "every line is of a known type");
}
