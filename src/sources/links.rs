//! Files in several folders, including those behind symbolic links.
//!
//! A link is followed within the user's own folders: the home directory, and the folders that are
//! searched. A link that leads elsewhere is reported and skipped, because whoever can place a link
//! could otherwise have any file of the machine read. Every folder and file is found once,
//! preferably by the path without links, so links cannot form a cycle.

use std::collections::{HashSet, VecDeque};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::walk::{Listing, Unreadable};
use crate::host::Host;
use crate::paths;

/// Folders in which targets of links may be, without links in their paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bounds(Vec<PathBuf>);

impl Bounds {
    /// The user's home directory.
    pub(super) fn of(host: &Host) -> Self {
        Self::default().and(&host.home.iter().cloned().collect::<Vec<_>>())
    }

    /// Adds folders. Missing ones are ignored.
    pub(super) fn and(mut self, folders: &[PathBuf]) -> Self {
        let real = folders.iter().filter_map(|it| dunce::canonicalize(it).ok());
        self.0.extend(real);
        self
    }

    /// Whether they contain a path, which must be without links.
    pub(super) fn hold(&self, real: &Path) -> bool {
        self.0.iter().any(|folder| paths::is_below(real, folder))
    }
}

/// Folders and files found so far, by their paths without links.
#[derive(Default)]
struct Seen {
    folders: HashSet<PathBuf>,
    files: HashSet<PathBuf>,
}

/// The files at or below `roots`, those of each root by path, without folders that `enters`
/// rejects.
pub(super) fn files(
    roots: &[PathBuf],
    bounds: &Bounds,
    enters: impl Fn(&Path) -> bool,
) -> Listing<PathBuf> {
    let bounds = bounds.clone().and(roots);
    let mut listing = Listing::default();
    let mut seen = Seen::default();
    // Paths without links come first, so that they are preferred.
    let mut folders: VecDeque<PathBuf> = roots.iter().cloned().collect();
    let mut links: VecDeque<PathBuf> = VecDeque::new();
    loop {
        if let Some(folder) = folders.pop_front() {
            links.extend(walk(&folder, &enters, &mut seen, &mut listing));
        } else if let Some(link) = links.pop_front() {
            match dunce::canonicalize(&link) {
                Ok(target) if !bounds.hold(&target) => {
                    listing
                        .unreadable
                        .push(Unreadable::leading_out(&link, target));
                }
                Ok(target) if target.is_dir() => {
                    let holds_a_root = roots.iter().any(|root| {
                        let real = dunce::canonicalize(root);
                        real.is_ok_and(|real| real.starts_with(&target))
                    });
                    // The link leads to a searched folder or to one that contains it.
                    if !holds_a_root {
                        folders.push_back(link);
                    }
                }
                Ok(target) => {
                    if target.is_file() && seen.files.insert(target) {
                        listing.found.push(link);
                    }
                }
                // A link to itself has no target.
                Err(error) if is_loop(&error) => {}
                Err(error) => listing.unreadable.extend(Unreadable::of(&link, &error)),
            }
        } else {
            return listing;
        }
    }
}

/// Lists a folder with its contents, and returns the links in it.
fn walk(
    folder: &Path,
    enters: &impl Fn(&Path) -> bool,
    seen: &mut Seen,
    listing: &mut Listing<PathBuf>,
) -> Vec<PathBuf> {
    let mut links = Vec::new();
    let real = dunce::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let mut entries = WalkDir::new(folder).sort_by_file_name().into_iter();
    while let Some(entry) = entries.next() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let path = error.path().unwrap_or(folder).to_owned();
                let error = error.into_io_error();
                // Without links there is no cycle, so the error always has an error of the system.
                let error = error.unwrap_or_else(|| ErrorKind::Other.into());
                listing.unreadable.extend(Unreadable::of(&path, &error));
                continue;
            }
        };
        let below = entry.path().strip_prefix(folder).unwrap_or(Path::new(""));
        let real = if below == Path::new("") {
            real.clone()
        } else {
            real.join(below)
        };
        let is_root = entry.depth() == 0;
        if entry.path_is_symlink() && !is_root {
            if enters(entry.path()) {
                links.push(entry.into_path());
            }
        } else if entry.file_type().is_dir() || is_root && real.is_dir() {
            let is_wanted = is_root || enters(entry.path());
            if !is_wanted || !seen.folders.insert(real) {
                entries.skip_current_dir();
            }
        } else if entry.file_type().is_file() && seen.files.insert(real) {
            listing.found.push(entry.into_path());
        }
    }
    links
}

/// The error of the system for links that form a cycle; on Windows `ERROR_CANT_RESOLVE_FILENAME`.
#[cfg(unix)]
const CYCLE: i32 = nix::libc::ELOOP;
#[cfg(windows)]
const CYCLE: i32 = 1921;

/// Whether the error says that links form a cycle.
fn is_loop(error: &io::Error) -> bool {
    error.raw_os_error() == Some(CYCLE)
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn write(root: &Path, path: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }

    fn names(root: &Path, listing: &Listing<PathBuf>) -> Vec<String> {
        let paths = listing.found.iter().map(|it| it.strip_prefix(root));
        paths.map(|it| it.unwrap().display().to_string()).collect()
    }

    #[test]
    fn links_are_followed_once_and_circles_end() {
        let home = tempfile::tempdir().unwrap();
        let projects = home.path().join("projects");
        for file in [
            "projects/b/2",
            "dotfiles/c/3",
            "dotfiles/4",
            "other/5",
            "projects/no/6",
        ] {
            write(home.path(), file);
        }
        for (link, target) in [
            // A folder, twice; a file, twice; something that has a path without links.
            ("c", "../dotfiles/c"),
            ("c-again", "../dotfiles/c"),
            ("b/4", "../../dotfiles/4"),
            ("b/4-again", "../../dotfiles/4"),
            ("a", "b"),
            // Circles: a link to itself, to a searched folder, to a folder around it, and a pair of
            // links.
            ("itself", "itself"),
            ("b/up", ".."),
            ("b/home", "../.."),
            ("../dotfiles/c/back", "../../projects"),
            ("nowhere", "missing"),
        ] {
            symlink(target, projects.join(link)).unwrap();
        }
        let bounds = Bounds::default().and(&[home.path().to_owned()]);
        let found = files(&[projects], &bounds, |folder| !folder.ends_with("no"));
        assert_eq!(
            names(home.path(), &found),
            ["projects/b/2", "projects/b/4", "projects/c/3"]
        );
        assert_eq!(found.unreadable, []);
    }

    #[test]
    fn links_that_lead_out_are_reported_and_named_ones_are_followed() {
        let home = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        write(outside.path(), "folder/1");
        write(home.path(), "projects/a/2");
        let projects = home.path().join("projects");
        let link = projects.join("out");
        symlink(outside.path().join("folder"), &link).unwrap();
        symlink(outside.path().join("folder/1"), projects.join("a/file")).unwrap();

        let bounds = Bounds::default().and(&[home.path().to_owned()]);
        let found = files(std::slice::from_ref(&projects), &bounds, |_| true);
        assert_eq!(names(home.path(), &found), ["projects/a/2"]);
        let told: Vec<&Path> = found
            .unreadable
            .iter()
            .map(|it| it.path.as_path())
            .collect();
        assert_eq!(told, [projects.join("a/file"), link.clone()]);
        assert!(found.unreadable.iter().all(Unreadable::is_left_alone));

        let found = files(&[link], &bounds, |_| true);
        assert_eq!(names(home.path(), &found), ["projects/out/1"]);
    }

    #[test]
    fn a_folder_that_two_roots_share_is_searched_once() {
        let home = tempfile::tempdir().unwrap();
        write(home.path(), "one/a/1");
        symlink("one", home.path().join("two")).unwrap();
        let roots = ["one", "two"].map(|it| home.path().join(it));
        let found = files(&roots, &Bounds::default(), |_| true);
        assert_eq!(names(home.path(), &found), ["one/a/1"]);
    }
}
