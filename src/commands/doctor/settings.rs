//! Is it switched on, by whom, and with which key?

use serde_json::json;

use super::finding::Finding;
use super::{Facts, hooks};
use crate::commands::words;
use crate::config::{ApiKey, Problem};
use crate::consent;
use crate::integrations::claude_code::in_force::Scope;
use crate::integrations::claude_code::plugin::{PLUGIN, Plugin};
use crate::session::Agent;
use crate::variables::Variable;

/// Why hooks may do what cannot be seen from here.
const SEEN_BY_HOOKS: &str = "a key among the plugin's options, which its hooks alone see";

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let mut findings = unreadable(facts);
    if facts.uses_claude_code() {
        findings.push(switched_on(facts));
    }
    findings.push(key(facts));
    findings.extend(project(facts));
    findings
}

/// Files and values that cannot be used.
fn unreadable(facts: &Facts) -> Vec<Finding> {
    let broken = facts.settings.files.iter().filter_map(|file| {
        let problem = file.problem.as_ref()?;
        let path = words::path(&file.path, &facts.host);
        let found = format!("nothing is sent while {path} cannot be read: {problem}");
        let fix = format!("mend {path}, then restart Claude Code");
        Some(Finding::problem("settings", found, fix))
    });
    let values = facts
        .problems
        .iter()
        .map(|problem| Finding::problem("settings", problem.to_string(), change(problem, facts)));
    let overruled = words::overruled(&facts.environment.overruled, &facts.host);
    let overruled = overruled
        .into_iter()
        .map(|it| Finding::note("settings", it));
    let is_told = facts
        .settings
        .files
        .iter()
        .any(|file| file.problem.is_some());
    let stopped = facts.environment.stopped.iter().filter(|_| !is_told);
    let stopped = stopped.map(|it| Finding::problem("settings", &it.found, &it.fix));
    broken
        .chain(stopped)
        .chain(values)
        .chain(overruled)
        .collect()
}

/// Where a value is to be changed.
fn change(problem: &Problem, facts: &Facts) -> String {
    let name = problem.variable;
    match facts.environment.decider(name) {
        _ if name.is_option() => {
            format!("change it in Claude Code: /plugin configure {PLUGIN}")
        }
        Some(file) => format!("change {name} in {}", words::path(&file.path, &facts.host)),
        None => format!("change {name} in the environment"),
    }
}

fn switched_on(facts: &Facts) -> Finding {
    const CHECK: &str = "switched on";
    const VARIABLE: Variable = Variable::CcEnabled;
    let by = facts.environment.decider(VARIABLE);
    let by = by.map(|file| words::path(&file.path, &facts.host));
    if facts.config.state_dir.is_none() {
        let fix = "set POSTHOG_LLMA_STATE_DIR to a folder of yours";
        return Finding::problem(CHECK, "no: there is no home directory", fix);
    }
    let details = json!({ "by": by });
    if facts.config.of(Agent::ClaudeCode).enabled {
        let by = by.as_deref().unwrap_or("the environment");
        return Finding::fine(CHECK, format!("by {by}")).with(details);
    }
    match by {
        Some(by) => Finding::problem(
            CHECK,
            format!("no: {by} sets {VARIABLE} to something else than true"),
            format!("set {VARIABLE} to \"true\" in the env block of {by}"),
        ),
        None if hooks::run_unseen(facts) => Finding::note(
            CHECK,
            format!("not by settings, but hooks have run: perhaps by {SEEN_BY_HOOKS}"),
        ),
        None => Finding::problem(CHECK, "no", "posthog-llma setup"),
    }
    .with(details)
}

fn key(facts: &Facts) -> Finding {
    const CHECK: &str = "key";
    const VARIABLE: Variable = Variable::ApiKey;
    let Some(key) = &facts.config.destination.api_key else {
        let is_told = facts.problems.iter().any(|it| it.variable == VARIABLE);
        if !is_told && hooks::run_unseen(facts) {
            let advice = "posthog-llma setup, so that commands in a terminal have it too";
            return Finding::advice(CHECK, format!("perhaps {SEEN_BY_HOOKS}"), advice);
        }
        let found = match Plugin::installed(&facts.host) {
            _ if is_told => "unusable".to_owned(),
            Ok(Some(_)) => format!("there is none, unless {SEEN_BY_HOOKS}"),
            _ => "there is none".to_owned(),
        };
        return Finding::problem(CHECK, found, copy_key(facts));
    };
    let masked = key.masked();
    let by = facts.environment.decider(VARIABLE);
    let by = by.map_or_else(
        || "the environment".to_owned(),
        |file| words::path(&file.path, &facts.host),
    );
    let finding = match shape(key) {
        Shape::Good => Finding::fine(
            CHECK,
            format!(
                "{masked}, from {by}; whether a project has it only PostHog's project settings \
                 show, since an unknown key is accepted too"
            ),
        ),
        Shape::Unusual(what) => Finding::advice(CHECK, format!("{masked} {what}"), copy_key(facts)),
        Shape::Bad(what) => Finding::problem(CHECK, format!("{masked} {what}"), copy_key(facts)),
    };
    finding.with(json!({ "key": masked, "by": by }))
}

/// How to get the right key to where it counts: what setup writes, the settings of a project or
/// of the machine override.
fn copy_key(facts: &Facts) -> String {
    match facts.environment.decider(Variable::ApiKey) {
        Some(file) if file.scope > Scope::User => format!(
            "copy the project API key from PostHog's project settings into {}",
            words::path(&file.path, &facts.host)
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
        None => Shape::Unusual("does not begin with phc_, as project API keys do"),
        Some(rest) if rest.len() < 20 => Shape::Bad("is cut off"),
        Some(rest) if !rest.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            Shape::Unusual("holds characters that project API keys have not")
        }
        Some(_) => Shape::Good,
    }
}

/// The project that we run in may be left alone.
fn project(facts: &Facts) -> Option<Finding> {
    let cwd = facts.host.cwd.as_ref()?;
    let reason = consent::opted_out(cwd, &facts.host)?;
    Some(Finding::note(
        "project",
        format!("this folder is left alone: {reason}"),
    ))
}
