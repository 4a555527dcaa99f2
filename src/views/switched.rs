//! A sentence on whether the hooks of Claude Code send.

use std::fmt;

use super::{Machine, Switch};

/// A sentence, and the next step if there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Switched {
    /// `on, by …`, `off`, or why it is off.
    pub(crate) state: String,
    /// The next step.
    pub(crate) fix: Option<&'static str>,
}

impl Switched {
    pub(crate) fn of(machine: &Machine) -> Self {
        const SETUP: &str = "run posthog-llma setup";
        let path = |path| machine.host.short_path(path).replace('\n', "\\u000a");
        let (state, fix) = match machine.switch() {
            Switch::Stopped(stopped) => (format!("stopped: {}", stopped.reason()), None),
            Switch::NoStateDirectory => (
                "off: no home directory".to_owned(),
                Some("set POSTHOG_LLMA_STATE_DIR"),
            ),
            Switch::On(by) => {
                let by = by.map_or("the environment".to_owned(), path);
                (format!("on, by {by}"), None)
            }
            Switch::OnByPlugin => (
                "on, by the plugin's key, which hooks alone see".to_owned(),
                Some("commands here need posthog-llma setup"),
            ),
            Switch::NoKey if machine.config.destination.names_key => (
                "on, but the key cannot be used: sessions that end are sent later".to_owned(),
                None,
            ),
            Switch::NoKey => ("off: POSTHOG_API_KEY is not set".to_owned(), Some(SETUP)),
            Switch::Off { has_plugin: true } => (
                "off, unless the plugin was given a key".to_owned(),
                Some(SETUP),
            ),
            Switch::OffBy(file) => (format!("off, by {}", path(file)), None),
            Switch::Off { has_plugin: false } => ("off".to_owned(), Some(SETUP)),
        };
        Self { state, fix }
    }
}

impl fmt::Display for Switched {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.state)?;
        self.fix.map_or(Ok(()), |fix| write!(formatter, "; {fix}"))
    }
}
