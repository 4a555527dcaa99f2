//! Arguments that choose among sessions.

use std::path::PathBuf;

use clap::Args;

use super::When;
use crate::session::Agent;

/// Heading of these arguments.
pub(super) const WHICH: &str = "Which sessions";

/// Conditions on sessions.
#[derive(Clone, Debug, Default, Args)]
pub struct Which {
    /// Only sessions that were started in this folder or below it
    #[arg(long, value_name = "PATH", help_heading = WHICH)]
    pub(crate) project: Option<PathBuf>,
    /// Only sessions with messages at that time or later: 7d, 24h, 2026-03-01
    #[arg(long, value_name = "WHEN", help_heading = WHICH)]
    pub(crate) since: Option<When>,
    /// Only sessions that began at that time or earlier; a day counts to its end
    #[arg(long, value_name = "WHEN", help_heading = WHICH)]
    pub(crate) until: Option<When>,
    /// Only sessions of this agent; may be repeated
    #[arg(long, value_name = "AGENT", help_heading = WHICH)]
    pub(crate) agent: Vec<Agent>,
}
