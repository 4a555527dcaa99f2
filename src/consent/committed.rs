//! What a project's committed settings say, and what of it does not count.

use std::path::{Path, PathBuf};

use crate::git;
use crate::host::Host;
use crate::sources::claude_code::settings::{self, Variables};

/// Variables that decide where sessions go, or through whose hands.
const DESTINATION: [&str; 14] = [
    "POSTHOG_HOST",
    "POSTHOG_API_KEY",
    "CLAUDE_PLUGIN_OPTION_HOST",
    "CLAUDE_PLUGIN_OPTION_API_KEY",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// Variables that decide where the user's own files are looked for.
const HOMES: [&str; 5] = [
    "HOME",
    "USERPROFILE",
    "XDG_CONFIG_HOME",
    "APPDATA",
    "CLAUDE_CONFIG_DIR",
];

/// Variables that can make what is sent less private.
const PRIVACY: [&str; 7] = [
    "POSTHOG_LLMA_STATE_DIR",
    "POSTHOG_LLMA_PRIVACY_MODE",
    "POSTHOG_PRIVACY_MODE",
    "CLAUDE_PLUGIN_OPTION_PRIVACY_MODE",
    "POSTHOG_LLMA_RECORD_INPUTS",
    "POSTHOG_LLMA_RECORD_OUTPUTS",
    "POSTHOG_LLMA_REDACT_FILE",
];

/// The part of the environment that a project's committed settings decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The project.
    pub project: PathBuf,
    /// Variables in force that only the committed file sets to their value.
    variables: Variables,
}

impl Committed {
    /// Whether the project decided where sessions go.
    #[must_use]
    pub fn decides_destination(&self) -> bool {
        self.decides_home() || self.decides(&DESTINATION)
    }

    /// Whether the project decided where the user's own files are looked for: then what stands
    /// there is not the user's.
    #[must_use]
    pub fn decides_home(&self) -> bool {
        self.decides(&HOMES)
    }

    fn decides(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.variables.contains_key(*name))
    }
}

/// What the settings committed with the current project decided; `None` when nothing.
#[must_use]
pub fn committed(host: &Host) -> Option<Committed> {
    let project = settings::of_project(&project_directory(host)?, host)?;
    let mut local = Variables::new();
    let mut variables = project.committed;
    for (file, set) in project.local {
        if git::is_tracked(&file) {
            variables.extend(set);
        } else {
            local.extend(set);
        }
    }
    variables.retain(|name, value| {
        let in_force = host.variable(name).ok().flatten() == Some(value.trim());
        in_force && !local.contains_key(name)
    });
    let mut committed = Committed {
        project: project.root,
        variables,
    };
    if !committed.decides_home() {
        let user = settings::of_user(host);
        committed
            .variables
            .retain(|name, value| user.get(name) != Some(value));
    }
    (!committed.variables.is_empty()).then_some(committed)
}

/// Whether the settings of the project that we run in and of the one that `directory` is in name
/// the same destination: only then may one send the other's sessions.
#[must_use]
pub fn shares_destination(directory: &Path, host: &Host) -> bool {
    let named = |directory: &Path| -> Variables {
        let project = settings::of_project(directory, host).unwrap_or_default();
        let mut variables = project.committed;
        variables.extend(project.local.into_iter().flat_map(|(_, set)| set));
        variables.retain(|name, _| DESTINATION.contains(&name.as_str()));
        variables
    };
    let here = project_directory(host).map_or_else(Variables::new, |here| named(&here));
    named(directory) == here
}

fn project_directory(host: &Host) -> Option<PathBuf> {
    host.path_variable("CLAUDE_PROJECT_DIR")
        .or_else(|| host.cwd.clone())
}

/// The host with its privacy decided by the user alone: what the committed settings say about it
/// is replaced by what the user's own settings say.
#[must_use]
pub fn own_environment(host: &Host) -> Host {
    let Some(committed) = committed(host) else {
        return host.clone();
    };
    let user = if committed.decides_home() {
        Variables::new()
    } else {
        settings::of_user(host)
    };
    let mut own = host.clone();
    for name in PRIVACY {
        if committed.variables.contains_key(name) && !is_stricter(name, &committed.variables[name])
        {
            own = own.without(name);
            if let Some(value) = user.get(name) {
                own = own.with(name, value);
            }
        }
    }
    own
}

/// A project may keep more private than its user asked for, never less.
fn is_stricter(name: &str, value: &str) -> bool {
    let value = value.trim().to_ascii_lowercase();
    let is_yes = matches!(value.as_str(), "true" | "1" | "yes");
    let is_no = matches!(value.as_str(), "false" | "0" | "no");
    match name {
        "POSTHOG_LLMA_PRIVACY_MODE"
        | "POSTHOG_PRIVACY_MODE"
        | "CLAUDE_PLUGIN_OPTION_PRIVACY_MODE" => is_yes,
        "POSTHOG_LLMA_RECORD_INPUTS" | "POSTHOG_LLMA_RECORD_OUTPUTS" => is_no,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use chrono::Utc;

    use super::*;

    fn host(root: &Path, variables: &[(&str, &str)]) -> Host {
        let mut host = Host::bare(Utc::now);
        host.home = Some(root.join("home"));
        host.cwd = Some(root.join("project"));
        variables
            .iter()
            .fold(host, |host, (name, value)| host.with(name, value))
    }

    fn write(path: &Path, name: &str, value: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!(r#"{{"env":{{"{name}":"{value}"}}}}"#)).unwrap();
    }

    #[test]
    fn a_destination_is_the_project_s_only_when_nobody_else_names_it() {
        let root = tempfile::tempdir().unwrap();
        let host = host(
            root.path(),
            &[("POSTHOG_HOST", "https://elsewhere.example")],
        );
        assert_eq!(committed(&host), None);

        let of_project = root.path().join("project/.claude/settings.json");
        write(&of_project, "POSTHOG_HOST", "https://elsewhere.example");
        assert!(committed(&host).is_some_and(|committed| committed.decides_destination()));

        // The user set another one on the command line, which is in force.
        write(&of_project, "POSTHOG_HOST", "https://other.example");
        assert_eq!(committed(&host), None);

        write(&of_project, "POSTHOG_HOST", "https://elsewhere.example");
        let of_user = root.path().join("home/.claude/settings.json");
        write(&of_user, "POSTHOG_HOST", "https://elsewhere.example");
        assert_eq!(committed(&host), None);

        fs::remove_file(of_user).unwrap();
        let local = root.path().join("project/.claude/settings.local.json");
        write(&local, "POSTHOG_HOST", "https://elsewhere.example");
        assert_eq!(committed(&host), None);
    }

    #[test]
    fn a_local_file_that_is_committed_all_the_same_is_no_excuse() {
        let root = tempfile::tempdir().unwrap();
        let name = "POSTHOG_HOST";
        let host = host(root.path(), &[(name, "https://elsewhere.example")]);
        let project = root.path().join("project");
        let local = project.join(".claude/settings.local.json");
        write(&local, name, "https://elsewhere.example");
        let repository = git2::Repository::init(&project).unwrap();
        assert_eq!(committed(&host), None);
        let mut index = repository.index().unwrap();
        index
            .add_path(Path::new(".claude/settings.local.json"))
            .unwrap();
        index.write().unwrap();
        assert!(committed(&host).is_some_and(|committed| committed.decides_destination()));
    }

    #[test]
    fn a_tracked_local_file_at_the_top_counts_below_other_settings_too() {
        let root = tempfile::tempdir().unwrap();
        let name = "POSTHOG_HOST";
        let mut host = host(root.path(), &[(name, "https://elsewhere.example")]);
        let project = root.path().join("project");
        let repository = git2::Repository::init(&project).unwrap();
        write(&project.join("src/.claude/settings.json"), "NAME", "value");
        host.cwd = Some(project.join("src"));
        assert_eq!(committed(&host), None);

        let top = project.join(".claude/settings.local.json");
        write(&top, name, "https://elsewhere.example");
        assert_eq!(committed(&host), None, "the user's own");
        let mut index = repository.index().unwrap();
        index
            .add_path(Path::new(".claude/settings.local.json"))
            .unwrap();
        index.write().unwrap();
        assert!(committed(&host).is_some_and(|committed| committed.decides_destination()));
    }

    #[test]
    fn a_project_that_moves_the_users_folders_cannot_speak_for_the_user() {
        let root = tempfile::tempdir().unwrap();
        let fake = root.path().join("project/fake");
        write(
            &fake.join("settings.json"),
            "POSTHOG_HOST",
            "https://elsewhere.example",
        );
        let fake = fake.to_str().unwrap();
        let settings = format!(
            r#"{{"env":{{"POSTHOG_HOST":"https://elsewhere.example","CLAUDE_CONFIG_DIR":"{fake}"}}}}"#
        );
        fs::create_dir_all(root.path().join("project/.claude")).unwrap();
        fs::write(root.path().join("project/.claude/settings.json"), settings).unwrap();
        let variables = [
            ("POSTHOG_HOST", "https://elsewhere.example"),
            ("CLAUDE_CONFIG_DIR", fake),
        ];
        let committed = committed(&host(root.path(), &variables)).unwrap();
        assert!(committed.decides_destination() && committed.decides_home());
    }

    #[test]
    fn sessions_of_a_project_with_a_destination_of_its_own_are_its_own_business() {
        let root = tempfile::tempdir().unwrap();
        let host = host(root.path(), &[]);
        let (plain, special) = (root.path().join("plain"), root.path().join("special"));
        write(
            &special.join(".claude/settings.local.json"),
            "POSTHOG_API_KEY",
            "phc_special",
        );
        fs::create_dir_all(&plain).unwrap();
        assert!(shares_destination(&plain, &host));
        assert!(!shares_destination(&special, &host));
    }

    #[test]
    fn a_project_can_only_make_things_more_private() {
        let root = tempfile::tempdir().unwrap();
        let name = "POSTHOG_LLMA_PRIVACY_MODE";
        let of_project = root.path().join("project/.claude/settings.json");
        write(
            &root.path().join("home/.claude/settings.json"),
            name,
            "true",
        );

        write(&of_project, name, "false");
        let loose = host(root.path(), &[(name, "false")]);
        assert_eq!(own_environment(&loose).variable(name), Ok(Some("true")));

        fs::remove_file(root.path().join("home/.claude/settings.json")).unwrap();
        assert_eq!(own_environment(&loose).variable(name), Ok(None));

        write(&of_project, name, "true");
        let strict = host(root.path(), &[(name, "true")]);
        assert_eq!(own_environment(&strict).variable(name), Ok(Some("true")));
    }
}
