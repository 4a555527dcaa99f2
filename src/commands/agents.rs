//! Text and JSON about the agents other than Claude Code.

use serde_json::{Value, json};

use super::words;
use crate::host::Host;
use crate::integrations;
use crate::ui;
use crate::views::OtherAgent;

/// The state of an agent as one line of text.
pub(super) fn in_words(other: &OtherAgent, host: &Host) -> String {
    let folder = words::path(&other.folder, host);
    let sessions = ui::count(other.sessions as u64, "session");
    let state = match (&other.plugin, &other.switched) {
        (Some(file), Ok(())) => {
            let privacy = words::privacy(other.recording);
            let privacy = privacy.map_or_else(String::new, |what| format!(", {what}"));
            format!("on, by {}{privacy}", words::path(file, host))
        }
        (None, _) => "off: its plugin is not installed".to_owned(),
        (Some(_), Err(why)) => format!("off: {why}"),
    };
    format!("{state}; {sessions} in {folder}")
}

/// The step that switches an agent on.
pub(super) fn fix(other: &OtherAgent) -> &'static str {
    let install = integrations::install_commands(other.agent).first();
    match (&other.plugin, install) {
        (None, Some(install)) => install,
        _ => "export POSTHOG_API_KEY in the shell that it is started from",
    }
}

/// The state of an agent as JSON, for scripts.
pub(super) fn as_json(other: &OtherAgent) -> Value {
    json!({
        "agent": other.agent.as_str(),
        "enabled": other.is_on(),
        "plugin": other.plugin.as_ref().map(|path| path.to_string_lossy()),
        "folder": other.folder.to_string_lossy(),
        "sessions": other.sessions,
        "records_inputs": other.recording.inputs(),
        "records_outputs": other.recording.outputs(),
    })
}
