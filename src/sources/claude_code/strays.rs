//! Lines of a session in the transcript of another one.
//!
//! Two processes of Claude Code have written into one file (public reports of 2.1.1xx). Every line
//! names its session and belongs to it: it is omitted from the transcript that contains it, and
//! read with that of its own session. If that session has no transcript in the same folder, the
//! line stays where it is, so that nothing is lost.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use memchr::memmem::Finder;
use serde::Deserialize;

use super::checkpoint::Checkpoint;
use super::glance;
use super::neighbours::Neighbours;
use super::paths::{self, SessionFiles};
use super::wire::Line;
use crate::sources::jsonl::{self, Lines};
use crate::sources::lenient::{Text, known, text_or_number};
use crate::sources::times::parse_time;

/// The other sessions whose lines are in a transcript.
pub(super) struct Others<'a> {
    files: &'a SessionFiles,
    /// The transcript of each, if it has one.
    known: HashMap<String, Option<PathBuf>>,
}

impl<'a> Others<'a> {
    pub(super) fn of(files: &'a SessionFiles) -> Self {
        Self {
            files,
            known: HashMap::new(),
        }
    }

    /// Whether another session owns a line of the transcript.
    pub(super) fn own(&mut self, line: &Line<'_>) -> bool {
        let Some(id) = line.session_id.as_ref().map(Text::as_str) else {
            return false;
        };
        if id == self.files.session_id {
            return false;
        }
        if let Some(known) = self.known.get(id) {
            return known.is_some();
        }
        let owner = paths::transcript_of(id, &self.files.transcript);
        let owner = owner.filter(|path| paths::session_id(path) == id);
        let has_owner = owner.is_some();
        self.known.insert(id.to_owned(), owner);
        has_owner
    }

    /// The transcripts of the sessions whose lines were found.
    pub(super) fn transcripts(self) -> Vec<PathBuf> {
        self.known.into_values().flatten().collect()
    }
}

/// Lines of a session in other transcripts, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Strays(VecDeque<(DateTime<Utc>, String)>);

/// The fields of a line that name its session and time.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    #[serde(borrow, default, deserialize_with = "known")]
    session_id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_number")]
    timestamp: Option<Text<'a>>,
}

impl Strays {
    /// Searches lines of a session. If none was written since the checkpoint, there are none:
    /// earlier ones were read before it. Otherwise it finds all of them, since the session is then
    /// read from its start. A transcript that cannot be read is reported with its own session.
    pub(super) fn of(files: &SessionFiles, checkpoint: &Checkpoint) -> Self {
        let since = checkpoint.last_time.filter(|_| checkpoint.offset > 0);
        let new = Self::written_since(files, since);
        if since.is_none() || new.is_empty() {
            return new;
        }
        Self::written_since(files, None)
    }

    /// Lines that were written at that time or later, or since the session began.
    fn written_since(files: &SessionFiles, since: Option<DateTime<Utc>>) -> Self {
        let mut lines = Vec::new();
        for path in candidates(files, since) {
            let _ = collect(&path, &files.session_id, &mut lines);
        }
        lines.retain(|(at, _)| since.is_none_or(|since| *at >= since));
        lines.sort_by_key(|(at, _)| *at);
        Self(lines.into())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes the next line, if it was written before that time.
    pub(super) fn next(&mut self, before: Option<DateTime<Utc>>) -> Option<String> {
        let is_due = |at: DateTime<Utc>| before.is_none_or(|before| at < before);
        let (at, _) = self.0.front()?;
        is_due(*at).then(|| self.0.pop_front().map(|(_, line)| line))?
    }
}

/// Transcripts of other sessions that name this one and were written to while it ran, from `since`
/// on.
fn candidates(files: &SessionFiles, since: Option<DateTime<Utc>>) -> Vec<PathBuf> {
    let (transcript, id) = (&files.transcript, &files.session_id);
    // Other sessions do not write into a copy under another name.
    if paths::transcript_of(id, transcript).as_ref() != Some(transcript) {
        return Vec::new();
    }
    let since = since.or_else(|| glance::started_at(transcript));
    let near = Neighbours::of(transcript);
    let mut others = near.naming(id, transcript, since, written(transcript));
    others.retain(|other| paths::session_id(other) != *id);
    others
}

/// Modification time of a file.
fn written(path: &Path) -> Option<DateTime<Utc>> {
    let meta = path.metadata().ok()?;
    meta.modified().ok().map(DateTime::from)
}

fn collect(path: &Path, id: &str, found: &mut Vec<(DateTime<Utc>, String)>) -> io::Result<()> {
    let finder = Finder::new(id);
    let mut last_time = None;
    let mut lines = Lines::open(path, 0)?;
    while let Some(line) = lines.next_line()? {
        if finder.find(line.bytes).is_none() {
            continue;
        }
        let text = line.text();
        jsonl::objects(&text, |raw: &serde_json::value::RawValue| {
            let Ok(envelope) = serde_json::from_str::<Envelope<'_>>(raw.get()) else {
                return;
            };
            if envelope.session_id.is_some_and(|it| it.as_str() == id) {
                last_time = envelope
                    .timestamp
                    .and_then(|at| parse_time(at.as_str()))
                    .or(last_time);
                found.extend(last_time.map(|at| (at, raw.get().to_owned())));
            }
        });
    }
    Ok(())
}
