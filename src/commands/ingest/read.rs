//! Reads sessions side by side, and hands on what is built of them in their order.

use std::sync::mpsc::SyncSender;

use anyhow::anyhow;

use super::claims::{self, Turn};
use crate::ahead;
use crate::commands::{Exit, short};
use crate::config::Config;
use crate::events::Foreign;
use crate::host::Host;
use crate::pipeline::{self, Collected};
use crate::sources::Found;
use crate::ui;

/// So many bytes of transcripts are read before their turn comes: enough that every processor has
/// something to do, and few enough not to matter in memory.
pub(super) const READ_AHEAD: u64 = 16 << 20;

/// A session that was read, and what others own of it.
pub(super) struct Own {
    pub(super) collected: Collected,
    pub(super) foreign: Foreign,
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
    build: impl Fn(&Own, &mut Emit<'_, R>) -> anyhow::Result<()> + Sync,
    mut sink: impl FnMut(R) -> anyhow::Result<()>,
) -> anyhow::Result<Exit> {
    let mut exit = Exit::Done;
    let work = |(found, turn): (&Found, Turn), results: &SyncSender<Outcome<R>>| {
        let mut tell = |outcome| {
            let sent = results.send(outcome);
            sent.map_err(|_| anyhow!("nothing more is wanted"))
        };
        let own = own(found, turn, config, host, &mut tell);
        let done = own.and_then(|own| match own {
            Some(own) => build(&own, &mut |result| tell(Outcome::Built(result))),
            None => Ok(()),
        });
        if let Err(error) = done {
            // When nothing more is wanted, neither is this.
            let _ = tell(Outcome::Failed(error));
        }
    };
    ahead::streams_in_order(
        sessions.iter().zip(claims::turns()),
        |(found, _)| found.bytes,
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

/// Reads a session and claims what is its own; `None` when there is nothing of it to show.
fn own<R>(
    found: &Found,
    turn: Turn,
    config: &Config,
    host: &Host,
    tell: &mut Emit<'_, Outcome<R>>,
) -> anyhow::Result<Option<Own>> {
    let wanted = config.of(found.agent).wanted();
    let why = match pipeline::collect(found, None, None, wanted, host) {
        Ok(Some(collected)) => match pipeline::opted_out(&collected.session, host) {
            None => {
                let foreign = turn.claim(&collected.session);
                for (path, reason) in collected.unreadable() {
                    let what = format!("cannot read {}: {reason}", path.display());
                    tell(Outcome::Unreadable(what))?;
                }
                return Ok(Some(Own { collected, foreign }));
            }
            Some(reason) => {
                let id = short(&collected.session.id);
                Outcome::Passed(format!("{id} is left alone: {reason}"))
            }
        },
        Ok(None) => Outcome::Passed(format!("nothing in {}", found.path.display())),
        Err(error) => Outcome::Unreadable(format!("{error:#}")),
    };
    turn.skip();
    tell(why)?;
    Ok(None)
}
