//! Facts about a session without reading it whole.

use std::io;

use chrono::{DateTime, Utc};

use super::archive::Address;
use super::content::{moment, without_quotes};
use super::wire::{Message, Part, Role};
use crate::sources::lenient::read_text;
use crate::sources::session_ref::Glance;

/// Reads the first prompt of a session; empty when it cannot be read.
#[must_use]
pub(super) fn glance(address: &Address) -> Glance {
    look(address).unwrap_or_default()
}

fn look(address: &Address) -> io::Result<Glance> {
    let archive = address.open()?;
    let info = archive.info(&address.id)?.unwrap_or_default();
    let messages = archive.messages(&address.id)?;
    let first = messages.iter().find(|record| {
        let message: Message = read_text(&record.data).unwrap_or_default();
        message.role == Some(Role::User)
    });
    let parts = first.map_or(&[][..], |record| &record.parts);
    let texts = parts.iter().filter_map(|part| {
        let part: Part<'_> = read_text(&part.data)?;
        part.text.filter(|_| part.synthetic != Some(true))
    });
    let texts: Vec<String> = texts.collect();
    Ok(Glance {
        started_at: moment(info.time.created),
        cwd: info.directory,
        prompt: (!texts.is_empty()).then(|| without_quotes(&texts.join("\n")).into_owned()),
    })
}

/// When the session began.
#[must_use]
pub(super) fn started_at(address: &Address) -> Option<DateTime<Utc>> {
    let info = address.open().and_then(|archive| archive.info(&address.id));
    moment(info.ok().flatten()?.time.created)
}

/// When the session was last written to.
#[must_use]
pub(super) fn last_written(address: &Address) -> Option<DateTime<Utc>> {
    let (_, updated) = size(address).ok()?;
    moment(Some(updated)).filter(|_| updated > 0)
}

/// Size of the session in bytes, and the time of the last change (milliseconds since 1970).
///
/// # Errors
/// When the database or a file cannot be read.
pub(super) fn size(address: &Address) -> io::Result<(u64, i64)> {
    address.open()?.size(&address.id)
}
