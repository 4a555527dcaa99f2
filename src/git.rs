//! What git knows of a directory. Any failure is `None`: a session is worth more than its
//! repository's name.

use std::path::{Path, PathBuf};

use git2::{Config, Repository, RepositoryOpenFlags};

/// `user.email` as git would use it in `directory`; outside a repository the user's own.
#[must_use]
pub fn user_email(directory: &Path) -> Option<String> {
    let config = match open(directory) {
        Some(repository) => repository.config().ok()?,
        None => Config::open_default().ok()?,
    };
    let email = config.get_string("user.email").ok()?;
    let email = email.trim();
    (!email.is_empty()).then(|| email.to_owned())
}

/// `owner/name` of the remote `origin`.
#[must_use]
pub fn repository(directory: &Path) -> Option<String> {
    let repository = open(directory)?;
    let remote = repository.find_remote("origin").ok()?;
    slug(remote.url().ok()?)
}

/// Whether git tracks a file.
#[must_use]
pub fn is_tracked(file: &Path) -> bool {
    let look = || {
        let repository = open(file.parent()?)?;
        let root = repository.workdir()?.canonicalize().ok()?;
        let relative = file
            .canonicalize()
            .ok()?
            .strip_prefix(root)
            .ok()?
            .to_owned();
        let index = repository.index().ok()?;
        Some(index.get_path(&relative, 0).is_some())
    };
    look().unwrap_or(false)
}

/// Whether git ignores a file; `None` outside of a repository.
#[must_use]
pub fn is_ignored(file: &Path) -> Option<bool> {
    let folder = file.parent()?.canonicalize().ok()?;
    let repository = open(&folder)?;
    let file = folder.join(file.file_name()?);
    repository.is_path_ignored(file).ok()
}

/// The top folder of the repository that a directory is in; of the repository itself where the
/// directory is in a linked work tree.
#[must_use]
pub fn main_work_tree(directory: &Path) -> Option<PathBuf> {
    let mut repository = open(directory)?;
    if repository.is_worktree() {
        repository = Repository::open(repository.commondir()).ok()?;
    }
    Some(repository.workdir()?.to_owned())
}

fn open(directory: &Path) -> Option<Repository> {
    let nowhere: [&Path; 0] = [];
    Repository::open_ext(directory, RepositoryOpenFlags::empty(), nowhere).ok()
}

/// The path of a remote URL, without host, credentials and `.git`. A local path has no owner.
fn slug(url: &str) -> Option<String> {
    let url = url.trim();
    let path = match url.split_once("://") {
        Some(("file", _)) => return None,
        Some((_, rest)) => rest.split_once('/')?.1,
        // scp form: [user@]host:path; a drive letter is no host.
        None => match url.split_once(':') {
            Some((host, path)) if host.len() > 1 && !host.contains('/') => path,
            _ => return None,
        },
    };
    let path = path.split(['?', '#']).next()?.trim_matches('/');
    let path = path
        .strip_suffix(".git")
        .unwrap_or(path)
        .trim_end_matches('/');
    path.contains('/').then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remotes_of_every_form_give_owner_and_name() {
        for (url, expected) in [
            ("https://github.com/owner/name.git", Some("owner/name")),
            (
                "https://token:x-oauth@github.com/owner/name",
                Some("owner/name"),
            ),
            ("git@github.com:owner/name.git", Some("owner/name")),
            (
                "ssh://git@host.example:2222/owner/name.git",
                Some("owner/name"),
            ),
            (
                "git@gitlab.com:group/sub/group/name.git",
                Some("group/sub/group/name"),
            ),
            ("https://gitlab.com/group/sub/name/", Some("group/sub/name")),
            ("/srv/git/name.git", None),
            ("file:///srv/git/name.git", None),
            ("C:\\repos\\name", None),
            ("https://example.com/name", None),
        ] {
            assert_eq!(slug(url).as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn a_directory_without_a_repository_has_no_name() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(repository(directory.path()), None);
        assert_eq!(repository(Path::new("/does/not/exist")), None);
    }

    #[test]
    fn the_repository_s_own_e_mail_is_used() {
        let directory = tempfile::tempdir().unwrap();
        let repository = Repository::init(directory.path()).unwrap();
        repository
            .config()
            .unwrap()
            .set_str("user.email", "ada@example.com")
            .unwrap();
        repository
            .remote("origin", "git@github.com:ada/engine.git")
            .unwrap();
        let inside = directory.path().join("src");
        std::fs::create_dir(&inside).unwrap();
        assert_eq!(user_email(&inside).as_deref(), Some("ada@example.com"));
        assert_eq!(super::repository(&inside).as_deref(), Some("ada/engine"));
    }

    #[test]
    fn a_worktree_has_the_name_of_its_repository_and_a_submodule_its_own() {
        let directory = tempfile::tempdir().unwrap();
        let library = repository_with_a_commit(&directory.path().join("library"));
        library
            .remote("origin", "git@gitlab.com:tools/library.git")
            .unwrap();
        let main = repository_with_a_commit(&directory.path().join("main"));
        main.remote("origin", "https://github.com/ada/engine")
            .unwrap();

        let worktree = directory.path().join("fix");
        main.worktree("fix", &worktree, None).unwrap();
        assert_eq!(repository(&worktree).as_deref(), Some("ada/engine"));

        let url = library.path().to_str().unwrap();
        let mut submodule = main.submodule(url, Path::new("vendor"), true).unwrap();
        submodule.clone(None).unwrap();
        let vendor = main.workdir().unwrap().join("vendor");
        let inside = Repository::open(&vendor).unwrap();
        inside
            .remote_set_url("origin", "git@gitlab.com:tools/library.git")
            .unwrap();
        assert_eq!(repository(&vendor).as_deref(), Some("tools/library"));
    }

    fn repository_with_a_commit(directory: &Path) -> Repository {
        let repository = Repository::init(directory).unwrap();
        let author = git2::Signature::now("Ada", "ada@example.com").unwrap();
        let tree = repository.index().unwrap().write_tree().unwrap();
        {
            let tree = repository.find_tree(tree).unwrap();
            let parents: [&git2::Commit<'_>; 0] = [];
            repository
                .commit(Some("HEAD"), &author, &author, "first", &tree, &parents)
                .unwrap();
        }
        repository
    }
}
