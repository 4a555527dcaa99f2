//! Arguments of `ingest`.

use std::path::PathBuf;

use clap::Args;

use super::{WHICH, Which};

const INSTEAD: &str = "Instead of sending";

/// Arguments of `ingest`.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[derive(Debug, Default, Args)]
#[command(after_long_help = "Examples:
  posthog-llma ingest                   the newest session of this project
  posthog-llma ingest 4f2a 99c0         the sessions whose ids begin with these
  posthog-llma ingest --since 7d        the last seven days, all projects
  posthog-llma ingest --project . --until 2026-03-01
                                        this project's sessions up to that day
  posthog-llma ingest --all --dry-run   everything, read but not sent
  posthog-llma ingest --all --yes       everything, without a question
  posthog-llma ingest --all --output -  everything, as one JSON object a line
  posthog-llma ingest 4f2a --otlp http://localhost:6006
                                        a session to Phoenix on this machine

Ctrl-C stops after the request that is being sent. The same command continues from there, and \
nothing is sent twice. A session belongs to every day from its first to its last message.

Exit status: 0 done, 1 something was not sent or could not be read, 2 wrong use, 130 stopped by \
Ctrl-C.")]
pub struct Ingest {
    /// Session ids, beginnings of ids, transcripts, or folders of transcripts
    ///
    /// Without any, and without another choice: the newest session of the current project.
    #[arg(value_name = "SESSION", conflicts_with_all = ["all", "list"], help_heading = WHICH)]
    pub(crate) sessions: Vec<PathBuf>,
    /// All sessions of this user
    #[arg(long, conflicts_with = "list", help_heading = WHICH)]
    pub(crate) all: bool,
    /// Which of them
    #[command(flatten)]
    pub(crate) which: Which,
    /// List recent sessions
    #[arg(long, help_heading = INSTEAD)]
    pub(crate) list: bool,
    /// Read the sessions and count what would be sent
    #[arg(long, help_heading = INSTEAD)]
    pub(crate) dry_run: bool,
    /// Write the events to a new file, one JSON object a line; - is standard output
    ///
    /// The file is readable by you alone, and gets its name when it is complete.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dry_run", "list"],
          help_heading = INSTEAD)]
    pub(crate) output: Option<PathBuf>,
    /// With --output: replace an existing file
    #[arg(long, requires = "output", help_heading = INSTEAD)]
    pub(crate) force: bool,
    /// Send the events to a collector of OpenTelemetry instead, such as Phoenix, Jaeger or Grafana's
    ///
    /// Straight to ADDRESS/v1/traces, with the privacy settings in force. Nothing is kept of what was
    /// sent: the same command sends the same spans again, with the same ids. https only, except on
    /// this machine.
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["output", "dry_run", "list"],
          help_heading = INSTEAD)]
    pub(crate) otlp: Option<String>,
    /// With --otlp: file of headers to send, one a line, such as Authorization: Basic …
    #[arg(long, value_name = "FILE", requires = "otlp", help_heading = INSTEAD)]
    pub(crate) otlp_headers: Option<PathBuf>,
    /// Do not ask before many events are sent
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Send content older than 30 days too
    ///
    /// PostHog's cloud keeps prompts, answers, inputs and outputs for 30 days, so they are left out
    /// of older sessions otherwise.
    #[arg(long)]
    pub(crate) with_old_content: bool,
}
