//! `ingest --output`: the events as one JSON object a line.

use std::collections::HashSet;
use std::mem;
use std::path::Path;

use anyhow::Context;

use super::output::Output;
use super::read::{Emit, Own, read_all};
use crate::commands::Exit;
use crate::commands::prospect::Prospect;
use crate::config::Config;
use crate::consent::Environment;
use crate::events::Frozen;
use crate::interrupt::Interrupt;
use crate::pipeline::Pipeline;
use crate::redact::Counts;
use crate::sources::Found;
use crate::ui;

/// Lines are written in pieces of this size: what waits for its turn stays small, however long a
/// session is.
const PIECE_BYTES: usize = 256 << 10;

/// Lines of a session.
#[derive(Default)]
struct Piece {
    lines: Vec<u8>,
    events: u64,
    /// Whether the session began with it.
    is_first: bool,
}

/// `force` allows to replace a file.
pub(super) fn run(
    target: &Path,
    force: bool,
    sessions: &[Found],
    config: &Config,
    environment: &Environment,
) -> anyhow::Result<Exit> {
    let prospect = Prospect::of(config, environment)?;
    let pipeline = prospect.pipeline();
    // Before anything is read: who has to be asked for --force does not wait for that.
    let mut output = Output::open(target, force)?;
    let interrupt = Interrupt::watch().context("cannot take note of Ctrl-C")?;
    let (mut events, mut written) = (0, 0);
    let read = read_all(
        sessions,
        config,
        &environment.host,
        |own, emit| lines(own, &prospect, &pipeline, emit),
        |piece| {
            if interrupt.is_set() {
                return Err(Stopped.into());
            }
            events += piece.events;
            written += u64::from(piece.is_first);
            output.write(&piece.lines)
        },
    );
    let exit = match read {
        Err(error) if error.is::<Stopped>() => {
            ui::say("stopped: not all of it was written");
            return Ok(Exit::Stopped);
        }
        exit => exit?,
    };
    if let Some((path, bytes)) = output.finish()? {
        ui::say(format_args!(
            "wrote {}: {} of {}, {}",
            path.display(),
            ui::count(events, "event"),
            ui::count(written, "session"),
            ui::count(bytes, "byte"),
        ));
    }
    Ok(exit)
}

/// Ctrl-C ends it.
#[derive(Debug, thiserror::Error)]
#[error("stopped")]
struct Stopped;

/// Emits the events of a session in pieces of whole lines.
fn lines(
    own: &mut Own<'_>,
    prospect: &Prospect<'_>,
    pipeline: &Pipeline<'_>,
    emit: &mut Emit<'_, Piece>,
) -> anyhow::Result<()> {
    let mut piece = Piece::default();
    let mut frozen: Option<Frozen> = None;
    // A session whose history was written again is read again.
    let mut seen = HashSet::new();
    let counts = &mut Counts::default();
    while let Some(part) = own.next_part() {
        let session = &part.session;
        let limits = pipeline.limits(session.agent);
        let frozen = match &frozen {
            Some(frozen) => frozen,
            None => frozen.insert(prospect.frozen(&part)?),
        };
        pipeline.events(&part, frozen.clone(), counts, &mut |event| {
            piece.is_first |= seen.is_empty();
            if !seen.insert(event.get().uuid) {
                return Ok(());
            }
            piece
                .lines
                .extend_from_slice(&event.written(&limits).get().json);
            piece.lines.push(b'\n');
            piece.events += 1;
            if piece.lines.len() < PIECE_BYTES {
                return Ok(());
            }
            emit(mem::take(&mut piece))
        })?;
    }
    emit(piece)
}
