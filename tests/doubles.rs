//! The doubles behave like the real servers, including their refusals.

use std::io::Write as _;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::anthropic::{Anthropic, usage_of};
use crate::support::capture::{MAX_AI_EVENT, MAX_BODY, MAX_EVENT};
use crate::support::env::TestEnv;
use crate::support::posthog::{Fault, PostHog, Tokens, Verdict};

const AI_LANE: &str = "/i/v0/ai/batch/";
const BATCH_LANE: &str = "/batch/";
const SOON: Duration = Duration::from_secs(30);

struct Answer {
    status: u16,
    headers: ureq::http::HeaderMap,
    body: String,
}

fn post(url: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer, ureq::Error> {
    post_within(SOON, url, headers, body)
}

fn post_within(
    patience: Duration,
    url: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Answer, ureq::Error> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .timeout_global(Some(patience))
        .build()
        .into();
    let mut request = agent.post(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut answer = request.send(body)?;
    Ok(Answer {
        status: answer.status().as_u16(),
        headers: answer.headers().clone(),
        body: answer.body_mut().read_to_string()?,
    })
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}

fn send(posthog: &PostHog, lane: &str, batch: &[Value]) -> Result<Answer, ureq::Error> {
    let body = json!({"api_key": "phc_test", "batch": batch}).to_string();
    let url = posthog.url() + lane;
    if body.len() > MAX_EVENT {
        // Compressing takes seconds in a debug build.
        return post(&url, &[], body.as_bytes());
    }
    let headers = [("content-encoding", "gzip")];
    post(&url, &headers, &gzip(body.as_bytes()))
}

fn status(posthog: &PostHog, lane: &str, batch: &[Value]) -> u16 {
    send(posthog, lane, batch)
        .expect("the double answers")
        .status
}

fn uuid(number: u32) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, &number.to_be_bytes()).to_string()
}

fn event(number: u32) -> Value {
    json!({
        "event": "$ai_generation",
        "distinct_id": "user@example.com",
        "uuid": uuid(number),
        "timestamp": "2026-01-02T03:04:05.678Z",
        "properties": {
            "$ai_session_id": "one",
            "$ai_input_tokens": 1,
            "$ai_output_tokens": 2,
            "$ai_cache_read_input_tokens": 3,
            "$ai_cache_creation_input_tokens": 4,
        },
    })
}

fn event_with(field: &str, value: Value) -> Value {
    let mut event = event(1);
    event[field] = value;
    event
}

fn event_of_size(size: usize) -> Value {
    let mut event = event(1);
    event["properties"]["filler"] = json!("");
    let missing = size - event.to_string().len();
    event["properties"]["filler"] = json!("x".repeat(missing));
    event
}

#[test]
fn both_lanes_take_a_gzipped_batch_and_keep_its_order() {
    let posthog = PostHog::start();
    assert_eq!(status(&posthog, AI_LANE, &[event(1), event(2)]), 200);
    assert_eq!(status(&posthog, BATCH_LANE, &[event(3)]), 200);
    assert_eq!(posthog.events(), [event(1), event(2), event(3)]);
    let requests = posthog.requests();
    assert_eq!(requests[0].path, AI_LANE);
    assert_eq!(requests[0].header("Content-Encoding"), Some("gzip"));
    assert_eq!(requests[0].verdict, Verdict::Accepted);
}

#[test]
fn the_answer_to_a_taken_batch_is_a_json_object() {
    let posthog = PostHog::start();
    let answer = send(&posthog, AI_LANE, &[event(1)]).expect("the double answers");
    let body: Value = serde_json::from_str(&answer.body).expect("the answer is JSON");
    assert!(body.is_object());
}

#[test]
fn one_malformed_event_makes_it_refuse_the_whole_batch() {
    let cases = [
        ("an empty name", event_with("event", json!(""))),
        ("no name", event_with("event", Value::Null)),
        (
            "a uuid that does not parse",
            event_with("uuid", json!("abc")),
        ),
        ("no uuid", event_with("uuid", Value::Null)),
        ("an empty distinct id", event_with("distinct_id", json!(""))),
        (
            "a long distinct id",
            event_with("distinct_id", json!("x".repeat(201))),
        ),
        (
            "an illegal distinct id",
            event_with("distinct_id", json!("Anonymous")),
        ),
        (
            "a timestamp without zone",
            event_with("timestamp", json!("2026-01-02T03:04:05")),
        ),
        ("no timestamp", event_with("timestamp", Value::Null)),
        (
            "properties that are a list",
            event_with("properties", json!([])),
        ),
        ("no object", json!("event")),
        ("the uuid of another event", event(7)),
    ];
    for (what, malformed) in cases {
        for lane in [AI_LANE, BATCH_LANE] {
            let posthog = PostHog::start();
            assert_eq!(
                status(&posthog, lane, &[event(7), malformed.clone()]),
                400,
                "{what}"
            );
            assert!(posthog.events().is_empty(), "{what}");
        }
    }
}

#[test]
fn the_ai_lane_refuses_other_names_and_the_batch_lane_takes_them() {
    let posthog = PostHog::start();
    let other = event_with("event", json!("$pageview"));
    assert_eq!(status(&posthog, AI_LANE, &[event(2), other.clone()]), 400);
    assert_eq!(status(&posthog, BATCH_LANE, &[event(2), other]), 200);
}

#[test]
fn an_event_over_the_limit_of_its_lane_is_413_for_the_whole_batch() {
    let posthog = PostHog::start();
    for (lane, limit) in [(BATCH_LANE, MAX_EVENT), (AI_LANE, MAX_AI_EVENT)] {
        let batch = [event(2), event_of_size(limit + 1)];
        assert_eq!(status(&posthog, lane, &batch), 413);
    }
    assert!(posthog.events().is_empty());
    for (lane, limit) in [(BATCH_LANE, MAX_EVENT), (AI_LANE, MAX_AI_EVENT)] {
        assert_eq!(status(&posthog, lane, &[event_of_size(limit)]), 200);
    }
}

#[test]
fn a_body_over_the_limit_is_413_even_when_gzip_hides_it() {
    let posthog = PostHog::start();
    let body = gzip(&vec![b' '; MAX_BODY + 1]);
    let url = posthog.url() + BATCH_LANE;
    let answer = post(&url, &[("content-encoding", "gzip")], &body);
    assert_eq!(answer.expect("it answers").status, 413);
}

#[test]
fn a_request_that_is_no_batch_is_refused() {
    let cases: [(&str, Option<&str>, &[u8], u16); 8] = [
        ("no gzip", Some("gzip"), b"{\"api_key\":\"phc\"}", 400),
        ("unknown encoding", Some("br"), b"{}", 400),
        ("no JSON", None, b"{\"api_key\":", 400),
        ("a list", None, b"[]", 400),
        ("no batch", None, b"{\"api_key\":\"phc\"}", 400),
        (
            "an empty batch",
            None,
            b"{\"api_key\":\"phc\",\"batch\":[]}",
            400,
        ),
        ("no key", None, b"{\"batch\":[{}]}", 401),
        (
            "an empty key",
            None,
            b"{\"api_key\":\"\",\"batch\":[{}]}",
            401,
        ),
    ];
    let posthog = PostHog::start();
    for (what, encoding, body, expected) in cases {
        let encoding = encoding.map(|encoding| ("content-encoding", encoding));
        let headers: Vec<_> = encoding.into_iter().collect();
        let answer = post(&(posthog.url() + BATCH_LANE), &headers, body);
        assert_eq!(answer.expect("it answers").status, expected, "{what}");
    }
    assert_eq!(posthog.requests().len(), 8);
    let elsewhere = post(&(posthog.url() + "/capture"), &[], b"{}");
    assert_eq!(elsewhere.expect("it answers").status, 404);
}

#[test]
fn scripted_failures_come_once_each_and_in_order() {
    let posthog = PostHog::start();
    posthog
        .then(Fault::status(503))
        .then(Fault::retry_after(429, 7))
        .then(Fault::LoginPage)
        .then(Fault::Redirect("https://elsewhere.example/".into()));
    let batch = [event(1)];
    let answer = || send(&posthog, BATCH_LANE, &batch).expect("the double answers");
    assert_eq!(answer().status, 503);
    let limited = answer();
    assert_eq!(
        (limited.status, &limited.headers["retry-after"]),
        (429, &"7".parse().expect("a header"))
    );
    let page = answer();
    assert_eq!(page.status, 200);
    assert!(page.body.starts_with("<!doctype html>"));
    assert_eq!(answer().status, 302);
    assert!(posthog.events().is_empty());
    assert_eq!(answer().status, 200);
    assert_eq!(posthog.events(), batch);
}

#[test]
fn a_standing_failure_stays_until_the_double_is_healed() {
    let posthog = PostHog::start();
    posthog.set(Fault::status(500));
    for _ in 0..3 {
        assert_eq!(status(&posthog, AI_LANE, &[event(1)]), 500);
    }
    posthog.heal();
    assert_eq!(status(&posthog, AI_LANE, &[event(1)]), 200);
}

#[test]
fn without_an_ai_lane_the_batch_lane_still_works() {
    let posthog = PostHog::start();
    posthog.set(Fault::NoAiLane);
    assert_eq!(status(&posthog, AI_LANE, &[event(1)]), 404);
    assert_eq!(status(&posthog, BATCH_LANE, &[event(1)]), 200);
}

#[test]
fn a_poisoned_event_spoils_only_the_batches_that_hold_it() {
    let posthog = PostHog::start();
    posthog.set(Fault::RefuseUuid(uuid(2)));
    let all = [event(1), event(2), event(3)];
    assert_eq!(status(&posthog, AI_LANE, &all), 400);
    assert_eq!(status(&posthog, AI_LANE, &all[1..2]), 400);
    assert_eq!(status(&posthog, AI_LANE, &[event(1), event(3)]), 200);
}

#[test]
fn a_reset_in_mid_body_takes_nothing() {
    let posthog = PostHog::start();
    posthog.then(Fault::ResetMidBody);
    assert!(send(&posthog, BATCH_LANE, &[event_of_size(MAX_EVENT)]).is_err());
    assert!(posthog.events().is_empty());
    assert_eq!(posthog.requests()[0].verdict, Verdict::Unanswered);
}

#[test]
fn a_reset_after_accepting_takes_the_events_and_loses_the_answer() {
    let posthog = PostHog::start();
    posthog.then(Fault::ResetAfterAccepting);
    assert!(send(&posthog, BATCH_LANE, &[event(1)]).is_err());
    assert_eq!(posthog.requests()[0].verdict, Verdict::AnswerLost);
    assert_eq!(status(&posthog, BATCH_LANE, &[event(1), event(2)]), 200);
    assert_eq!(posthog.duplicates(), [uuid(1)]);
    assert_eq!(posthog.merged().len(), 2);
}

#[test]
fn a_double_that_never_answers_lets_the_client_run_into_its_timeout() {
    let posthog = PostHog::start();
    posthog.set(Fault::NoAnswer);
    let url = posthog.url() + BATCH_LANE;
    let error = post_within(Duration::from_millis(300), &url, &[], b"{}").err();
    assert!(matches!(error, Some(ureq::Error::Timeout(_))), "{error:?}");
    posthog.heal();
    assert_eq!(status(&posthog, BATCH_LANE, &[event(1)]), 200);
    let started = Instant::now();
    drop(posthog);
    assert!(started.elapsed() < SOON);
}

#[test]
fn a_slow_double_answers_late() {
    let posthog = PostHog::start();
    let delay = Duration::from_millis(200);
    posthog.then(Fault::Slow(delay));
    let started = Instant::now();
    assert_eq!(status(&posthog, BATCH_LANE, &[event(1)]), 200);
    assert!(started.elapsed() >= delay);
}

#[test]
fn a_stopped_double_refuses_connections_and_comes_back_on_the_same_port() {
    let mut posthog = PostHog::start();
    let url = posthog.url();
    assert_eq!(status(&posthog, BATCH_LANE, &[event(1)]), 200);
    posthog.stop();
    assert!(send(&posthog, BATCH_LANE, &[event(2)]).is_err());
    posthog.restart();
    assert_eq!(posthog.url(), url);
    assert_eq!(status(&posthog, BATCH_LANE, &[event(2)]), 200);
    assert_eq!(posthog.events(), [event(1), event(2)]);
}

#[test]
fn behind_a_proxy_only_the_path_with_the_prefix_is_served() {
    let posthog = PostHog::start_under("/ingest");
    assert_eq!(status(&posthog, BATCH_LANE, &[event(1)]), 200);
    let root = posthog.url().replace("/ingest", "");
    let answer = post(&(root + BATCH_LANE), &[], b"{}");
    assert_eq!(answer.expect("it answers").status, 404);
}

#[test]
fn the_queries_find_events_by_name_and_session_and_sum_tokens_once() {
    let posthog = PostHog::start();
    let span = event_with("event", json!("$ai_span"));
    let mut elsewhere = event(3);
    elsewhere["properties"]["$ai_session_id"] = json!("two");
    let batch = [span.clone(), event(2), elsewhere.clone()];
    assert_eq!(status(&posthog, AI_LANE, &batch), 200);
    assert_eq!(status(&posthog, AI_LANE, &[event(2)]), 200);
    assert_eq!(posthog.named("$ai_span"), [span]);
    assert_eq!(posthog.of_session("two"), [elsewhere]);
    let twice = Tokens {
        input: 2,
        output: 4,
        cache_read: 6,
        cache_creation: 8,
    };
    assert_eq!(posthog.tokens(), twice);
    posthog.wait_until(SOON, |events| events.len() == 4);
}

#[test]
fn a_body_in_chunks_is_read_like_any_other() {
    let posthog = PostHog::start();
    let body = json!({"api_key": "phc_test", "batch": [event(1)]}).to_string();
    let agent = ureq::agent();
    let url = posthog.url() + BATCH_LANE;
    let reader = ureq::SendBody::from_owned_reader(std::io::Cursor::new(body));
    assert!(agent.post(&url).send(reader).is_ok());
    assert_eq!(posthog.events(), [event(1)]);
}

fn ask(anthropic: &Anthropic, stream: bool, messages: &Value) -> Answer {
    let body = json!({
        "model": "claude-test",
        "stream": stream,
        "messages": messages,
        "tools": [{"name": "Bash"}, {"name": "Read"}, {"name": "Agent"}],
    });
    let url = anthropic.url() + "/v1/messages?beta=true";
    post(&url, &[], body.to_string().as_bytes()).expect("the stand-in answers")
}

fn message(anthropic: &Anthropic, messages: &Value) -> Value {
    let answer = ask(anthropic, false, messages);
    serde_json::from_str(&answer.body).expect("a message is JSON")
}

#[test]
fn the_last_user_text_scripts_the_rounds_of_tools() {
    let anthropic = Anthropic::start();
    let mut messages = vec![json!({"role": "user", "content": [
        {"type": "text", "text": "TOOLS please"},
        {"type": "text", "text": "<system-reminder>be brief</system-reminder>"},
    ]})];
    for (number, calls) in [(1, 3), (2, 1), (3, 0)] {
        let answer = message(&anthropic, &json!(messages));
        let content = answer["content"].as_array().expect("blocks");
        let tools = content.iter().filter(|block| block["type"] == "tool_use");
        assert_eq!(tools.count(), calls);
        assert_eq!(answer["usage"]["input_tokens"], usage_of(number).input);
        messages.push(json!({"role": "assistant", "content": content}));
        messages.push(json!({"role": "user", "content": [{"type": "tool_result"}]}));
    }
    assert_eq!(anthropic.calls().len(), 3);
    assert_eq!(anthropic.answered()[2].tokens, usage_of(3));
}

#[test]
fn a_subagent_is_called_and_errors_are_reported_as_the_api_does() {
    let anthropic = Anthropic::start();
    let prompt = |text: &str| json!([{"role": "user", "content": text}]);
    let answer = message(&anthropic, &prompt("SUBAGENT"));
    assert_eq!(answer["content"][1]["name"], "Agent");
    assert_eq!(answer["stop_reason"], "tool_use");
    for (marker, expected) in [("ERROR400", 400), ("ERROR529", 529)] {
        let answer = ask(&anthropic, true, &prompt(marker));
        assert_eq!(answer.status, expected);
        assert!(answer.body.contains("\"type\":\"error\""));
    }
}

#[test]
fn a_streamed_message_starts_empty_and_ends_with_the_true_output_count() {
    let anthropic = Anthropic::start();
    let prompt = json!([{"role": "user", "content": "hello"}]);
    let answer = ask(&anthropic, true, &prompt);
    let events: Vec<Value> = answer
        .body
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).expect("each event is JSON"))
        .collect();
    assert_eq!(events[0]["message"]["usage"]["output_tokens"], 1);
    assert_eq!(events[0]["message"]["content"], json!([]));
    let last_but_one = &events[events.len() - 2];
    assert_eq!(last_but_one["usage"]["output_tokens"], usage_of(1).output);
    assert_eq!(last_but_one["delta"]["stop_reason"], "end_turn");
    assert_eq!(events[events.len() - 1]["type"], "message_stop");
}

#[test]
fn the_program_runs_in_a_place_of_its_own() {
    let posthog = PostHog::start();
    let env = TestEnv::sending_to(&posthog);
    env.run(["--help"]).success();
    assert!(posthog.requests().is_empty());
}

#[test]
#[should_panic(expected = "a file to be seen")]
fn a_failed_check_shows_the_files_around_the_run() {
    let env = TestEnv::new();
    env.write("project/a file to be seen", "");
    env.run(["--help"]).code(99);
}
