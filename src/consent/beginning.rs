//! The variables that were set when a process of Claude Code began, kept as a file.
//!
//! Claude Code keeps a variable for as long as it runs, even if the settings file that set it is
//! changed, removed, or replaced by another branch of the repository (seen in version 2.1.332), and
//! passes it on to every Claude Code that it starts. The settings files at the end of a session do
//! not show such a variable. So the hook at the start stores digests of the variables in the user's
//! own folder, and which of them settings files had set, of the repository and of the user.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::files;
use crate::host::Host;
use crate::integrations::claude_code::is_alive;
use crate::paths;
use crate::variables::{IfCommitted, Variable};

/// Age at which the file of a process is deleted. The user of a process that runs for longer is
/// asked to restart it.
const KEPT: Duration = Duration::from_hours(30 * 24);

/// Variables that Claude Code sets itself, whatever its settings say (seen in version 2.1.332).
const SET_BY_CLAUDE_CODE: [Variable; 6] = [
    Variable::ClaudePid,
    Variable::InsideClaudeCode,
    Variable::InsideAgent,
    Variable::ClaudeProjectDir,
    Variable::ClaudeSessionId,
    Variable::Columns,
];

/// The moment in the life of a Claude Code process at which its hook is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The process has just begun.
    Begins,
    /// The process has just begun, or has switched to another session.
    MayBegin,
    /// The process has been running for a while.
    GoesOn,
}

/// The stored variables of the calling process, if there are any.
pub(super) enum Beginning {
    /// The caller is no hook, or this version of Claude Code does not name its process: only the
    /// current settings files are known.
    Untold,
    /// No hook ran when the process began, so there is no file.
    Missed,
    /// The content of the file.
    Noted(Note),
}

/// The content of the file: the variables that were set when a process began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    /// Digests of all values.
    values: BTreeMap<Variable, String>,
    /// The variables that were set by a settings file of the repository.
    of_repository: BTreeSet<Variable>,
    /// The variables that were set by a settings file of the user. Those that no file sets any more
    /// were taken back.
    #[serde(default)]
    of_files: BTreeSet<Variable>,
}

impl Beginning {
    /// Reads the stored variables, or stores them. `named` returns whether a settings file names a
    /// variable, `of_repository` whether a file of the repository decides it.
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
                // If it cannot be stored, the end of the session trusts no value without a settings
                // file.
                let _ = note.save(&file, host);
                Self::Noted(note)
            }
        }
    }

    /// Whether a value that no settings file explains was that of the user's shell when the process
    /// began.
    pub(super) fn vouches(&self, variable: Variable, host: &Host) -> bool {
        let Some(value) = digest_of(variable, host) else {
            return true;
        };
        match self {
            Self::Untold => true,
            _ if SET_BY_CLAUDE_CODE.contains(&variable) => true,
            // Every login sets these folders, and a repository can only point them to a folder of
            // its own.
            Self::Missed if variable.if_committed() == IfCommitted::StopsEverything => {
                !lies_in_project(variable, host)
            }
            Self::Missed => false,
            Self::Noted(note) => {
                note.values.get(&variable) == Some(&value)
                    && !note.of_repository.contains(&variable)
                    && !note.of_files.contains(&variable)
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
            } else if named(*variable) {
                note.of_files.insert(*variable);
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
        files::persist(new, file)?;
        Ok(())
    }
}

/// Deletes the file of the calling process, which has ended.
pub(crate) fn forget_beginning(host: &Host) {
    let pid = host.variable(Variable::ClaudePid).ok().flatten();
    let pid = pid.and_then(|pid| pid.parse().ok());
    if let (Some(pid), Some(folder)) = (pid, folder(host)) {
        // A file that cannot be deleted now is deleted when it expires.
        let _ = fs::remove_file(file(&folder, pid));
    }
}

/// Removes the notes of all processes.
///
/// # Errors
/// When they cannot be removed.
pub(crate) fn forget_all_beginnings(host: &Host) -> io::Result<()> {
    match folder(host).map(fs::remove_dir_all) {
        Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Some(Ok(()) | Err(_)) | None => Ok(()),
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

/// The stored variables of running processes. A process started by one of them has its environment.
fn of_running(folder: &Path) -> Vec<Note> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let notes = entries.filter_map(|entry| {
        let path = entry.path();
        let pid = path.file_stem()?.to_str()?.parse().ok()?;
        is_alive(pid).then(|| read(&path))?
    });
    notes.collect()
}

/// Whether one of `notes` has exactly this value from a repository.
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
    let project = host.path_variable(Variable::ClaudeProjectDir);
    let mut places = [project, host.cwd.clone()].into_iter().flatten();
    path.is_relative() || places.any(|place| paths::lies_in(&path, &place))
}
