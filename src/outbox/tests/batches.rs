//! Batches on disk: when they are made, changed and deleted.

use super::*;

/// The number of events in each batch on disk, whatever their state.
fn on_disk(outbox: &Outbox) -> Vec<u64> {
    let select = "SELECT events FROM batches ORDER BY id";
    let mut select = outbox.connection.prepare(select).unwrap();
    let events = select.query_map([], |row| row.get(0)).unwrap();
    events.collect::<Result<_, _>>().unwrap()
}

#[test]
fn a_commit_is_one_batch_and_a_large_one_several() {
    let directory = TempDir::new().unwrap();
    let outbox = open(&directory);
    enqueue(&outbox, "a", &spans(1..4), 0);
    assert_eq!(on_disk(&outbox), [3]);
    let large: Vec<_> = (10..26)
        .map(|number| event(EventName::Span, number, &"x".repeat(1 << 20)))
        .collect();
    enqueue(&outbox, "b", &large, 0);
    assert_eq!(on_disk(&outbox), [3, 4, 4, 4, 4]);
    assert_eq!(claim_all(&outbox).len(), 19);
    let larger = event(EventName::Span, 30, &"x".repeat(7 << 20));
    enqueue(&outbox, "b", &[vec![larger], spans(31..32)].concat(), 0);
    assert_eq!(on_disk(&outbox), [3, 4, 4, 4, 4, 1, 1]);
}

#[test]
fn traces_of_a_session_with_very_many_are_several_batches() {
    let directory = TempDir::new().unwrap();
    let outbox = open(&directory);
    let traces: Vec<_> = (1..11)
        .map(|number| event(EventName::Trace, number, &"x".repeat(1 << 20)))
        .collect();
    enqueue(&outbox, "a", &traces, 0);
    assert_eq!(on_disk(&outbox), [4, 4, 2]);
}

#[test]
fn events_that_are_known_make_no_batch() {
    let directory = TempDir::new().unwrap();
    let outbox = open(&directory);
    enqueue(&outbox, "a", &spans(1..4), 0);
    enqueue(&outbox, "a", &spans(1..4), 1);
    enqueue(&outbox, "fork", &spans(1..4), 1);
    assert_eq!(on_disk(&outbox), [3]);
    enqueue(&outbox, "a", &spans(1..6), 2);
    assert_eq!(on_disk(&outbox), [3, 2]);
}

#[test]
fn an_event_that_is_pushed_twice_is_stored_once() {
    let directory = TempDir::new().unwrap();
    let outbox = open(&directory);
    let twice = [spans(1..3), spans(2..4)].concat();
    let counts = enqueue(&outbox, "a", &twice, 0);
    assert_eq!((counts.new, counts.known), (3, 1));
    let traces = ["first", "last"].map(|text| event(EventName::Trace, 9, text));
    assert_eq!(enqueue(&outbox, "a", &traces, 0).new, 1);
    let texts: Vec<_> = claim_all(&outbox)
        .into_iter()
        .map(|event| event.uuid.as_u128())
        .collect();
    assert_eq!(texts, [1, 2, 3, 9]);
    let segments = outbox.claim(1, usize::MAX, &NONE).unwrap().batches;
    assert_eq!(segments[0].segment.events, 3);
    assert!(!String::from_utf8_lossy(&claim_all(&outbox)[3].body).contains("first"));
    assert_consistent(&outbox);
}

#[test]
fn a_batch_goes_with_the_last_of_its_events() {
    let directory = TempDir::new().unwrap();
    let outbox = open(&directory);
    enqueue(&outbox, "a", &spans(1..5), 0);
    let claimed = claim_all(&outbox);
    outbox.acknowledge_events(1, &claimed[..2], at(1)).unwrap();
    assert_eq!(on_disk(&outbox), [4]);
    assert_eq!(claim_all(&outbox), claimed[2..]);
    outbox.park(1, &claimed[2], "bad", at(1)).unwrap();
    assert_eq!(on_disk(&outbox), [4, 1], "the parked one has its own");
    outbox.acknowledge_events(1, &claimed[3..], at(1)).unwrap();
    assert_eq!(on_disk(&outbox), [1]);
    assert_consistent(&outbox);
    outbox.unpark().unwrap();
    assert_eq!(claim_all(&outbox)[0].body, claimed[2].body);
    acknowledge_all(&outbox, 2);
    assert_eq!(on_disk(&outbox), [0; 0]);
    assert_consistent(&outbox);
}

#[test]
fn a_shortened_event_is_parked_as_it_was_stored() {
    let directory = TempDir::new().unwrap();
    let outbox = open(&directory);
    enqueue(&outbox, "a", &spans(1..3), 0);
    let stored = claim_all(&outbox).remove(0);
    let mut shortened = stored.clone();
    shortened.body = b"{}".to_vec();
    outbox.park(1, &shortened, "too large", at(1)).unwrap();
    assert_eq!(enqueue(&outbox, "a", &spans(1..3), 2).known, 2);
    outbox.unpark().unwrap();
    assert_eq!(claim_all(&outbox)[1].body, stored.body);
}

#[test]
fn a_batch_of_two_sessions_loses_the_text_of_the_one_that_is_withdrawn() {
    let directory = TempDir::new().unwrap();
    let outbox = open(&directory);
    enqueue(&outbox, "a", &spans(1..3), 0);
    // The events stay those of the first session when a fork of it brings them again.
    outbox.enforce_limits(at(1) + MAX_AGE).unwrap();
    enqueue(&outbox, "fork", &spans(1..6), 2);
    assert_eq!(on_disk(&outbox), [5]);
    let before = claim_all(&outbox);
    excluded::exclude(&outbox, Cause::Paused);
    assert_eq!(outbox.withdraw_excluded(at(3)).unwrap(), 2);
    assert_eq!(on_disk(&outbox), [3]);
    assert_eq!(claim_all(&outbox), before[2..]);
    let segment = outbox
        .claim(1, usize::MAX, &NONE)
        .unwrap()
        .batches
        .remove(0)
        .segment;
    assert_eq!(segment.events, 3);
    assert_consistent(&outbox);
}

#[test]
fn a_sender_that_was_overtaken_acknowledges_nothing_that_it_did_not_send() {
    let directory = TempDir::new().unwrap();
    let outbox = open(&directory);
    enqueue(&outbox, "a", &spans(1..3), 0);
    let on_its_way = outbox.claim(1, usize::MAX, &NONE).unwrap().batches;
    excluded::exclude(&outbox, Cause::Paused);
    outbox.withdraw_excluded(at(1)).unwrap();
    // The only batch is gone, and another one is stored.
    enqueue(&outbox, "b", &spans(3..5), 2);
    outbox.acknowledge(1, &on_its_way, at(3)).unwrap();
    assert_eq!(claim_all(&outbox).len(), 2);
    let receipt = outbox.receipt("claude-code", "a").unwrap();
    assert_eq!(
        (receipt.withdrawn, receipt.acknowledged),
        (0, 2),
        "it was sent before it was withdrawn"
    );
}
