//! The sources of all agents: one table, and the functions that choose from it.

use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::checkpoint::Checkpoint;
use super::claude_code::ClaudeCode;
use super::links::Bounds;
use super::opencode::OpenCode;
use super::otlp::{self, Otlp};
use super::pi::Pi;
use super::session_ref::{Glance, Reporter, SessionRef};
use super::source::{SessionFiles, Source};
use super::walk::Listing;
use super::work_tree::WorkTree;
use crate::host::Host;
use crate::inbox::{self, Route, TraceKey};
use crate::otlp::responses::is_like_openrouters;
use crate::session::{Agent, Generation, Recording, Session};

/// All sources. A file belongs to the first that claims it; Claude Code, the last, claims every
/// file.
const SOURCES: [&dyn Source; 4] = [&OpenCode, &Pi, &Otlp, &ClaudeCode];

/// The source that reads the sessions of an agent.
fn source(agent: Agent) -> &'static dyn Source {
    match agent {
        Agent::ClaudeCode => &ClaudeCode,
        Agent::Pi => &Pi,
        Agent::OpenCode => &OpenCode,
        Agent::Otlp => &Otlp,
    }
}

/// The session at that path, of any agent.
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

/// Every session of this user, of all agents, the most recently written first.
#[must_use]
pub fn all(host: &Host) -> Listing<SessionRef> {
    of_each_source(|source| source.all(host))
}

/// Every session of this user with one agent, the most recently written first.
#[must_use]
pub fn of_agent(agent: Agent, host: &Host) -> Listing<SessionRef> {
    newest_first(source(agent).all(host))
}

/// Every session at or below a folder, or in a database, the most recently written first.
#[must_use]
pub fn below(root: &Path) -> Listing<SessionRef> {
    below_within(root, &Bounds::default())
}

/// As [`below`], and links may lead to any folder of the user.
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

/// Whether the path is a folder, or a store of many sessions.
#[must_use]
pub fn holds_many(path: &Path) -> bool {
    path.is_dir() || SOURCES.into_iter().any(|source| source.holds_many(path))
}

/// The sessions of the project in the current directory, the most recently written first.
#[must_use]
pub fn of_project(host: &Host) -> Listing<SessionRef> {
    of_each_source(|source| source.of_project(host))
}

/// The path of the session of an agent with that id.
#[must_use]
pub fn locate(agent: Agent, id: &str, host: &Host) -> Option<PathBuf> {
    source(agent).locate(id, host)
}

/// The route of a received session, by its key among those of an agent; `None` for a session that
/// was not received.
#[must_use]
pub fn route_of_key(agent: &str, key: &str) -> Option<Route> {
    (agent == Agent::Otlp.as_str()).then(|| otlp::route_of_key(key))
}

/// The received trace with this key among those of an agent; `None` for a session that is none.
#[must_use]
pub fn trace_of_key(agent: &str, key: &str) -> Option<TraceKey> {
    let is_received = agent == Agent::Otlp.as_str();
    is_received.then(|| otlp::trace_of_key(key))?
}

/// The calls of a session that OpenRouter delivered by these routes to the receiver of this state
/// directory: see [`Reporter::Gateway`](super::Reporter). Empty if nothing was ever received.
///
/// # Errors
/// When the inbox cannot be read.
pub fn delivered(
    session: &Session,
    state_directory: &Path,
    routes: &[Route],
) -> io::Result<Vec<Generation>> {
    let database = inbox::database(state_directory);
    if session.agent == Agent::Otlp || !inbox::is_there(state_directory) {
        return Ok(Vec::new());
    }
    let generations = session.all_generations().into_iter();
    let responses = generations.filter_map(|it| it.response.as_deref());
    let of_openrouter: Vec<&str> = responses.filter(|id| is_like_openrouters(id)).collect();
    let mut delivered = Vec::new();
    for route in routes {
        delivered.extend(otlp::delivered(
            &database,
            route,
            &session.id,
            &of_openrouter,
        )?);
    }
    Ok(delivered)
}

/// The session that an agent's plugin names, by its file or, if it has none, by its id. `None`
/// while nothing of it is stored.
#[must_use]
pub fn named_by_plugin(agent: Agent, session: &Path, host: &Host) -> Option<PathBuf> {
    source(agent).named_by_plugin(session, host)
}

/// The work tree that contains a folder, found by the folder's path alone.
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
    // Two sources may report the same path.
    listing.unreadable.sort();
    listing.unreadable.dedup();
    listing
}

impl SessionRef {
    /// The session whose transcript is at `path`, of any agent; `None` when there is no file.
    #[must_use]
    pub fn at(path: &Path) -> Option<Self> {
        look_at(path).ok()
    }

    /// The session's own id, as the transcript states it.
    #[must_use]
    pub fn session_id(&self) -> String {
        source(self.agent).session_id(self)
    }

    /// A key that is unique among the agent's sessions; see
    /// [`Session::key`](crate::session::Session::key).
    #[must_use]
    pub fn session_key(&self) -> String {
        source(self.agent).session_key(self)
    }

    /// Whether both are transcripts of one session, which may be in several folders.
    #[must_use]
    pub fn is_copy_of(&self, other: &Self) -> bool {
        (self.agent, &self.id) == (other.agent, &other.id)
            && self.session_key() == other.session_key()
    }

    /// Reads the beginning of the session; empty when it cannot be read.
    #[must_use]
    pub fn glance(&self) -> Glance {
        source(self.agent).glance(self)
    }

    /// Start time. As in [`SessionRef::glance`], but with less reading.
    #[must_use]
    pub fn started_at(&self) -> Option<DateTime<Utc>> {
        source(self.agent).started_at(self)
    }

    /// Time of the last line, as the transcript states it.
    #[must_use]
    pub fn last_written(&self) -> Option<DateTime<Utc>> {
        source(self.agent).last_written(self)
    }

    /// The route by which the session was received; `None` if it was read from files.
    #[must_use]
    pub fn route(&self) -> Option<Route> {
        source(self.agent).route(self)
    }

    /// The coding agent or gateway that reported every call of this trace, if an agent's own
    /// sessions may contain them too.
    #[must_use]
    pub fn reporter(&self) -> Option<Reporter> {
        source(self.agent).reporter(self)
    }

    /// Ids, in lower case, of the sessions of coding agents that a trace names, under any name. They
    /// decide only whether the trace may be sent, since the user may have excluded one of them; so
    /// some may be ids of something else.
    ///
    /// # Errors
    /// When the trace cannot be read.
    pub fn named(&self) -> io::Result<Vec<String>> {
        source(self.agent).named(self)
    }

    /// The work trees that the session's own lines name.
    #[must_use]
    pub fn work_trees(&self) -> Vec<WorkTree> {
        source(self.agent).work_trees(self)
    }

    /// The files that belong to it.
    ///
    /// # Errors
    /// When the transcript does not exist or is not a regular file.
    pub fn files(&self, host: &Host) -> io::Result<Box<dyn SessionFiles>> {
        source(self.agent).files(self, host)
    }
}

impl Checkpoint {
    /// The bytes to store, with `replace` applied to every text in them, and without the texts that
    /// are not recorded. `None` when the bytes cannot be read, so that their texts cannot be found:
    /// the session is then read from its start.
    #[must_use]
    pub fn into_bytes(
        self,
        recording: Recording,
        replace: &mut dyn FnMut(String) -> String,
    ) -> Option<Vec<u8>> {
        source(self.agent()).replace_texts(self.bytes(), recording, replace)
    }
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
