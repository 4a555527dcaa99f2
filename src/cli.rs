//! Arguments and help texts.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Turns coding-agent sessions into PostHog LLM analytics.
#[derive(Debug, Parser)]
#[command(name = "posthog-llma", version, about, max_term_width = 100)]
#[command(
    after_help = "Settings are environment variables; POSTHOG_API_KEY and \
    POSTHOG_LLMA_CC_ENABLED=true switch the program on."
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
