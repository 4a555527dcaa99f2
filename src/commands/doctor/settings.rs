//! Checks of the settings: whether hooks are switched on, by which file, and with which key.

use serde_json::json;

use super::diagnosis::Diagnosis;
use crate::commands::words;
use crate::config::{ApiKey, KeySource, Problem};
use crate::integrations::claude_code::in_force::Scope;
use crate::integrations::claude_code::plugin::PLUGIN;
use crate::variables::Variable;
use crate::views::{Machine, Switch};

/// The diagnosis for a key among the plugin's options, which commands cannot see.
const PLUGIN_KEY: &str = "a key among the plugin's options, which its hooks alone see";

pub(super) fn check(machine: &Machine) -> Vec<Diagnosis> {
    let mut diagnoses = unreadable(machine);
    if machine.uses_claude_code() {
        diagnoses.push(switched_on(machine));
    }
    diagnoses.push(key(machine));
    diagnoses.extend(project(machine));
    diagnoses
}

/// Files and values that cannot be used.
fn unreadable(machine: &Machine) -> Vec<Diagnosis> {
    let broken = machine.settings.files.iter().filter_map(|file| {
        let problem = file.problem.as_ref()?;
        let path = words::path(&file.path, &machine.host);
        let found = format!("nothing is sent while {path} cannot be read: {problem}");
        let fix = format!("mend {path}, then restart Claude Code");
        Some(Diagnosis::problem("settings", found, fix))
    });
    let values = machine.problems.iter().map(|problem| {
        Diagnosis::problem("settings", problem.to_string(), change(problem, machine))
    });
    let overruled = words::overruled(&machine.environment.overruled, &machine.host);
    let overruled = overruled
        .into_iter()
        .map(|it| Diagnosis::note("settings", it));
    let is_told = machine
        .settings
        .files
        .iter()
        .any(|file| file.problem.is_some());
    let stopped = machine.environment.stopped.iter().filter(|_| !is_told);
    let stopped = stopped.map(|it| Diagnosis::problem("settings", &it.found, &it.fix));
    broken
        .chain(stopped)
        .chain(values)
        .chain(overruled)
        .collect()
}

/// The file in which to change a value.
fn change(problem: &Problem, machine: &Machine) -> String {
    let name = problem.variable;
    // The file or command may be wrong, rather than the setting that names it.
    let mend = match name {
        Variable::ApiKeyFile | Variable::ApiKeyCommand => "mend it, or ",
        _ => "",
    };
    match machine.environment.decider(name) {
        _ if name.is_option() => {
            format!("change it in Claude Code: /plugin configure {PLUGIN}")
        }
        Some(file) => {
            let path = words::path(&file.path, &machine.host);
            format!("{mend}change {name} in {path}")
        }
        None => format!("{mend}change {name} in the environment"),
    }
}

fn switched_on(machine: &Machine) -> Diagnosis {
    const CHECK: &str = "switched on";
    const VARIABLE: Variable = Variable::CcEnabled;
    let by = machine.environment.decider(VARIABLE);
    let by = by.map(|file| words::path(&file.path, &machine.host));
    let details = json!({ "by": by });
    let by = by.as_deref().unwrap_or("the environment");
    match machine.switch() {
        Switch::NoStateDirectory => {
            let fix = "set POSTHOG_LLMA_STATE_DIR to a folder of yours";
            return Diagnosis::problem(CHECK, "no: there is no home directory", fix);
        }
        Switch::Stopped(_) => Diagnosis::note(CHECK, "stopped, see settings"),
        // Another diagnosis reports the missing key.
        Switch::On(_) | Switch::NoKey => Diagnosis::fine(CHECK, format!("by {by}")),
        Switch::OnByPlugin => Diagnosis::advice(
            CHECK,
            format!("by {PLUGIN_KEY}"),
            "commands in a terminal need posthog-llma setup",
        ),
        Switch::OffBy(_) => Diagnosis::problem(
            CHECK,
            format!("no: {by} sets {VARIABLE} to something else than true"),
            format!("set {VARIABLE} to \"true\" in the env block of {by}"),
        ),
        Switch::Off { has_plugin: true } => {
            let found = format!("no, unless by {PLUGIN_KEY}");
            Diagnosis::problem(CHECK, found, "posthog-llma setup")
        }
        Switch::Off { has_plugin: false } => Diagnosis::problem(CHECK, "no", "posthog-llma setup"),
    }
    .with(details)
}

fn key(machine: &Machine) -> Diagnosis {
    const CHECK: &str = "key";
    let destination = &machine.config.destination;
    let (Some(key), Some(source)) = (&destination.api_key, &destination.key_source) else {
        return missing_key(machine);
    };
    let masked = key.masked();
    let (by, from) = origin(source, machine);
    let diagnosis = match shape(key) {
        Shape::Good if is_open(source) => Diagnosis::advice(
            CHECK,
            format!("{masked}, from {from}, which others can read"),
            format!("chmod 600 {from}"),
        ),
        Shape::Good => Diagnosis::fine(
            CHECK,
            format!(
                "{masked}, from {from}; PostHog accepts unknown keys too, so compare it with the key \
                 in your project's settings"
            ),
        ),
        Shape::Unusual(what) => {
            Diagnosis::advice(CHECK, format!("{masked} {what}"), copy_key(machine))
        }
        Shape::Bad(what) => {
            Diagnosis::problem(CHECK, format!("{masked} {what}"), copy_key(machine))
        }
    };
    diagnosis.with(json!({ "key": masked, "by": by, "source": source.word() }))
}

/// The settings file with the key or a reference to it, and the place of the key in words.
fn origin(source: &KeySource, machine: &Machine) -> (String, String) {
    let variable = match source {
        KeySource::Variable(variable) => *variable,
        KeySource::File { .. } => Variable::ApiKeyFile,
        KeySource::Command(_) => Variable::ApiKeyCommand,
        KeySource::Route => Variable::ApiKey,
    };
    let by = machine.environment.decider(variable);
    let by = by.map_or_else(
        || "the environment".to_owned(),
        |file| words::path(&file.path, &machine.host),
    );
    let from = match source {
        KeySource::File { path, .. } => words::path(path, &machine.host),
        KeySource::Command(_) => format!("the command in {by}"),
        KeySource::Variable(_) | KeySource::Route => by.clone(),
    };
    (by, from)
}

/// Whether others can read the file with the key.
const fn is_open(source: &KeySource) -> bool {
    matches!(
        source,
        KeySource::File {
            is_readable_by_others: true,
            ..
        }
    )
}

fn missing_key(machine: &Machine) -> Diagnosis {
    const CHECK: &str = "key";
    if machine.problems.iter().any(Problem::is_of_key) {
        return Diagnosis::note(CHECK, "unusable, see settings");
    }
    match machine.switch() {
        Switch::OnByPlugin => Diagnosis::fine(CHECK, "the plugin's, which hooks alone see"),
        // setup switches sending on and also asks for the key.
        Switch::Off { .. } if machine.uses_claude_code() => {
            Diagnosis::note(CHECK, "there is none yet: setup asks for it")
        }
        _ => Diagnosis::problem(CHECK, "there is none", copy_key(machine)),
    }
}

/// The step that sets a valid key in the file that decides: settings of a project or of the machine
/// override the file that setup writes.
fn copy_key(machine: &Machine) -> String {
    match machine.environment.decider(Variable::ApiKey) {
        Some(file) if file.scope > Scope::User => format!(
            "copy the project API key from PostHog's project settings into {}",
            words::path(&file.path, &machine.host)
        ),
        _ => "posthog-llma setup, with the project API key from PostHog's project settings"
            .to_owned(),
    }
}

enum Shape {
    Good,
    Unusual(&'static str),
    Bad(&'static str),
}

fn shape(key: &ApiKey) -> Shape {
    let key = key.secret();
    match key.strip_prefix("phc_") {
        None if !key.bytes().all(is_of_keys) => Shape::Bad(
            "holds characters that no key has; it is perhaps a line with more than the key",
        ),
        None => Shape::Unusual("does not begin with phc_, as project API keys do"),
        Some(rest) if rest.len() < 20 => Shape::Bad("is cut off"),
        Some(rest) if !rest.bytes().all(is_of_keys) => {
            Shape::Bad("holds characters that no key has")
        }
        Some(rest) if !rest.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            Shape::Unusual("holds characters that project API keys do not have")
        }
        Some(_) => Shape::Good,
    }
}

/// Whether a key may have this character: older ones are in another alphabet.
const fn is_of_keys(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// Whether the project in the current folder is left alone.
fn project(machine: &Machine) -> Option<Diagnosis> {
    let reason = machine.left_alone()?;
    Some(Diagnosis::note(
        "project",
        format!("this folder is left alone: {reason}"),
    ))
}
