//! The variables that were set when a process of Claude Code began, kept as a file.
//!
//! Claude Code keeps a variable set for as long as it runs, also when the settings file that set it
//! is changed, removed, or replaced by another branch of the repository (seen in version 2.1.332),
//! and hands it on to every Claude Code that is started from it. The files that are there at the
//! end of a session do not tell of such a variable. So the hook at the start notes in the user's
//! own folder what was set, as digests, and which of it the repository had set.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::host::Host;
use crate::integrations::claude_code::is_alive;
use crate::variables::{IfCommitted, Variable};

/// How long the file of a process is kept. The user of a process that runs for longer is asked to
/// start it again.
const KEPT: Duration = Duration::from_hours(30 * 24);

/// Claude Code sets these itself, whatever its settings say (seen in version 2.1.332).
const SET_BY_CLAUDE_CODE: [Variable; 6] = [
    Variable::ClaudePid,
    Variable::InsideClaudeCode,
    Variable::InsideAgent,
    Variable::ClaudeProjectDir,
    Variable::ClaudeSessionId,
    Variable::Columns,
];

/// When in the life of a process of Claude Code its hook is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// It has just begun.
    Begins,
    /// It has just begun, or goes on with another session.
    MayBegin,
    /// It has been running for a while.
    GoesOn,
}

/// The variables that were set when the calling process began, as far as they were written down.
pub(super) enum Beginning {
    /// It is no hook, or this version of Claude Code does not say which process it is: what the
    /// files say now is all there is.
    Untold,
    /// No hook ran at its beginning, so there is no file.
    Missed,
    /// There is a file.
    Noted(Note),
}

/// The content of the file: the variables that were set when a process began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    /// Digests of all values.
    values: BTreeMap<Variable, String>,
    /// The variables that a settings file of the repository had set.
    of_repository: BTreeSet<Variable>,
}

impl Beginning {
    /// Looks it up, or takes note of it. `named` tells whether a file names a variable and
    /// `of_repository` whether one of the repository's decides it.
    pub(super) fn of(
        host: &Host,
        moment: Moment,
        named: &dyn Fn(Variable) -> bool,
        of_repository: &dyn Fn(Variable) -> bool,
    ) -> Self {
        let Some(pid) = host.value(Variable::ClaudePid) else {
            return Self::Untold;
        };
        let pid: Option<u32> = pid.to_str().and_then(|pid| pid.parse().ok());
        let moves_folders = Variable::ALL.iter().any(|variable| {
            variable.if_committed() == IfCommitted::StopsEverything && of_repository(*variable)
        });
        let (Some(pid), Some(folder), false) = (pid, folder(host), moves_folders) else {
            return Self::Missed;
        };
        let file = file(&folder, pid);
        let noted = read(&file);
        match (moment, noted) {
            (Moment::MayBegin | Moment::GoesOn, Some(note)) => Self::Noted(note),
            (Moment::GoesOn, None) => Self::Missed,
            (Moment::Begins, _) | (Moment::MayBegin, None) => {
                let note = Note::now(host, &folder, named, of_repository);
                // Without it, the end of the session trusts nothing that no file explains.
                let _ = note.save(&file, host);
                Self::Noted(note)
            }
        }
    }

    /// Whether a value of which no file tells was the user's when the process began.
    pub(super) fn vouches(&self, variable: Variable, host: &Host) -> bool {
        let Some(value) = digest_of(variable, host) else {
            return true;
        };
        match self {
            Self::Untold => true,
            _ if SET_BY_CLAUDE_CODE.contains(&variable) => true,
            // Folders are set by every login; a repository has only its own to offer.
            Self::Missed if variable.if_committed() == IfCommitted::StopsEverything => {
                !lies_in_project(variable, host)
            }
            Self::Missed => false,
            Self::Noted(note) => {
                note.values.get(&variable) == Some(&value)
                    && !note.of_repository.contains(&variable)
            }
        }
    }
}

impl Note {
    fn now(
        host: &Host,
        folder: &Path,
        named: &dyn Fn(Variable) -> bool,
        of_repository: &dyn Fn(Variable) -> bool,
    ) -> Self {
        let running = of_running(folder);
        let mut note = Self::default();
        for variable in Variable::ALL {
            let Some(value) = digest_of(*variable, host) else {
                continue;
            };
            let is_inherited = || !named(*variable) && hold(&running, *variable, &value);
            if of_repository(*variable) || is_inherited() {
                note.of_repository.insert(*variable);
            }
            note.values.insert(*variable, value);
        }
        note
    }

    fn save(&self, file: &Path, host: &Host) -> anyhow::Result<()> {
        let folder = file.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        for entry in fs::read_dir(folder)?.flatten() {
            let modified = entry.metadata()?.modified()?;
            let age = std::time::SystemTime::from(host.now()).duration_since(modified);
            if age.is_ok_and(|age| age > KEPT) {
                fs::remove_file(entry.path())?;
            }
        }
        let mut new = tempfile::NamedTempFile::new_in(folder)?;
        io::Write::write_all(&mut new, &serde_json::to_vec(self)?)?;
        new.persist(file)?;
        Ok(())
    }
}

/// The process that calls has ended.
pub(crate) fn forget_beginning(host: &Host) {
    let pid = host.variable(Variable::ClaudePid).ok().flatten();
    let pid = pid.and_then(|pid| pid.parse().ok());
    if let (Some(pid), Some(folder)) = (pid, folder(host)) {
        // A file that cannot be deleted now is deleted when its time is over.
        let _ = fs::remove_file(file(&folder, pid));
    }
}

fn folder(host: &Host) -> Option<PathBuf> {
    let config = host.config.as_ref()?;
    Some(config.join(env!("CARGO_PKG_NAME")).join("running"))
}

fn file(folder: &Path, pid: u32) -> PathBuf {
    folder.join(format!("{pid}.json"))
}

fn read(file: &Path) -> Option<Note> {
    serde_json::from_slice(&fs::read(file).ok()?).ok()
}

/// The notes of processes that run. A process that is started by one of them has its environment.
fn of_running(folder: &Path) -> Vec<Note> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let notes = entries.filter_map(|entry| {
        let path = entry.path();
        let pid = path.file_stem()?.to_str()?.parse().ok()?;
        is_alive(pid).then(|| read(&path))?
    });
    notes.collect()
}

/// Whether one of these has this very value from a repository.
fn hold(notes: &[Note], variable: Variable, value: &String) -> bool {
    notes.iter().any(|note| {
        note.of_repository.contains(&variable) && note.values.get(&variable) == Some(value)
    })
}

fn digest_of(variable: Variable, host: &Host) -> Option<String> {
    let value = host.value(variable)?;
    let mut text = String::new();
    for byte in Sha256::digest(value.as_encoded_bytes()).iter().take(16) {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    Some(text)
}

/// Whether a variable names a folder that may have come with the project.
fn lies_in_project(variable: Variable, host: &Host) -> bool {
    let Some(path) = host.path_variable(variable) else {
        return false;
    };
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let project = host.path_variable(Variable::ClaudeProjectDir);
    let mut places = [project, host.cwd.clone()].into_iter().flatten();
    path.is_relative() || places.any(|place| real(&path).starts_with(real(&place)))
}
