//! A receiver that is killed at any moment loses no acknowledged span and doubles none.
//!
//! 20 kills, or the number in `POSTHOG_LLMA_KILLS`.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex};
use std::thread;
use std::time::{Duration, SystemTime};

use fastrand::Rng;
use posthog_llma::inbox::{Inbox, Quiet, Reader, Route, Settings};

use crate::receive::support::Client;
use crate::receive::support::made::{request, span};
use crate::receive::support::process::Process;

const KILLS: &str = "POSTHOG_LLMA_KILLS";
const CLIENTS: u64 = 4;
/// Number of spans of a request, in traces of four that the next requests complete.
const SPANS: u64 = 16;

/// State shared by the clients and the killer.
#[derive(Default)]
struct Play {
    /// Address of the receiver; `None` while it is dead.
    address: Mutex<Option<SocketAddr>>,
    changed: Condvar,
    is_over: AtomicBool,
    retries: AtomicU64,
    /// Spans that were acknowledged, by trace and id.
    acknowledged: Mutex<HashSet<(u128, u64)>>,
}

impl Play {
    fn set(&self, address: Option<SocketAddr>) {
        *self.address.lock().unwrap() = address;
        self.changed.notify_all();
    }

    fn address(&self) -> SocketAddr {
        let address = self.address.lock().unwrap();
        let address = self.changed.wait_while(address, |it| it.is_none()).unwrap();
        address.unwrap()
    }

    /// Sends a request until it is acknowledged, as exporters do: the same bytes again.
    fn export(&self, client: &mut Option<Client>, body: &[u8]) {
        loop {
            let sent = (|| {
                let client = match client {
                    Some(client) => client,
                    None => client.insert(Client::try_connect(self.address())?),
                };
                client.send("POST /v1/traces", &["Content-Type: application/json"], body)?;
                client.answer()
            })();
            match sent {
                Ok(answer) if answer.status == 200 => return,
                Ok(answer) => assert_eq!(answer.status, 503, "{}", answer.text()),
                // The receiver was killed.
                Err(_) => *client = None,
            }
            self.retries.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn run_client(&self, number: u64) {
        let mut client = None;
        let mut round = 0;
        while !self.is_over.load(Ordering::Relaxed) {
            let ids = (0..SPANS).map(|index| {
                let trace = u128::from(number << 40 | (round + index / 4));
                (trace, (round * SPANS + index) + 1)
            });
            let ids: Vec<_> = ids.collect();
            let spans: Vec<_> = ids
                .iter()
                .map(|(trace, id)| span(*trace, *id, id % 4, &text_of(*trace, *id)))
                .collect();
            self.export(&mut client, &request(&spans));
            self.acknowledged.lock().unwrap().extend(ids);
            round += 1;
        }
    }

    /// Reads waiting traces and marks them as mapped, as the pipeline does, in another process than
    /// the receiver.
    fn run_mapper(&self, inbox: &Inbox) {
        let reader = inbox.reader().unwrap();
        let quiet = Quiet {
            with_root: Duration::ZERO,
            without_root: Duration::ZERO,
        };
        while !self.is_over.load(Ordering::Relaxed) {
            let traces = reader
                .quiet(&Route::new("open"), &quiet, SystemTime::now(), 50)
                .unwrap();
            for trace in &traces {
                let received = reader.read(&trace.revision.key).unwrap().unwrap();
                assert!(received.spans.len() as u64 >= trace.spans);
            }
            let traces = traces.into_iter().map(|it| it.revision).collect();
            inbox.mark_mapped(traces, SystemTime::now()).unwrap();
        }
    }
}

fn text_of(trace: u128, id: u64) -> String {
    format!("text of {trace} {id} {}", "x".repeat(500))
}

/// The number of times that each span is read, asserted to be unchanged.
fn read_all(reader: &Reader) -> HashMap<(u128, u64), usize> {
    let mut found = HashMap::new();
    for trace in reader.traces(usize::MAX >> 1).unwrap() {
        let received = reader.read(&trace.revision.key).unwrap().unwrap();
        assert_eq!(trace.spans, received.spans.len() as u64);
        for span in received.spans {
            let trace = u128::from_be_bytes(*span.trace_id.bytes());
            let id = u64::from_be_bytes(*span.span_id.bytes());
            assert_eq!(
                span.attributes.text("text"),
                Some(text_of(trace, id).as_str())
            );
            *found.entry((trace, id)).or_default() += 1;
        }
    }
    found
}

#[test]
fn nothing_that_was_acknowledged_is_lost_and_nothing_is_double() {
    let kills = std::env::var(KILLS).map_or(20, |text| text.parse().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let play = Play::default();
    let mut random = Rng::new();
    thread::scope(|scope| {
        let play = &play;
        let clients = (1..=CLIENTS).map(|number| scope.spawn(move || play.run_client(number)));
        let clients: Vec<_> = clients.collect();
        let mut process = Process::start(directory.path());
        let inbox = Inbox::open(directory.path(), Settings::default()).unwrap();
        scope.spawn(move || play.run_mapper(&inbox));
        for _ in 0..kills {
            play.set(Some(process.address));
            // The moment of a kill is what this test varies.
            thread::sleep(Duration::from_micros(random.u64(0..60_000)));
            play.set(None);
            process.kill();
            process = Process::start(directory.path());
        }
        play.is_over.store(true, Ordering::Relaxed);
        play.set(Some(process.address));
        // The clients end when their last request is acknowledged.
        for client in clients {
            client.join().unwrap();
        }
    });
    let reader = Reader::open(directory.path()).unwrap().unwrap();
    let found = read_all(&reader);
    let acknowledged = play.acknowledged.into_inner().unwrap();
    let lost = acknowledged
        .iter()
        .filter(|it| !found.contains_key(it))
        .count();
    let double = found.values().filter(|count| **count > 1).count();
    println!(
        "{kills} kills, {} spans acknowledged, {} retries: {lost} lost, {double} double",
        acknowledged.len(),
        play.retries.into_inner(),
    );
    assert_eq!((lost, double), (0, 0));
    assert!(!acknowledged.is_empty());
    // A request may have been stored before its client was stopped: it is there, unacknowledged.
    assert!(found.len() >= acknowledged.len());
}
