//! `ingest --output`: the events as one JSON object a line.

use std::collections::HashSet;
use std::fs::File;
use std::io::Write;
use std::mem;
use std::path::Path;

use anyhow::Context;

use super::read::{Emit, Own, read_all};
use crate::commands::{Exit, passing_redactors};
use crate::config::Config;
use crate::events::limits::AI_LANE_EVENT;
use crate::host::Host;
use crate::pipeline::Pipeline;
use crate::redact::Counts;
use crate::sources::Found;
use crate::ui;

/// Lines are written in pieces of this size: what waits for its turn stays small, however long a
/// session is.
const PIECE_BYTES: usize = 256 << 10;

pub(super) fn run(
    target: &Path,
    sessions: &[Found],
    config: &Config,
    host: &Host,
) -> anyhow::Result<Exit> {
    let name = target.display();
    let mut out: Box<dyn Write> = if target == Path::new("-") {
        ui::data()
    } else {
        Box::new(File::create(target).with_context(|| format!("cannot write {name}"))?)
    };
    let redactors = passing_redactors(config)?;
    let pipeline = Pipeline::new(config, &redactors, AI_LANE_EVENT);
    let exit = read_all(
        sessions,
        config,
        host,
        |own, emit| lines(own, &pipeline, emit),
        |piece| {
            let written = out.write_all(&piece);
            written.with_context(|| format!("cannot write {name}"))
        },
    )?;
    out.flush()
        .with_context(|| format!("cannot write {name}"))?;
    Ok(exit)
}

/// Emits the events of a session in pieces of whole lines.
fn lines(
    own: &mut Own<'_>,
    pipeline: &Pipeline<'_>,
    emit: &mut Emit<'_, Vec<u8>>,
) -> anyhow::Result<()> {
    let mut piece = Vec::new();
    let mut frozen = None;
    // A session whose history was written again is read again.
    let mut seen = HashSet::new();
    let counts = &mut Counts::default();
    while let Some(part) = own.next_part() {
        let session = &part.session;
        let limits = pipeline.limits(session.agent);
        let frozen = match &frozen {
            Some(frozen) => frozen,
            None => frozen.insert(pipeline.freeze(&part)?),
        };
        pipeline.events(&part, frozen.clone(), counts, &mut |event| {
            if !seen.insert(event.get().uuid) {
                return Ok(());
            }
            piece.extend_from_slice(&event.written(&limits).get().json);
            piece.push(b'\n');
            if piece.len() < PIECE_BYTES {
                return Ok(());
            }
            emit(mem::take(&mut piece))
        })?;
    }
    emit(piece)
}
