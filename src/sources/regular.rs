//! Regular files of limited size: nothing that blocks or never ends is opened.
//!
//! A transcript is a regular file with a size. Pipes and devices are not, and neither are files of
//! `/proc`, though the system calls them regular: their size is 0, and reading one may block for
//! ever (`/proc/kmsg`).

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// Bytes of the largest file to read as a transcript: many times the size of any session seen.
const LARGEST: u64 = 16 << 30;

/// Bytes of the largest file to read into memory at once.
const LARGEST_WHOLE: u64 = 128 << 20;

/// The error for a file that can be opened but is not a transcript.
pub(super) fn not_a_transcript(why: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("not a transcript: {why}"))
}

/// Opens a file for reading, and returns its size in bytes.
///
/// # Errors
/// When it cannot be opened, is not regular, has no size, or is too large.
pub(super) fn open(path: &Path) -> io::Result<(File, u64)> {
    opened(path, LARGEST, not_a_transcript)
}

fn opened(path: &Path, largest: u64, refused: fn(&str) -> io::Error) -> io::Result<(File, u64)> {
    // Checked before opening, which may have effects on a pipe or a device.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(
            ErrorKind::InvalidInput,
            "is not a regular file",
        ));
    }
    let mut options = OpenOptions::new();
    options.read(true);
    // No effect on files of a disk; for any other kind, reading does not block.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, nix::libc::O_NONBLOCK);
    let mut file = options.open(path)?;
    let length = file.metadata()?.len();
    if length > largest {
        return Err(refused("it is too large"));
    }
    if length == 0 {
        let is_empty = matches!(file.read(&mut [0]), Ok(0));
        // The file may have been written to between the two calls.
        if !is_empty && file.metadata()?.len() == 0 {
            return Err(refused("it has no size"));
        }
    }
    Ok((file, length))
}

/// Reads a file whole, as text.
///
/// # Errors
/// When [`open`] refuses it, it is too large to be read at once, or is not UTF-8.
pub(super) fn read(path: &Path) -> io::Result<String> {
    let (file, length) = open(path)?;
    if length > LARGEST_WHOLE {
        return Err(not_a_transcript("it is too large"));
    }
    let mut text = String::new();
    file.take(length).read_to_string(&mut text)?;
    Ok(text)
}

/// Reads the bytes of a small file.
///
/// # Errors
/// When [`open`] refuses it, or it has more than `largest` bytes.
pub(crate) fn read_small(path: &Path, largest: u64) -> io::Result<Vec<u8>> {
    let refused = |why: &str| io::Error::new(ErrorKind::InvalidData, why.to_owned());
    let (file, length) = opened(path, largest, refused)?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_opened_with_its_size() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["", "text\n"] {
            let path = folder.path().join("file");
            fs::write(&path, text).unwrap();
            assert_eq!(open(&path).unwrap().1, text.len() as u64);
            assert_eq!(read(&path).unwrap(), text);
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn endless_files_are_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let huge = folder.path().join("huge");
        File::create(&huge).unwrap().set_len(LARGEST + 1).unwrap();
        let large = folder.path().join("large");
        File::create(&large)
            .unwrap()
            .set_len(LARGEST_WHOLE + 1)
            .unwrap();
        assert!(open(&large).is_ok());
        for (path, why) in [
            (folder.path(), "is not a regular file"),
            (Path::new("/dev/zero"), "is not a regular file"),
            (Path::new("/proc/self/environ"), "it has no size"),
            (&huge, "it is too large"),
        ] {
            let error = open(path).unwrap_err().to_string();
            assert!(error.contains(why), "{}: {error}", path.display());
            assert!(read(path).is_err(), "{}", path.display());
            assert!(read_small(path, 99).is_err(), "{}", path.display());
        }
        assert!(read(&large).is_err());
    }
}
