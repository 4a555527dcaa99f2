//! A client's use of memory and time is bounded, and others are served meanwhile.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use posthog_llma::inbox::Fact;
use posthog_llma::otlp::Telemetry;
use posthog_llma::receive::Limits;

use crate::receive::support::made::{field, gzip, protobuf, request, span};
use crate::receive::support::server::{After, Setup};
use crate::receive::support::{Client, Server};

const JSON: &str = "Content-Type: application/json";

/// Asserts that another client is served.
#[track_caller]
fn others_are_served(server: &Server) {
    let body = request(&[span(99, 1, 0, "")]);
    assert_eq!(server.client().post("/v1/traces", &body).status, 200);
}

#[test]
fn a_body_of_96_mib_is_taken_and_one_byte_more_is_not() {
    let server = Server::start();
    let mut body = request(&[span(1, 1, 0, &"x".repeat(90 << 20))]);
    body.resize(96 << 20, b' ');
    let answer = server.client().post("/v1/traces", &body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let key = server.reader().traces(1).unwrap()[0].revision.key.clone();
    let received = server.reader().read(&key).unwrap().unwrap();
    let text = received.spans[0].attributes.text("text").unwrap();
    assert_eq!(text.len(), 90 << 20);

    body.push(b' ');
    assert_eq!(server.client().post("/v1/traces", &body).status, 413);
    others_are_served(&server);
}

#[test]
fn a_bomb_is_stopped_where_the_limit_is() {
    let server = Server::start();
    // 1 GiB in about 1 MiB, and a bomb in a bomb, of which the outer one is expanded.
    let mebibyte = gzip(&vec![b' '; 1 << 20]);
    let bomb = mebibyte.repeat(1024);
    let twice = gzip(&bomb);
    for (body, status) in [(&bomb, 413), (&twice, 400)] {
        let headers = [JSON, "Content-Encoding: gzip"];
        let answer = server.client().ask("POST /v1/traces", &headers, body);
        assert_eq!(answer.status, status, "{}", answer.text());
    }
    others_are_served(&server);
}

#[test]
fn spans_that_are_small_when_sent_and_large_in_memory_are_left_out() {
    let mut server = Server::with_limits(Limits {
        decoded: 10 << 20,
        ..Limits::default()
    });
    let spans = field(2, b"\x2a\x01x").repeat(1_000_000);
    let body = field(1, &field(2, &spans));
    let headers = ["Content-Type: application/x-protobuf"];
    let answer = server.client().ask("POST /v1/traces", &headers, &body);
    assert_eq!(answer.status, 200);
    assert!(answer.text().contains("too large"), "{}", answer.text());
    others_are_served(&server);
    let status = server.status();
    // The accepted spans have no ids and the same content: they are one span.
    let taken = 1 + status.count(Fact::Repeated);
    assert_eq!(status.count(Fact::LeftOut) + taken, 1_000_000);
    assert_eq!(status.waiting.spans, 2);
}

#[test]
fn a_request_of_more_traces_than_memory_allows_is_refused_for_good() {
    let server = Server::with_limits(Limits {
        in_flight: 1 << 20,
        ..Limits::default()
    });
    let many = (1..=5000).map(|trace| (trace, 1, ""));
    let body = protobuf(&many.collect::<Vec<_>>());
    assert!(body.len() < 1 << 20);
    let headers = ["Content-Type: application/x-protobuf"];
    let answer = server.client().ask("POST /v1/traces", &headers, &body);
    assert_eq!(answer.status, 413);
    assert!(
        answer.text().contains("too many traces"),
        "{}",
        answer.text()
    );
    others_are_served(&server);
}

#[test]
fn a_client_that_sends_its_body_slowly_is_cut_off_and_holds_nobody_up() {
    let server = Server::with_limits(Limits {
        body_time: Duration::from_millis(300),
        ..Limits::default()
    });
    let mut slow = server.client();
    let started = Instant::now();
    slow.send("POST /v1/traces", &[JSON, "Content-Length: 1000"], b"{")
        .unwrap();
    others_are_served(&server);
    let answer = slow.answer().unwrap();
    assert_eq!((answer.status, answer.header("connection")), (503, "close"));
    assert!(slow.is_closed());
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_client_that_sends_its_head_slowly_or_nothing_is_cut_off() {
    let server = Server::with_limits(Limits {
        head_time: Duration::from_millis(300),
        ..Limits::default()
    });
    let mut silent = server.client();
    let mut slow = server.client();
    slow.write(b"POST /v1/traces HTTP/1.1\r\nHost: loc")
        .unwrap();
    let mut idle = server.client();
    assert_eq!(idle.post("/v1/traces", b"{}").status, 200);
    for client in [&mut silent, &mut slow, &mut idle] {
        // An answer 503 may come first.
        drop(client.answer());
        assert!(client.is_closed());
    }
    others_are_served(&server);
}

#[test]
fn a_client_that_goes_away_in_its_body_leaves_nothing() {
    let mut server = Server::start();
    let body = request(&[span(1, 1, 0, "")]);
    let length = format!("Content-Length: {}", body.len() + 1);
    let mut client = server.client();
    client
        .send("POST /v1/traces", &[JSON, &length], &body)
        .unwrap();
    drop(client);
    others_are_served(&server);
    assert!(server.spans(1).is_empty());
    let status = server.status();
    assert_eq!(status.waiting.traces, 1);
}

#[test]
fn bodies_in_flight_take_a_bounded_amount_of_memory() {
    let server = Server::with_limits(Limits {
        in_flight: 1 << 20,
        ..Limits::default()
    });
    let half = vec![b' '; 500_000];
    let holding = |server: &Server| {
        let mut client = server.client();
        client
            .send("POST /v1/traces", &[JSON, "Content-Length: 1000000"], &half)
            .unwrap();
        client
    };
    let mut first = holding(&server);
    let mut second = holding(&server);
    // The order in which bytes are read decides which request is refused.
    let rest = |client: &mut Client| {
        drop(client.write(&half));
        client.answer().unwrap()
    };
    let answers = [rest(&mut second), rest(&mut first)];
    let refused: Vec<_> = answers.iter().filter(|it| it.status == 503).collect();
    assert!(!refused.is_empty(), "{answers:?}");
    for answer in refused {
        assert_eq!(answer.header("retry-after"), "1");
        assert!(answer.text().contains("try again"), "{}", answer.text());
    }
    // Both are done, so there is room again.
    others_are_served(&server);
}

/// Clients whose bodies begin and then stall.
fn stalled(server: &Server, count: usize, bytes: usize) -> Vec<Client> {
    let begin = |_| {
        let mut client = server.client();
        let body = vec![b' '; bytes];
        client
            .send("POST /v1/traces", &[JSON, "Content-Length: 1000000"], &body)
            .unwrap();
        client
    };
    (0..count).map(begin).collect()
}

/// Asserts that a client with retries is served long before the others are cut off.
fn is_served_soon(server: &Server, bytes: usize) {
    let body = [b"{\"resourceSpans\":[]}".to_vec(), vec![b' '; bytes]].concat();
    let until = Instant::now() + Limits::default().body_time / 2;
    let is_served = || {
        let mut client = Client::try_connect(server.address)?;
        client.send("POST /v1/traces", &[JSON], &body)?;
        std::io::Result::Ok(client.answer()?.status == 200)
    };
    while !is_served().unwrap_or(false) {
        assert!(Instant::now() < until, "it was never served");
    }
}

#[test]
fn bodies_that_have_stalled_give_way_to_others_that_need_their_memory() {
    let server = Server::with_limits(Limits {
        in_flight: 1 << 20,
        stall: Duration::from_millis(100),
        ..Limits::default()
    });
    let mut stalled = stalled(&server, 1, 900_000);
    is_served_soon(&server, 300_000);
    let answer = stalled[0].answer().unwrap();
    assert_eq!((answer.status, answer.header("retry-after")), (503, "1"));
}

#[test]
fn bodies_that_have_stalled_give_way_to_new_connections() {
    let server = Server::with_limits(Limits {
        connections: 3,
        stall: Duration::from_millis(100),
        ..Limits::default()
    });
    let stalled = stalled(&server, 3, 1);
    is_served_soon(&server, 0);
    drop(stalled);
}

#[test]
fn large_requests_are_worked_on_one_by_one_and_small_ones_beside_them() {
    let (meet, large) = (Barrier::new(2), AtomicUsize::new(0));
    let redact = After(move |telemetry: &Telemetry| {
        let number = telemetry.spans[0].trace_id.bytes()[15];
        if number <= 2 {
            assert_eq!(large.fetch_add(1, Ordering::SeqCst), 0);
        }
        if number != 2 {
            // The small one and the first large one wait for each other.
            meet.wait();
        }
        if number <= 2 {
            large.fetch_sub(1, Ordering::SeqCst);
        }
    });
    let server = Server::with(Setup {
        redact: Arc::new(redact),
        limits: Limits {
            workers: 1,
            ..Limits::default()
        },
        ..Setup::default()
    });
    let mut clients: Vec<Client> = Vec::new();
    for (trace, size) in [(1, 5 << 20), (2, 5 << 20), (3, 10)] {
        let mut client = server.client();
        let body = request(&[span(trace, 1, 0, &"x".repeat(size))]);
        client.send("POST /v1/traces", &[JSON], &body).unwrap();
        clients.push(client);
    }
    for client in &mut clients {
        assert_eq!(client.answer().unwrap().status, 200);
    }
}
