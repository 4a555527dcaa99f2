//! The hooks by which Claude Code calls this program: those of the installed plugin, or the user's
//! own.
//!
//! Seen in version 2.1.329: `plugins/installed_plugins.json` lists the installations of each
//! `<plugin>@<marketplace>`, one per scope, and `enabledPlugins` in the settings switches a plugin
//! on. A plugin that an administrator's settings enable from a folder runs in the first session of a
//! user, and is in that list from the second on (2.1.332).

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::in_force::{InForce, SettingsFile};
use super::marketplace;
pub use super::settings::content::PLUGIN;
use crate::host::Host;
use crate::sources::claude_code::places::config_dir;
use crate::sources::times::parse_time;

/// The command that adds the marketplace of the plugin.
pub const ADD_MARKETPLACE: &str = "claude plugin marketplace add posthog-llma/posthog-llma";

/// The command that installs the plugin from its marketplace.
pub const INSTALL: &str = "claude plugin install posthog@posthog-llma";

/// The command that updates the plugin.
pub const UPDATE: &str = "claude plugin marketplace update posthog-llma && claude plugin update \
                          posthog@posthog-llma";

/// Word in the command of a user's own hook.
const PROGRAM: &str = "posthog-llma";

/// An installed plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plugin {
    /// Its version.
    pub version: String,
    /// The folder of its files.
    pub path: PathBuf,
    /// Time of its last installation or update.
    pub installed_at: Option<DateTime<Utc>>,
}

/// Reason for which no hook of the plugin runs.
#[derive(Clone, Debug, PartialEq)]
pub enum Hindrance<'a> {
    /// The settings do not switch the plugin on.
    PluginOff(Option<&'a SettingsFile>),
    /// `disableAllHooks`.
    AllHooksOff(&'a SettingsFile),
    /// `allowManagedHooksOnly`: only hooks that the administrator chose.
    ManagedOnly(&'a SettingsFile),
}

#[derive(Deserialize)]
struct Installed {
    #[serde(default)]
    plugins: BTreeMap<String, Vec<Installation>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Installation {
    #[serde(default)]
    project_path: Option<PathBuf>,
    install_path: PathBuf,
    #[serde(default)]
    version: String,
    #[serde(default)]
    installed_at: Option<String>,
    #[serde(default)]
    last_updated: Option<String>,
}

impl Plugin {
    /// The plugin as installed for this user or for the current project, or as an administrator
    /// enabled it from a folder.
    ///
    /// # Errors
    /// When Claude Code's list of plugins exists and cannot be read. The message names the file.
    pub fn installed(host: &Host) -> Result<Option<Self>, String> {
        let Some(config) = config_dir(host) else {
            return Ok(None);
        };
        let list = config.join("plugins").join("installed_plugins.json");
        let Ok(bytes) = fs::read(&list) else {
            return Ok(Self::managed(host));
        };
        let installed: Installed = serde_json::from_slice(&bytes)
            .map_err(|error| format!("{} cannot be read: {error}", list.display()))?;
        let here = |installation: &&Installation| match &installation.project_path {
            None => true,
            Some(project) => host
                .cwd
                .as_deref()
                .is_some_and(|cwd| cwd.starts_with(project)),
        };
        let ours = installed.plugins.get(PLUGIN).into_iter().flatten();
        // An installation for this project takes precedence.
        let ours = ours.filter(here).max_by_key(|it| it.project_path.is_some());
        let installed = ours.map(|it| Self {
            version: it.version.clone(),
            path: it.install_path.clone(),
            installed_at: it
                .last_updated
                .as_deref()
                .or(it.installed_at.as_deref())
                .and_then(parse_time),
        });
        Ok(installed.or_else(|| Self::managed(host)))
    }

    fn managed(host: &Host) -> Option<Self> {
        if !is_enabled_by_administrator(&InForce::read(host)) {
            return None;
        }
        let (version, path) = marketplace::in_folder(host)?;
        Some(Self {
            version,
            path,
            installed_at: None,
        })
    }
}

/// Whether an administrator's settings enable the plugin.
#[must_use]
pub fn is_enabled_by_administrator(settings: &InForce) -> bool {
    let enabled = settings.entry("enabledPlugins", PLUGIN);
    enabled.is_some_and(|(value, file)| *value == Value::Bool(true) && file.is_managed())
}

/// The reason for which the plugin's hooks do not run; `None` if they do.
#[must_use]
pub fn hindrance(settings: &InForce) -> Option<Hindrance<'_>> {
    let enabled = settings.entry("enabledPlugins", PLUGIN);
    let (is_on, by) = enabled.map_or((false, None), |(value, file)| {
        (*value == Value::Bool(true), Some(file))
    });
    if !is_on {
        return Some(Hindrance::PluginOff(by));
    }
    hooks_off(settings, by)
}

/// The setting that stops hooks which the file `chosen_by` defines. Only a setting of the
/// administrator stops the administrator's hooks.
#[must_use]
pub fn hooks_off<'a>(
    settings: &'a InForce,
    chosen_by: Option<&SettingsFile>,
) -> Option<Hindrance<'a>> {
    let is_managed = chosen_by.is_some_and(SettingsFile::is_managed);
    let is_set = |name: &str| {
        let (value, file) = settings.value(name)?;
        (*value == Value::Bool(true)).then_some(file)
    };
    if let Some(file) = is_set("disableAllHooks")
        && (!is_managed || file.is_managed())
    {
        return Some(Hindrance::AllHooksOff(file));
    }
    is_set("allowManagedHooksOnly")
        .filter(|file| file.is_managed() && !is_managed)
        .map(Hindrance::ManagedOnly)
}

/// The settings file with a `SessionEnd` hook that calls this program without the plugin.
#[must_use]
pub fn own_hook(settings: &InForce) -> Option<&SettingsFile> {
    own_hook_program(settings).map(|(_, file)| file)
}

/// The program that a `SessionEnd` hook of the user's own starts, by name or path, and the settings
/// file with the hook.
#[must_use]
pub fn own_hook_program(settings: &InForce) -> Option<(PathBuf, &SettingsFile)> {
    let mut entries = settings.entries("hooks", "SessionEnd").into_iter();
    entries.find_map(|(groups, file)| Some((program_in(groups)?, file)))
}

fn program_in(groups: &Value) -> Option<PathBuf> {
    let groups = groups.as_array().into_iter().flatten();
    let mut hooks = groups
        .filter_map(|group| group["hooks"].as_array())
        .flatten();
    hooks.find_map(|hook| {
        let command = hook["command"].as_str()?;
        if !command.contains(PROGRAM) {
            return None;
        }
        // With arguments of its own, the command is one path; otherwise it is a line for a shell.
        if hook.get("args").is_some() {
            return Some(PathBuf::from(command));
        }
        let word = words(command).into_iter().find(|it| it.contains(PROGRAM));
        Some(PathBuf::from(word.as_deref().unwrap_or(command)))
    })
}

/// The words of a line for a shell, without their quotes. On Windows, a backslash is a part of a
/// path.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match (quote, character, words.last_mut()) {
            (None, '\\', Some(word)) if cfg!(not(windows)) => word.extend(characters.next()),
            (Some(open), _, _) if open == character => quote = None,
            (None, '"' | '\'', _) => quote = Some(character),
            (None, _, _) if character.is_whitespace() => words.push(String::new()),
            (_, _, Some(word)) => word.push(character),
            (_, _, None) => {}
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;
    use crate::integrations::claude_code::in_force::MANAGED;

    fn host(root: &Path) -> Host {
        let mut host = Host::bare(Utc::now);
        host.home = Some(root.to_owned());
        host.cwd = Some(root.join("bookshop/src"));
        host.system = Some(root.join("system"));
        host
    }

    fn write(root: &Path, file: &str, content: &Value) {
        let path = root.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content.to_string()).unwrap();
    }

    #[test]
    fn an_installation_for_this_project_counts_before_that_for_the_user() {
        let root = tempfile::tempdir().unwrap();
        let host = host(root.path());
        assert_eq!(Plugin::installed(&host), Ok(None));
        let installation = |version: &str, project: Option<&str>| {
            json!({
                "scope": if project.is_some() { "local" } else { "user" },
                "projectPath": project.map(|project| root.path().join(project)),
                "installPath": root.path().join(version),
                "version": version,
                "installedAt": "2026-05-01T10:00:00.000Z",
            })
        };
        let elsewhere = installation("0.3.0", Some("weather"));
        for (installations, expected) in [
            (vec![elsewhere.clone()], None),
            (
                vec![elsewhere.clone(), installation("0.1.0", None)],
                Some("0.1.0"),
            ),
            (
                vec![
                    installation("0.2.0", Some("bookshop")),
                    installation("0.1.0", None),
                    elsewhere,
                ],
                Some("0.2.0"),
            ),
        ] {
            let list = json!({ "version": 2, "plugins": { PLUGIN: installations } });
            write(root.path(), ".claude/plugins/installed_plugins.json", &list);
            let found = Plugin::installed(&host).unwrap();
            assert_eq!(found.as_ref().map(|it| it.version.as_str()), expected);
        }
    }

    #[test]
    fn a_plugin_that_an_administrator_enables_from_a_folder_needs_no_installation() {
        let root = tempfile::tempdir().unwrap();
        let host = host(root.path());
        let source = json!({ "source": "directory", "path": root.path().join("opt") });
        let settings = |is_on| {
            json!({
                "extraKnownMarketplaces": { "posthog-llma": { "source": source } },
                "enabledPlugins": { PLUGIN: is_on },
            })
        };
        let managed = format!("system/{MANAGED}/managed-settings.json");
        let list = json!({ "plugins": [{ "name": "posthog", "source": "./" }] });
        write(root.path(), "opt/.claude-plugin/marketplace.json", &list);
        let manifest = json!({ "version": "0.3.0" });
        write(root.path(), "opt/.claude-plugin/plugin.json", &manifest);
        write(root.path(), &managed, &settings(false));
        assert_eq!(Plugin::installed(&host), Ok(None));
        // A user has to install it.
        write(root.path(), ".claude/settings.json", &settings(true));
        assert_eq!(Plugin::installed(&host), Ok(None));
        write(root.path(), &managed, &settings(true));
        let found = Plugin::installed(&host).unwrap().unwrap();
        assert_eq!(found.version, "0.3.0");
        write(
            root.path(),
            ".claude/plugins/installed_plugins.json",
            &json!({ "plugins": {} }),
        );
        assert_eq!(Plugin::installed(&host), Ok(Some(found)));
    }

    #[test]
    fn a_list_of_another_structure_is_reported() {
        let root = tempfile::tempdir().unwrap();
        write(
            root.path(),
            ".claude/plugins/installed_plugins.json",
            &json!({ "plugins": [] }),
        );
        let error = Plugin::installed(&host(root.path())).unwrap_err();
        assert!(
            error.contains("installed_plugins.json cannot be read"),
            "{error}"
        );
    }

    #[test]
    fn the_setting_that_stops_hooks_is_found_in_its_file() {
        let on = json!({ PLUGIN: true });
        for (user, managed, expected) in [
            (json!({}), json!({}), Some("plugin off")),
            (
                json!({ "enabledPlugins": { PLUGIN: false } }),
                json!({}),
                Some("plugin off"),
            ),
            (json!({ "enabledPlugins": on }), json!({}), None),
            (
                json!({ "enabledPlugins": on, "disableAllHooks": true }),
                json!({}),
                Some("hooks off"),
            ),
            (
                json!({ "disableAllHooks": true }),
                json!({ "enabledPlugins": on }),
                None,
            ),
            (
                json!({}),
                json!({ "enabledPlugins": on, "disableAllHooks": true }),
                Some("hooks off"),
            ),
            (
                json!({ "enabledPlugins": on }),
                json!({ "allowManagedHooksOnly": true }),
                Some("managed only"),
            ),
            (
                json!({ "enabledPlugins": on, "allowManagedHooksOnly": true }),
                json!({}),
                None,
            ),
            (
                json!({}),
                json!({ "enabledPlugins": on, "allowManagedHooksOnly": true }),
                None,
            ),
        ] {
            let root = tempfile::tempdir().unwrap();
            write(root.path(), ".claude/settings.json", &user);
            write(
                root.path(),
                "system/claude-code/managed-settings.json",
                &managed,
            );
            let settings = InForce::read(&host(root.path()));
            let found = hindrance(&settings).map(|found| match found {
                Hindrance::PluginOff(_) => "plugin off",
                Hindrance::AllHooksOff(_) => "hooks off",
                Hindrance::ManagedOnly(_) => "managed only",
            });
            if cfg!(not(any(target_os = "macos", windows))) {
                assert_eq!(found, expected, "{user} {managed}");
            }
        }
    }

    #[test]
    fn a_hook_of_the_user_s_own_is_found() {
        let root = tempfile::tempdir().unwrap();
        let hook = |command: &str| {
            json!({ "hooks": { "SessionEnd": [
                { "hooks": [{ "type": "command", "command": command, "args": ["hook"] }] },
            ] } })
        };
        for (command, is_ours) in [("posthog-llma", true), ("notify-send", false)] {
            write(root.path(), ".claude/settings.json", &hook(command));
            let settings = InForce::read(&host(root.path()));
            assert_eq!(own_hook(&settings).is_some(), is_ours, "{command}");
        }
    }

    #[test]
    fn the_program_of_a_hook_is_found_in_lines_and_lists() {
        for (hook, program) in [
            (
                json!({ "command": "/opt/my tools/posthog-llma", "args": ["hook"] }),
                "/opt/my tools/posthog-llma",
            ),
            (
                json!({ "command": "nice '/usr/bin/posthog-llma' hook" }),
                "/usr/bin/posthog-llma",
            ),
            (json!({ "command": "posthog-llma hook" }), "posthog-llma"),
            (
                json!({ "command": r#""/opt/my tools/posthog-llma" hook"# }),
                "/opt/my tools/posthog-llma",
            ),
            (
                json!({ "command": r#"nice "C:\Program Files\posthog-llma.exe" hook"# }),
                r"C:\Program Files\posthog-llma.exe",
            ),
            #[cfg(unix)]
            (
                json!({ "command": r"'/opt/o'\''brien/posthog-llma' hook" }),
                "/opt/o'brien/posthog-llma",
            ),
            (
                json!({ "command": r#""/opt/my tools"/posthog-llma hook"# }),
                "/opt/my tools/posthog-llma",
            ),
        ] {
            let groups = json!([{ "hooks": [hook] }]);
            assert_eq!(program_in(&groups), Some(PathBuf::from(program)), "{hook}");
        }
    }
}
