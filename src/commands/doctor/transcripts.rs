//! Checks of the transcripts: whether they can be read, are about to be deleted, and hold unknown lines.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::Facts;
use super::diagnosis::Diagnosis;
use crate::commands::{select, words};
use crate::consent::Verdict;
use crate::host::Host;
use crate::sources::claude_code::unknown::{Sighting, Unknown};
use crate::sources::claude_code::{self, projects_dir};
use crate::sources::{SessionRef, Unreadable};
use crate::ui;

/// Number of sessions to search for unknown lines. The newest, since formats change.
const READ: usize = 50;

/// Number of unknown types to show; the JSON has all.
const SHOWN: usize = 5;

/// Time before Claude Code deletes an unsent session from which on the user is warned.
const SOON: TimeDelta = TimeDelta::days(7);

pub(super) fn check(facts: &Facts) -> Vec<Diagnosis> {
    let mut diagnoses = vec![readable(facts)];
    diagnoses.extend(unsent(facts));
    diagnoses.extend(format(facts));
    diagnoses
}

fn readable(facts: &Facts) -> Diagnosis {
    const CHECK: &str = "transcripts";
    let Some(folder) = projects_dir(&facts.machine.host) else {
        let fix = "set CLAUDE_CONFIG_DIR to the folder of Claude Code";
        return Diagnosis::problem(CHECK, "there is no home directory to look in", fix);
    };
    let looked = looked_at(&facts.machine.host);
    let there: Vec<String> = looked
        .iter()
        .filter(|folder| folder.is_dir())
        .map(|folder| words::path(folder, &facts.machine.host))
        .collect();
    // Claude Code's own folder may be missing if there are others.
    let is_alone = there.is_empty() || folder.exists();
    if let (Err(error), true) = (folder.read_dir(), is_alone) {
        let shown = words::path(&folder, &facts.machine.host);
        if error.kind() == ErrorKind::NotFound && facts.machine.telling_hooks().is_empty() {
            let found = format!("none yet: Claude Code has made no {shown}");
            let advice = "if it has run, set CLAUDE_CONFIG_DIR as it is set for Claude Code";
            return Diagnosis::advice(CHECK, found, advice);
        }
        let fix = "run Claude Code once, or set CLAUDE_CONFIG_DIR as it is set for Claude Code";
        return Diagnosis::problem(CHECK, format!("{shown}: {error}"), fix);
    }
    let unreadable: Vec<(&SessionRef, String)> = facts
        .found
        .iter()
        .filter_map(|found| Some((found, File::open(found.locator.file()).err()?.to_string())))
        .collect();
    let sessions = select::each_once(facts.found.clone()).len();
    let paths = looked
        .iter()
        .map(|folder| words::path(folder, &facts.machine.host));
    let details = json!({
        "sessions": sessions,
        "unreadable": unreadable.len(),
        "looked_in": paths.collect::<Vec<_>>(),
    });
    let shown = there.join(", ");
    let sessions = ui::count(sessions as u64, "session");
    match unreadable.first() {
        None if facts.found.is_empty() => Diagnosis::note(CHECK, format!("none yet in {shown}")),
        None => Diagnosis::fine(CHECK, format!("{sessions} in {shown}")),
        Some((first, error)) => Diagnosis::problem(
            CHECK,
            format!(
                "{} of {sessions} cannot be read: {}: {error}",
                unreadable.len(),
                words::path(first.locator.file(), &facts.machine.host)
            ),
            "make them readable for you (chmod u+r)",
        ),
    }
    .with(details)
}

/// The folders in which sessions of Claude Code are searched, existing or not.
fn looked_at(host: &Host) -> Vec<PathBuf> {
    let own = claude_code::config_dirs(host).into_iter();
    let mut folders: Vec<PathBuf> = own.map(|config| config.join("projects")).collect();
    folders.extend(claude_code::cowork_dirs(host).found);
    folders
}

/// Folders of any agent that may hold sessions and cannot be listed.
pub(super) fn listed(facts: &Facts) -> Vec<Diagnosis> {
    let all = facts.unreadable.iter();
    let (left_alone, failed): (Vec<_>, Vec<_>) = all.partition(|it| it.is_left_alone());
    let advice = "posthog-llma ingest FOLDER sends what is there";
    let fix = "make it readable for you (chmod u+rx for a folder, u+r for a file)";
    [
        not_seen(&failed, facts)
            .map(|(found, details)| Diagnosis::problem("folders", found, fix).with(details)),
        not_seen(&left_alone, facts)
            .map(|(found, details)| Diagnosis::advice("links", found, advice).with(details)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Unreadable folders: in words, and their paths.
fn not_seen(unreadable: &[&Unreadable], facts: &Facts) -> Option<(String, Value)> {
    let [first, others @ ..] = unreadable else {
        return None;
    };
    let more = match others.len() {
        0 => String::new(),
        more => format!("; and in {more} more, see --json"),
    };
    let found = format!(
        "sessions are not seen in {}: {}{more}",
        words::path(&first.path, &facts.machine.host),
        first.reason
    );
    let paths = unreadable.iter().map(|it| it.path.to_string_lossy());
    let details = json!({ "paths": paths.collect::<Vec<_>>() });
    Some((found, details))
}

/// Unsent sessions that Claude Code will soon delete.
fn unsent(facts: &Facts) -> Option<Diagnosis> {
    const CHECK: &str = "unsent";
    let days = facts.machine.settings.days_kept()?;
    let kept = TimeDelta::try_days(i64::try_from(days).ok()?)?;
    let Ok(Some(outbox)) = &facts.machine.outbox else {
        return None;
    };
    let now = facts.machine.host.now();
    let is_due = |found: &&SessionRef| now - DateTime::<Utc>::from(found.modified) > kept - SOON;
    let is_stored = |found: &&SessionRef| {
        let stamp = outbox.transcript(&found.locator.path()).ok().flatten();
        stamp.is_some_and(|it| it.size == found.bytes && it.modified == found.modified)
    };
    let due = facts
        .found
        .iter()
        .filter(is_due)
        .filter(|found| !is_stored(found))
        .filter(|found| is_wanted(facts, found));
    let due = select::each_once(due.cloned().collect());
    let first = due.last()?;
    let left = kept - (now - DateTime::<Utc>::from(first.modified));
    let left = left.to_std().unwrap_or(Duration::ZERO);
    let since = facts.machine.status.enabled_since;
    // Sessions from before sending was switched on are only sent on request.
    let missed = due
        .iter()
        .filter(|found| since.is_some_and(|since| DateTime::<Utc>::from(found.modified) > since))
        .count();
    let found = format!(
        "{} not sent, and Claude Code deletes sessions after {days} days: the first {}",
        ui::count(due.len() as u64, "session"),
        match left.as_secs() / 86_400 {
            0 => "today".to_owned(),
            days => format!("in {}", ui::count(days, "day")),
        }
    );
    let fix = "posthog-llma ingest --all sends them; cleanupPeriodDays in Claude Code's settings \
               keeps them longer";
    let details = json!({ "sessions": due.len(), "missed": missed, "days_kept": days });
    let diagnosis = if missed > 0 {
        Diagnosis::problem(CHECK, found, fix)
    } else {
        Diagnosis::advice(CHECK, found, fix)
    };
    Some(diagnosis.with(details))
}

/// Whether a session has content and its project is not left alone.
fn is_wanted(facts: &Facts, found: &SessionRef) -> bool {
    let glance = found.glance();
    let verdict = Verdict::of(
        glance.cwd.as_deref(),
        &found.locator.path(),
        &facts.machine.host,
    );
    glance.prompt.is_some() && matches!(verdict, Verdict::Permitted(_))
}

/// Lines of unknown types in the newest sessions.
fn format(facts: &Facts) -> Option<Diagnosis> {
    const CHECK: &str = "format";
    let mut unknown = Unknown::default();
    let newest: Vec<&SessionRef> = facts.found.iter().take(READ).collect();
    for found in &newest {
        // Another check reports unreadable sessions.
        if let Ok(files) = claude_code::session_files(found.locator.file(), &facts.machine.host) {
            let _ = unknown.look(&files);
        }
    }
    let sessions = ui::count(newest.len() as u64, "session");
    let Unknown {
        sightings: unknown,
        broken,
        without_usage,
    } = unknown;
    if newest.is_empty() {
        return None;
    }
    if unknown.is_empty() && (broken > 0 || without_usage > 0) {
        let found = format!(
            "in the newest {sessions} {} cannot be read, and {} of responses have no token counts",
            ui::count(broken, "piece"),
            ui::count(without_usage, "line"),
        );
        let advice = "what they held is in no event, or without tokens; a crash or a full disk \
                      breaks lines, a gateway may leave counts out";
        let details = json!({ "broken": broken, "without_usage": without_usage });
        return Some(Diagnosis::advice(CHECK, found, advice).with(details));
    }
    if unknown.is_empty() {
        let found = format!("{sessions} read, every line is known");
        return Some(Diagnosis::fine(CHECK, found));
    }
    Some(unknown_lines(CHECK, &unknown, &sessions))
}

/// The diagnosis about lines of unknown types.
fn unknown_lines(
    check: &'static str,
    unknown: &BTreeMap<String, Sighting>,
    sessions: &str,
) -> Diagnosis {
    let total: u64 = unknown.values().map(|sighting| sighting.count).sum();
    let mut shapes: Vec<String> = unknown
        .iter()
        .take(SHOWN)
        .map(|(what, sighting)| shape(what, sighting))
        .collect();
    if unknown.len() > SHOWN {
        shapes.push(format!("and {} more, see --json", unknown.len() - SHOWN));
    }
    let found = format!(
        "{} unknown in the newest {sessions}: {}",
        ui::number(total),
        shapes.join("; ")
    );
    let advice = "nothing that is known is lost by it; update posthog-llma, and if that does not \
                  help, report this line";
    let details: Vec<Value> = unknown
        .iter()
        .map(|(what, sighting)| {
            json!({
                "what": what,
                "count": sighting.count,
                "versions": sighting.versions,
                "fields": sighting.fields,
            })
        })
        .collect();
    Diagnosis::advice(check, found, advice).with(Value::Array(details))
}

/// Names and types of an unknown line, without values: `line turbo ×2 (2.2.0) {by: object, level:
/// number}`.
fn shape(what: &str, sighting: &Sighting) -> String {
    let joined = |kinds: &BTreeSet<&str>| kinds.iter().copied().collect::<Vec<_>>().join("|");
    let fields = sighting.fields.iter();
    let fields: Vec<String> = fields
        .map(|(name, kinds)| format!("{name}: {}", joined(kinds)))
        .collect();
    let versions: Vec<&str> = sighting.versions.iter().map(String::as_str).collect();
    let versions = match versions.as_slice() {
        [] => String::new(),
        versions => format!(" ({})", versions.join(", ")),
    };
    format!(
        "{what} ×{}{versions} {{{}}}",
        sighting.count,
        fields.join(", ")
    )
}
