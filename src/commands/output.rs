//! The file that a command writes its result to.
//!
//! A regular file gets its name when it is complete, and is readable by its owner only. An existing
//! file is replaced only with `--force`. A failure leaves no file behind. Standard output, pipes
//! and devices are written directly.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use tempfile::NamedTempFile;

use crate::commands::WrongUse;
use crate::files;
use crate::ui;

/// Names of standard output. Its file belongs to the shell.
const STANDARD_OUTPUT: [&str; 4] = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];

/// A file that is being written.
pub(super) struct Output {
    name: PathBuf,
    writer: Writer,
    bytes: u64,
}

enum Writer {
    StandardOutput(Box<dyn Write>),
    /// A pipe or a device.
    Stream(BufWriter<File>),
    New(NewFile),
}

/// A file that gets its name when it is complete.
struct NewFile {
    file: BufWriter<NamedTempFile>,
    path: PathBuf,
    replaces: bool,
}

/// Treatment of a regular file that has the name already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ExistingFile {
    /// The file stays, and opening it is an error.
    Keep,
    /// The file is replaced once the new one is complete.
    Replace,
}

impl ExistingFile {
    /// By the option `--force`.
    pub(super) const fn of(force: bool) -> Self {
        if force { Self::Replace } else { Self::Keep }
    }
}

impl Output {
    /// Opens `name` for writing.
    pub(super) fn open(name: &Path, existing_file: ExistingFile) -> anyhow::Result<Self> {
        let shown = name.display();
        let writer = if STANDARD_OUTPUT.iter().any(|it| name == Path::new(it)) {
            Writer::StandardOutput(ui::data())
        } else {
            match name.symlink_metadata() {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    Writer::New(NewFile::beside(name.to_owned(), false)?)
                }
                Err(error) => {
                    return Err(error).with_context(|| format!("cannot write {shown}"));
                }
                Ok(_) => existing(name, existing_file)?,
            }
        };
        Ok(Self {
            name: name.to_owned(),
            writer,
            bytes: 0,
        })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let writer: &mut dyn Write = match &mut self.writer {
            Writer::StandardOutput(out) => out,
            Writer::Stream(file) => file,
            Writer::New(new) => &mut new.file,
        };
        writer
            .write_all(bytes)
            .with_context(|| self.cannot_write())?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Completes the file. Returns its name and size in bytes; `None` for standard output.
    pub(super) fn finish(self) -> anyhow::Result<Option<(PathBuf, u64)>> {
        let cannot_write = self.cannot_write();
        let Self {
            name,
            writer,
            bytes,
        } = self;
        let is_named = match writer {
            Writer::StandardOutput(mut out) => out.flush().map(|()| false),
            Writer::Stream(mut file) => file.flush().map(|()| true),
            Writer::New(new) => new.finish().map(|()| true),
        };
        let is_named = is_named.context(cannot_write)?;
        Ok(is_named.then_some((name, bytes)))
    }

    fn cannot_write(&self) -> String {
        format!("cannot write {}", self.name.display())
    }
}

/// Opens an existing name. A link is followed: its target is written.
fn existing(name: &Path, existing_file: ExistingFile) -> anyhow::Result<Writer> {
    let shown = name.display();
    let target = dunce::canonicalize(name);
    let target =
        target.with_context(|| format!("cannot write {shown}: it is a link to nothing"))?;
    let kind = target.metadata();
    let kind = kind
        .with_context(|| format!("cannot write {shown}"))?
        .file_type();
    if kind.is_dir() {
        bail!("cannot write {shown}: it is a folder; name a file in it");
    }
    if !kind.is_file() {
        let stream = OpenOptions::new().append(true).open(&target);
        let stream = stream.with_context(|| format!("cannot write {shown}"))?;
        return Ok(Writer::Stream(BufWriter::new(stream)));
    }
    if existing_file == ExistingFile::Keep {
        bail!(WrongUse(format!(
            "{shown} is there already: name another file, or replace it with --force"
        )));
    }
    Ok(Writer::New(NewFile::beside(target, true)?))
}

impl NewFile {
    fn beside(path: PathBuf, replaces: bool) -> anyhow::Result<Self> {
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        // Readable by its owner only, as `tempfile` documents.
        let file = NamedTempFile::with_prefix_in(".posthog-llma-", folder);
        let file = file.with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self {
            file: BufWriter::new(file),
            path,
            replaces,
        })
    }

    fn finish(self) -> io::Result<()> {
        let file = self
            .file
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        file.as_file().sync_all()?;
        if self.replaces {
            files::persist(file, &self.path)?;
        } else {
            // Another file may have got the name meanwhile.
            file.persist_noclobber(&self.path)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    #[cfg(unix)]
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn write(
        name: &Path,
        existing: ExistingFile,
        text: &str,
    ) -> anyhow::Result<Option<(PathBuf, u64)>> {
        let mut output = Output::open(name, existing)?;
        output.write(text.as_bytes())?;
        output.finish()
    }

    fn entries(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn a_new_file_is_there_when_it_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let name = folder.path().join("events.jsonl");
        let mut output = Output::open(&name, ExistingFile::Keep).unwrap();
        output.write(b"{}\n").unwrap();
        assert!(!name.exists());
        assert_eq!(output.finish().unwrap(), Some((name.clone(), 3)));
        assert_eq!(fs::read_to_string(&name).unwrap(), "{}\n");
        #[cfg(unix)]
        assert_eq!(name.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_file_is_replaced_when_the_user_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let name = folder.path().join("events.jsonl");
        fs::write(&name, "mine").unwrap();
        let refused = write(&name, ExistingFile::Keep, "{}").unwrap_err();
        assert!(refused.is::<WrongUse>() && refused.to_string().contains("--force"));
        assert_eq!(fs::read_to_string(&name).unwrap(), "mine");
        write(&name, ExistingFile::Replace, "{}").unwrap();
        assert_eq!(fs::read_to_string(&name).unwrap(), "{}");
        assert_eq!(entries(folder.path()), 1);
    }

    #[test]
    fn what_comes_to_be_there_meanwhile_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let name = folder.path().join("events.jsonl");
        let output = Output::open(&name, ExistingFile::Keep).unwrap();
        fs::write(&name, "mine").unwrap();
        assert!(output.finish().is_err());
        assert_eq!(fs::read_to_string(&name).unwrap(), "mine");
        assert_eq!(entries(folder.path()), 1);
    }

    #[test]
    fn a_file_that_is_given_up_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let name = folder.path().join("events.jsonl");
        fs::write(&name, "mine").unwrap();
        let mut output = Output::open(&name, ExistingFile::Replace).unwrap();
        output.write(b"half").unwrap();
        drop(output);
        assert_eq!(fs::read_to_string(&name).unwrap(), "mine");
        assert_eq!(entries(folder.path()), 1);
    }

    #[test]
    #[cfg(unix)]
    fn a_link_stays_and_what_it_points_to_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let [link, nowhere, file] = ["link", "nowhere", "file"].map(|it| folder.path().join(it));
        symlink(&file, &link).unwrap();
        symlink(folder.path().join("missing"), &nowhere).unwrap();
        fs::write(&file, "mine").unwrap();
        assert!(write(&link, ExistingFile::Keep, "{}").is_err());
        write(&link, ExistingFile::Replace, "{}").unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&file).unwrap(), "{}");
        for existing in [ExistingFile::Keep, ExistingFile::Replace] {
            assert!(write(&nowhere, existing, "{}").is_err());
            assert!(write(folder.path(), existing, "{}").is_err());
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_device_is_written_to() {
        let written = write(Path::new("/dev/null"), ExistingFile::Keep, "{}").unwrap();
        assert_eq!(written, Some((PathBuf::from("/dev/null"), 2)));
        assert!(!Path::new("/dev/null").metadata().unwrap().is_file());
    }
}
