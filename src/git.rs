//! Git information about a directory: branch, repository, user e-mail, work trees. Any failure is
//! `None`, since a session is worth sending without the name of its repository.

use std::path::{Path, PathBuf};

use git2::{Config, Repository, RepositoryOpenFlags};

/// `user.email` as git would use it in `directory`; outside a repository the value from the user's
/// own configuration.
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

/// The relation of a file to the repository around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The file came with the repository.
    Tracked,
    /// The file is in a work tree but did not come with the repository.
    Untracked,
    /// There is no repository, libgit2 cannot open it (SHA-256, reftable, another owner), or the
    /// path of the file contains symbolic links.
    Unknown,
}

/// Whether a file came with the repository around its folder.
#[must_use]
pub fn standing(file: &Path) -> Standing {
    standing_of(file).unwrap_or(Standing::Unknown)
}

fn standing_of(file: &Path) -> Option<Standing> {
    let folder = file.parent()?;
    let is_link = |path: &Path| path.symlink_metadata().is_ok_and(|meta| meta.is_symlink());
    if is_link(file) || is_link(folder) {
        return None;
    }
    // Neither the file nor its folder has to exist.
    let there = folder.ancestors().find(|folder| folder.exists())?;
    let repository = open(there)?;
    let root = dunce::canonicalize(repository.workdir()?).ok()?;
    let relative = dunce::canonicalize(there)
        .ok()?
        .join(file.strip_prefix(there).ok()?);
    let relative = in_one_case(relative.strip_prefix(root).ok()?.to_str()?);
    let index = repository.index().ok()?;
    let tracked = || {
        let paths = index.iter().map(|entry| entry.path);
        paths.map(|path| in_one_case(&String::from_utf8_lossy(&path)))
    };
    if tracked().any(|path| path == relative) {
        return Some(Standing::Tracked);
    }
    let lies_in = |outer: &str| {
        let rest = relative.strip_prefix(outer);
        rest.is_some_and(|rest| rest.starts_with('/'))
    };
    // A path below an entry of the index is in a submodule or behind a symbolic link.
    if tracked().any(|path| lies_in(&path)) {
        return None;
    }
    // A directory unpacked inside another repository is not part of that repository.
    let top = relative.rsplitn(3, '/').nth(2).map(|top| format!("{top}/"));
    let belongs = top.is_none_or(|top| tracked().any(|path| path.starts_with(&top)));
    belongs.then_some(Standing::Untracked)
}

/// A normal form of a path for comparison. Some file systems ignore case and some ignore invisible
/// characters; paths that are equal on any of them have the same form.
fn in_one_case(path: &str) -> String {
    let path = path.replace('\\', "/");
    let seen = path.chars().filter(char::is_ascii);
    seen.collect::<String>().to_ascii_lowercase()
}

/// Whether git ignores a file; `None` outside a repository.
#[must_use]
pub fn is_ignored(file: &Path) -> Option<bool> {
    let folder = dunce::canonicalize(file.parent()?).ok()?;
    let repository = open(&folder)?;
    let file = folder.join(file.file_name()?);
    repository.is_path_ignored(file).ok()
}

/// The top folder of the main work tree of the repository around a directory, also for a directory
/// in a linked work tree.
#[must_use]
pub fn main_work_tree(directory: &Path) -> Option<PathBuf> {
    let mut repository = open(directory)?;
    if repository.is_worktree() {
        repository = Repository::open(repository.commondir()).ok()?;
    }
    Some(as_written_here(repository.workdir()?))
}

/// A path with the separators of this system: libgit2 writes `/` everywhere.
fn as_written_here(path: &Path) -> PathBuf {
    path.components().collect()
}

/// A work tree created by `git worktree`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedWorkTree {
    /// Top folder of the linked work tree.
    pub root: PathBuf,
    /// Top folder of the main work tree; for a bare repository, its name in its parent folder.
    pub main: PathBuf,
}

/// The linked work tree around a directory; `None` in a main work tree.
#[must_use]
pub fn linked_work_tree(directory: &Path) -> Option<LinkedWorkTree> {
    let repository = open(directory).filter(Repository::is_worktree)?;
    let root = as_written_here(repository.workdir()?);
    let common = repository.commondir();
    let main = Repository::open(common).ok()?;
    let main = main
        .workdir()
        .map_or_else(|| named_by_bare(common), as_written_here);
    Some(LinkedWorkTree { root, main })
}

/// The path a bare repository is named by: `shop.git` and `shop/.bare` both give `shop`.
fn named_by_bare(repository: &Path) -> PathBuf {
    let name = repository.file_name().unwrap_or_default().to_string_lossy();
    match (name.starts_with('.'), repository.parent()) {
        (true, Some(around)) => around.to_owned(),
        _ => repository.with_file_name(name.strip_suffix(".git").unwrap_or(&name)),
    }
}

/// Whether a directory is in a repository that can be opened.
#[must_use]
pub fn is_in_repository(directory: &Path) -> bool {
    open(directory).is_some()
}

/// Opens the repository with the nearest `.git` above a directory. A repository cannot contain an
/// entry named `.git`, but it can contain a folder that looks like a bare repository, so bare
/// repositories are not discovered.
fn open(directory: &Path) -> Option<Repository> {
    let directory = dunce::canonicalize(directory).ok()?;
    let is_top = |folder: &&Path| folder.join(".git").symlink_metadata().is_ok();
    let top = directory.ancestors().find(is_top)?;
    let nowhere: [&Path; 0] = [];
    Repository::open_ext(top, RepositoryOpenFlags::NO_SEARCH, nowhere).ok()
}

/// The path in a remote URL, without host, credentials and `.git`. A local path has no owner and
/// gives `None`.
fn slug(url: &str) -> Option<String> {
    let url = url.trim();
    let path = match url.split_once("://") {
        Some(("file", _)) => return None,
        Some((_, rest)) => rest.split_once('/')?.1,
        // The scp form `[user@]host:path`. A drive letter is no host.
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

    #[test]
    fn a_linked_work_tree_knows_the_main_one() {
        let directory = tempfile::tempdir().unwrap();
        let directory = dunce::canonicalize(directory.path()).unwrap();
        let main = repository_with_a_commit(&directory.join("shop"));
        let root = directory.join("trees/fix");
        std::fs::create_dir(directory.join("trees")).unwrap();
        main.worktree("fix", &root, None).unwrap();
        let inside = root.join("src");
        std::fs::create_dir(&inside).unwrap();
        for folder in [&root, &inside] {
            let tree = linked_work_tree(folder).unwrap();
            let names = [&tree.root, &tree.main].map(|it| it.file_name().unwrap());
            assert_eq!(names, ["fix", "shop"]);
        }
        assert_eq!(linked_work_tree(&directory.join("shop")), None);
        assert_eq!(linked_work_tree(&directory), None);
        for (bare, name) in [
            ("shop.git", "shop"),
            ("shop/.bare", "shop"),
            ("shop/.git/", "shop"),
            ("shop", "shop"),
        ] {
            assert_eq!(
                named_by_bare(Path::new(bare)).file_name().unwrap(),
                name,
                "{bare}"
            );
        }
    }

    fn add(repository: &Repository, path: &str) {
        let mut index = repository.index().unwrap();
        let blob = repository.blob(b"{}").unwrap();
        let mut entry = git2::IndexEntry {
            ctime: git2::IndexTime::new(0, 0),
            mtime: git2::IndexTime::new(0, 0),
            dev: 0,
            ino: 0,
            mode: 0o100_644,
            uid: 0,
            gid: 0,
            file_size: 2,
            id: blob,
            flags: 0,
            flags_extended: 0,
            path: path.into(),
        };
        if path == "vendor" {
            entry.mode = 0o160_000;
        }
        index.add(&entry).unwrap();
        index.write().unwrap();
    }

    #[test]
    fn a_file_is_known_to_be_untracked_or_counts_as_part_of_the_repository() {
        let tracked = Standing::Tracked;
        for (added, file, expected) in [
            (vec![], "settings.json", Standing::Untracked),
            (vec!["readme"], ".claude/settings.json", Standing::Untracked),
            (
                vec![".claude/settings.json"],
                ".claude/settings.json",
                tracked,
            ),
            (
                vec![".Claude/Settings.JSON"],
                ".claude/settings.json",
                tracked,
            ),
            (
                vec![".claude/set\u{200c}tings.json"],
                ".claude/settings.json",
                tracked,
            ),
            (
                vec!["src/main.rs"],
                "src/.claude/settings.json",
                Standing::Untracked,
            ),
            (
                vec!["readme"],
                "unpacked/.claude/settings.json",
                Standing::Unknown,
            ),
            (
                vec!["vendor"],
                "vendor/.claude/settings.json",
                Standing::Unknown,
            ),
        ] {
            let directory = tempfile::tempdir().unwrap();
            let repository = Repository::init(directory.path()).unwrap();
            for path in &added {
                add(&repository, path);
            }
            let path = directory.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "{}").unwrap();
            assert_eq!(standing(&path), expected, "{file} beside {added:?}");
        }
    }

    #[test]
    fn a_bare_repository_that_came_with_a_repository_says_nothing_of_its_files() {
        let directory = tempfile::tempdir().unwrap();
        let repository = Repository::init(directory.path()).unwrap();
        let inside = directory.path().join("inside");
        Repository::init_bare(&inside).unwrap();
        let file = inside.join(".claude/settings.local.json");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "{}").unwrap();
        for tree in [".", ".."] {
            let config = format!("[core]\n\tbare = false\n\tworktree = {tree}\n");
            std::fs::write(inside.join("config"), config).unwrap();
            assert_eq!(standing(&file), Standing::Unknown, "{tree}");
        }
        add(&repository, "inside/.claude/settings.local.json");
        assert_eq!(standing(&file), Standing::Tracked);
        assert_eq!(main_work_tree(&inside), main_work_tree(directory.path()));
    }

    #[cfg(unix)]
    #[test]
    fn files_without_a_readable_repository_are_unknown() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("settings.json");
        std::fs::write(&file, "{}").unwrap();
        assert_eq!(standing(&file), Standing::Unknown, "no repository");
        let repository = Repository::init(directory.path()).unwrap();
        assert_eq!(standing(&file), Standing::Untracked);

        let link = directory.path().join("link.json");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert_eq!(standing(&link), Standing::Unknown, "a symbolic link");

        let mut config = repository.config().unwrap();
        config.set_i32("core.repositoryformatversion", 1).unwrap();
        config.set_str("extensions.refstorage", "reftable").unwrap();
        assert_eq!(standing(&file), Standing::Unknown, "a newer format");
        std::fs::write(repository.path().join("index"), "damaged").unwrap();
        config.remove("extensions.refstorage").unwrap();
        assert_eq!(standing(&file), Standing::Unknown, "a damaged index");
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
