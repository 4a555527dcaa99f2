//! Folders that contain sessions of Claude Code.
//!
//! Claude Code itself has one folder: `CLAUDE_CONFIG_DIR`, whose whole value it takes as one name
//! even if it is a list (2.1.332), or else `~/.claude`. Other programs read the variable as a list,
//! separated by commas, and search `~/.config/claude` too. Claude Desktop keeps a folder of Claude
//! Code for each task of Cowork, in its own data.
//!
//! If the variable names other folders than the usual one, the usual ones are not searched:
//! accounts are kept apart in this way.

use std::env;
use std::path::{Component, Path, PathBuf};

use crate::host::Host;
use crate::sources::walk::{self, Listing};
use crate::variables::Variable;

/// Name of Cowork's folder.
const COWORK: &str = "local-agent-mode-sessions";

/// The application's data below the home directory, on macOS and Windows. Elsewhere it is in the
/// user's configuration folder.
const APPLICATION_DATA: [&str; 2] = [
    "Library/Application Support/Claude",
    "AppData/Roaming/Claude",
];

/// The folder of data of applications from the Windows store, and the place of Claude's data in its
/// package.
const STORE: [&str; 2] = ["AppData/Local/Packages", "LocalCache/Roaming/Claude"];

/// The folder of Claude Code with settings, plugins and sessions.
#[must_use]
pub(crate) fn config_dir(host: &Host) -> Option<PathBuf> {
    let named = host.path_variable(Variable::ClaudeConfigDir);
    named.or_else(|| usual(host))
}

/// `projects` in the folder of Claude Code.
#[must_use]
pub(crate) fn projects_dir(host: &Host) -> Option<PathBuf> {
    Some(config_dir(host)?.join("projects"))
}

/// Folders of Claude Code that may contain sessions, its own one first. They may not exist.
#[must_use]
pub(crate) fn config_dirs(host: &Host) -> Vec<PathBuf> {
    let mut folders = Vec::from_iter(config_dir(host));
    if let Some(named) = host.path_variable(Variable::ClaudeConfigDir) {
        folders.extend(listed(&named));
    } else {
        let config = host.config.iter().map(|config| config.join("claude"));
        folders.extend(config);
        let home = host
            .home
            .iter()
            .map(|home| home.join(".config").join("claude"));
        folders.extend(home);
    }
    without_repetitions(folders)
}

/// The folders of Cowork, existing or not.
#[must_use]
pub(crate) fn cowork_dirs(host: &Host) -> Listing<PathBuf> {
    let mut data: Listing<PathBuf> = Listing::default();
    if usual(host).is_none_or(|usual| !config_dirs(host).contains(&usual)) {
        return data;
    }
    data.found
        .extend(host.config.iter().map(|it| it.join("Claude")));
    if let Some(home) = &host.home {
        data.found.extend(APPLICATION_DATA.map(|it| home.join(it)));
        let [packages, inside] = STORE;
        let mut packages = walk::entries(&home.join(packages));
        let is_claude = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("Claude_")
        };
        packages.found.retain(is_claude);
        data.append(packages.map(|package| package.join(inside)));
    }
    data.found = without_repetitions(data.found);
    data.map(|data| data.join(COWORK))
}

/// Folders of projects with sessions: those in [`config_dirs`], and those of Cowork's tasks.
pub(super) fn projects_dirs(host: &Host) -> Listing<PathBuf> {
    let mut all: Listing<PathBuf> = Listing::default();
    let own = config_dirs(host).into_iter();
    all.found.extend(own.map(|config| config.join("projects")));
    let cowork = cowork_dirs(host);
    all.unreadable.extend(cowork.unreadable);
    for cowork in cowork.found {
        all.append(tasks(&cowork));
    }
    all
}

/// The folders of Claude Code that contain a transcript, by its own path or behind a link: those of
/// [`config_dirs`], and that of a task of Cowork.
#[must_use]
pub(crate) fn config_dirs_of(transcript: &Path, host: &Host) -> Vec<PathBuf> {
    let real = |path: &Path| dunce::canonicalize(path).ok();
    let paths = [std::path::absolute(transcript).ok(), real(transcript)];
    let paths: Vec<PathBuf> = paths.into_iter().flatten().collect();
    let lie_in = |folder: &Path| paths.iter().any(|path| path.starts_with(folder));
    let holds = |config: &PathBuf| {
        let projects = config.join("projects");
        lie_in(&projects) || real(&projects).is_some_and(|projects| lie_in(&projects))
    };
    let mut folders = config_dirs(host);
    folders.retain(holds);
    folders.extend(paths.iter().filter_map(|path| task_of(path)));
    without_repetitions(folders)
}

/// Whether a transcript belongs to Cowork, whose processes may run on another machine.
pub(crate) fn is_of_cowork(transcript: &Path) -> bool {
    task_of(transcript).is_some()
}

/// The folder of Claude Code of the Cowork task that a transcript belongs to.
fn task_of(transcript: &Path) -> Option<PathBuf> {
    let mut names = transcript.components().map(Component::as_os_str);
    if !names.any(|name| name == COWORK) {
        return None;
    }
    let mut above = transcript.ancestors();
    let folder = above.find(|folder| folder.ends_with(".claude"))?;
    Some(folder.to_owned())
}

fn usual(host: &Host) -> Option<PathBuf> {
    Some(host.home.as_ref()?.join(".claude"))
}

/// The folders of a list; empty unless there are several absolute ones.
fn listed(value: &Path) -> Vec<PathBuf> {
    let by_commas = value.to_str().map(|text| {
        let parts = text.split(',').map(str::trim);
        parts.map(PathBuf::from).collect::<Vec<_>>()
    });
    let by_colons = env::split_paths(value).collect();
    let lists = [by_commas.unwrap_or_default(), by_colons].into_iter();
    let is_list =
        |list: &Vec<PathBuf>| list.len() > 1 && list.iter().all(|part| part.is_absolute());
    lists.filter(is_list).flatten().collect()
}

/// `<organisation>/<account>/<task>/.claude/projects`, where `agent` may stand between the last two.
fn tasks(cowork: &Path) -> Listing<PathBuf> {
    let mut projects = Listing::default();
    let organisations = folders_in(cowork, &mut projects);
    let accounts = organisations
        .iter()
        .flat_map(|it| folders_in(it, &mut projects));
    for account in accounts.collect::<Vec<_>>() {
        let mut tasks = folders_in(&account, &mut projects);
        tasks.extend(folders_in(&account.join("agent"), &mut projects));
        let inside = tasks
            .iter()
            .map(|task| task.join(".claude").join("projects"));
        projects.found.extend(inside.filter(|it| it.is_dir()));
    }
    projects
}

/// The folders in a folder, without links. Errors are added to `all`.
fn folders_in(folder: &Path, all: &mut Listing<PathBuf>) -> Vec<PathBuf> {
    let entries = walk::entries(folder);
    all.unreadable.extend(entries.unreadable);
    let is_folder = |path: &PathBuf| path.symlink_metadata().is_ok_and(|meta| meta.is_dir());
    let mut folders: Vec<PathBuf> = entries.found.into_iter().filter(is_folder).collect();
    folders.sort();
    folders
}

fn without_repetitions(folders: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut kept: Vec<PathBuf> = Vec::new();
    for folder in folders {
        if !kept.contains(&folder) {
            kept.push(folder);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use std::fs;

    use chrono::Utc;

    use super::*;

    fn host(home: &Path) -> Host {
        let mut host = Host::bare(Utc::now);
        host.home = Some(home.to_owned());
        host.config = Some(home.join(".config"));
        host
    }

    #[test]
    #[cfg(unix)]
    fn a_list_of_folders_is_one_folder_for_claude_code_and_several_for_us() {
        let home = Path::new("/home/ada");
        for (value, expected) in [
            (None, &["/home/ada/.claude", "/home/ada/.config/claude"][..]),
            (Some("/work"), &["/work"]),
            (Some("/a,/b"), &["/a,/b", "/a", "/b"]),
            (Some("/a, /b ,/a"), &["/a, /b ,/a", "/a", "/b"]),
            (Some("/a:/b"), &["/a:/b", "/a", "/b"]),
            (Some("/a,b"), &["/a,b"]),
            (Some("relative"), &["relative"]),
        ] {
            let host = host(home);
            let host = match value {
                Some(value) => host.with("CLAUDE_CONFIG_DIR", value),
                None => host,
            };
            let folders = config_dirs(&host);
            assert_eq!(
                folders,
                expected.iter().map(PathBuf::from).collect::<Vec<_>>()
            );
            assert_eq!(config_dir(&host), folders.first().cloned(), "{value:?}");
        }
        assert_eq!(config_dirs(&Host::bare(Utc::now)), Vec::<PathBuf>::new());
    }

    #[test]
    fn tasks_of_cowork_are_found_on_every_system_unless_accounts_are_kept_apart() {
        for data in [
            ".config/Claude",
            "Library/Application Support/Claude",
            "AppData/Roaming/Claude",
            "AppData/Local/Packages/Claude_pzs8sxrjxfjjc/LocalCache/Roaming/Claude",
        ] {
            let home = tempfile::tempdir().unwrap();
            let cowork = home.path().join(data).join(COWORK);
            let tasks = ["o/a/local_1", "o/a/agent/local_2"].map(|task| {
                let projects = cowork.join(task).join(".claude/projects");
                fs::create_dir_all(&projects).unwrap();
                projects
            });
            fs::create_dir_all(cowork.join("o/a/no-task/projects")).unwrap();
            let host = host(home.path());
            let usual = home.path().join(".claude").display().to_string();
            let other = std::path::absolute("/other").unwrap().display().to_string();
            for (named, expected) in [
                (None, &tasks[..]),
                (Some(usual.clone()), &tasks),
                (Some(format!("{other},{usual}")), &tasks),
                (Some(other), &[]),
            ] {
                let host = match &named {
                    Some(named) => host.clone().with("CLAUDE_CONFIG_DIR", named),
                    None => host.clone(),
                };
                let mut found = projects_dirs(&host).found;
                found.retain(|folder| is_of_cowork(folder));
                assert_eq!(found, expected, "{data}, {named:?}");
            }
        }
    }
}
