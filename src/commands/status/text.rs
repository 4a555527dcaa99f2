//! The status for people: about ten lines when all is well.

use std::time::Duration;

use super::{Picture, receipt};
use crate::commands::{short, words};
use crate::config::ApiKey;
use crate::integrations::claude_code::plugin::Plugin;
use crate::outbox::{DestinationStatus, SessionStatus};
use crate::session::Agent;
use crate::transport::Endpoint;
use crate::ui;
use crate::variables::Variable;

/// Where the texts begin.
const COLUMN: usize = 9;

/// How many sessions are shown, and how many of anything that went wrong; the JSON has more.
const SHOWN: usize = 4;

pub(super) fn of(picture: &Picture) -> String {
    let mut lines = Lines::default();
    lines.add("sending", &switched(picture));
    for problem in &picture.problems {
        lines.add("setting", &problem.to_string());
    }
    let overruled = words::overruled(&picture.environment.overruled, &picture.host);
    lines.all("setting", overruled);
    for other in &picture.others {
        lines.add(other.agent.as_str(), &other.in_words(&picture.host));
    }
    lines.add("to", &destination(picture));
    lines.all("", picture.missing.as_deref());
    lines.all(
        "project",
        picture
            .left_alone
            .as_ref()
            .map(|why| format!("left alone: {why}")),
    );
    lines.all("privacy", words::privacy(picture.config.events.recording));
    sessions(picture, &mut lines);
    excluded(picture, &mut lines);
    for queue in &picture.status.destinations {
        lines.all("waiting", waiting(queue, picture));
    }
    losses(picture, &mut lines);
    lines.all("secrets", secrets(picture));
    lines.all("last run", last_run(picture));
    for warning in picture.status.warnings().into_iter().take(SHOWN) {
        lines.add("warning", warning);
    }
    if wants_a_doctor(picture) {
        lines.add("help", "posthog-llma doctor says what to do");
    }
    lines.0.join("\n")
}

#[derive(Default)]
struct Lines(Vec<String>);

impl Lines {
    fn add(&mut self, label: &str, text: &str) {
        self.0.push(words::entry(label, COLUMN, text));
    }

    fn all(&mut self, label: &str, texts: impl IntoIterator<Item = impl AsRef<str>>) {
        for text in texts {
            self.add(label, text.as_ref());
        }
    }
}

fn switched(picture: &Picture) -> String {
    let config = &picture.config;
    if let Some(stopped) = &picture.environment.stopped {
        return format!("stopped: {}", stopped.reason());
    }
    let enabled = config.of(Agent::ClaudeCode).enabled;
    match (enabled, &config.destination.api_key, &config.state_dir) {
        (_, _, None) => "off: no home directory; set POSTHOG_LLMA_STATE_DIR".to_owned(),
        (true, None, _) => "off: POSTHOG_API_KEY is not set; run posthog-llma setup".to_owned(),
        // What is sensitive among the plugin's options only its hooks see.
        (false, None, _) if matches!(Plugin::installed(&picture.host), Ok(Some(_))) => {
            "off, unless the plugin was given a key; run posthog-llma setup".to_owned()
        }
        (false, ..) => "off; run posthog-llma setup".to_owned(),
        (true, Some(_), _) => {
            let by = picture.environment.decider(Variable::CcEnabled);
            let by = by.map(|file| words::path(&file.path, &picture.host));
            format!("on, by {}", by.as_deref().unwrap_or("the environment"))
        }
    }
}

fn destination(picture: &Picture) -> String {
    let config = &picture.config;
    let key = config.destination.api_key.as_ref().map(ApiKey::masked);
    let key = key.map_or_else(|| "no key".to_owned(), |key| format!("key {key}"));
    match &config.destination.endpoint {
        Some(endpoint) => format!("{} ({key})", endpoint.base()),
        None => "nowhere until POSTHOG_HOST can be read".to_owned(),
    }
}

fn sessions(picture: &Picture, lines: &mut Lines) {
    let mut label = "sessions";
    for session in picture.status.sessions.iter().take(SHOWN) {
        lines.0.push(session_row(label, session, picture));
        label = "";
    }
    if picture.status.sessions.is_empty() {
        lines.add(label, "none sent yet");
    }
}

fn session_row(label: &str, session: &SessionStatus, picture: &Picture) -> String {
    let at = session.last_sent_at.unwrap_or(session.last_seen);
    let facts = format!(
        "{}{} {} {} ",
        ui::cell(label, COLUMN),
        short(&session.id),
        ui::cell(session.project.as_deref().unwrap_or(""), 12),
        ui::cell(&words::when(at, picture.host.now()), 15),
    );
    words::entry(&facts, ui::columns(&facts), &receipt(session.receipt))
}

/// Sessions that the user excluded from sending.
fn excluded(picture: &Picture, lines: &mut Lines) {
    let excluded = match &picture.excluded {
        Err(error) => return lines.add("excluded", &format!("nothing is sent: {error}")),
        Ok(excluded) => excluded,
    };
    let mut label = "excluded";
    for exclusion in excluded.iter().take(SHOWN) {
        let id = short(&exclusion.session);
        let since = words::when(exclusion.since, picture.host.now());
        let cause = exclusion.cause.word();
        lines.add(label, &format!("{id} is {cause} since {since}"));
        label = "";
    }
    if excluded.len() > SHOWN {
        lines.add("", &format!("and {} more", excluded.len() - SHOWN));
    }
}

fn waiting(queue: &DestinationStatus, picture: &Picture) -> Option<String> {
    if queue.waiting == 0 {
        return None;
    }
    let now = picture.host.now();
    let record = &queue.record;
    let mut text = ui::count(queue.waiting, "event");
    let base = picture
        .config
        .destination
        .endpoint
        .as_ref()
        .map(Endpoint::base);
    if base != Some(&record.destination.host) {
        text = format!("{text} for {}", record.destination.host);
    }
    if let Some(oldest) = queue.oldest {
        text = format!("{text} since {}", words::when(oldest, now));
    }
    let missing = picture.trust.missing(&record.destination);
    if let Some(reason) = missing.as_deref().or(record.last_error.as_deref()) {
        text = format!("{text}: {reason}");
    }
    Some(match record.not_before {
        Some(next) if missing.is_none() => format!(
            "{text}; next try after {}, or now with posthog-llma flush",
            words::when(next, now)
        ),
        _ => text,
    })
}

/// What will not arrive.
fn losses(picture: &Picture, lines: &mut Lines) {
    let status = &picture.status;
    if status.parked_total > 0 {
        let what = ui::count(status.parked_total, "event");
        lines.add("refused", &format!("{what} that cannot be sent:"));
        lines.all(
            "",
            status.parked.iter().take(SHOWN).map(|event| {
                let session = short(&event.session);
                let reason = ui::fit(&event.reason, 60);
                format!("{} of session {session}: {reason}", event.name)
            }),
        );
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
            lines.add(
                "dropped",
                &format!("{}: {reason}", ui::count(number, "event")),
            );
        }
    }
    for path in &status.set_aside {
        let path = words::path(path, &picture.host);
        lines.add("outbox", &format!("{path} was damaged and set aside"));
    }
}

fn secrets(picture: &Picture) -> Option<String> {
    let redactions = &picture.status.redactions;
    let replaced: u64 = redactions.iter().map(|(_, number)| number).sum();
    let most = redactions.iter().take(3);
    let most: Vec<String> = most
        .map(|(rule, number)| format!("{rule} {number}"))
        .collect();
    let more = if redactions.len() > 3 { ", …" } else { "" };
    (replaced > 0).then(|| {
        format!(
            "{} replaced ({}{more})",
            ui::number(replaced),
            most.join(", ")
        )
    })
}

fn last_run(picture: &Picture) -> Option<String> {
    let run = picture.status.runs.first()?;
    Some(format!(
        "{}, {}, {}: {}",
        words::when(run.at, picture.host.now()),
        run.kind,
        words::duration(Duration::from_millis(run.duration_ms)),
        run.error.as_deref().unwrap_or("ok")
    ))
}

/// Whether something is wrong, or looks so.
fn wants_a_doctor(picture: &Picture) -> bool {
    let status = &picture.status;
    let has_error = status.runs.first().is_some_and(|run| run.error.is_some());
    !picture.is_on()
        || picture.environment.stopped.is_some()
        || !picture.problems.is_empty()
        || picture.excluded.is_err()
        || picture.missing.is_some()
        || has_error
        || status.destinations.iter().any(|queue| queue.waiting > 0)
        || status.parked_total > 0
        || !status.warnings().is_empty()
}
