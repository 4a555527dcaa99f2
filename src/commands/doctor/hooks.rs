//! Does Claude Code call us, and do we come to an end in time?

use std::fs;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::Facts;
use super::finding::Finding;
use crate::commands::{hook, short, words};
use crate::integrations::claude_code::in_force::{Scope, SettingsFile};
use crate::integrations::claude_code::plugin::{self, Hindrance, PLUGIN, Plugin};
use crate::integrations::claude_code::{self, Running};
use crate::outbox::{Run, RunKind};
use crate::sources::SessionRef;
use crate::variables::Variable;

/// A session that was written to so lately may still go on.
const QUIET: TimeDelta = TimeDelta::minutes(10);

/// File systems keep times in steps of up to two seconds.
const TIME_STEP: TimeDelta = TimeDelta::seconds(2);

/// Warnings are about single sessions; these are enough to see what they are about.
const WARNINGS: usize = 3;

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let installed = Plugin::installed(&facts.host);
    let own = plugin::own_hook(&facts.settings);
    let found = installed.as_ref().ok().and_then(Option::as_ref);
    let mut findings = vec![plugin(facts, &installed, own)];
    findings.push(allowed(facts, own, found.is_some()));
    findings.push(last_run(facts, found, own));
    findings.extend(warnings(facts));
    findings
}

fn plugin(
    facts: &Facts,
    installed: &Result<Option<Plugin>, String>,
    own: Option<&SettingsFile>,
) -> Finding {
    const CHECK: &str = "plugin";
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    match (installed, own) {
        (Ok(Some(plugin)), _) if plugin.version == VERSION => {
            Finding::fine(CHECK, format!("version {VERSION}, as this program"))
                .with(json!({ "version": VERSION }))
        }
        (Ok(Some(Plugin { version, .. })), _) => Finding::problem(
            CHECK,
            format!("version {version}, but this program is {VERSION}"),
            format!("claude plugin update {PLUGIN}, and install the program of the same version"),
        )
        .with(json!({ "version": version })),
        (_, Some(file)) => {
            let path = words::path(&file.path, &facts.host);
            Finding::fine(
                CHECK,
                format!("not needed: {path} has a hook that calls this program"),
            )
        }
        (Ok(None), None) => Finding::problem(
            CHECK,
            "not installed: no hook calls this program",
            format!("claude plugin install {PLUGIN}"),
        ),
        (Err(problem), None) => Finding::problem(
            CHECK,
            problem.clone(),
            format!("claude plugin install {PLUGIN} writes it anew"),
        ),
    }
}

/// Whether the settings let hooks run.
fn allowed(facts: &Facts, own: Option<&SettingsFile>, is_installed: bool) -> Finding {
    const CHECK: &str = "hooks";
    let hindrance = match own {
        Some(file) => plugin::hooks_off(&facts.settings, file.is_managed()),
        // Installing it enables it, too.
        None if !is_installed => plugin::hooks_off(&facts.settings, false),
        None => plugin::hindrance(&facts.settings),
    };
    let path = |file: &SettingsFile| words::path(&file.path, &facts.host);
    match hindrance {
        None => Finding::fine(CHECK, "may run"),
        Some(Hindrance::PluginOff(None)) => Finding::problem(
            CHECK,
            "the plugin is not enabled",
            format!("claude plugin enable {PLUGIN}"),
        ),
        Some(Hindrance::PluginOff(Some(file))) => Finding::problem(
            CHECK,
            format!("the plugin is disabled in {}", path(file)),
            format!("claude plugin enable {PLUGIN}, or remove the line there"),
        ),
        Some(Hindrance::AllHooksOff(file)) => Finding::problem(
            CHECK,
            format!("disableAllHooks is set in {}", path(file)),
            if file.is_managed() {
                "ask your administrator to allow them"
            } else {
                "remove it there: it switches off every hook"
            },
        ),
        Some(Hindrance::ManagedOnly(file)) => Finding::problem(
            CHECK,
            format!("allowManagedHooksOnly is set in {}", path(file)),
            format!("ask your administrator to enable {PLUGIN} there"),
        ),
    }
}

fn last_run(facts: &Facts, plugin: Option<&Plugin>, own: Option<&SettingsFile>) -> Finding {
    const CHECK: &str = "last hook";
    let mut runs = facts.status.runs.iter();
    let Some(run) = runs.find(|run| is_hook(run)) else {
        return match missed(facts, plugin, own) {
            Some(found) => Finding::problem(
                CHECK,
                format!(
                    "none has run, though session {} has ended since hooks were set up",
                    short(&found.id)
                ),
                "restart Claude Code, so that it loads them; /hooks shows what it has loaded",
            ),
            None => Finding::note(CHECK, "none has run yet: none had to"),
        };
    };
    let took = Duration::from_millis(run.duration_ms);
    let budget = hook::budget(&facts.host);
    let session = run.session.as_deref().map(short);
    let session = session.map_or_else(String::new, |session| format!(" of {session}"));
    let when = words::when(run.at, facts.host.now());
    let (took, most) = (words::duration(took), words::duration(budget));
    let ran = format!("{when}, {}{session}, {took}", run.kind);
    let details = json!({
        "at": run.at,
        "verb": run.kind.as_str(),
        "session": run.session,
        "duration_ms": run.duration_ms,
        "budget_ms": u64::try_from(budget.as_millis()).unwrap_or(u64::MAX),
        "error": run.error,
    });
    // What destinations had against it other checks tell, as it is now.
    let destinations = &facts.status.destinations;
    let is_of_delivery = |error: &str| {
        let mut hosts = destinations.iter().map(|it| &it.record.destination.host);
        hosts.any(|host| {
            error
                .strip_prefix(host)
                .is_some_and(|rest| rest.starts_with(": "))
        })
    };
    match &run.error {
        Some(error) if !is_of_delivery(error) => Finding::problem(
            CHECK,
            format!("{ran}: {error}"),
            "when that is mended, posthog-llma ingest sends what is missing",
        ),
        _ if run.duration_ms > u64::try_from(budget.as_millis()).unwrap_or(u64::MAX) => {
            let found = format!("{ran}: more than {most}, so it went on in the background");
            Finding::note(CHECK, found)
        }
        _ => Finding::fine(CHECK, format!("{ran} of the {most} there are")),
    }
    .with(details)
}

/// A session that has ended since hooks were set up, when there is any.
fn missed<'a>(
    facts: &'a Facts,
    plugin: Option<&Plugin>,
    own: Option<&SettingsFile>,
) -> Option<&'a SessionRef> {
    let switched_on = facts.environment.decider(Variable::CcEnabled);
    let own = own.map(|file| file.path.as_path());
    let files = [own, switched_on.map(|file| file.path.as_path())];
    let files = files.into_iter().flatten();
    let installed = plugin.and_then(|plugin| plugin.installed_at);
    let since = changed(files).chain(installed).max()?;
    let open = claude_code::running(&facts.host);
    let now = facts.host.now();
    facts.found.iter().find(|found| {
        let modified = DateTime::<Utc>::from(found.modified);
        let has_ended = match &open {
            Running::Sessions(sessions) => !sessions.contains(&found.id),
            Running::Unknown => now - modified > QUIET,
        };
        has_ended && modified > since
    })
}

/// Whether the plugin's hooks have run since the settings changed, though nothing that can be seen
/// from here lets them.
pub(super) fn run_unseen(facts: &Facts) -> bool {
    let Ok(Some(plugin)) = Plugin::installed(&facts.host) else {
        return false;
    };
    let user = facts
        .settings
        .files
        .iter()
        .filter(|it| it.scope == Scope::User)
        .map(|file| file.path.as_path());
    let since = changed(user).chain(plugin.installed_at).max();
    let mut runs = facts.status.runs.iter();
    facts.config.destination.api_key.is_none()
        && runs.any(|run| is_hook(run) && since.is_none_or(|since| run.at - since > TIME_STEP))
}

/// When these files were last written.
fn changed<'a>(files: impl Iterator<Item = &'a Path>) -> impl Iterator<Item = DateTime<Utc>> {
    files.filter_map(|file| {
        let changed = fs::metadata(file).and_then(|meta| meta.modified());
        changed.ok().map(DateTime::<Utc>::from)
    })
}

/// Whether a hook of Claude Code caused a run.
const fn is_hook(run: &Run) -> bool {
    matches!(run.kind, RunKind::SessionStart | RunKind::SessionEnd)
}

/// What the runs of the log have to say.
fn warnings(facts: &Facts) -> Option<Finding> {
    let warnings = facts.status.warnings();
    if warnings.is_empty() {
        return None;
    }
    let shown = warnings.iter().take(WARNINGS).copied().collect::<Vec<_>>();
    let mut found = shown.join("; ");
    if warnings.len() > WARNINGS {
        found = format!("{found}; and {} more", warnings.len() - WARNINGS);
    }
    Some(Finding::note("warnings", found).with(json!(warnings)))
}
