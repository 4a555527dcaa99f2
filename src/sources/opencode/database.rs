//! The database of OpenCode 1.2 and later, read while OpenCode writes to it. Only the tables
//! `session`, `message`, `part` and `event` are queried, and those of version 2, `session_v2` and
//! `session_message`. After an upgrade both groups are in one file.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::FromSql;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params, params_from_iter};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::next;
use super::record::{Entry, PartRecord, Record};
use super::wire::{Info, Times};
use crate::sources::lenient::{read, read_text};

/// Time to wait for a locked database. OpenCode locks its database for moments only, and a command may
/// open it several times.
const BUSY: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Database {
    path: PathBuf,
    connection: Connection,
}

impl Database {
    /// Opens a database under its real path, because the latest changes are in the log beside it.
    /// All queries see the same state.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let open = || {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(dunce::canonicalize(path)?, flags)
                .map_err(io::Error::other)?;
            connection.busy_timeout(BUSY).map_err(io::Error::other)?;
            connection
                .execute_batch("BEGIN")
                .map_err(io::Error::other)?;
            Ok(Self {
                path: path.to_owned(),
                connection,
            })
        };
        open().map_err(|error: io::Error| located(path, &error))
    }

    fn ask<T>(&self, question: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> io::Result<T> {
        question(&self.connection).map_err(|error| located(&self.path, &error))
    }

    pub(super) fn sessions(&self) -> io::Result<Vec<Entry>> {
        self.ask(|connection| {
            let mut entries: HashMap<String, (Option<String>, Entry)> = HashMap::new();
            for table in session_tables(connection)? {
                let mut select = connection.prepare(&format!("SELECT * FROM {table}"))?;
                let mut rows = select.query([])?;
                while let Some(row) = rows.next()? {
                    let info = info_of(row);
                    let Some(id) = info.id else { continue };
                    let entry = Entry {
                        path: self.path.join(&id),
                        bytes: 0,
                        updated: info.time.updated.or(info.time.created).unwrap_or(0),
                        directory: info.directory,
                        id: id.clone(),
                    };
                    let known = entries.entry(id).or_insert((info.parent_id, entry.clone()));
                    known.1.updated = known.1.updated.max(entry.updated);
                }
            }
            for (id, bytes, updated) in sizes(connection, None)? {
                if let Some((_, entry)) = entries.get_mut(&id) {
                    entry.bytes += bytes;
                    entry.updated = entry.updated.max(updated);
                }
            }
            Ok(families(entries))
        })
    }

    /// Size of a session's messages in bytes, and the time of the last change.
    pub(super) fn size(&self, id: &str) -> io::Result<(u64, i64)> {
        let sizes = self.ask(|connection| sizes(connection, Some(id)))?;
        let bytes = sizes.iter().map(|(_, bytes, _)| bytes).sum();
        let updated = sizes.iter().map(|(.., updated)| *updated).max();
        Ok((bytes, updated.unwrap_or(0)))
    }

    pub(super) fn info(&self, id: &str) -> io::Result<Option<Info>> {
        self.ask(|connection| info(connection, id))
    }

    pub(super) fn children(&self, id: &str) -> io::Result<Vec<String>> {
        self.ask(|connection| {
            let mut children = Vec::new();
            for table in session_tables(connection)? {
                if !has(connection, table, "parent_id")? {
                    continue;
                }
                let mut select = connection.prepare_cached(&format!(
                    "SELECT id FROM {table} WHERE parent_id = ?1 ORDER BY time_created, id"
                ))?;
                for child in select.query_map([id], |row| row.get(0))? {
                    let child = child?;
                    if !children.contains(&child) {
                        children.push(child);
                    }
                }
            }
            Ok(children)
        })
    }

    pub(super) fn messages(&self, id: &str) -> io::Result<Vec<Record>> {
        self.ask(|connection| {
            let mut records = messages(connection, id)?;
            records.extend(taken_back(connection, id, &records)?);
            let known: HashSet<String> = records.iter().map(|it| it.id.clone()).collect();
            let next = of_next(connection, id)?.into_iter();
            records.extend(next.filter(|record| !known.contains(&record.id)));
            Ok(records)
        })
    }
}

fn located(path: &Path, error: &dyn std::error::Error) -> io::Error {
    io::Error::other(format!("{}: {error}", path.display()))
}

/// The value of a column by name; versions have different columns.
fn column<T: FromSql>(row: &Row<'_>, name: &str) -> Option<T> {
    row.get::<_, Option<T>>(name).ok().flatten()
}

fn info_of(row: &Row<'_>) -> Info {
    Info {
        id: column(row, "id"),
        parent_id: column(row, "parent_id"),
        directory: column(row, "directory"),
        title: column(row, "title"),
        version: column(row, "version"),
        agent: column(row, "agent"),
        forked_from: column(row, "fork_session_id"),
        time: Times {
            created: column(row, "time_created"),
            updated: column(row, "time_updated"),
            ..Times::default()
        },
    }
}

/// The existing tables of sessions: of version 1, of version 2.
fn session_tables(connection: &Connection) -> rusqlite::Result<Vec<&'static str>> {
    let mut tables = Vec::new();
    for table in ["session", "session_v2"] {
        if has(connection, table, "id")? {
            tables.push(table);
        }
    }
    Ok(tables)
}

fn info(connection: &Connection, id: &str) -> rusqlite::Result<Option<Info>> {
    for table in session_tables(connection)? {
        let found = connection
            .prepare_cached(&format!("SELECT * FROM {table} WHERE id = ?1"))?
            .query_row([id], |row| Ok(info_of(row)))
            .optional()?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Whether the database has such a table with such a column.
fn has(connection: &Connection, table: &str, column: &str) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM pragma_table_info(?1) WHERE name = ?2")?
        .exists([table, column])
}

/// Size of the messages of each session, or of one, in bytes, and the time of the last change.
fn sizes(
    connection: &Connection,
    session: Option<&str>,
) -> rusqlite::Result<Vec<(String, u64, i64)>> {
    let mut sizes = Vec::new();
    for table in ["message", "part", "session_message"] {
        if !has(connection, table, "time_updated")? {
            continue;
        }
        let only = session.map_or("", |_| "WHERE session_id = ?1");
        let mut select = connection.prepare(&format!(
            "SELECT session_id, coalesce(sum(octet_length(data)), 0), max(time_updated)
             FROM {table} {only} GROUP BY session_id"
        ))?;
        let rows = select.query_map(params_from_iter(session), |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
        for row in rows {
            sizes.push(row?);
        }
    }
    Ok(sizes)
}

/// The sessions of the user, each with the size of its subagents' sessions.
fn families(mut entries: HashMap<String, (Option<String>, Entry)>) -> Vec<Entry> {
    let parents: HashMap<String, String> = entries
        .iter()
        .filter_map(|(id, (parent, _))| {
            let parent = parent.as_ref().filter(|it| entries.contains_key(*it))?;
            Some((id.clone(), parent.clone()))
        })
        .collect();
    let root_of = |id: &str| {
        // Ends even if they form a cycle.
        let mut id = id;
        for _ in 0..parents.len() {
            id = parents.get(id).map_or(id, String::as_str);
        }
        id.to_owned()
    };
    for id in parents.keys() {
        let Some((_, child)) = entries.remove(id) else {
            continue;
        };
        if let Some((_, root)) = entries.get_mut(&root_of(id)) {
            root.bytes += child.bytes;
            root.updated = root.updated.max(child.updated);
        }
    }
    entries.into_values().map(|(_, entry)| entry).collect()
}

fn messages(connection: &Connection, session: &str) -> rusqlite::Result<Vec<Record>> {
    if !has(connection, "message", "data")? || !has(connection, "part", "data")? {
        return Ok(Vec::new());
    }
    let mut select = connection
        .prepare_cached("SELECT id, time_created, data FROM message WHERE session_id = ?1")?;
    let records = select.query_map([session], |row| {
        Ok(Record {
            id: row.get(0)?,
            created: row.get(1)?,
            data: row.get(2)?,
            ..Record::default()
        })
    })?;
    let mut records: Vec<Record> = records.collect::<rusqlite::Result<_>>()?;
    let mut select = connection
        .prepare_cached("SELECT id, time_created, data FROM part WHERE message_id = ?1")?;
    for record in &mut records {
        let parts = select.query_map([&record.id], |row| {
            Ok(PartRecord {
                id: row.get(0)?,
                created: row.get(1)?,
                data: row.get(2)?,
            })
        })?;
        record.parts = parts.collect::<rusqlite::Result<_>>()?;
    }
    Ok(records)
}

/// An entry of the log that newer versions keep for each session.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Change<'a> {
    #[serde(rename = "messageID")]
    message_id: Option<String>,
    #[serde(borrow)]
    info: Option<&'a RawValue>,
    #[serde(borrow)]
    part: Option<&'a RawValue>,
    time: Option<i64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Identity {
    id: String,
    #[serde(rename = "messageID")]
    message_id: String,
    time: Times,
}

/// Messages that the user took back, which are only in the log.
fn taken_back(
    connection: &Connection,
    session: &str,
    known: &[Record],
) -> rusqlite::Result<Vec<Record>> {
    if !has(connection, "event", "aggregate_id")? {
        return Ok(Vec::new());
    }
    let mut select = connection.prepare_cached(
        "SELECT data FROM event WHERE aggregate_id = ?1 AND type LIKE ?2 ORDER BY seq",
    )?;
    let mut logged = |kind: &str| -> rusqlite::Result<Vec<String>> {
        let rows = select.query_map([session, kind], |row| row.get(0))?;
        rows.collect()
    };
    let removed = logged("message.removed%")?;
    let ids = removed.iter().filter_map(|data| {
        let change: Change<'_> = read_text(data)?;
        change.message_id
    });
    let mut gone: HashSet<String> = ids.collect();
    for record in known {
        gone.remove(&record.id);
    }
    if gone.is_empty() {
        return Ok(Vec::new());
    }
    let mut records: HashMap<String, Record> = HashMap::new();
    for data in logged("message.updated%")? {
        let change: Change<'_> = read_text(&data).unwrap_or_default();
        let Some((info, identity)) = change.info.and_then(with_identity) else {
            continue;
        };
        if gone.contains(&identity.id) {
            let record = records.entry(identity.id.clone()).or_default();
            record.id = identity.id;
            record.created = identity.time.created.unwrap_or(0);
            info.clone_into(&mut record.data);
            record.is_taken_back = true;
        }
    }
    for data in logged("message.part.updated%")? {
        let change: Change<'_> = read_text(&data).unwrap_or_default();
        let Some((part, identity)) = change.part.and_then(with_identity) else {
            continue;
        };
        let Some(record) = records.get_mut(&identity.message_id) else {
            continue;
        };
        match record.parts.iter_mut().find(|it| it.id == identity.id) {
            Some(known) => part.clone_into(&mut known.data),
            None => record.parts.push(PartRecord {
                id: identity.id,
                created: change.time,
                data: part.to_owned(),
            }),
        }
    }
    Ok(records.into_values().collect())
}

fn with_identity(raw: &RawValue) -> Option<(&str, Identity)> {
    let identity = read(raw)?;
    Some((raw.get(), identity))
}

/// Messages of a session of version 2, or of the interface of version 1 that became version 2. A
/// fork begins with copies of the original's messages, which differ only in their ids.
fn of_next(connection: &Connection, session: &str) -> rusqlite::Result<Vec<Record>> {
    if !has(connection, "session_message", "data")? {
        return Ok(Vec::new());
    }
    let forked_from = info(connection, session)?.and_then(|info| info.forked_from);
    let mut select = connection.prepare_cached(
        "SELECT id, type, time_created, data, EXISTS (
             SELECT 1 FROM session_message AS original WHERE original.session_id = ?2
             AND original.type = copy.type AND original.data = copy.data)
         FROM session_message AS copy WHERE session_id = ?1 ORDER BY seq",
    )?;
    let rows = select.query_map(params![session, forked_from], |row| {
        let (id, kind): (String, String) = (row.get(0)?, row.get(1)?);
        let record = next::record(id, &kind, row.get(2)?, &row.get::<_, String>(3)?);
        let is_copy = row.get(4)?;
        Ok(record.map(|record| Record { is_copy, ..record }))
    })?;
    let records: Vec<Option<Record>> = rows.collect::<rusqlite::Result<_>>()?;
    Ok(records.into_iter().flatten().collect())
}
