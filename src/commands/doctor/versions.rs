//! Checks that program, plugins and hooks have one version.

use std::env::consts::EXE_SUFFIX;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use super::diagnosis::Diagnosis;
use crate::commands::words;
use crate::host::Host;
use crate::integrations;
use crate::integrations::claude_code::{marketplace, plugin};
use crate::session::Agent;
use crate::subprocess::{self, Limits};
use crate::views::Machine;

/// The version of this program.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Name of this program, and of its packages.
const NAME: &str = env!("CARGO_PKG_NAME");

/// Limits for asking another program for its version.
const LIMITS: Limits = Limits {
    time: Duration::from_secs(5),
    bytes: 200,
};

/// Folders of installers, and the command with which each updates the program. The first whose
/// folder is part of the program's path applies.
const INSTALLERS: [(&str, &str); 5] = [
    (
        "node_modules/posthog-llma",
        "npm update --global posthog-llma",
    ),
    ("uv/tools/posthog-llma", "uv tool upgrade posthog-llma"),
    ("pipx/venvs/posthog-llma", "pipx upgrade posthog-llma"),
    ("Cellar/posthog-llma", "brew upgrade posthog-llma"),
    (
        ".cargo/bin",
        "cargo install --locked --path ., in a checkout of the new version",
    ),
];

/// The update command for a program of an unknown installer.
const SCRIPT: &str = "curl -fsSL https://github.com/posthog-llma/posthog-llma/releases/latest/\
                      download/install.sh | sh";

/// A component of the installation besides this program.
struct Component {
    /// Name of the check.
    check: &'static str,
    version: String,
    /// Its path; `None` for a package of an agent.
    path: Option<PathBuf>,
    /// The command that updates it.
    update: String,
}

/// All installed components, except the plugin of Claude Code, which [`of_claude_code`] compares.
pub(super) fn check(machine: &Machine) -> Vec<Diagnosis> {
    let host = &machine.host;
    let mut diagnoses = Vec::new();
    diagnoses.extend(on_path(host));
    diagnoses.extend(of_hook(machine));
    for (agent, check) in [
        (Agent::OpenCode, "opencode plugin"),
        (Agent::Pi, "pi extension"),
    ] {
        let version = integrations::package_version(agent, host);
        let update = integrations::install_commands(agent).first();
        diagnoses.extend(version.zip(update).map(|(version, update)| {
            let component = Component {
                check,
                version,
                path: None,
                update: (*update).to_owned(),
            };
            component.compared(host)
        }));
    }
    diagnoses
}

/// This program, for `self-check`.
pub(super) fn of_this_program(host: &Host) -> Diagnosis {
    let path = host.executable.as_deref();
    let shown = path.map_or_else(String::new, |path| format!(", {}", words::path(path, host)));
    let details = json!({ "version": VERSION, "path": path.map(Path::to_string_lossy) });
    Diagnosis::fine("program", format!("version {VERSION}{shown}")).with(details)
}

/// The plugin of Claude Code with its version. If the marketplace is a folder, Claude Code loads
/// the present files of that folder.
pub(super) fn of_claude_code(
    check: &'static str,
    installed: &plugin::Plugin,
    host: &Host,
) -> Diagnosis {
    let in_folder = marketplace::version_in_folder(host);
    let update = if in_folder.is_some() {
        "bring the folder of the marketplace up to date, then restart Claude Code"
    } else {
        plugin::UPDATE
    };
    let component = Component {
        check,
        version: in_folder.unwrap_or_else(|| installed.version.clone()),
        path: None,
        update: update.to_owned(),
    };
    component.compared(host)
}

/// The program that a shell starts, if it is not this one.
fn on_path(host: &Host) -> Option<Diagnosis> {
    const CHECK: &str = "program on path";
    let name = format!("{NAME}{EXE_SUFFIX}");
    let mut programs = host.search_path().into_iter().filter_map(|folder| {
        // Claude Code adds the folders of its plugins, in which their launchers are.
        let is_plugin = folder.join("../.claude-plugin/plugin.json").exists();
        let program = folder.join(&name);
        (!is_plugin && program.is_file()).then_some(program)
    });
    of_program(CHECK, programs.next()?, host)
}

/// The program that a hook of the user's own starts, if it is not this one.
fn of_hook(machine: &Machine) -> Option<Diagnosis> {
    const CHECK: &str = "hook program";
    let host = &machine.host;
    let (program, file) = plugin::own_hook_program(&machine.settings)?;
    // A name is searched on the path.
    if !program.is_absolute() {
        return None;
    }
    if program.is_file() {
        return of_program(CHECK, program, host);
    }
    let (program, file) = (words::path(&program, host), words::path(&file.path, host));
    Some(Diagnosis::problem(
        CHECK,
        format!("{program} is not there, and a hook in {file} calls it"),
        format!("install the program there, or correct the path in {file}"),
    ))
}

/// Another program of this name; `None` if it is this one.
fn of_program(check: &'static str, program: PathBuf, host: &Host) -> Option<Diagnosis> {
    let real = dunce::canonicalize(&program).unwrap_or_else(|_| program.clone());
    let own = dunce::canonicalize(host.executable.as_ref()?).ok()?;
    if real == own {
        return None;
    }
    let shown = words::path(&program, host);
    let Some(version) = version_of(&program, host) else {
        return Some(Diagnosis::problem(
            check,
            format!("{shown} does not say its version"),
            update_of(&real),
        ));
    };
    let component = Component {
        check,
        version,
        path: Some(program),
        update: update_of(&real),
    };
    Some(component.compared(host))
}

/// The version that a program prints.
fn version_of(program: &Path, host: &Host) -> Option<String> {
    let mut command = Command::new(program);
    command
        .arg("--version")
        .env_clear()
        .envs(host.environment());
    let printed = subprocess::output(command, LIMITS).ok()?;
    let printed = String::from_utf8(printed).ok()?;
    let version = printed.trim().strip_prefix(NAME)?.trim();
    Some(version.to_owned())
}

/// The command that updates the program at a path.
fn update_of(program: &Path) -> String {
    let path = program.to_string_lossy().replace('\\', "/");
    let mut installers = INSTALLERS.into_iter();
    let installer = installers.find(|(folder, _)| path.contains(folder));
    installer.map_or(SCRIPT, |(_, update)| update).to_owned()
}

impl Component {
    /// The component compared with this program. The older of the two needs an update.
    fn compared(self, host: &Host) -> Diagnosis {
        let Self {
            check,
            version,
            path,
            update,
        } = self;
        let place = path
            .as_deref()
            .map_or_else(String::new, |path| format!(", {}", words::path(path, host)));
        let details = json!({
            "version": version,
            "path": path.as_deref().map(Path::to_string_lossy),
        });
        if version == VERSION {
            let found = format!("version {version}, as this program{place}");
            return Diagnosis::fine(check, found).with(details);
        }
        let own = host.executable.as_deref();
        let is_newer = numbers(&version) > numbers(VERSION);
        let fix = match own {
            Some(own) if is_newer => update_of(&dunce::canonicalize(own).unwrap_or(own.to_owned())),
            _ => update,
        };
        let found = format!("version {version}{place}, but this program is {VERSION}");
        Diagnosis::problem(check, found, fix).with(details)
    }
}

/// A version as comparable numbers. A part that is not a number counts as 0.
fn numbers(version: &str) -> Vec<u64> {
    let (release, _) = version.split_once(['-', '+']).unwrap_or((version, ""));
    let numbers = release.split('.');
    numbers.map(|it| it.parse().unwrap_or_default()).collect()
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;

    #[test]
    fn the_older_of_two_versions_is_to_be_updated() {
        let mut host = Host::bare(Utc::now);
        host.executable = Some("/home/ada/.local/bin/posthog-llma".into());
        for (version, fix) in [
            (VERSION, None),
            ("0.1.0", Some("update it")),
            ("0.1.10", Some("update it")),
            ("999.0.0", Some(SCRIPT)),
            ("", Some("update it")),
        ] {
            let component = Component {
                check: "plugin",
                version: version.to_owned(),
                path: None,
                update: "update it".to_owned(),
            };
            let diagnosis = component.compared(&host);
            assert_eq!(diagnosis.fix(), fix, "{version}");
            assert_eq!(diagnosis.is_problem(), fix.is_some());
        }
        assert!(numbers("0.10.0") > numbers("0.9.3"));
    }

    #[test]
    fn a_program_is_updated_by_what_installed_it() {
        for (path, update) in [
            (
                "/usr/lib/node_modules/posthog-llma/posthog-llma.js",
                "npm update --global posthog-llma",
            ),
            (
                "/home/ada/.local/share/uv/tools/posthog-llma/bin/posthog-llma",
                "uv tool upgrade posthog-llma",
            ),
            (
                "/home/ada/.local/share/pipx/venvs/posthog-llma/bin/posthog-llma",
                "pipx upgrade posthog-llma",
            ),
            (
                "/opt/homebrew/Cellar/posthog-llma/0.2.0/bin/posthog-llma",
                "brew upgrade posthog-llma",
            ),
            ("/home/ada/.local/bin/posthog-llma", SCRIPT),
        ] {
            assert_eq!(update_of(Path::new(path)), update, "{path}");
        }
    }
}
