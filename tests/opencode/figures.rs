//! Sessions of the real OpenCode: the sent usage equals that of an independent count.

use std::fs;
use std::path::PathBuf;

use posthog_llma::session::Oddities;
use posthog_llma::session::SessionState;
use posthog_llma::sources::{self, SessionRef};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use crate::support::capture::{Lane, judge};
use crate::support::env::API_KEY;
use crate::support::events::hangs_together;
use crate::support::library::{Events, Run};
use crate::support::shared::shared_or_skip;

/// Input, output, read from the cache, written to it, thousandths of a cent.
type Figures = [u64; 5];

/// The database of 1.18, and the files of 1.1.
fn archives_or_skip() -> Option<[PathBuf; 2]> {
    let root = shared_or_skip("POSTHOG_LLMA_OPENCODE_SESSIONS", "agents/opencode", "")?;
    Some([
        root.join("v1.18.33/opencode.db"),
        root.join("v1.1.65-json/share-opencode/storage"),
    ])
}

fn calls(events: &Events) -> impl Iterator<Item = &Value> {
    events.iter().filter(|it| it["event"] == "$ai_generation")
}

fn sent(events: &Events) -> Figures {
    let mut figures = [0; 5];
    for call in calls(events) {
        let number = |name: &str| call["properties"][name].as_u64().unwrap_or(0);
        let counts = [
            number("$ai_input_tokens"),
            number("$ai_output_tokens"),
            number("$ai_cache_read_input_tokens"),
            number("$ai_cache_creation_input_tokens"),
            small_change(&call["properties"]["$ai_total_cost_usd"]),
        ];
        add(&mut figures, counts);
    }
    figures
}

fn add(sum: &mut Figures, more: Figures) {
    for (sum, more) in sum.iter_mut().zip(more) {
        *sum += more;
    }
}

/// Converts dollars to thousandths of a cent, since whole numbers can be compared.
fn small_change(dollars: &Value) -> u64 {
    let dollars = dollars.as_f64().unwrap_or(0.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "small and positive"
    )]
    let rounded = (dollars * 1e8).round() as u64;
    rounded
}

fn usage(value: &Value) -> Figures {
    let number = |pointer: &str| value.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
    [
        number("/tokens/input"),
        number("/tokens/output") + number("/tokens/reasoning"),
        number("/tokens/cache/read"),
        number("/tokens/cache/write"),
        small_change(&value["cost"]),
    ]
}

/// Usage of each of the user's sessions according to OpenCode: the sums in the rows of sessions,
/// read without the program's code.
fn booked(database: &Connection) -> Vec<(String, Figures)> {
    let mut select = database
        .prepare(
            "WITH RECURSIVE family (root, id) AS (
                 SELECT id, id FROM session WHERE parent_id IS NULL
                 UNION ALL SELECT root, session.id FROM family
                 JOIN session ON session.parent_id = family.id)
             SELECT root, sum(tokens_input), sum(tokens_output + tokens_reasoning),
                    sum(tokens_cache_read), sum(tokens_cache_write), sum(cost)
             FROM family JOIN session USING (id) GROUP BY root",
        )
        .expect("a question");
    let rows = select.query_map([], |row| {
        let cost: f64 = row.get(5)?;
        let figures = [
            row.get(1)?,
            row.get(2)?,
            row.get(3)?,
            row.get(4)?,
            small_change(&json!(cost)),
        ];
        Ok((row.get(0)?, figures))
    });
    let rows = rows.expect("an answer").map(|row| row.expect("a row"));
    rows.collect()
}

#[test]
fn the_usage_of_every_session_in_the_database_matches_opencode_s_own() {
    let Some([path, _]) = archives_or_skip() else {
        return;
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let database = Connection::open_with_flags(&path, flags).expect("a database");
    let booked = booked(&database);
    assert_eq!(booked.len(), 30, "33 sessions, three of them of subagents");
    let plain = [120, 14, 0, 0, 57_000];
    for (session, figures) in booked {
        let expected = match session.as_str() {
            // The row of a fork includes copied calls.
            it if it.ends_with("rbneQj") => plain,
            // Messages that the user took back were paid for, and are not in the sums.
            it if it.ends_with("Pdu7hx") => [360, 42, 0, 0, 171_000],
            // The second interface keeps no sums.
            it if it.ends_with("YaQ4zk") => [300, 28, 0, 0, 0],
            _ => figures,
        };
        let transcript = path.join(&session);
        for run in [
            Run::default(),
            Run::with(&[("POSTHOG_TRACE_GROUPING", "session")]),
        ] {
            let events = run.events(&transcript);
            assert_eq!(sent(&events), expected, "{session}");
            hangs_together(&events);
            let batch = json!({ "api_key": API_KEY, "batch": events });
            let verdict = judge(Lane::Ai, &batch);
            assert!(
                events.is_empty() || verdict.is_ok(),
                "{session}: {verdict:?}"
            );
        }
        let collected = Run::default().collect(&transcript, None, SessionState::Ended);
        let oddities = collected.expect("a session").session.oddities;
        assert_eq!(oddities, Oddities::default(), "{session}");
    }
}

#[test]
fn the_usage_of_every_session_in_files_matches_its_messages() {
    let Some([_, storage]) = archives_or_skip() else {
        return;
    };
    let found = sources::below(&storage).found;
    assert_eq!(found.len(), 4, "five sessions, one of them of a subagent");
    let mut sum = [0; 5];
    for found in &found {
        let events = Run::default().events(&found.locator.path());
        hangs_together(&events);
        add(&mut sum, sent(&events));
    }
    let mut counted = [0; 5];
    for message in walkdir::WalkDir::new(storage.join("message")) {
        let message = message.expect("a file");
        if message.file_type().is_file() {
            let text = fs::read_to_string(message.path()).expect("it is text");
            let message: Value = serde_json::from_str(&text).expect("it is JSON");
            add(&mut counted, usage(&message));
        }
    }
    assert_eq!(sum, counted);
    assert!(counted[0] > 500, "{counted:?}");
}

#[test]
fn known_runs_have_their_known_figures() {
    let Some([path, _]) = archives_or_skip() else {
        return;
    };
    let sessions = sources::below(&path).found;
    let of = |prompt: &str| -> (usize, usize, Figures) {
        let is_meant = |found: &&SessionRef| {
            let glance = found.glance();
            glance.prompt.is_some_and(|text| text.contains(prompt))
        };
        let mut found = sessions.iter().filter(is_meant);
        let found = found.next_back();
        let found = found.unwrap_or_else(|| panic!("no session of {prompt}"));
        let events = Run::default().events(&found.locator.path());
        let failed = calls(&events).filter(|it| it["properties"]["$ai_is_error"] == true);
        (calls(&events).count(), failed.count(), sent(&events))
    };
    for (prompt, expected) in [
        ("What is two plus two?", (1, 0, [120, 14, 0, 0, 57_000])),
        (
            "two plus two? [[cache]]",
            (1, 0, [120, 14, 5000, 0, 207_000]),
        ),
        ("ls]] [[cache]]", (2, 0, [300, 28, 10_000, 1400, 957_000])),
        ("Two tools [[par]]", (2, 0, [300, 28, 0, 0, 132_000])),
        ("Failing tool", (2, 0, [300, 28, 0, 0, 132_000])),
        ("[[err400]]", (1, 1, [0; 5])),
        ("[[err401]]", (1, 1, [0; 5])),
        ("[[len]]", (1, 0, [120, 14, 0, 0, 57_000])),
        ("[[refuse]]", (1, 1, [120, 14, 0, 0, 57_000])),
        ("[[errstream]]", (1, 1, [0; 5])),
        ("[[err529x1]]", (1, 0, [120, 14, 0, 0, 57_000])),
        ("[[think]]", (1, 0, [120, 23, 0, 0, 70_500])),
        ("Do the child job", (4, 0, [600, 56, 0, 0, 264_000])),
        ("Slow [[slow:20]]", (1, 0, [0; 5])),
    ] {
        assert_eq!(of(prompt), expected, "{prompt}");
    }
}
