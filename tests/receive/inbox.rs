//! Reading stored data: each span once, in its newest form, by trace and route.

use std::time::Duration;

use posthog_llma::inbox::{Ack, Fact, Inbox, InboxError, Quiet, Reader, Route, Settings, TraceKey};

use crate::receive::support::made::{logs, request_of, span, spans, telemetry};
use crate::receive::support::{delivery, delivery_by, ids, second, store};

/// An empty inbox, with a reader.
fn open() -> (tempfile::TempDir, Inbox, Reader) {
    let directory = tempfile::tempdir().unwrap();
    let inbox = Inbox::open(&directory.path().join("inbox"), Settings::default()).unwrap();
    let reader = inbox.reader().unwrap();
    (directory, inbox, reader)
}

fn key(reader: &Reader, trace: u128) -> TraceKey {
    let mut found = reader.find(&format!("{trace:032x}"), 9).unwrap();
    assert_eq!(found.len(), 1);
    found.remove(0).revision.key
}

/// The text of each span of a trace.
fn texts(reader: &Reader, trace: u128) -> Vec<String> {
    let received = reader.read(&key(reader, trace)).unwrap().unwrap();
    let texts = received.spans.iter();
    texts
        .map(|span| span.attributes.text("text").unwrap().to_owned())
        .collect()
}

const fn ack(spans: u64, logs: u64, repeated: u64, replaced: u64) -> Ack {
    Ack {
        spans,
        logs,
        repeated,
        replaced,
    }
}

#[test]
fn a_trace_is_read_as_it_was_sent_whatever_requests_it_came_in() {
    let (_directory, inbox, reader) = open();
    let whole = spans(&[
        span(7, 3, 2, "child of a child"),
        span(7, 2, 1, "child"),
        span(7, 1, 0, "root"),
    ]);
    let record = telemetry(&logs(&[(7, "key", "record")]));
    store(
        &inbox,
        &telemetry(&request_of(
            "shop",
            &[
                span(8, 1, 0, "of another trace"),
                span(7, 3, 2, "child of a child"),
            ],
        )),
        second(0),
    );
    store(&inbox, &record, second(1));
    let rest = spans(&[span(7, 2, 1, "child"), span(7, 1, 0, "root")]);
    store(&inbox, &rest, second(2));

    let received = reader.read(&key(&reader, 7)).unwrap().unwrap();
    assert_eq!(received.spans, whole.spans);
    assert_eq!(received.logs, record.logs);
    let summary = received.summary;
    assert_eq!(
        (summary.spans, summary.logs, summary.has_root),
        (3, 1, true)
    );
    assert_eq!(
        (summary.service.as_str(), summary.name.as_str()),
        ("shop", "span 1")
    );
    assert_eq!(
        (summary.first_received, summary.last_received),
        (second(0), second(2))
    );
    assert_eq!(texts(&reader, 8), ["of another trace"]);
}

#[test]
fn a_span_that_comes_again_as_it_was_changes_nothing() {
    let (_directory, inbox, reader) = open();
    let both = spans(&[span(1, 1, 0, "root"), span(1, 2, 1, "child")]);
    assert_eq!(store(&inbox, &both, second(0)), ack(2, 0, 0, 0));
    let before = reader.read(&key(&reader, 1)).unwrap().unwrap();
    inbox
        .mark_mapped(vec![before.summary.revision.clone()], second(1))
        .unwrap();

    assert_eq!(store(&inbox, &both, second(2)), ack(0, 0, 2, 0));
    let child = spans(&[span(1, 2, 1, "child")]);
    assert_eq!(store(&inbox, &child, second(3)), ack(0, 0, 1, 0));
    let record = telemetry(&logs(&[(1, "key", "record")]));
    assert_eq!(store(&inbox, &record, second(4)), ack(0, 1, 0, 0));
    assert_eq!(store(&inbox, &record, second(5)), ack(0, 0, 1, 0));

    let after = reader.read(&key(&reader, 1)).unwrap().unwrap();
    assert_eq!(after.spans, before.spans);
    assert_eq!(after.summary.last_received, second(4));
    assert_eq!(reader.status().unwrap().count(Fact::Repeated), 4);
}

#[test]
fn a_span_that_comes_again_with_another_content_is_read_in_its_newest_form_and_counted() {
    let (_directory, inbox, reader) = open();
    let both = |text| spans(&[span(1, 1, 0, text), span(1, 2, 1, "child")]);
    store(&inbox, &both("old"), second(0));
    assert_eq!(store(&inbox, &both("new"), second(1)), ack(0, 0, 1, 1));
    assert_eq!(texts(&reader, 1), ["child", "new"]);
    // No span of the first request is read any more.
    assert_eq!(
        store(&inbox, &spans(&[span(1, 2, 1, "newer")]), second(2)),
        ack(0, 0, 0, 1)
    );
    assert_eq!(texts(&reader, 1), ["new", "newer"]);
    let summary = reader.read(&key(&reader, 1)).unwrap().unwrap().summary;
    assert_eq!((summary.spans, summary.revision.number), (2, 3));

    let twice = spans(&[span(2, 5, 0, "first"), span(2, 5, 0, "second")]);
    assert_eq!(store(&inbox, &twice, second(3)), ack(1, 0, 0, 1));
    assert_eq!(texts(&reader, 2), ["second"]);
    assert_eq!(reader.status().unwrap().count(Fact::Replaced), 3);
}

#[test]
fn another_resource_is_another_content() {
    let (_directory, inbox, _) = open();
    let from = |service| telemetry(&request_of(service, &[span(1, 1, 0, "root")]));
    store(&inbox, &from("shop"), second(0));
    assert_eq!(store(&inbox, &from("shop"), second(1)), ack(0, 0, 1, 0));
    assert_eq!(store(&inbox, &from("mall"), second(2)), ack(0, 0, 0, 1));
}

#[test]
fn traces_of_two_routes_are_never_mixed() {
    let (_directory, inbox, reader) = open();
    for (route, text) in [("one", "of one"), ("two", "of two")] {
        let route = Route::new(route);
        let delivery = delivery_by(route, &spans(&[span(1, 1, 0, text)]), second(0));
        assert_eq!(inbox.store([delivery]).unwrap(), ack(1, 0, 0, 0));
    }
    let found = reader.find("1".repeat(0).as_str(), 9).unwrap();
    assert_eq!(found.len(), 2);
    for summary in found {
        let key = summary.revision.key;
        let received = reader.read(&key).unwrap().unwrap();
        let text = received.spans[0].attributes.text("text").unwrap();
        assert_eq!(text, format!("of {}", key.route));
    }
}

#[test]
fn a_trace_is_quiet_after_its_root_came_or_when_the_root_does_not_come() {
    let (_directory, inbox, reader) = open();
    store(&inbox, &spans(&[span(0xa, 1, 0, "root")]), second(100));
    store(&inbox, &spans(&[span(0xb, 1, 9, "no root")]), second(100));
    store(
        &inbox,
        &telemetry(&logs(&[(0xc, "key", "record")])),
        second(101),
    );
    let quiet = |now| {
        ids(&reader
            .quiet(&Route::main(), &Quiet::default(), second(now), 9)
            .unwrap())
    };
    for (now, expected) in [
        (104, &[][..]),
        (105, &["a"]),
        (159, &["a"]),
        (160, &["a", "b"]),
        (161, &["a", "b", "c"]),
        // The clock was set back since.
        (39, &["a", "b", "c"]),
    ] {
        assert_eq!(quiet(now), expected, "{now}");
    }
    // A late child makes the trace wait again.
    store(&inbox, &spans(&[span(0xa, 2, 1, "child")]), second(104));
    assert_eq!(quiet(108), [""; 0]);
    assert_eq!(
        ids(&reader.waiting(&Route::main(), 9).unwrap()),
        ["b", "c", "a"]
    );
    assert_eq!(ids(&reader.waiting(&Route::main(), 1).unwrap()), ["b"]);
    assert_eq!(ids(&reader.traces(2).unwrap()), ["a", "c"]);
}

#[test]
fn what_comes_while_a_trace_is_mapped_or_later_makes_it_wait_again() {
    let (_directory, inbox, reader) = open();
    let read = || reader.read(&key(&reader, 1)).unwrap().unwrap().summary;
    store(&inbox, &spans(&[span(1, 1, 0, "root")]), second(0));
    let early = read();
    store(
        &inbox,
        &spans(&[span(1, 2, 1, "while it was mapped")]),
        second(1),
    );
    assert_eq!(
        inbox.mark_mapped(vec![early.revision], second(2)).unwrap(),
        0
    );
    assert!(read().is_waiting);

    assert_eq!(
        inbox.mark_mapped(vec![read().revision], second(3)).unwrap(),
        1
    );
    assert_eq!(
        (read().is_waiting, read().mapped_at),
        (false, Some(second(3)))
    );
    assert!(reader.waiting(&Route::main(), 9).unwrap().is_empty());

    store(&inbox, &spans(&[span(1, 3, 1, "late")]), second(4));
    assert_eq!(
        (read().is_waiting, read().mapped_at),
        (true, Some(second(3)))
    );
    assert_eq!(texts(&reader, 1).len(), 3);
}

#[test]
fn records_without_a_trace_are_kept_by_session() {
    let (_directory, inbox, reader) = open();
    let records = logs(&[
        (0, "conversation.id", "one"),
        (0, "conversation.id", "two"),
        (5, "session.id", "one"),
    ]);
    assert_eq!(
        store(&inbox, &telemetry(&records), second(0)),
        ack(0, 3, 0, 0)
    );
    let main = Route::new("main");
    let of_one = reader.of_session(&main, "one").unwrap();
    assert_eq!(of_one.len(), 2);
    assert_eq!(of_one.iter().filter(|it| it.is_loose).count(), 1);
    assert_eq!(reader.of_session(&main, "two").unwrap().len(), 1);
    assert!(
        reader
            .of_session(&Route::new("other"), "two")
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_trace_is_found_by_the_first_digits_of_its_id() {
    let (_directory, inbox, reader) = open();
    for trace in [0xab << 120, 0xac << 120, 0xb << 124] {
        store(&inbox, &spans(&[span(trace, 1, 0, "root")]), second(0));
    }
    for (digits, found) in [
        ("a", 2),
        ("AB", 1),
        ("ab0", 1),
        ("ad", 0),
        ("", 3),
        ("x", 0),
    ] {
        assert_eq!(reader.find(digits, 9).unwrap().len(), found, "{digits}");
    }
    let whole = format!("{:032x}", 0xab_u128 << 120);
    assert_eq!(reader.find(&whole, 9).unwrap().len(), 1);
    assert_eq!(reader.find(&(whole + "0"), 9).unwrap().len(), 0);
}

#[test]
fn status_says_what_came_from_whom_and_what_waits() {
    let (_directory, inbox, reader) = open();
    store(
        &inbox,
        &telemetry(&request_of(
            "shop",
            &[span(1, 1, 0, "a"), span(2, 1, 0, "b")],
        )),
        second(0),
    );
    store(
        &inbox,
        &telemetry(&logs(&[(1, "key", "record")])),
        second(1),
    );
    let first = reader.read(&key(&reader, 1)).unwrap().unwrap().summary;
    inbox.mark_mapped(vec![first.revision], second(2)).unwrap();
    inbox.count(Fact::Refused, "wrong token", 2, second(3));
    inbox.count(Fact::Refused, "wrong token", 1, second(4));
    inbox.close().unwrap();

    let status = reader.status().unwrap();
    let services = status.services.iter();
    let services: Vec<_> = services
        .map(|it| {
            (
                it.service.as_str(),
                it.deliveries,
                it.spans,
                it.logs,
                it.last_at,
            )
        })
        .collect();
    assert_eq!(
        services,
        [("", 1, 0, 1, second(1)), ("shop", 1, 2, 0, second(0))]
    );
    assert_eq!((status.waiting.traces, status.waiting.spans), (1, 1));
    assert_eq!(status.waiting.oldest, Some(second(0)));
    assert_eq!((status.mapped.traces, status.mapped.logs), (1, 1));
    let [refused] = &status.tallies[..] else {
        panic!("{:?}", status.tallies);
    };
    assert_eq!((refused.count, refused.last_at), (3, second(4)));
    assert!(status.bytes > 0);
}

#[test]
fn names_that_a_sender_makes_up_fill_no_table() {
    let (_directory, inbox, reader) = open();
    let deliveries = (0..1100_u32).map(|number| {
        let service = format!("service {number} {}", "x".repeat(1000));
        let telemetry = telemetry(&request_of(
            &service,
            &[span(1, u64::from(number) + 1, 9, "")],
        ));
        delivery(&telemetry, second(0))
    });
    inbox.store(deliveries).unwrap();
    let services = reader.status().unwrap().services;
    assert_eq!(services.len(), 1001);
    assert!(services.iter().all(|it| it.service.len() <= 200));
    let others = services.iter().find(|it| it.service == "(others)");
    assert_eq!(others.unwrap().spans, 100);
}

#[test]
fn a_delivery_of_many_traces_is_stored_in_parts_and_counted_once() {
    let (_directory, inbox, reader) = open();
    let many = (1..=20_000).map(|trace| span(trace, 1, 0, "root"));
    let telemetry = spans(&many.collect::<Vec<_>>());
    let prepare = || delivery(&telemetry, second(0));
    assert!(prepare().parts().len() > 2);
    let small = delivery(&spans(&[span(1, 1, 0, "")]), second(0));
    assert_eq!(small.parts().len(), 1);

    assert_eq!(inbox.store([prepare()]).unwrap(), ack(20_000, 0, 0, 0));
    let status = reader.status().unwrap();
    assert_eq!(
        (status.waiting.traces, status.waiting.spans),
        (20_000, 20_000)
    );
    assert_eq!(
        (status.services[0].deliveries, status.services[0].spans),
        (1, 20_000)
    );
    assert_eq!(texts(&reader, 20_000), ["root"]);
    assert_eq!(inbox.store([prepare()]).unwrap(), ack(0, 0, 20_000, 0));
}

#[test]
fn other_processes_may_write_and_read_meanwhile() {
    let (directory, inbox, reader) = open();
    let other = Inbox::open(&directory.path().join("inbox"), Settings::default()).unwrap();
    store(&inbox, &spans(&[span(1, 1, 0, "of one")]), second(0));
    store(&other, &spans(&[span(1, 2, 1, "of the other")]), second(1));
    assert_eq!(texts(&reader, 1), ["of one", "of the other"]);
    drop(inbox);
    store(
        &other,
        &spans(&[span(1, 3, 1, "after it ended")]),
        second(2),
    );
    assert_eq!(texts(&reader, 1).len(), 3);
}

#[test]
fn a_closed_inbox_takes_nothing_and_says_so() {
    let (_directory, inbox, _) = open();
    inbox.close().unwrap();
    let telemetry = spans(&[span(1, 1, 0, "")]);
    let delivery = delivery(&telemetry, second(0));
    let error = inbox.store([delivery]).unwrap_err();
    assert!(matches!(*error, InboxError::Closed), "{error}");
    assert!(inbox.close().is_err());
}

#[test]
fn keeping_is_for_thirty_days_and_a_gibibyte_unless_told_otherwise() {
    let settings = Settings::default();
    assert_eq!(settings.keep, Duration::from_hours(30 * 24));
    assert_eq!(settings.max_bytes, 1024 * 1024 * 1024);
}
