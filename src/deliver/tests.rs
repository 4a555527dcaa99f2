//! Every kind of failure of servers and networks, tested against the PostHog double. In the end the
//! server holds every event exactly once, and until then the outbox reports the correct state.

#![expect(dead_code, reason = "the doubles serve other tests too")]

mod admission;
mod batches;
mod crash;
mod damaged;
mod decisions;
mod refusals;

#[path = "../../tests/support/capture.rs"]
mod capture;
#[path = "../../tests/support/http.rs"]
mod http;
#[path = "../../tests/support/posthog.rs"]
mod posthog;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::thread;

use chrono::{DateTime, Utc};
use serde_json::json;
use tempfile::TempDir;
use uuid::Uuid;

use self::posthog::{Fault, PostHog, Verdict};
use super::*;
use crate::outbox::{DestinationStatus, Place, SessionEntry};
use crate::posthog::{Event, EventName, Frozen, Identities, Properties, Recording, Written};
use crate::redact::Redacted;
use crate::transport::TransportSettings;

/// No session is held.
const NONE: BTreeSet<i64> = BTreeSet::new();

/// A clock that advances only when it sleeps.
#[derive(Default)]
struct TestClock {
    waited: Cell<Duration>,
}

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        let start = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        start + TimeDelta::from_std(self.waited.get()).unwrap()
    }

    fn elapsed(&self) -> Duration {
        self.waited.get()
    }

    fn sleep(&self, duration: Duration) {
        self.waited.set(self.waited.get() + duration);
    }

    fn jitter(&self) -> f64 {
        1.0
    }
}

/// Shortens events made by [`event`], as the real function shortens long ones.
fn clip(body: &[u8], limit: usize) -> Option<Vec<u8>> {
    let mut event: serde_json::Value = serde_json::from_slice(body).ok()?;
    let text = event["properties"]["text"].as_str()?;
    let excess = body.len().saturating_sub(limit);
    let shorter = text.get(..text.len().checked_sub(excess)?)?.to_owned();
    event["properties"]["text"] = json!(shorter);
    serde_json::to_vec(&event).ok()
}

fn everything(_: &Destination) -> bool {
    true
}

/// The decision of a user who changed nothing.
fn as_stored(_: &StoredSession) -> Decision {
    Decision::Sent(Recording::Full)
}

const POLICY: Policy<'static> = Policy {
    patience: Duration::from_mins(1),
    admission_wait: Duration::ZERO,
    first: None,
    ignore_backoff: false,
    permits: &everything,
    decide: &as_stored,
    clip: &clip,
    stop: &|| false,
};

/// A policy with a single attempt.
const HASTY: Policy<'static> = Policy {
    patience: Duration::ZERO,
    ..POLICY
};

/// A policy that waits until it may send.
const WAITING: Policy<'static> = Policy {
    admission_wait: Duration::from_mins(1),
    ..POLICY
};

fn event(number: u128, text: &str) -> Redacted<Written> {
    let mut properties = Properties::default();
    properties.insert("number", json!(number.to_string()));
    properties.insert("text", json!(text));
    let event = Event {
        name: EventName::Span,
        uuid: Uuid::from_u128(number),
        distinct_id: "someone".into(),
        identities: Identities::Known,
        timestamp: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
        properties,
    };
    Redacted::trusted(event.written())
}

fn transport() -> Transport {
    Transport::new(TransportSettings {
        user_agent: "posthog-llma/test".into(),
        ..TransportSettings::default()
    })
}

/// A transport with short timeouts.
fn hasty_transport() -> Transport {
    Transport::new(TransportSettings {
        resolve: Duration::from_millis(300),
        answer: Duration::from_millis(300),
        ..TransportSettings::default()
    })
}

/// An outbox, a server and a clock.
struct Scene {
    directory: TempDir,
    outbox: Outbox,
    server: PostHog,
    clock: TestClock,
}

impl Scene {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        Self {
            outbox: Outbox::open(directory.path()).unwrap(),
            directory,
            server: PostHog::start(),
            clock: TestClock::default(),
        }
    }

    /// A scene in which `count` small events wait.
    fn with(count: u128) -> Self {
        let scene = Self::new();
        scene.enqueue((1..=count).map(|number| event(number, "x")));
        scene
    }

    fn enqueue(&self, events: impl Iterator<Item = Redacted<Written>>) {
        self.enqueue_for(&self.server.url(), events);
    }

    fn enqueue_for(&self, host: &str, events: impl Iterator<Item = Redacted<Written>>) {
        self.store("session", host, events);
    }

    fn enqueue_as(&self, session: &str, events: impl Iterator<Item = Redacted<Written>>) {
        self.store(session, &self.server.url(), events);
    }

    fn store(&self, id: &str, host: &str, events: impl Iterator<Item = Redacted<Written>>) {
        let entry = SessionEntry {
            agent: "claude-code",
            id,
            frozen: Redacted::trusted(Frozen::of_project("shop")),
            recording: Recording::Full,
            place: Place::default(),
        };
        let destination = Destination {
            host: host.to_owned(),
            api_key: "phc_test".into(),
            committed_by: None,
        };
        let mut writer = self
            .outbox
            .begin(&entry, &destination, self.clock.now())
            .unwrap();
        events.for_each(|event| writer.push(event).unwrap());
        writer.commit(None, [], &[]).unwrap();
    }

    fn drain(&self) -> Drained {
        self.drain_by(POLICY)
    }

    /// Drains as the user's own command does.
    fn flush(&self) -> Drained {
        self.drain_by(Policy {
            ignore_backoff: true,
            ..POLICY
        })
    }

    fn drain_by(&self, policy: Policy<'_>) -> Drained {
        self.drain_through(&transport(), policy)
    }

    fn drain_through(&self, transport: &Transport, policy: Policy<'_>) -> Drained {
        drain(&self.outbox, transport, &self.clock, policy, &mut |_| {}).unwrap()
    }

    fn status(&self) -> DestinationStatus {
        self.outbox.status().unwrap().destinations.remove(0)
    }

    /// Asserts that nothing was sent, `count` events wait, and the status contains `why`.
    #[track_caller]
    fn keeps(&self, count: u64, drained: &Drained, why: &str) {
        let error = drained.last_error.clone().unwrap_or_default();
        assert!(error.contains(why), "{error:?} does not say {why:?}");
        assert_eq!((drained.sent, drained.waiting), (0, count));
        let status = self.status();
        assert_eq!(status.waiting, count);
        let recorded = status.record.last_error.unwrap();
        assert_eq!(
            error,
            format!("{}: {recorded}", status.record.destination.host)
        );
        assert!(status.record.not_before > Some(self.clock.now()));
    }

    /// Asserts that the server holds `count` events, each once, and nothing waits any more.
    #[track_caller]
    fn complete(&self, count: usize) {
        assert_eq!(self.server.events().len(), count);
        assert_eq!(self.server.duplicates(), [] as [String; 0]);
        let receipt = self.outbox.receipt("claude-code", "session").unwrap();
        assert_eq!(receipt.acknowledged, count as u64, "{receipt:?}");
        assert_eq!(receipt.waiting, 0, "{receipt:?}");
    }

    fn verdicts(&self) -> Vec<Verdict> {
        let requests = self.server.requests();
        requests.into_iter().map(|one| one.verdict).collect()
    }
}

#[test]
fn what_waits_arrives_as_posthog_wants_it() {
    let scene = Scene::with(3);
    let mut steps = Vec::new();
    let drained = drain(
        &scene.outbox,
        &transport(),
        &scene.clock,
        POLICY,
        &mut |step| steps.push(step.sent),
    )
    .unwrap();
    assert_eq!((drained.sent, drained.waiting, steps), (3, 0, vec![3]));
    scene.complete(3);
    let request = scene.server.requests().remove(0);
    assert_eq!(
        (request.method.as_str(), request.path.as_str()),
        ("POST", "/batch/")
    );
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("content-encoding"), Some("gzip"));
    assert_eq!(request.header("user-agent"), Some("posthog-llma/test"));
    let body = request.body.unwrap();
    let fields: Vec<_> = body.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["api_key", "batch"]);
    assert_eq!(scene.drain(), Drained::default());
    assert_eq!(scene.server.requests().len(), 1);
}

#[test]
fn batches_stay_under_their_limit() {
    let scene = Scene::new();
    let text = "x".repeat(700_000);
    scene.enqueue((1..=8).map(|number| event(number, &text)));
    assert_eq!(scene.drain().sent, 8);
    scene.complete(8);
    assert_eq!(scene.server.requests().len(), 2);
    for request in scene.server.requests() {
        let size = request.body.unwrap().to_string().len();
        assert!(size <= body::MAX_BODY_BYTES, "{size}");
    }
}

#[test]
fn a_refused_connection_keeps_everything_for_later() {
    let mut scene = Scene::with(3);
    scene.server.stop();
    scene.keeps(3, &scene.drain(), "connection");
    scene.server.restart();
    assert_eq!(scene.drain().sent, 0, "its time has not come");
    assert_eq!(scene.flush().sent, 3);
    scene.complete(3);
    assert_eq!(scene.status().record.last_error, None);
}

#[test]
fn a_host_without_an_address_keeps_everything() {
    let scene = Scene::new();
    let events = (1..=3).map(|number| event(number, "x"));
    scene.enqueue_for("https://posthog.invalid", events);
    let drained = scene.drain_through(&hasty_transport(), HASTY);
    scene.keeps(3, &drained, "cannot find the host posthog.invalid");
}

#[test]
fn a_destination_in_trouble_is_left_alone_for_longer_and_longer() {
    let mut scene = Scene::with(1);
    scene.server.stop();
    let mut pauses = Vec::new();
    for _ in 0..11 {
        scene.drain_by(Policy {
            ignore_backoff: true,
            ..HASTY
        });
        let until = scene.status().record.not_before.unwrap();
        pauses.push((until - scene.clock.now()).num_seconds());
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
}

#[test]
fn trouble_that_passes_is_sat_out_with_the_same_bytes() {
    for fault in [
        Fault::ResetMidBody,
        Fault::status(408),
        Fault::status(429),
        Fault::status(500),
        Fault::status(502),
        Fault::status(503),
        Fault::status(504),
    ] {
        let scene = Scene::with(3);
        scene.server.then(fault.clone());
        assert_eq!(scene.drain().sent, 3, "{fault:?}");
        scene.complete(3);
        let requests = scene.server.requests();
        assert_eq!(requests.len(), 2);
        let whole = !requests[0].raw.is_empty();
        assert!(!whole || requests[0].raw == requests[1].raw, "{fault:?}");
    }
}

#[test]
fn a_silent_server_is_asked_again() {
    let scene = Scene::with(3);
    scene.server.then(Fault::NoAnswer);
    assert_eq!(scene.drain_through(&hasty_transport(), POLICY).sent, 3);
    scene.complete(3);
}

#[test]
fn a_server_that_stays_silent_keeps_everything_for_later() {
    let scene = Scene::with(3);
    scene.server.set(Fault::NoAnswer);
    let drained = scene.drain_through(&hasty_transport(), HASTY);
    scene.keeps(3, &drained, "no answer in time");
    scene.server.heal();
    scene.flush();
    scene.complete(3);
}

#[test]
fn a_slow_answer_is_waited_for() {
    let scene = Scene::with(3);
    scene.server.then(Fault::Slow(Duration::from_millis(100)));
    assert_eq!(scene.drain().sent, 3);
    scene.complete(3);
    assert_eq!(scene.server.requests().len(), 1);
}

#[test]
fn a_lost_answer_brings_the_same_bytes_again() {
    let scene = Scene::with(3);
    scene.server.then(Fault::ResetAfterAccepting);
    assert_eq!(scene.drain().sent, 3);
    assert_eq!(scene.server.merged().len(), 3);
    let requests = scene.server.requests();
    assert_eq!(requests[0].verdict, Verdict::AnswerLost);
    assert_eq!(requests[0].raw, requests[1].raw);
}

#[test]
fn the_server_says_how_long_to_wait() {
    let scene = Scene::with(3);
    scene.server.then(Fault::retry_after(429, 7));
    scene.drain();
    scene.complete(3);
    assert_eq!(scene.clock.elapsed(), Duration::from_secs(7));
}

#[test]
fn trouble_that_lasts_ends_the_run_within_its_patience() {
    let scene = Scene::with(3);
    scene.server.set(Fault::status(503));
    scene.keeps(3, &scene.drain(), "503");
    assert!(scene.clock.elapsed() <= POLICY.patience);
    scene.server.heal();
    scene.clock.sleep(Duration::from_secs(30));
    assert_eq!(scene.drain().sent, 3);
    scene.complete(3);
}

#[test]
fn without_patience_there_is_one_try() {
    let scene = Scene::with(3);
    scene.server.set(Fault::status(503));
    scene.keeps(3, &scene.drain_by(HASTY), "503");
    assert_eq!(scene.server.requests().len(), 1);
    assert_eq!(scene.clock.elapsed(), Duration::ZERO);
}

#[test]
fn one_destination_in_trouble_does_not_hold_up_another() {
    let scene = Scene::with(3);
    let other = PostHog::start();
    scene.enqueue_for(&other.url(), (4..=5).map(|number| event(number, "x")));
    scene.server.set(Fault::status(503));
    let drained = scene.drain();
    assert_eq!((drained.sent, drained.waiting), (2, 3));
    assert_eq!(other.events().len(), 2);
}

#[test]
fn senders_at_once_send_nothing_twice() {
    let scene = Scene::with(500);
    let sent: u64 = thread::scope(|scope| {
        let senders: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let outbox = Outbox::open(scene.directory.path()).unwrap();
                    let clock = TestClock::default();
                    drain(&outbox, &transport(), &clock, WAITING, &mut |_| {})
                        .unwrap()
                        .sent
                })
            })
            .collect();
        senders.into_iter().map(|one| one.join().unwrap()).sum()
    });
    assert_eq!(sent + scene.drain().sent, 500);
    scene.complete(500);
}
