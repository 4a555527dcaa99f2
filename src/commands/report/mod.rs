//! `posthog-llma report`: sums over sessions, for terminals, scripts and pull requests.
//!
//! The sums are those of the page's usage view ([`Usage`]), over events as they would be sent, with
//! each call in the session that owns it.

mod checkout;
mod csv;
mod markdown;
mod rows;
mod sums;
mod text;

use std::fmt::Display;

use serde_json::{Value, json};

use super::read::Audience;
use super::{Exit, read, select, settings};
use crate::cli::{Budget, Report};
use crate::config::DestinationSettings;
use crate::host::Host;
use crate::models::prices;
use crate::posthog::links;
use crate::sources;
use crate::ui;
use crate::usage::{By, Numbers, Query, Usage};
use crate::variables::Variable;
use rows::rows;
pub(super) use sums::{Extent, sums};
pub(super) use text::summary;

pub(super) fn run(arguments: &Report, host: &Host) -> anyhow::Result<Exit> {
    let filter = select::Filter::of(&arguments.which, host)?;
    let (host, config) = &settings(host)?;
    let mut listing = if arguments.sessions.is_empty() {
        sources::all(host)
    } else {
        select::named(&arguments.sessions, host)?
    };
    listing.found.retain(|found| filter.passes(found));
    let listed = select::told(&listing.unreadable);
    let sessions = read::in_order(listing.found);
    let extent = Extent {
        audience: Audience::Owner,
        since: None,
        has_person: arguments.by == By::User,
        has_findings: arguments.findings,
    };
    let (mut usages, read) = sums(&sessions, extent, config, host)?;
    if let Some(job) = checkout::pull_request(host) {
        for usage in &mut usages {
            usage.link(&job.branch, &job.address);
        }
    }
    let (since, until) = filter.period();
    let usage = Usage::of(
        &usages,
        Query {
            by: arguments.by,
            since,
            until,
            now: host.now(),
        },
    );
    let usage = with_pages(usage, &config.destination);
    print(&usage, arguments, host)?;
    let budget = over(arguments.fail_over, &usage);
    Ok(match (budget, listed, read) {
        (Exit::Done, Exit::Done, read) => read,
        (Exit::Done, listed, _) => listed,
        (budget, ..) => budget,
    })
}

/// Adds the sessions' pages in PostHog, if its project is known.
fn with_pages(usage: Usage, destination: &DestinationSettings) -> Usage {
    match (&destination.endpoint, &destination.api_key) {
        (Some(endpoint), Some(_)) => usage.with_pages(&|trace| links::trace(endpoint, trace)),
        _ => usage,
    }
}

fn print(usage: &Usage, arguments: &Report, host: &Host) -> anyhow::Result<()> {
    let rows = rows(usage);
    if arguments.json {
        let mut json = as_json(usage);
        if arguments.findings {
            json["findings"] = json!(usage.findings);
        }
        ui::print(format_args!("{json:#}"))?;
    } else if arguments.csv {
        ui::print(csv::table(usage.by(), &rows))?;
    } else if arguments.markdown {
        ui::print(markdown::table(usage, &rows))?;
    } else {
        let columns = host.variable(Variable::Columns).ok().flatten();
        ui::print_styled(&text::table(usage, &rows, ui::width(columns)))?;
        if arguments.findings {
            ui::print(text::findings(usage))?;
        }
    }
    Ok(())
}

/// The sums as one JSON object.
pub(super) fn as_json(usage: &Usage) -> Value {
    let rows: Vec<Value> = rows(usage).iter().map(rows::Row::as_json).collect();
    json!({
        "by": usage.by(),
        "prices": { "date": prices::DATE, "source": prices::SOURCE },
        "total": usage.total,
        "rows": rows,
        "unpriced": usage.unpriced,
    })
}

/// The exit status of a budget that may have been exceeded.
fn unclear(calls: impl Display) -> Exit {
    ui::say(format_args!(
        "it is unknown whether the budget was kept: {calls}"
    ));
    Exit::Incomplete
}

/// The exit status for a budget. If it was exceeded, prints both sums.
pub(super) fn over(budget: Option<Budget>, usage: &Usage) -> Exit {
    let Numbers { cost, tokens, .. } = &usage.total;
    match budget {
        Some(Budget::Dollars(most)) if cost.usd > most => {
            ui::say(format_args!(
                "over the budget: {} of {}",
                text::dollars(cost.usd),
                text::dollars(most)
            ));
            Exit::OverBudget
        }
        Some(Budget::Tokens(most)) if tokens.sum() > most => {
            let used = ui::number(tokens.sum());
            let most = ui::count(most, "token");
            ui::say(format_args!("over the budget: {used} of {most}"));
            Exit::OverBudget
        }
        Some(Budget::Dollars(_)) if cost.unknown > 0 => {
            let advice = if cost.unmeasured == 0 {
                "; a budget in tokens needs no prices"
            } else {
                ""
            };
            let calls = text::unpriced(usage, str::to_owned);
            unclear(format_args!("{calls}{advice}"))
        }
        Some(Budget::Tokens(_)) if cost.unmeasured > 0 => unclear(text::unmeasured(usage)),
        _ => Exit::Done,
    }
}
