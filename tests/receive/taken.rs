//! Accepted requests: in every form, on every path, as real clients send them.

use posthog_llma::inbox::Fact;

use crate::receive::support::Server;
use crate::receive::support::made::{
    chunked, deflate, field, gzip, logs, protobuf, request, request_of, span, zlib,
};
use crate::receive::support::server::{SECRET, Setup, TOKEN, routes};

const JSON: &str = "Content-Type: application/json";
const PROTOBUF: &str = "Content-Type: application/x-protobuf";

#[test]
fn the_same_request_in_every_form_is_the_same_trace() {
    let mut server = Server::start();
    let mut client = server.client();
    let body = request(&[span(1, 1, 0, "root"), span(1, 2, 1, "child")]);
    let chunks = ["Transfer-Encoding: chunked", JSON];
    let gzipped = gzip(&body);
    let split = gzipped.len() / 2;
    let members = [gzip(&body[..split]), gzip(&body[split..])].concat();
    for (form, headers, body) in [
        ("plain", &[JSON][..], body.clone()),
        (
            "parameters",
            &["content-type:  Application/JSON ; charset=utf-8"],
            body.clone(),
        ),
        ("chunked", &chunks, chunked(&body, 7)),
        ("gzip", &[JSON, "Content-Encoding: gzip"], gzipped.clone()),
        (
            "gzip in two members",
            &[JSON, "Content-Encoding: gzip"],
            members,
        ),
        (
            "x-gzip",
            &[JSON, "Content-Encoding: X-GZIP"],
            gzipped.clone(),
        ),
        ("deflate", &[JSON, "Content-Encoding: deflate"], zlib(&body)),
        (
            "raw deflate",
            &[JSON, "Content-Encoding: deflate"],
            deflate(&body),
        ),
        (
            "identity",
            &[JSON, "Content-Encoding: identity"],
            body.clone(),
        ),
        ("no type", &[], body.clone()),
        ("wrong type", &[PROTOBUF], body.clone()),
        (
            "gzip in chunks",
            &["Transfer-Encoding: chunked", JSON, "Content-Encoding: gzip"],
            chunked(&gzipped, 100),
        ),
    ] {
        let answer = client.ask("POST /v1/traces", headers, &body);
        assert_eq!(answer.status, 200, "{form}: {}", answer.text());
    }
    assert_eq!(server.spans(1), ["span 1", "span 2"]);
    let status = server.status();
    assert_eq!(
        (status.count(Fact::Repeated), status.count(Fact::Replaced)),
        (22, 0)
    );
}

#[test]
fn an_answer_has_the_encoding_of_its_request() {
    let server = Server::start();
    let mut client = server.client();
    let answer = client.post("/v1/traces", &request(&[span(1, 1, 0, "")]));
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.text(), "{}");

    let answer = client.ask("POST /v1/traces", &[PROTOBUF], &protobuf(&[(2, 1, "")]));
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert_eq!(answer.header("content-type"), "application/x-protobuf");
    assert_eq!(server.spans(2), ["span 1"]);

    // One span is not an object.
    let partly = br#"{"resourceSpans":[{"scopeSpans":[{"spans":[7]}]}]}"#;
    let answer = client.post("/v1/traces", partly);
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.text(),
        r#"{"partialSuccess":{"rejectedSpans":"1","errorMessage":"spans left out: 1 malformed"}}"#
    );

    let answer = client.ask("POST /v1/traces", &[PROTOBUF], b"\x08");
    assert_eq!(answer.status, 400);
    assert_eq!(answer.header("content-type"), "application/x-protobuf");
    assert_eq!(
        answer.body[..2],
        [0x08, 3],
        "a status with code 3, invalid argument"
    );
}

#[test]
fn every_path_of_every_exporter_takes_its_signal() {
    let server = Server::start();
    let mut client = server.client();
    for (number, first) in (1..).zip([
        "POST /v1/traces",
        "POST /v1/traces/",
        "PUT /v1/traces",
        "POST /i/v0/ai/otel",
        "POST /i/v0/ai/otel/",
        "POST /i/v0/ai/otel/v1/traces",
        "POST /i/v0/llma_otel",
        "POST /api/public/otel/v1/traces",
        "POST /openrouter",
        "PUT /openrouter",
        "POST /v1/traces?key=value",
    ]) {
        let body = protobuf(&[(number, 1, "")]);
        let answer = client.ask(first, &[PROTOBUF], &body);
        assert_eq!(answer.status, 200, "{first}: {}", answer.text());
        assert_eq!(server.spans(number), ["span 1"], "{first}");
    }
    // A log record with a time and an event name.
    let record = [field(9, &[9; 16]), field(12, b"event")].concat();
    let records = field(1, &field(2, &field(2, &record)));
    for first in ["POST /v1/logs", "POST /i/v0/ai/otel/v1/logs"] {
        let answer = client.ask(first, &[PROTOBUF], &records);
        assert_eq!(answer.status, 200, "{first}");
    }
    let status = server.reader().status().unwrap();
    assert_eq!((status.waiting.spans, status.waiting.logs), (11, 1));
}

#[test]
fn metrics_are_taken_and_dropped() {
    let mut server = Server::start();
    let mut client = server.client();
    for (content_type, body) in [
        (JSON, "{\"resourceMetrics\":[{}]}"),
        (PROTOBUF, "\n\u{2}\n\0"),
    ] {
        let answer = client.ask("POST /v1/metrics", &[content_type], body.as_bytes());
        assert_eq!(answer.status, 200);
    }
    let status = server.status();
    assert_eq!((status.waiting.traces, status.count(Fact::Metrics)), (0, 2));
}

#[test]
fn an_empty_request_is_taken() {
    let server = Server::start();
    let mut client = server.client();
    for (headers, body) in [
        (&[JSON][..], "{\"resourceSpans\":[]}"),
        (&[JSON], "{}"),
        (&[JSON, "Content-Length: 0"], ""),
        (&[PROTOBUF, "Content-Length: 0"], ""),
        (&[PROTOBUF, "Transfer-Encoding: chunked"], "0\r\n\r\n"),
        (&[JSON, "Content-Encoding: gzip", "Content-Length: 0"], ""),
    ] {
        let answer = client.ask("POST /v1/traces", headers, body.as_bytes());
        assert_eq!(answer.status, 200, "{headers:?}: {}", answer.text());
    }
}

#[test]
fn openrouter_tests_its_connection_before_it_saves_a_destination() {
    let mut server = Server::with(Setup {
        routes: routes(),
        ..Setup::default()
    });
    let mut client = server.client();
    let token = format!("Authorization: Bearer {TOKEN}");
    let test = "X-Test-Connection: true";
    for (headers, body) in [
        (&[test, &token][..], ""),
        (&[test, &token, JSON], "{}"),
        (&[test, &token, JSON], "{\"resourceSpans\":[]}"),
    ] {
        let answer = client.ask("POST /openrouter", headers, body.as_bytes());
        assert_eq!(answer.status, 200, "{body}: {}", answer.text());
    }
    assert_eq!(client.ask("POST /openrouter", &[test], b"").status, 401);

    let mut probe = span(1, 1, 0, "");
    probe["name"] = "openrouter-connection-test".into();
    let body = request_of("openrouter", &[probe]);
    let answer = client.ask("PUT /v1/traces", &[JSON, &token], &body);
    assert_eq!(answer.status, 200);
    // With spans, it is not a test.
    let body = request(&[span(2, 1, 0, "")]);
    let answer = client.ask("POST /openrouter", &[JSON, &token, test], &body);
    assert_eq!(answer.status, 200);
    assert_eq!(server.spans(2), ["span 1"]);

    let status = server.status();
    assert_eq!(
        (status.waiting.traces, status.count(Fact::ConnectionTest)),
        (1, 4)
    );
    let tests = status
        .tallies
        .iter()
        .filter(|it| it.fact == Fact::ConnectionTest);
    assert_eq!(
        tests.map(|it| it.name.as_str()).collect::<Vec<_>>(),
        ["team"]
    );
}

#[test]
fn a_connection_is_used_again_and_requests_may_be_sent_ahead() {
    let server = Server::start();
    let mut client = server.client();
    for id in 1..=20 {
        client
            .send("POST /v1/traces", &[JSON], &request(&[span(1, id, 0, "")]))
            .unwrap();
    }
    for _ in 1..=20 {
        assert_eq!(client.answer().unwrap().status, 200);
    }
    assert_eq!(server.spans(1).len(), 20);
}

#[test]
fn a_client_that_asks_before_it_sends_is_told_to_go_on_or_why_not() {
    let server = Server::start();
    let body = request(&[span(1, 1, 0, "")]);
    let length = format!("Content-Length: {}", body.len());
    let mut client = server.client();
    let asks = [JSON, "Expect: 100-continue", &length];
    client.send("POST /v1/traces", &asks, b"").unwrap();
    assert_eq!(client.answer().unwrap().status, 100);
    client.write(&body).unwrap();
    assert_eq!(client.answer().unwrap().status, 200);

    let large = [JSON, "Expect: 100-continue", "Content-Length: 99999999999"];
    client.send("POST /v1/traces", &large, b"").unwrap();
    assert_eq!(client.answer().unwrap().status, 413);
}

#[test]
fn a_plain_client_of_http_can_send() {
    let server = Server::start();
    let url = format!("http://{}/v1/traces", server.address);
    let agent = ureq::Agent::new_with_defaults();
    for id in 1..=3 {
        let body = request(&[span(1, id, 0, "")]);
        let sent = agent
            .post(&url)
            .content_type("application/json")
            .send(&body[..]);
        assert_eq!(sent.unwrap().status(), 200);
    }
    let health = agent
        .get(format!("http://{}/health", server.address))
        .call();
    let health = health.unwrap().into_body().read_to_string().unwrap();
    assert_eq!(health, r#"{"status":"ok"}"#);
    assert_eq!(server.spans(1).len(), 3);
}

#[test]
fn what_was_answered_is_on_disk_without_secrets() {
    let server = Server::start();
    let mut client = server.client();
    let text = format!("the key is {SECRET}, keep it");
    let body = request_of(SECRET, &[span(1, 1, 0, &text)]);
    assert_eq!(client.post("/v1/traces", &body).status, 200);
    let body = logs(&[(1, SECRET, &text)]);
    assert_eq!(client.post("/v1/logs", &body).status, 200);
    // A request that cannot be decoded stores nothing.
    let broken = format!("{{\"resourceSpans\": {SECRET}");
    assert_eq!(client.post("/v1/traces", broken.as_bytes()).status, 400);

    let reader = server.reader();
    let key = reader.traces(1).unwrap()[0].revision.key.clone();
    let received = reader.read(&key).unwrap().unwrap();
    let span = received.spans[0].attributes.text("text").unwrap();
    assert!(
        span.starts_with("the key is [redacted:github-pat:"),
        "{span}"
    );
    assert!(span.ends_with(", keep it"), "{span}");
    let record = received.logs[0].attributes.iter().next().unwrap();
    assert!(record.key.starts_with("[redacted:"), "{record:?}");
    assert_eq!(record.value.as_text(), Some(span));
    for entry in std::fs::read_dir(server.directory()).unwrap() {
        let content = std::fs::read(entry.unwrap().path()).unwrap();
        let mut windows = content.windows(SECRET.len());
        assert!(!windows.any(|it| it == SECRET.as_bytes()));
    }
}

/// The first length in a request may be any byte, such as a brace in text.
#[test]
fn a_request_in_protobuf_is_one_whatever_its_length() {
    let server = Server::start();
    let texts = (1..=260).map(|size| "x".repeat(size));
    let bodies = texts.zip(1..).map(|(text, id)| protobuf(&[(1, id, &text)]));
    let bodies: Vec<Vec<u8>> = bodies.collect();
    assert!(bodies.iter().any(|it| it.starts_with(b"\n{")));
    let mut client = server.client();
    for body in &bodies {
        let headers = ["Content-Type: application/x-protobuf"];
        let answer = client.ask("POST /v1/traces", &headers, body);
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}
