//! Consistency checks of the outbox.

use rusqlite::Connection;

use super::EventState::{Parked, Waiting};
use super::{Outbox, OutboxError, batches};

/// Queries that count inconsistencies, each with a description of what it counts.
fn counts() -> [(String, &'static str); 5] {
    [
        (
            "SELECT count(*) FROM pragma_foreign_key_check".to_owned(),
            "rows that belong to nothing",
        ),
        (
            format!(
                "SELECT count(*) FROM events LEFT JOIN batches ON batches.id = batch
                 WHERE state = {Waiting} AND batches.id IS NULL"
            ),
            "waiting events without a batch",
        ),
        (
            format!(
                "SELECT count(*) FROM batches WHERE id NOT IN (
                     SELECT batch FROM events
                     WHERE state IN ({Waiting}, {Parked}) AND batch IS NOT NULL)"
            ),
            "batches without an event",
        ),
        (
            IDENTITIES.to_owned(),
            "identities that do not agree with the events",
        ),
        (TALLIES.to_owned(), "sums that do not agree with the events"),
    ]
}

/// An event may have further identities. None identifies two events, or one that is not there.
const IDENTITIES: &str = "SELECT
     (SELECT count(*) FROM events WHERE NOT EXISTS (
         SELECT 1 FROM identities
         WHERE identities.uuid = events.uuid AND identities.seq = events.seq))
   + (SELECT count(*) FROM identities WHERE seq NOT IN (SELECT seq FROM events))
   + (SELECT count(*) FROM (SELECT 1 FROM identities GROUP BY uuid HAVING count(*) > 1))";

const TALLIES: &str = "SELECT count(*) FROM (
     SELECT destination, state, sum(events) AS sum, sum(bytes) AS bytes FROM (
         SELECT destination, state, session, events, bytes FROM tallies
         UNION ALL
         SELECT destination, state, session, -1, -size FROM events)
     GROUP BY destination, state, session)
 WHERE sum <> 0 OR bytes <> 0";

impl Outbox {
    /// Reads the whole database and returns a description of each inconsistency found.
    ///
    /// # Errors
    /// When the database cannot be read, for instance because it is damaged.
    pub(crate) fn check(&self) -> Result<Vec<String>, OutboxError> {
        self.read(|connection| {
            let pages: String =
                connection.pragma_query_value(None, "quick_check", |row| row.get(0))?;
            if pages != "ok" {
                return Ok(vec![pages]);
            }
            let mut complaints = Vec::new();
            for (select, what) in counts() {
                let number = count(connection, &select)?;
                if number > 0 {
                    complaints.push(format!("{number} {what}"));
                }
            }
            let damaged = damaged(connection)?;
            if damaged > 0 {
                complaints.push(format!("{damaged} damaged batches"));
            }
            Ok(complaints)
        })
    }
}

/// Number of batches of which the stored events cannot be read.
fn damaged(connection: &Connection) -> rusqlite::Result<u64> {
    let mut select = connection.prepare("SELECT id FROM batches")?;
    let mut rows = select.query([])?;
    let mut damaged = 0;
    while let Some(row) = rows.next()? {
        let segment = batches::read(connection, row.get(0)?)?;
        let is_readable = segment.is_ok_and(|segment| segment.unpack().is_some());
        damaged += u64::from(!is_readable);
    }
    Ok(damaged)
}

fn count(connection: &Connection, select: &str) -> rusqlite::Result<u64> {
    connection.query_row(select, [], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use chrono::Utc;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::outbox::{Destination, Place, SessionEntry};
    use crate::posthog::{Event, EventName, Frozen, Identities, Properties, Recording};
    use crate::redact::Redacted;

    /// An outbox with one waiting event.
    fn outbox(directory: &std::path::Path) -> Outbox {
        let outbox = Outbox::open(directory).unwrap();
        let entry = SessionEntry {
            agent: "claude-code",
            id: "ada",
            frozen: Redacted::trusted(Frozen::of_project("shop")),
            recording: Recording::Full,
            place: Place::default(),
        };
        let destination = Destination {
            host: "https://us.i.posthog.com".into(),
            api_key: "phc_test".into(),
            committed_by: None,
        };
        let mut writer = outbox.begin(&entry, &destination, Utc::now()).unwrap();
        let mut properties = Properties::default();
        properties.insert("text", json!("x"));
        let event = Event {
            name: EventName::Span,
            uuid: Uuid::from_u128(1),
            distinct_id: "ada@example.com".into(),
            identities: Identities::Known,
            timestamp: Utc::now(),
            properties,
        };
        writer.push(Redacted::trusted(event.written())).unwrap();
        writer.commit(None, [], &[]).unwrap();
        outbox
    }

    #[test]
    fn an_outbox_that_holds_together_gives_no_complaint() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(outbox(directory.path()).check().unwrap(), [""; 0]);
    }

    #[test]
    fn what_does_not_add_up_is_counted() {
        for (damage, expected) in [
            ("DELETE FROM batches", "1 waiting events without a batch"),
            (
                "INSERT INTO batches SELECT 9, events, bytes, longest, crc, checksum, stored_at,
                        recording, segment
                 FROM batches",
                "1 batches without an event",
            ),
            (
                "UPDATE batches SET segment = substr(segment, 2)",
                "1 damaged batches",
            ),
            (
                "INSERT INTO old_identities SELECT * FROM new_identities",
                "1 identities that do not agree with the events",
            ),
            (
                "UPDATE tallies SET events = events + 1",
                "1 sums that do not agree with the events",
            ),
            (
                "PRAGMA foreign_keys = OFF; DELETE FROM sessions",
                "1 rows that belong to nothing",
            ),
        ] {
            let directory = tempfile::tempdir().unwrap();
            let outbox = outbox(directory.path());
            outbox.connection.execute_batch(damage).unwrap();
            assert_eq!(outbox.check().unwrap(), [expected], "{damage}");
        }
    }
}
