//! `ingest --list`: the sessions that were written last.

use crate::commands::select::{self, Filter};
use crate::commands::{Exit, local, short};
use crate::pipeline::project_name;
use crate::sources::{Listing, SessionRef};
use crate::ui;

/// Number of sessions to show.
const RECENT: usize = 20;

pub(super) fn run(sessions: Listing<SessionRef>, filter: &Filter) -> anyhow::Result<Exit> {
    let Listing {
        found: mut sessions,
        unreadable,
    } = sessions;
    sessions.retain(|session| filter.passes(session));
    let sessions = select::each_once(sessions);
    let exit = select::told(&unreadable);
    if sessions.is_empty() {
        ui::say(if filter.is_open() {
            "no sessions were found"
        } else {
            "no session matches"
        });
        return Ok(exit);
    }
    ui::print(format_args!(
        "{:<13}  {:<11}  {:<16}  {:<11}  {:>6}  first prompt",
        "id", "agent", "last written", "project", "size"
    ))?;
    for session in sessions.iter().take(RECENT) {
        let glance = session.glance();
        let project = glance
            .cwd
            .as_deref()
            .and_then(project_name)
            .unwrap_or_default();
        ui::print(format_args!(
            "{:<13}  {:<11}  {}  {}  {:>6}  {}",
            short(&session.id),
            session.agent.as_str(),
            local(session.modified.into()),
            ui::cell(&project, 11),
            ui::short_number(session.bytes),
            ui::fit(glance.prompt.as_deref().unwrap_or(""), 13),
        ))?;
    }
    if sessions.len() > RECENT {
        ui::say(format_args!("and {} more", sessions.len() - RECENT));
    }
    Ok(exit)
}
