//! What agents keep on disk, read into the vocabulary of a session. Knows no PostHog.
//!
//! Each agent has a folder, and here an arm in each `match`: that is all the others know of it.

pub mod claude_code;
mod fields;
pub mod jsonl;
mod links;
mod look;
pub mod opencode;
pub mod pi;
pub(crate) mod regular;
pub(crate) mod times;
mod tolerant;
mod turns;
mod walk;
mod work_tree;

use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, Utc};

use crate::host::Host;
use crate::session::{Agent, Generation, Session, Wanted};
pub use claude_code::Checkpoint;
use links::Bounds;
pub use look::Look;
use look::milliseconds_after_1970;
pub use walk::{Listing, Reason, Unreadable};
pub use work_tree::{WorkTree, work_tree_of};

/// A session that was found and not yet read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Who wrote it.
    pub agent: Agent,
    /// The id that its file is named by.
    pub id: String,
    /// Its transcript.
    pub path: PathBuf,
    /// Size of the transcript in bytes.
    pub bytes: u64,
    /// When the transcript was last written to.
    pub modified: SystemTime,
}

/// The beginning of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Glance {
    /// Time of the first line.
    pub started_at: Option<DateTime<Utc>>,
    /// Where the session was started.
    pub cwd: Option<String>,
    /// What was asked first.
    pub prompt: Option<String>,
}

/// The files of one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionFiles {
    /// A transcript, and one for each subagent.
    ClaudeCode(claude_code::SessionFiles),
    /// A file, and one for each subagent beside it.
    Pi(PathBuf),
    /// In a database or a tree of files.
    OpenCode(opencode::Address),
}

/// How a reading went, besides the session that it found.
#[derive(Debug)]
pub enum Reading {
    /// Of files that can be read on from where this reading ended.
    ClaudeCode(claude_code::Reading),
    /// Of a session that is always read whole.
    Whole,
}

impl Found {
    /// The session whose transcript is at `path`, whoever wrote it; `None` when no file is there.
    #[must_use]
    pub fn at(path: &Path) -> Option<Self> {
        Self::look_at(path).ok()
    }

    fn look_at(path: &Path) -> io::Result<Self> {
        let agent = if opencode::Address::at(path).is_some() {
            Agent::OpenCode
        } else if pi::is_session(path) {
            Agent::Pi
        } else {
            Agent::ClaudeCode
        };
        Self::of(agent, path)
    }

    fn of(agent: Agent, path: &Path) -> io::Result<Self> {
        let address = || opencode::Address::at(path).ok_or(ErrorKind::NotFound);
        let id = match agent {
            Agent::ClaudeCode => claude_code::named(path).ok_or(ErrorKind::NotFound)?,
            Agent::Pi => pi::id_in_name(path),
            Agent::OpenCode => address()?.id().to_owned(),
        };
        let look = match agent {
            Agent::ClaudeCode => Look::of(path)?,
            Agent::Pi => Look::of_all(path, &pi::files(path))?,
            Agent::OpenCode => Look::of_address(&address()?)?,
        };
        Ok(Self {
            agent,
            id,
            path: look.path,
            bytes: look.bytes,
            modified: look.modified,
        })
    }

    fn of_entry(entry: opencode::Entry) -> Self {
        Self {
            agent: Agent::OpenCode,
            modified: milliseconds_after_1970(entry.updated),
            id: entry.id,
            path: entry.path,
            bytes: entry.bytes,
        }
    }

    fn address(&self) -> Option<opencode::Address> {
        opencode::Address::at(&self.path)
    }

    /// The session's own id, as it stands in the transcript.
    #[must_use]
    pub fn session_id(&self) -> String {
        match self.agent {
            Agent::ClaudeCode => claude_code::session_id(&self.path),
            Agent::Pi => pi::session_id(&self.path),
            Agent::OpenCode => self.id.clone(),
        }
    }

    /// What tells the session from every other one; see [`Session::key`].
    #[must_use]
    pub fn session_key(&self) -> String {
        match self.agent {
            Agent::ClaudeCode | Agent::OpenCode => self.session_id(),
            Agent::Pi => pi::session_key(&self.path),
        }
    }

    /// Whether both are transcripts of one session, which may lie in several folders.
    #[must_use]
    pub fn is_copy_of(&self, other: &Self) -> bool {
        (self.agent, &self.id) == (other.agent, &other.id)
            && self.session_key() == other.session_key()
    }

    /// Looks at the beginning; a file that cannot be read shows nothing.
    #[must_use]
    pub fn glance(&self) -> Glance {
        match self.agent {
            Agent::ClaudeCode => claude_code::glance(&self.path),
            Agent::Pi => pi::glance(&self.path),
            Agent::OpenCode => self
                .address()
                .as_ref()
                .map_or_else(Glance::default, opencode::glance),
        }
    }

    /// When it began, as [`Found::glance`] tells as well, but with less reading.
    #[must_use]
    pub fn started_at(&self) -> Option<DateTime<Utc>> {
        match self.agent {
            Agent::ClaudeCode => claude_code::started_at(&self.path),
            Agent::Pi => pi::started_at(&self.path),
            Agent::OpenCode => opencode::started_at(&self.address()?),
        }
    }

    /// Time of the last line, as it is written there.
    #[must_use]
    pub fn last_written(&self) -> Option<DateTime<Utc>> {
        match self.agent {
            Agent::ClaudeCode => claude_code::last_written(&self.path),
            Agent::Pi => pi::last_written(&self.path),
            Agent::OpenCode => opencode::last_written(&self.address()?),
        }
    }

    /// The work trees that its own lines tell of.
    #[must_use]
    pub fn work_trees(&self) -> Vec<WorkTree> {
        match self.agent {
            Agent::ClaudeCode => claude_code::work_trees(&self.path),
            Agent::Pi | Agent::OpenCode => Vec::new(),
        }
    }

    /// The files that belong to it.
    ///
    /// # Errors
    /// When the transcript is not there or is no regular file.
    pub fn files(&self, host: &Host) -> io::Result<SessionFiles> {
        Ok(match self.agent {
            Agent::ClaudeCode => {
                SessionFiles::ClaudeCode(claude_code::session_files(&self.path, host)?)
            }
            Agent::Pi => SessionFiles::Pi(self.path.clone()),
            Agent::OpenCode => SessionFiles::OpenCode(self.address().ok_or(ErrorKind::NotFound)?),
        })
    }
}

impl SessionFiles {
    /// The session's own id, as it stands in the transcript.
    #[must_use]
    pub fn session_id(&self) -> String {
        match self {
            Self::ClaudeCode(files) => files.session_id.clone(),
            Self::Pi(path) => pi::session_id(path),
            Self::OpenCode(address) => address.id().to_owned(),
        }
    }

    /// What tells the session from every other one; see [`Session::key`].
    #[must_use]
    pub fn session_key(&self) -> String {
        match self {
            Self::Pi(path) => pi::session_key(path),
            Self::ClaudeCode(_) | Self::OpenCode(_) => self.session_id(),
        }
    }

    /// How they look now; what is not there is left out.
    #[must_use]
    pub fn looks(&self) -> Vec<Look> {
        let paths: Vec<&Path> = match self {
            Self::ClaudeCode(files) => {
                let agents = files.agents.iter().map(|agent| agent.path.as_path());
                [files.transcript.as_path()]
                    .into_iter()
                    .chain(agents)
                    .collect()
            }
            Self::Pi(path) => {
                let looks = pi::files(path).into_iter().map(|path| Look::of(&path));
                return looks.filter_map(Result::ok).collect();
            }
            Self::OpenCode(address) => {
                return Look::of_address(address).into_iter().collect();
            }
        };
        let looks = paths.into_iter().map(Look::of);
        looks.filter_map(Result::ok).collect()
    }

    /// The folders that the session worked in, where it may be read in parts; what is read whole
    /// tells them itself.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn folders(&self) -> io::Result<BTreeSet<String>> {
        match self {
            Self::ClaudeCode(files) => claude_code::folders(files),
            Self::Pi(_) | Self::OpenCode(_) => Ok(BTreeSet::new()),
        }
    }

    /// Reads the session, from its start or from where `checkpoint` left off. There is none when
    /// the files hold no line with a time. `wanted` is what is kept of what was said. After about
    /// `most` bytes the reading may stop (see [`Reading::is_part`]).
    ///
    /// # Errors
    /// When the transcript cannot be read.
    pub fn read(
        &self,
        checkpoint: Option<Checkpoint>,
        wanted: Wanted,
        most: u64,
    ) -> anyhow::Result<(Option<Session>, Reading)> {
        Ok(match self {
            Self::ClaudeCode(files) => {
                let (session, reading) = claude_code::read(files, checkpoint, wanted, most)?;
                (session, Reading::ClaudeCode(reading))
            }
            Self::Pi(path) => (pi::read(path, wanted)?, Reading::Whole),
            Self::OpenCode(address) => (opencode::read(address, wanted)?, Reading::Whole),
        })
    }
}

impl Reading {
    /// What to keep so that the next reading costs only what is new. `ours` tells the generations
    /// of this session from those copied out of another.
    #[must_use]
    pub fn checkpoint(
        &self,
        session: &Session,
        ours: &dyn Fn(&Generation) -> bool,
    ) -> Option<Checkpoint> {
        match self {
            Self::ClaudeCode(reading) => reading.checkpoint(session, ours),
            Self::Whole => None,
        }
    }

    /// Whether there is more of the session than was read.
    #[must_use]
    pub const fn is_part(&self) -> bool {
        match self {
            Self::ClaudeCode(reading) => reading.is_part,
            Self::Whole => false,
        }
    }

    /// Cuts a part down to what cannot change any more, and returns where the next one begins.
    /// `None` when nothing would be left: it has to be read again, together with more. For `ours`
    /// see [`Reading::checkpoint`].
    #[must_use]
    pub fn cut(
        &self,
        session: &mut Session,
        ours: &dyn Fn(&Generation) -> bool,
    ) -> Option<Checkpoint> {
        match self {
            Self::ClaudeCode(reading) => reading.cut(session, ours),
            Self::Whole => None,
        }
    }

    /// Subagent transcripts that could not be read, with the reason.
    #[must_use]
    pub fn unreadable(&self) -> &[(PathBuf, String)] {
        match self {
            Self::ClaudeCode(reading) => &reading.unreadable,
            Self::Whole => &[],
        }
    }
}

/// The folder in which an agent keeps its sessions; `None` without a home directory.
#[must_use]
pub fn folder(agent: Agent, host: &Host) -> Option<PathBuf> {
    match agent {
        Agent::ClaudeCode => claude_code::projects_dir(host),
        Agent::Pi => pi::sessions_dir(host),
        Agent::OpenCode => opencode::data_dir(host),
    }
}

/// Every session of this user, whichever agent wrote it, the last written one first.
#[must_use]
pub fn all(host: &Host) -> Listing<Found> {
    each_agent(|agent| list(agent, host))
}

/// Every session of this user with one agent, the last written one first.
#[must_use]
pub fn of_agent(agent: Agent, host: &Host) -> Listing<Found> {
    newest_first(list(agent, host))
}

fn list(agent: Agent, host: &Host) -> Listing<Found> {
    match agent {
        Agent::ClaudeCode => looked_at(claude_code::all(host), |path| Found::of(agent, path)),
        Agent::Pi => looked_at(pi::all(host), |path| Found::of(agent, path)),
        Agent::OpenCode => of_entries(opencode::sessions(host)),
    }
}

/// Every session at or below a folder, or in a database, the last written one first.
#[must_use]
pub fn below(root: &Path) -> Listing<Found> {
    below_within(root, &Bounds::default())
}

/// The same, where links may lead to all that is the user's own.
#[must_use]
pub fn below_for(root: &Path, host: &Host) -> Listing<Found> {
    below_within(root, &Bounds::of(host))
}

fn below_within(root: &Path, bounds: &Bounds) -> Listing<Found> {
    let transcripts = claude_code::transcripts(&[root.to_owned()], bounds);
    let mut found = looked_at(transcripts, Found::look_at);
    found
        .found
        .retain(|found| found.agent != Agent::Pi || !pi::is_part(&found.path));
    found.append(of_entries(opencode::below(root)));
    newest_first(found)
}

/// Whether many sessions lie at that path.
#[must_use]
pub fn holds_many(path: &Path) -> bool {
    path.is_dir() || opencode::is_database(path)
}

/// The sessions of the project that the program runs in, the last written one first.
#[must_use]
pub fn of_project(host: &Host) -> Listing<Found> {
    each_agent(|agent| match agent {
        Agent::ClaudeCode => {
            looked_at(claude_code::of_project(host), |path| Found::of(agent, path))
        }
        Agent::Pi => looked_at(pi::of_project(host), |path| Found::of(agent, path)),
        Agent::OpenCode => of_entries(opencode::of_project(host)),
    })
}

/// The session that an agent's plugin names: by its file or, where it has none, by its id. `None`
/// when nothing of it is there yet.
#[must_use]
pub fn named_by_plugin(agent: Agent, session: &Path, host: &Host) -> Option<PathBuf> {
    match agent {
        Agent::ClaudeCode => {
            let path = std::path::absolute(session).ok()?;
            path.is_file().then_some(path)
        }
        Agent::Pi => pi::named(session),
        Agent::OpenCode => opencode::locate(session.to_str()?, host),
    }
}

fn each_agent(list: impl Fn(Agent) -> Listing<Found>) -> Listing<Found> {
    let mut all = Listing::default();
    for agent in Agent::ALL {
        all.append(list(agent));
    }
    newest_first(all)
}

fn looked_at(paths: Listing<PathBuf>, look: impl Fn(&Path) -> io::Result<Found>) -> Listing<Found> {
    let mut found = Listing {
        found: Vec::with_capacity(paths.found.len()),
        unreadable: paths.unreadable,
    };
    for path in paths.found {
        found.add(&path, look(&path));
    }
    found
}

fn of_entries(entries: Listing<opencode::Entry>) -> Listing<Found> {
    entries.map(Found::of_entry)
}

fn newest_first(mut listing: Listing<Found>) -> Listing<Found> {
    listing.found.sort_by(|a, b| {
        b.modified
            .cmp(&a.modified)
            .then_with(|| a.path.cmp(&b.path))
    });
    // Two ways of looking may meet the same trouble.
    listing.unreadable.sort();
    listing.unreadable.dedup();
    listing
}
