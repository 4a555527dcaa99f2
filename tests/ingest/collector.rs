//! `--otlp`: a collector gets a span for every event, and these spans give the same figures again.

use std::collections::BTreeSet;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::{env, fs};

use flate2::read::GzDecoder;
use posthog_llma::otlp::{self, Encoding, Signal, Span, StatusCode, Telemetry};
use posthog_llma::sources;
use serde_json::{Value, json};

use crate::support::env::{Outcome, Run, TestEnv};
use crate::support::http::{Head, Server};
use crate::support::session::Session;

/// Variable with a Python that has `tests/otel/python/requirements.txt`.
const PYTHON: &str = "POSTHOG_LLMA_OTEL_PYTHON";
const READER: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/otel/python/read_request.py"
);
/// An answer in protobuf with which a collector rejects two spans.
const PARTIAL: &[u8] = b"\x0a\x08\x08\x02\x12\x04full";

/// An answer of a collector.
#[derive(Clone)]
struct Answer {
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    body: Vec<u8>,
}

impl Answer {
    fn of(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![],
            body: body.into(),
        }
    }
}

/// A request and its body.
type Kept = (Head, Vec<u8>);

/// A collector that records its requests.
struct Collector {
    server: Server,
    requests: Arc<Mutex<Vec<Kept>>>,
}

impl Collector {
    /// A collector that accepts everything.
    fn start() -> Self {
        Self::answering(vec![])
    }

    /// A collector that gives these answers first.
    fn answering(mut answers: Vec<Answer>) -> Self {
        answers.reverse();
        let answers = Mutex::new(answers);
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&requests);
        let server = Server::start(move |head, connection| {
            let body = connection.read_body(64 << 20)?;
            let mut inflated = Vec::new();
            GzDecoder::new(body.as_slice()).read_to_end(&mut inflated)?;
            lock(&kept).push((head.clone(), inflated));
            let answer = lock(&answers).pop().unwrap_or(Answer::of(200, ""));
            connection.respond(answer.status, &answer.headers, &answer.body)
        });
        Self { server, requests }
    }

    fn requests(&self) -> Vec<Kept> {
        lock(&self.requests).clone()
    }

    fn spans(&self) -> Vec<Span> {
        let bodies = self.requests().into_iter().map(|(_, body)| body);
        decode(&bodies.collect::<Vec<_>>().concat()).spans
    }

    fn ingest(&self, env: &TestEnv, what: impl AsRef<Path>) -> Outcome {
        let run = env.command(["ingest", "--otlp", &self.server.url()]);
        run.argument(what.as_ref()).run()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn decode(body: &[u8]) -> Telemetry {
    let limits = otlp::Limits::default();
    let telemetry = otlp::decode(body, Encoding::Protobuf, Signal::Traces, &limits);
    let telemetry = telemetry.expect("it is a request");
    assert_eq!(telemetry.losses, otlp::Losses::default());
    telemetry
}

fn fixtures() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let found = sources::below(&root).found;
    found.into_iter().map(|it| it.locator.path()).collect()
}

fn events(env: &TestEnv, what: &Path) -> Vec<Value> {
    let run = env.command(["ingest", "--output", "-"]).argument(what);
    let stdout = run.run().stdout;
    let events = stdout.lines().map(serde_json::from_str);
    events.collect::<Result<_, _>>().expect("they are JSON")
}

#[test]
fn a_collector_gets_a_span_for_every_event_with_ids_of_its_own() {
    let env = TestEnv::new();
    for fixture in fixtures() {
        let collector = Collector::start();
        collector.ingest(&env, &fixture);
        let spans = collector.spans();
        let events = events(&env, &fixture);
        assert_eq!(spans.len(), events.len(), "{}", fixture.display());
        let ids: BTreeSet<_> = spans.iter().map(|it| (it.trace_id, it.span_id)).collect();
        assert_eq!(ids.len(), spans.len(), "{}", fixture.display());
        for span in &spans {
            assert!(span.end >= span.start, "{span:?}");
            let parent = span.parent_span_id.map(|it| (span.trace_id, it));
            let has_trace = spans.iter().any(|it| it.parent_span_id.is_none());
            // The trace of a running session may not be sent yet.
            assert!(parent.is_none_or(|it| ids.contains(&it)) || !has_trace);
        }
        let again = Collector::start();
        again.ingest(&env, &fixture);
        let ids_again = again.spans();
        let ids_again = ids_again.iter().map(|it| (it.trace_id, it.span_id));
        assert_eq!(ids_again.collect::<BTreeSet<_>>(), ids);
    }
}

/// Model, tokens without cached ones, and cost of each call.
fn figures(events: &[Value]) -> Vec<String> {
    let calls = events.iter().filter(|it| it["event"] == "$ai_generation");
    let mut figures: Vec<String> = calls
        .map(|it| {
            let p = &it["properties"];
            let count = |name: &str| p[name].as_i64().unwrap_or(0);
            let cached = count("$ai_cache_read_input_tokens");
            let written = count("$ai_cache_creation_input_tokens");
            let is_exclusive = p["$ai_cache_reporting_exclusive"] == true;
            let inclusive = if is_exclusive { cached + written } else { 0 };
            json!({
                "model": p["$ai_model"],
                "input": count("$ai_input_tokens") + inclusive,
                "output": count("$ai_output_tokens"),
                "reasoning": count("$ai_reasoning_tokens"),
                "cached": cached,
                "written": written,
                "written for an hour": count("$ai_cache_creation_1h_input_tokens"),
                "searches": count("$ai_web_search_count"),
                "cost": p["$ai_total_cost_usd"],
                "failed": p["$ai_is_error"],
                // A span must have a length: an unknown one is 0.
                "latency": p["$ai_latency"].as_f64().unwrap_or(0.0),
            })
            .to_string()
        })
        .collect();
    figures.sort();
    figures
}

#[test]
fn what_was_sent_read_again_has_the_same_tokens_costs_and_times() {
    for fixture in fixtures() {
        let env = TestEnv::new();
        let collector = Collector::start();
        collector.ingest(&env, &fixture);
        let bodies = collector.requests().into_iter().map(|(_, body)| body);
        let body: Vec<u8> = bodies.collect::<Vec<_>>().concat();
        let sent = events(&env, &fixture);
        if body.is_empty() {
            assert!(sent.is_empty());
            continue;
        }
        let file = env.write("traces/sent.binpb", body);
        let read = events(&env, &file);
        let shown = fixture.display();
        pretty(&figures(&read), &figures(&sent), &shown.to_string());
    }
}

#[track_caller]
fn pretty(found: &[String], expected: &[String], what: &str) {
    let [found, expected] = [found, expected].map(|it| it.join("\n"));
    assert!(
        found == expected,
        "{what}\nfound\n{found}\nexpected\n{expected}"
    );
}

#[test]
fn conventions_name_what_each_span_is() {
    let env = TestEnv::new();
    let collector = Collector::start();
    let mut fixtures = fixtures().into_iter();
    let fixture = fixtures.find(|it| {
        let name = it.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("00000002")
    });
    collector.ingest(&env, fixture.expect("it is there"));
    let spans = collector.spans();
    let mut names: Vec<&str> = spans.iter().map(|it| it.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "chat claude-sonnet-4-5",
            "chat claude-sonnet-4-5",
            "execute_tool Bash",
            "execute_tool Read",
            "invoke_agent bookshop",
            "invoke_agent bookshop",
        ]
    );
    let call = spans.iter().find(|it| it.name.starts_with("chat"));
    let call = call.expect("it is there");
    let attribute =
        |name: &str| Value::from(call.attributes.get(name).cloned().unwrap_or_default());
    for (name, expected) in [
        ("gen_ai.operation.name", json!("chat")),
        ("gen_ai.provider.name", json!("anthropic")),
        ("gen_ai.request.model", json!("claude-sonnet-4-5")),
        ("gen_ai.usage.input_tokens", json!(12_505)),
        ("gen_ai.usage.cache_read.input_tokens", json!(12_000)),
        ("gen_ai.usage.cache_creation.input_tokens", json!(500)),
        ("gen_ai.usage.output_tokens", json!(180)),
        ("gen_ai.response.finish_reasons", json!(["tool_call"])),
        (
            "gen_ai.conversation.id",
            json!("00000002-0000-4000-8000-000000000000"),
        ),
        ("vcs.ref.head.name", json!("main")),
        ("$ai_input_tokens", Value::Null),
    ] {
        assert_eq!(attribute(name), expected, "{name}");
    }
    let resource = &call.resource.attributes;
    assert_eq!(resource.text("service.name"), Some("bookshop"));
    let failed = spans
        .iter()
        .filter(|it| it.status.code == StatusCode::Error);
    assert_eq!(
        failed.map(|it| &it.name).collect::<Vec<_>>(),
        ["execute_tool Bash"]
    );
    let messages = attribute("gen_ai.output.messages");
    let messages: Value = serde_json::from_str(messages.as_str().expect("text")).expect("JSON");
    let kinds = messages[0]["parts"].as_array().expect("a list").iter();
    let kinds: Vec<_> = kinds.map(|it| it["type"].clone()).collect();
    assert_eq!(kinds, ["reasoning", "text", "tool_call", "tool_call"]);
}

#[test]
fn privacy_and_redaction_hold_for_a_collector_too() {
    let secret = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";
    let env = TestEnv::new();
    let session = Session::write(&env, 1, 1);
    let text = fs::read_to_string(&session.path).expect("readable");
    fs::write(&session.path, text.replace("prompt", secret)).expect("writable");
    for (private, holds) in [("false", true), ("true", false)] {
        let env = TestEnv::new().with("POSTHOG_LLMA_PRIVACY_MODE", private);
        let collector = Collector::start();
        collector.ingest(&env, &session.path).success();
        let shown = format!("{:?}", collector.spans());
        assert!(!shown.contains(secret));
        assert_eq!(shown.contains("gen_ai.input.messages"), holds);
        assert!(shown.contains("gen_ai.usage.output_tokens"));
    }
}

#[test]
fn a_session_that_is_paused_is_not_sent() {
    let env = TestEnv::new();
    let session = Session::write(&env, 1, 1);
    env.command(["pause"])
        .argument(&session.path)
        .run()
        .success();
    let collector = Collector::start();
    let outcome = collector.ingest(&env, &session.path);
    outcome.success().complains("left alone");
    assert!(collector.requests().is_empty());
}

#[test]
fn a_destination_is_what_the_user_typed_and_safe() {
    let env = TestEnv::new();
    let session = Session::write(&env, 1, 1);
    let ingest = |more: &[&str]| {
        let run = env.command(["ingest"]).argument(&session.path);
        more.iter().fold(run, Run::argument)
    };
    for (address, complaint) in [
        ("http://collector.example.com:4318", "not encrypted"),
        ("https://us.i.posthog.com", "other than PostHog"),
        ("https://key@collector.example.com", "user name or password"),
    ] {
        let outcome = ingest(&["--otlp", address]).run();
        outcome.code(2).complains(complaint);
    }
    let collector = Collector::start();
    let url = collector.server.url();
    for (name, value) in [("CLAUDECODE", "1"), ("AI_AGENT", "x")] {
        let outcome = ingest(&["--otlp", &url]).env(name, value).run();
        outcome.code(2);
    }
    let of_project = env.command(["ingest-project", "--otlp", &url]).run();
    of_project.code(2).complains("--otlp");
    assert!(collector.requests().is_empty());
}

#[test]
fn headers_come_from_a_file_and_are_not_repeated_in_messages() {
    let env = TestEnv::new();
    let session = Session::write(&env, 1, 1);
    let collector = Collector::answering(vec![Answer::of(401, "no")]);
    let file = env.write("headers", "Authorization: Basic c2VjcmV0\n\nX-Scope: a:b\n");
    let run = |file: &Path| {
        let url = collector.server.url() + "/otlp";
        let run = env.command(["ingest", "--otlp", &url, "--otlp-headers"]);
        run.argument(file).argument(&session.path).run()
    };
    let refused = run(&file).code(1).complains("401: no");
    assert!(!refused.stderr.contains("c2Vj"));
    run(&file).success();
    for (head, _) in collector.requests() {
        assert_eq!(head.header("authorization"), Some("Basic c2VjcmV0"));
        assert_eq!(head.header("x-scope"), Some("a:b"));
        assert_eq!(head.header("content-type"), Some("application/x-protobuf"));
        assert_eq!(head.path, "/otlp/v1/traces");
    }
    let file = env.write("broken", "Authorization Basic c2VjcmV0");
    let refused = run(&file).code(2).complains("line 1");
    assert!(!refused.stderr.contains("c2Vj"));
}

#[test]
fn a_collector_that_asks_for_it_gets_the_same_request_again() {
    let env = TestEnv::new();
    let session = Session::write(&env, 1, 1);
    let collector = Collector::answering(vec![Answer::of(503, "busy")]);
    let outcome = collector.ingest(&env, &session.path).success();
    outcome.complains(&format!("sent {} spans of 1 session", session.events()));
    let requests = collector.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].1, requests[1].1);
}

#[test]
fn what_a_collector_did_not_take_is_said() {
    let env = TestEnv::new();
    let session = Session::write(&env, 1, 1);
    for (answer, complaint) in [
        (Answer::of(400, "what is this?"), "400: what is this?"),
        (Answer::of(200, PARTIAL), "left out 2 spans: full"),
        (
            Answer::of(
                200,
                r#"{"partialSuccess":{"rejectedSpans":"2","errorMessage":"full"}}"#,
            ),
            "left out 2 spans: full",
        ),
        (
            Answer::of(200, "<html>log in</html>"),
            "is the address right?",
        ),
    ] {
        let collector = Collector::answering(vec![answer]);
        let outcome = collector.ingest(&env, &session.path);
        let outcome = outcome.code(1).complains(complaint);
        outcome.complains("the same command sends all again");
        assert_eq!(collector.requests().len(), 1);
    }
    for answer in ["", "{}", r#"{"partialSuccess":{}}"#] {
        let collector = Collector::answering(vec![Answer::of(200, answer)]);
        collector.ingest(&env, &session.path).success();
    }
}

/// The parser is generated by others, from the protocol's own files.
#[test]
fn the_protocols_own_parser_reads_the_spans() {
    static SAID: Once = Once::new();
    let Some(python) = env::var_os(PYTHON) else {
        // Written past the test harness, which hides the output of passing tests.
        SAID.call_once(|| {
            let said = format!("skipped: {PYTHON} names no Python with the protocol's parser\n");
            drop(io::stderr().write_all(said.as_bytes()));
        });
        return;
    };
    let env = TestEnv::new();
    let collector = Collector::start();
    for fixture in fixtures() {
        collector.ingest(&env, fixture);
    }
    let bodies = collector.requests().into_iter().map(|(_, body)| body);
    let file = env.write("request", bodies.collect::<Vec<_>>().concat());
    let mut reader = Command::new(python);
    reader.arg(READER).arg(&file);
    let outcome = env.other(reader).run().success();
    let mut read: Vec<Value> = Vec::new();
    for line in outcome.stdout.lines() {
        read.push(serde_json::from_str(line).expect("it prints JSON"));
    }
    let expected = collector.spans().into_iter().map(|span| {
        json!({
            "trace": span.trace_id.to_string(),
            "span": span.span_id.to_string(),
            "parent": span.parent_span_id.map(|it| it.to_string()).unwrap_or_default(),
            "name": span.name,
            "start": span.start,
            "end": span.end,
            "status": span.status.message,
            "service": span.resource.attributes.text("service.name"),
            "attributes": span.attributes.len(),
            "input tokens": span.attributes.get("gen_ai.usage.input_tokens").cloned().map(Value::from),
        })
    });
    assert_eq!(read, expected.collect::<Vec<_>>());
}
