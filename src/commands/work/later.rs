//! Sends what waits when a destination in trouble is due again.
//!
//! One process of a state directory waits, for all destinations: the others find that it waits and
//! end. It has no database open while it sleeps, so that the user can remove the state directory,
//! and reads the user's decisions again each time.

use std::thread;
use std::time::Duration;

use super::ONCE;
use crate::commands::sending::Sending;
use crate::config::Config;
use crate::deliver::Drained;
use crate::host::Host;
use crate::outbox;

/// How long the process waits for a network to come back. After that, the next hook sends.
const LIFETIME: Duration = Duration::from_mins(15);
/// Shortest pause between two attempts, for a destination that another process sends to.
const SHORTEST: Duration = Duration::from_secs(1);
/// Longest time without a look at the outbox, from which a person may have sent everything, and at
/// the clock, which jumps when a sleeping machine wakes.
const NAP: Duration = Duration::from_secs(10);

/// Sends what waits whenever it is due, until nothing waits or the time is over. `sent` is called
/// after each attempt.
///
/// # Errors
/// When the outbox cannot be opened, read or written.
pub(super) fn send(
    config: &Config,
    host: &Host,
    sent: &mut dyn FnMut(&Sending<'_>, Drained),
) -> anyhow::Result<()> {
    let end = host.elapsed() + LIFETIME;
    while let Some(pause) = pause(config, host)? {
        if host.elapsed() + pause > end {
            break;
        }
        thread::sleep(pause.min(NAP));
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
