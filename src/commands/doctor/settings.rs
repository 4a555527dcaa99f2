//! Is it switched on, by whom, and with which key?

use serde_json::json;

use super::Facts;
use super::finding::Finding;
use crate::commands::words;
use crate::config::ApiKey;
use crate::consent;

/// The server refuses longer keys.
const LONGEST_KEY: usize = 64;

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let mut findings = unreadable(facts);
    findings.push(switched_on(facts));
    findings.push(key(facts));
    findings.extend(project(facts));
    findings
}

/// Files and values that cannot be used.
fn unreadable(facts: &Facts) -> Vec<Finding> {
    let broken = facts.settings.files.iter().filter_map(|file| {
        let problem = file.problem.as_ref()?;
        let path = words::path(&file.path, &facts.host);
        let found = format!("Claude Code ignores {path}: {problem}");
        let fix = format!("mend {path}, then restart Claude Code");
        Some(Finding::problem("settings", found, fix))
    });
    let values = facts.problems.iter().map(|problem| {
        let fix = match facts.settings.sets_variable(problem.variable) {
            Some(file) => format!(
                "change {} in {}",
                problem.variable,
                words::path(&file.path, &facts.host)
            ),
            None => format!("change {} in the environment", problem.variable),
        };
        Finding::problem("settings", problem.to_string(), fix)
    });
    broken.chain(values).collect()
}

fn switched_on(facts: &Facts) -> Finding {
    const CHECK: &str = "switched on";
    const VARIABLE: &str = "POSTHOG_LLMA_CC_ENABLED";
    let by = facts.settings.sets_variable(VARIABLE);
    let by = by.map(|file| words::path(&file.path, &facts.host));
    if facts.config.state_dir.is_none() {
        let fix = "set POSTHOG_LLMA_STATE_DIR to a folder of yours";
        return Finding::problem(CHECK, "no: there is no home directory", fix);
    }
    let details = json!({ "by": by });
    if facts.config.enabled {
        let by = by.as_deref().unwrap_or("the environment");
        return Finding::fine(CHECK, format!("by {by}")).with(details);
    }
    let own = user_settings(facts);
    match by {
        Some(by) => Finding::problem(
            CHECK,
            format!("no: {by} sets {VARIABLE} to something else than true"),
            format!("set {VARIABLE} to \"true\" in the env block of {by}"),
        ),
        None => Finding::problem(
            CHECK,
            "no",
            format!("put \"{VARIABLE}\": \"true\" into the env block of {own}"),
        ),
    }
    .with(details)
}

fn key(facts: &Facts) -> Finding {
    const CHECK: &str = "key";
    const VARIABLE: &str = "POSTHOG_API_KEY";
    let own = user_settings(facts);
    let Some(key) = &facts.config.api_key else {
        let is_told = facts.problems.iter().any(|it| it.variable == VARIABLE);
        let found = if is_told { "unusable" } else { "there is none" };
        let fix = format!(
            "put \"{VARIABLE}\": \"phc_…\" into the env block of {own}; the key stands in \
             PostHog's project settings"
        );
        return Finding::problem(CHECK, found, fix);
    };
    let masked = key.masked();
    let by = facts.settings.sets_variable(VARIABLE);
    let by = by.map_or_else(
        || "the environment".to_owned(),
        |file| words::path(&file.path, &facts.host),
    );
    let copy = format!("copy the project API key from PostHog's project settings into {own}");
    let finding = match shape(key) {
        Shape::Good => Finding::fine(
            CHECK,
            format!(
                "{masked}, from {by}; whether a project has it only PostHog's project settings \
                 show, since an unknown key is accepted too"
            ),
        ),
        Shape::Unusual(what) => Finding::advice(CHECK, format!("{masked} {what}"), copy),
        Shape::Bad(what) => Finding::problem(CHECK, format!("{masked} {what}"), copy),
    };
    finding.with(json!({ "key": masked, "by": by }))
}

enum Shape {
    Good,
    Unusual(&'static str),
    Bad(&'static str),
}

fn shape(key: &ApiKey) -> Shape {
    let key = key.secret();
    match key.strip_prefix("phc_") {
        _ if !key.is_ascii() => Shape::Bad("holds characters that no key has"),
        _ if key.len() > LONGEST_KEY => Shape::Bad("is longer than any key"),
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

fn user_settings(facts: &Facts) -> String {
    let file = crate::sources::claude_code::projects_dir(&facts.host)
        .map(|projects| projects.with_file_name("settings.json"));
    file.map_or_else(
        || "Claude Code's settings.json".to_owned(),
        |file| words::path(&file, &facts.host),
    )
}
