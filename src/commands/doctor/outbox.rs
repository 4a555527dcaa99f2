//! What waits, for how long and why, and does the ledger hold together?

use chrono::TimeDelta;
use serde_json::json;

use super::Facts;
use super::finding::Finding;
use crate::commands::{short, words};
use crate::outbox::{DestinationStatus, MAX_AGE};
use crate::ui;

/// What has waited for so long waits for more than a network that comes back.
const LONG: TimeDelta = TimeDelta::days(1);

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let Some(directory) = &facts.config.state_dir else {
        return Vec::new();
    };
    let outbox = match &facts.outbox {
        Ok(Some(outbox)) => outbox,
        Ok(None) => {
            let path = words::path(directory, &facts.host);
            return vec![Finding::note(
                "outbox",
                format!("nothing stored yet in {path}"),
            )];
        }
        Err(error) => return vec![unusable(error)],
    };
    let mut findings = vec![waiting(facts)];
    findings.extend(lost(facts));
    findings.push(match outbox.check() {
        Ok(complaints) if complaints.is_empty() => Finding::fine("ledger", "holds together"),
        Ok(complaints) => Finding::problem(
            "ledger",
            complaints.join("; "),
            "report this line; posthog-llma ingest --all reads every session again",
        ),
        Err(error) => unusable(&error.to_string()),
    });
    findings
}

/// The outbox's own words name what to do, behind the last colon or semicolon.
fn unusable(error: &str) -> Finding {
    let (found, fix) = error
        .rsplit_once("; ")
        .or_else(|| error.rsplit_once(": "))
        .unwrap_or((error, "look after the state directory"));
    Finding::problem("outbox", found, fix)
}

fn waiting(facts: &Facts) -> Finding {
    const CHECK: &str = "outbox";
    let queues = facts.status.destinations.iter();
    let queues: Vec<&DestinationStatus> = queues.filter(|queue| queue.waiting > 0).collect();
    let Some(oldest) = queues.iter().min_by_key(|queue| queue.oldest) else {
        let details = json!({ "waiting": 0, "oldest": null });
        return Finding::fine(CHECK, "nothing waits").with(details);
    };
    let now = facts.host.now();
    let waiting: u64 = queues.iter().map(|queue| queue.waiting).sum();
    let details = json!({ "waiting": waiting, "oldest": oldest.oldest });
    let record = &oldest.record;
    let since = oldest.oldest.map_or_else(String::new, |oldest| {
        format!(" since {}", words::when(oldest, now))
    });
    let missing = facts.trust.as_ref().ok();
    let missing = missing.and_then(|trust| trust.missing(&record.destination));
    let reason = missing.as_deref().or(record.last_error.as_deref());
    let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    let found = format!(
        "{}{since}{reason}",
        ui::count(waiting, "event") + if waiting == 1 { " waits" } else { " wait" }
    );
    let is_old = oldest.oldest.is_some_and(|oldest| now - oldest > LONG);
    let finding = if record.refused || is_old || missing.is_some() {
        let days = MAX_AGE.num_days();
        Finding::problem(
            CHECK,
            found,
            format!("when that is mended: posthog-llma flush; after {days} days they are dropped"),
        )
    } else {
        Finding::advice(CHECK, found, "posthog-llma flush tries at once")
    };
    finding.with(details)
}

/// Events that will never arrive, by number.
fn lost(facts: &Facts) -> Vec<Finding> {
    let status = &facts.status;
    let mut findings = Vec::new();
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
        findings.push(Finding::problem("damaged", found, fix).with(details));
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
        findings.push(Finding::advice("refused", found, fix).with(details));
    }
    let dropped = status.dropped.by_age + status.dropped.by_size;
    if dropped > 0 {
        let found = format!("{}, for age or for room", ui::count(dropped, "event"));
        let fix = "posthog-llma ingest --all sends what Claude Code still has";
        let details = json!({ "by_age": status.dropped.by_age, "by_size": status.dropped.by_size });
        findings.push(Finding::advice("dropped", found, fix).with(details));
    }
    for path in &status.set_aside {
        let path = words::path(path, &facts.host);
        let found = format!("{path} was damaged and set aside");
        let fix = "posthog-llma ingest --all sends what waited in it; then remove the file";
        findings.push(Finding::advice("outbox", found, fix));
    }
    findings
}
