//! Time to store and to drain an event, as the number of waiting events grows.
//!
//! Run with `cargo bench --bench outbox`; `POSTHOG_LLMA_BENCH_MILLION=1` adds a million events (two
//! gigabytes of memory, some minutes). Storing and draining are linear when the events per second
//! are the same in every row of a group; `status` may not grow at all. Closing the outbox counts:
//! it moves the rest of the log, which is most of a small outbox. Draining the smallest one is
//! cheaper than linear: it has too little space to give any back.

use std::collections::BTreeSet;
use std::env;
use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use divan::Bencher;
use divan::counter::ItemsCount;
use posthog_llma::outbox::{Destination, Outbox, Place, SessionEntry};
use posthog_llma::posthog::limits::{AI_LANE_EVENT, Limits};
use posthog_llma::posthog::{
    DistinctId, Event, EventName, Frozen, Grouping, Identities, InputScope, Properties, Recording,
    Written,
};
use posthog_llma::redact::{Counts, KnownTexts, Redacted, RedactionKey, Redactor};
use serde_json::json;
use tempfile::TempDir;
use uuid::Uuid;

fn main() {
    divan::main();
}

/// Number of events of a session. Sessions are committed one by one.
const SESSION: usize = 1_000;
/// Number of sessions that `status` shows.
const SHOWN: usize = 10;
/// Bytes that a sender claims at a time.
const CLAIM: usize = 5 << 20;

const LIMITS: Limits = Limits {
    attribute: AI_LANE_EVENT,
    event: AI_LANE_EVENT,
    input_scope: InputScope::New,
};

fn sizes() -> Vec<usize> {
    let mut sizes = vec![10_000, 100_000];
    if env::var_os("POSTHOG_LLMA_BENCH_MILLION").is_some() {
        sizes.push(1_000_000);
    }
    sizes
}

/// Small events of half a kilobyte each, so that the cost of an event besides its bytes shows.
fn events(count: usize) -> Vec<Redacted<Written>> {
    let redactor = Redactor::new(RedactionKey::new([7; 32]));
    let event = |number: usize| {
        let mut properties = Properties::default();
        properties.insert("$ai_model", json!("claude-opus-4-6"));
        properties.insert("$ai_input_tokens", json!(number % 4_099));
        properties.insert("$ai_latency", json!(number % 977));
        let steps = [3, 5, 7, 11].map(|prime| number % prime * (number % 8_191));
        properties.insert("$ai_output_state", json!(format!("{steps:?}").repeat(16)));
        Event {
            name: EventName::Span,
            uuid: Uuid::new_v5(&Uuid::NAMESPACE_OID, &number.to_le_bytes()),
            distinct_id: "ada@bookshop.example".into(),
            identities: Identities::Known,
            timestamp: now(),
            properties,
        }
    };
    let mut counts = Counts::default();
    (0..count)
        .map(|number| redactor.event(event(number), &mut KnownTexts::default(), &mut counts))
        .map(|event| event.written(&LIMITS))
        .collect()
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).expect("it is a time")
}

fn store(outbox: &Outbox, events: &[Redacted<Written>], session: usize) {
    let destination = Destination {
        host: "https://us.i.posthog.com".into(),
        api_key: "phc_bench".into(),
        committed_by: None,
    };
    let frozen = Redactor::new(RedactionKey::new([7; 32])).written(|_| Frozen {
        distinct_id: DistinctId::parse("ada@example.com").expect("it is a person"),
        is_person: true,
        grouping: Grouping::Session,
        session_window: None,
        turn_spans: true,
        project_name: Some("bookshop".to_owned()),
        trace: None,
    });
    for (number, events) in events.chunks(session).enumerate() {
        let entry = SessionEntry {
            agent: "claude-code",
            id: &format!("session {number}"),
            frozen: frozen.clone(),
            recording: Recording::Full,
            place: Place::default(),
        };
        let mut writer = outbox
            .begin(&entry, &destination, now())
            .expect("it begins");
        for event in events {
            writer.push(event.clone()).expect("it is stored");
        }
        writer.commit(None, [], &[]).expect("it is stored");
    }
}

fn drain(outbox: &Outbox) {
    loop {
        let claimed = outbox
            .claim(1, CLAIM, &BTreeSet::new())
            .expect("it can be read")
            .batches;
        if claimed.is_empty() {
            break;
        }
        outbox.acknowledge(1, &claimed, now()).expect("it is kept");
    }
    outbox.give_back_space().expect("it can be written");
}

fn empty() -> (TempDir, Outbox) {
    let directory = TempDir::new().expect("there is room");
    let outbox = Outbox::open(directory.path()).expect("it opens");
    (directory, outbox)
}

#[divan::bench(args = sizes(), sample_count = 3, sample_size = 1)]
fn enqueue(bencher: Bencher, count: usize) {
    let events = LazyLock::new(|| events(count));
    bencher
        .counter(ItemsCount::new(count))
        .with_inputs(|| (&*events, empty()))
        .bench_values(|(events, (directory, outbox))| {
            store(&outbox, events, SESSION);
            drop(outbox);
            directory
        });
}

#[divan::bench(args = sizes(), sample_count = 3, sample_size = 1)]
fn drain_all(bencher: Bencher, count: usize) {
    let events = LazyLock::new(|| events(count));
    let full = || {
        let (directory, outbox) = empty();
        store(&outbox, &events, SESSION);
        drop(outbox);
        let outbox = Outbox::open(directory.path()).expect("it opens");
        (directory, outbox)
    };
    bencher
        .counter(ItemsCount::new(count))
        .with_inputs(full)
        .bench_values(|(directory, outbox)| {
            drain(&outbox);
            drop(outbox);
            directory
        });
}

#[divan::bench(args = sizes(), sample_count = 20)]
fn status(bencher: Bencher, count: usize) {
    let (_directory, outbox) = empty();
    store(&outbox, &events(count), count / SHOWN);
    bencher.bench_local(|| outbox.status().expect("it can be read"));
}
