//! Many connections, most of them idle.

use posthog_llma::receive::Limits;

use crate::receive::support::made::{request, span};
use crate::receive::support::{Client, Server};

/// Number of connections that this process may open, counting both ends.
#[cfg(unix)]
fn possible() -> usize {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).unwrap();
    usize::try_from(hard)
        .unwrap_or(usize::MAX)
        .saturating_sub(1000)
}

fn post(client: &mut Client, id: u64) -> u16 {
    let body = request(&[span(1, id, 0, "")]);
    client.post("/v1/traces", &body).status
}

#[cfg(unix)]
#[test]
fn ten_thousand_idle_connections_leave_room_for_whoever_sends() {
    let count = possible().min(10_000);
    let mut server = Server::with_limits(Limits {
        connections: 500,
        ..Limits::default()
    });
    let mut worker = server.client();
    let mut id = 0;
    let mut idle = Vec::new();
    for number in 0..count {
        idle.push(server.client());
        if number % 100 == 0 {
            id += 1;
            assert_eq!(post(&mut worker, id), 200, "after {number}");
        }
    }
    // A new connection is served, too.
    id += 1;
    assert_eq!(post(&mut server.client(), id), 200);
    assert_eq!(server.spans(1).len() as u64, id);
    // Those that were idle longest are closed.
    assert!(idle[0].is_closed());
    drop(idle);
    assert_eq!(server.stop().cut, 0);
}

#[test]
fn when_every_connection_has_a_request_the_next_is_told_to_come_again() {
    let server = Server::with_limits(Limits {
        connections: 2,
        ..Limits::default()
    });
    let json = "Content-Type: application/json";
    let mut busy = [server.client(), server.client()];
    let body = request(&[span(1, 1, 0, "")]);
    let length = format!("Content-Length: {}", body.len());
    for client in &mut busy {
        client
            .send(
                "POST /v1/traces",
                &[json, &length, "Expect: 100-continue"],
                b"",
            )
            .unwrap();
        // Being asked for the body shows that the receiver has the request.
        assert_eq!(client.answer().unwrap().status, 100);
    }
    let answer = server.client().answer().unwrap();
    assert_eq!((answer.status, answer.header("retry-after")), (503, "1"));
    for client in &mut busy {
        client.write(&body).unwrap();
        assert_eq!(client.answer().unwrap().status, 200);
    }
    // Both are idle again, so one of them is closed.
    assert_eq!(post(&mut server.client(), 2), 200);
}
