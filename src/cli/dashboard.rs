//! Arguments of `dashboard`.

use clap::Args;

/// Arguments of `dashboard`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  posthog-llma dashboard >dashboard.json  the request that creates it, as JSON
  posthog-llma dashboard --sql            the queries, for PostHog's SQL editor

Nothing is sent. docs/dashboards.md has the request. The queries count events of this program alone; \
{filters} in them is where PostHog puts the dates of the dashboard.")]
pub struct Dashboard {
    /// Print the queries in SQL instead of JSON
    #[arg(long)]
    pub(crate) sql: bool,
}
