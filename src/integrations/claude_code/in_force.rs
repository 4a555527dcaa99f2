//! The settings of Claude Code in force in the current folder: the files, their content, and their
//! precedence.
//!
//! Seen in version 2.1.329: the variables of an `env` block replace those of the environment. A
//! project's committed file applies if Claude Code is started in its folder, not below it. A file
//! that is no JSON is ignored. Options of a plugin are under `pluginConfigs` and apply only in the
//! user's own file; those that the plugin declares sensitive are stored elsewhere, and only its
//! hooks see them.

use std::fs;
use std::path::PathBuf;

use serde_json::{Map, Value};

use super::settings::{self, COMMITTED_FILE, Variables, content};
use crate::host::Host;
use crate::variables::Variable;

/// Name of Claude Code's folder among the settings of the machine.
pub(crate) const MANAGED: &str = if cfg!(any(target_os = "macos", windows)) {
    "ClaudeCode"
} else {
    "claude-code"
};

/// Scope of a settings file, the weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// The user's, in every project.
    User,
    /// Committed with the project.
    Project,
    /// The user's, in this project.
    Local,
    /// The administrator's; nothing overrides them.
    Managed,
}

/// One settings file.
#[derive(Clone, Debug, PartialEq)]
pub struct SettingsFile {
    /// Its scope.
    pub scope: Scope,
    /// Its path.
    pub path: PathBuf,
    /// The reason for which Claude Code ignores it, if it does.
    pub problem: Option<String>,
    content: Map<String, Value>,
}

/// All settings files that exist.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InForce {
    /// The files, the weakest first.
    pub files: Vec<SettingsFile>,
}

impl InForce {
    /// Reads the settings files of the user, of the current folder and of the machine.
    #[must_use]
    pub fn read(host: &Host) -> Self {
        let user = settings::user_file(host);
        let project = host
            .path_variable(Variable::ClaudeProjectDir)
            .or_else(|| host.cwd.clone());
        let committed = project
            .as_ref()
            .map(|project| project.join(COMMITTED_FILE))
            .filter(|file| Some(file) != user.as_ref());
        let local = project.map_or_else(Vec::new, |project| settings::local_files(&project));
        let weakest_first = [
            (Scope::User, Vec::from_iter(user)),
            (Scope::Project, Vec::from_iter(committed)),
            (Scope::Local, local),
            (Scope::Managed, managed_files(host)),
        ];
        let read = |(scope, paths): (Scope, Vec<PathBuf>)| {
            let files = paths.into_iter();
            files.filter_map(move |path| SettingsFile::read(scope, path))
        };
        Self {
            files: weakest_first.into_iter().flat_map(read).collect(),
        }
    }

    /// A setting, and the file that decides it.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<(&Value, &SettingsFile)> {
        let mut strongest_first = self.files.iter().rev();
        strongest_first.find_map(|file| Some((file.content.get(name)?, file)))
    }

    /// An entry of a setting that holds entries by name, and the file that decides it.
    #[must_use]
    pub fn entry(&self, name: &str, entry: &str) -> Option<(&Value, &SettingsFile)> {
        self.entries(name, entry).into_iter().next()
    }

    /// The entry in every file that has it, the strongest first.
    #[must_use]
    pub fn entries(&self, name: &str, entry: &str) -> Vec<(&Value, &SettingsFile)> {
        let strongest_first = self.files.iter().rev();
        strongest_first
            .filter_map(|file| Some((file.content.get(name)?.get(entry)?, file)))
            .collect()
    }

    /// Days for which Claude Code keeps a transcript after the last write; `None` if for ever.
    #[must_use]
    pub fn days_kept(&self) -> Option<u64> {
        const DEFAULT: u64 = 30;
        let set = self.value("cleanupPeriodDays");
        let days = set.and_then(|(value, _)| value.as_u64()).unwrap_or(DEFAULT);
        (days > 0).then_some(days)
    }

    /// The options of the plugin, by the variables in which its hooks see them.
    #[must_use]
    pub fn options(&self) -> Variables {
        let mut files = self.files.iter();
        let user = files.find(|file| file.scope == Scope::User);
        user.map_or_else(Variables::new, |user| content::options(&user.content))
    }
}

impl SettingsFile {
    /// Whether only the administrator can change it.
    #[must_use]
    pub fn is_managed(&self) -> bool {
        self.scope == Scope::Managed
    }

    /// The file's `env` block.
    #[must_use]
    pub fn variables(&self) -> Variables {
        content::variables(&self.content)
    }

    /// Reads a file; `None` if there is none.
    fn read(scope: Scope, path: PathBuf) -> Option<Self> {
        if !content::may_exist(&path) {
            return None;
        }
        let (content, problem) = match content::read(&path) {
            Ok(content) => (content, None),
            Err(problem) => (Map::new(), Some(problem)),
        };
        Some(Self {
            scope,
            path,
            problem,
            content,
        })
    }
}

/// The administrator's files: one, and those of a folder of additions.
fn managed_files(host: &Host) -> Vec<PathBuf> {
    let Some(system) = &host.system else {
        return Vec::new();
    };
    let folder = system.join(MANAGED);
    let additions = folder.join("managed-settings.d");
    let is_settings = |path: &PathBuf| path.extension().is_some_and(|it| it == "json");
    let mut files: Vec<PathBuf> = match fs::read_dir(&additions) {
        Ok(entries) => {
            let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
            paths.filter(is_settings).collect()
        }
        // A folder that cannot be listed is treated as a file that cannot be read.
        Err(_) if content::may_exist(&additions) => vec![additions],
        Err(_) => Vec::new(),
    };
    files.sort();
    files.insert(0, folder.join("managed-settings.json"));
    files
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use chrono::Utc;
    use serde_json::json;

    use super::*;
    use crate::integrations::claude_code::settings::content::PLUGIN;

    fn host(root: &Path) -> Host {
        let mut host = Host::bare(Utc::now);
        host.home = Some(root.join("home"));
        host.cwd = Some(root.join("bookshop"));
        host.system = Some(root.join("system"));
        host
    }

    fn write(root: &Path, file: &str, text: &str) {
        let path = root.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The tags that the strongest file with tags sets.
    fn tags(settings: &InForce) -> Option<String> {
        let mut strongest_first = settings.files.iter().rev();
        strongest_first.find_map(|file| file.variables().remove("POSTHOG_TAGS"))
    }

    #[test]
    fn the_stronger_file_wins_and_is_named() {
        let root = tempfile::tempdir().unwrap();
        let host = host(root.path());
        let managed = |file: &str| format!("system/{MANAGED}/{file}");
        for (file, scope) in [
            ("home/.claude/settings.json", Scope::User),
            ("bookshop/.claude/settings.json", Scope::Project),
            ("bookshop/.claude/settings.local.json", Scope::Local),
            (&managed("managed-settings.json"), Scope::Managed),
            (&managed("managed-settings.d/1.json"), Scope::Managed),
        ] {
            let text = format!(r#"{{"disableAllHooks":true,"env":{{"POSTHOG_TAGS":"{file}"}}}}"#);
            write(root.path(), file, &text);
            let settings = InForce::read(&host);
            let (_, decides) = settings.value("disableAllHooks").unwrap();
            assert_eq!(
                (decides.scope, &decides.path),
                (scope, &root.path().join(file))
            );
            assert_eq!(tags(&settings).as_deref(), Some(file));
        }
        assert_eq!(InForce::read(&host).files.len(), 5);
    }

    #[test]
    fn options_of_the_plugin_count_where_the_user_set_them() {
        let root = tempfile::tempdir().unwrap();
        let host = host(root.path());
        let options =
            json!({ "pluginConfigs": { PLUGIN: { "options": { "privacy_mode": true } } } });
        for (file, expected) in [
            ("bookshop/.claude/settings.json", None),
            ("bookshop/.claude/settings.local.json", None),
            ("home/.claude/settings.json", Some("true")),
        ] {
            write(root.path(), file, &options.to_string());
            let options = InForce::read(&host).options();
            let option = options.get("CLAUDE_PLUGIN_OPTION_PRIVACY_MODE");
            assert_eq!(option.map(String::as_str), expected, "{file}");
        }
    }

    #[test]
    fn the_local_settings_of_a_repository_count_in_every_folder_and_work_tree_of_it() {
        let root = tempfile::tempdir().unwrap();
        let repository = git2::Repository::init(root.path().join("bookshop")).unwrap();
        let author = git2::Signature::now("ada", "ada@example.com").unwrap();
        let tree = repository.index().unwrap().write_tree().unwrap();
        let tree = repository.find_tree(tree).unwrap();
        repository
            .commit(Some("HEAD"), &author, &author, "first", &tree, &[])
            .unwrap();
        repository
            .worktree("fix", &root.path().join("fix"), None)
            .unwrap();
        let set = |value| format!(r#"{{"env":{{"POSTHOG_TAGS":"{value}"}}}}"#);
        write(
            root.path(),
            "bookshop/src/.claude/settings.local.json",
            &set("src"),
        );
        write(
            root.path(),
            "bookshop/.claude/settings.json",
            &set("committed"),
        );
        let seen_in = |folder| {
            let mut host = host(root.path());
            host.cwd = Some(root.path().join(folder));
            tags(&InForce::read(&host))
        };
        assert_eq!(seen_in("bookshop/src"), Some("src".to_owned()));
        assert_eq!(seen_in("fix"), None);
        write(
            root.path(),
            "bookshop/.claude/settings.local.json",
            &set("top"),
        );
        for folder in ["bookshop", "bookshop/src", "fix"] {
            assert_eq!(seen_in(folder), Some("top".to_owned()), "{folder}");
        }
    }

    #[test]
    fn a_file_that_is_no_json_counts_for_nothing_and_says_where_it_breaks() {
        let root = tempfile::tempdir().unwrap();
        let host = host(root.path());
        write(
            root.path(),
            "home/.claude/settings.json",
            "{\n  \"env\": {},\n}",
        );
        let settings = InForce::read(&host);
        assert_eq!(settings.value("env"), None);
        let problem = settings.files[0].problem.as_deref();
        assert_eq!(problem, Some("it is no JSON object (line 3, column 1)"));
    }

    #[test]
    fn transcripts_are_kept_for_thirty_days_unless_a_setting_says_otherwise() {
        let root = tempfile::tempdir().unwrap();
        for (text, days) in [
            ("{}", Some(30)),
            (r#"{"cleanupPeriodDays":7}"#, Some(7)),
            (r#"{"cleanupPeriodDays":0}"#, None),
        ] {
            write(root.path(), "home/.claude/settings.json", text);
            assert_eq!(
                InForce::read(&host(root.path())).days_kept(),
                days,
                "{text}"
            );
        }
    }

    #[test]
    fn the_settings_of_a_folder_above_do_not_count() {
        let root = tempfile::tempdir().unwrap();
        write(
            root.path(),
            ".claude/settings.json",
            r#"{"env":{"POSTHOG_TAGS":"above"}}"#,
        );
        assert_eq!(InForce::read(&host(root.path())), InForce::default());
    }
}
