//! Arguments of `run`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use super::Budget;

/// Arguments of `run`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  posthog-llma run -- claude -p 'fix the failing test'
  posthog-llma run --usage-file usage.json --fail-over 2 -- claude -p 'review'

For containers and CI, where a session may end without its hook. The command keeps its input, its \
output and its exit status. Sessions that it begins or continues are sent before this returns, if \
sending is switched on; what they used is printed as one line on standard error.

Exit status: that of the command, 128 and the number of the signal that ended it, 2 wrong use, 3 the \
command succeeded and its sessions are over the budget, 127 the command cannot be started.")]
pub struct Run {
    /// Write what was used to this file, as one JSON object, instead of a line
    #[arg(long, value_name = "FILE")]
    pub(crate) usage_file: Option<PathBuf>,
    /// Exit with 3 if the command succeeds and used more: 5 or $5 (dollars), 200k, 5M or 1000tokens
    #[arg(long, value_name = "BUDGET")]
    pub(crate) fail_over: Option<Budget>,
    /// Command to run, with its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}
