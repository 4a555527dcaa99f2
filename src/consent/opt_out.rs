//! Projects that are left alone: nothing in them is read or sent.

use std::io;
use std::path::Path;

use super::owner::{self, Owner};
use crate::git;
use crate::host::Host;
use crate::integrations::claude_code::settings::{self, ProjectFile};
use crate::paths;
use crate::variables::Variable;

/// Name of the file that excludes its folder and everything below.
const IGNORE_FILE: &str = ".posthog-llma-ignore";

/// A decision against reading and sending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum No {
    /// The user said so, with this reason.
    Said(String),
    /// A file that may say so cannot be read, for this reason.
    Perhaps(String),
}

impl No {
    pub(super) fn reason(self) -> String {
        match self {
            Self::Said(reason) | Self::Perhaps(reason) => reason,
        }
    }
}

/// Why sessions in `directory` must not be read; `None` if they may.
#[must_use]
pub(crate) fn opted_out(directory: &Path, host: &Host) -> Option<String> {
    let files = || settings::of_project(directory, host);
    marked(directory).or_else(|| said_no(&files()).map(No::reason))
}

/// The mark that excludes a folder, whatever path leads to it; for a linked work tree also the mark
/// of its main work tree.
pub(super) fn marked(directory: &Path) -> Option<String> {
    let mut places = paths::spellings(directory);
    let trees = places.iter().find_map(|place| git::main_work_tree(place));
    places.extend(trees);
    let folders = places.iter().flat_map(|place| place.ancestors());
    let marks = folders.map(|folder| folder.join(IGNORE_FILE));
    let mark = marks.into_iter().find(|mark| may_be_there(mark))?;
    Some(format!("{} is there", mark.display()))
}

/// The setting of a project that forbids reading; `files` are sorted from the weakest.
pub(super) fn said_no(files: &[ProjectFile]) -> Option<No> {
    let unreadable = files.iter().rev().find_map(|file| {
        let problem = file.variables.as_ref().err()?;
        let path = file.path.display();
        Some(No::Perhaps(format!("{path} cannot be read: {problem}")))
    });
    if unreadable.is_some() {
        return unreadable;
    }
    for file in files.iter().rev() {
        let variables = file.variables.as_ref().ok()?;
        let Some(value) = owner::named(variables, Variable::CcEnabled) else {
            continue;
        };
        let value = value.trim().to_ascii_lowercase();
        match value.as_str() {
            "" => {}
            // A file that came with the project switches nothing on, and nothing back on.
            "true" | "1" | "yes" if owner::of(file) == Owner::Repository => {}
            "true" | "1" | "yes" => return None,
            _ => {
                return Some(No::Said(format!(
                    "{}={value} in the settings of {}",
                    Variable::CcEnabled,
                    file.folder.display()
                )));
            }
        }
    }
    None
}

/// Whether a file, link or folder exists, or may exist.
fn may_be_there(path: &Path) -> bool {
    let absent = [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory];
    let look = path.symlink_metadata();
    look.map_or_else(|error| !absent.contains(&error.kind()), |_| true)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use chrono::Utc;

    use super::*;

    fn write(folder: &Path, file: &str, value: &str) {
        let folder = folder.join(".claude");
        fs::create_dir_all(&folder).unwrap();
        let settings = format!(r#"{{"env":{{"POSTHOG_LLMA_CC_ENABLED":{value}}}}}"#);
        fs::write(folder.join(file), settings).unwrap();
    }

    #[test]
    fn a_project_is_left_alone_by_a_file_or_by_its_settings() {
        let root = tempfile::tempdir().unwrap();
        let host = Host::bare(Utc::now);
        let project = root.path().join("project");
        let inside = project.join("src");
        fs::create_dir_all(&inside).unwrap();
        git2::Repository::init(&project).unwrap();
        assert_eq!(opted_out(&inside, &host), None);

        for (file, value, off) in [
            ("settings.json", "\"false\"", true),
            ("settings.local.json", "\"true\"", false),
            ("settings.local.json", "\"no\"", true),
            ("settings.local.json", "[false]", true),
            ("settings.local.json", "\"maybe\"", true),
            ("settings.local.json", "\" \"", true),
            ("settings.local.json", "\"true\"", false),
        ] {
            write(&project, file, value);
            assert_eq!(opted_out(&inside, &host).is_some(), off, "{file} {value}");
        }

        // A nearer file without the setting changes nothing.
        fs::remove_file(project.join(".claude/settings.local.json")).unwrap();
        fs::create_dir(inside.join(".claude")).unwrap();
        fs::write(inside.join(".claude/settings.json"), "{}").unwrap();
        assert!(opted_out(&inside, &host).is_some());
        // Nor does a nearer file that came with the project and says yes.
        write(&inside, "settings.json", "\"true\"");
        assert!(opted_out(&inside, &host).is_some());

        write(&project, "settings.json", "\"true\"");
        assert_eq!(opted_out(&inside, &host), None);
        fs::write(root.path().join(IGNORE_FILE), "").unwrap();
        assert!(opted_out(&inside, &host).is_some_and(|why| why.contains(IGNORE_FILE)));
    }

    #[test]
    fn unreadable_settings_may_have_opted_out() {
        let root = tempfile::tempdir().unwrap();
        let host = Host::bare(Utc::now);
        write(root.path(), "settings.json", "\"true\"");
        assert_eq!(opted_out(root.path(), &host), None);
        for broken in ["{", "[]", "{} {}"] {
            fs::write(root.path().join(".claude/settings.json"), broken).unwrap();
            let why = opted_out(&root.path().join("src"), &host);
            assert!(why.is_some_and(|why| why.contains("cannot be read")));
        }
        fs::remove_file(root.path().join(".claude/settings.json")).unwrap();
        fs::create_dir(root.path().join(".claude/settings.json")).unwrap();
        assert!(opted_out(root.path(), &host).is_some(), "a folder");
    }

    #[test]
    fn the_mark_of_a_repository_holds_in_its_work_trees() {
        let root = tempfile::tempdir().unwrap();
        let repository = git2::Repository::init(root.path().join("project")).unwrap();
        let author = git2::Signature::now("ada", "ada@example.com").unwrap();
        let tree = repository.index().unwrap().write_tree().unwrap();
        let tree = repository.find_tree(tree).unwrap();
        repository
            .commit(Some("HEAD"), &author, &author, "first", &tree, &[])
            .unwrap();
        let fix = root.path().join("fix");
        repository.worktree("fix", &fix, None).unwrap();
        let host = Host::bare(Utc::now);
        assert_eq!(opted_out(&fix, &host), None);
        fs::write(root.path().join("project").join(IGNORE_FILE), "").unwrap();
        assert!(opted_out(&fix, &host).is_some());
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_is_excluded_by_any_path() {
        let root = tempfile::tempdir().unwrap();
        let inside = root.path().join("project/src");
        fs::create_dir_all(&inside).unwrap();
        let link = root.path().join("link");
        std::os::unix::fs::symlink(&inside, &link).unwrap();
        let host = Host::bare(Utc::now);
        write(&root.path().join("project"), "settings.json", "false");
        assert!(opted_out(&link, &host).is_some());
        fs::remove_dir_all(root.path().join("project/.claude")).unwrap();
        assert_eq!(opted_out(&link, &host), None);
        fs::write(root.path().join("project").join(IGNORE_FILE), "").unwrap();
        assert!(opted_out(&link, &host).is_some());
    }

    #[cfg(unix)]
    #[test]
    fn a_broken_link_is_an_opt_out_mark() {
        let root = tempfile::tempdir().unwrap();
        let mark = root.path().join(IGNORE_FILE);
        std::os::unix::fs::symlink("nowhere", mark).unwrap();
        assert!(opted_out(root.path(), &Host::bare(Utc::now)).is_some());
    }
}
