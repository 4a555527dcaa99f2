//! Arbitrary bytes on a connection: the receiver still answers the next one.
//!
//! Runs for a second, or for `POSTHOG_LLMA_FUZZ_SECONDS`.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use fastrand::Rng;
use posthog_llma::receive::Limits;

use crate::receive::support::Server;
use crate::receive::support::made::{chunked, deflate, gzip, logs, protobuf, request, span};

fn number(variable: &str, default: u64) -> u64 {
    let text = std::env::var(variable).ok();
    text.map_or(default, |text| text.parse().unwrap())
}

/// Requests to start from.
fn seeds() -> Vec<Vec<u8>> {
    let json = request(&[span(1, 1, 0, "root"), span(1, 2, 1, "child")]);
    let protobuf = protobuf(&[(1, 1, "root"), (1, 2, "child")]);
    let mut seeds = Vec::new();
    for (path, headers, body) in [
        (
            "POST /v1/traces",
            "Content-Type: application/json",
            json.clone(),
        ),
        ("PUT /openrouter", "X-Test-Connection: true", Vec::new()),
        (
            "POST /v1/traces/",
            "Content-Type: application/x-protobuf",
            protobuf.clone(),
        ),
        (
            "POST /i/v0/ai/otel",
            "Content-Type: application/json\r\nContent-Encoding: gzip",
            gzip(&json),
        ),
        (
            "POST /i/v0/ai/otel/v1/traces",
            "Content-Type: application/x-protobuf\r\nContent-Encoding: deflate",
            deflate(&protobuf),
        ),
        (
            "POST /v1/logs",
            "Authorization: Bearer x",
            logs(&[(1, "session.id", "one")]),
        ),
        ("GET /health", "Expect: 100-continue", Vec::new()),
    ] {
        let head = |framing: &str| {
            format!("{path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n{framing}\r\n\r\n")
        };
        let length = head(&format!("Content-Length: {}", body.len()));
        seeds.push([length.as_bytes(), &body].concat());
        let chunks = head("Transfer-Encoding: chunked");
        seeds.push([chunks.as_bytes(), &chunked(&body, 50)].concat());
    }
    seeds
}

/// A seed with up to four damages.
fn damaged(seeds: &[Vec<u8>], random: &mut Rng) -> Vec<u8> {
    let mut bytes = seeds[random.usize(..seeds.len())].clone();
    for _ in 0..random.usize(..5) {
        let at = random
            .usize(..bytes.len().max(1))
            .min(bytes.len().saturating_sub(1));
        match random.u8(..5) {
            _ if bytes.is_empty() => {}
            0 => bytes[at] = random.u8(..),
            1 => bytes[at] ^= 1 << random.u8(..8),
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(at..(at + random.usize(..20)).min(bytes.len()))),
            _ => {
                let other = &seeds[random.usize(..seeds.len())];
                let from = random.usize(..other.len());
                let to = (from + random.usize(..100)).min(other.len());
                bytes.splice(at..at, other[from..to].iter().copied());
            }
        }
    }
    bytes
}

/// The answers of a receiver to bytes that end there.
fn answers(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    // The receiver may have closed the connection already.
    drop(stream.write_all(bytes));
    drop(stream.shutdown(Shutdown::Write));
    let mut answers = Vec::new();
    if let Err(error) = stream.read_to_end(&mut answers) {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }
    String::from_utf8_lossy(&answers).into_owned()
}

#[test]
fn requests_of_any_bytes_are_answered_and_leave_others_alone() {
    let server = Server::with_limits(Limits {
        body: 100_000,
        expanded: 100_000,
        head_time: Duration::from_secs(2),
        body_time: Duration::from_secs(2),
        ..Limits::default()
    });
    let seeds = seeds();
    for seed in &seeds {
        let answer = answers(server.address, seed);
        assert!(
            answer.contains(" 200 OK\r\n"),
            "{answer}\n{}",
            String::from_utf8_lossy(seed)
        );
    }
    let mut random = Rng::with_seed(number("POSTHOG_LLMA_FUZZ_SEED", 1));
    let budget = Duration::from_secs(number("POSTHOG_LLMA_FUZZ_SECONDS", 1));
    let started = Instant::now();
    let mut cases = 0;
    while started.elapsed() < budget {
        let bytes = damaged(&seeds, &mut random);
        let answer = answers(server.address, &bytes);
        // A panic would be answered with an internal error.
        assert!(!answer.contains(" 503 "), "{answer}\n{bytes:?}");
        cases += 1;
    }
    assert_eq!(server.client().ask("GET /health", &[], b"").status, 200);
    println!("{cases} cases in {} s", budget.as_secs());
}
