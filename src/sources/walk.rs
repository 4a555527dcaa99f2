//! Contents of folders, and the parts that could not be listed.
//!
//! A folder that does not exist is empty. One that exists and cannot be listed may contain sessions
//! that would be missed silently, so it is part of the result.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

/// A file or folder that exists and was not read, with the reason.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unreadable {
    /// The path.
    pub path: PathBuf,
    /// The reason.
    pub reason: Reason,
}

/// The reason why a path was not read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Reading failed, with the error of the system.
    Error(String),
    /// Parts of it are damaged, and the rest was read.
    Damaged(String),
    /// The path is a symbolic link out of the user's own folders, to this target.
    LeadsOut(PathBuf),
}

impl Unreadable {
    /// A failed read; `None` when the path does not exist.
    pub(super) fn of(path: &Path, error: &io::Error) -> Option<Self> {
        (error.kind() != ErrorKind::NotFound).then(|| Self {
            path: path.to_owned(),
            reason: Reason::Error(error.to_string()),
        })
    }

    /// A file of which parts could not be read.
    pub(super) fn damaged(path: &Path, what: &str) -> Self {
        Self {
            path: path.to_owned(),
            reason: Reason::Damaged(what.to_owned()),
        }
    }

    /// A link that is not followed.
    pub(super) fn leading_out(link: &Path, target: PathBuf) -> Self {
        Self {
            path: link.to_owned(),
            reason: Reason::LeadsOut(target),
        }
    }

    /// Whether the path may contain wanted files. A link to a file of another kind does not,
    /// wherever it leads.
    pub(super) fn may_hold(&self, is_wanted: impl Fn(&Path) -> bool) -> bool {
        !self.is_left_alone() || is_wanted(&self.path) || self.path.is_dir()
    }

    /// Whether it could be read but was skipped, because the user did not name it.
    #[must_use]
    pub const fn is_left_alone(&self) -> bool {
        matches!(self.reason, Reason::LeadsOut(_))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) | Self::Damaged(error) => formatter.write_str(error),
            Self::LeadsOut(target) => {
                write!(
                    formatter,
                    "it leads out of your home directory, to {}",
                    target.display()
                )
            }
        }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, reason } = self;
        match reason {
            Reason::Damaged(what) => write!(formatter, "{}: {what}", path.display()),
            Reason::Error(_) => write!(formatter, "cannot read {}: {reason}", path.display()),
            Reason::LeadsOut(_) => write!(
                formatter,
                "{}: {reason}; name that place to have it read",
                path.display()
            ),
        }
    }
}

/// Items found in folders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing<T> {
    /// The items.
    pub found: Vec<T>,
    /// Paths that could not be read and may contain more.
    pub unreadable: Vec<Unreadable>,
}

impl<T> Default for Listing<T> {
    fn default() -> Self {
        Self {
            found: Vec::new(),
            unreadable: Vec::new(),
        }
    }
}

impl<T> Listing<T> {
    /// Adds the contents of another listing.
    pub(super) fn append(&mut self, other: Self) {
        self.found.extend(other.found);
        self.unreadable.extend(other.unreadable);
    }

    /// Adds an item, or the reason why it cannot be read.
    pub(super) fn add(&mut self, path: &Path, item: io::Result<T>) {
        match item {
            Ok(item) => self.found.push(item),
            Err(error) => self.unreadable.extend(Unreadable::of(path, &error)),
        }
    }

    /// Applies `look` to every path.
    pub(super) fn looked_at<U>(self, look: impl Fn(&Path) -> io::Result<U>) -> Listing<U>
    where
        T: AsRef<Path>,
    {
        let mut looked_at = Listing {
            found: Vec::with_capacity(self.found.len()),
            unreadable: self.unreadable,
        };
        for path in self.found {
            looked_at.add(path.as_ref(), look(path.as_ref()));
        }
        looked_at
    }

    /// Applies `make` to every item.
    pub(super) fn map<U>(self, make: impl FnMut(T) -> U) -> Listing<U> {
        Listing {
            found: self.found.into_iter().map(make).collect(),
            unreadable: self.unreadable,
        }
    }
}

/// The regular files at or below `root` by path, without folders that `enters` rejects. Symbolic
/// links are not followed.
pub(super) fn files(root: &Path, enters: impl Fn(&DirEntry) -> bool) -> Listing<PathBuf> {
    let mut files = Listing::default();
    let entries = WalkDir::new(root).sort_by_file_name().into_iter();
    for entry in entries.filter_entry(|entry| enters(entry)) {
        match entry {
            Ok(entry) if entry.file_type().is_file() => files.found.push(entry.into_path()),
            Ok(_) => {}
            Err(error) => {
                let path = error.path().unwrap_or(root).to_owned();
                let error = error.into_io_error();
                // Without links there is no cycle, so the error always has an error of the system.
                let error = error.unwrap_or_else(|| ErrorKind::Other.into());
                files.unreadable.extend(Unreadable::of(&path, &error));
            }
        }
    }
    files
}

/// The entries of one folder.
pub(super) fn entries(folder: &Path) -> Listing<PathBuf> {
    let mut paths = Listing::default();
    match folder.read_dir() {
        Ok(entries) => {
            for entry in entries {
                paths.add(folder, entry.map(|entry| entry.path()));
            }
        }
        Err(error) => paths.unreadable.extend(Unreadable::of(folder, &error)),
    }
    paths
}

/// Whether a folder exists; an error when that cannot be determined.
pub(super) fn is_folder(path: &Path) -> io::Result<bool> {
    match path.metadata() {
        Ok(meta) => Ok(meta.is_dir()),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn files_are_found_in_their_order_and_links_are_not_followed() {
        let root = tempfile::tempdir().unwrap();
        for path in ["b/2", "a/1", "left-out/3"] {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(root.path(), root.path().join("c")).unwrap();
        let files = files(root.path(), |entry| entry.file_name() != "left-out");
        let expected = ["a/1", "b/2"].map(|path| root.path().join(path));
        assert_eq!(files.found, expected);
        assert_eq!(files.unreadable, []);
    }

    #[test]
    fn a_missing_folder_is_empty() {
        let root = tempfile::tempdir().unwrap();
        let missing = root.path().join("missing");
        assert_eq!(files(&missing, |_| true), Listing::default());
        assert_eq!(entries(&missing), Listing::default());
        assert!(!is_folder(&missing).unwrap());
    }

    #[test]
    #[cfg(unix)]
    fn a_folder_that_cannot_be_listed_is_reported() {
        let root = tempfile::tempdir().unwrap();
        let long = root.path().join("n".repeat(5000));
        let listed = [files(&long, |_| true).unreadable, entries(&long).unreadable];
        for unreadable in listed {
            assert_eq!(unreadable.len(), 1);
            assert_eq!(unreadable[0].path, long);
        }
        assert!(is_folder(&long).is_err());
        // A file instead of a folder.
        let file = root.path().join("file");
        fs::write(&file, "").unwrap();
        assert_eq!(entries(&file).unreadable.len(), 1);
    }
}
