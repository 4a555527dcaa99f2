//! Reads the files of a session, each byte once, except for messages that a request names.

use std::io;
use std::path::Path;

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};

use super::checkpoint::{Checkpoint, Extent};
use super::line_reader::{LinePlace, LineReader};
use super::messages::Spot;
use super::paths::{AgentFile, SessionFiles};
use super::strays::{Others, Strays};
use super::times;
use super::wire::Line;
use crate::session::{InputScope, Session, Wanted};
use crate::sources::jsonl::{self, Lines};

/// Malformed lines in a file without a session that may still be the beginning of one. A file with
/// more has another form: JSON over several lines, or no JSON.
const MOST_BROKEN: u64 = 1;

/// Reads a session from its start, or from `checkpoint` on; `None` when no line has a time.
/// `wanted` says which content to keep. The reading may stop after `most` bytes of the transcript,
/// from where a later one can continue.
///
/// # Errors
/// When the transcript cannot be read, or has another form. Subagents that cannot be read are
/// reported in [`Extent::unreadable`] and do not affect the rest.
pub(super) fn read(
    files: &SessionFiles,
    checkpoint: Option<Checkpoint>,
    wanted: Wanted,
    most: u64,
) -> anyhow::Result<(Option<Session>, Extent)> {
    let start = Checkpoint::default();
    if wanted.inputs() == Some(InputScope::Full) {
        return Ok(Reader::read(files, &start, wanted, u64::MAX)?.finish());
    }
    let checkpoint = checkpoint
        .filter(|checkpoint| checkpoint.fits(files))
        .unwrap_or_default();
    let mut reader = Reader::read(files, &checkpoint, wanted, most)?;
    if !reader.is_sufficient() {
        reader = Reader::read(files, &start, wanted, u64::MAX)?;
    }
    let broken = reader.lines.assembler.oddities().malformed_lines;
    let (session, extent) = reader.finish();
    let is_nothing = session.is_none() && checkpoint.offset == 0 && !extent.is_part;
    if is_nothing && broken > MOST_BROKEN {
        let path = files.transcript.display();
        bail!("cannot read {path}: not a transcript: {broken} of its lines are not JSON objects");
    }
    Ok((session, extent))
}

struct Reader<'a> {
    files: &'a SessionFiles,
    lines: LineReader,
    extent: Extent,
    /// Offset in the transcript at which the reading may stop.
    end: u64,
    others: Others<'a>,
    strays: Strays,
}

impl<'a> Reader<'a> {
    fn read(
        files: &'a SessionFiles,
        checkpoint: &Checkpoint,
        wanted: Wanted,
        most: u64,
    ) -> anyhow::Result<Self> {
        let strays = Strays::of(files, checkpoint);
        // Lines of other files may belong anywhere in it.
        let start = Checkpoint::default();
        let (checkpoint, most) = if strays.is_empty() {
            (checkpoint, most)
        } else {
            (&start, u64::MAX)
        };
        let mut reader = Self {
            files,
            lines: LineReader::new(files, checkpoint, wanted),
            extent: Extent::begin(files, checkpoint),
            end: checkpoint.offset.saturating_add(most),
            others: Others::of(files),
            strays,
        };
        reader.all(checkpoint)?;
        Ok(reader)
    }

    fn all(&mut self, checkpoint: &Checkpoint) -> anyhow::Result<()> {
        let files = self.files;
        let unlisted = files.unlisted.iter();
        let unlisted = unlisted.map(|it| (it.path.clone(), it.reason.to_string()));
        self.extent.unreadable.extend(unlisted);
        let open = files.agents.iter();
        let open: Vec<&AgentFile> = open.filter(|it| !checkpoint.has_settled(it)).collect();
        for agent in &open {
            self.expect_agent(agent);
        }
        let is_part = checkpoint.offset > 0;
        let place = checkpoint.place.as_ref();
        self.lines.requests.begin(&files.transcript, is_part, place);
        self.file(&files.transcript, checkpoint.offset, None)
            .with_context(|| format!("cannot read {}", files.transcript.display()))?;
        // The end of the transcript: subagents may continue longer.
        let end = self.lines.assembler.last_seen();
        for agent in open {
            // A later part starts agents that began later.
            if self.extent.is_part && agent.began_at > end {
                continue;
            }
            let before = self.lines.assembler.oddities().skipped();
            self.lines.requests.begin(&agent.path, false, None);
            if let Err(error) = self.file(&agent.path, 0, Some(agent)) {
                let reason = (agent.path.clone(), error.to_string());
                self.extent.unreadable.push(reason);
            }
            let skipped = self.lines.assembler.oddities().skipped().minus(before);
            self.extent.note_agent(agent, skipped);
        }
        for (agent, kind) in self.lines.agents.kinds() {
            self.lines.assembler.agent(&agent, Some(kind), None);
        }
        for agent in &files.agents {
            let kind = agent.role.map(str::to_owned);
            self.lines.assembler.agent(&agent.id, kind, None);
        }
        Ok(())
    }

    /// Whether everything that was read can be interpreted without reading again.
    fn is_sufficient(&self) -> bool {
        !self.lines.assembler.repeats_earlier() && !self.lines.requests.lacks_earlier()
    }

    fn finish(self) -> (Option<Session>, Extent) {
        let Self {
            mut lines,
            mut extent,
            others,
            ..
        } = self;
        extent.marks = std::mem::take(&mut lines.marks);
        let assembler = &lines.assembler;
        let marks = &mut extent.marks;
        marks.retain(|mark| !assembler.began_amid_response(&mark.turn));
        extent.others = others.transcripts();
        extent.has_custom_title = lines.has_custom_title;
        (lines.finish(), extent)
    }

    /// Adds the facts in an agent's own file, which take precedence over those in other lines.
    fn expect_agent(&mut self, agent: &AgentFile) {
        let lines = &mut self.lines;
        let (kind, call) = (agent.kind.clone(), agent.call.clone());
        lines.assembler.agent(&agent.id, kind, call);
        if agent.is_internal {
            lines.assembler.internal_agent(&agent.id);
        }
        if let (None, Some(call)) = (&agent.kind, &agent.call) {
            lines.agents.ask_kind(&agent.id, call);
        }
    }

    fn file(&mut self, path: &Path, offset: u64, agent: Option<&AgentFile>) -> io::Result<()> {
        self.lines.begin_file(agent);
        let mut lines = Lines::open(path, offset)?;
        while let Some(line) = lines.next_line()? {
            if agent.is_none() && line.offset >= self.end {
                self.extent.is_part = true;
                return Ok(());
            }
            let text = line.text();
            let place = LinePlace {
                path,
                offset: line.offset,
                agent,
            };
            let mut spot = Spot::of(&line);
            let malformed = jsonl::objects(&text, |object| {
                self.object(&object, place, spot);
                spot.before += 1;
            });
            let oddities = self.lines.assembler.oddities();
            oddities.oversized_lines += u64::from(line.is_oversized);
            let is_being_written = !line.is_terminated;
            if !is_being_written {
                oddities.malformed_lines += malformed;
            } else if malformed > 0 && agent.is_none() {
                self.lines.assembler.cut_off();
            }
        }
        if agent.is_none() {
            let offset = lines.offset();
            let place = LinePlace {
                path,
                offset,
                agent,
            };
            self.strays(None, place);
        }
        Ok(())
    }

    fn object(&mut self, object: &Line<'_>, place: LinePlace<'_>, spot: Spot) {
        if place.agent.is_none() {
            if self.others.own(object) {
                return;
            }
            if let Some(at) = times::of_line(object).filter(|_| !self.strays.is_empty()) {
                self.strays(Some(at), place);
            }
        }
        self.lines.line(object, place);
        self.lines.requests.saw(object, spot);
    }

    /// Reads the lines in other files that were written before that time.
    fn strays(&mut self, before: Option<DateTime<Utc>>, place: LinePlace<'_>) {
        while let Some(text) = self.strays.next(before) {
            jsonl::objects(&text, |object| self.lines.line(&object, place));
        }
    }
}
