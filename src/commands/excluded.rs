//! Exclusion of sessions from sending, shared by `pause`, `resume` and `forget`.
//!
//! An excluded session is excluded from everything that stores or sends, also from an `ingest` that
//! names it; only `resume` includes it again. So neither a command from the shell's history nor a
//! script that ingests ids sends it by accident.

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

/// The session that a command names. It may not be on disk yet.
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
    /// Number of waiting events that were withdrawn.
    pub(super) withdrawn: u64,
    /// Number of events that PostHog accepted before.
    pub(super) sent: u64,
    /// Whether anything of the session was stored.
    pub(super) was_stored: bool,
    /// The reason why waiting events could not be withdrawn yet.
    pub(super) problem: Option<String>,
}

/// State directories of this user: of commands and Claude Code's hooks, and of other agents' hooks,
/// which do not read Claude Code's settings.
pub(super) fn state_dirs(host: &Host) -> anyhow::Result<Vec<PathBuf>> {
    let mut callers = vec![Caller::of_command(host)];
    // Inside Claude Code, a project may have set the variables of other agents.
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

/// Excludes a session and withdraws its waiting events.
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
    // The exclusion holds from here on, even if the following steps fail.
    let mut withdrawal = Withdrawal::default();
    for directory in &directories {
        match withdraw(directory, named, host) {
            Ok(Some(receipt)) => {
                withdrawal.was_stored = true;
                withdrawal.withdrawn += receipt.withdrawn;
                withdrawal.sent += receipt.acknowledged;
            }
            Ok(None) => {}
            Err(error) => withdrawal.problem = Some(super::in_words(&error)),
        }
    }
    Ok(withdrawal)
}

/// Withdraws the waiting events of a session; `None` if nothing of it was stored. Creates no outbox.
fn withdraw(directory: &Path, named: &Named, host: &Host) -> anyhow::Result<Option<Receipt>> {
    if Outbox::open_read_only(directory)?.is_none() {
        return Ok(None);
    }
    let outbox = Outbox::open(directory)?;
    outbox.withdraw_excluded(host.now())?;
    let agent = named.agent.as_str();
    let is_stored = outbox.session(agent, &named.key)?.is_some();
    let receipt = outbox.receipt(agent, &named.key)?;
    Ok(is_stored.then_some(receipt))
}

/// The exclusion of a session on disk; `None` if it is not excluded.
pub(super) fn exclusion(
    found: &SessionRef,
    config: &Config,
) -> Result<Option<Exclusion>, OutboxError> {
    let Some(directory) = &config.state_dir else {
        return Ok(None);
    };
    Exclusions::of(directory).find(found.agent.as_str(), &found.session_key())
}

/// Prints what happened to the session's events, and how to include the session again.
pub(super) fn say(named: &Named, withdrawal: &Withdrawal) {
    let Withdrawal {
        withdrawn,
        sent,
        problem,
        ..
    } = withdrawal;
    if *withdrawn > 0 {
        let events = ui::count(*withdrawn, "event");
        ui::say_in_lines(format_args!(
            "{events} of it were waiting and are withdrawn"
        ));
    }
    if *sent > 0 {
        let events = ui::count(*sent, "event");
        ui::say_in_lines(format_args!(
            "{events} of it were sent before: PostHog keeps them, and only PostHog can delete them"
        ));
    }
    if let Some(problem) = problem {
        ui::say_in_lines(format_args!(
            "its waiting events could not be withdrawn now ({problem}); that is done before the next \
             sending"
        ));
    }
    ui::say_in_lines(format_args!(
        "to include it again, in your own terminal: posthog-llma resume {}",
        short(&named.key)
    ));
}
