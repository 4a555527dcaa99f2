//! The project of a session, and git's facts about its folders.
//!
//! A linked work tree belongs to the project of its main work tree: its sessions have that
//! project's name, and the work tree's name as a separate property.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::collected::Collected;
use crate::git::{self, LinkedWorkTree};
use crate::paths;
use crate::session::Turn;
use crate::sources::{self, WorkTree};

/// Facts about folders, each looked up once.
#[derive(Debug, Default)]
pub(super) struct Projects {
    known: Mutex<HashMap<String, Folder>>,
}

/// Facts about a folder from its path and from git.
#[derive(Clone, Debug, Default)]
struct Folder {
    /// `owner/name` of the remote.
    repository: Option<String>,
    /// The work tree that it is in.
    work_tree: Option<WorkTree>,
    /// Whether the work tree is certain, so that the session's lines need not be searched.
    is_settled: bool,
}

/// Facts about the folders of a session, by folder.
#[derive(Debug, Default)]
pub(super) struct Folders {
    /// `owner/name` of the repository.
    pub(super) repositories: BTreeMap<String, String>,
    /// Name of the work tree.
    pub(super) work_trees: BTreeMap<String, String>,
}

impl Projects {
    /// Facts about the folders of a session.
    pub(super) fn folders(&self, collected: &Collected) -> Folders {
        let cwds: BTreeSet<&str> = (collected.session.turns.iter())
            .flat_map(Turn::folders)
            .collect();
        let mut folders = Folders::default();
        let mut told = None;
        for cwd in cwds {
            let (repository, work_tree) = self.look_up(cwd, collected, &mut told);
            if let Some(repository) = repository {
                folders.repositories.insert(cwd.to_owned(), repository);
            }
            if let Some(tree) = work_tree {
                folders.work_trees.insert(cwd.to_owned(), tree.name);
            }
        }
        folders
    }

    /// The name of the project whose folder is `cwd`.
    pub(super) fn name(&self, cwd: &str, collected: &Collected) -> Option<String> {
        let (_, work_tree) = self.look_up(cwd, collected, &mut None);
        name(cwd, work_tree.as_ref())
    }

    /// The repository and the work tree of a folder. `told` caches the work trees in the session's
    /// lines, which are read only if neither path nor git is conclusive.
    fn look_up(
        &self,
        cwd: &str,
        collected: &Collected,
        told: &mut Option<Vec<WorkTree>>,
    ) -> (Option<String>, Option<WorkTree>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = known
            .entry(cwd.to_owned())
            .or_insert_with(|| Folder::at(cwd));
        let Folder {
            repository,
            work_tree,
            is_settled,
        } = folder.clone();
        drop(known);
        if is_settled {
            return (repository, work_tree);
        }
        let told = told.get_or_insert_with(|| collected.work_trees());
        let tree = told
            .iter()
            .find(|tree| Path::new(cwd).starts_with(&tree.root));
        (repository, tree.cloned())
    }
}

/// The name of the project whose folder is `cwd`, by its path and git.
#[must_use]
pub fn project_name(cwd: &str) -> Option<String> {
    name(cwd, Folder::at(cwd).work_tree.as_ref())
}

fn name(cwd: &str, work_tree: Option<&WorkTree>) -> Option<String> {
    let folder = match work_tree {
        // The top of a work tree stands for the project.
        Some(tree) if Path::new(cwd) == Path::new(&tree.root) => &tree.project,
        _ => cwd,
    };
    // A path of another operating system is a single name here.
    let is_foreign = work_tree.is_some() && !folder.contains('/');
    let name = match folder.rsplit_once('\\').filter(|_| is_foreign) {
        Some((_, name)) => name.to_owned(),
        None => Path::new(folder)
            .file_name()?
            .to_string_lossy()
            .into_owned(),
    };
    Some(name)
}

impl Folder {
    fn at(cwd: &str) -> Self {
        let path = Path::new(cwd);
        let by_path = sources::work_tree_of(cwd);
        let linked = match by_path {
            None => git::linked_work_tree(path),
            Some(_) => None,
        };
        let by_git = linked.and_then(|linked| work_tree(path, &linked));
        let work_tree = by_path.or(by_git);
        Self {
            repository: git::repository(path),
            is_settled: work_tree.is_some() || git::is_in_repository(path),
            work_tree,
        }
    }
}

/// The work tree that `path` is in, as git knows it.
fn work_tree(path: &Path, linked: &LinkedWorkTree) -> Option<WorkTree> {
    // Git resolves links in paths; sessions do not.
    let is_root = paths::are_same(path, &linked.root);
    let root = if is_root { path } else { &linked.root };
    Some(WorkTree {
        name: linked.root.file_name()?.to_string_lossy().into_owned(),
        root: root.to_string_lossy().into_owned(),
        project: linked.main.to_string_lossy().into_owned(),
    })
}
