//! The files of a session in memory, and the fixtures as sessions to start from.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use posthog_llma::sources;
use tempfile::TempDir;
use walkdir::WalkDir;

use super::engine::Input;

/// Every session of the fixtures that has a transcript, with its subagents.
pub(crate) static SEEDS: LazyLock<Vec<Files>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/sessions");
    let seeds: Vec<Files> = sources::below(&root)
        .found
        .into_iter()
        .filter(|found| !is_agent(found.locator.file()))
        .map(|found| Files::beside(found.locator.file()))
        .collect();
    assert!(!seeds.is_empty(), "sessions in {}", root.display());
    seeds
});

/// The files of one session, by their path below the folder of its project.
#[derive(Clone)]
pub(crate) struct Files(pub(crate) BTreeMap<PathBuf, Vec<u8>>);

impl Files {
    /// The transcript, the files in its folder, and the subagents beside it that belong to it.
    fn beside(transcript: &Path) -> Self {
        let project = transcript.parent().expect("a file has a folder");
        let name = transcript.file_stem().expect("a transcript has a name");
        let name = name.to_str().expect("the name is text");
        let mut files = Self::below(project);
        files.0.retain(|path, bytes| {
            let is_sibling = is_agent(path)
                && path.components().count() == 1
                && memchr::memmem::find(bytes, name.as_bytes()).is_some();
            is_sibling || path.to_string_lossy().starts_with(name)
        });
        files
    }

    fn below(folder: &Path) -> Self {
        let entries = WalkDir::new(folder)
            .into_iter()
            .map(|entry| entry.expect("it can be read"));
        let files = entries
            .filter(|entry| entry.file_type().is_file())
            .map(|entry| {
                let path = entry.path().strip_prefix(folder).expect("it is below");
                (
                    path.to_owned(),
                    fs::read(entry.path()).expect("it can be read"),
                )
            });
        Self(files.collect())
    }

    fn write(&self, folder: &Path) {
        for (path, bytes) in &self.0 {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().expect("a file has a folder"))
                .expect("it is writable");
            fs::write(path, bytes).expect("it is writable");
        }
    }

    fn transcript(&self) -> &Path {
        let mut paths = self.0.keys();
        let transcript = paths.find(|path| path.components().count() == 1 && !is_agent(path));
        transcript.expect("a session has a transcript")
    }

    /// The session when its transcript had this many lines, with the lines of its subagents up to
    /// that time.
    pub(crate) fn until(&self, lines: usize) -> Self {
        let main = lines_of(&self.0[self.transcript()]);
        let main = &main[..lines.min(main.len())];
        let now = main.iter().filter_map(|line| time(line)).max();
        let mut files = self.clone();
        for (path, bytes) in &mut files.0 {
            let lines = lines_of(bytes);
            *bytes = if path == self.transcript() {
                main.concat()
            } else if is_agent(path) && path.extension().is_some_and(|it| it == "jsonl") {
                lines
                    .into_iter()
                    .take_while(|line| time(line) <= now)
                    .flatten()
                    .copied()
                    .collect()
            } else {
                continue;
            };
        }
        files
    }

    /// Number of lines of the transcript.
    pub(crate) fn lines(&self) -> usize {
        lines_of(&self.0[self.transcript()]).len()
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

impl Input for Files {
    fn keep(&self, path: &Path) {
        // An earlier failure may have had other files.
        let _ = fs::remove_dir_all(path);
        self.write(path);
    }

    fn kept(path: &Path) -> Self {
        Self::below(path)
    }
}

fn is_agent(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().starts_with("agent-")
}

/// Lines with their ends.
pub(crate) fn lines_of(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').collect()
}

/// Times of one form compare as text.
fn time(line: &[u8]) -> Option<String> {
    let line: serde_json::Value = serde_json::from_slice(line).ok()?;
    line["timestamp"].as_str().map(str::to_owned)
}

/// A folder that holds the files of a session for as long as it is needed.
pub(crate) struct OnDisk {
    folder: TempDir,
    pub(crate) transcript: PathBuf,
}

impl OnDisk {
    pub(crate) fn new(files: &Files) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        files.write(folder.path());
        let transcript = folder.path().join(files.transcript());
        Self { folder, transcript }
    }

    /// Writes the files of the continued session.
    pub(crate) fn write(&self, files: &Files) {
        files.write(self.folder.path());
    }
}
