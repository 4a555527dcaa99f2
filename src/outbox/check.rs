//! Consistency checks of the outbox.

use rusqlite::Connection;

use super::EventState::Waiting;
use super::{Outbox, OutboxError};

/// Queries that count inconsistencies, each with a description of what it counts.
fn counts() -> [(String, &'static str); 5] {
    let without_body = format!(
        "SELECT count(*) FROM events LEFT JOIN bodies USING (seq)
         WHERE state = {Waiting} AND bodies.seq IS NULL"
    );
    [
        (
            "SELECT count(*) FROM pragma_foreign_key_check".to_owned(),
            "rows that belong to nothing",
        ),
        (without_body, "waiting events without a body"),
        (
            "SELECT count(*) FROM bodies LEFT JOIN events USING (seq) WHERE events.seq IS NULL"
                .to_owned(),
            "bodies without an event",
        ),
        (
            IDENTITIES.to_owned(),
            "identities that do not agree with the events",
        ),
        (TALLIES.to_owned(), "sums that do not agree with the events"),
    ]
}

const IDENTITIES: &str = "SELECT count(*) FROM (
     SELECT sum(events) AS sum FROM (
         SELECT uuid, seq, 1 AS events FROM identities
         UNION ALL
         SELECT uuid, seq, -1 FROM events)
     GROUP BY uuid, seq)
 WHERE sum <> 0";

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
            Ok(complaints)
        })
    }
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
    use crate::outbox::{Destination, SessionEntry};
    use crate::posthog::{Event, EventName, Frozen, Properties};
    use crate::redact::Redacted;

    /// An outbox with one waiting event.
    fn outbox(directory: &std::path::Path) -> Outbox {
        let outbox = Outbox::open(directory).unwrap();
        let entry = SessionEntry {
            agent: "claude-code",
            id: "ada",
            frozen: Redacted::trusted(Frozen::of_project("shop")),
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
            ("DELETE FROM bodies", "1 waiting events without a body"),
            (
                "INSERT INTO bodies VALUES (99, x'7b7d')",
                "1 bodies without an event",
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
