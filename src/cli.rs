//! Arguments and help texts.

mod when;

use std::fmt;
use std::path::PathBuf;

use clap::builder::PossibleValue;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::session::Agent;

pub use when::When;

/// Turns coding-agent sessions into PostHog LLM analytics.
#[derive(Debug, Parser)]
#[command(name = "posthog-llma", version, about, max_term_width = 100)]
#[command(
    after_help = "Settings are environment variables, or options of the Claude Code plugin.

Examples:
  posthog-llma setup                      switch it on
  posthog-llma show                       what the newest session of this project would send
  posthog-llma ingest --since 7d          send the sessions of the last seven days
  posthog-llma status                     how sending goes

Exit status: 0 done, 1 something was not sent or not found out, 2 wrong use, 130 stopped by Ctrl-C."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Switch it on: ask where to, try it, write Claude Code's settings
    Setup(Setup),
    /// Show a session as PostHog will show it; sends nothing and needs no account
    Show(Show),
    /// Send past sessions
    Ingest(Ingest),
    /// Send past sessions of the current project: what Claude Code's slash command runs
    #[command(hide = true)]
    IngestProject(Ingest),
    /// Show whether it is switched on, where it sends, and how the last sends went
    Status(Status),
    /// Find out what is wrong, and say what to do about it
    Doctor(Doctor),
    /// Confirm where sessions may go
    Trust(Trust),
    /// Send what is still waiting
    Flush(Flush),
    /// Send nothing more of a session: without a name, of the one it runs in
    Pause(Pause),
    /// Send a session again that was paused or forgotten
    Resume(Resume),
    /// Remove what is kept of a session here, and send it no more
    Forget(Forget),
    /// Send the session that has just ended; the agents' plugins call this
    ///
    /// Prints nothing and always exits with 0. What went wrong is shown by `posthog-llma status`.
    Hook(Hook),
}

/// Arguments of `show`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  posthog-llma show                       the newest session of this project
  posthog-llma show 4f2a                  the session whose id begins with 4f2a
  posthog-llma show session.jsonl         a transcript
  posthog-llma show 4f2a --json | jq .    the tree as JSON

It shows the events that would be sent, secrets replaced, with the settings in force. A session
that was sent before is shown as it was sent.

Exit status: 0 done, 1 not readable, 2 wrong use.")]
pub struct Show {
    /// Session id, beginning of one, or transcript
    ///
    /// Without it: the newest session of the current project.
    #[arg(value_name = "SESSION")]
    pub session: Option<PathBuf>,
    /// Print the tree as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `hook`.
#[derive(Debug, Args)]
pub struct Hook {
    /// The agent that calls; Claude Code says the rest as JSON on standard input
    #[arg(long, default_value = "claude-code")]
    pub agent: Agent,
    /// The session's transcript
    #[arg(long, value_name = "TRANSCRIPT")]
    pub session: Option<PathBuf>,
    /// The session goes on: what may still change is left for later
    #[arg(long)]
    pub running: bool,
}

impl ValueEnum for Agent {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.as_str()))
    }
}

/// Arguments of `ingest`.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  posthog-llma ingest                          the newest session of this project
  posthog-llma ingest 4f2a 99c0                the sessions whose ids begin so
  posthog-llma ingest --since 7d               the last seven days, all projects
  posthog-llma ingest --project . --until 2026-03-01
                                               this project's sessions up to that day
  posthog-llma ingest --all --dry-run          everything, read but not sent
  posthog-llma ingest --all --yes              everything, without a question
  posthog-llma ingest --all --output -         everything, as one JSON object a line

Ctrl-C stops after what is on its way; the same command goes on where it stopped, and nothing is
sent twice. A session belongs to every day on which it was at work.

Exit status: 0 done, 1 something was not sent, 2 wrong use, 130 stopped by Ctrl-C.")]
pub struct Ingest {
    /// Session ids, beginnings of ids, transcripts, or folders of transcripts
    ///
    /// Without any, and without another choice: the newest session of the current project.
    #[arg(value_name = "SESSION", conflicts_with_all = ["all", "list"], help_heading = WHICH)]
    pub sessions: Vec<PathBuf>,
    /// All sessions of this user
    #[arg(long, conflicts_with = "list", help_heading = WHICH)]
    pub all: bool,
    /// Only sessions that were started in this folder or below it
    #[arg(long, value_name = "PATH", help_heading = WHICH)]
    pub project: Option<PathBuf>,
    /// Only sessions that were at work at that time or later: 7d, 24h, 2026-03-01
    #[arg(long, value_name = "WHEN", help_heading = WHICH)]
    pub since: Option<When>,
    /// Only sessions that began at that time or earlier; a day counts to its end
    #[arg(long, value_name = "WHEN", help_heading = WHICH)]
    pub until: Option<When>,
    /// Only sessions of this agent, may be repeated; without it those of all
    #[arg(long, value_name = "AGENT", help_heading = WHICH)]
    pub agent: Vec<Agent>,
    /// Show recent sessions and send nothing
    #[arg(long, help_heading = INSTEAD)]
    pub list: bool,
    /// Read everything, send nothing, show what would be sent
    #[arg(long, help_heading = INSTEAD)]
    pub dry_run: bool,
    /// Write the events to a new file, one JSON object a line; - is standard output
    ///
    /// Only you can read the file, and it is there when it is complete.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dry_run", "list"],
          help_heading = INSTEAD)]
    pub output: Option<PathBuf>,
    /// With --output: replace a file that is there already
    #[arg(long, requires = "output", help_heading = INSTEAD)]
    pub force: bool,
    /// Do not ask before many events are sent
    #[arg(long, short)]
    pub yes: bool,
    /// Send content older than 30 days too, which PostHog's cloud does not keep
    #[arg(long)]
    pub with_old_content: bool,
}

/// Arguments of `setup`.
#[derive(Args)]
#[command(after_help = "Examples:
  posthog-llma setup                              asks
  posthog-llma setup --region eu --key - <file    asks nothing
  posthog-llma setup --project                    for this project only
  posthog-llma setup --remove

The key is also taken from POSTHOG_API_KEY, the address from POSTHOG_HOST. A key behind --key stands \
in the shell's history. Written are POSTHOG_API_KEY, POSTHOG_HOST and POSTHOG_LLMA_CC_ENABLED in \
the env block of Claude Code's settings.json, after a copy was made of it; everything else in the \
file stays as it is. Nothing is saved when the test fails.")]
pub struct Setup {
    /// PostHog's cloud that the project is in
    #[arg(long, conflicts_with = "host")]
    pub region: Option<Region>,
    /// Address of a PostHog of your own
    #[arg(long, value_name = "ADDRESS")]
    pub host: Option<String>,
    /// Key of the project (phc_…); - reads it from standard input
    #[arg(long)]
    pub key: Option<String>,
    /// For the current project only: .claude/settings.local.json
    #[arg(long)]
    pub project: bool,
    /// Take it back
    #[arg(long, conflicts_with_all = ["region", "host", "key"])]
    pub remove: bool,
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

const WHICH: &str = "Which sessions";
const INSTEAD: &str = "Instead of sending";

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct Status {
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `doctor`.
#[derive(Debug, Args)]
#[command(
    after_help = "It asks PostHog whether it would take events, and sends none. What it prints \
    holds no key and nothing of any session: it can stand in a report.

Exit status: 0 nothing needs you, 1 something does, 2 wrong use."
)]
pub struct Doctor {
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `trust`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["host", "project"]))]
#[command(
    after_help = "PostHog's own hosts need no confirmation. Any other has to be confirmed \
    once, since a repository can set any variable in its committed settings; and so has any \
    destination that such settings choose."
)]
pub struct Trust {
    /// Address of a PostHog of your own
    pub host: Option<String>,
    /// The destination that the committed settings of the current project choose
    #[arg(long)]
    pub project: bool,
}

/// Arguments of `pause`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  posthog-llma pause                      the session that it runs in
  posthog-llma pause 4f2a                 the session whose id begins with 4f2a

The whole session is excluded: what was said before and was not sent yet is not sent either. What \
was sent before stays at PostHog. A fork of the session is another session: pause that one too. A \
session that is paused stays so until posthog-llma resume.")]
pub struct Pause {
    /// Session id, beginning of one, or transcript
    ///
    /// Without it: the session of the coding agent that runs this command, where the agent names it
    /// (Claude Code and Pi do), else the newest of the current project.
    #[arg(value_name = "SESSION")]
    pub session: Option<PathBuf>,
}

/// Arguments of `resume`.
#[derive(Debug, Args)]
pub struct Resume {
    /// Session id or the beginning of one; without it, the only session that is paused
    #[arg(value_name = "SESSION")]
    pub session: Option<String>,
}

/// Arguments of `forget`.
#[derive(Debug, Args)]
#[command(
    after_help = "Title, project and everything that waits of the session are removed from the \
    outbox. What stays are the ids of its events, so that no copy of them in a fork is sent, and \
    the settings that made those ids. PostHog keeps what was sent before. Hooks and ingest leave \
    the session out until posthog-llma resume."
)]
pub struct Forget {
    /// Session id, beginning of one, or transcript
    #[arg(value_name = "SESSION")]
    pub session: PathBuf,
}

/// Arguments of `flush`.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[derive(Debug, Args)]
pub struct Flush {
    /// First offer again what PostHog refused
    #[arg(long, conflicts_with = "detached")]
    pub refused: bool,
    /// First read this transcript
    #[arg(long, value_name = "TRANSCRIPT", hide = true)]
    pub collect: Option<PathBuf>,
    /// Log that the transcript of this session was not found
    #[arg(long, value_name = "SESSION", conflicts_with = "collect", hide = true)]
    pub missing: Option<String>,
    /// The transcript's session goes on
    #[arg(long, requires = "collect", hide = true)]
    pub running: bool,
    /// First read sessions of the agent whose end was missed
    #[arg(long, hide = true)]
    pub sweep: bool,
    /// The agent whose hook calls
    #[arg(long, default_value = "claude-code", hide = true)]
    pub agent: Agent,
    /// Leave the terminal and its session: the hook that started this may be killed
    #[arg(long, hide = true)]
    pub detached: bool,
    /// Judgement of the environment by the hook that started this process, as JSON
    #[arg(long, hide = true, value_name = "JSON")]
    pub judged: Option<String>,
}
