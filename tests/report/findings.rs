//! `--findings`: work that bought nothing, found by rule.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::report;
use crate::support::env::TestEnv;
use crate::support::posthog::PostHog;
use crate::support::shared::shared_or_skip;

/// A transcript that is written line by line.
struct Lines<'a> {
    env: &'a TestEnv,
    text: String,
    count: u32,
}

/// Tokens of a call: input, output, read from the cache, written for five minutes, written for an
/// hour.
type Tokens = [u64; 5];

const SMALL: Tokens = [3, 10, 0, 0, 0];

impl<'a> Lines<'a> {
    fn new(env: &'a TestEnv) -> Self {
        Self {
            env,
            text: String::new(),
            count: 0,
        }
    }

    fn line(&mut self, minute: u32, mut line: Value) {
        let number = self.count;
        self.count += 1;
        line["uuid"] = json!(format!("line-{number}"));
        if number > 0 {
            line["parentUuid"] = json!(format!("line-{}", number - 1));
        }
        line["sessionId"] = json!("00000000-0000-4000-8000-000000000001");
        line["cwd"] = json!(self.env.project());
        line["version"] = json!("2.1.100");
        let (hour, minute, second) = (9 + minute / 60, minute % 60, number % 60);
        line["timestamp"] = json!(format!("2026-03-02T{hour:02}:{minute:02}:{second:02}.000Z"));
        let _ = writeln!(self.text, "{line}");
    }

    fn prompt(&mut self, minute: u32) {
        self.line(
            minute,
            json!({
                "type": "user", "message": { "role": "user", "content": "go on" },
            }),
        );
    }

    fn call(&mut self, minute: u32, tokens: Tokens, content: &Value) {
        let number = self.count;
        let [input, output, read, five_minutes, hour] = tokens;
        self.line(
            minute,
            json!({
                "type": "assistant", "requestId": format!("req_{number}"),
                "message": {
                    "id": format!("msg_{number}"), "type": "message", "role": "assistant",
                    "model": "claude-opus-4-8", "stop_reason": "end_turn", "content": [content],
                    "usage": {
                        "input_tokens": input, "output_tokens": output,
                        "cache_read_input_tokens": read,
                        "cache_creation_input_tokens": five_minutes + hour,
                        "cache_creation": {
                            "ephemeral_5m_input_tokens": five_minutes,
                            "ephemeral_1h_input_tokens": hour,
                        },
                    },
                },
            }),
        );
    }

    /// Adds a summary, which replaces the conversation so far.
    fn summary(&mut self) {
        self.line(
            0,
            json!({
                "type": "user", "isCompactSummary": true,
                "message": { "role": "user", "content": "what was said so far" },
            }),
        );
    }

    fn answer(&mut self, minute: u32, tokens: Tokens) {
        self.call(minute, tokens, &json!({ "type": "text", "text": "done" }));
    }

    fn tool(&mut self, name: &str, input: &Value, result: &str, is_error: bool) {
        let id = format!("toolu_{}", self.count);
        let call = json!({ "type": "tool_use", "id": id, "name": name, "input": input });
        self.call(0, SMALL, &call);
        self.line(0, json!({
            "type": "user",
            "message": { "role": "user", "content": [{
                "type": "tool_result", "tool_use_id": id, "content": result, "is_error": is_error,
            }] },
        }));
    }

    /// The findings: kind, number and tokens.
    #[track_caller]
    fn found(self) -> Vec<(String, u64, u64)> {
        let id = "00000000-0000-4000-8000-000000000001";
        self.env
            .write(format!("home/.claude/projects/p/{id}.jsonl"), self.text);
        let report = report(self.env, &["--findings"]);
        let findings = report["findings"].as_array().expect("a list");
        let mut found: Vec<_> = findings
            .iter()
            .map(|it| {
                let number = |name: &str| it[name].as_u64().unwrap_or(0);
                let kind = it["kind"].as_str().unwrap_or_default().to_owned();
                (kind, number("count"), number("tokens"))
            })
            .collect();
        found.sort();
        found
    }
}

fn one(kind: &str, tokens: u64) -> Vec<(String, u64, u64)> {
    vec![(kind.to_owned(), 1, tokens)]
}

/// A step: tool, input, result, whether it failed.
type Step = (&'static str, &'static str, &'static str, bool);

#[test]
fn a_tool_that_fails_again_in_the_same_way_is_found() {
    let edit = ("Edit", "a.rs", "not found in file", true);
    for (steps, is_found) in [
        (vec![edit, edit], true),
        (vec![edit, ("Grep", "a.rs", "nothing", false), edit], true),
        // Other work in between may have removed the cause.
        (vec![edit, ("Bash", "fmt", "done", false), edit], false),
        (vec![edit, ("Edit", "a.rs", "modified since", true)], false),
        (
            vec![edit, ("Edit", "b.rs", "not found in file", true)],
            false,
        ),
        (vec![edit, ("Edit", "a.rs", "done", false)], false),
    ] {
        let steps: Vec<Step> = steps;
        let env = TestEnv::new();
        let mut lines = Lines::new(&env);
        lines.prompt(0);
        for (name, input, result, is_error) in &steps {
            lines.tool(name, &json!({ "file_path": input }), result, *is_error);
        }
        lines.answer(0, SMALL);
        let expected = if is_found {
            one("retried_tool", 13)
        } else {
            vec![]
        };
        assert_eq!(lines.found(), expected, "{steps:?}");
    }
}

#[test]
fn a_file_that_is_read_again_unchanged_is_found() {
    let text = "a line of the file\n".repeat(40);
    let read = |content: String| ("Read", content, false);
    let edit = |is_error| ("Edit", "of the file".to_owned(), is_error);
    for (steps, is_found) in [
        (vec![read(text.clone()), read(text.clone())], true),
        (
            vec![read(text.clone()), read(text.replace("line", "word"))],
            false,
        ),
        // A failed edit is a reason to read again.
        (
            vec![read(text.clone()), edit(true), read(text.clone())],
            false,
        ),
        (
            vec![read("short".to_owned()), read("short".to_owned())],
            false,
        ),
    ] {
        let env = TestEnv::new();
        let mut lines = Lines::new(&env);
        lines.prompt(0);
        for (name, content, is_error) in &steps {
            lines.tool(name, &json!({ "file_path": "a.rs" }), content, *is_error);
        }
        lines.answer(0, SMALL);
        let expected = if is_found {
            one("repeated_read", 190)
        } else {
            vec![]
        };
        assert_eq!(lines.found(), expected, "{steps:?}");
    }
}

#[test]
fn a_cache_that_a_pause_outlasted_is_found() {
    let again = [3, 10, 0, 21_000, 0];
    let again_for_long = [3, 10, 0, 0, 21_000];
    for (first, minutes, second, is_found) in [
        ([3, 10, 0, 20_000, 0], 10, again, true),
        ([3, 10, 0, 20_000, 0], 3, again, false),
        ([3, 10, 0, 0, 20_000], 10, again_for_long, false),
        ([3, 10, 0, 0, 20_000], 70, again_for_long, true),
        // The cache was still there.
        ([3, 10, 0, 20_000, 0], 10, [3, 10, 20_000, 1_000, 0], false),
        // Another conversation.
        ([3, 10, 0, 20_000, 0], 10, [3, 10, 0, 9_000, 0], false),
    ] {
        let env = TestEnv::new();
        let mut lines = Lines::new(&env);
        lines.prompt(0);
        lines.answer(0, first);
        lines.prompt(minutes);
        lines.answer(minutes, second);
        let expected = if is_found {
            one("lost_cache", 20_003)
        } else {
            vec![]
        };
        assert_eq!(lines.found(), expected, "{first:?} {minutes} {second:?}");
    }
}

#[test]
fn a_conversation_that_only_grew_until_it_was_compacted_is_found() {
    let [small, large] = [[3, 10, 0, 20_000, 0], [3, 10, 0, 120_000, 0]];
    for (before, is_found) in [
        (vec![small, large], true),
        (vec![large, large], true),
        // The context had shrunk before.
        (vec![large, small, large], false),
        (vec![[3, 10, 0, 130_000, 0], large], false),
        (vec![small, small], false),
    ] {
        let env = TestEnv::new();
        let mut lines = Lines::new(&env);
        lines.prompt(0);
        for tokens in &before {
            lines.answer(0, *tokens);
        }
        lines.summary();
        lines.answer(0, small);
        let expected = if is_found {
            one("grown_context", 120_003)
        } else {
            vec![]
        };
        assert_eq!(lines.found(), expected, "{before:?}");
    }
}

#[test]
fn a_tool_that_was_offered_ten_times_and_never_used_is_found() {
    // A definition of exactly 100 bytes is estimated at 25 tokens.
    let definition = |name: &str| {
        let empty = json!({ "name": name, "description": "", "input_schema": {} });
        let missing = 100 - empty.to_string().len();
        json!({ "name": name, "description": "x".repeat(missing), "input_schema": {} })
    };
    let deferred = |name: &str| {
        let mut tool = definition(name);
        tool["defer_loading"] = json!(true);
        tool
    };
    let server = json!({ "type": "web_search_20250305", "name": "web_search" });
    for (tools, calls, found) in [
        (vec![definition("Map")], 10, Some((1, 250))),
        (
            vec![definition("Map"), definition("Lens")],
            12,
            Some((2, 600)),
        ),
        (vec![definition("Map")], 9, None),
        (vec![definition("Read")], 12, None),
        (vec![deferred("Map"), server], 12, None),
    ] {
        let env = TestEnv::new();
        let mut lines = Lines::new(&env);
        lines.line(0, json!({
            "type": "attachment",
            "attachment": { "type": "prompt_snapshot", "systemPrompt": ["be brief"], "tools": tools },
        }));
        lines.prompt(0);
        lines.tool("Read", &json!({ "file_path": "a.rs" }), "short", false);
        for _ in 1..calls {
            lines.answer(0, SMALL);
        }
        let expected = found.map(|(count, tokens)| ("unused_tool".to_owned(), count, tokens));
        let expected: Vec<_> = expected.into_iter().collect();
        assert_eq!(lines.found(), expected, "{tools:?} {calls}");
    }
}

#[test]
fn findings_are_on_the_trace_and_on_the_terminal() {
    let posthog = PostHog::start();
    let env = TestEnv::sending_to(&posthog);
    let mut lines = Lines::new(&env);
    lines.prompt(0);
    lines.answer(0, [3, 10, 0, 20_000, 0]);
    lines.prompt(10);
    lines.answer(10, [3, 10, 0, 21_000, 0]);
    assert_eq!(lines.found(), one("lost_cache", 20_003));
    env.run(["ingest", "--all", "--yes"]).success();
    let traces = posthog.named("$ai_trace");
    let properties = &traces[0]["properties"];
    assert_eq!(properties["findings"], json!(["lost_cache"]));
    for (name, expected) in [
        ("finding_count", 1),
        ("finding_tokens", 20_003),
        ("lost_cache_count", 1),
        ("lost_cache_tokens", 20_003),
    ] {
        assert_eq!(properties[name], expected, "{name}");
    }
    let run = env.run(["report", "--findings"]).success();
    run.says("1 conversations sent again, since a pause outlasted the cache: 20k tokens");
}

#[test]
fn the_findings_in_the_public_sessions_are_those_that_were_looked_at() {
    let root = shared_or_skip("POSTHOG_LLMA_TRANSCRIPTS", "transcripts", "");
    let Some(root) = root else { return };
    let env = TestEnv::new();
    let report = report(&env, &[&root.to_string_lossy(), "--findings"]);
    let findings = report["findings"].as_array().expect("a list");
    let of = |kind: &str| {
        let found = findings.iter().find(|it| it["kind"] == kind);
        found.and_then(|it| it["count"].as_u64()).unwrap_or(0)
    };
    let kinds = [
        "retried_tool",
        "repeated_read",
        "lost_cache",
        "failed_turn",
        "grown_context",
        "unused_tool",
    ];
    assert_eq!(kinds.map(of), [6, 10, 74, 5, 7, 0]);
}
