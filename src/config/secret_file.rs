//! Files that hold a secret of the user: a key or a token.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;

/// Bytes of the largest file to read. A route of `serve.toml` takes some hundreds.
const LARGEST: u64 = 1 << 20;

/// The content of a file with a secret.
pub(crate) struct SecretFile {
    /// The text.
    pub(crate) text: String,
    /// Whether other users of the machine can read it, as far as the system shows.
    pub(crate) is_readable_by_others: bool,
    /// Whether it belongs to the user. A file of the administrator is for all users.
    pub(crate) is_own: bool,
}

/// Why a file with a secret is not used, to follow the name of the file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretFileError {
    /// There is no file.
    #[error("is not there")]
    Missing,
    /// It is a folder, a pipe or a device.
    #[error("is no file")]
    NoFile,
    /// It cannot be read, or is not text.
    #[error("cannot be read: {cause}")]
    Unreadable {
        /// The error of the operating system.
        cause: io::Error,
    },
    /// Other users can replace the secret.
    #[error("others can write")]
    Writable,
    /// It belongs to another user, who can replace the secret.
    #[error("belongs to another user")]
    OfAnother,
    /// Other users can replace the file, since they can write a folder above it.
    #[error("is below a folder that others can write")]
    InOpenFolder,
    /// It is in a git repository, so that anybody who pushes there could choose the secret.
    #[error("is in a git repository, where secrets do not belong")]
    Committed,
}

impl From<io::Error> for SecretFileError {
    fn from(cause: io::Error) -> Self {
        if cause.kind() == ErrorKind::NotFound {
            Self::Missing
        } else {
            Self::Unreadable { cause }
        }
    }
}

/// Reads a file that no other user can write and that is in no repository.
///
/// # Errors
/// When there is no such file, or it cannot be read.
pub(crate) fn read_outside_repositories(path: &Path) -> Result<SecretFile, SecretFileError> {
    let file = read(path)?;
    // A link may also lead into a repository.
    let real = dunce::canonicalize(path)?;
    if [path, &real].into_iter().any(is_in_repository) {
        return Err(SecretFileError::Committed);
    }
    Ok(file)
}

/// Reads a file that no other user can write.
///
/// # Errors
/// When there is no such file, or it cannot be read.
pub(crate) fn read(path: &Path) -> Result<SecretFile, SecretFileError> {
    // Opening a pipe could wait for ever.
    if !fs::metadata(path)?.is_file() {
        return Err(SecretFileError::NoFile);
    }
    let file = File::open(path)?;
    let meta = file.metadata()?;
    if others(&meta) & WRITE != 0 {
        return Err(SecretFileError::Writable);
    }
    if !is_trusted(&meta) {
        return Err(SecretFileError::OfAnother);
    }
    // A link may lead to another folder, and may be replaced itself.
    if !is_trusted(&fs::symlink_metadata(path)?) {
        return Err(SecretFileError::OfAnother);
    }
    let real = dunce::canonicalize(path)?;
    for folder in path.ancestors().skip(1).chain(real.ancestors().skip(1)) {
        let folder = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        let meta = fs::metadata(folder)?;
        if is_open(&meta) || !is_trusted(&meta) {
            return Err(SecretFileError::InOpenFolder);
        }
    }
    let mut text = String::new();
    file.take(LARGEST).read_to_string(&mut text)?;
    Ok(SecretFile {
        text: without_mark(&text).to_owned(),
        is_readable_by_others: others(&meta) & READ != 0,
        is_own: is_own(&meta),
    })
}

/// A text without the byte order mark that editors of Windows put before it.
pub(super) fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// Whether a folder around a file has a `.git`, be it a folder, a file or a link.
pub(crate) fn is_in_repository(file: &Path) -> bool {
    let mut folders = file.ancestors().skip(1);
    folders.any(|folder| folder.join(".git").symlink_metadata().is_ok())
}

/// The permission to read, of the group and of all others.
const READ: u32 = 0o044;
/// The permission to write, of the group and of all others.
const WRITE: u32 = 0o022;

/// The permissions of a file for others than its owner. Elsewhere than on Unix, the user's folder is
/// private.
#[cfg(unix)]
fn others(meta: &Metadata) -> u32 {
    use std::os::unix::fs::MetadataExt as _;
    meta.mode() & 0o077
}

#[cfg(not(unix))]
const fn others(_: &Metadata) -> u32 {
    0
}

/// Whether others can replace files in a folder. In one with the sticky bit, such as `/tmp`, only
/// the owner of a file can. The user's own group is usually the user alone.
#[cfg(unix)]
fn is_open(folder: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let mode = folder.mode();
    let is_own_group = folder.gid() == rustix::process::getegid().as_raw();
    let others = mode & 0o002 != 0 || (mode & 0o020 != 0 && !is_own_group);
    others && mode & 0o1000 == 0
}

#[cfg(not(unix))]
const fn is_open(_: &Metadata) -> bool {
    false
}

/// Whether a file belongs to the user or to root. To root, every file is as good as its own: in a
/// container, a secret may belong to a user of the machine around it.
#[cfg(unix)]
fn is_trusted(meta: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    is_own(meta) || meta.uid() == 0 || rustix::process::geteuid().is_root()
}

#[cfg(not(unix))]
const fn is_trusted(_: &Metadata) -> bool {
    true
}

#[cfg(unix)]
fn is_own(meta: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    meta.uid() == rustix::process::geteuid().as_raw()
}

#[cfg(not(unix))]
const fn is_own(_: &Metadata) -> bool {
    true
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn others_may_not_write_a_secret_and_are_noticed_when_they_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, "phc_0123\n").unwrap();
        for (mode, expected) in [
            (0o600, Ok(false)),
            (0o400, Ok(false)),
            (0o644, Ok(true)),
            (0o440, Ok(true)),
            (0o622, Err("others can write")),
            (0o660, Err("others can write")),
        ] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            match (read(&path), expected) {
                (Ok(found), Ok(expected)) => {
                    assert_eq!(found.is_readable_by_others, expected, "{mode:o}");
                    assert_eq!(found.text, "phc_0123\n");
                }
                (Err(found), Err(expected)) => assert_eq!(found.to_string(), expected),
                _ => panic!("{mode:o}"),
            }
        }
    }

    #[test]
    fn others_may_not_replace_a_secret() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("folder");
        fs::create_dir(&folder).unwrap();
        let path = folder.join("key");
        fs::write(&path, "phc_0123\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let link = root.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        for (mode, expected) in [
            (0o755, None),
            (0o1777, None),
            (0o777, Some("is below a folder that others can write")),
            // Of the user's own group.
            (0o775, None),
        ] {
            fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
            for path in [&path, &link] {
                let found = read(path).err().map(|it| it.to_string());
                assert_eq!(found.as_deref(), expected, "{mode:o}");
            }
        }
        // A link may be replaced, wherever it leads.
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        let open = root.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
        std::os::unix::fs::symlink(&path, open.join("link")).unwrap();
        assert!(read(&path).is_ok());
        assert!(read(&open.join("link")).is_err());
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_a_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        for (content, expected) in [
            ("\u{feff}phc_0123\n", "phc_0123\n"),
            ("\u{feff}\u{feff}phc_0123", "\u{feff}phc_0123"),
            ("phc_\u{feff}0123", "phc_\u{feff}0123"),
        ] {
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            assert_eq!(read(&path).ok().unwrap().text, expected);
        }
    }

    #[test]
    fn only_a_file_outside_of_repositories_holds_a_secret() {
        let folder = tempfile::tempdir().unwrap();
        let repository = folder.path().join("repository");
        fs::create_dir_all(repository.join(".git")).unwrap();
        fs::write(repository.join("key"), "phc_0123").unwrap();
        std::os::unix::fs::symlink(repository.join("key"), folder.path().join("link")).unwrap();
        let committed = "is in a git repository, where secrets do not belong";
        for (name, expected) in [
            ("missing", "is not there"),
            ("repository", "is no file"),
            ("repository/key", committed),
            ("link", committed),
        ] {
            let error = read_outside_repositories(&folder.path().join(name));
            let error = error.err().unwrap();
            assert_eq!(error.to_string(), expected, "{name}");
        }
    }
}
