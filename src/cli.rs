//! Arguments and help texts.

mod dashboard;
mod ingest;
mod report;
mod run;
mod serve;
mod view;
mod when;
mod which;
mod work;

use std::fmt;
use std::path::PathBuf;

use clap::builder::PossibleValue;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::session::Agent;

pub use dashboard::Dashboard;
pub use ingest::Ingest;
pub use report::{Budget, Report};
pub use run::Run;
pub use serve::Serve;
pub use view::View;
pub(crate) use when::When;
use which::WHICH;
pub use which::Which;
pub use work::{Task, Wait, Work};

/// Turns coding-agent sessions into PostHog LLM analytics.
#[derive(Debug, Parser)]
#[command(
    name = "posthog-llma",
    bin_name = "posthog-llma",
    version,
    about,
    max_term_width = 100
)]
#[command(
    after_help = "Without a command: what is on, and the next step",
    after_long_help = "Without a command, it says what is on and the next step. Settings are \
environment variables, or options of the Claude Code plugin.

Examples:
  posthog-llma setup              switch it on
  posthog-llma show               what the newest session here would send
  posthog-llma ingest --since 7d  send the sessions of the last seven days
  posthog-llma status             whether sending works

Exit status: 0 done, 1 something was not sent or could not be read, 2 wrong use, 3 over a budget, \
130 stopped by Ctrl-C."
)]
pub struct Cli {
    /// The verb; without one, what is on.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Switch sending on: ask for destination and key, test them, write Claude Code's settings
    Setup(Setup),
    /// Show a session as PostHog will show it
    ///
    /// Sends nothing and needs no account.
    Show(Show),
    /// Look at sessions on a local page
    ///
    /// Sends nothing and needs no account.
    View(View),
    /// Sum up time, tokens, cost and changes of sessions
    ///
    /// Sends nothing and needs no account.
    Report(Report),
    /// Run an agent, and send its session before returning
    Run(Run),
    /// Send past sessions
    Ingest(Ingest),
    /// Send past sessions of the current project; Claude Code's slash command runs this
    #[command(hide = true)]
    IngestProject(Ingest),
    /// Show whether sending is on, where events go, and what became of the last sessions
    Status(Status),
    /// Find problems, and say what to do about them
    Doctor(Doctor),
    /// Compare the versions of program, plugins and hooks, as after an update
    SelfCheck(SelfCheck),
    /// Confirm a destination that is not one of PostHog's own hosts
    Trust(Trust),
    /// Send the events that are still waiting
    Flush(Flush),
    /// Print a dashboard for PostHog
    Dashboard(Dashboard),
    /// Receive OpenTelemetry data from applications, and send them as LLM analytics
    Serve(Serve),
    /// Exclude a session from sending; without a name, the one it runs in
    Pause(Pause),
    /// Include a session again that was paused or forgotten
    Resume(Resume),
    /// Remove a session from the outbox, and exclude it from sending
    Forget(Forget),
    /// Send the session that has just ended; the agents' plugins call this
    ///
    /// Prints nothing and always exits with 0. What went wrong is shown by `posthog-llma status`.
    Hook(Hook),
    /// Do the work of a hook: the hook starts this as a detached process
    #[command(hide = true)]
    Work(Work),
}

/// Arguments of `show`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  posthog-llma show                     the newest session of this project
  posthog-llma show 4f2a                the session whose id begins with 4f2a
  posthog-llma show session.jsonl       the session in a transcript
  posthog-llma show 4f2a --json | jq .  the tree as JSON
  posthog-llma show 4f2a --perfetto 4f2a.pftrace
                                        its course in time, for ui.perfetto.dev

The tree holds the events that would be sent, with secrets replaced and the settings in force. A \
session that was sent before keeps the settings of its first send.

Exit status: 0 done, 1 not readable, 2 wrong use.")]
pub struct Show {
    /// Session id, beginning of one, or transcript
    ///
    /// Without it: the newest session of the current project.
    #[arg(value_name = "SESSION")]
    pub(crate) session: Option<PathBuf>,
    /// Print the tree as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// Write the tree to a new file as a trace for ui.perfetto.dev; - is standard output
    ///
    /// It holds what the tree shows, no input and no output, and is readable by you alone.
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub(crate) perfetto: Option<PathBuf>,
    /// With --perfetto: replace an existing file
    #[arg(long, requires = "perfetto")]
    pub(crate) force: bool,
}

/// Arguments of `hook`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  posthog-llma hook <input.json                      as Claude Code calls it
  posthog-llma hook --agent pi --session 4f2a.jsonl  as Pi's extension calls it

The work is done by a detached process, which survives the end of the agent.")]
pub struct Hook {
    /// Agent that calls
    ///
    /// Claude Code passes the session as JSON on standard input, other agents with --session.
    #[arg(long, default_value = "claude-code")]
    pub(crate) agent: Agent,
    /// Transcript of the session
    #[arg(long, value_name = "TRANSCRIPT")]
    pub(crate) session: Option<PathBuf>,
    /// The session is still running: events that may change are left for later
    #[arg(long)]
    pub(crate) running: bool,
}

impl ValueEnum for Agent {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.as_str()))
    }
}

/// Arguments of `setup`.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[derive(Args)]
#[command(after_long_help = "Examples:
  posthog-llma setup                            asks
  posthog-llma setup --region eu --key - <file  asks nothing
  posthog-llma setup --region eu --key-file ~/.config/posthog-llma/key --yes
                                                with the key in a file
  posthog-llma setup --project                  for this project only
  posthog-llma setup --openrouter --url https://llma.example.com
                                                for OpenRouter's Broadcast
  posthog-llma setup --remove                   switches sending off
  posthog-llma setup --remove --purge           leaves nothing behind

setup sends a test trace, and saves nothing when the test fails. It writes POSTHOG_API_KEY (or \
POSTHOG_API_KEY_FILE, POSTHOG_API_KEY_COMMAND), POSTHOG_HOST and POSTHOG_LLMA_CC_ENABLED, in privacy mode also POSTHOG_LLMA_PRIVACY_MODE, to the \
env block of Claude Code's settings.json, after it made a copy of the file; the rest of the file \
stays as it is. The key is also taken from these variables, the address from POSTHOG_HOST. A key \
typed after --key is kept in the shell's history. Then it offers to install the plugins of the agents \
that it finds, and to send past sessions; nothing is done without a yes.

--remove takes key, address and switch out again. --purge also removes the privacy mode, the copies of the \
settings, the outbox with all events that wait in it, the list of paused and forgotten sessions, \
and the hosts and projects that you confirmed. Settings of single projects are removed by setup \
--remove --project there.")]
pub struct Setup {
    /// PostHog cloud that holds your project
    #[arg(long, conflicts_with = "host")]
    pub(crate) region: Option<Region>,
    /// Address of a PostHog that you host yourself
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) host: Option<String>,
    /// Project API key (phc_…); - reads it from standard input
    #[arg(long)]
    pub(crate) key: Option<String>,
    /// File with the project API key: the settings name the file instead of the key
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    pub(crate) key_file: Option<String>,
    /// Command that prints the project API key, such as a keychain's
    ///
    /// The settings name the command instead of the key.
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["key", "key_file"])]
    pub(crate) key_command: Option<String>,
    /// Send no content: names, times, tokens and costs alone
    #[arg(long)]
    pub(crate) privacy_mode: bool,
    /// Write the current project's .claude/settings.local.json instead
    #[arg(long)]
    pub(crate) project: bool,
    /// Install the plugins of the agents that are here, without a question
    #[arg(long, conflicts_with = "project")]
    pub(crate) yes: bool,
    /// Also send the sessions that are here already, without a question
    #[arg(long, conflicts_with = "project")]
    pub(crate) past_sessions: bool,
    /// Switch sending off: remove from the settings what setup wrote
    #[arg(
        long,
        conflicts_with_all = ["region", "host", "key", "key_file", "key_command", "privacy_mode",
                              "yes", "past_sessions"]
    )]
    pub(crate) remove: bool,
    /// With --remove: also remove everything that is kept on this machine
    ///
    /// Events that wait in the outbox are lost.
    #[arg(long, requires = "remove", conflicts_with = "project")]
    pub(crate) purge: bool,
    /// Set up a destination of OpenRouter's Broadcast instead: make a token, and wait for the test
    ///
    /// Prints what to enter at OpenRouter. Settings are not changed.
    #[arg(
        long,
        conflicts_with_all = ["region", "host", "key", "key_file", "key_command", "privacy_mode",
                              "yes", "past_sessions", "project", "remove"]
    )]
    pub(crate) openrouter: bool,
    /// With --openrouter: the address by which OpenRouter reaches posthog-llma serve
    #[arg(long, requires = "openrouter")]
    pub(crate) url: Option<String>,
}

/// Without the key.
impl fmt::Debug for Setup {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Setup").finish_non_exhaustive()
    }
}

/// PostHog's clouds.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Region {
    /// United States
    Us,
    /// European Union
    Eu,
}

/// Arguments of `status`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  posthog-llma status                        about ten lines
  posthog-llma status --json | jq .sessions  the sessions as JSON
  posthog-llma status --short                for a status line; exits with 0

It reads settings and outbox of this machine and asks no server. What cannot be read is named, with \
the reason.

Exit status: 0 done, 1 the outbox or the confirmed hosts cannot be read, 2 wrong use.")]
pub struct Status {
    /// Print one JSON object instead of text
    #[arg(long, conflicts_with = "short")]
    pub(crate) json: bool,
    /// Print one line
    #[arg(long)]
    pub(crate) short: bool,
}

/// Arguments of `doctor`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "It asks PostHog whether it would take events, and sends none. Its output \
    holds no key and no content of sessions, so that it can be part of a bug report.

Exit status: 0 nothing needs you, 1 something does, 2 wrong use."
)]
pub struct Doctor {
    /// Print one JSON object instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `self-check`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Program, plugins and hooks belong together when they have one version. \
Whatever differs is listed with the command that updates it. doctor has the same checks among others.

Exit status: 0 all of one version, 1 something differs, 2 wrong use."
)]
pub struct SelfCheck {
    /// Print one JSON object instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `trust`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["host", "project"]))]
#[command(
    after_long_help = "PostHog's own hosts need no confirmation. Any other has to be confirmed \
    once, since a repository can set any variable in its committed settings. The same holds for any \
    destination that such settings choose."
)]
pub struct Trust {
    /// Address of a PostHog that you host yourself
    pub(crate) host: Option<String>,
    /// The destination that the committed settings of the current project choose
    #[arg(long)]
    pub(crate) project: bool,
}

/// Arguments of `pause`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  posthog-llma pause       the session that it runs in
  posthog-llma pause 4f2a  the session whose id begins with 4f2a

The whole session is excluded: what was said before and was not sent yet is not sent either. What \
was sent before stays at PostHog. A fork of the session is another session: pause that one too. A \
session that is paused stays so until posthog-llma resume.")]
pub struct Pause {
    /// Session id, beginning of one, or transcript
    ///
    /// Without it: the session of the coding agent that runs this command, where the agent names it
    /// (Claude Code and Pi do), else the newest of the current project.
    #[arg(value_name = "SESSION")]
    pub(crate) session: Option<PathBuf>,
}

/// Arguments of `resume`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  posthog-llma resume       the only paused session
  posthog-llma resume 4f2a  the excluded session whose id begins with 4f2a

The session is sent again from its start by its next hook, or at once by posthog-llma ingest. \
Events that PostHog took before are not sent twice.

Exit status: 0 done, 1 the exclusion cannot be removed, 2 wrong use.")]
pub struct Resume {
    /// Session id, or beginning of one
    ///
    /// Without it: the only paused session. A forgotten session has to be named.
    #[arg(value_name = "SESSION")]
    pub(crate) session: Option<String>,
}

/// Arguments of `forget`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "The project and the waiting events of the session are removed from the outbox. \
    The ids of its events stay, so that no copy of them in a fork is sent, and the settings from \
    which those ids are derived. PostHog keeps the events that were sent before. Hooks and ingest \
    leave the session out until posthog-llma resume."
)]
pub struct Forget {
    /// Session id, beginning of one, or transcript
    #[arg(value_name = "SESSION")]
    pub(crate) session: PathBuf,
}

/// Arguments of `flush`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  posthog-llma flush            at once, instead of with the next session
  posthog-llma flush --refused  after the cause of a refusal was removed

Events wait after a failure: their hosts are left alone for a while, which flush ignores. It sends \
what is stored already, and what posthog-llma serve received: posthog-llma ingest reads sessions.

Exit status: 0 nothing waits, 1 events wait or were refused, 2 wrong use.")]
pub struct Flush {
    /// Also send events that PostHog refused before
    ///
    /// They are kept in the outbox with the reason of the refusal, which posthog-llma status shows.
    #[arg(long)]
    pub(crate) refused: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    /// Width of the narrowest common terminal, in columns.
    const WIDTH: usize = 80;

    #[test]
    fn help_fits_a_terminal_and_is_broken_there_alone() {
        let mut command = Cli::command();
        command.build();
        let commands = std::iter::once(&command).chain(command.get_subcommands());
        for command in commands {
            let help = command.clone().term_width(WIDTH).render_long_help();
            let help = help.to_string();
            for line in help.lines() {
                assert!(line.chars().count() <= WIDTH, "{line}");
            }
            // Wrapped at any width, the text has lines of its own only where it is a list.
            let wide = command.clone().term_width(10 * WIDTH).render_long_help();
            for paragraph in wide.to_string().split("\n\n") {
                let lines: Vec<&str> = paragraph.lines().collect();
                let is_list = lines.iter().skip(1).all(|line| line.starts_with("  "));
                assert!(lines.len() == 1 || is_list, "{paragraph}");
            }
            for line in after(command).lines().filter(|line| line.starts_with("  ")) {
                assert!(line.chars().count() <= WIDTH, "{line}");
            }
        }
    }

    /// The text with the examples.
    fn after(command: &clap::Command) -> String {
        let after = command.get_after_long_help();
        after.map(ToString::to_string).unwrap_or_default()
    }
}
