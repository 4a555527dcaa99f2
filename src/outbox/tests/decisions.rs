//! The effects of the user's decisions on waiting events.

use super::*;

/// An event with a secret plan in every property that holds content.
fn told(number: u128, name: EventName) -> Redacted<Written> {
    let mut properties = Properties::default();
    properties.insert(
        "$ai_input",
        json!([{ "role": "user", "content": "a plan" }]),
    );
    properties.insert("$ai_trace_name", json!("a plan"));
    properties.insert("$ai_input_tokens", json!(number.to_string()));
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

/// The number of a session.
fn number_of(outbox: &Outbox, id: &str) -> i64 {
    outbox.session("claude-code", id).unwrap().unwrap().id
}

fn place_of(outbox: &Outbox, id: &str) -> Option<Place> {
    let session = outbox.stored_session(number_of(outbox, id)).unwrap();
    session.unwrap().place
}

/// The batches that hold events of a session with content.
fn with_content(outbox: &Outbox, id: &str) -> Vec<i64> {
    let number = number_of(outbox, id);
    let held = outbox.undecided().unwrap().into_iter();
    let held = held
        .filter(|(session, _, recording)| *session == number && *recording != Recording::Nothing);
    held.map(|(_, batch, _)| batch).collect()
}

/// Removes the content of a session's waiting events.
fn withhold(outbox: &Outbox, id: &str) {
    let batches = with_content(outbox, id);
    outbox
        .withhold(number_of(outbox, id), &batches, at(2))
        .unwrap();
}

fn texts(outbox: &Outbox) -> Vec<String> {
    let bodies = claim_all(outbox).into_iter().map(|event| event.body);
    bodies
        .map(|body| String::from_utf8(body).unwrap())
        .collect()
}

#[test]
fn what_waits_loses_its_content_where_it_lies_and_nothing_else() {
    let directory = TempDir::new().unwrap();
    let outbox = open(&directory);
    let events = [1, 2, 3].map(|number| told(number, EventName::Generation));
    enqueue(&outbox, "a", &events, 0);
    enqueue(&outbox, "a", &[told(4, EventName::Trace)], 0);
    enqueue(&outbox, "b", &[told(5, EventName::Span)], 0);
    outbox
        .park(1, &claim_all(&outbox)[2], "bad", at(1))
        .unwrap();
    let sent = claim_all(&outbox).remove(0);
    outbox.acknowledge_events(1, [&sent], at(1)).unwrap();
    let before = outbox.receipt("claude-code", "a").unwrap();

    let changes = outbox.changes().unwrap();
    assert_eq!(with_content(&outbox, "a").len(), 3);
    withhold(&outbox, "a");
    assert_eq!(with_content(&outbox, "a"), [0; 0]);
    assert!(outbox.changes().unwrap() > changes);
    assert_eq!(outbox.receipt("claude-code", "a").unwrap(), before);
    assert_consistent(&outbox);
    assert_eq!(outbox.unpark().unwrap(), 1);
    let texts = texts(&outbox);
    let of = |number: u128| {
        let uuid = Uuid::from_u128(number).to_string();
        texts.iter().find(|text| text.contains(&uuid)).unwrap()
    };
    for number in [2, 3, 4] {
        let text = of(number);
        assert!(!text.contains("a plan"), "{text}");
        assert!(
            text.contains(&format!("\"$ai_input_tokens\":\"{number}\"")),
            "{text}"
        );
    }
    assert!(of(5).contains("a plan"), "of another session");
}

#[test]
fn what_is_stored_while_content_is_removed_is_known_to_have_it() {
    let directory = TempDir::new().unwrap();
    let outbox = open(&directory);
    enqueue(&outbox, "a", &[told(1, EventName::Generation)], 0);
    let mut writer = outbox.begin(&entry("a"), &destination(), at(1)).unwrap();
    writer.push(told(2, EventName::Generation)).unwrap();
    withhold(&outbox, "a");
    let outcome = writer.commit(None, [], &[]);
    assert!(
        matches!(outcome, Err(OutboxError::Overtaken)),
        "{outcome:?}"
    );
    enqueue(&outbox, "a", &[told(2, EventName::Generation)], 2);
    assert_eq!(with_content(&outbox, "a").len(), 1);
    withhold(&outbox, "a");
    assert!(!texts(&outbox).concat().contains("a plan"));
    // A fork that brings back events of a session is one more batch with content.
    outbox.enforce_limits(at(3) + MAX_AGE).unwrap();
    let again = [told(1, EventName::Generation), told(5, EventName::Span)];
    enqueue(&outbox, "fork", &again, 4);
    assert_eq!(with_content(&outbox, "a").len(), 1);
    withhold(&outbox, "a");
    assert_eq!(
        texts(&outbox).concat().matches("a plan").count(),
        2,
        "of the fork"
    );
    assert_eq!(with_content(&outbox, "fork").len(), 1);
    assert_consistent(&outbox);
}

#[test]
fn the_checkpoint_of_a_session_whose_content_is_removed_goes() {
    let directory = TempDir::new().unwrap();
    let outbox = open(&directory);
    let mut writer = outbox.begin(&entry("a"), &destination(), at(0)).unwrap();
    writer.push(told(1, EventName::Generation)).unwrap();
    writer.commit(Some(&kept(b"a plan")), [], &[]).unwrap();
    withhold(&outbox, "a");
    let session = outbox.session("claude-code", "a").unwrap().unwrap();
    assert_eq!(session.checkpoint, None);
}

#[test]
fn what_cannot_be_read_as_an_event_is_withdrawn() {
    let directory = TempDir::new().unwrap();
    let outbox = open(&directory);
    let mut event = told(1, EventName::Span).into_inner();
    event.json = b"\"a plan\"".to_vec();
    let events = [Redacted::trusted(event), told(2, EventName::Span)];
    enqueue(&outbox, "a", &events, 0);
    withhold(&outbox, "a");
    let receipt = outbox.receipt("claude-code", "a").unwrap();
    assert_eq!((receipt.waiting, receipt.withdrawn), (1, 1));
    assert!(!texts(&outbox).concat().contains("a plan"));
    assert_consistent(&outbox);
}

#[test]
fn content_that_cannot_be_found_in_a_damaged_batch_is_not_sent() {
    for damage in [
        "UPDATE events SET size = -16 WHERE seq = 1",
        "UPDATE events SET start = 100000 WHERE seq = 2",
        "UPDATE batches SET segment = substr(segment, 2)",
    ] {
        let directory = TempDir::new().unwrap();
        let outbox = open(&directory);
        let events = [1, 2].map(|number| told(number, EventName::Generation));
        enqueue(&outbox, "a", &events, 0);
        outbox.connection.execute_batch(damage).unwrap();
        withhold(&outbox, "a");
        assert!(
            outbox.claim(1, usize::MAX, &NONE).unwrap().is_empty(),
            "{damage}"
        );
        let receipt = outbox.receipt("claude-code", "a").unwrap();
        assert_eq!((receipt.parked, receipt.waiting), (2, 0), "{damage}");
        assert_eq!(outbox.status().unwrap().damaged_total, 2, "{damage}");
    }
}

#[test]
fn the_place_of_a_session_is_known_and_gathers_folders_and_named_sessions() {
    let directory = TempDir::new().unwrap();
    let outbox = open(&directory);
    for (transcript, items, all) in [
        ("/home/ada/s.jsonl", &["/shop"][..], &["/shop"][..]),
        (
            "/home/ada/s.jsonl",
            &["/shop/src", "/shop"],
            &["/shop", "/shop/src"],
        ),
        ("/moved/s.jsonl", &[], &["/shop", "/shop/src"]),
    ] {
        let items: Vec<String> = items.iter().map(|it| (*it).to_owned()).collect();
        let place = Place {
            transcript: transcript.into(),
            folders: items.clone(),
            sessions: items,
        };
        let entry = SessionEntry {
            place,
            ..entry("a")
        };
        drop(outbox.begin(&entry, &destination(), at(0)).unwrap());
        let place = place_of(&outbox, "a").unwrap();
        assert_eq!(place.transcript.to_str(), Some(transcript));
        assert_eq!(place.folders, all);
        assert_eq!(place.sessions, all);
    }
    enqueue(&outbox, "a", &spans(1..2), 0);
    excluded::exclude(&outbox, Cause::Forgotten);
    outbox.withdraw_excluded(at(1)).unwrap();
    assert_eq!(place_of(&outbox, "a"), None);
}

#[test]
fn a_claim_leaves_out_the_sessions_that_are_held() {
    let directory = TempDir::new().unwrap();
    let outbox = open(&directory);
    enqueue(&outbox, "a", &spans(1..3), 0);
    // The events stay those of the first session when a fork of it brings them again.
    outbox.enforce_limits(at(1) + MAX_AGE).unwrap();
    enqueue(&outbox, "fork", &spans(1..6), 2);
    let held = BTreeSet::from([number_of(&outbox, "a")]);
    assert!(outbox.has_waiting(1, &held).unwrap());
    let claimed = outbox.claim(1, usize::MAX, &held).unwrap();
    let batch = &claimed.batches[0];
    assert_eq!(batch.segment.events, 3);
    assert!(batch.sessions.is_disjoint(&held));
    assert_eq!(outbox.unpack(1, batch).unwrap().unwrap().len(), 3);
    let both = BTreeSet::from([number_of(&outbox, "a"), number_of(&outbox, "fork")]);
    assert!(outbox.claim(1, usize::MAX, &both).unwrap().is_empty());
    assert!(!outbox.has_waiting(1, &both).unwrap());
}

#[test]
fn what_posthog_took_of_withdrawn_events_is_known_to_be_there() {
    let directory = TempDir::new().unwrap();
    let outbox = open(&directory);
    enqueue(&outbox, "a", &spans(1..4), 0);
    let batches = outbox.claim(1, usize::MAX, &NONE).unwrap().batches;
    excluded::exclude(&outbox, Cause::Forgotten);
    outbox.withdraw_excluded(at(1)).unwrap();
    outbox.acknowledge(1, &batches, at(2)).unwrap();
    let receipt = outbox.receipt("claude-code", "a").unwrap();
    assert_eq!((receipt.acknowledged, receipt.withdrawn), (3, 0));
    assert_consistent(&outbox);
}

/// The files of the database.
fn on_disk(directory: &TempDir) -> Vec<u8> {
    let files = ["outbox.db", "outbox.db-wal"].map(|name| directory.path().join(name));
    files.map(|path| fs::read(path).unwrap()).concat()
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

#[test]
fn text_that_the_user_withdrew_is_not_left_in_the_files() {
    type Step = fn(&Outbox);
    let pause: Step = |outbox| excluded::exclude(outbox, Cause::Paused);
    let forget: Step = |outbox| excluded::exclude(outbox, Cause::Forgotten);
    let less: Step = |outbox| withhold(outbox, "a");
    let ignore: Step = |outbox| outbox.withdraw("claude-code", "a", at(1)).unwrap();
    for step in [pause, forget, less, ignore] {
        let directory = TempDir::new().unwrap();
        let outbox = open(&directory);
        let texts: Vec<String> = (1..6).map(incompressible).collect();
        let events = texts.iter().zip(1..).map(|(text, number)| {
            let mut properties = Properties::default();
            properties.insert("$ai_input", json!(text));
            let event = Event {
                name: EventName::Generation,
                uuid: Uuid::from_u128(number),
                distinct_id: "someone".into(),
                identities: Identities::Known,
                timestamp: at(0),
                properties,
            };
            Redacted::trusted(event.written())
        });
        let mut writer = outbox.begin(&entry("a"), &destination(), at(0)).unwrap();
        events.for_each(|event| writer.push(event).unwrap());
        writer
            .commit(Some(&kept(b"what was said first")), [], &[])
            .unwrap();
        let segment = outbox
            .claim(1, usize::MAX, &NONE)
            .unwrap()
            .batches
            .remove(0);
        let segment = segment.segment.deflated;
        // The beginning is left out: an event without content has the same.
        let parts = segment.chunks_exact(64).skip(50).step_by(97);
        let parts: Vec<&[u8]> = parts.collect();
        let files = on_disk(&directory);
        let found = parts.iter().filter(|part| contains(&files, part)).count();
        assert!(found > parts.len() / 2, "all but those that pages divide");
        step(&outbox);
        outbox.withdraw_excluded(at(2)).unwrap();
        let files = on_disk(&directory);
        assert!(!parts.iter().any(|part| contains(&files, part)));
        assert_consistent(&outbox);
    }
}
