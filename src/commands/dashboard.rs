//! `posthog-llma dashboard`: prints a dashboard for PostHog.

use std::fmt::Write as _;

use super::Exit;
use crate::cli::Dashboard;
use crate::posthog::dashboard;
use crate::ui;

pub(super) fn run(arguments: &Dashboard) -> anyhow::Result<Exit> {
    if arguments.sql {
        ui::print(sql())?;
    } else {
        ui::print(format_args!("{:#}", dashboard::template()))?;
    }
    Ok(Exit::Done)
}

/// The queries, each below its name.
fn sql() -> String {
    let mut all = String::new();
    for insight in dashboard::INSIGHTS {
        if !all.is_empty() {
            all.push_str("\n\n");
        }
        // Writing to a string cannot fail.
        let _ = write!(
            all,
            "-- {}: {}\n{};",
            insight.name, insight.description, insight.query
        );
    }
    all
}
