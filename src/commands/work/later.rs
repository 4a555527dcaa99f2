//! Sends what waits when a destination in trouble is due again.
//!
//! One process of a state directory waits, for all destinations: the others find that it waits and
//! end. It has no database open while it sleeps, so that the user can remove the state directory,
//! and ends when the user changes a decision.

use std::fs;
use std::thread;
use std::time::Duration;

use super::ONCE;
use crate::commands::sending::Sending;
use crate::config::Config;
use crate::consent::Verdict;
use crate::deliver::Drained;
use crate::host::Host;
use crate::integrations::claude_code::settings::user_file;
use crate::outbox;
use crate::sources::SessionRef;

/// How long the process waits for a network to come back. After that, the next hook sends.
const LIFETIME: Duration = Duration::from_mins(15);
/// Shortest pause between two attempts, for a destination that another process sends to.
const SHORTEST: Duration = Duration::from_secs(1);
/// Longest time without a look at the outbox, from which a person may have sent everything, and at
/// the clock, which jumps when a sleeping machine wakes.
const NAP: Duration = Duration::from_secs(10);

/// The decisions of the user under which the process was started.
#[derive(PartialEq)]
struct Decisions {
    /// Content of the user's settings file.
    settings: Option<Vec<u8>>,
    /// The verdict on the folder of the session that the process stored.
    verdict: Option<Verdict>,
}

impl Decisions {
    fn now(session: Option<&SessionRef>, host: &Host) -> Self {
        let folder = session.and_then(|session| session.glance().cwd);
        Self {
            settings: user_file(host).and_then(|path| fs::read(path).ok()),
            verdict: session.zip(folder).map(|(session, folder)| {
                Verdict::of([folder.as_str()], &session.locator.path(), host)
            }),
        }
    }
}

/// Sends what waits whenever it is due, until nothing waits, the time is over, or the user decides
/// anew: then the next hook, which judges the new decisions, sends. `session` is the one that the
/// process stored; `sent` is called after each attempt.
///
/// # Errors
/// When the outbox cannot be opened, read or written.
pub(super) fn send(
    config: &Config,
    session: Option<&SessionRef>,
    host: &Host,
    sent: &mut dyn FnMut(&Sending<'_>, Drained),
) -> anyhow::Result<()> {
    let end = host.elapsed() + LIFETIME;
    let decisions = Decisions::now(session, host);
    while let Some(pause) = pause(config, host)? {
        if host.elapsed() + pause > end {
            break;
        }
        thread::sleep(pause.min(NAP));
        if Decisions::now(session, host) != decisions {
            break;
        }
        if pause <= NAP
            && let Some(sending) = open(config, host)?
        {
            let drained = sending.drain(ONCE, &|| false, &mut |_| ())?;
            sent(&sending, drained);
        }
    }
    Ok(())
}

/// The pause until the next attempt; `None` when nothing waits that an attempt could bring forward.
fn pause(config: &Config, host: &Host) -> anyhow::Result<Option<Duration>> {
    let Some(sending) = open(config, host)? else {
        return Ok(None);
    };
    let next = sending.next_attempt()?;
    Ok(next.map(|at| {
        let pause = (at - host.now()).to_std().unwrap_or_default();
        pause.max(SHORTEST)
    }))
}

/// Opens the outbox, unless it was removed.
fn open<'a>(config: &'a Config, host: &'a Host) -> anyhow::Result<Option<Sending<'a>>> {
    let directory = config.state_dir.as_deref();
    if !directory.is_some_and(outbox::is_there) {
        return Ok(None);
    }
    Sending::open(config, host).map(Some)
}
