//! A receiver that is killed at any moment, while clients export with retries and it maps and
//! sends: no acknowledged span is missing at PostHog, and none is there with other bytes.
//!
//! 20 kills, or the number in `POSTHOG_LLMA_KILLS`.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex};
use std::thread;
use std::time::Duration;

use fastrand::Rng;

use super::sends::{body, call};
use super::support::{Serving, changed};
use crate::receive::support::Client;
use crate::support::env::TestEnv;
use crate::support::posthog::PostHog;

const KILLS: &str = "POSTHOG_LLMA_KILLS";
const CLIENTS: u64 = 4;
/// Pause of a client between two requests.
const PACE: Duration = Duration::from_millis(2);

/// State shared by the clients and the killer.
#[derive(Default)]
struct Play {
    /// Address of the receiver; `None` while it is dead.
    address: Mutex<Option<SocketAddr>>,
    changed: Condvar,
    is_over: AtomicBool,
    retries: AtomicU64,
    /// Traces with an acknowledged call.
    acknowledged: Mutex<Vec<u128>>,
}

impl Play {
    fn set(&self, address: Option<SocketAddr>) {
        *self.address.lock().expect("whole") = address;
        self.changed.notify_all();
    }

    fn address(&self) -> SocketAddr {
        let address = self.address.lock().expect("whole");
        let address = self.changed.wait_while(address, |it| it.is_none());
        address.expect("whole").expect("it is there")
    }

    /// Sends a request until it is acknowledged, as exporters do: the same bytes again.
    fn export(&self, body: &[u8]) {
        loop {
            let sent = Client::try_connect(self.address()).and_then(|mut client| {
                client.send("POST /v1/traces", &["Content-Type: application/json"], body)?;
                client.answer()
            });
            match sent {
                Ok(answer) if answer.status == 200 => return,
                Ok(answer) => assert_eq!(answer.status, 503, "{}", answer.text()),
                // The receiver was killed.
                Err(_) => {}
            }
            self.retries.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn run_client(&self, number: u64) {
        let mut round = 0;
        while !self.is_over.load(Ordering::Relaxed) {
            let trace = u128::from(number << 32 | round) + 1;
            self.export(&body(&[call(trace, 1, 0)]));
            self.acknowledged.lock().expect("whole").push(trace);
            round += 1;
            // At the pace of applications, so that `flush` comes to an end.
            thread::sleep(PACE);
        }
    }
}

#[test]
fn nothing_that_was_acknowledged_is_missing_at_posthog_and_nothing_is_sent_with_other_bytes() {
    let kills = std::env::var(KILLS).map_or(20, |text| text.parse().expect("a number"));
    let posthog = PostHog::start();
    let env = TestEnv::sending_to(&posthog);
    let play = Play::default();
    let mut random = Rng::new();
    thread::scope(|scope| {
        let play = &play;
        let clients = (1..=CLIENTS).map(|number| scope.spawn(move || play.run_client(number)));
        let clients: Vec<_> = clients.collect();
        for round in 0..kills {
            let serving = Serving::start(&env);
            play.set(Some(serving.address));
            // The moment of a kill is what this test varies. Now and then traces become quiet.
            let most = if round % 10 == 9 { 7_000 } else { 300 };
            thread::sleep(Duration::from_millis(random.u64(0..most)));
            play.set(None);
            serving.kill();
        }
        let serving = Serving::start(&env);
        play.is_over.store(true, Ordering::Relaxed);
        play.set(Some(serving.address));
        // The clients end when their last request is acknowledged.
        for client in clients {
            client.join().expect("it asserts");
        }
        serving.kill();
    });
    env.run(["flush"]).success();
    let calls = posthog.named("$ai_generation");
    let id = |call: &serde_json::Value| {
        let trace = call["properties"]["$ai_trace_id"].as_str().expect("an id");
        u128::from_str_radix(trace, 16).expect("an id")
    };
    let found: HashSet<u128> = calls.iter().map(id).collect();
    let acknowledged = play.acknowledged.into_inner().expect("whole");
    let lost = acknowledged.iter().filter(|it| !found.contains(it)).count();
    let double = changed(&posthog).len();
    println!(
        "{kills} kills, {} calls acknowledged, {} retries: {lost} lost, {double} sent twice with other bytes",
        acknowledged.len(),
        play.retries.into_inner(),
    );
    assert_eq!((lost, double), (0, 0));
    assert!(!acknowledged.is_empty());
}
