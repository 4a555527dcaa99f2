//! `ingest --list`: the sessions that were written last.

use std::path::Path;

use crate::commands::select::Filter;
use crate::commands::{Exit, local, short};
use crate::sources::Found;
use crate::ui;

/// How many sessions are shown.
const RECENT: usize = 20;

pub(super) fn run(mut sessions: Vec<Found>, filter: &Filter) -> anyhow::Result<Exit> {
    sessions.retain(|session| filter.passes(session));
    if sessions.is_empty() {
        ui::say(if filter.is_open() {
            "no sessions were found"
        } else {
            "no session matches"
        });
        return Ok(Exit::Done);
    }
    ui::print(format_args!(
        "{:<8}  {:<11}  {:<16}  {:<11}  {:>6}  first prompt",
        "id", "agent", "last written", "project", "size"
    ))?;
    for session in sessions.iter().take(RECENT) {
        let glance = session.glance();
        let project = glance
            .cwd
            .as_deref()
            .and_then(|cwd| Path::new(cwd).file_name());
        let project = project
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        ui::print(format_args!(
            "{:<8}  {:<11}  {}  {}  {:>6}  {}",
            short(&session.id),
            session.agent.as_str(),
            local(session.modified.into()),
            ui::cell(&project, 11),
            ui::short_number(session.bytes),
            ui::fit(glance.prompt.as_deref().unwrap_or(""), 16),
        ))?;
    }
    if sessions.len() > RECENT {
        ui::say(format_args!("and {} more", sessions.len() - RECENT));
    }
    Ok(Exit::Done)
}
