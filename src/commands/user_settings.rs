//! The user's own settings at one moment.
//!
//! A process reads them once, when it begins. If the user changes them meanwhile, it sends nothing
//! more: the next one follows the new ones.

use crate::host::Host;
use crate::integrations::claude_code::settings::{self, Variables};

/// The variables in the user's settings file of Claude Code, or the reason why it cannot be read;
/// `None` without a file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct UserSettings(Option<Result<Variables, String>>);

impl UserSettings {
    pub(super) fn now(host: &Host) -> Self {
        Self(settings::of_user(host).map(|file| file.variables))
    }

    /// Whether they are others now.
    pub(super) fn have_changed(&self, host: &Host) -> bool {
        *self != Self::now(host)
    }
}
