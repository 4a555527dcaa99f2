//! Sessions that the user excludes from sending: what `pause`, `resume` and `forget` have in
//! common.
//!
//! An excluded session is excluded from everything that stores or sends, also from an `ingest` that
//! names it: only `resume` takes that back. One rule for both verbs, and the safe one: a command
//! from the shell's history, or a script that ingests ids, never sends what somebody took back.

use std::path::{Path, PathBuf};

use super::{WrongUse, short};
use crate::config::Config;
use crate::consent::{Caller, Environment, StopScope};
use crate::host::Host;
use crate::outbox::{Cause, Exclusion, Exclusions, Outbox, OutboxError, Receipt};
use crate::session::Agent;
use crate::sources::SessionRef;
use crate::ui;
use crate::variables::Variable;

/// A session that a command is about. It may not be on disk yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) agent: Agent,
    /// Id of the session, unique within the agent.
    pub(super) key: String,
}

impl Named {
    pub(super) fn of(found: &SessionRef) -> Self {
        Self {
            agent: found.agent,
            key: found.session_key(),
        }
    }
}

/// Effect of an exclusion on the session's events.
#[derive(Debug, Default)]
pub(super) struct Withdrawal {
    /// Events that waited and are withdrawn.
    pub(super) withdrawn: u64,
    /// Events that PostHog took before.
    pub(super) sent: u64,
    /// Why what waits could not be withdrawn yet.
    pub(super) problem: Option<String>,
}

/// State directories of this user: that of commands and Claude Code's hooks, and that of other
/// agents' hooks, which do not read Claude Code's settings.
pub(super) fn state_dirs(host: &Host) -> anyhow::Result<Vec<PathBuf>> {
    let mut callers = vec![Caller::of_command(host)];
    // Inside Claude Code the variables of other agents may be those of a project.
    if !host.has(Variable::InsideClaudeCode) {
        callers.push(Caller::OtherAgent);
    }
    let mut directories = Vec::new();
    for caller in callers {
        let environment = Environment::of(host, caller);
        if let Some(stopped) = &environment.stopped
            && environment.stops(StopScope::Everything)
        {
            return Err(WrongUse(stopped.reason()).into());
        }
        let (config, _) = Config::read(&environment);
        directories.extend(config.state_dir);
    }
    directories.dedup();
    if directories.is_empty() {
        let why = "the state directory is not known; set POSTHOG_LLMA_STATE_DIR";
        return Err(WrongUse(why.to_owned()).into());
    }
    Ok(directories)
}

/// Excludes a session, and withdraws what waits of it.
pub(super) fn exclude(named: &Named, cause: Cause, host: &Host) -> anyhow::Result<Withdrawal> {
    let directories = state_dirs(host)?;
    for directory in &directories {
        let exclusions = Exclusions::of(directory);
        let known = exclusions.find(named.agent.as_str(), &named.key);
        let is_forgotten = matches!(&known, Ok(Some(known)) if known.cause == Cause::Forgotten);
        if !is_forgotten {
            exclusions.add(&Exclusion {
                agent: named.agent.as_str().to_owned(),
                session: named.key.clone(),
                cause,
                since: host.now(),
            })?;
        }
    }
    // The exclusion holds from here on, whatever becomes of the rest.
    let mut withdrawal = Withdrawal::default();
    for directory in &directories {
        match withdraw(directory, named, host) {
            Ok(receipt) => {
                withdrawal.withdrawn += receipt.withdrawn;
                withdrawal.sent += receipt.acknowledged;
            }
            Err(error) => withdrawal.problem = Some(super::in_words(&error)),
        }
    }
    Ok(withdrawal)
}

/// Makes no outbox where there is none.
fn withdraw(directory: &Path, named: &Named, host: &Host) -> anyhow::Result<Receipt> {
    if Outbox::open_read_only(directory)?.is_none() {
        return Ok(Receipt::default());
    }
    let outbox = Outbox::open(directory)?;
    outbox.withdraw_excluded(host.now())?;
    Ok(outbox.receipt(named.agent.as_str(), &named.key)?)
}

/// Why nothing of a session on disk is sent, if the user excluded it.
pub(super) fn exclusion(
    found: &SessionRef,
    config: &Config,
) -> Result<Option<Exclusion>, OutboxError> {
    let Some(directory) = &config.state_dir else {
        return Ok(None);
    };
    Exclusions::of(directory).find(found.agent.as_str(), &found.session_key())
}

/// Says what became of the session's events.
pub(super) fn say(named: &Named, withdrawal: &Withdrawal) {
    let Withdrawal {
        withdrawn,
        sent,
        problem,
    } = withdrawal;
    if *withdrawn > 0 {
        let events = ui::count(*withdrawn, "event");
        ui::say(format_args!(
            "{events} of it were not sent yet and are withdrawn"
        ));
    }
    if *sent > 0 {
        let events = ui::count(*sent, "event");
        ui::say(format_args!(
            "{events} of it were sent before: PostHog keeps them, and only PostHog can delete them"
        ));
    }
    if let Some(problem) = problem {
        ui::say(format_args!(
            "what waits of it could not be withdrawn now ({problem}); that happens before anything \
             is sent"
        ));
    }
    ui::say(format_args!(
        "to send it after all, in a terminal of your own: posthog-llma resume {}",
        short(&named.key)
    ));
}
