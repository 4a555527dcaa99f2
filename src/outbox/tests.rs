//! The outbox as a ledger: storing, claiming and counting events.

mod batches;
mod decisions;
mod excluded;
mod format_1;

use std::collections::BTreeSet;
use std::fs;
use std::iter;
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::posthog::{Event, EventName, Frozen, Identities, Properties, Recording, Written};
use crate::redact::Redacted;

/// No session is held.
const NONE: BTreeSet<i64> = BTreeSet::new();

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn destination() -> Destination {
    Destination {
        host: "https://us.i.posthog.com".into(),
        api_key: "phc_test".into(),
        committed_by: None,
    }
}

fn entry(id: &str) -> SessionEntry<'_> {
    SessionEntry {
        agent: "claude-code",
        id,
        frozen: Redacted::trusted(Frozen::of_project("shop")),
        recording: Recording::Full,
        place: Place::default(),
    }
}

fn event(name: EventName, number: u128, text: &str) -> Redacted<Written> {
    let mut properties = Properties::default();
    properties.insert("text", json!(text));
    let event = Event {
        name,
        uuid: Uuid::from_u128(number),
        distinct_id: "someone".into(),
        identities: Identities::Known,
        timestamp: at(0),
        properties,
    };
    Redacted::trusted(event.written())
}

pub(super) fn enqueue(
    outbox: &Outbox,
    session: &str,
    events: &[Redacted<Written>],
    seconds: i64,
) -> Enqueued {
    let mut writer = outbox
        .begin(&entry(session), &destination(), at(seconds))
        .unwrap();
    for event in events {
        writer.push(event.clone()).unwrap();
    }
    writer.commit(None, [], &[]).unwrap()
}

/// A checkpoint as the outbox accepts it.
pub(super) fn kept(bytes: &[u8]) -> Redacted<Vec<u8>> {
    Redacted::trusted(bytes.to_vec())
}

pub(super) fn spans(numbers: impl Iterator<Item = u128>) -> Vec<Redacted<Written>> {
    numbers
        .map(|number| event(EventName::Span, number, "x"))
        .collect()
}

/// 100 KB of text that takes about 75 KB when it is compressed.
fn incompressible(seed: u64) -> String {
    let mut random = fastrand::Rng::with_seed(seed);
    iter::repeat_with(|| random.alphanumeric())
        .take(100_000)
        .collect()
}

/// The single events that wait.
fn claim_all(outbox: &Outbox) -> Vec<Waiting> {
    let claimed = outbox.claim(1, usize::MAX, &NONE).unwrap();
    let events = |batch| outbox.unpack(1, batch).unwrap().unwrap();
    claimed.batches.iter().flat_map(events).collect()
}

/// Acknowledges everything that waits.
fn acknowledge_all(outbox: &Outbox, seconds: i64) {
    let claimed = outbox.claim(1, usize::MAX, &NONE).unwrap();
    outbox
        .acknowledge(1, &claimed.batches, at(seconds))
        .unwrap();
}

/// Asserts that tallies and identities match the events they count and name.
fn assert_consistent(outbox: &Outbox) {
    assert_eq!(outbox.check().unwrap(), [""; 0]);
}

fn open(directory: &TempDir) -> Outbox {
    Outbox::open(directory.path()).unwrap()
}

#[test]
fn what_was_committed_is_there_after_reopening() {
    let directory = TempDir::new().unwrap();
    let outbox = open(&directory);
    let key = outbox.redaction_key();
    enqueue(&outbox, "a", &spans(1..4), 0);
    drop(outbox);
    let outbox = open(&directory);
    assert_eq!(outbox.redaction_key(), key);
    let bodies: Vec<_> = claim_all(&outbox).into_iter().map(|one| one.body).collect();
    let expected: Vec<_> = spans(1..4)
        .iter()
        .map(|event| event.get().json.clone())
        .collect();
    assert_eq!(bodies, expected);
}

#[test]
fn a_batch_that_is_never_committed_leaves_no_checkpoint_and_is_recognised() {
    let directory = TempDir::new().unwrap();
    let outbox = open(&directory);
    let large = "x".repeat(1024 * 1024);
    let events: Vec<_> = (1..6)
        .map(|number| event(EventName::Span, number, &large))
        .collect();
    let mut writer = outbox.begin(&entry("a"), &destination(), at(0)).unwrap();
    for event in &events {
        writer.push(event.clone()).unwrap();
    }
    drop(writer);
    let session = outbox.session("claude-code", "a").unwrap().unwrap();
    assert_eq!(session.checkpoint, None);
    let enqueued = enqueue(&outbox, "a", &events, 1);
    assert_eq!((enqueued.new, enqueued.known), (1, 4));
    assert_eq!(claim_all(&outbox).len(), 5);
}

#[test]
fn an_event_is_held_once_whatever_session_brings_it() {
    let directory = TempDir::new().unwrap();
    let outbox = open(&directory);
    enqueue(&outbox, "original", &spans(1..4), 0);
    let fork = enqueue(&outbox, "fork", &spans(2..6), 1);
    assert_eq!((fork.new, fork.known), (2, 2));
    let owners = outbox.owners([2, 5, 9].map(Uuid::from_u128)).unwrap();
    let owner = |number| {
        let (_, session): &(String, String) = owners.get(&Uuid::from_u128(number))?;
        Some(session.as_str())
    };
    assert_eq!(
        [owner(2), owner(5), owner(9)],
        [Some("original"), Some("fork"), None]
    );
}

#[test]
fn settings_of_the_first_time_stay() {
    let directory = TempDir::new().unwrap();
    let outbox = open(&directory);
    for name in ["first", "second"] {
        let entry = SessionEntry {
            frozen: Redacted::trusted(Frozen::of_project(name)),
            ..entry("a")
        };
        let writer = outbox.begin(&entry, &destination(), at(0)).unwrap();
        let frozen = writer.session().frozen().unwrap();
        assert_eq!(frozen, Frozen::of_project("first"));
    }
}

#[test]
fn a_trace_that_grew_waits_again_and_one_that_did_not_is_known() {
    let directory = TempDir::new().unwrap();
    let outbox = open(&directory);
    let trace = |text| [event(EventName::Trace, 1, text)];
    enqueue(&outbox, "a", &trace("short"), 0);
    acknowledge_all(&outbox, 1);
    assert_eq!(enqueue(&outbox, "a", &trace("short"), 2).known, 1);
    assert_eq!(enqueue(&outbox, "a", &trace("longer"), 3).replaced, 1);
    let waiting = claim_all(&outbox);
    assert_eq!(waiting.len(), 1);
    assert!(String::from_utf8_lossy(&waiting[0].body).contains("longer"));
}

#[test]
fn a_trace_replaced_while_its_old_body_is_on_its_way_goes_on_waiting() {
    let directory = TempDir::new().unwrap();
    let outbox = open(&directory);
    enqueue(&outbox, "a", &[event(EventName::Trace, 1, "old")], 0);
    let on_its_way = claim_all(&outbox);
    enqueue(&outbox, "a", &[event(EventName::Trace, 1, "new")], 1);
    outbox.acknowledge_events(1, &on_its_way, at(2)).unwrap();
    outbox.park(1, &on_its_way[0], "too late", at(2)).unwrap();
    let receipt = outbox.receipt("claude-code", "a").unwrap();
    assert_eq!((receipt.waiting, receipt.acknowledged), (1, 0));
    assert!(String::from_utf8_lossy(&claim_all(&outbox)[0].body).contains("new"));
}

#[test]
fn who_was_overtaken_stores_neither_checkpoint_nor_trace() {
    let directory = TempDir::new().unwrap();
    let (slow, fast) = (open(&directory), open(&directory));
    let mut late = slow.begin(&entry("a"), &destination(), at(0)).unwrap();
    let mut early = fast.begin(&entry("a"), &destination(), at(0)).unwrap();
    early.push(event(EventName::Trace, 1, "more")).unwrap();
    early.commit(Some(&kept(b"far")), [], &[]).unwrap();
    late.push(event(EventName::Trace, 1, "less")).unwrap();
    let outcome = late.commit(Some(&kept(b"near")), [], &[]);
    assert!(
        matches!(outcome, Err(OutboxError::Overtaken)),
        "{outcome:?}"
    );
    let session = slow.session("claude-code", "a").unwrap().unwrap();
    assert_eq!(session.checkpoint.as_deref(), Some(&b"far"[..]));
    assert!(String::from_utf8_lossy(&claim_all(&slow)[0].body).contains("more"));
}

#[test]
fn the_receipt_adds_up() {
    let directory = TempDir::new().unwrap();
    let outbox = open(&directory);
    enqueue(&outbox, "a", &spans(1..11), 0);
    let claimed = claim_all(&outbox);
    outbox.acknowledge_events(1, &claimed[..4], at(1)).unwrap();
    outbox.park(1, &claimed[4], "bad", at(1)).unwrap();
    let receipt = outbox.receipt("claude-code", "a").unwrap();
    let expected = Receipt {
        events: 10,
        acknowledged: 4,
        waiting: 5,
        parked: 1,
        ..Receipt::default()
    };
    assert_eq!(receipt, expected);
    let unknown = outbox.receipt("claude-code", "b").unwrap();
    assert_eq!(unknown, Receipt::default());
}

#[test]
fn a_claim_fits_but_never_comes_empty_handed() {
    let directory = TempDir::new().unwrap();
    let outbox = open(&directory);
    for number in 1..6 {
        enqueue(&outbox, "a", &spans(number..=number), 0);
    }
    let claim = |max_bytes| outbox.claim(1, max_bytes, &NONE).unwrap().batches;
    let size = claim(usize::MAX)[0].segment.bytes;
    assert_eq!(claim(3 * (size + 1)).len(), 3);
    assert_eq!(claim(3 * (size + 1) - 1).len(), 2);
    assert_eq!(claim(1).len(), 1);
    assert_eq!(
        outbox.claim(2, usize::MAX, &NONE).unwrap(),
        Claimed::default()
    );
}

#[test]
fn a_parked_event_waits_again_when_it_changed_or_the_user_says_so() {
    let directory = TempDir::new().unwrap();
    let outbox = open(&directory);
    enqueue(&outbox, "a", &spans(1..3), 0);
    for waiting in claim_all(&outbox) {
        outbox.park(1, &waiting, "bad", at(1)).unwrap();
    }
    assert_eq!(enqueue(&outbox, "a", &spans(1..3), 2).known, 2);
    let mended = [event(EventName::Span, 1, "mended")];
    assert_eq!(enqueue(&outbox, "a", &mended, 3).replaced, 1);
    assert_eq!(outbox.unpark().unwrap(), 1);
    assert_eq!(claim_all(&outbox).len(), 2);
}

#[test]
fn what_waited_too_long_is_dropped_counted_and_can_come_again() {
    let directory = TempDir::new().unwrap();
    let outbox = open(&directory);
    enqueue(&outbox, "a", &spans(1..3), 0);
    enqueue(&outbox, "a", &spans(3..4), 10);
    let dropped = outbox.enforce_limits(at(5) + MAX_AGE).unwrap();
    assert_eq!((dropped.by_age, dropped.by_size), (2, 0));
    let status = outbox.status().unwrap();
    assert_eq!(status.dropped, dropped);
    assert_eq!(status.sessions[0].receipt.dropped, 2);
    assert_eq!(claim_all(&outbox).len(), 1);
    assert_eq!(enqueue(&outbox, "a", &spans(1..3), 20).new, 2);
    assert_eq!(claim_all(&outbox).len(), 3);
}

#[test]
fn an_outbox_that_grows_too_large_loses_parked_events_then_the_oldest() {
    let directory = TempDir::new().unwrap();
    let outbox = open(&directory);
    enqueue(&outbox, "a", &spans(1..11), 0);
    let claimed = claim_all(&outbox);
    outbox.park(1, &claimed[9], "bad", at(1)).unwrap();
    let size = claimed[0].body.len() as u64;
    let dropped = outbox.enforce(at(2), 7 * size).unwrap();
    assert_eq!((dropped.by_age, dropped.by_size), (0, 3));
    let left: Vec<_> = claim_all(&outbox).iter().map(|one| one.seq).collect();
    assert_eq!(left, (3..10).collect::<Vec<i64>>());
    assert_eq!(outbox.enforce(at(3), 7 * size).unwrap(), Dropped::default());
}

#[test]
fn a_destination_in_trouble_is_left_alone_until_its_time_or_a_command() {
    let directory = TempDir::new().unwrap();
    let outbox = open(&directory);
    enqueue(&outbox, "a", &spans(1..3), 0);
    let due = |seconds, ignore| {
        let due = outbox.destinations_waiting(at(seconds), ignore);
        due.unwrap().len()
    };
    assert_eq!(due(0, false), 1);
    outbox.fail(1, at(60), "503", false, at(0)).unwrap();
    assert_eq!([due(59, false), due(59, true), due(60, false)], [0, 1, 1]);
    // The clock was ten years ahead.
    outbox
        .fail(1, at(60 + 315_576_000), "503", false, at(0))
        .unwrap();
    assert_eq!(due(61, false), 1);
    acknowledge_all(&outbox, 61);
    assert_eq!(due(62, true), 0);
    let record = &outbox.status().unwrap().destinations[0].record;
    assert_eq!((record.failures, &record.last_error), (0, &None));
    assert_eq!(record.last_sent_at, Some(at(61)));
}

#[test]
fn tallies_and_identities_follow_every_way_of_an_event() {
    let directory = TempDir::new().unwrap();
    let outbox = open(&directory);
    enqueue(&outbox, "a", &spans(1..11), 0);
    enqueue(&outbox, "a", &[event(EventName::Trace, 99, "short")], 0);
    assert_consistent(&outbox);
    let claimed = claim_all(&outbox);
    outbox.park(1, &claimed[0], "bad", at(1)).unwrap();
    outbox.acknowledge_events(1, &claimed[1..3], at(1)).unwrap();
    assert_consistent(&outbox);
    enqueue(&outbox, "a", &[event(EventName::Trace, 99, "longer")], 2);
    assert_consistent(&outbox);
    outbox.enforce(at(3), 200).unwrap();
    assert_consistent(&outbox);
    enqueue(&outbox, "a", &spans(1..11), 4);
    outbox.enforce_limits(at(5) + MAX_AGE).unwrap();
    assert_consistent(&outbox);
    excluded::exclude(&outbox, Cause::Paused);
    outbox.withdraw_excluded(at(6) + MAX_AGE).unwrap();
    assert_consistent(&outbox);
}

#[test]
fn status_shows_what_was_recorded() {
    let directory = TempDir::new().unwrap();
    let outbox = open(&directory);
    let stamp = TranscriptStamp {
        path: "/tmp/a.jsonl".into(),
        size: 7,
        modified: UNIX_EPOCH + Duration::from_nanos(1_234_567_890_123_456_789),
    };
    let mut writer = outbox.begin(&entry("a"), &destination(), at(5)).unwrap();
    writer.push(spans(1..2).remove(0)).unwrap();
    let stamps = std::slice::from_ref(&stamp);
    writer
        .commit(Some(&kept(b"7")), [("jwt", 2), ("github-pat", 3)], stamps)
        .unwrap();
    assert_eq!(outbox.transcript(&stamp.path).unwrap(), Some(stamp));
    for number in 0..60 {
        let run = Run {
            at: at(number),
            kind: RunKind::SessionEnd,
            session: Some("a".into()),
            duration_ms: 12,
            sent: 0,
            error: None,
            warnings: vec!["careful".into()],
        };
        outbox.log_run(&run).unwrap();
    }
    assert_eq!(outbox.enabled_since("claude-code", at(1)).unwrap(), at(1));
    assert_eq!(outbox.enabled_since("claude-code", at(9)).unwrap(), at(1));
    assert_eq!(outbox.enabled_since("pi", at(9)).unwrap(), at(9));
    drop(outbox);

    let outbox = Outbox::open_read_only(directory.path()).unwrap().unwrap();
    let status = outbox.status().unwrap();
    assert_eq!(status.enabled_since, Some(at(1)));
    assert_eq!(status.runs.len(), 50);
    assert_eq!(status.runs[0].at, at(59));
    assert_eq!(status.runs[0].warnings, ["careful"]);
    assert_eq!(
        status.redactions,
        [("github-pat".to_owned(), 3), ("jwt".to_owned(), 2)]
    );
    assert_eq!(status.sessions[0].project.as_deref(), Some("shop"));
    let destination = &status.destinations[0];
    assert_eq!((destination.waiting, destination.oldest), (1, Some(at(5))));
    assert!(destination.waiting_bytes > 0);
    assert!(!format!("{status:?}").contains("phc_test"));
}

#[test]
fn twenty_at_once_lose_nothing_and_store_nothing_twice() {
    let directory = TempDir::new().unwrap();
    thread::scope(|scope| {
        for writer in 0..20u128 {
            let directory = &directory;
            scope.spawn(move || {
                let outbox = open(directory);
                // Half of every writer's events are also another writer's.
                let first = writer * 50;
                enqueue(
                    &outbox,
                    &format!("session {writer}"),
                    &spans(first..first + 100),
                    0,
                );
            });
        }
    });
    let outbox = open(&directory);
    assert_eq!(claim_all(&outbox).len(), 20 * 50 + 50);
    assert_eq!(outbox.status().unwrap().set_aside, [] as [PathBuf; 0]);
}

#[test]
fn a_sender_is_alone_until_it_lets_go() {
    let directory = TempDir::new().unwrap();
    let (one, other) = (open(&directory), open(&directory));
    let lock = one.try_lock_sender(1).unwrap();
    assert!(lock.is_some());
    assert!(other.try_lock_sender(1).unwrap().is_none());
    assert!(other.try_lock_sender(2).unwrap().is_some());
    drop(lock);
    assert!(other.try_lock_sender(1).unwrap().is_some());
}

#[test]
fn acknowledged_events_give_their_space_back() {
    let directory = TempDir::new().unwrap();
    let outbox = open(&directory);
    let events: Vec<_> = (1..120_u64)
        .map(|number| event(EventName::Span, number.into(), &incompressible(number)))
        .collect();
    enqueue(&outbox, "a", &events, 0);
    acknowledge_all(&outbox, 1);
    outbox.give_back_space().unwrap();
    drop(outbox);
    let size = fs::metadata(directory.path().join("outbox.db")).unwrap();
    assert!(size.len() < 9_000_000, "{}", size.len());
}
