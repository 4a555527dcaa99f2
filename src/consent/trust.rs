//! Destinations that the user confirmed. Stored in the user's configuration folder, outside any
//! project and out of reach of a project's settings.

use std::fmt::{self, Write};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::files;
use crate::host::Host;
use crate::outbox::Destination;
use crate::transport::Endpoint;

/// Format version of the file.
const VERSION: u32 = 1;

/// The user's confirmations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trust {
    file: PathBuf,
    confirmed: Confirmed,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Confirmed {
    version: u32,
    /// Base addresses of PostHog instances that are not PostHog's own.
    hosts: Vec<String>,
    /// Projects whose committed settings may name a destination.
    projects: Vec<Project>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Project {
    path: String,
    /// Fingerprint of the destination, so that a different one has to be confirmed again.
    destination: String,
}

/// Why the confirmations cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrustError {
    /// The file cannot be read or written.
    #[error("cannot use {}: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        cause: io::Error,
    },
    /// The content of the file is invalid.
    #[error("cannot read {}: {cause}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// The error of the parser.
        cause: serde_json::Error,
    },
}

impl TrustError {
    /// The next step for the user.
    #[must_use]
    pub(crate) const fn fix(&self) -> &'static str {
        match self {
            Self::File { .. } => "make it a file that you can read and write",
            Self::Content { .. } => "remove it and confirm again with posthog-llma trust",
        }
    }
}

/// A destination that the user has not confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unconfirmed {
    /// Why the destination needs a confirmation.
    pub(crate) found: String,
    /// The next step for the user.
    pub(crate) fix: String,
    /// The command of that step.
    pub(crate) command: String,
}

impl fmt::Display for Unconfirmed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.found, self.fix)
    }
}

impl Trust {
    /// No confirmations, and no file to store any. For the case that a project decides the location
    /// of the user's configuration.
    #[must_use]
    pub(crate) fn none() -> Self {
        Self::default()
    }

    /// The confirmations of this user. Where a project moves the user's folders, sending stops
    /// before this is asked.
    ///
    /// # Errors
    /// As [`Trust::open`].
    pub(crate) fn of_user(host: &Host) -> Result<Self, TrustError> {
        match &host.config {
            Some(config) => Self::open(&config.join(env!("CARGO_PKG_NAME"))),
            None => Ok(Self::none()),
        }
    }

    /// Reads the confirmations; none if there is no file.
    ///
    /// # Errors
    /// When the file exists but cannot be read: then nothing is trusted, and nothing is
    /// overwritten.
    pub(crate) fn open(config_dir: &Path) -> Result<Self, TrustError> {
        let file = config_dir.join("trust.json");
        let confirmed = match fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|cause| TrustError::Content {
                path: file.clone(),
                cause,
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Confirmed::default(),
            Err(cause) => return Err(TrustError::File { path: file, cause }),
        };
        Ok(Self { file, confirmed })
    }

    /// Whether events may be sent to a destination. PostHog's own hosts and this machine need no
    /// confirmation, unless a project's committed settings chose them.
    #[must_use]
    pub(crate) fn permits(&self, destination: &Destination) -> bool {
        match &destination.committed_by {
            Some(project) => self.permits_project(destination, project),
            None => self.permits_host(&destination.host),
        }
    }

    /// The confirmation that a destination needs before events may be sent there; `None` if it needs
    /// none.
    #[must_use]
    pub(crate) fn missing(&self, destination: &Destination) -> Option<Unconfirmed> {
        if self.permits(destination) {
            return None;
        }
        let host = &destination.host;
        Some(match &destination.committed_by {
            Some(project) => Unconfirmed {
                found: format!("the settings that came with {project} chose {host}"),
                fix: "confirm it once with posthog-llma trust --project, run in that folder"
                    .to_owned(),
                command: "posthog-llma trust --project".to_owned(),
            },
            None => Unconfirmed {
                found: format!("{host} is not one of PostHog's own hosts"),
                fix: format!("if it is yours, confirm it once with posthog-llma trust {host}"),
                command: format!("posthog-llma trust {host}"),
            },
        })
    }

    fn permits_host(&self, host: &str) -> bool {
        let is_known = Endpoint::parse(host)
            .is_ok_and(|endpoint| endpoint.is_posthog_cloud() || endpoint.is_loopback());
        is_known
            || self
                .confirmed
                .hosts
                .iter()
                .any(|confirmed| confirmed == host)
    }

    fn permits_project(&self, destination: &Destination, path: &str) -> bool {
        let fingerprint = fingerprint(destination);
        self.confirmed
            .projects
            .iter()
            .any(|project| project.path == path && project.destination == fingerprint)
    }

    /// Stores the confirmation of a host.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn confirm_host(&mut self, endpoint: &Endpoint) -> Result<(), TrustError> {
        let host = endpoint.base().to_owned();
        if !self.confirmed.hosts.contains(&host) {
            self.confirmed.hosts.push(host);
        }
        self.save()
    }

    /// Stores the confirmation of a destination that a project's committed settings chose.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn confirm_project(&mut self, destination: &Destination) -> Result<(), TrustError> {
        if let Some(path) = &destination.committed_by {
            self.confirmed
                .projects
                .retain(|project| project.path != *path);
            let destination = fingerprint(destination);
            self.confirmed.projects.push(Project {
                path: path.clone(),
                destination,
            });
        }
        self.save()
    }

    /// Removes all confirmations, and the folder if nothing else is in it.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub(crate) fn purge(config_dir: &Path) -> Result<(), TrustError> {
        let file = config_dir.join("trust.json");
        match fs::remove_file(&file) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(TrustError::File {
                    path: file,
                    cause: source,
                });
            }
            Ok(()) | Err(_) => {}
        }
        // Others may keep files there; then the folder is not ours.
        let _ = fs::remove_dir(config_dir);
        Ok(())
    }

    /// Writes a temporary file beside the real one and syncs it before renaming it.
    fn save(&mut self) -> Result<(), TrustError> {
        self.confirmed.version = VERSION;
        let failed = |cause| TrustError::File {
            path: self.file.clone(),
            cause,
        };
        let text =
            serde_json::to_string_pretty(&self.confirmed).map_err(|cause| TrustError::Content {
                path: self.file.clone(),
                cause,
            })?;
        let folder = self.file.parent().unwrap_or_else(|| Path::new("."));
        fs::create_dir_all(folder).map_err(failed)?;
        let temporary = self.file.with_extension("json.new");
        let write = || {
            let mut file = fs::File::create(&temporary)?;
            io::Write::write_all(&mut file, text.as_bytes())?;
            file.sync_all()?;
            files::replace(&temporary, &self.file)
        };
        write().map_err(failed)
    }
}

fn fingerprint(destination: &Destination) -> String {
    let text = format!("{}\n{}", destination.host, destination.api_key);
    let digest = Sha256::digest(text.as_bytes());
    let mut fingerprint = String::new();
    for byte in digest.iter().take(16) {
        // Writing to a string cannot fail.
        let _ = write!(fingerprint, "{byte:02x}");
    }
    fingerprint
}

#[cfg(test)]
mod tests {
    use super::*;

    fn destination(host: &str, committed_by: Option<&str>) -> Destination {
        Destination {
            host: host.to_owned(),
            api_key: "phc_one".to_owned(),
            committed_by: committed_by.map(str::to_owned),
        }
    }

    #[test]
    fn only_posthog_and_this_machine_are_trusted_unasked() {
        let folder = tempfile::tempdir().unwrap();
        let trust = Trust::open(folder.path()).unwrap();
        for (host, permitted) in [
            ("https://us.i.posthog.com", true),
            ("https://eu.i.posthog.com", true),
            ("http://127.0.0.1:8000", true),
            ("https://posthog.example.com", false),
            ("https://us.i.posthog.com.example.com", false),
        ] {
            assert_eq!(trust.permits(&destination(host, None)), permitted, "{host}");
        }
    }

    #[test]
    fn a_confirmed_host_stays_confirmed() {
        let folder = tempfile::tempdir().unwrap();
        let own = destination("https://posthog.example.com", None);
        let mut trust = Trust::open(folder.path()).unwrap();
        assert!(
            trust
                .missing(&own)
                .is_some_and(|what| what.fix.contains("posthog-llma trust https"))
        );
        trust
            .confirm_host(&Endpoint::parse("posthog.example.com").unwrap())
            .unwrap();
        assert!(Trust::open(folder.path()).unwrap().permits(&own));
    }

    #[test]
    fn a_project_s_choice_is_confirmed_for_that_project_and_destination_alone() {
        let folder = tempfile::tempdir().unwrap();
        let chosen = destination("https://us.i.posthog.com", Some("/home/ada/project"));
        let mut trust = Trust::open(folder.path()).unwrap();
        assert!(
            trust
                .missing(&chosen)
                .is_some_and(|what| what.fix.contains("trust --project"))
        );
        trust.confirm_project(&chosen).unwrap();
        let trust = Trust::open(folder.path()).unwrap();
        assert!(trust.permits(&chosen));
        assert!(!trust.permits(&destination(
            "https://us.i.posthog.com",
            Some("/home/ada/other")
        )));
        let other_key = Destination {
            api_key: "phc_two".to_owned(),
            ..chosen
        };
        assert!(!trust.permits(&other_key));
    }

    #[test]
    fn a_damaged_file_trusts_nothing_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("trust.json"), "{").unwrap();
        let error = Trust::open(folder.path()).unwrap_err();
        assert!(error.to_string().starts_with("cannot read "));
        assert!(error.fix().contains("remove it and confirm again"));
        assert!(std::error::Error::source(&error).is_none(), "named once");
    }
}
