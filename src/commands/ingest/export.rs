//! `ingest --output`: the events as one JSON object a line.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Context;
use uuid::Uuid;

use super::{Claims, read_all};
use crate::commands::{Exit, passing_redactor};
use crate::config::Config;
use crate::events::limits::AI_LANE_EVENT;
use crate::host::Host;
use crate::pipeline::Pipeline;
use crate::redact::Counts;
use crate::sources::Found;
use crate::ui;

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
        let file = File::create(target).with_context(|| format!("cannot write {name}"))?;
        Box::new(BufWriter::new(file))
    };
    let redactor = passing_redactor(config)?;
    let mut pipeline = Pipeline::new(config, &redactor, AI_LANE_EVENT);
    let mut claims = Claims::default();
    let exit = read_all(sessions, config, host, |collected| {
        let foreign = claims.claim(&collected);
        let is_foreign = |id: Uuid| foreign.contains(&id);
        let frozen = pipeline.freeze(&collected.session);
        pipeline.events(
            &collected,
            frozen,
            &is_foreign,
            &mut Counts::default(),
            &mut |event| {
                serde_json::to_writer(&mut out, event.get())?;
                out.write_all(b"\n")
                    .with_context(|| format!("cannot write {name}"))
            },
        )
    })?;
    out.flush()
        .with_context(|| format!("cannot write {name}"))?;
    Ok(exit)
}
