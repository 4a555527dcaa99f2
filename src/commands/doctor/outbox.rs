//! Checks of the outbox: waiting events, lost events, exclusions, and the consistency of the
//! ledger.

use chrono::TimeDelta;
use serde_json::json;

use super::Explained;
use super::diagnosis::Diagnosis;
use crate::commands::{short, words};
use crate::outbox::{Cause, DestinationStatus, MAX_AGE};
use crate::ui;
use crate::views::Machine;

/// Number of warnings of the last run to show.
const TOLD: usize = 3;

/// Age from which waiting events are a problem. A network comes back sooner.
const LONG: TimeDelta = TimeDelta::days(1);

pub(super) fn check(machine: &Machine, explained: Explained) -> Vec<Diagnosis> {
    let mut diagnoses = stored(machine, explained);
    diagnoses.extend(excluded(machine));
    diagnoses
}

fn stored(machine: &Machine, explained: Explained) -> Vec<Diagnosis> {
    let Some(directory) = &machine.config.state_dir else {
        return Vec::new();
    };
    let outbox = match &machine.outbox {
        Ok(Some(outbox)) => outbox,
        Ok(None) if machine.state.is_err() || machine.excluded.is_err() => {
            return unusable(machine).collect();
        }
        Ok(None) => {
            let path = words::path(directory, &machine.host);
            return vec![Diagnosis::note(
                "outbox",
                format!("nothing stored yet in {path}"),
            )];
        }
        Err(trouble) => return vec![Diagnosis::of("outbox", trouble)],
    };
    let mut diagnoses = vec![waiting(machine, explained)];
    diagnoses.extend(told(machine));
    diagnoses.extend(lost(machine));
    diagnoses.push(match outbox.check() {
        Ok(complaints) if complaints.is_empty() => Diagnosis::fine("ledger", "consistent"),
        Ok(complaints) => Diagnosis::problem(
            "ledger",
            complaints.join("; "),
            "report this line; posthog-llma ingest --all reads every session again",
        ),
        Err(error) => Diagnosis::of("ledger", &error.into()),
    });
    diagnoses.extend(unusable(machine));
    diagnoses
}

/// Sessions that the user excluded; `None` if there are none.
fn excluded(machine: &Machine) -> Option<Diagnosis> {
    let excluded = machine.excluded.as_deref().unwrap_or_default();
    let count = |cause| excluded.iter().filter(|it| it.cause == cause).count();
    let [paused, forgotten] = [Cause::Paused, Cause::Forgotten].map(count);
    let found = format!(
        "{}: {paused} paused, {forgotten} forgotten",
        ui::count(excluded.len() as u64, "session"),
    );
    let advice = "posthog-llma resume SESSION sends one again; status lists them";
    let details = json!({ "paused": paused, "forgotten": forgotten });
    let diagnosis = Diagnosis::advice("excluded", found, advice).with(details);
    (!excluded.is_empty()).then_some(diagnosis)
}

/// Files beside the outbox that cannot be used.
fn unusable(machine: &Machine) -> impl Iterator<Item = Diagnosis> {
    let state = machine.state.as_ref().err();
    let state = state.map(|trouble| Diagnosis::of("state", trouble));
    let excluded = machine.excluded.as_ref().err();
    let excluded = excluded.map(|trouble| Diagnosis::of("excluded", trouble));
    state.into_iter().chain(excluded)
}

/// Warnings of the last run about single sessions, such as the reason why one waits although
/// PostHog can be reached.
fn told(machine: &Machine) -> impl Iterator<Item = Diagnosis> {
    let last = machine.status.runs.first();
    let warnings = last.into_iter().flat_map(|run| &run.warnings).take(TOLD);
    warnings.map(|warning| {
        let fix = "mend what it names, then posthog-llma flush";
        Diagnosis::advice("last run", warning, fix)
    })
}

fn waiting(machine: &Machine, explained: Explained) -> Diagnosis {
    const CHECK: &str = "outbox";
    let queues = machine.status.destinations.iter();
    let queues: Vec<&DestinationStatus> = queues.filter(|queue| queue.waiting > 0).collect();
    let Some(oldest) = queues.iter().min_by_key(|queue| queue.oldest) else {
        let details = json!({ "waiting": 0, "oldest": null });
        return Diagnosis::fine(CHECK, "nothing waits").with(details);
    };
    let now = machine.host.now();
    let waiting: u64 = queues.iter().map(|queue| queue.waiting).sum();
    let details = json!({ "waiting": waiting, "oldest": oldest.oldest });
    let record = &oldest.record;
    let since = oldest.oldest.map_or_else(String::new, |oldest| {
        format!(" since {}", words::when(oldest, now))
    });
    let missing = machine.missing(&record.destination);
    let reason = missing.as_ref().map(|it| it.found.clone());
    let reason = reason.or_else(|| words::failure(record, now));
    let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    let found = format!(
        "{}{since}{reason}",
        ui::count(waiting, "event") + if waiting == 1 { " waits" } else { " wait" }
    );
    let is_old = oldest.oldest.is_some_and(|oldest| now - oldest > LONG);
    let is_current = machine.destination().as_ref() == Some(&record.destination);
    let days = MAX_AGE.num_days();
    let then = format!("posthog-llma flush; after {days} days they are dropped");
    let diagnosis = if is_current && explained == Explained::Yes {
        Diagnosis::advice(
            CHECK,
            found,
            format!("solve the problem above, then {then}"),
        )
    } else if let Some(missing) = missing {
        Diagnosis::problem(CHECK, found, format!("{}, then {then}", missing.fix))
    } else if record.refused || is_old {
        Diagnosis::problem(CHECK, found, format!("solve that, then {then}"))
    } else {
        Diagnosis::advice(CHECK, found, "posthog-llma flush tries at once")
    };
    diagnosis.with(details)
}

/// Events that will never arrive, by number.
fn lost(machine: &Machine) -> Vec<Diagnosis> {
    let status = &machine.status;
    let mut diagnoses = Vec::new();
    let [damaged, refused] = [true, false].map(|is_damaged| {
        let mut parked = status.parked.iter();
        parked.find(|event| event.is_damaged == is_damaged)
    });
    if let Some(event) = damaged {
        let found = format!(
            "{} not sent, such as {} of session {}: {}",
            ui::count(status.damaged_total, "event"),
            event.name,
            short(&event.session),
            event.reason
        );
        let fix = "posthog-llma ingest --all reads their sessions again and sends them";
        let details = json!({ "events": status.damaged_total });
        diagnoses.push(Diagnosis::problem("damaged", found, fix).with(details));
    }
    if let Some(parked) = refused {
        let refused = status.parked_total - status.damaged_total;
        let found = format!(
            "{} PostHog will not take, such as {} of {} bytes: {}",
            ui::count(refused, "event"),
            parked.name,
            ui::number(parked.size),
            parked.reason
        );
        let fix = "report this line: an event that is refused is a defect of this program";
        let details = json!({ "events": refused });
        diagnoses.push(Diagnosis::advice("refused", found, fix).with(details));
    }
    let dropped = status.dropped.by_age + status.dropped.by_size;
    if dropped > 0 {
        let found = format!("{}, for age or for room", ui::count(dropped, "event"));
        let fix = "posthog-llma ingest --all sends the sessions that Claude Code still has";
        let details = json!({ "by_age": status.dropped.by_age, "by_size": status.dropped.by_size });
        diagnoses.push(Diagnosis::advice("dropped", found, fix).with(details));
    }
    for path in &status.set_aside {
        let path = words::path(path, &machine.host);
        let found = format!("{path} was damaged and set aside");
        let fix = "posthog-llma ingest --all sends its events again; then remove the file";
        diagnoses.push(Diagnosis::advice("outbox", found, fix));
    }
    diagnoses
}
