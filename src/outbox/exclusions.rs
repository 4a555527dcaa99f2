//! Sessions that the user excludes from sending: one small file each, beside the database.
//!
//! Files instead of a table, so that a session can be excluded before an outbox exists, and stays
//! excluded when a damaged one is set aside. The existence of the file excludes the session: its
//! name is derived from the session, and its content is for people.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Outbox, OutboxError};
use crate::files::{make_directory, private_file, remove, replace, sync_directory};
use crate::fingerprint;

/// Format version of the files.
const VERSION: u32 = 1;

/// Folder of the files in the state directory.
pub(super) const FOLDER: &str = "excluded";

/// A session that is excluded from sending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Exclusion {
    /// The agent, such as `claude-code`.
    pub(crate) agent: String,
    /// The session's id, unique within the agent.
    pub(crate) session: String,
    /// The command that excluded it.
    pub(crate) cause: Cause,
    /// When it was excluded.
    pub(crate) since: DateTime<Utc>,
}

/// The command that excluded a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Cause {
    /// `pause`.
    Paused,
    /// `forget`.
    Forgotten,
}

impl Exclusion {
    /// Why nothing of the session is sent, and how to undo that.
    #[must_use]
    pub(crate) fn reason(&self) -> String {
        let cause = self.cause.word();
        format!("it is {cause} (undo with posthog-llma resume)")
    }
}

impl Cause {
    /// An adjective that completes "it is …".
    #[must_use]
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::Forgotten => "forgotten",
        }
    }
}

/// The content of an exclusion's file.
#[derive(Serialize, Deserialize)]
struct File {
    version: u32,
    #[serde(flatten)]
    exclusion: Exclusion,
}

/// The excluded sessions of a state directory.
#[derive(Clone, Debug)]
pub(crate) struct Exclusions {
    folder: PathBuf,
}

impl Exclusions {
    /// The exclusions of a state directory, which need not exist.
    #[must_use]
    pub(crate) fn of(state_dir: &Path) -> Self {
        Self {
            folder: state_dir.join(FOLDER),
        }
    }

    /// Why a session is excluded; `None` if it is not.
    ///
    /// # Errors
    /// [`OutboxError::Exclusion`] when that cannot be determined: then nothing of the session may
    /// be sent.
    pub(crate) fn find(
        &self,
        agent: &str,
        session: &str,
    ) -> Result<Option<Exclusion>, OutboxError> {
        read(&self.path(agent, session))
    }

    /// All exclusions, the latest first.
    ///
    /// # Errors
    /// [`OutboxError::Exclusion`] when a file cannot be read: then its session is unknown.
    pub(crate) fn all(&self) -> Result<Vec<Exclusion>, OutboxError> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|error| unusable(&self.folder, error))?,
        };
        let mut all = Vec::new();
        for entry in entries {
            let path = entry.map_err(|error| unusable(&self.folder, error))?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                all.extend(read(&path)?);
            }
        }
        all.sort_by(|one, other| (other.since, &one.session).cmp(&(one.since, &other.session)));
        Ok(all)
    }

    /// Whether there is certainly no exclusion.
    pub(crate) fn is_empty(&self) -> bool {
        match fs::read_dir(&self.folder) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) => error.kind() == ErrorKind::NotFound,
        }
    }

    /// The exclusion of one of these sessions, named by their ids in lower case, whatever their
    /// agents; `None` if none is excluded.
    ///
    /// # Errors
    /// As for [`Exclusions::all`].
    pub(crate) fn of_named(&self, sessions: &[String]) -> Result<Option<Exclusion>, OutboxError> {
        if sessions.is_empty() {
            return Ok(None);
        }
        let mut all = self.all()?.into_iter();
        Ok(all.find(|it| sessions.contains(&it.session.to_lowercase())))
    }

    /// Excludes a session. When this returns, the exclusion is on disk.
    ///
    /// # Errors
    /// [`OutboxError::Unwritten`] when the file cannot be written: the session is not excluded then.
    pub(crate) fn add(&self, exclusion: &Exclusion) -> Result<(), OutboxError> {
        let path = self.path(&exclusion.agent, &exclusion.session);
        let write = || {
            make_directory(&self.folder)?;
            let text = serde_json::to_vec(&File {
                version: VERSION,
                exclusion: exclusion.clone(),
            })?;
            let temporary = path.with_extension("new");
            remove(&temporary)?;
            let mut file = private_file().open(&temporary)?;
            file.write_all(&text)?;
            file.sync_all()?;
            replace(&temporary, &path)?;
            sync_directory(&self.folder)
        };
        write().map_err(|error| unwritten(&path, error))
    }

    /// Removes the exclusion of a session.
    ///
    /// # Errors
    /// [`OutboxError::Unwritten`] when the file cannot be removed: the session is still excluded
    /// then.
    pub(crate) fn remove(&self, exclusion: &Exclusion) -> Result<(), OutboxError> {
        let path = self.path(&exclusion.agent, &exclusion.session);
        remove(&path).map_err(|error| unwritten(&path, error))
    }

    fn path(&self, agent: &str, session: &str) -> PathBuf {
        // The id is text from a transcript or the environment and may contain any character.
        let name = fingerprint::of(&[agent.as_bytes(), session.as_bytes()]);
        self.folder.join(format!("{name:016x}.json"))
    }
}

impl Outbox {
    /// The excluded sessions of the same state directory.
    #[must_use]
    pub(crate) fn exclusions(&self) -> Exclusions {
        Exclusions::of(&self.directory)
    }
}

fn read(path: &Path) -> Result<Option<Exclusion>, OutboxError> {
    let text = match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        text => text.map_err(|error| unusable(path, error))?,
    };
    let file: File = serde_json::from_slice(&text).map_err(|error| unusable(path, error.into()))?;
    if file.version > VERSION {
        let error = io::Error::other("a newer posthog-llma wrote it");
        return Err(unusable(path, error));
    }
    Ok(Some(file.exclusion))
}

fn unwritten(path: &Path, cause: io::Error) -> OutboxError {
    OutboxError::Unwritten {
        path: path.to_owned(),
        cause,
    }
}

fn unusable(path: &Path, cause: io::Error) -> OutboxError {
    OutboxError::Exclusion {
        path: path.to_owned(),
        cause,
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn exclusion(session: &str, seconds: i64) -> Exclusion {
        Exclusion {
            agent: "pi".to_owned(),
            session: session.to_owned(),
            cause: Cause::Paused,
            since: DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap(),
        }
    }

    #[test]
    fn a_session_is_excluded_until_that_is_taken_back_whatever_its_id() {
        let directory = TempDir::new().unwrap();
        let exclusions = Exclusions::of(&directory.path().join("not made yet"));
        assert_eq!(exclusions.all().unwrap(), []);
        for (number, id) in (1..).zip(["4f2a", "../../etc", "", "a\0b"]) {
            let excluded = exclusion(id, number);
            exclusions.add(&excluded).unwrap();
            exclusions.add(&excluded).unwrap();
            assert_eq!(exclusions.find("pi", id).unwrap(), Some(excluded.clone()));
            assert_eq!(exclusions.find("opencode", id).unwrap(), None);
            assert_eq!(exclusions.all().unwrap()[0], excluded, "the latest first");
        }
        let newest = &exclusions.all().unwrap()[0];
        assert_eq!(newest.session, "a\0b");
        exclusions.remove(newest).unwrap();
        exclusions.remove(newest).unwrap();
        assert_eq!(exclusions.find("pi", "a\0b").unwrap(), None);
        assert_eq!(exclusions.all().unwrap().len(), 3);
    }

    #[test]
    fn what_cannot_be_read_is_an_error_and_never_a_session_that_may_be_sent() {
        for text in [
            "",
            "{",
            r#"{"version":2,"agent":"pi","session":"a","cause":"paused","since":"2026-01-01T00:00:00Z"}"#,
        ] {
            let directory = TempDir::new().unwrap();
            let exclusions = Exclusions::of(directory.path());
            exclusions.add(&exclusion("a", 0)).unwrap();
            fs::write(exclusions.path("pi", "a"), text).unwrap();
            let error = exclusions.find("pi", "a").unwrap_err().to_string();
            assert!(error.contains("excluded"), "{error}");
            assert!(exclusions.all().is_err(), "{text}");
            assert_eq!(exclusions.find("pi", "b").unwrap(), None);
        }
    }
}
