//! What agents keep on disk, read into the vocabulary of a session. Knows no PostHog.
//!
//! Each agent has a folder, and here an arm in each `match`: that is all the others know of it.

pub mod claude_code;
pub mod jsonl;
pub mod pi;
mod times;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, Utc};

use crate::host::Host;
use crate::session::{Agent, Generation, Session, Wanted};
pub use claude_code::{Checkpoint, Running};

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
    /// All in one file.
    Pi(PathBuf),
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
        let agent = if pi::is_session(path) {
            Agent::Pi
        } else {
            Agent::ClaudeCode
        };
        Self::of(agent, path)
    }

    fn of(agent: Agent, path: &Path) -> Option<Self> {
        let meta = fs::metadata(path).ok()?;
        let id = match agent {
            Agent::ClaudeCode => path.file_stem()?.to_string_lossy().into_owned(),
            Agent::Pi => pi::id_in_name(path),
        };
        Some(Self {
            agent,
            id,
            path: path.to_owned(),
            bytes: meta.len(),
            modified: meta.modified().unwrap_or(SystemTime::UNIX_EPOCH),
        })
    }

    /// The session's own id, as it stands in the transcript.
    #[must_use]
    pub fn session_id(&self) -> String {
        match self.agent {
            Agent::ClaudeCode => claude_code::session_id(&self.path),
            Agent::Pi => pi::session_id(&self.path),
        }
    }

    /// Looks at the beginning; a file that cannot be read shows nothing.
    #[must_use]
    pub fn glance(&self) -> Glance {
        match self.agent {
            Agent::ClaudeCode => claude_code::glance(&self.path),
            Agent::Pi => pi::glance(&self.path),
        }
    }

    /// Time of the last line, as it is written there.
    #[must_use]
    pub fn last_written(&self) -> Option<DateTime<Utc>> {
        match self.agent {
            Agent::ClaudeCode => claude_code::last_written(&self.path),
            Agent::Pi => pi::last_written(&self.path),
        }
    }

    /// The files that belong to it.
    ///
    /// # Errors
    /// When the transcript is not there or is no regular file.
    pub fn files(&self) -> io::Result<SessionFiles> {
        Ok(match self.agent {
            Agent::ClaudeCode => SessionFiles::ClaudeCode(claude_code::session_files(&self.path)?),
            Agent::Pi => SessionFiles::Pi(self.path.clone()),
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
        }
    }

    /// Where they are.
    #[must_use]
    pub fn paths(&self) -> Vec<&Path> {
        match self {
            Self::ClaudeCode(files) => {
                let agents = files.agents.iter().map(|agent| agent.path.as_path());
                [files.transcript.as_path()]
                    .into_iter()
                    .chain(agents)
                    .collect()
            }
            Self::Pi(path) => vec![path],
        }
    }

    /// Reads the session, from its start or from where `checkpoint` left off. There is none when
    /// the files hold no line with a time. `wanted` is what is kept of what was said.
    ///
    /// # Errors
    /// When the transcript cannot be read.
    pub fn read(
        &self,
        checkpoint: Option<Checkpoint>,
        wanted: Wanted,
    ) -> anyhow::Result<(Option<Session>, Reading)> {
        Ok(match self {
            Self::ClaudeCode(files) => {
                let (session, reading) = claude_code::read(files, checkpoint, wanted)?;
                (session, Reading::ClaudeCode(reading))
            }
            Self::Pi(path) => (pi::read(path, wanted)?, Reading::Whole),
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
    }
}

/// Every session of this user, whichever agent wrote it, the last written one first.
#[must_use]
pub fn all(host: &Host) -> Vec<Found> {
    let of = |agent: &Agent| folder(*agent, host).map(|folder| of_agent(*agent, &folder));
    newest_first(Agent::ALL.iter().filter_map(of).flatten().collect())
}

/// Every session at or below a folder, the last written one first.
#[must_use]
pub fn below(root: &Path) -> Vec<Found> {
    let paths = claude_code::transcripts(root);
    newest_first(paths.iter().filter_map(|path| Found::at(path)).collect())
}

/// The sessions of the project that the program runs in, the last written one first.
#[must_use]
pub fn of_project(host: &Host) -> Vec<Found> {
    let of = |agent: &Agent| match agent {
        Agent::ClaudeCode => {
            let folder = claude_code::project_dir(host);
            folder.map_or_else(Vec::new, |folder| of_agent(*agent, &folder))
        }
        Agent::Pi => pi::of_project(host)
            .iter()
            .filter_map(|path| Found::of(*agent, path))
            .collect(),
    };
    newest_first(Agent::ALL.iter().flat_map(of).collect())
}

/// The file that has an agent other than Claude Code call this program when a session rests.
#[must_use]
pub fn plugin(agent: Agent, host: &Host) -> Option<PathBuf> {
    match agent {
        Agent::ClaudeCode => None,
        Agent::Pi => pi::extension(host),
    }
}

/// Which sessions are open right now.
#[must_use]
pub fn running(agent: Agent, host: &Host) -> Running {
    match agent {
        Agent::ClaudeCode => claude_code::running(host),
        Agent::Pi => Running::Unknown,
    }
}

fn of_agent(agent: Agent, folder: &Path) -> Vec<Found> {
    let paths = match agent {
        Agent::ClaudeCode => claude_code::transcripts(folder),
        Agent::Pi => pi::transcripts(folder),
    };
    let found = paths.iter().filter_map(|path| Found::of(agent, path));
    found.collect()
}

fn newest_first(mut found: Vec<Found>) -> Vec<Found> {
    found.sort_by(|a, b| {
        b.modified
            .cmp(&a.modified)
            .then_with(|| a.path.cmp(&b.path))
    });
    found
}
