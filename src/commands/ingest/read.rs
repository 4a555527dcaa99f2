//! Reads sessions side by side, and hands on what is built of them in their order.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::SyncSender;

use anyhow::{anyhow, bail};

use super::claims::{self, Turn};
use crate::ahead;
use crate::commands::{Exit, short};
use crate::config::Config;
use crate::host::Host;
use crate::pipeline::{Collected, PART_BYTES, Parts};
use crate::sources::Found;
use crate::ui;

/// So many bytes of transcripts are read before their turn comes: enough that every processor has
/// something to do, and few enough not to matter in memory.
pub(super) const READ_AHEAD: u64 = 16 << 20;

/// A session, part by part, and what others own of it.
pub(super) struct Own<'a> {
    path: &'a Path,
    parts: Parts<'a>,
    /// Read already.
    first: Option<Collected>,
    turn: Turn,
    /// What of it cannot be read, and why.
    unreadable: BTreeSet<String>,
}

impl Own<'_> {
    /// The next part; `None` after the last, and when nothing more can or may be read.
    pub(super) fn next_part(&mut self) -> Option<Collected> {
        loop {
            let part = match self.first.take() {
                Some(first) => first,
                None => self.read()?,
            };
            let foreign = self.turn.claim(&part.session);
            if !part.is_part() {
                self.turn.pass();
            }
            if let Some(part) = self.parts.settle(part, foreign) {
                let unreadable = part.unreadable().iter();
                let what = |(path, why): &(PathBuf, String)| {
                    format!("cannot read {}: {why}", path.display())
                };
                self.unreadable.extend(unreadable.map(what));
                return Some(part);
            }
        }
    }

    fn read(&mut self) -> Option<Collected> {
        let part = self.parts.read().and_then(|part| {
            let opted_out = part.as_ref().and_then(Collected::opted_out);
            if let Some(reason) = opted_out {
                let path = self.path.display();
                bail!("the rest of {path} is left alone: {reason}")
            }
            Ok(part)
        });
        part.unwrap_or_else(|error| {
            self.unreadable.insert(format!("{error:#}"));
            None
        })
    }
}

/// Takes what is built of a session. It fails when nothing is wanted any more.
pub(super) type Emit<'a, R> = dyn FnMut(R) -> anyhow::Result<()> + 'a;

/// What comes of a session.
enum Outcome<R> {
    Built(R),
    /// Why there is nothing of it.
    Passed(String),
    /// What of it cannot be read, and why.
    Unreadable(String),
    Failed(anyhow::Error),
}

/// Hands what `build` emits of every session to `sink`. A session that cannot be read is said and
/// passed over. `build` runs on all processors.
pub(super) fn read_all<R: Send>(
    sessions: &[Found],
    config: &Config,
    host: &Host,
    build: impl Fn(&mut Own<'_>, &mut Emit<'_, R>) -> anyhow::Result<()> + Sync,
    mut sink: impl FnMut(R) -> anyhow::Result<()>,
) -> anyhow::Result<Exit> {
    let mut exit = Exit::Done;
    let work = |(found, turn): (&Found, Turn), results: &SyncSender<Outcome<R>>| {
        let tell = |outcome| {
            let sent = results.send(outcome);
            sent.map_err(|_| anyhow!("nothing more is wanted"))
        };
        let done = match own(found, turn, config, host) {
            Err(why) => tell(why),
            Ok(mut own) => {
                let emitted = build(&mut own, &mut |result| tell(Outcome::Built(result)));
                let unreadable = own.unreadable.into_iter();
                emitted.and_then(|()| {
                    let mut unreadable = unreadable.map(Outcome::Unreadable);
                    unreadable.try_for_each(tell)
                })
            }
        };
        if let Err(error) = done {
            // When nothing more is wanted, neither is this.
            let _ = tell(Outcome::Failed(error));
        }
    };
    ahead::streams_in_order(
        sessions.iter().zip(claims::turns()),
        |(found, _)| found.bytes.min(PART_BYTES),
        READ_AHEAD,
        work,
        |outcome| {
            match outcome {
                Outcome::Built(result) => return sink(result),
                Outcome::Failed(error) => return Err(error),
                Outcome::Passed(why) => ui::say(why),
                Outcome::Unreadable(what) => {
                    ui::say(what);
                    exit = Exit::Incomplete;
                }
            }
            Ok(())
        },
    )?;
    Ok(exit)
}

/// Begins to read a session, unless there is nothing of it to show.
fn own<'a, R>(
    found: &'a Found,
    turn: Turn,
    config: &Config,
    host: &'a Host,
) -> Result<Own<'a>, Outcome<R>> {
    let unreadable = |error| Outcome::Unreadable(format!("{error:#}"));
    let wanted = config.of(found.agent).wanted();
    let mut parts = Parts::of(found, None, wanted, host).map_err(unreadable)?;
    let Some(first) = parts.read().map_err(unreadable)? else {
        let why = format!("nothing in {}", found.path.display());
        return Err(Outcome::Passed(why));
    };
    if let Some(reason) = first.opted_out() {
        let id = short(&first.session.id);
        return Err(Outcome::Passed(format!("{id} is left alone: {reason}")));
    }
    Ok(Own {
        path: &found.path,
        parts,
        first: Some(first),
        turn,
        unreadable: BTreeSet::new(),
    })
}
