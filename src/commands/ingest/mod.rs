//! `posthog-llma ingest`: sends past sessions, or shows what would be sent.

mod claims;
mod courier;
mod export;
mod list;
mod output;
mod plan;
mod preview;
mod read;
mod send;
mod summary;

use chrono::{DateTime, Utc};

use super::select::{self, Filter};
use super::{Exit, WrongUse, strict_config};
use crate::cli::Ingest;
use crate::config::Config;
use crate::host::Host;
use crate::sources::{self, Found, Listing};
use crate::ui;

pub(super) fn run(arguments: &Ingest, host: &Host) -> anyhow::Result<Exit> {
    let filter = Filter::of(arguments, host)?;
    if arguments.list {
        return list::run(&filter, host);
    }
    let config = strict_config(host)?;
    let chosen = chosen(arguments, &filter, host)?;
    let listed = select::told(&chosen.unreadable);
    let sessions = oldest_first(chosen.found);
    if sessions.is_empty() && !filter.is_open() {
        ui::say("no session matches; `posthog-llma ingest --list` shows what there is");
        return Ok(listed);
    }
    let exit = handle(&sessions, arguments, &config, host)?;
    Ok(if exit == Exit::Done { listed } else { exit })
}

/// Writes the sessions to a file, shows what would be sent of them, or sends them.
fn handle(
    sessions: &[Found],
    arguments: &Ingest,
    config: &Config,
    host: &Host,
) -> anyhow::Result<Exit> {
    if let Some(target) = &arguments.output {
        return export::run(target, arguments.force, sessions, config, host);
    }
    match &config.api_key {
        _ if arguments.dry_run => preview::run(sessions, config, host),
        Some(_) => send::run(sessions, arguments, config, host),
        None => {
            ui::say("there is no POSTHOG_API_KEY (posthog-llma setup): this is what would be sent");
            preview::run(sessions, config, host)
        }
    }
}

fn chosen(arguments: &Ingest, filter: &Filter, host: &Host) -> Result<Listing<Found>, WrongUse> {
    let mut sessions = if !arguments.sessions.is_empty() {
        select::named(&arguments.sessions, host)?
    } else if arguments.all || !filter.has_no_limits() {
        sources::all(host)
    } else {
        let newest = select::newest(filter, host);
        newest.map_err(|WrongUse(none)| WrongUse(format!("{none}, or use --all")))?
    };
    sessions.found.retain(|session| filter.passes(session));
    Ok(sessions)
}

/// The original of a copied session began before the copy and must be read before it.
fn oldest_first(sessions: Vec<Found>) -> Vec<Found> {
    let mut dated: Vec<(Option<DateTime<Utc>>, Found)> = sessions
        .into_iter()
        .map(|session| (session.started_at(), session))
        .collect();
    dated.sort_by(|(a_start, a), (b_start, b)| {
        (a_start, a.modified, &a.path).cmp(&(b_start, b.modified, &b.path))
    });
    dated.into_iter().map(|(_, session)| session).collect()
}
