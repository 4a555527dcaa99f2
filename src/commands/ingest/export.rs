//! `ingest --output`: the events as one JSON object a line.

use std::path::Path;

use anyhow::Context;

use super::pieces::{Pieces, Stopped};
use crate::commands::output::{ExistingFile, Output};
use crate::commands::read::{Audience, read_all};
use crate::commands::{self, Exit};
use crate::config::Config;
use crate::host::Host;
use crate::interrupt::Interrupt;
use crate::posthog::Event;
use crate::posthog::limits::Limits;
use crate::redact::Redacted;
use crate::sources::SessionRef;
use crate::ui;

pub(super) fn run(
    target: &Path,
    existing_file: ExistingFile,
    sessions: &[SessionRef],
    config: &Config,
    host: &Host,
) -> anyhow::Result<Exit> {
    let prospect = commands::prospect(config)?;
    let pipeline = prospect.pipeline();
    // Before reading, so that a missing --force is reported at once.
    let mut output = Output::open(target, existing_file)?;
    let interrupt = Interrupt::watch().context("cannot take note of Ctrl-C")?;
    let (mut events, mut written) = (0, 0);
    let read = read_all(
        sessions,
        Audience::PostHog,
        config,
        host,
        || Pieces::of(&prospect, &pipeline, line),
        |piece| {
            if interrupt.is_set() {
                return Err(Stopped.into());
            }
            events += piece.events;
            written += u64::from(piece.is_first);
            output.write(&piece.bytes)
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

/// An event as a line.
fn line(event: Redacted<Event<'_>>, limits: &Limits) -> Vec<u8> {
    let mut line = event.written(limits).into_inner().json;
    line.push(b'\n');
    line
}
