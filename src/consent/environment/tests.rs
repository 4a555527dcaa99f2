mod key;

use std::fs;
use std::path::Path;

use chrono::Utc;
use serde_json::{Value, json};

use super::*;
use crate::consent::{Exceptions, Hidden, UnknownValue, forget_beginning};
use crate::integrations::claude_code::in_force::MANAGED;
use crate::integrations::claude_code::settings;

/// Values that a repository may commit.
fn hostile_values() -> [Value; 8] {
    [
        json!("hostile"),
        json!(""),
        json!(" "),
        json!("false"),
        json!(0.0),
        json!(["hostile"]),
        json!({ "hostile": true }),
        Value::Null,
    ]
}

/// A home and a project in a repository, with Claude Code's settings in the usual places.
struct Sandbox {
    root: tempfile::TempDir,
}

impl Sandbox {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let sandbox = Self { root };
        git2::Repository::init(sandbox.project()).unwrap();
        sandbox
    }

    fn project(&self) -> PathBuf {
        self.root.path().join("project")
    }

    fn host(&self) -> Host {
        let mut host = Host::bare(Utc::now);
        host.home = Some(self.root.path().join("home"));
        host.cwd = Some(self.project());
        host.system = Some(self.root.path().join("system"));
        host
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.root.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn set(&self, file: &str, variable: Variable, value: &Value) {
        let env = json!({ "env": { variable.name(): value } });
        self.write(file, &env.to_string());
    }

    fn remove(&self, file: &str) {
        fs::remove_file(self.root.path().join(file)).unwrap();
    }
}

const USERS: &str = "home/.claude/settings.json";
const COMMITTED: &str = "project/.claude/settings.json";
const LOCAL: &str = "project/.claude/settings.local.json";

/// The environment of a hook: the project's settings take precedence in Claude Code.
fn hook(sandbox: &Sandbox, variable: Variable, value: &Value) -> Host {
    let text = settings::content::text(value);
    sandbox.host().with(variable.name(), &text)
}

/// A value of the user that is stricter than no value.
fn own_value(variable: Variable) -> &'static str {
    match variable {
        Variable::RecordInputs | Variable::RecordOutputs | Variable::CcEnabled => "no",
        _ => "1",
    }
}

/// Tries every variable with every value that a repository may commit. The effect of the
/// repository's value is checked here, the rest by `check`.
fn for_all_that_may_be_committed(
    sandbox: &Sandbox,
    own: impl Fn(Variable),
    check: impl Fn(Variable, &Environment, &str),
) {
    for variable in Variable::ALL {
        own(*variable);
        for committed in hostile_values() {
            sandbox.set(COMMITTED, *variable, &committed);
            let host = hook(sandbox, *variable, &committed);
            let judged = Environment::of(&host, Caller::ClaudeCode);
            let said = format!("{variable} = {committed}");
            let is_blank = settings::content::text(&committed).trim().is_empty();
            let is_chosen = match variable.if_committed() {
                IfCommitted::StopsEverything => {
                    assert!(judged.stops(StopScope::Everything), "{said}");
                    continue;
                }
                IfCommitted::ChoosesDestination => !is_blank,
                _ => false,
            };
            let expected = is_chosen.then(|| sandbox.project());
            assert_eq!(judged.chosen_by, expected, "{said}");
            if !is_chosen {
                check(*variable, &judged, &said);
            }
        }
    }
}

#[test]
fn the_user_s_own_value_applies_whatever_a_repository_commits() {
    let sandbox = Sandbox::new();
    for_all_that_may_be_committed(
        &sandbox,
        |variable| sandbox.set(USERS, variable, &json!(own_value(variable))),
        |variable, judged, said| {
            let own = own_value(variable);
            if variable == Variable::RedactFile {
                assert_eq!(judged.rules, [RulesFile::of_user(own)], "{said}");
            } else {
                assert_eq!(judged.variable(variable), Ok(Some(own)), "{said}");
            }
            assert_eq!(judged.stopped, None, "{said}");
        },
    );
}

#[test]
fn a_value_that_the_project_hides_counts_as_the_strictest() {
    let sandbox = Sandbox::new();
    for_all_that_may_be_committed(
        &sandbox,
        |_| (),
        |variable, judged, said| {
            let value = judged.variable(variable);
            assert_eq!(
                value,
                Err(UnknownValue::Hidden(Hidden::ByProject)),
                "{said}"
            );
            let stops = judged.stops(StopScope::Sessions);
            assert_eq!(stops, variable == Variable::RedactFile, "{said}");
        },
    );
}

#[test]
fn in_a_shell_the_user_s_own_value_is_seen() {
    let sandbox = Sandbox::new();
    for variable in Variable::ALL {
        // Claude Code alone sets the plugin's options.
        if variable.if_committed() == IfCommitted::StopsEverything || variable.is_option() {
            continue;
        }
        let own = own_value(*variable);
        let host = sandbox.host().with(variable.name(), own);
        sandbox.set(COMMITTED, *variable, &json!(""));
        let judged = Environment::of(&host, Caller::Shell);
        if *variable == Variable::RedactFile {
            assert_eq!(judged.rules, [RulesFile::of_user(own)]);
        } else {
            assert_eq!(judged.variable(*variable), Ok(Some(own)), "{variable}");
        }
    }
}

#[test]
fn a_setting_of_the_user_s_replaces_the_variable_of_the_shell() {
    let sandbox = Sandbox::new();
    let host = sandbox.host().with("POSTHOG_TAGS", "a:shell");
    for (file, value) in [(USERS, "a:settings"), (LOCAL, "a:local")] {
        sandbox.set(file, Variable::Tags, &json!(value));
        for caller in [Caller::Shell, Caller::Onlooker] {
            let judged = Environment::of(&host, caller);
            assert_eq!(judged.variable(Variable::Tags), Ok(Some(value)));
            let decider = judged.decider(Variable::Tags).unwrap();
            assert_eq!(decider.path, sandbox.root.path().join(file));
        }
        // The shell of another agent is not changed.
        let judged = Environment::of(&host, Caller::OtherAgent);
        assert_eq!(judged.variable(Variable::Tags), Ok(Some("a:shell")));
    }
}

#[test]
fn committed_settings_switch_nothing_on() {
    let sandbox = Sandbox::new();
    let on = json!("true");
    sandbox.set(COMMITTED, Variable::CcEnabled, &on);
    let host = hook(&sandbox, Variable::CcEnabled, &on);
    let judged = Environment::of(&host, Caller::ClaudeCode);
    assert!(judged.variable(Variable::CcEnabled).is_err());
    let told = &judged.overruled[0];
    assert_eq!(told.variable, Variable::CcEnabled);
    assert!(told.file.ends_with(".claude/settings.json"));

    assert_eq!(judged.decider(Variable::CcEnabled), None);

    sandbox.set(USERS, Variable::CcEnabled, &on);
    let judged = Environment::of(&host, Caller::ClaudeCode);
    assert_eq!(judged.variable(Variable::CcEnabled), Ok(Some("true")));
    let decider = judged.decider(Variable::CcEnabled).unwrap();
    assert_eq!(decider.scope, Scope::User);

    // A "no" applies: the project is left alone.
    sandbox.set(COMMITTED, Variable::CcEnabled, &json!("false"));
    let judged = Environment::of(&host, Caller::ClaudeCode);
    assert_eq!(judged.overruled, []);
}

#[test]
fn a_local_file_is_the_user_s_own_where_git_says_so() {
    let sandbox = Sandbox::new();
    let value = json!("https://elsewhere.example");
    sandbox.set(LOCAL, Variable::PosthogHost, &value);
    let host = hook(&sandbox, Variable::PosthogHost, &value);
    let chosen_by = || Environment::of(&host, Caller::ClaudeCode).chosen_by;
    assert_eq!(chosen_by(), None, "untracked");

    let repository = git2::Repository::open(sandbox.project()).unwrap();
    let mut index = repository.index().unwrap();
    let file = Path::new(".claude/settings.local.json");
    index.add_path(file).unwrap();
    index.write().unwrap();
    assert_eq!(chosen_by(), Some(sandbox.project()), "tracked");

    fs::rename(
        sandbox.project().join(".git"),
        sandbox.root.path().join("gone"),
    )
    .unwrap();
    assert_eq!(chosen_by(), Some(sandbox.project()), "no repository");
}

#[test]
fn a_local_file_of_the_user_s_own_wins_over_the_committed_one() {
    let sandbox = Sandbox::new();
    sandbox.set(
        COMMITTED,
        Variable::PosthogHost,
        &json!("https://evil.example"),
    );
    let own = json!("https://own.example");
    sandbox.set(LOCAL, Variable::PosthogHost, &own);
    let host = hook(&sandbox, Variable::PosthogHost, &own);
    for caller in [Caller::ClaudeCode, Caller::Shell, Caller::Onlooker] {
        let judged = Environment::of(&host, caller);
        assert_eq!(judged.chosen_by, None);
        let value = judged.variable(Variable::PosthogHost);
        assert_eq!(value, Ok(Some("https://own.example")));
    }
}

#[test]
fn names_of_variables_are_case_insensitive() {
    let sandbox = Sandbox::new();
    sandbox.write(
        COMMITTED,
        r#"{"env":{"Posthog_Host":"https://evil.example"}}"#,
    );
    let host = sandbox.host().with("POSTHOG_HOST", "https://evil.example");
    let judged = Environment::of(&host, Caller::ClaudeCode);
    assert_eq!(judged.chosen_by, Some(sandbox.project()));
}

#[test]
fn a_settings_file_that_cannot_be_read_stops_everything_that_is_sent() {
    let sandbox = Sandbox::new();
    for file in [
        USERS,
        COMMITTED,
        LOCAL,
        &format!("system/{MANAGED}/managed-settings.json"),
    ] {
        for caller in [Caller::ClaudeCode, Caller::Shell] {
            assert_eq!(Environment::of(&sandbox.host(), caller).stopped, None);
            sandbox.write(file, "{\"env\":{},}");
            let stopped = Environment::of(&sandbox.host(), caller).stopped.unwrap();
            assert!(stopped.found.contains("settings"), "{file}: {stopped:?}");
            sandbox.remove(file);
        }
    }
    // Hooks of other agents do not read the project's files.
    sandbox.write(COMMITTED, "{");
    let other = || Environment::of(&sandbox.host(), Caller::OtherAgent).stopped;
    assert_eq!(other(), None);
    sandbox.write(USERS, "{");
    assert!(other().is_some());
}

#[test]
fn of_the_user_s_settings_and_the_shell_the_stricter_holds_for_every_agent() {
    let sandbox = Sandbox::new();
    for (users, shells, expected) in [
        (json!("true"), "false", "true"),
        (json!("false"), "true", "true"),
        (json!("maybe"), "false", "maybe"),
        (json!("false"), "false", "false"),
        (json!(""), "true", "true"),
    ] {
        sandbox.set(USERS, Variable::PrivacyMode, &users);
        let host = sandbox.host().with("POSTHOG_LLMA_PRIVACY_MODE", shells);
        for caller in [Caller::OtherAgent, Caller::Shell] {
            let judged = Environment::of(&host, caller);
            let value = judged.variable(Variable::PrivacyMode);
            assert_eq!(value, Ok(Some(expected)), "{users} and {shells}");
        }
    }
    // Only privacy settings are taken from Claude Code's settings.
    sandbox.set(USERS, Variable::ApiKey, &json!("phc_of_claude_code"));
    let judged = Environment::of(&sandbox.host(), Caller::OtherAgent);
    assert_eq!(judged.variable(Variable::ApiKey), Ok(None));
}

#[test]
fn rules_of_the_user_s_settings_and_of_the_shell_hold_together() {
    let sandbox = Sandbox::new();
    sandbox.set(USERS, Variable::RedactFile, &json!("/rules/of/settings"));
    let host = sandbox
        .host()
        .with("POSTHOG_LLMA_REDACT_FILE", "/rules/of/shell");
    let judged = Environment::of(&host, Caller::OtherAgent);
    let expected = ["/rules/of/settings", "/rules/of/shell"].map(RulesFile::of_user);
    assert_eq!(judged.rules, expected);
}

#[test]
fn the_settings_of_a_project_speak_for_its_own_sessions_alone() {
    let sandbox = Sandbox::new();
    sandbox.set(LOCAL, Variable::PrivacyMode, &json!("true"));
    let host = hook(&sandbox, Variable::PrivacyMode, &json!("true"));
    let judged = Environment::of(&host, Caller::ClaudeCode);
    assert_eq!(judged.variable(Variable::PrivacyMode), Ok(None));
    let verdict = |folder: &Path| {
        let folder = folder.to_string_lossy().into_owned();
        crate::consent::Verdict::of([folder.as_str()], Path::new("s.jsonl"), &sandbox.host())
    };
    let crate::consent::Verdict::Permitted(inside) = verdict(&sandbox.project().join("src")) else {
        panic!("it is permitted");
    };
    assert_eq!(inside.recording, crate::session::Recording::Nothing);
    let elsewhere = verdict(&sandbox.root.path().join("elsewhere"));
    let nothing = crate::consent::ProjectPrivacy::default();
    assert_eq!(elsewhere, crate::consent::Verdict::Permitted(nothing));
}

#[test]
fn a_hook_given_another_value_than_the_user_s_settings_uses_neither() {
    let sandbox = Sandbox::new();
    for variable in Variable::ALL {
        // On Windows this is another name of the same variable.
        if cfg!(windows) && variable.name().contains("_proxy") {
            continue;
        }
        sandbox.set(USERS, *variable, &json!("1"));
        let host = sandbox.host().with(variable.name(), "gone");
        let judged = Environment::of(&host, Caller::ClaudeCode);
        match variable {
            // This variable moves the settings themselves.
            Variable::ClaudeConfigDir => {}
            Variable::RedactFile => {
                let allows = judged
                    .rules
                    .iter()
                    .map(|it| it.exceptions == Exceptions::Apply);
                assert_eq!(allows.collect::<Vec<_>>(), [true, false]);
            }
            _ if variable.if_committed() == IfCommitted::Stricter => {
                let value = judged.variable(*variable).unwrap().unwrap();
                assert!(is_strict(*variable, value), "{variable} = {value}");
            }
            _ => {
                let value = judged.variable(*variable);
                assert_eq!(
                    value,
                    Err(UnknownValue::Hidden(Hidden::Unexplained)),
                    "{variable}"
                );
            }
        }
    }
}

/// A Claude Code process that its hooks name.
fn process(sandbox: &Sandbox) -> Host {
    let mut host = sandbox.host();
    host.config = Some(sandbox.root.path().join("home/.config"));
    host.with("CLAUDE_PID", &std::process::id().to_string())
}

/// Whether a hook of that process accepts a value that no settings file explains.
fn counts(host: &Host, moment: Moment, variable: Variable) -> bool {
    let judged = Environment::of_hook(host, moment);
    judged.stopped.is_none() && !judged.hidden.contains_key(&variable)
}

#[test]
fn a_variable_that_a_repository_set_once_is_not_the_user_s_for_the_rest_of_the_process() {
    for variable in Variable::ALL {
        let sandbox = Sandbox::new();
        let value = json!("/hostile");
        sandbox.set(COMMITTED, *variable, &value);
        let host = process(&sandbox).with(variable.name(), "/hostile");
        let _ = Environment::of_hook(&host, Moment::Begins);
        sandbox.remove(COMMITTED);
        if variable.if_committed() == IfCommitted::StopsEverything {
            // Nothing was written into folders that a repository moved.
            let notes = sandbox.root.path().join("home/.config");
            assert!(!notes.exists(), "{variable}");
            continue;
        }
        if matches!(
            variable,
            Variable::ClaudePid
                | Variable::InsideClaudeCode
                | Variable::InsideAgent
                | Variable::ClaudeSessionId
                | Variable::Columns
        ) {
            continue;
        }
        for moment in [Moment::GoesOn, Moment::MayBegin] {
            assert!(!counts(&host, moment, *variable), "{variable} {moment:?}");
        }
        // A process started by it inherits its environment.
        let other = host.clone().with("CLAUDE_PID", "1");
        assert!(!counts(&other, Moment::Begins, *variable), "{variable}");
        // After it has ended, another process's value counts as the user's own.
        forget_beginning(&host);
        forget_beginning(&other);
        assert!(!counts(&host, Moment::GoesOn, *variable), "{variable}");
        assert!(counts(&host, Moment::Begins, *variable), "{variable}");
        assert!(counts(&host, Moment::GoesOn, *variable), "{variable}");
        let changed = host.clone().with(variable.name(), "/changed");
        assert!(!counts(&changed, Moment::GoesOn, *variable), "{variable}");
    }
}

#[test]
fn a_process_without_a_stored_beginning_has_no_folders_inside_the_project() {
    let sandbox = Sandbox::new();
    let host = process(&sandbox);
    for (path, stops) in [
        (sandbox.root.path().join("home"), false),
        (sandbox.project().join("theirs"), true),
        (PathBuf::from("theirs"), true),
    ] {
        let host = host.clone().with("HOME", path.to_str().unwrap());
        let judged = Environment::of_hook(&host, Moment::GoesOn);
        assert_eq!(judged.stops(StopScope::Everything), stops, "{path:?}");
    }
}
