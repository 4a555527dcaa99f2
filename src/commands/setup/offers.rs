//! Offers of setup once the settings are written: to install the plugins of the agents on this
//! machine, and to send past sessions.
//!
//! Each is a question of its own. Without a terminal and without a flag that answers yes, nothing
//! is done and the commands are shown.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;

use super::answers::yes_or_no;
use super::{is_called, say};
use crate::cli;
use crate::commands::{Exit, ingest};
use crate::host::Host;
use crate::integrations;
use crate::integrations::claude_code::marketplace;
use crate::integrations::claude_code::plugin::ADD_MARKETPLACE;
use crate::interrupt::Interrupt;
use crate::session::Agent;
use crate::sources;
use crate::ui;

/// Agents with a plugin that calls this program.
const AGENTS: [Agent; 3] = [Agent::ClaudeCode, Agent::OpenCode, Agent::Pi];

/// Ctrl-C stopped setup at an offer, after the settings were saved.
#[derive(Debug, thiserror::Error)]
#[error("stopped: the settings are saved, and nothing more was done")]
pub(super) struct StoppedLater;

/// The result of the offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    /// Whether everything that the user agreed to succeeded.
    pub(super) exit: Exit,
    /// Whether past sessions were sent.
    pub(super) has_sent: bool,
}

impl Outcome {
    /// The result without any offer.
    pub(super) const NONE: Self = Self {
        exit: Exit::Done,
        has_sent: false,
    };
}

/// Makes the offers that apply to this machine.
pub(super) fn make(
    arguments: &cli::Setup,
    interrupt: &Interrupt,
    host: &Host,
) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::NONE;
    for agent in AGENTS {
        // The settings just written are those of Claude Code.
        let is_wanted = agent == Agent::ClaudeCode || is_here(agent, host);
        if is_wanted && !has_plugin(agent, host) && !plugin(agent, arguments, host)? {
            outcome.exit = Exit::Incomplete;
        }
        // Ctrl-C has also ended the installer.
        if interrupt.is_set() {
            return Err(StoppedLater.into());
        }
    }
    if agree_to_past_sessions(arguments, host)? {
        let exit = ingest::of_setup(host)?;
        outcome.has_sent = exit == Exit::Done;
        if exit != Exit::Done {
            outcome.exit = exit;
        }
    }
    Ok(outcome)
}

/// Whether an agent is installed, or has sessions.
fn is_here(agent: Agent, host: &Host) -> bool {
    let folder = sources::folder(agent, host);
    folder.is_some_and(|folder| folder.is_dir()) || program(agent, host).is_some()
}

fn has_plugin(agent: Agent, host: &Host) -> bool {
    match agent {
        Agent::ClaudeCode => is_called(host),
        _ => integrations::plugin(agent, host).is_some(),
    }
}

/// The program of an agent, as a shell finds it.
fn program(agent: Agent, host: &Host) -> Option<PathBuf> {
    let line = integrations::install_commands(agent).first()?;
    let name = line.split(' ').next()?;
    let names = if cfg!(windows) {
        vec![format!("{name}.exe"), format!("{name}.cmd")]
    } else {
        vec![name.to_owned()]
    };
    let folders = host.search_path();
    let mut paths = folders
        .iter()
        .flat_map(|folder| names.iter().map(|name| folder.join(name)));
    paths.find(|path| path.is_file())
}

/// The commands that install the plugin of an agent. A known marketplace is not added again.
fn commands(agent: Agent, host: &Host) -> Vec<&'static str> {
    let mut lines = integrations::install_commands(agent).to_vec();
    let is_known = marketplace::is_known(host);
    lines.retain(|line| *line != ADD_MARKETPLACE || !is_known);
    lines
}

/// Installs the plugin of an agent, if the user agrees. Returns `false` if that failed.
fn plugin(agent: Agent, arguments: &cli::Setup, host: &Host) -> anyhow::Result<bool> {
    let lines = commands(agent, host);
    let name = agent.name();
    let program = program(agent, host);
    let is_agreed = match &program {
        None => false,
        Some(_) if arguments.yes => true,
        Some(_) if !ui::can_ask() => false,
        Some(_) => {
            let question = "install its plugin, which sends its sessions? [Y/n] ";
            agrees(&format!("{name} is here: {question}"), true)?
        }
    };
    let (Some(program), true) = (program, is_agreed) else {
        say(&format!("to send the sessions of {name}, run:"));
        for line in lines {
            ui::say(format_args!("  {line}"));
        }
        return Ok(true);
    };
    for line in lines {
        ui::say(format_args!("$ {line}"));
        let status = Command::new(&program)
            .args(line.split(' ').skip(1))
            .status();
        let status = status.with_context(|| format!("cannot start {}", program.display()))?;
        if !status.success() {
            say(&format!(
                "that ended with {status}: the plugin of {name} is not installed"
            ));
            return Ok(false);
        }
    }
    if agent != Agent::ClaudeCode {
        say(&format!(
            "{name} takes the key from the shell that starts it: set POSTHOG_API_KEY and POSTHOG_HOST \
             there"
        ));
    }
    Ok(true)
}

/// Whether to send the past sessions on this machine.
fn agree_to_past_sessions(arguments: &cli::Setup, host: &Host) -> anyhow::Result<bool> {
    let Some(found) = past_sessions(host) else {
        return Ok(false);
    };
    if arguments.past_sessions {
        return Ok(true);
    }
    if arguments.yes || !ui::can_ask() {
        say(&format!(
            "{found} are here; posthog-llma ingest --all sends them"
        ));
        return Ok(false);
    }
    agrees(&format!("{found} are here: send them now? [y/N] "), false)
}

/// Asks until the reply is yes or no; an empty one is the default. The end of the input is a no.
fn agrees(question: &str, default: bool) -> anyhow::Result<bool> {
    loop {
        let reply = match ui::ask(question) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Err(StoppedLater.into()),
            reply => reply?,
        };
        match reply.map(|reply| yes_or_no(reply.trim(), default)) {
            None => return Ok(false),
            Some(Ok(answer)) => return Ok(answer),
            Some(Err(problem)) => say(&problem),
        }
    }
}

/// The number and size of the sessions of coding agents, in words; `None` if there are none.
fn past_sessions(host: &Host) -> Option<String> {
    let sessions = sources::all(host).found;
    let sessions = sessions.iter().filter(|it| AGENTS.contains(&it.agent));
    let (number, bytes) =
        sessions.fold((0, 0), |(number, bytes), it| (number + 1, bytes + it.bytes));
    let size = ui::number(bytes / 1_000_000);
    (number > 0).then(|| format!("{} ({size} MB)", ui::count(number, "past session")))
}
