//! The user's own settings at one moment.
//!
//! A process reads them once, when it begins. If the user changes them meanwhile, it sends nothing
//! more, and the next process follows the new ones.

use std::fs;

use crate::config::Routes;
use crate::fingerprint;
use crate::host::Host;
use crate::integrations::claude_code::settings::{self, Variables};

/// The variables in the user's settings file of Claude Code, or the reason why it cannot be read
/// (`None` without a file), and the routes of `serve`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct UserSettings {
    variables: Option<Result<Variables, String>>,
    /// The content of `serve.toml`, as a fingerprint; `None` without one.
    routes: Option<u64>,
}

impl UserSettings {
    pub(super) fn now(host: &Host) -> Self {
        let routes = Routes::path(host).and_then(|path| fs::read(path).ok());
        Self {
            variables: settings::of_user(host).map(|file| file.variables),
            routes: routes.map(|content| fingerprint::of(&[&content])),
        }
    }

    /// Whether the settings have changed since.
    pub(super) fn have_changed(&self, host: &Host) -> bool {
        *self != Self::now(host)
    }
}
