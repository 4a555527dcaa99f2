//! Stopping: received requests are answered and stored, and no wait is in vain.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use posthog_llma::inbox::{Inbox, Route};
use posthog_llma::otlp::Telemetry;
use posthog_llma::receive::Limits;

use crate::receive::support::made::{request, span};
use crate::receive::support::server::{After, Setup};
use crate::receive::support::{Client, Server};

const JSON: &str = "Content-Type: application/json";

#[test]
fn a_request_in_flight_is_answered_and_idle_connections_are_closed() {
    let (begun, begins) = channel();
    let (go, goes) = channel();
    let (begun, goes) = (Mutex::new(begun), Mutex::new(goes));
    let redact = After(move |_: &Telemetry| {
        begun.lock().unwrap().send(()).unwrap();
        goes.lock().unwrap().recv().unwrap();
    });
    let mut server = Server::with(Setup {
        redact: Arc::new(redact),
        ..Setup::default()
    });
    let mut idle = server.client();
    let mut silent = server.client();
    assert_eq!(idle.ask("GET /health", &[], b"").status, 200);
    let mut client = server.client();
    let body = request(&[span(1, 1, 0, "")]);
    client.send("POST /v1/traces", &[JSON], &body).unwrap();
    begins.recv().unwrap();

    server.tell_to_stop();
    assert!(idle.is_closed());
    assert!(silent.is_closed());
    assert!(Client::try_connect(server.address).is_err());
    go.send(()).unwrap();
    let answer = client.answer().unwrap();
    assert_eq!((answer.status, answer.header("connection")), (200, "close"));
    assert!(client.is_closed());
    assert_eq!(server.stop().cut, 0);
    assert_eq!(server.spans(1), ["span 1"]);
}

#[test]
fn a_request_that_does_not_end_is_cut_off() {
    let mut server = Server::with_limits(Limits {
        stop_time: Duration::from_millis(200),
        ..Limits::default()
    });
    let mut client = server.client();
    let asks = [JSON, "Content-Length: 10", "Expect: 100-continue"];
    client.send("POST /v1/traces", &asks, b"").unwrap();
    assert_eq!(client.answer().unwrap().status, 100);
    let started = Instant::now();
    assert_eq!(server.stop().cut, 1);
    assert!(started.elapsed() < Duration::from_secs(5));
    assert!(client.is_closed());
}

#[test]
fn what_was_received_is_there_after_a_new_start() {
    let mut server = Server::start();
    let body = request(&[span(1, 1, 0, "")]);
    assert_eq!(server.client().post("/v1/traces", &body).status, 200);
    server.stop();
    server.inbox.close().unwrap();
    let again = Inbox::open(server.directory(), posthog_llma::inbox::Settings::default()).unwrap();
    assert_eq!(
        again
            .reader()
            .unwrap()
            .waiting(&Route::new("open"), 9)
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn after_the_inbox_is_closed_clients_are_told_to_come_again() {
    let server = Server::start();
    let mut client = server.client();
    server.inbox.close().unwrap();
    let answer = client.post("/v1/traces", &request(&[span(1, 1, 0, "")]));
    assert_eq!((answer.status, answer.header("retry-after")), (503, "10"));
    assert_eq!(client.ask("GET /health", &[], b"").status, 503);
}
