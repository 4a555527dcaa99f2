//! Sending when a destination in trouble is due again.
//!
//! One process of a state directory waits, for all destinations: the others find that it waits and
//! end. It has no database open while it sleeps, so that the user can remove the state directory,
//! and ends when the user changes the settings.

use std::thread;
use std::time::Duration;

use super::{ONCE, once};
use crate::commands::sending::Sending;
use crate::commands::user_settings::UserSettings;
use crate::config::Config;
use crate::deliver::Drained;
use crate::host::Host;
use crate::outbox;

/// Maximum time to wait for a network to come back. After that, the next hook sends.
const LIFETIME: Duration = Duration::from_mins(15);
/// Shortest pause between two attempts, for a destination that another process sends to.
const SHORTEST: Duration = Duration::from_secs(1);
/// Longest time without checking the outbox, from which a person may have sent everything, and the
/// clock, which jumps when a sleeping machine wakes.
const NAP: Duration = Duration::from_secs(10);

/// Whether it is worth waiting: an attempt of this or another process failed, and the next one may
/// succeed within the life of this process. An attempt that is due now is left to another process.
pub(super) fn is_worthwhile(drained: &Drained, sending: &Sending<'_>) -> bool {
    let next = sending.next_attempt().ok().flatten();
    // Read last, so that an attempt that is due is due at this time.
    let now = sending.host().now();
    let pause = next.and_then(|next| (next - now).to_std().ok());
    drained.may_pass || pause.is_some_and(|pause| !pause.is_zero() && pause < LIFETIME)
}

/// Sends waiting events whenever they are due, until none wait, the time is over, or the user's
/// settings differ from `settings`, those at the start of this process: then the next hook sends
/// under the new ones. `sent` is called after each attempt.
///
/// # Errors
/// When the outbox cannot be opened, read or written.
pub(super) fn send(
    config: &Config,
    settings: &UserSettings,
    host: &Host,
    sent: &mut dyn FnMut(&Sending<'_>, Drained),
) -> anyhow::Result<()> {
    let end = host.elapsed() + LIFETIME;
    while let Some(pause) = pause(config, host)? {
        if host.elapsed() + pause > end {
            break;
        }
        thread::sleep(pause.min(NAP));
        if UserSettings::now(host) != *settings {
            break;
        }
        if pause <= NAP
            && let Some(sending) = open(config, host)?
        {
            let drained = once(&sending, ONCE)?;
            sent(&sending, drained);
        }
    }
    Ok(())
}

/// The pause until the next attempt; `None` when no attempt could help.
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
