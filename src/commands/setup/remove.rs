//! `setup --remove`: switches sending off, by taking back what setup wrote.

use super::place::Place;
use super::{ENABLED, HOST, KEYS, PRIVACY, say};
use crate::commands::words;
use crate::host::Host;
use crate::integrations::claude_code::plugin::{PLUGIN, Plugin};
use crate::integrations::claude_code::settings::edit::SettingsFile;
use crate::views::{Machine, Switched};

/// Takes the settings back. While the plugin is installed, which may have a key of its own, they say
/// that sending is off.
pub(super) fn run(
    place: &Place,
    file: &SettingsFile,
    is_purge: bool,
    host: &Host,
) -> anyhow::Result<()> {
    let path = words::path(&place.file, host);
    let mut names: Vec<&str> = KEYS.iter().map(|it| it.name()).collect();
    names.extend([HOST, ENABLED]);
    if is_purge {
        names.push(PRIVACY);
    }
    match file.without(&names, ENABLED) {
        None => say(&format!("{path} says nothing of posthog-llma")),
        Some(text) if file.is_ours(&text) => {
            file.delete()?;
            say(&format!("removed {path}: there was nothing else in it"));
        }
        Some(text) => {
            file.save(&text)?;
            let now = SettingsFile::open(&place.file)?;
            let kept: Vec<&str> = names.iter().copied().filter(|it| now.sets(it)).collect();
            names.retain(|name| file.sets(name) && !now.sets(name));
            if !names.is_empty() {
                say(&format!("removed {} from {path}", words::list(&names)));
            }
            if !kept.is_empty() {
                let kept = words::list(&kept);
                say(&format!("as before setup in {path}: {kept}"));
            }
        }
    }
    if !place.is_project {
        switch_plugin_off(place, host)?;
    }
    if !is_purge {
        say(
            "waiting events are kept for another setup; a host that was confirmed stays confirmed \
             (--purge removes both)",
        );
        if file.sets(PRIVACY) {
            say(&format!("{PRIVACY} stays in {path}"));
        }
    }
    Ok(())
}

/// Makes sure that nothing is sent with a key among the plugin's options, which only hooks see.
fn switch_plugin_off(place: &Place, host: &Host) -> anyhow::Result<()> {
    let path = words::path(&place.file, host);
    if matches!(Plugin::installed(host), Ok(Some(_)) | Err(_)) {
        let file = SettingsFile::open(&place.file)?;
        if let Some(text) = file.with(&[(ENABLED, "false")], &[]) {
            file.save(&text)?;
        }
        say(&format!(
            "{path} has {ENABLED}=false, since the plugin may have a key of its own; after claude \
             plugin uninstall {PLUGIN}, setup --remove takes that away too"
        ));
    }
    let machine = Machine::gather(host);
    if machine.is_on() {
        let state = Switched::of(&machine).state;
        say(&format!("but sessions are still sent: {state}"));
    }
    for other in machine.others.iter().filter(|it| it.is_on()) {
        let name = other.agent.name();
        say(&format!(
            "but sessions of {name} are still sent, with the key of this shell: unset it, or \
             uninstall the plugin"
        ));
    }
    Ok(())
}
