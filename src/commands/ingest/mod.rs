//! `posthog-llma ingest`: sends past sessions, or shows what would be sent.

mod export;
mod list;
mod plan;
mod preview;
mod send;
mod summary;

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::select::{self, Filter};
use super::{Exit, WrongUse, short, strict_config};
use crate::ahead;
use crate::cli::Ingest;
use crate::config::Config;
use crate::events;
use crate::host::Host;
use crate::pipeline::{self, Collected};
use crate::sources::{self, Found};
use crate::ui;

pub(super) fn run(arguments: &Ingest, host: &Host) -> anyhow::Result<Exit> {
    let filter = Filter::of(arguments, host)?;
    if arguments.list {
        return list::run(&filter, host);
    }
    let config = strict_config(host)?;
    let sessions = oldest_first(chosen(arguments, &filter, host)?);
    if sessions.is_empty() && !filter.is_open() {
        ui::say("no session matches; `posthog-llma ingest --list` shows what there is");
        return Ok(Exit::Done);
    }
    if let Some(target) = &arguments.output {
        return export::run(target, &sessions, &config, host);
    }
    match &config.api_key {
        _ if arguments.dry_run => preview::run(&sessions, &config, host),
        Some(_) => send::run(&sessions, arguments, &config, host),
        None => {
            ui::say("there is no POSTHOG_API_KEY (posthog-llma setup): this is what would be sent");
            preview::run(&sessions, &config, host)
        }
    }
}

fn chosen(arguments: &Ingest, filter: &Filter, host: &Host) -> Result<Vec<Found>, WrongUse> {
    let mut sessions = if !arguments.sessions.is_empty() {
        select::named(&arguments.sessions, host)?
    } else if arguments.all || !filter.has_no_limits() {
        sources::all(host)
    } else {
        let newest = select::newest(filter, host);
        vec![newest.map_err(|WrongUse(none)| WrongUse(format!("{none}, or use --all")))?]
    };
    sessions.retain(|session| filter.passes(session));
    Ok(sessions)
}

/// The original of a copied session began before the copy and must be read before it.
fn oldest_first(sessions: Vec<Found>) -> Vec<Found> {
    let mut dated: Vec<(Option<DateTime<Utc>>, Found)> = sessions
        .into_iter()
        .map(|session| (session.glance().started_at, session))
        .collect();
    dated.sort_by(|(a_start, a), (b_start, b)| {
        (a_start, a.modified, &a.path).cmp(&(b_start, b.modified, &b.path))
    });
    dated.into_iter().map(|(_, session)| session).collect()
}

/// So many bytes of transcripts are read before their turn comes: enough that every processor has
/// something to do, and few enough not to matter in memory.
const READ_AHEAD: u64 = 16 << 20;

/// Hands every session to `each`. One that cannot be read is said and passed over.
fn read_all(
    sessions: &[Found],
    config: &Config,
    host: &Host,
    mut each: impl FnMut(Collected) -> anyhow::Result<()>,
) -> anyhow::Result<Exit> {
    let mut exit = Exit::Done;
    let read = |found: &Found| {
        let wanted = config.of(found.agent).wanted();
        let collected = pipeline::collect(found, None, None, wanted, host);
        (found.path.clone(), collected)
    };
    ahead::in_order(
        sessions,
        |found| found.bytes,
        READ_AHEAD,
        read,
        |(path, collected)| match collected {
            Ok(Some(collected)) => {
                if let Some(reason) = pipeline::opted_out(&collected.session, host) {
                    let id = short(&collected.session.id);
                    ui::say(format_args!("{id} is left alone: {reason}"));
                    return Ok(());
                }
                for (path, reason) in collected.unreadable() {
                    ui::say(format_args!("cannot read {}: {reason}", path.display()));
                    exit = Exit::Incomplete;
                }
                each(collected)
            }
            Ok(None) => {
                ui::say(format_args!("nothing in {}", path.display()));
                Ok(())
            }
            Err(error) => {
                ui::say(format_args!("{error:#}"));
                exit = Exit::Incomplete;
                Ok(())
            }
        },
    )?;
    Ok(exit)
}

/// Who owns what, over the sessions of one run.
#[derive(Default)]
struct Claims {
    owners: HashMap<Uuid, String>,
}

impl Claims {
    /// Claims for a session what nobody owns yet; the answer is what others own.
    fn claim(&mut self, collected: &Collected) -> HashSet<Uuid> {
        let session = &collected.session.id;
        let mut foreign = HashSet::new();
        for claim in events::claims(&collected.session) {
            let owner = self.owners.entry(claim).or_insert_with(|| session.clone());
            if owner != session {
                foreign.insert(claim);
            }
        }
        foreign
    }
}
