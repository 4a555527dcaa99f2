//! Storing a delivery, within the transaction of its caller.

use rusqlite::{Connection, OptionalExtension, params};

use super::Ack;
use super::delivery::{Delivery, Group, ItemId, Service};
use super::facts::{self, Counts, Fact};
use super::sessions::REQUEST;

/// Largest number of rows of a table whose keys the sender chooses, such as names of services.
/// Further names are counted under a common one.
const MAX_NAMES: u64 = 1000;
const OTHERS: &str = "(others)";

/// Stores a delivery, and counts its repeated and replaced spans.
pub(super) fn store(
    connection: &Connection,
    delivery: &Delivery,
    counts: &mut Counts,
) -> rusqlite::Result<Ack> {
    let mut ack = Ack::default();
    let at = delivery.received_at;
    for group in &delivery.groups {
        ack = ack + store_group(connection, delivery, group)?;
        let reports = group.sessions.iter().any(|it| it.starts_with(REQUEST));
        let reports = u64::from(reports && !group.is_delivery);
        facts::add(counts, Fact::OwnReport, delivery.route.name(), reports, at);
    }
    facts::add(counts, Fact::Repeated, "", ack.repeated, at);
    facts::add(counts, Fact::Replaced, "", ack.replaced, at);
    for service in &delivery.services {
        count_service(connection, delivery, service)?;
    }
    Ok(ack)
}

fn store_group(
    connection: &Connection,
    delivery: &Delivery,
    group: &Group,
) -> rusqlite::Result<Ack> {
    let trace = trace_of(connection, delivery, group)?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO chunks (trace, received_at, expanded, content) VALUES (?1, ?2, ?3, ?4)",
    )?;
    let at = delivery.received_at;
    let chunk = insert.insert(params![trace, at, group.expanded, group.content])?;
    let ack = store_items(connection, trace, chunk, group)?;
    if ack.spans + ack.logs + ack.replaced == 0 {
        let delete = "DELETE FROM chunks WHERE id = ?1";
        connection.prepare_cached(delete)?.execute([chunk])?;
        return Ok(ack);
    }
    let mut update = connection.prepare_cached(
        "UPDATE traces SET
           service = CASE WHEN ?2 > has_root THEN ?3 ELSE service END,
           name = CASE WHEN ?2 > has_root THEN ?4 ELSE name END,
           has_root = max(has_root, ?2), is_delivery = max(is_delivery, ?9), last_received = ?5, revision = revision + 1,
           spans = spans + ?6, logs = logs + ?7, bytes = bytes + ?8, is_waiting = 1
         WHERE id = ?1",
    )?;
    update.execute(params![
        trace,
        group.has_root,
        group.service,
        group.name,
        at,
        ack.spans,
        ack.logs,
        group.content.len(),
        group.is_delivery,
    ])?;
    if ack.replaced > 0 {
        remove_unused_chunks(connection, trace)?;
    }
    let mut session =
        connection.prepare_cached("INSERT OR IGNORE INTO sessions VALUES (?1, ?2)")?;
    for name in &group.sessions {
        session.execute(params![name, trace])?;
    }
    Ok(ack)
}

/// The row of a trace, which is created if missing.
fn trace_of(connection: &Connection, delivery: &Delivery, group: &Group) -> rusqlite::Result<i64> {
    let (id, route) = (group.trace_id.bytes(), delivery.route.name());
    let mut find =
        connection.prepare_cached("SELECT id FROM traces WHERE trace_id = ?1 AND route = ?2")?;
    if let Some(trace) = find
        .query_row(params![id, route], |row| row.get(0))
        .optional()?
    {
        return Ok(trace);
    }
    let mut insert = connection.prepare_cached(
        "INSERT INTO traces
           (trace_id, route, is_loose, service, name, has_root, first_received, last_received)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
    )?;
    insert.insert(params![
        id,
        route,
        group.is_loose,
        group.service,
        group.name,
        group.has_root,
        delivery.received_at,
    ])
}

fn store_items(
    connection: &Connection,
    trace: i64,
    chunk: i64,
    group: &Group,
) -> rusqlite::Result<Ack> {
    let mut insert = connection
        .prepare_cached("INSERT INTO items VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING")?;
    let mut replace = connection.prepare_cached(
        "UPDATE items SET digest = ?3, chunk = ?4, place = ?5
         WHERE trace = ?1 AND item = ?2 AND digest <> ?3",
    )?;
    let mut ack = Ack::default();
    for item in &group.items {
        let row = params![trace, item.id.bytes(), item.digest, chunk, item.place];
        if insert.execute(row)? == 1 {
            match item.id {
                ItemId::Span(_) => ack.spans += 1,
                ItemId::Record(_) => ack.logs += 1,
            }
        } else if replace.execute(row)? == 1 {
            ack.replaced += 1;
        } else {
            ack.repeated += 1;
        }
    }
    Ok(ack)
}

/// Removes the chunks of which every span was replaced.
fn remove_unused_chunks(connection: &Connection, trace: i64) -> rusqlite::Result<()> {
    let mut delete = connection.prepare_cached(
        "DELETE FROM chunks WHERE trace = ?1
         AND id NOT IN (SELECT chunk FROM items WHERE trace = ?1)",
    )?;
    if delete.execute([trace])? > 0 {
        let mut update = connection.prepare_cached(
            "UPDATE traces SET bytes =
               (SELECT coalesce(sum(length(content)), 0) FROM chunks WHERE trace = ?1)
             WHERE id = ?1",
        )?;
        update.execute([trace])?;
    }
    Ok(())
}

fn count_service(
    connection: &Connection,
    delivery: &Delivery,
    service: &Service,
) -> rusqlite::Result<()> {
    let (route, at) = (delivery.route.name(), delivery.received_at);
    let known = "SELECT 1 FROM services WHERE route = ?1 AND service = ?2";
    let is_known = connection
        .prepare_cached(known)?
        .exists(params![route, service.name])?;
    let has_room = is_known || rows(connection, "SELECT count(*) FROM services")? < MAX_NAMES;
    let name = if has_room { &service.name } else { OTHERS };
    let mut count = connection.prepare_cached(
        "INSERT INTO services VALUES (?1, ?2, 1, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET deliveries = deliveries + 1, spans = spans + excluded.spans,
           logs = logs + excluded.logs, last_at = excluded.last_at",
    )?;
    count.execute(params![route, name, service.spans, service.logs, at])?;
    Ok(())
}

/// Adds counts to those on disk.
pub(super) fn write_counts(connection: &Connection, counts: &Counts) -> rusqlite::Result<()> {
    for ((fact, name), (count, at)) in counts {
        let fact = fact.name();
        let known = "SELECT 1 FROM tallies WHERE fact = ?1 AND name = ?2";
        let is_known = connection.prepare_cached(known)?.exists([fact, name])?;
        let has_room = is_known || rows(connection, "SELECT count(*) FROM tallies")? < MAX_NAMES;
        let name = if has_room { name } else { OTHERS };
        let mut add = connection.prepare_cached(
            "INSERT INTO tallies VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET count = count + excluded.count,
               last_at = max(last_at, excluded.last_at)",
        )?;
        add.execute(params![fact, name, count, at])?;
    }
    Ok(())
}

fn rows(connection: &Connection, count: &str) -> rusqlite::Result<u64> {
    connection
        .prepare_cached(count)?
        .query_row([], |row| row.get(0))
}

/// Makes traces wait that were mapped, or are being mapped.
pub(super) fn mark_waiting(
    connection: &Connection,
    traces: &[super::TraceKey],
) -> rusqlite::Result<usize> {
    let mut update = connection.prepare_cached(
        "UPDATE traces SET is_waiting = 1, revision = revision + 1
         WHERE trace_id = ?1 AND route = ?2",
    )?;
    let mut marked = 0;
    for key in traces {
        marked += update.execute(params![key.trace_id.bytes(), key.route.name()])?;
    }
    Ok(marked)
}

/// Marks traces as mapped, unless something was added since they were read.
pub(super) fn mark_mapped(
    connection: &Connection,
    traces: &[super::Revision],
    at: i64,
) -> rusqlite::Result<usize> {
    let mut update = connection.prepare_cached(
        "UPDATE traces SET is_waiting = 0, mapped_at = ?4
         WHERE trace_id = ?1 AND route = ?2 AND revision = ?3",
    )?;
    let mut marked = 0;
    for it in traces {
        let (id, route) = (it.key.trace_id.bytes(), it.key.route.name());
        marked += update.execute(params![id, route, it.number, at])?;
    }
    Ok(marked)
}
