//! Checks of the hooks: whether Claude Code calls this program, and the result of the last call.

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::diagnosis::Diagnosis;
use super::{Explained, Facts, versions};
use crate::commands::{hook, short, words};
use crate::host::Host;
use crate::integrations::claude_code::in_force::SettingsFile;
use crate::integrations::claude_code::marketplace::Unloadable;
use crate::integrations::claude_code::plugin::{self, Hindrance, PLUGIN, Plugin};
use crate::integrations::claude_code::{self, Running};
use crate::outbox::Run;
use crate::pipeline::SILENCE;
use crate::sources::SessionRef;
use crate::variables::Variable;
use crate::views::{Machine, changed};

/// Number of warnings to show. Most are about single sessions; the JSON has all.
const WARNINGS: usize = 3;

pub(super) fn check(facts: &Facts, explained: Explained) -> Vec<Diagnosis> {
    let machine = &facts.machine;
    let own = machine.own_hook();
    let found = machine.plugin.as_ref().ok().and_then(Option::as_ref);
    let mut diagnoses = vec![plugin(machine, own)];
    diagnoses.push(allowed(machine, own, found.is_some()));
    let explained = match super::explained(&diagnoses) {
        Explained::Yes => Explained::Yes,
        Explained::No => explained,
    };
    diagnoses.push(last_run(facts, found, own, explained));
    diagnoses.extend(warnings(machine));
    diagnoses
}

fn plugin(machine: &Machine, own: Option<&SettingsFile>) -> Diagnosis {
    const CHECK: &str = "plugin";
    if let Some(reason) = machine.unloadable() {
        return unloadable(CHECK, reason, &machine.host);
    }
    match (&machine.plugin, own) {
        (Ok(Some(plugin)), _) => versions::of_claude_code(CHECK, plugin, &machine.host),
        (_, Some(file)) => {
            let path = words::path(&file.path, &machine.host);
            Diagnosis::fine(
                CHECK,
                format!("not needed: {path} has a hook that calls this program"),
            )
        }
        (Ok(None), None) if plugin::is_enabled_by_administrator(&machine.settings) => {
            Diagnosis::advice(
                CHECK,
                "enabled by your administrator, and not installed yet",
                "start claude in a terminal: it installs the plugin in the background",
            )
        }
        (Ok(None), None) => Diagnosis::problem(
            CHECK,
            "not installed: no hook calls this program",
            format!("claude plugin install {PLUGIN}"),
        ),
        (Err(problem), None) => Diagnosis::problem(
            CHECK,
            problem.clone(),
            format!("claude plugin install {PLUGIN} writes it anew"),
        ),
    }
}

/// The diagnosis that Claude Code cannot load the installed plugin.
fn unloadable(check: &'static str, reason: &Unloadable, host: &Host) -> Diagnosis {
    let path = |path: &Path| words::path(path, host);
    let move_it = "claude plugin marketplace add FOLDER, with the folder that holds it now; then \
                   restart Claude Code";
    let update = "bring that folder up to date, then restart Claude Code";
    match reason {
        Unloadable::List { file, cause } => Diagnosis::problem(
            check,
            format!(
                "Claude Code cannot load it: {} cannot be read: {cause}",
                path(file)
            ),
            "mend that file, or claude plugin marketplace add anew; then restart Claude Code",
        ),
        Unloadable::NoMarketplace(folder) => {
            let folder = path(folder);
            let found = format!("Claude Code cannot load it: no marketplace in {folder} any more");
            Diagnosis::problem(check, found, move_it)
        }
        Unloadable::NotListed(file) => {
            let found = format!(
                "Claude Code cannot load it: {} does not list it",
                path(file)
            );
            Diagnosis::problem(check, found, update)
        }
        Unloadable::NoFiles(folder) => {
            let found = format!("Claude Code cannot load it: {} is missing", path(folder));
            Diagnosis::problem(check, found, update)
        }
    }
}

/// Whether the settings let hooks run.
fn allowed(machine: &Machine, own: Option<&SettingsFile>, is_installed: bool) -> Diagnosis {
    const CHECK: &str = "hooks";
    let hindrance = match own {
        Some(file) => plugin::hooks_off(&machine.settings, Some(file)),
        // Installing the plugin also enables it.
        None if !is_installed => plugin::hooks_off(&machine.settings, None),
        None => plugin::hindrance(&machine.settings),
    };
    let path = |file: &SettingsFile| words::path(&file.path, &machine.host);
    match hindrance {
        None => Diagnosis::fine(CHECK, "allowed by the settings"),
        Some(Hindrance::PluginOff(None)) => Diagnosis::problem(
            CHECK,
            "the plugin is not enabled",
            format!("claude plugin enable {PLUGIN}"),
        ),
        Some(Hindrance::PluginOff(Some(file))) => Diagnosis::problem(
            CHECK,
            format!("the plugin is disabled in {}", path(file)),
            format!("claude plugin enable {PLUGIN}, or remove the line there"),
        ),
        Some(Hindrance::AllHooksOff(file)) => Diagnosis::problem(
            CHECK,
            format!("disableAllHooks is set in {}", path(file)),
            if file.is_managed() {
                "ask your administrator to allow them"
            } else {
                "remove it there: it switches off every hook"
            },
        ),
        Some(Hindrance::ManagedOnly(file)) => Diagnosis::problem(
            CHECK,
            format!("allowManagedHooksOnly is set in {}", path(file)),
            format!("ask your administrator to enable {PLUGIN} there"),
        ),
    }
}

fn last_run(
    facts: &Facts,
    plugin: Option<&Plugin>,
    own: Option<&SettingsFile>,
    explained: Explained,
) -> Diagnosis {
    const CHECK: &str = "last hook";
    let machine = &facts.machine;
    let runs = machine.telling_hooks();
    // Other checks report the current state of destinations.
    let failed = |run: &&&Run| {
        let error = run.error.as_deref();
        error.is_some_and(|error| !is_of_delivery(error, machine))
    };
    let failed_run = runs.iter().find(failed);
    let Some(run) = failed_run.or(runs.last()) else {
        if machine.outbox.is_err() {
            return Diagnosis::note(CHECK, "not known while the outbox cannot be read");
        }
        return match missed(facts, plugin, own) {
            Some(_) if explained == Explained::Yes => Diagnosis::note(CHECK, "none yet"),
            Some(found) => Diagnosis::problem(
                CHECK,
                format!(
                    "none has run, though session {} has ended since hooks were set up",
                    short(&found.id)
                ),
                "restart Claude Code, so that it loads them; /hooks shows what it has loaded",
            ),
            None => Diagnosis::note(
                CHECK,
                "none yet: no session has ended since hooks were set up",
            ),
        };
    };
    described(run, failed_run.is_some(), machine)
}

/// A run, and whether it failed or took longer than Claude Code waits.
fn described(run: &Run, has_failed: bool, machine: &Machine) -> Diagnosis {
    const CHECK: &str = "last hook";
    let took = Duration::from_millis(run.duration_ms);
    let budget = hook::budget(&machine.host);
    let session = run.session.as_deref().map(short);
    let session = session.map_or_else(String::new, |session| format!(" of {session}"));
    let when = words::when(run.at, machine.host.now());
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
    match &run.error {
        Some(error) if has_failed => Diagnosis::problem(
            CHECK,
            format!("{ran}: {error}"),
            "solve that, then posthog-llma ingest sends what is missing",
        ),
        _ if run.duration_ms > u64::try_from(budget.as_millis()).unwrap_or(u64::MAX) => {
            let found = format!("{ran}: more than {most}, so it went on in the background");
            Diagnosis::note(CHECK, found)
        }
        _ => Diagnosis::fine(CHECK, format!("{ran} (at most {most})")),
    }
    .with(details)
}

/// Whether the error of a run came from a destination or the network.
fn is_of_delivery(error: &str, machine: &Machine) -> bool {
    let destinations = machine.status.destinations.iter();
    let mut hosts = destinations.map(|it| &it.record.destination.host);
    hosts.any(|host| {
        let rest = error.strip_prefix(host);
        rest.is_some_and(|rest| rest.starts_with(": "))
    })
}

/// A session that ended since hooks were set up, if there is one.
fn missed<'a>(
    facts: &'a Facts,
    plugin: Option<&Plugin>,
    own: Option<&SettingsFile>,
) -> Option<&'a SessionRef> {
    let machine = &facts.machine;
    let switched_on = machine.environment.decider(Variable::CcEnabled);
    let own = own.map(|file| file.path.as_path());
    let files = [own, switched_on.map(|file| file.path.as_path())];
    let files = files.into_iter().flatten();
    let installed = plugin.and_then(|plugin| plugin.installed_at);
    let since = changed(files).chain(installed).max()?;
    let open = claude_code::running(&machine.host);
    let now = machine.host.now();
    facts.found.iter().find(|found| {
        let modified = DateTime::<Utc>::from(found.modified);
        let has_ended = match &open {
            Running::Sessions(sessions) => !sessions.contains(&found.id),
            Running::Unknown => now - modified > SILENCE,
        };
        has_ended && modified > since
    })
}

/// Warnings in the log of runs.
fn warnings(machine: &Machine) -> Option<Diagnosis> {
    let warnings = machine.status.warnings();
    if warnings.is_empty() {
        return None;
    }
    let shown = warnings.iter().take(WARNINGS).copied().collect::<Vec<_>>();
    let mut found = shown.join("; ");
    if warnings.len() > WARNINGS {
        found = format!("{found}; and {} more", warnings.len() - WARNINGS);
    }
    Some(Diagnosis::note("warnings", found).with(json!(warnings)))
}
