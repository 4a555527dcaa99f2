//! The settings file to write, and the settings that override it.

use std::path::PathBuf;

use anyhow::Context;

use crate::commands::words;
use crate::git::{self, Standing};
use crate::host::Host;
use crate::integrations::claude_code::in_force::{InForce, SettingsFile};
use crate::integrations::claude_code::settings;

/// A settings file of Claude Code.
pub(super) struct Place {
    pub(super) file: PathBuf,
    /// The local settings of one project.
    pub(super) is_project: bool,
}

impl Place {
    pub(super) fn find(is_project: bool, host: &Host) -> anyhow::Result<Self> {
        let file = if is_project {
            project(host)?.join(settings::LOCAL_FILE)
        } else {
            settings::user_file(host)
                .context("there is no home directory; set CLAUDE_CONFIG_DIR")?
        };
        Ok(Self { file, is_project })
    }

    /// The reason why the file would have no effect: settings inside a project count as the user's
    /// own only if git ignores them.
    pub(super) fn objection(&self, host: &Host) -> Option<String> {
        let file = words::path(&self.file, host);
        match git::standing(&self.file) {
            _ if !self.is_project => None,
            Standing::Untracked => None,
            Standing::Tracked => Some(format!(
                "git tracks {file}, so the key would be in the repository. Untrack it \
                 first: git rm --cached {}",
                settings::LOCAL_FILE
            )),
            Standing::Unknown => Some(format!(
                "{file} would count as part of the project, since git does not say that it is \
                 yours: run setup in a git repository, or without --project for all projects"
            )),
        }
    }

    /// Messages about settings that override the file, and about its permissions.
    pub(super) fn warnings(&self, variables: &[(&str, &str)], host: &Host) -> Vec<String> {
        let mut warnings = Vec::new();
        for file in self.stronger(host) {
            let set = file.variables();
            for (name, value) in variables {
                if set.get(*name).is_some_and(|other| other.trim() != *value) {
                    let file = words::path(&file.path, host);
                    warnings.push(format!("{file} sets {name} to something else, and wins"));
                }
            }
        }
        if self.is_project {
            let file = words::path(&self.file, host);
            if git::is_ignored(&self.file) == Some(false) {
                warnings.push(format!(
                    "git does not ignore {file}: add {} to .gitignore before you commit",
                    settings::LOCAL_FILE
                ));
            }
        }
        warnings
    }

    /// The files that override this one, as far as they are visible from here.
    fn stronger(&self, host: &Host) -> Vec<SettingsFile> {
        let files = InForce::read(host).files.into_iter();
        files
            .skip_while(|file| file.path != self.file)
            .skip(1)
            .collect()
    }
}

/// The folder whose local settings count in the whole project: the top of the repository, otherwise
/// the current folder.
fn project(host: &Host) -> anyhow::Result<PathBuf> {
    let cwd = host.cwd.as_ref().context("the current folder is gone")?;
    Ok(git::main_work_tree(cwd).unwrap_or_else(|| cwd.clone()))
}
