//! The verbs, one file or folder each.

mod agents;
mod dashboard;
mod decisions;
mod doctor;
mod excluded;
mod flush;
mod forget;
mod hook;
mod ingest;
mod mapping;
mod nearest;
mod output;
mod overview;
mod pause;
mod read;
mod report;
mod resume;
mod run;
mod select;
mod sending;
mod serve;
mod setup;
mod show;
mod status;
mod terms;
mod trust;
mod user_settings;
mod view;
mod words;
mod work;

use std::ffi::OsString;
use std::process::ExitCode;

use chrono::{DateTime, Local, Utc};

use crate::cli::Command;
use crate::config::{Config, Problem};
use crate::consent::{Caller, Environment};
use crate::host::Host;
use crate::interrupt;
use crate::ui;
use crate::variables::Variable;
use crate::views::{Prospect, Trouble};

/// Result of a command. Scripts rely on the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The command did everything it was asked for.
    Done,
    /// Something was not sent, or could not be read.
    Incomplete,
    /// The arguments or settings cannot be used.
    WrongUse,
    /// Sessions used more than their budget.
    OverBudget,
    /// The user stopped the command with Ctrl-C.
    Stopped,
    /// The exit status of a command that was run.
    OfCommand(u8),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Incomplete => 1,
            Exit::WrongUse => 2,
            Exit::OverBudget => 3,
            Exit::Stopped => interrupt::EXIT_CODE,
            Exit::OfCommand(code) => code,
        })
    }
}

/// Arguments or settings that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WrongUse(pub String);

/// Runs a command; without one, prints the overview.
///
/// # Errors
/// [`WrongUse`], or any error that stopped the command.
pub fn run(command: Option<Command>, host: &Host) -> anyhow::Result<Exit> {
    let Some(command) = command else {
        return overview::run(host);
    };
    match command {
        Command::Show(arguments) => show::run(&arguments, host),
        Command::View(arguments) => view::run(&arguments, host),
        Command::Report(arguments) => report::run(&arguments, host),
        Command::Run(arguments) => Ok(run::run(&arguments, host)),
        Command::Dashboard(arguments) => dashboard::run(&arguments),
        Command::Ingest(arguments) => ingest::run(&arguments, host),
        Command::IngestProject(arguments) => ingest::of_project(&arguments, host),
        Command::Hook(arguments) => Ok(hook::run(&arguments, host)),
        Command::Setup(arguments) => setup::run(&arguments, host),
        Command::Status(arguments) => status::run(&arguments, host),
        Command::Doctor(arguments) => doctor::run(&arguments, host),
        Command::SelfCheck(arguments) => doctor::self_check(&arguments, host),
        Command::Trust(arguments) => trust::run(&arguments, host),
        Command::Flush(arguments) => flush::run(&arguments, host),
        Command::Serve(arguments) => serve::run(&arguments, host),
        Command::Pause(arguments) => pause::run(&arguments, host),
        Command::Resume(arguments) => resume::run(&arguments, host),
        Command::Forget(arguments) => forget::run(&arguments, host),
        Command::Work(arguments) => work::run(&arguments, host),
    }
}

/// Variables that are set inside a coding agent. Empty values count too, since a project can empty
/// any of them.
const SET_BY_AGENTS: [Variable; 8] = [
    Variable::InsideClaudeCode,
    Variable::ClaudeSessionId,
    Variable::InsideOpencode,
    Variable::InsidePi,
    Variable::InsideGemini,
    Variable::InsideCursor,
    Variable::InsideCodex,
    Variable::InsideAgent,
];

/// An error as one line: what happened, its causes, the next step.
#[must_use]
pub fn in_words(error: &anyhow::Error) -> String {
    Trouble::of(error).map_or_else(|| format!("{error:#}"), |trouble| trouble.to_string())
}

/// Whether the command runs inside a coding agent.
fn is_inside_agent(host: &Host) -> bool {
    SET_BY_AGENTS.iter().any(|variable| host.has(*variable))
}

/// Refuses to run inside a coding agent: a project may have asked for the command, and must not
/// decide for the user. `words` are the arguments for the user to type instead.
fn refuse_inside_agent(words: &str, host: &Host) -> Result<(), WrongUse> {
    if !is_inside_agent(host) {
        return Ok(());
    }
    let verb = words.split(' ').next().unwrap_or_default();
    Err(WrongUse(format!(
        "{verb} does not run inside a coding agent, since a project could have asked for it; run \
         it yourself, in a terminal of your own:\n  {} {words}",
        program(host)
    )))
}

/// The name or path of this program, for the user to type.
fn program(host: &Host) -> String {
    let program = host.executable.as_ref();
    program.map_or_else(
        || env!("CARGO_PKG_NAME").to_owned(),
        |path| typed(&[path.into()]),
    )
}

/// Arguments quoted for a shell: that of Unix, on Windows its own.
fn typed(arguments: &[OsString]) -> String {
    let is_plain = |character: char| {
        character.is_alphanumeric()
            || "-_./:=@,+".contains(character)
            || cfg!(windows) && character == '\\'
    };
    let quoted = |argument: &OsString| {
        let argument = argument.to_string_lossy();
        if !argument.is_empty() && argument.chars().all(is_plain) {
            argument.into_owned()
        } else if cfg!(windows) {
            format!("\"{argument}\"")
        } else {
            format!("'{}'", argument.replace('\'', r"'\''"))
        }
    };
    arguments.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

/// The machine and its settings, with the values that the user agreed to. An unusable setting is an
/// error.
fn settings(host: &Host) -> Result<(Host, Config), WrongUse> {
    let environment = Environment::of(host, Caller::of_command(host));
    if let Some(stopped) = &environment.stopped {
        return Err(WrongUse(stopped.reason()));
    }
    let (config, problems) = Config::read(&environment);
    match problems.as_slice() {
        [] => Ok((environment.host, config)),
        problems => {
            let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
            Err(WrongUse(lines.join("\n")))
        }
    }
}

/// The same for a command that sends stored events, which needs no key. A command for the key is
/// run, and its failure is reported.
fn sending_settings(host: &Host) -> Result<(Host, Config), WrongUse> {
    let (host, mut config) = settings(host)?;
    if let Err(problem) = config.ask_for_key(&host) {
        ui::say_in_lines(format_args!("nothing new can be stored: {problem}"));
    }
    Ok((host, config))
}

/// The pipeline for events as they would be sent. Says so if the marks of redacted secrets cannot
/// be kept.
fn prospect(config: &Config) -> anyhow::Result<Prospect> {
    let prospect = Prospect::of(config)?;
    if let Some(note) = &prospect.note {
        ui::say_in_lines(note);
    }
    Ok(prospect)
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

/// The first characters of a session's id that distinguish it from others, without the prefix that
/// all ids of an agent share.
fn short(id: &str) -> String {
    let id = without_kind(id);
    let length = if is_uuid_of_time(id) {
        SHORT_OF_TIME
    } else {
        SHORT
    };
    id.chars().take(length).collect()
}

/// Characters of an id that is random from its beginning.
const SHORT: usize = 8;

/// Characters of a UUID that begins with the time, to the millisecond. The first eight stay the same
/// for 65 seconds.
const SHORT_OF_TIME: usize = 13;

/// Whether an id is a UUID of version 7, as Pi gives them.
fn is_uuid_of_time(id: &str) -> bool {
    let is_uuid = |id| uuid::Uuid::try_parse(id).is_ok_and(|id| id.get_version_num() == 7);
    // The id of a trace has no hyphens.
    id.contains('-') && is_uuid(id)
}

/// An id without the prefix that OpenCode gives to all sessions, and without the route of a trace.
fn without_kind(id: &str) -> &str {
    let id = id.rsplit_once('/').map_or(id, |(_, id)| id);
    id.strip_prefix("ses_").unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_of_the_same_minute_have_different_short_ids() {
        for (id, expected) in [
            ("4f2a8c11-0000-4000-8000-000000000000", "4f2a8c11"),
            ("01a21ec9-ad37-755c-832c-f7af7b9154a9", "01a21ec9-ad37"),
            ("01a21ec9-cbb3-76b6-87b7-43b7a60306b5", "01a21ec9-cbb3"),
            ("ses_de126e867ffemt56vWZRoOnuTf", "de126e86"),
            ("shop/0af7651916cd43dd8448eb211c80319c", "0af76519"),
            ("nightly", "nightly"),
            ("7cd69b07351e79ec28df7a589068bd9c", "7cd69b07"),
        ] {
            assert_eq!(short(id), expected);
        }
    }
}
