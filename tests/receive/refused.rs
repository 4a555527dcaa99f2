//! Refused requests: each with its reason in words, and counted.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::SystemTime;

use posthog_llma::inbox::{Fact, Inbox, Route};
use posthog_llma::receive::{Limits, Receiver, Routes, ServeError, Settings, Stop};

use crate::receive::support::Server;
use crate::receive::support::made::{chunked, gzip, request, span};
use crate::receive::support::server::{Setup, TOKEN, redact, routes};

const JSON: &str = "Content-Type: application/json";
const GZIP: &str = "Content-Encoding: gzip";

/// First line, headers, body; status and words of the answer.
type Case = (
    &'static str,
    &'static [&'static str],
    &'static [u8],
    u16,
    &'static str,
);

const TRACES: &str = "POST /v1/traces";

const CASES: [Case; 20] = [
    ("POST /v1/spans", &[JSON], b"{}", 404, "unknown path"),
    ("GET /", &[], b"", 404, "unknown path"),
    ("GET /v1/traces", &[], b"", 405, "POST, PUT"),
    ("DELETE /v1/traces", &[], b"", 405, "POST, PUT"),
    ("PUT /v1/logs", &[JSON], b"{}", 405, "takes POST"),
    ("POST /health", &[JSON], b"{}", 405, "GET, HEAD"),
    (TRACES, &[JSON], b"", 411, "no body"),
    (TRACES, &["Content-Type: text/plain"], b"{}", 415, "json"),
    (
        TRACES,
        &["Content-Type: application/grpc"],
        b"{}",
        415,
        "protobuf",
    ),
    (
        TRACES,
        &[JSON, "Content-Encoding: zstd"],
        b"{}",
        415,
        "gzip",
    ),
    (TRACES, &[JSON, GZIP, GZIP], b"{}", 415, "gzip"),
    (TRACES, &[JSON, GZIP], b"{}", 400, "cannot be expanded"),
    (TRACES, &[JSON], b"{\"resource", 400, "no request in JSON"),
    (TRACES, &[JSON], b"[]", 400, "not a JSON object"),
    (TRACES, &[JSON, "Host: example.com"], b"{}", 403, "Host"),
    (
        TRACES,
        &[JSON, "Origin: http://localhost"],
        b"{}",
        403,
        "web pages",
    ),
    (TRACES, &[JSON, "Origin: null"], b"{}", 403, "web pages"),
    (
        "OPTIONS /v1/traces",
        &["Origin: http://a.example"],
        b"",
        403,
        "web pages",
    ),
    ("GET /health", &["Host: rebound.example"], b"", 403, "Host"),
    ("GET http://rebound.example/health", &[], b"", 403, "Host"),
];

#[test]
fn a_refused_request_is_told_why_and_the_next_one_on_its_connection_is_taken() {
    let mut server = Server::start();
    let mut client = server.client();
    for (first, headers, body, status, words) in CASES {
        let answer = client.ask(first, headers, body);
        let text = answer.text();
        assert_eq!(answer.status, status, "{first} {headers:?}: {text}");
        assert!(text.contains(words), "{first} {headers:?}: {text}");
        // A repetition would not help.
        assert_eq!(answer.header("retry-after"), "", "{first}");
    }
    assert_eq!(client.post("/v1/traces", b"{}").status, 200);
    let status = server.status();
    assert_eq!(status.count(Fact::Refused), CASES.len() as u64);
    let count = |name| {
        let tally = status.tallies.iter().find(|it| it.name == name);
        tally.map_or(0, |it| it.count)
    };
    assert_eq!((count("sent by a web page"), count("unknown path")), (3, 2));
}

#[test]
fn a_body_that_is_too_large_is_refused_in_every_form() {
    let server = Server::with_limits(Limits {
        body: 100_000,
        expanded: 200_000,
        ..Limits::default()
    });
    let mut client = server.client();
    let large = vec![b' '; 100_001];
    let bomb = gzip(&vec![b' '; 200_001]);
    let chunks = [JSON, "Transfer-Encoding: chunked"];
    for (headers, body, words) in [
        (&[JSON][..], large.clone(), "100000 bytes"),
        (&chunks, chunked(&large, 5000), "100000 bytes"),
        (&[JSON, GZIP], bomb, "200000 bytes when it is expanded"),
    ] {
        let answer = client.ask(TRACES, headers, &body);
        assert_eq!(answer.status, 413);
        assert!(answer.text().contains(words), "{}", answer.text());
    }
    assert_eq!(client.post("/v1/traces", b"{}").status, 200);
}

#[test]
fn headers_of_an_answer_say_what_would_be_taken() {
    let server = Server::start();
    let mut client = server.client();
    let body = request(&[span(1, 1, 0, "")]);
    assert_eq!(client.ask("GET /v1/logs", &[], b"").header("allow"), "POST");
    let answer = client.ask("POST /v1/traces", &[JSON, "Content-Encoding: br"], &body);
    assert_eq!(answer.header("accept-encoding"), "gzip, deflate");
    let server = Server::with(Setup {
        routes: routes(),
        ..Setup::default()
    });
    let answer = server.client().post("/v1/traces", &body);
    assert_eq!(
        (answer.status, answer.header("www-authenticate")),
        (401, "Bearer")
    );
    assert_eq!(
        answer.text(),
        r#"{"code":16,"message":"a token is needed"}"#
    );
}

#[test]
fn with_a_token_its_route_is_open_and_nothing_is_read_without() {
    let server = Server::with(Setup {
        routes: routes(),
        ..Setup::default()
    });
    let mut client = server.client();
    let body = request(&[span(1, 1, 0, "")]);
    let bearer = format!("Authorization: Bearer {TOKEN}");
    let own = format!("X-Serve-Token: {TOKEN}");
    for (headers, status) in [
        (&[JSON][..], 401),
        (&[JSON, "Authorization: Bearer token-of-the-test"], 401),
        (&[JSON, &bearer], 200),
        (&[JSON, &own], 200),
        // Accepted: behind a reverse proxy, and from a web page that knows the token.
        (&[JSON, &bearer, "Host: otel.example.com"], 200),
        (&[JSON, &bearer, "Origin: https://app.example.com"], 200),
    ] {
        let answer = client.ask("POST /v1/traces", headers, &body);
        assert_eq!(answer.status, status, "{headers:?}: {}", answer.text());
    }
    let reader = server.reader();
    assert_eq!(
        reader.traces(9).unwrap()[0].revision.key.route,
        Route::new("team")
    );

    // A client without a token cannot make it hold a body.
    let length = "Content-Length: 60000000";
    client
        .send("POST /v1/traces", &[JSON, length], b"")
        .unwrap();
    assert_eq!(client.answer().unwrap().status, 401);
}

#[test]
fn what_is_no_http_is_refused_and_counted() {
    let mut server = Server::start();
    let many = "X: y\r\n".repeat(200);
    let long = format!("X: {}\r\n", "y".repeat(100_000));
    for (bytes, status) in [
        ("\r\n\r\nnonsense\r\n\r\n".to_owned(), 400),
        ("\x16\x03\x01\x02\0\x01\0\x01\u{fc}\x03\x03".to_owned(), 400),
        (
            format!("GET /health HTTP/1.1\r\nHost: localhost\r\n{many}\r\n"),
            431,
        ),
        (
            format!("GET /health HTTP/1.1\r\nHost: localhost\r\n{long}\r\n"),
            431,
        ),
        (
            "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n".to_owned(),
            400,
        ),
        ("GET /health HTTP/9.9\r\n\r\n".to_owned(), 400),
    ] {
        let mut client = server.client();
        // The connection may be closed before all is read.
        drop(client.write(bytes.as_bytes()));
        if let Ok(answer) = client.answer() {
            assert_eq!(answer.status, status, "{bytes:?}");
        }
        assert!(client.is_closed());
    }
    // Two lengths, or a length and chunks, can smuggle requests past a proxy.
    for headers in [
        &["Content-Length: 4", "Content-Length: 5"][..],
        &["Content-Length: 4", "Transfer-Encoding: chunked"],
        &["Transfer-Encoding: identity"],
    ] {
        let mut client = server.client();
        client
            .send("POST /v1/traces", headers, b"0\r\n\r\n")
            .unwrap();
        let answer = client.answer();
        let taken = answer.is_ok_and(|it| it.status == 200) && !client.is_closed();
        assert!(!taken, "{headers:?}");
    }
    let status = server.status();
    let heads = status
        .tallies
        .iter()
        .find(|it| it.name == "not a valid HTTP request");
    assert!(
        heads.is_some_and(|it| it.count >= 5),
        "{:?}",
        status.tallies
    );
}

#[test]
fn nobody_listens_beyond_this_machine_without_a_token() {
    let directory = tempfile::tempdir().unwrap();
    let inbox = Inbox::open(directory.path(), posthog_llma::inbox::Settings::default()).unwrap();
    let serve = |address: &str, routes: Routes| {
        let settings = Settings {
            routes,
            limits: Limits::default(),
        };
        let clock = Arc::new(SystemTime::now);
        let receiver = Receiver::new(inbox.clone(), settings, redact(), clock);
        let stop = Stop::new();
        stop.stop();
        receiver.serve(vec![TcpListener::bind(address).unwrap()], &stop)
    };
    let open = Routes::open(Route::new("open"));
    let error = serve("0.0.0.0:0", open.clone()).unwrap_err();
    assert!(matches!(error, ServeError::NoToken(_)), "{error}");
    assert!(error.to_string().contains("needs a token"));
    assert_eq!(serve("127.0.0.1:0", open).unwrap().cut, 0);
    assert_eq!(serve("0.0.0.0:0", routes()).unwrap().cut, 0);
}
