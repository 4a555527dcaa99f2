//! The transcripts that were read, with their sizes and times.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OptionalExtension, params};

use super::records::TranscriptStamp;
use super::{Outbox, OutboxError};
use crate::paths;

impl Outbox {
    /// Size and time of a transcript file when its events were last stored.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(crate) fn transcript(&self, path: &Path) -> Result<Option<TranscriptStamp>, OutboxError> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT size, modified FROM transcripts WHERE path = ?1")?
                .query_row([written(path)], |row| {
                    Ok(TranscriptStamp {
                        path: path.to_owned(),
                        size: row.get(0)?,
                        modified: system_time(row.get(1)?),
                    })
                })
                .optional()
        })
    }

    /// Records transcripts that contained no session.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub(crate) fn remember(&self, transcripts: &[TranscriptStamp]) -> Result<(), OutboxError> {
        self.write(|change| remember(change, transcripts))
    }
}

/// Records transcripts whose events are stored.
pub(super) fn remember(
    change: &Connection,
    transcripts: &[TranscriptStamp],
) -> rusqlite::Result<()> {
    let mut insert = change.prepare_cached(
        "INSERT OR REPLACE INTO transcripts (path, size, modified) VALUES (?1, ?2, ?3)",
    )?;
    for transcript in transcripts {
        insert.execute(params![
            written(&transcript.path),
            transcript.size,
            nanoseconds(transcript.modified),
        ])?;
    }
    Ok(())
}

/// The bytes by which a transcript is known: the same for every way to write its path, since hooks
/// name it in the agent's way and listings in ours.
pub(super) fn written(path: &Path) -> Vec<u8> {
    paths::in_one_form(path)
        .into_os_string()
        .into_encoded_bytes()
}

/// Nanoseconds since 1970; times before 1970 and after 2262 count as 1970.
fn nanoseconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(0)
}

fn system_time(nanoseconds: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(nanoseconds.try_into().unwrap_or(0))
}
