//! The scope of the page, and the settings and tools that its parts share.

use std::fmt::Display;
use std::path::PathBuf;

use super::contract::Unreadable;
use crate::config::Config;
use crate::host::Host;
use crate::sources::{self, Listing, SessionRef};
use crate::views::Prospect;

/// The sessions that the page shows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    /// The folder whose sessions are shown; `None` for all.
    pub(crate) folder: Option<PathBuf>,
    /// The session that is shown first, in whatever folder it is.
    pub(crate) session: Option<SessionRef>,
}

/// Settings and tools that the parts of the page share.
pub(super) struct Here {
    pub(super) host: Host,
    pub(super) config: Config,
    pub(super) scope: Scope,
    /// Builds events as they would be sent.
    pub(super) prospect: Prospect,
    /// Builds events without content, for their numbers.
    pub(super) numbers: Prospect,
}

impl Here {
    pub(super) fn of(config: &Config, host: &Host, scope: Scope) -> anyhow::Result<Self> {
        Ok(Self {
            host: host.clone(),
            config: config.clone(),
            scope,
            prospect: Prospect::of(config)?,
            numbers: Prospect::of(&config.for_numbers())?,
        })
    }

    /// The sessions to show, the most recently written first.
    pub(super) fn sessions(&self) -> Listing<SessionRef> {
        if let Some(folder) = &self.scope.folder {
            return sources::below_for(folder, &self.host);
        }
        let mut listing = sources::all(&self.host);
        if let Some(named) = &self.scope.session {
            let is_listed = listing.found.iter().any(|it| it.locator == named.locator);
            if !is_listed {
                // The session may have been written to since.
                let now = SessionRef::at(&named.locator.path());
                listing
                    .found
                    .insert(0, now.unwrap_or_else(|| named.clone()));
            }
        }
        listing
    }

    /// A path that cannot be read, and why, with secrets replaced.
    pub(super) fn unreadable(&self, path: impl Display, reason: impl Display) -> Unreadable {
        Unreadable {
            path: self.redacted(path.to_string()),
            reason: self.redacted(reason.to_string()),
        }
    }

    /// A text of this machine with secrets replaced.
    pub(super) fn redacted(&self, text: String) -> String {
        let redactor = self.prospect.redactors().usual();
        redactor.written(|replace| replace(text)).into_inner()
    }
}

/// The name of a session in requests.
pub(super) fn key(found: &SessionRef, session_key: &str) -> String {
    format!("{}/{session_key}", found.agent.as_str())
}
