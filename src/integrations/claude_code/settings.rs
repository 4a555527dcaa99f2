//! The settings files of Claude Code and the variables that they set.
//!
//! Three files have an `env` block: the user's own `settings.json`, a project's
//! `.claude/settings.json`, which is committed and so written by everyone who may push, and its
//! `.claude/settings.local.json`, which is meant to be the user's. Later ones override earlier
//! ones, the settings of an organisation override all of them, and every file overrides the
//! environment in which Claude Code was started.
//!
//! Seen in versions 2.1.329 and 2.1.332: a committed file applies if Claude Code is started in its
//! folder, not below it. Inside a git repository, the local file at the top of its main work tree
//! applies in every folder and in linked work trees, and overrides one in the folder itself.
//! Variables stay set for the rest of a session if the file that set them changes.

pub mod content;
pub mod edit;

use std::cell::LazyCell;
use std::path::{Path, PathBuf};

use crate::git;
use crate::host::Host;
use crate::paths;
use crate::sources::claude_code::places::{config_dir, config_dirs, config_dirs_of};
pub use content::Variables;

/// Path of the settings that are committed with a project.
pub const COMMITTED_FILE: &str = ".claude/settings.json";

/// Path of the user's own settings inside a project, which are normally not committed.
pub const LOCAL_FILE: &str = ".claude/settings.local.json";

/// Name of the user's own settings for all projects, in the folder of Claude Code.
pub const USER_FILE: &str = "settings.json";

/// Kind of settings file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `settings.json`, which is meant to be committed.
    Committed,
    /// `settings.local.json`, which is meant not to be committed.
    Local,
    /// `settings.json` in a folder of Claude Code: the user's own in every project.
    User,
}

impl Kind {
    /// The file of this kind that belongs to a folder.
    fn file(self, folder: &Path) -> PathBuf {
        folder.join(match self {
            Self::Committed => COMMITTED_FILE,
            Self::Local => LOCAL_FILE,
            Self::User => USER_FILE,
        })
    }
}

/// A settings file that applies to some sessions only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectFile {
    /// Its kind.
    pub kind: Kind,
    /// The folder that contains `.claude`; for the user's own file, the folder of Claude Code.
    pub folder: PathBuf,
    /// The file.
    pub path: PathBuf,
    /// The variables it sets, or the reason for which it cannot be read.
    pub variables: Result<Variables, String>,
}

/// The user's own settings: `settings.json` in `CLAUDE_CONFIG_DIR` or `~/.claude`.
#[must_use]
pub fn user_file(host: &Host) -> Option<PathBuf> {
    config_dir(host).map(|config| config.join(USER_FILE))
}

/// The user's own settings; `None` if there is no file.
#[must_use]
pub fn of_user(host: &Host) -> Option<ProjectFile> {
    ProjectFile::read(Kind::User, &config_dir(host)?)
}

/// Paths of the user's own settings for sessions in `directory`, the weaker first.
#[must_use]
pub fn local_files(directory: &Path) -> Vec<PathBuf> {
    let folders = [Some(directory.to_owned()), git::main_work_tree(directory)];
    let mut files: Vec<PathBuf> = folders
        .into_iter()
        .flatten()
        .map(|folder| folder.join(LOCAL_FILE))
        .collect();
    files.dedup();
    files
}

/// The settings files of the project of `directory`, the weakest first: those of every folder
/// above, since the root of a project is not defined, and the local one at the top of the main work
/// tree. The user's own folder of settings is no project.
#[must_use]
pub fn of_project(directory: &Path, host: &Host) -> Vec<ProjectFile> {
    let spellings = paths::spellings(directory);
    let mut above: Vec<&Path> = Vec::new();
    for folder in spellings.iter().flat_map(|it| it.ancestors()) {
        if !above.contains(&folder) {
            above.push(folder);
        }
    }
    above.reverse();
    let mut places: Vec<(Kind, &Path)> = above
        .iter()
        .flat_map(|folder| [(Kind::Committed, *folder), (Kind::Local, *folder)])
        .collect();
    let main = spellings.iter().find_map(|it| git::main_work_tree(it));
    if let Some(main) = &main {
        places.retain(|(kind, folder)| *kind != Kind::Local || *folder != main.as_path());
        places.push((Kind::Local, main));
    }
    places.retain(|(kind, folder)| content::may_exist(&kind.file(folder)));
    // Links are resolved only if there is a file.
    let own = LazyCell::new(|| users_own(host));
    let is_own = |folder: &Path| {
        let settings = folder.join(".claude");
        own.iter().any(|own| paths::are_same(own, &settings))
    };
    places.retain(|(_, folder)| !is_own(folder));
    let files = places.into_iter();
    files
        .filter_map(|(kind, folder)| ProjectFile::read(kind, folder))
        .collect()
}

/// The user's own settings in the Claude Code folders of a transcript, except those in force. Users
/// may have one folder per account.
#[must_use]
pub fn of_other_folders(transcript: &Path, host: &Host) -> Vec<ProjectFile> {
    let mut folders = config_dirs_of(transcript, host);
    let in_force = config_dir(host);
    let is_in_force = |it: &Path| {
        in_force
            .as_ref()
            .is_some_and(|own| paths::are_same(own, it))
    };
    folders.retain(|folder| !is_in_force(folder));
    let files = folders.iter();
    files
        .filter_map(|folder| ProjectFile::read(Kind::User, folder))
        .collect()
}

impl ProjectFile {
    /// Reads a file; `None` if there is none.
    fn read(kind: Kind, folder: &Path) -> Option<Self> {
        let path = kind.file(folder);
        let variables = |settings| {
            let mut variables = content::variables(&settings);
            if kind == Kind::User {
                variables.extend(content::options(&settings));
            }
            variables
        };
        content::may_exist(&path).then(|| Self {
            kind,
            folder: folder.to_owned(),
            variables: content::read(&path).map(variables),
            path,
        })
    }
}

/// The folders that hold the user's own settings.
fn users_own(host: &Host) -> Vec<PathBuf> {
    let usual = host.home.as_ref().map(|home| home.join(".claude"));
    config_dirs(host).into_iter().chain(usual).collect()
}
