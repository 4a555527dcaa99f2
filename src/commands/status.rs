//! `posthog-llma status`: is it on, where does it send, and how did the last sends go.

use serde_json::{Value, json};

use super::{Exit, local, sending, short};
use crate::cli;
use crate::config::{ApiKey, Config, Problem};
use crate::consent::{self, Trust};
use crate::events::Recording;
use crate::host::Host;
use crate::outbox::{DestinationStatus, Outbox, Receipt, SessionStatus, Status};
use crate::transport::Endpoint;
use crate::ui;

/// How many sessions the text shows; the JSON has more.
const SESSIONS: usize = 5;

pub(super) fn run(arguments: &cli::Status, host: &Host) -> anyhow::Result<Exit> {
    let (config, problems) = Config::from_host(&consent::own_environment(host));
    let outbox = match &config.state_dir {
        Some(directory) => Outbox::open_read_only(directory)?,
        None => None,
    };
    let committed = consent::committed(host);
    let trust = sending::trust(host, committed.as_ref())?;
    let chosen = sending::destination(&config, committed.as_ref());
    let missing = chosen.and_then(|destination| trust.missing(&destination));
    let status = outbox
        .map(|outbox| outbox.status())
        .transpose()?
        .unwrap_or_default();
    if arguments.json {
        ui::print(format_args!(
            "{:#}",
            as_json(&config, &problems, &status, missing.as_deref())
        ))?;
    } else {
        let missing = missing.as_deref();
        ui::print(as_text(&config, &problems, &status, missing, &trust))?;
    }
    Ok(Exit::Done)
}

fn as_text(
    config: &Config,
    problems: &[Problem],
    status: &Status,
    missing: Option<&str>,
    trust: &Trust,
) -> String {
    let mut lines = vec![format!("{:<10} {}", "sending", switched(config))];
    lines.extend(
        problems
            .iter()
            .map(|problem| format!("{:<10} {problem}", "setting")),
    );
    lines.push(format!("{:<10} {}", "to", destination(config)));
    lines.extend(missing.map(|missing| format!("{:<10} {missing}", "")));
    let privacy = match config.recording {
        Recording::Full => None,
        Recording::InputsOnly => Some("no answers and no results of tools leave this machine"),
        Recording::OutputsOnly => Some("no prompts and no inputs of tools leave this machine"),
        Recording::Nothing => Some("on: no content leaves this machine"),
    };
    lines.extend(privacy.map(|privacy| format!("{:<10} {privacy}", "privacy")));
    let mut label = "sessions";
    for session in status.sessions.iter().take(SESSIONS) {
        lines.push(format!("{label:<10} {}", of_session(session)));
        label = "";
    }
    if status.sessions.is_empty() {
        lines.push(format!("{label:<10} none sent yet"));
    }
    let waiting = |destination| waiting(destination, trust);
    lines.extend(status.destinations.iter().filter_map(waiting));
    if status.parked_total > 0 {
        let what = ui::count(status.parked_total, "event");
        lines.push(format!(
            "{:<10} {what} that PostHog will not take:",
            "refused"
        ));
        lines.extend(status.parked.iter().take(SESSIONS).map(|event| {
            let reason = ui::fit(&event.reason, 60);
            format!(
                "{:<10} {} of session {}: {reason}",
                "",
                event.name,
                short(&event.session)
            )
        }));
    }
    let dropped = status.dropped;
    for (number, reason) in [
        (dropped.by_age, "could not be sent for 30 days"),
        (
            dropped.by_size,
            "the oldest of an outbox that grew too large",
        ),
    ] {
        if number > 0 {
            lines.push(format!(
                "{:<10} {}: {reason}",
                "dropped",
                ui::count(number, "event")
            ));
        }
    }
    for path in &status.set_aside {
        lines.push(format!(
            "{:<10} {} was damaged and set aside",
            "outbox",
            path.display()
        ));
    }
    let replaced: u64 = status.redactions.iter().map(|(_, number)| number).sum();
    if replaced > 0 {
        let most = status.redactions.iter().take(3);
        let most: Vec<String> = most
            .map(|(rule, number)| format!("{rule} {number}"))
            .collect();
        let secrets = ui::count(replaced, "secret");
        lines.push(format!(
            "{:<10} {secrets} replaced ({}, …)",
            "redaction",
            most.join(", ")
        ));
    }
    if let Some(run) = status.runs.first() {
        let outcome = run.error.as_deref().unwrap_or("ok");
        let at = local(run.at);
        lines.push(format!(
            "{:<10} {at} {}, {} ms: {outcome}",
            "last run", run.verb, run.duration_ms
        ));
        lines.extend(
            run.warnings
                .iter()
                .map(|warning| format!("{:<10} {warning}", "")),
        );
    }
    lines.join("\n")
}

fn switched(config: &Config) -> &'static str {
    match (config.enabled, &config.api_key, &config.state_dir) {
        (_, _, None) => "off: no home directory; set POSTHOG_LLMA_STATE_DIR",
        (true, Some(_), _) => "on",
        (true, None, _) => "off: POSTHOG_API_KEY is not set",
        (false, _, _) => "off: set POSTHOG_LLMA_CC_ENABLED=true",
    }
}

fn destination(config: &Config) -> String {
    let key = config.api_key.as_ref().map(ApiKey::masked);
    let key = key.map_or_else(|| "no key".to_owned(), |key| format!("key {key}"));
    match &config.endpoint {
        Some(endpoint) => format!("{} ({key})", endpoint.base()),
        None => "nowhere until POSTHOG_HOST can be read".to_owned(),
    }
}

fn of_session(session: &SessionStatus) -> String {
    let project = session.project.as_deref().unwrap_or("");
    let when = local(session.last_sent_at.unwrap_or(session.last_seen));
    let project = ui::cell(project, 16);
    format!(
        "{} {project} {when}  {}",
        short(&session.id),
        receipt(session.receipt)
    )
}

/// A receipt in words: `1,206 of 1,206 acknowledged`.
pub(super) fn receipt(receipt: Receipt) -> String {
    let Receipt {
        events,
        acknowledged,
        waiting,
        parked,
        dropped,
    } = receipt;
    let mut text = format!(
        "{} of {} acknowledged",
        ui::number(acknowledged),
        ui::number(events)
    );
    for (number, what) in [
        (waiting, "waiting"),
        (parked, "refused"),
        (dropped, "dropped"),
    ] {
        if number > 0 {
            text = format!("{text}, {} {what}", ui::number(number));
        }
    }
    text
}

fn waiting(destination: &DestinationStatus, trust: &Trust) -> Option<String> {
    let record = &destination.record;
    let error = record.last_error.as_deref();
    if destination.waiting == 0 {
        return None;
    }
    let since = destination
        .oldest
        .map(|oldest| format!(" since {}", local(oldest)));
    let mut text = format!(
        "{:<10} {} for {}{}",
        "waiting",
        ui::count(destination.waiting, "event"),
        record.destination.host,
        since.unwrap_or_default(),
    );
    let missing = trust.missing(&record.destination);
    if let Some(reason) = missing.as_deref().or(error) {
        text = format!("{text}\n{:<10} {reason}", "");
    }
    if let Some(not_before) = record.not_before {
        let next = local(not_before);
        text = format!(
            "{text}
{:<10} next try after {next}, or now with posthog-llma flush",
            ""
        );
    }
    Some(text)
}

fn as_json(config: &Config, problems: &[Problem], status: &Status, missing: Option<&str>) -> Value {
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "enabled": config.enabled && config.api_key.is_some() && config.state_dir.is_some(),
        "api_key": config.api_key.as_ref().map(ApiKey::masked),
        "host": config.endpoint.as_ref().map(Endpoint::base),
        "unconfirmed": missing,
        "records_inputs": config.recording.inputs(),
        "records_outputs": config.recording.outputs(),
        "state_dir": config.state_dir,
        "enabled_since": status.enabled_since,
        "problems": problems.iter().map(Problem::to_string).collect::<Vec<_>>(),
        "destinations": status.destinations.iter().map(|destination| json!({
            "host": destination.record.destination.host,
            "waiting": destination.waiting,
            "waiting_bytes": destination.waiting_bytes,
            "oldest": destination.oldest,
            "last_sent_at": destination.record.last_sent_at,
            "last_error": destination.record.last_error,
            "last_error_at": destination.record.last_error_at,
            "not_before": destination.record.not_before,
            "refused": destination.record.refused,
        })).collect::<Vec<_>>(),
        "sessions": status.sessions.iter().map(|session| json!({
            "agent": session.agent,
            "id": session.id,
            "project": session.project,
            "last_seen": session.last_seen,
            "last_sent_at": session.last_sent_at,
            "events": session.receipt.events,
            "acknowledged": session.receipt.acknowledged,
            "waiting": session.receipt.waiting,
            "refused": session.receipt.parked,
            "dropped": session.receipt.dropped,
        })).collect::<Vec<_>>(),
        "refused": status.parked.iter().map(|event| json!({
            "uuid": event.uuid,
            "event": event.name,
            "session": event.session,
            "bytes": event.size,
            "reason": event.reason,
        })).collect::<Vec<_>>(),
        "refused_total": status.parked_total,
        "dropped": { "by_age": status.dropped.by_age, "by_size": status.dropped.by_size },
        "redactions": status.redactions.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
        "set_aside": status.set_aside,
        "runs": status.runs.iter().map(|run| json!({
            "at": run.at,
            "verb": run.verb,
            "session": run.session,
            "duration_ms": run.duration_ms,
            "sent": run.sent,
            "error": run.error,
            "warnings": run.warnings,
        })).collect::<Vec<_>>(),
    })
}
