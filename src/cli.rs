//! Arguments and help texts.

use std::fmt;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Turns coding-agent sessions into PostHog LLM analytics.
#[derive(Debug, Parser)]
#[command(name = "posthog-llma", version, about, max_term_width = 100)]
#[command(
    after_help = "posthog-llma setup switches it on. Settings are environment variables, \
    or options of the Claude Code plugin."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Send the session that has just ended; Claude Code's hooks call this
    ///
    /// Reads the hook's JSON from standard input, prints nothing and always exits with 0. What
    /// went wrong is shown by `posthog-llma status`.
    Hook,
    /// Switch it on: ask where to, try it, write Claude Code's settings
    Setup(Setup),
    /// Send past sessions
    Ingest(Ingest),
    /// Show whether it is switched on, where it sends, and how the last sends went
    Status(Status),
    /// Find out what is wrong, and say what to do about it
    Doctor(Doctor),
    /// Confirm where sessions may go
    Trust(Trust),
    /// Send what is still waiting
    Flush(Flush),
}

/// Arguments of `ingest`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  posthog-llma ingest                     the newest session of this project
  posthog-llma ingest 4f2a                the session whose id begins with 4f2a
  posthog-llma ingest --all --dry-run     everything, read but not sent
  posthog-llma ingest --all --output -    everything, as one JSON object a line

Exit status: 0 done, 1 something was not sent, 2 wrong use.")]
pub struct Ingest {
    /// Session id, beginning of one, transcript, or folder of transcripts
    ///
    /// Without it: the newest session of the current project.
    #[arg(value_name = "SESSION", conflicts_with_all = ["all", "list"])]
    pub sessions: Vec<PathBuf>,
    /// All sessions of this user
    #[arg(long, conflicts_with = "list")]
    pub all: bool,
    /// Show recent sessions and send nothing
    #[arg(long)]
    pub list: bool,
    /// Read everything, send nothing, show what would be sent
    #[arg(long)]
    pub dry_run: bool,
    /// Write the events to a file, one JSON object a line, instead of sending; - is standard output
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dry_run", "list"])]
    pub output: Option<PathBuf>,
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

/// Arguments of `flush`.
#[derive(Debug, Default, Args)]
pub struct Flush {
    /// First read this transcript
    #[arg(long, value_name = "TRANSCRIPT", hide = true)]
    pub collect: Option<PathBuf>,
    /// First read sessions whose end was missed
    #[arg(long, hide = true)]
    pub sweep: bool,
    /// Leave the terminal and its session: the hook that started this may be killed
    #[arg(long, hide = true)]
    pub detached: bool,
}
