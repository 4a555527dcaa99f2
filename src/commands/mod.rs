//! One file a verb; each reads like its manual page.

mod agents;
mod doctor;
mod flush;
mod hook;
mod ingest;
mod prospect;
mod select;
mod sending;
mod setup;
mod show;
mod status;
mod trust;
mod words;

use std::process::ExitCode;

use anyhow::Context;
use chrono::{DateTime, Local, Utc};

use crate::cli::Command;
use crate::config::{Config, Problem};
use crate::consent;
use crate::host::Host;
use crate::interrupt;
use crate::redact::{RedactionKey, Redactor, UserRules};
use crate::sources::claude_code::in_force::InForce;

/// How a command ended. The numbers are a promise to scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything that was asked for is done.
    Done,
    /// Something was not sent, or not found out.
    Incomplete,
    /// The arguments or settings cannot be used.
    WrongUse,
    /// The user stopped it.
    Stopped,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Incomplete => 1,
            Exit::WrongUse => 2,
            Exit::Stopped => interrupt::EXIT_CODE,
        })
    }
}

/// Arguments or settings that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WrongUse(pub String);

/// Runs a command.
///
/// # Errors
/// [`WrongUse`], or whatever kept the command from its work.
pub fn run(command: Command, host: &Host) -> anyhow::Result<Exit> {
    match command {
        Command::Show(arguments) => show::run(&arguments, &as_in_claude_code(host)),
        Command::Ingest(arguments) => ingest::run(&arguments, &as_in_claude_code(host)),
        Command::Hook(arguments) => Ok(hook::run(&arguments, host)),
        Command::Setup(arguments) => setup::run(&arguments, host),
        Command::Status(arguments) => status::run(&arguments, host),
        Command::Doctor(arguments) => doctor::run(&arguments, host),
        Command::Trust(arguments) => trust::run(&arguments, host),
        Command::Flush(arguments) if arguments.detached => flush::run(&arguments, host),
        Command::Flush(arguments) => flush::run(&arguments, &as_in_claude_code(host)),
    }
}

/// The host with the variables that Claude Code's settings set: in a terminal, a person means
/// the same program as the hooks are.
fn as_in_claude_code(host: &Host) -> Host {
    InForce::read(host).on(host)
}

/// What a coding agent runs, a project may have asked for: it decides nothing for the user.
fn refuse_inside_agent(verb: &str, host: &Host) -> Result<(), WrongUse> {
    if host.variable("CLAUDECODE").ok().flatten().is_none() {
        return Ok(());
    }
    let program = host
        .executable
        .as_ref()
        .map(|path| path.display().to_string());
    let program = program.unwrap_or_else(|| env!("CARGO_PKG_NAME").to_owned());
    Err(WrongUse(format!(
        "run it in a terminal of your own: what a coding agent runs, a project may have asked \
         for\n  {program:?} {verb}"
    )))
}

/// The settings, all of them usable.
fn strict_config(host: &Host) -> Result<Config, WrongUse> {
    let (config, problems) = Config::from_host(&consent::own_environment(host));
    match problems.as_slice() {
        [] => Ok(config),
        problems => {
            let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
            Err(WrongUse(lines.join("\n")))
        }
    }
}

/// The redactor, with the user's own rules. `key` keys its marks.
fn redactor(config: &Config, key: [u8; 32]) -> anyhow::Result<Redactor> {
    let key = RedactionKey::new(key);
    let Some(path) = &config.redact_file else {
        return Ok(Redactor::new(key));
    };
    let usable =
        || -> anyhow::Result<UserRules> { Ok(UserRules::parse(&std::fs::read_to_string(path)?)?) };
    let rules = usable()
        .with_context(|| format!("POSTHOG_LLMA_REDACT_FILE: cannot use {}", path.display()))?;
    Ok(Redactor::with_user_rules(key, rules))
}

/// A time in the user's own zone.
fn local(at: DateTime<Utc>) -> String {
    at.with_timezone(&Local)
        .format("%Y-%m-%d %H:%M")
        .to_string()
}

/// A day in the user's own zone.
fn day(at: DateTime<Utc>) -> String {
    at.with_timezone(&Local).format("%Y-%m-%d").to_string()
}

/// Enough of an id to name a session, without what all ids of an agent begin with.
fn short(id: &str) -> String {
    without_kind(id).chars().take(8).collect()
}

/// OpenCode's ids of sessions all begin alike.
fn without_kind(id: &str) -> &str {
    id.strip_prefix("ses_").unwrap_or(id)
}
