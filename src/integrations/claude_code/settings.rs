//! The settings files of Claude Code, and the variables that they set.
//!
//! `env` blocks stand in the user's own `settings.json`, in a project's `.claude/settings.json`,
//! which is committed with the project and so written by whoever may push to it, and in its
//! `.claude/settings.local.json`, which is meant to be the user's again. The later wins over the
//! earlier, and the settings of an organisation over all of them. Whatever a file sets wins over
//! the environment that Claude Code was started in.
//!
//! Seen in versions 2.1.329 and 2.1.332: a committed file counts when Claude Code is started in the
//! folder that holds it, not in one below; inside a git repository the local file at the top of its
//! main work tree counts in every folder and in linked work trees, and wins over one in the folder
//! itself; and variables stay set for the rest of a session when the file that set them changes.

pub mod content;
pub mod edit;

use std::path::{Path, PathBuf};

use crate::git;
use crate::host::Host;
use crate::sources::claude_code::places::{config_dir, config_dirs, config_dirs_of};
pub use content::Variables;

/// The settings that are committed with a project.
pub const COMMITTED_FILE: &str = ".claude/settings.json";

/// The user's own settings inside a project; normally not committed.
pub const LOCAL_FILE: &str = ".claude/settings.local.json";

/// The user's own settings in every project, in the folder of Claude Code.
pub const USER_FILE: &str = "settings.json";

/// Which settings file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `settings.json`, which is meant to be committed.
    Committed,
    /// `settings.local.json`, which is not.
    Local,
    /// `settings.json` in a folder of Claude Code: the user's own in every project.
    User,
}

/// A settings file that speaks for some sessions and not for others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectFile {
    /// Which of them.
    pub kind: Kind,
    /// The folder that holds `.claude`; of the user's own file, that of Claude Code.
    pub folder: PathBuf,
    /// The file.
    pub path: PathBuf,
    /// What it sets, or why it cannot be read.
    pub variables: Result<Variables, String>,
}

/// The user's own settings: `settings.json` in `CLAUDE_CONFIG_DIR` or `~/.claude`.
#[must_use]
pub fn user_file(host: &Host) -> Option<PathBuf> {
    config_dir(host).map(|config| config.join(USER_FILE))
}

/// Where the user's own settings for sessions in `directory` are looked for, the weaker first.
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

/// The settings files of the project that `directory` is in, the weakest first: those of every
/// folder above, since who says where a project begins is not agreed on, and the local one at the
/// top of the main work tree. The user's own folder of settings is no project.
#[must_use]
pub fn of_project(directory: &Path, host: &Host) -> Vec<ProjectFile> {
    let real = directory.canonicalize();
    let real = real.as_deref().unwrap_or(directory);
    let mut above: Vec<&Path> = directory.ancestors().collect();
    above.extend(
        real.ancestors()
            .filter(|folder| !directory.starts_with(folder)),
    );
    above.reverse();
    let mut places: Vec<(Kind, &Path)> = above
        .iter()
        .flat_map(|folder| [(Kind::Committed, *folder), (Kind::Local, *folder)])
        .collect();
    let main = git::main_work_tree(directory);
    if let Some(main) = &main {
        places.retain(|(kind, folder)| *kind != Kind::Local || *folder != main.as_path());
        places.push((Kind::Local, main));
    }
    places.retain(|(_, folder)| !is_users_own(&folder.join(".claude"), host));
    let files = places.into_iter();
    files
        .filter_map(|(kind, folder)| ProjectFile::read(kind, folder))
        .collect()
}

/// The user's own settings of the folders of Claude Code that a transcript lies in, but for those in
/// force: one may keep accounts apart by folders.
#[must_use]
pub fn of_other_folders(transcript: &Path, host: &Host) -> Vec<ProjectFile> {
    let mut folders = config_dirs_of(transcript, host);
    let in_force = config_dir(host).map(|folder| without_links(&folder));
    folders.retain(|folder| Some(without_links(folder)) != in_force);
    let files = folders.iter();
    files
        .filter_map(|folder| ProjectFile::read(Kind::User, folder))
        .collect()
}

impl ProjectFile {
    /// `None` when there is no such file.
    fn read(kind: Kind, folder: &Path) -> Option<Self> {
        let path = folder.join(match kind {
            Kind::Committed => COMMITTED_FILE,
            Kind::Local => LOCAL_FILE,
            Kind::User => USER_FILE,
        });
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

/// Whether a folder is where the user's own settings are, by whatever path.
fn is_users_own(folder: &Path, host: &Host) -> bool {
    let usual = host.home.as_ref().map(|home| home.join(".claude"));
    let folder = without_links(folder);
    let mut own = config_dirs(host).into_iter().chain(usual);
    own.any(|own| without_links(&own) == folder)
}

fn without_links(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}
