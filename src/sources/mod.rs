//! What agents keep on disk, read into the vocabulary of a session. Knows no PostHog.
//!
//! Each agent has a folder with an implementation of `source::Source`, and here a line in
//! `SOURCES` and an arm in `source()`: that is all the others know of it.

mod checkpoint;
pub(crate) mod claude_code;
mod fields;
pub mod jsonl;
mod links;
mod look;
mod opencode;
pub(crate) mod pi;
pub(crate) mod regular;
mod session_ref;
mod source;
pub(crate) mod times;
mod tolerant;
mod turns;
mod walk;
mod work_tree;

use std::io;
use std::path::{Path, PathBuf};

use crate::host::Host;
use crate::session::Agent;
pub use checkpoint::Checkpoint;
use claude_code::ClaudeCode;
use links::Bounds;
pub use look::Look;
use opencode::OpenCode;
use pi::Pi;
pub use session_ref::{Glance, Locator, SessionRef};
use source::Source;
pub use source::{Ours, Reading, SessionFiles};
pub use walk::{Listing, Reason, Unreadable};
pub use work_tree::WorkTree;

/// Every source. A file belongs to the first that claims it, and Claude Code claims all that nobody
/// else does.
const SOURCES: [&dyn Source; 3] = [&OpenCode, &Pi, &ClaudeCode];

/// The source that reads the sessions of an agent.
fn source(agent: Agent) -> &'static dyn Source {
    match agent {
        Agent::ClaudeCode => &ClaudeCode,
        Agent::Pi => &Pi,
        Agent::OpenCode => &OpenCode,
    }
}

/// The session at that path, whoever wrote it.
fn look_at(path: &Path) -> io::Result<SessionRef> {
    let mut sources = SOURCES.into_iter();
    let owner = sources.find(|source| source.claims(path));
    owner.ok_or(io::ErrorKind::NotFound)?.at(path)
}

/// The folder in which an agent keeps its sessions; `None` without a home directory.
#[must_use]
pub fn folder(agent: Agent, host: &Host) -> Option<PathBuf> {
    source(agent).folder(host)
}

/// Every session of this user, whichever agent wrote it, the last written one first.
#[must_use]
pub fn all(host: &Host) -> Listing<SessionRef> {
    of_each_source(|source| source.all(host))
}

/// Every session of this user with one agent, the last written one first.
#[must_use]
pub fn of_agent(agent: Agent, host: &Host) -> Listing<SessionRef> {
    newest_first(source(agent).all(host))
}

/// Every session at or below a folder, or in a database, the last written one first.
#[must_use]
pub fn below(root: &Path) -> Listing<SessionRef> {
    below_within(root, &Bounds::default())
}

/// The same, where links may lead to all that is the user's own.
#[must_use]
pub fn below_for(root: &Path, host: &Host) -> Listing<SessionRef> {
    below_within(root, &Bounds::of(host))
}

fn below_within(root: &Path, bounds: &Bounds) -> Listing<SessionRef> {
    of_each_source(|lister| {
        let mut found = lister.files_below(root, bounds).looked_at(look_at);
        found.found.retain(|it| !source(it.agent).is_part(it));
        found.append(lister.stored_below(root));
        found
    })
}

/// Whether many sessions lie at that path.
#[must_use]
pub fn holds_many(path: &Path) -> bool {
    path.is_dir() || SOURCES.into_iter().any(|source| source.holds_many(path))
}

/// The sessions of the project that the program runs in, the last written one first.
#[must_use]
pub fn of_project(host: &Host) -> Listing<SessionRef> {
    of_each_source(|source| source.of_project(host))
}

/// The path of the session of an agent with that id.
#[must_use]
pub fn locate(agent: Agent, id: &str, host: &Host) -> Option<PathBuf> {
    source(agent).locate(id, host)
}

/// The session that an agent's plugin names: by its file or, where it has none, by its id. `None`
/// when nothing of it is there yet.
#[must_use]
pub fn named_by_plugin(agent: Agent, session: &Path, host: &Host) -> Option<PathBuf> {
    source(agent).named_by_plugin(session, host)
}

/// The work tree that a folder is in, as agents lay them out: by its path alone.
#[must_use]
pub fn work_tree_of(folder: &str) -> Option<WorkTree> {
    let mut sources = SOURCES.into_iter();
    sources.find_map(|source| source.work_tree_of(folder))
}

fn of_each_source(list: impl Fn(&dyn Source) -> Listing<SessionRef>) -> Listing<SessionRef> {
    let mut all = Listing::default();
    for source in SOURCES {
        all.append(list(source));
    }
    newest_first(all)
}

fn newest_first(mut listing: Listing<SessionRef>) -> Listing<SessionRef> {
    listing.found.sort_by(|a, b| {
        b.modified
            .cmp(&a.modified)
            .then_with(|| a.locator.path().cmp(&b.locator.path()))
    });
    // Two ways of looking may meet the same trouble.
    listing.unreadable.sort();
    listing.unreadable.dedup();
    listing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_agent_has_one_source_and_that_is_in_the_table() {
        let agents = SOURCES.map(Source::agent);
        assert_eq!(agents.len(), Agent::ALL.len());
        for agent in Agent::ALL {
            assert_eq!(source(agent).agent(), agent);
            assert!(agents.contains(&agent), "{agent:?}");
        }
    }
}
