//! Calls that the transcript of a coding agent and a trace both report are counted once.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::complaints::chat;
use super::traces::{request, span, with};
use crate::support::env::{API_KEY, TestEnv};
use crate::support::scene::Scene;
use crate::support::session::Session;

/// A response id in the form that providers draw at random.
const DRAWN: &str = "msg_01XFDUDYJgAACzvnptvVoYEL";

/// A trace of Claude Code in one of its sessions.
fn of_claude_code(session: &str) -> Value {
    let own =
        json!({ "session.id": session, "span.type": "llm_request", "gen_ai.response.id": "req_1" });
    let call = span("1", "claude_code.llm_request", (0, 9), &chat(&own));
    request("claude-code", "com.anthropic.claude_code.tracing", &[call])
}

fn of_application(extra: &Value) -> Value {
    let attributes = with(chat(&json!({})), extra);
    request("shop", "x", &[span("1", "chat", (0, 9), &attributes)])
}

fn file(env: &TestEnv, request: &Value) -> PathBuf {
    env.write("traces/requests.jsonl", request.to_string())
}

/// Number of calls in the events of these sessions, and the program's messages.
#[track_caller]
fn calls(env: &TestEnv, sessions: &[&PathBuf]) -> (usize, String) {
    let arguments = ["ingest", "--output", "-"].into_iter().map(PathBuf::from);
    let arguments = arguments.chain(sessions.iter().map(|it| (*it).clone()));
    let outcome = env.run(arguments).success();
    let events = outcome.stdout.lines();
    let events = events.map(|it| serde_json::from_str::<Value>(it).expect("it is JSON"));
    let calls = events.filter(|it| it["event"] == "$ai_generation").count();
    (calls, outcome.stderr)
}

#[test]
fn a_trace_of_an_agent_whose_own_sessions_are_sent_is_left_alone_and_that_is_said() {
    let env = TestEnv::new();
    let trace = file(&env, &of_claude_code("s"));
    let switched = |value| {
        let command = env.command(["ingest", "--dry-run"]).argument(&trace);
        let command = command.env("POSTHOG_API_KEY", API_KEY);
        command
            .env("POSTHOG_LLMA_CC_ENABLED", value)
            .run()
            .success()
    };
    let on = switched("true");
    assert!(on.stdout.contains("0 sessions, 0 events"), "{}", on.stdout);
    on.complains("Claude Code sends its sessions itself");
    let off = switched("false");
    assert!(off.stdout.contains("1 session, 2 events"), "{}", off.stdout);
}

#[test]
fn a_trace_of_a_session_whose_transcript_is_read_too_adds_nothing() {
    let env = TestEnv::new();
    let session = Session::write(&env, 1, 1);
    let (alone, _) = calls(&env, &[&session.path]);
    let same = file(&env, &of_claude_code(&session.id));
    let (both, said) = calls(&env, &[&same, &session.path]);
    assert_eq!(both, alone, "{said}");
    assert!(said.contains("which was read already"), "{said}");
    let other = file(&env, &of_claude_code("another"));
    let (both, _) = calls(&env, &[&other, &session.path]);
    assert_eq!(both, alone + 1);
}

#[test]
fn a_trace_of_a_session_that_was_sent_before_adds_nothing() {
    let scene = Scene::on(|env| env.without("POSTHOG_LLMA_CC_ENABLED"));
    let session = Session::write(&scene.env, 1, 1);
    let ingest = |path: &PathBuf| scene.env.command(["ingest"]).argument(path).run().success();
    ingest(&session.path);
    let before = scene.posthog.events().len();
    let trace = file(&scene.env, &of_claude_code(&session.id));
    let sent = ingest(&trace);
    assert_eq!(scene.posthog.events().len(), before, "{}", sent.stdout);
}

#[test]
fn a_call_that_a_transcript_holds_too_is_counted_once_if_its_id_was_drawn() {
    let env = TestEnv::new();
    let session = Session::write(&env, 1, 1);
    let transcript = fs::read_to_string(&session.path).expect("it is there");
    let (alone, _) = calls(&env, &[&session.path]);
    let mut ids = transcript.split("\"msg_").skip(1);
    let id = ids.find_map(|it| it.split('"').next());
    let own = format!("msg_{}", id.expect("a response has an id"));
    for (id, added) in [(DRAWN, 0), (own.as_str(), 1)] {
        // A gateway could give every response an id like `msg_7`.
        fs::write(&session.path, transcript.replace(&own, id)).expect("it is ours");
        let trace = file(&env, &of_application(&json!({ "gen_ai.response.id": id })));
        for paths in [[&trace, &session.path], [&session.path, &trace]] {
            let (both, said) = calls(&env, &paths);
            assert_eq!(both, alone + added, "{id} {said}");
        }
    }
}

/// A transcript of Claude Code, and a response and a tool in it.
fn transcript_of_claude_code(env: &TestEnv) -> (PathBuf, [String; 2]) {
    let session = Session::write(env, 1, 1);
    let text = fs::read_to_string(&session.path).expect("it is there");
    let id = |beginning: &str| {
        let after = text.split(beginning).nth(1).expect("there is one");
        let rest = after.split('"').next().expect("text after the quote");
        format!("{}{rest}", &beginning[1..])
    };
    (session.path, [id("\"msg_"), id("\"toolu_")])
}

/// The same of Pi.
fn transcript_of_pi(env: &TestEnv) -> (PathBuf, [String; 2]) {
    let name = "2026-03-02T09-05-00-000Z_00000104-0000-7000-8000-000000000000.jsonl";
    let fixtures = "fixtures/pi/--home-ada-bookshop--";
    let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(fixtures);
    let text = fs::read_to_string(fixtures.join(name)).expect("a fixture");
    let path = env.write(format!("pi/{name}"), text);
    (path, ["msg_pi_tree1", "toolu_pi_slow"].map(str::to_owned))
}

#[test]
fn a_call_in_a_trace_and_in_a_transcript_is_counted_once_whichever_is_sent_first() {
    const TOOL: &str = "toolu_01HqFDUDYJgAACzvnptvVoYE";
    let asked = json!([{ "role": "assistant", "parts": [
        { "type": "tool_call", "id": TOOL, "name": "bash", "arguments": {} },
    ] }]);
    let marks = [
        (DRAWN, json!({ "gen_ai.response.id": DRAWN })),
        // Gateways give responses their own ids, and pass on the ids of tools.
        (
            TOOL,
            json!({ "gen_ai.response.id": "gen-1", "gen_ai.output.messages": asked }),
        ),
    ];
    for transcript in [transcript_of_claude_code, transcript_of_pi] {
        for (place, (mark, attributes)) in marks.iter().enumerate() {
            let both = [true, false].map(|is_trace_first| {
                let scene = Scene::on(|env| env.without("POSTHOG_LLMA_CC_ENABLED"));
                let (path, ids) = transcript(&scene.env);
                let text = fs::read_to_string(&path).expect("it is there");
                fs::write(&path, text.replace(&ids[place], mark)).expect("it is ours");
                let trace = file(&scene.env, &of_application(attributes));
                let mut order = [&path, &trace];
                if is_trace_first {
                    order.reverse();
                }
                for path in order {
                    scene.env.command(["ingest"]).argument(path).run().success();
                }
                scene.posthog.named("$ai_generation").len()
            });
            let alone = {
                let scene = Scene::on(|env| env.without("POSTHOG_LLMA_CC_ENABLED"));
                let (path, _) = transcript(&scene.env);
                scene.env.command(["ingest"]).argument(path).run().success();
                scene.posthog.named("$ai_generation").len()
            };
            assert_eq!(both, [alone; 2], "{mark}");
        }
    }
}

/// The request ids of a transcript, in the form in which Anthropic draws them.
fn with_drawn_requests(session: &Session) -> Vec<String> {
    let transcript = fs::read_to_string(&session.path).expect("it is there");
    let ids = transcript.split("\"req_").skip(1);
    let mut ids: Vec<&str> = ids.filter_map(|it| it.split('"').next()).collect();
    ids.dedup();
    let drawn = |id: &str| format!("req_011CSHoEeqs5C35K2UUqR{id}");
    let mut changed = transcript.clone();
    for id in &ids {
        changed = changed.replace(&format!("\"req_{id}\""), &format!("\"{}\"", drawn(id)));
    }
    fs::write(&session.path, changed).expect("it is ours");
    ids.into_iter().map(drawn).collect()
}

#[test]
fn a_call_that_telemetry_of_claude_code_reported_before_its_transcript_is_counted_once() {
    let scene = Scene::on(|env| env.without("POSTHOG_LLMA_CC_ENABLED"));
    let session = Session::write(&scene.env, 1, 2);
    let requests = with_drawn_requests(&session);
    assert_eq!(requests.len(), 4, "two turns of two calls: {requests:?}");
    let ingest = |path: &PathBuf| scene.env.command(["ingest"]).argument(path).run().success();
    let spans: Vec<Value> = requests[..3]
        .iter()
        .zip(1..)
        .map(|(request, number)| {
            let own = json!({ "session.id": session.id, "span.type": "llm_request",
                "request_id": request, "gen_ai.response.id": request });
            let times = (number * 10, number * 10 + 9);
            span(
                &number.to_string(),
                "claude_code.llm_request",
                times,
                &chat(&own),
            )
        })
        .collect();
    let trace = request("claude-code", "com.anthropic.claude_code.tracing", &spans);
    ingest(&file(&scene.env, &trace));
    ingest(&session.path);
    let calls = |events: &[Value]| {
        let calls = events.iter().filter(|it| it["event"] == "$ai_generation");
        calls.count()
    };
    let events = scene.posthog.merged();
    assert_eq!(calls(&events), 4, "the fourth is in the transcript alone");
    let tools = events
        .iter()
        .filter(|it| it["properties"]["$ai_span_type"] == "tool");
    assert_eq!(tools.count(), 0, "those of the reported calls are theirs");
    ingest(&file(&scene.env, &trace));
    assert_eq!(calls(&scene.posthog.merged()), 4);
}

#[test]
fn codex_and_gemini_cli_are_read_like_any_application() {
    let env = TestEnv::new();
    for (service, scope) in [
        ("codex_exec", "codex_exec"),
        ("gemini-cli", "gemini-cli"),
        ("github-copilot", "github.copilot"),
    ] {
        let call = span("1", "chat", (0, 9), &chat(&json!({})));
        let trace = file(&env, &request(service, scope, &[call]));
        assert_eq!(calls(&env, &[&trace]).0, 1, "{service}");
    }
}

#[test]
fn a_span_that_arrives_later_is_added_and_nothing_is_sent_again() {
    let scene = Scene::on(|env| env);
    let call = |ids: &str, name: &str, times| span(ids, name, times, &chat(&json!({})));
    let agent = json!({ "gen_ai.operation.name": "invoke_agent" });
    let first = [
        call("2<1", "first", (1, 9)),
        span("1", "agent", (0, 99), &agent),
    ];
    let folder = scene.env.root().join("traces");
    let send = |name: &str, spans: &[Value]| {
        let requests = request("shop", "x", spans).to_string();
        scene.env.write(format!("traces/{name}"), requests);
        let before = scene.posthog.events().len();
        scene
            .env
            .command(["ingest"])
            .argument(&folder)
            .run()
            .success();
        let events = scene.posthog.events().split_off(before);
        let name = |it: &Value| {
            it["properties"]["$ai_span_name"]
                .as_str()
                .map(str::to_owned)
        };
        let mut names: Vec<_> = events.iter().filter_map(name).collect();
        names.sort_unstable();
        let trace = events.iter().find(|it| it["event"] == "$ai_trace");
        let tokens = trace.map(|it| it["properties"]["$ai_total_output_tokens"].clone());
        (names, tokens)
    };
    let late = [call("3<1", "late", (100, 110))];
    let names = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        send("a.jsonl", &first),
        (names(&["agent", "first"]), Some(json!(3)))
    );
    assert_eq!(
        send("b.jsonl", &late),
        (names(&["agent", "late"]), Some(json!(6)))
    );
    assert_eq!(send("c.jsonl", &late), (names(&[]), None));
}
