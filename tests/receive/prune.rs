//! Mapped traces are removed; waiting ones are not.

use std::time::Duration;

use posthog_llma::inbox::{Fact, Inbox, InboxError, Pruned, Route, Settings};

use crate::receive::support::made::{span, spans};
use crate::receive::support::{delivery, ids, second, store};

const DAY: u64 = 86_400;

fn open(settings: Settings) -> (tempfile::TempDir, Inbox) {
    let directory = tempfile::tempdir().unwrap();
    let inbox = Inbox::open(directory.path(), settings).unwrap();
    (directory, inbox)
}

/// Marks all waiting traces as mapped.
fn map_all(inbox: &Inbox) {
    let waiting = inbox
        .reader()
        .unwrap()
        .waiting(&Route::main(), 10_000)
        .unwrap();
    let revisions = waiting.into_iter().map(|it| it.revision).collect();
    inbox.mark_mapped(revisions, second(0)).unwrap();
}

/// Text that does not compress.
fn noise(bytes: usize, seed: u64) -> String {
    let mut random = fastrand::Rng::with_seed(seed);
    std::iter::repeat_with(|| random.alphanumeric())
        .take(bytes)
        .collect()
}

#[test]
fn what_is_older_than_thirty_days_is_removed_and_what_waited_is_counted_by_itself() {
    let (_directory, inbox) = open(Settings::default());
    for trace in [0xa, 0xb] {
        let telemetry = spans(&[span(trace.into(), 1, 0, "mapped")]);
        store(&inbox, &telemetry, second(trace));
    }
    map_all(&inbox);
    store(&inbox, &spans(&[span(0xc, 1, 0, "waits")]), second(12));
    store(&inbox, &spans(&[span(0xd, 1, 0, "waits")]), second(2 * DAY));
    let reader = inbox.reader().unwrap();
    let all = || ids(&reader.traces(9).unwrap());

    assert_eq!(inbox.prune(second(30 * DAY)).unwrap(), Pruned::default());
    assert_eq!(all(), ["d", "c", "b", "a"]);
    let pruned = inbox.prune(second(30 * DAY + 11)).unwrap();
    assert_eq!((pruned.mapped, pruned.expired), (1, 0));
    assert_eq!(all(), ["d", "c", "b"]);
    let pruned = inbox.prune(second(30 * DAY + 13)).unwrap();
    assert_eq!((pruned.mapped, pruned.expired), (1, 1));
    assert_eq!(all(), ["d"]);

    let status = reader.status().unwrap();
    assert_eq!(
        (status.count(Fact::Pruned), status.count(Fact::Expired)),
        (2, 1)
    );
}

#[test]
fn many_traces_are_removed_in_steps_and_their_room_is_given_back() {
    let (directory, inbox) = open(Settings::default());
    let many = (1..=350_u64).map(|trace| span(trace.into(), 1, 0, &noise(4000, trace)));
    store(&inbox, &spans(&many.collect::<Vec<_>>()), second(0));
    map_all(&inbox);
    let size = || {
        std::fs::metadata(directory.path().join("inbox.db"))
            .unwrap()
            .len()
    };
    let pruned = inbox.prune(second(31 * DAY)).unwrap();
    assert_eq!((pruned.mapped, pruned.expired), (350, 0));
    let status = inbox.reader().unwrap().status().unwrap();
    assert_eq!((status.mapped.traces, status.waiting.traces), (0, 0));
    assert!(status.bytes < 200_000, "{}", status.bytes);
    inbox.close().unwrap();
    drop(inbox);
    assert!(size() < 500_000, "{}", size());
}

#[test]
fn the_oldest_that_was_mapped_makes_room_and_what_waits_never_does() {
    let (_directory, inbox) = open(Settings {
        max_bytes: 3_000_000,
        ..Settings::default()
    });
    let large = |trace: u64| {
        let telemetry = spans(&[span(trace.into(), 1, 0, &noise(200_000, trace))]);
        delivery(&telemetry, second(trace))
    };
    for trace in 1..=40 {
        inbox.store([large(trace)]).unwrap();
        map_all(&inbox);
    }
    let reader = inbox.reader().unwrap();
    let status = reader.status().unwrap();
    assert!(status.bytes < 3_500_000, "{}", status.bytes);
    assert_eq!(status.count(Fact::Pruned) + status.mapped.traces, 40);
    assert_eq!(ids(&reader.traces(1).unwrap()), ["28"]);

    let mut waiting = 0;
    let error = loop {
        match inbox.store([large(100 + waiting)]) {
            Ok(_) => waiting += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(*error, InboxError::Limit { .. }), "{error}");
    let status = reader.status().unwrap();
    assert_eq!(status.waiting.traces, waiting);
    assert_eq!((status.mapped.traces, status.count(Fact::Expired)), (0, 0));

    // Once a trace is mapped, there is room again.
    map_all(&inbox);
    inbox.store([large(500)]).unwrap();
}

#[test]
fn a_lower_limit_removes_what_was_mapped() {
    let (directory, inbox) = open(Settings::default());
    for trace in 1..=300 {
        let telemetry = spans(&[span(trace.into(), 1, 0, &noise(5_000, trace))]);
        store(&inbox, &telemetry, second(trace));
    }
    map_all(&inbox);
    drop(inbox);
    let settings = Settings {
        max_bytes: 1_200_000,
        keep: Duration::from_secs(10 * DAY),
        ..Settings::default()
    };
    let inbox = Inbox::open(directory.path(), settings).unwrap();
    let pruned = inbox.prune(second(1000)).unwrap();
    assert!([100, 200].contains(&pruned.mapped), "{pruned:?}");
    let status = inbox.reader().unwrap().status().unwrap();
    assert!(status.bytes <= 1_200_000, "{}", status.bytes);
}
