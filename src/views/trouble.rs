//! A problem and the next step, as separate texts.

use std::fmt;
use std::sync::Arc;

use crate::consent::{Stopped, TrustError, Unconfirmed};
use crate::inbox::InboxError;
use crate::integrations::claude_code::settings::edit::EditError;
use crate::outbox::OutboxError;

/// A problem that prevents storing or sending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// The fault, and the file or address it concerns.
    pub(crate) found: String,
    /// The next step for the user.
    pub(crate) fix: String,
}

impl Trouble {
    /// The problem behind an error; `None` if there is no next step. `found` is the whole chain of
    /// the error, including its context.
    pub(crate) fn of(error: &anyhow::Error) -> Option<Self> {
        let fix = error.chain().find_map(|cause| {
            let outbox = cause.downcast_ref().and_then(OutboxError::fix);
            let edit = || cause.downcast_ref().and_then(EditError::fix);
            let trust = || cause.downcast_ref().map(TrustError::fix);
            let inbox = || cause.downcast_ref().and_then(InboxError::fix);
            let shared = || {
                cause
                    .downcast_ref()
                    .and_then(|it: &Arc<InboxError>| it.fix())
            };
            outbox
                .or_else(inbox)
                .or_else(shared)
                .or_else(edit)
                .or_else(trust)
        });
        Some(Self {
            found: format!("{error:#}"),
            fix: fix?.to_owned(),
        })
    }
}

impl From<OutboxError> for Trouble {
    fn from(error: OutboxError) -> Self {
        let fix = error.fix();
        Self {
            found: error.to_string(),
            fix: fix.unwrap_or("report this line").to_owned(),
        }
    }
}

impl From<InboxError> for Trouble {
    fn from(error: InboxError) -> Self {
        let fix = error.fix();
        Self {
            found: error.to_string(),
            fix: fix.unwrap_or("report this line").to_owned(),
        }
    }
}

impl From<TrustError> for Trouble {
    fn from(error: TrustError) -> Self {
        Self {
            found: error.to_string(),
            fix: error.fix().to_owned(),
        }
    }
}

impl From<&Stopped> for Trouble {
    fn from(stopped: &Stopped) -> Self {
        Self {
            found: stopped.found.clone(),
            fix: stopped.fix.clone(),
        }
    }
}

impl From<Unconfirmed> for Trouble {
    fn from(Unconfirmed { found, fix, .. }: Unconfirmed) -> Self {
        Self { found, fix }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}; {}", self.found, self.fix)
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn the_fix_is_found_below_any_context() {
        let path = std::path::PathBuf::from("/state/outbox.db");
        let error: Result<(), _> = Err(OutboxError::Full { path });
        let error = error.context("session 4f2a").unwrap_err();
        let trouble = Trouble::of(&error).unwrap();
        assert_eq!(
            trouble.found,
            "session 4f2a: no space left to write /state/outbox.db"
        );
        assert_eq!(trouble.fix, "free some space; nothing stored is lost");
        assert_eq!(Trouble::of(&anyhow::anyhow!("anything else")), None);
    }
}
