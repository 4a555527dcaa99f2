//! Migration of a database that an earlier version of this program wrote.

use rusqlite::Connection;

use super::*;
use crate::outbox::format_1::migrate;
use crate::outbox::store::{BATCH_BYTES, digest};

/// A database of format 1, as SQL; see `fixtures/README.md`.
const WRITTEN: &str = include_str!("../../../fixtures/outbox-format-1.sql");

/// A state directory with that database.
fn old_directory() -> (TempDir, Connection) {
    let directory = TempDir::new().unwrap();
    let database = Connection::open(directory.path().join("outbox.db")).unwrap();
    let mode = "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;";
    database.execute_batch(mode).unwrap();
    // The tables come in the order of their names.
    database.pragma_update(None, "foreign_keys", false).unwrap();
    database.execute_batch(WRITTEN).unwrap();
    database.pragma_update(None, "foreign_keys", true).unwrap();
    database.pragma_update(None, "user_version", 1).unwrap();
    (directory, database)
}

/// Every row of a table, as text.
fn rows(database: &Connection, table: &str, columns: &str) -> Vec<String> {
    let columns: Vec<_> = columns
        .split(", ")
        .map(|it| format!("quote({it})"))
        .collect();
    let select = format!(
        "SELECT {} FROM {table} ORDER BY 1",
        columns.join(" || ' ' || ")
    );
    let mut select = database.prepare(&select).unwrap();
    let rows = select.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

/// Tables and columns that a migration does not change.
const KEPT: [(&str, &str); 8] = [
    ("meta", "name, value"),
    (
        "destinations",
        "id, host, api_key, committed_by, not_before, failures, last_error",
    ),
    (
        "sessions",
        "id, session, project, frozen, checkpoint, generation, last_sent_at",
    ),
    (
        "events",
        "seq, uuid, session, destination, name, state, size, digest, settled_at, reason",
    ),
    (
        "tallies WHERE events > 0",
        "destination, state, session, events, bytes",
    ),
    ("transcripts", "path, size, modified"),
    ("runs", "id, at, verb, session, warnings"),
    ("redactions", "rule, count"),
];

#[test]
fn a_database_of_format_1_keeps_everything() {
    let (directory, old) = old_directory();
    let kept = |database: &Connection| KEPT.map(|(table, columns)| rows(database, table, columns));
    let before = kept(&old);
    assert!(before.iter().all(|rows| !rows.is_empty()), "{before:?}");
    let select = "bodies JOIN events USING (seq) WHERE state = 0 AND destination = 1";
    let waiting = rows(&old, select, "seq, CAST(body AS TEXT)");
    drop(old);

    let outbox = open(&directory);
    let files = ["outbox.db", "outbox.db-wal"].map(|it| fs::read(directory.path().join(it)));
    let files = files.map(Result::unwrap).concat();
    let text = waiting[0].split_once('{').unwrap().1.as_bytes();
    assert!(
        !files.windows(text.len()).any(|part| part == text),
        "the old text"
    );
    assert_consistent(&outbox);
    assert_eq!(kept(&outbox.connection), before);
    let mut claimed: Vec<_> = claim_all(&outbox)
        .into_iter()
        .map(|event| format!("{} '{}'", event.seq, String::from_utf8(event.body).unwrap()))
        .collect();
    claimed.sort();
    assert_eq!(claimed, waiting);
    assert!(waiting.len() > 5, "{waiting:?}");
}

#[test]
fn the_events_of_format_1_go_on_through_all_their_states() {
    let (directory, _) = old_directory();
    let outbox = open(&directory);
    let status = outbox.status().unwrap();
    assert_eq!((status.parked_total, status.damaged_total), (2, 1));
    assert_eq!((status.dropped.by_age, status.dropped.by_size), (2, 0));
    let oldest = status.destinations[0].oldest;
    assert_eq!(oldest, Some(at(2)));

    // One parked event waits again; the damaged one does not, until its session is read again.
    assert_eq!(outbox.unpark().unwrap(), 1);
    let known = enqueue(&outbox, "sent", &spans(3..6), 20);
    assert_eq!(known.known, 3);
    let dropped = enqueue(&outbox, "old", &spans(1..3), 20);
    assert_eq!(dropped.new, 2);
    let damaged = enqueue(&outbox, "a", &spans(8..9), 20);
    assert_eq!(damaged.replaced, 1);
    let trace = [event(EventName::Trace, 12, "a larger sum")];
    assert_eq!(enqueue(&outbox, "a", &trace, 20).known, 1);
    let trace = [event(EventName::Trace, 6, "a larger sum")];
    assert_eq!(enqueue(&outbox, "sent", &trace, 20).replaced, 1);
    assert_consistent(&outbox);
    acknowledge_all(&outbox, 21);
    assert_eq!(
        outbox.enforce_limits(at(22) + MAX_AGE).unwrap().by_age,
        2,
        "of the other host"
    );
    assert_consistent(&outbox);
    let status = outbox.status().unwrap();
    assert_eq!(status.destinations[0].waiting, 0);
    let left: i64 = outbox
        .connection
        .query_row("SELECT count(*) FROM batches", [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 0);
}

#[test]
fn a_migrated_database_has_the_tables_of_a_new_one() {
    let (directory, _) = old_directory();
    let fresh = TempDir::new().unwrap();
    let tables = |outbox: &Outbox| {
        let columns = "m.type, m.name, c.name, c.type, c.pk, c.\"notnull\"";
        let of = "sqlite_schema AS m LEFT JOIN pragma_table_xinfo(m.name) AS c
                  WHERE m.name NOT LIKE 'sqlite_autoindex%'";
        rows(&outbox.connection, of, columns)
    };
    let indexes = |outbox: &Outbox| {
        rows(
            &outbox.connection,
            "sqlite_schema WHERE type = 'index'",
            "name, sql",
        )
    };
    let (migrated, new) = (open(&directory), open(&fresh));
    assert_eq!(tables(&migrated), tables(&new));
    assert_eq!(indexes(&migrated), indexes(&new));
}

#[test]
fn format_2_becomes_the_newest_and_its_sessions_have_no_place_yet() {
    let directory = TempDir::new().unwrap();
    let outbox = open(&directory);
    enqueue(&outbox, "a", &spans(1..4), 0);
    let waiting = claim_all(&outbox);
    let as_before = "ALTER TABLE batches DROP COLUMN recording;
         ALTER TABLE sessions ADD COLUMN recording INTEGER NOT NULL DEFAULT 0;
         ALTER TABLE sessions DROP COLUMN transcript;
         ALTER TABLE sessions DROP COLUMN folders;
         ALTER TABLE sessions RENAME COLUMN named TO title;
         PRAGMA user_version = 2;";
    outbox.connection.execute_batch(as_before).unwrap();
    drop(outbox);
    let outbox = open(&directory);
    assert_consistent(&outbox);
    assert_eq!(claim_all(&outbox), waiting);
    let (session, _, recording) = outbox.undecided().unwrap()[0];
    assert_eq!(recording, Recording::Full, "not known");
    let session = outbox.stored_session(session).unwrap();
    assert_eq!(session.unwrap().place, None);
}

#[test]
fn format_3_becomes_the_newest_and_its_titles_are_no_names_of_sessions() {
    let directory = TempDir::new().unwrap();
    let outbox = open(&directory);
    enqueue(&outbox, "a", &spans(1..4), 0);
    let waiting = claim_all(&outbox);
    let place = |outbox: &Outbox| {
        let (session, ..) = outbox.undecided().unwrap()[0];
        let session = outbox.stored_session(session).unwrap();
        session.unwrap().place
    };
    let before = place(&outbox);
    assert!(before.is_some());
    let as_before = "ALTER TABLE sessions RENAME COLUMN named TO title;
         UPDATE sessions SET title = '[\"of the session\"]';
         PRAGMA user_version = 3;";
    outbox.connection.execute_batch(as_before).unwrap();
    drop(outbox);
    let outbox = open(&directory);
    assert_consistent(&outbox);
    assert_eq!(claim_all(&outbox), waiting);
    assert_eq!(place(&outbox), before);
}

#[test]
fn damaged_texts_of_format_1_are_set_aside_by_the_next_sender() {
    for damage in [
        "DELETE FROM bodies WHERE seq = (SELECT max(seq) FROM events WHERE session = 6)",
        "UPDATE bodies SET body = x'7b7d'
         WHERE seq = (SELECT max(seq) FROM events WHERE session = 6)",
    ] {
        let (directory, old) = old_directory();
        let session = "SELECT id FROM sessions WHERE session = 'b'";
        let damage = damage.replace("= 6", &format!("= ({session})"));
        assert_eq!(old.execute(&damage, []).unwrap(), 1);
        drop(old);
        let outbox = open(&directory);
        let waiting = outbox.waiting(1).unwrap();
        let claimed = outbox.claim(1, usize::MAX, &NONE).unwrap();
        assert_eq!(claimed.damaged.len(), 1);
        assert_eq!(outbox.set_aside(1, &claimed.damaged[0], at(30)).unwrap(), 1);
        assert_eq!(claim_all(&outbox).len() as u64, waiting - 1);
        let session = outbox.session("claude-code", "b").unwrap().unwrap();
        assert_eq!(session.checkpoint, None);
        assert_consistent(&outbox);
    }
}

#[test]
fn a_migration_that_does_not_finish_leaves_format_1() {
    let (directory, old) = old_directory();
    let bodies = rows(&old, "bodies", "seq, body");
    let change = old.unchecked_transaction().unwrap();
    migrate(&change).unwrap();
    drop(change);
    assert_eq!(rows(&old, "bodies", "seq, body"), bodies);

    // The disk is full.
    let pages: i64 = old
        .pragma_query_value(None, "page_count", |row| row.get(0))
        .unwrap();
    old.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
        .unwrap();
    let change = old.unchecked_transaction().unwrap();
    assert!(migrate(&change).is_err());
    drop(change);
    assert_eq!(rows(&old, "bodies", "seq, body"), bodies);
    drop(old);
    assert_eq!(open(&directory).check().unwrap(), [""; 0]);
}

#[test]
fn many_events_of_format_1_become_batches_of_the_usual_size() {
    let (directory, old) = old_directory();
    old.execute_batch("DELETE FROM bodies; UPDATE events SET state = 1 WHERE state = 0")
        .unwrap();
    for number in 1..=120_u128 {
        let body = event(EventName::Span, 1000 + number, &"x".repeat(100_000))
            .into_inner()
            .json;
        let insert = "INSERT INTO events
                 (uuid, session, destination, name, state, size, digest, enqueued_at)
             VALUES (?1, 1, 1, '$ai_span', 0, ?2, ?3, 5)";
        let uuid = Uuid::from_u128(1000 + number);
        old.execute(insert, params![uuid.as_bytes(), body.len(), digest(&body)])
            .unwrap();
        let insert = "INSERT INTO bodies VALUES (?1, ?2)";
        old.execute(insert, params![old.last_insert_rowid(), body])
            .unwrap();
    }
    drop(old);
    let outbox = open(&directory);
    let batches = outbox.claim(1, usize::MAX, &NONE).unwrap().batches;
    let events: Vec<u64> = batches.iter().map(|batch| batch.segment.events).collect();
    assert_eq!(events, [52, 52, 16]);
    assert!(
        batches
            .iter()
            .all(|batch| batch.segment.bytes <= BATCH_BYTES)
    );
    assert_eq!(claim_all(&outbox).len(), 120);
}
