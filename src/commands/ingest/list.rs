//! `ingest --list`: the sessions that were written last.

use std::path::Path;

use crate::commands::select::{self, Filter};
use crate::commands::{Exit, local, short};
use crate::sources::{self, Found, Listing};
use crate::ui;

/// How many sessions are shown.
const RECENT: usize = 20;

pub(super) fn run(sessions: Listing<Found>, filter: &Filter) -> anyhow::Result<Exit> {
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
        let project = glance.cwd.as_deref().map(project).unwrap_or_default();
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

/// The name of a session's folder; at the top of a work tree that of its project.
fn project(cwd: &str) -> String {
    let tree = sources::work_tree_of(cwd).filter(|tree| Path::new(cwd) == Path::new(&tree.root));
    let folder = tree.map_or_else(|| cwd.to_owned(), |tree| tree.project);
    let name = Path::new(&folder).file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
