//! Writes fixtures in OpenCode's own form: in a database, or in files.
//!
//! A fixture is an array of sessions in the form that `opencode export` prints. In addition,
//! `created` in a part is the time of its row, `taken_back` names messages that are only in the
//! log, and `rows` are messages of OpenCode 2, and of the second interface of version 1. A session
//! with `generation` 2 is one of OpenCode 2; `fork` names the session that it was forked from.
//! `generation` 2 is one of OpenCode 2; `fork` names the session that it was forked from.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};
use serde_json::{Value, json};

pub(crate) const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/opencode");

/// The tables that the program reads, and one that it must not read. Of 1.18.33, with fewer
/// columns.
const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS credential (id text PRIMARY KEY, secret text);
    CREATE TABLE IF NOT EXISTS session (
        id text PRIMARY KEY, parent_id text, directory text NOT NULL, title text NOT NULL,
        version text NOT NULL, agent text, time_created integer NOT NULL,
        time_updated integer NOT NULL);
    CREATE TABLE IF NOT EXISTS message (
        id text PRIMARY KEY, session_id text NOT NULL, time_created integer NOT NULL,
        time_updated integer NOT NULL, data text NOT NULL);
    CREATE TABLE IF NOT EXISTS part (
        id text PRIMARY KEY, message_id text NOT NULL, session_id text NOT NULL,
        time_created integer NOT NULL, time_updated integer NOT NULL, data text NOT NULL);
    CREATE TABLE IF NOT EXISTS session_message (
        id text PRIMARY KEY, session_id text NOT NULL, type text NOT NULL, seq integer NOT NULL,
        time_created integer NOT NULL, time_updated integer NOT NULL, data text NOT NULL);
    CREATE TABLE IF NOT EXISTS session_v2 (
        id text PRIMARY KEY, parent_id text, fork_session_id text, fork_boundary text,
        directory text NOT NULL, title text, version text NOT NULL, agent text,
        time_created integer NOT NULL, time_updated integer NOT NULL);
    CREATE TABLE IF NOT EXISTS event (
        id text PRIMARY KEY, aggregate_id text NOT NULL, seq integer NOT NULL,
        type text NOT NULL, data text NOT NULL);
";

pub(crate) fn fixture(name: &str) -> Vec<Value> {
    let text = fs::read_to_string(format!("{FIXTURES}/{name}.json")).expect("the fixture is there");
    let sessions: Value = serde_json::from_str(&text).expect("the fixture is JSON");
    sessions.as_array().expect("sessions").clone()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Writes sessions into the database of a folder, and returns the path of the first one.
pub(crate) fn database(folder: &Path, sessions: &[Value]) -> PathBuf {
    fs::create_dir_all(folder).expect("the folder is ours");
    let path = folder.join("opencode.db");
    let database = Connection::open(&path).expect("a database");
    database.execute_batch(SCHEMA).expect("the schema");
    for session in sessions {
        insert(&database, session).expect("rows");
    }
    path.join(text(&sessions[0]["info"]["id"]))
}

fn insert(database: &Connection, session: &Value) -> rusqlite::Result<()> {
    let info = &session["info"];
    let id = text(&info["id"]);
    let (table, fork) = if session["generation"] == 2 {
        ("session_v2", ", fork_session_id")
    } else {
        ("session", "")
    };
    let value = fork.replace(", fork_session_id", ", ?9");
    database.execute(
        &format!(
            "INSERT OR REPLACE INTO {table} (id, parent_id, directory, title, version, agent,
                 time_created, time_updated{fork})
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, coalesce(?8, ?9){value})"
        ),
        params![
            id,
            info["parentID"].as_str(),
            text(&info["directory"]),
            text(&info["title"]),
            text(&info["version"]),
            info["agent"].as_str(),
            info["time"]["created"].as_i64(),
            info["time"]["updated"].as_i64(),
            info["fork"].as_str(),
        ],
    )?;
    for (seq, row) in array(&session["rows"]).iter().enumerate() {
        database.execute(
            "INSERT OR REPLACE INTO session_message VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6)",
            params![
                text(&row["id"]),
                id,
                text(&row["type"]),
                seq,
                row["created"].as_i64(),
                row["data"].to_string()
            ],
        )?;
    }
    for message in array(&session["messages"]) {
        if array(&session["taken_back"]).contains(&message["info"]["id"]) {
            log(database, id, message)?;
        } else {
            insert_message(database, id, message)?;
        }
    }
    Ok(())
}

fn insert_message(database: &Connection, session: &str, message: &Value) -> rusqlite::Result<()> {
    let (id, created) = identity(&message["info"]);
    // Values of columns are not in the row's JSON.
    let mut info = message["info"].clone();
    if let Some(info) = info.as_object_mut() {
        info.shift_remove("id");
    }
    database.execute(
        "INSERT OR REPLACE INTO message VALUES (?1, ?2, ?3, ?3, ?4)",
        params![id, session, created, info.to_string()],
    )?;
    for (number, part) in (0..).zip(array(&message["parts"])) {
        let (part, part_id, created) = row_of(part, created + number);
        database.execute(
            "INSERT OR REPLACE INTO part VALUES (?1, ?2, ?3, ?4, ?4, ?5)",
            params![part_id, id, session, created, part.to_string()],
        )?;
    }
    Ok(())
}

/// A part as the JSON of a row, its id, and the time of the row.
fn row_of(part: &Value, created: i64) -> (Value, String, i64) {
    let mut part = part.clone();
    let fields = part.as_object_mut().expect("a part");
    let id = fields.shift_remove("id").expect("an id");
    let at = fields.shift_remove("created").and_then(|it| it.as_i64());
    (part, text(&id).to_owned(), at.unwrap_or(created))
}

/// A message that was written and then taken back.
fn log(database: &Connection, session: &str, message: &Value) -> rusqlite::Result<()> {
    let add = |kind: &str, data: &Value| {
        database.execute(
            "INSERT INTO event SELECT 'evt_' || count(*), ?1, count(*), ?2, ?3 FROM event",
            params![session, kind, data.to_string()],
        )
    };
    let (id, created) = identity(&message["info"]);
    add(
        "message.updated.1",
        &json!({"sessionID": session, "info": message["info"]}),
    )?;
    for (number, part) in (0..).zip(array(&message["parts"])) {
        let (mut part, part_id, created) = row_of(part, created + number);
        part["id"] = json!(part_id);
        part["messageID"] = json!(id);
        let data = json!({"sessionID": session, "part": part, "time": created});
        add("message.part.updated.1", &data)?;
    }
    add(
        "message.removed.1",
        &json!({"sessionID": session, "messageID": id}),
    )?;
    Ok(())
}

fn identity(info: &Value) -> (String, i64) {
    // A message that cannot be read still has a row.
    let id = info["id"].as_str().unwrap_or("msg_unreadable");
    (id.to_owned(), info["time"]["created"].as_i64().unwrap_or(0))
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Writes sessions as files, as versions before 1.2 do, and returns the path of the first one.
pub(crate) fn files(folder: &Path, sessions: &[Value]) -> PathBuf {
    let storage = folder.join("storage");
    let write = |path: String, value: &Value| -> PathBuf {
        let path = storage.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is ours");
        fs::write(&path, format!("{value:#}")).expect("the folder is ours");
        path
    };
    let mut first = None;
    for session in sessions {
        let id = text(&session["info"]["id"]);
        let path = write(format!("session/project/{id}.json"), &session["info"]);
        first.get_or_insert(path);
        for message in array(&session["messages"]) {
            let (message_id, created) = identity(&message["info"]);
            write(format!("message/{id}/{message_id}.json"), &message["info"]);
            for part in array(&message["parts"]) {
                let (part, part_id, _) = row_of(part, created);
                write(format!("part/{message_id}/{part_id}.json"), &part);
            }
        }
    }
    first.expect("a session")
}
