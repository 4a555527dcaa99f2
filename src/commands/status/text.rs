//! The status for people: about ten lines when all is well.

use std::time::Duration;

use super::{receipt, receiver, unstored};
use crate::commands::{agents, short, words};
use crate::config::{ApiKey, KeySource};
use crate::deliver;
use crate::outbox::{DestinationStatus, Run, SessionStatus};
use crate::transport::Endpoint;
use crate::ui;
use crate::variables::Variable;
use crate::views::{Machine, OtherAgent, Switch, Switched};

/// Column in which the texts begin.
const COLUMN: usize = 9;

/// Number of sessions to show, and of entries of each kind of problem. The JSON has more.
const SHOWN: usize = 4;

pub(super) fn of(machine: &Machine) -> String {
    let mut lines = Lines::default();
    lines.all("sending", switched(machine));
    for problem in &machine.problems {
        lines.add("setting", &problem.to_string());
    }
    let overruled = words::overruled(&machine.environment.overruled, &machine.host);
    lines.all("setting", overruled);
    for other in &machine.others {
        let state = agents::in_words(other, &machine.host);
        lines.add(other.agent.as_str(), &state);
    }
    lines.all("plugin", plugin(machine));
    for (label, trouble) in machine.troubles() {
        lines.add(label, &format!("nothing is sent: {trouble}"));
    }
    lines.add("to", &destination(machine));
    lines.all("", machine.unconfirmed().map(|it| it.to_string()));
    let left_alone = machine.left_alone();
    lines.all(
        "project",
        left_alone.map(|why| format!("left alone: {why}")),
    );
    for (label, text) in receiver::lines(machine) {
        lines.add(label, &text);
    }
    lines.all("privacy", words::privacy(machine.config.events.recording));
    sessions(machine, &mut lines);
    let newest = machine.status.sessions.first();
    lines.all("trace", newest.and_then(|session| machine.page(session)));
    unstored(machine, &mut lines);
    excluded(machine, &mut lines);
    for queue in &machine.status.destinations {
        lines.all("waiting", waiting(queue, machine));
    }
    losses(machine, &mut lines);
    lines.all("secrets", secrets(machine));
    last_runs(machine, &mut lines);
    for warning in machine.status.warnings().into_iter().take(SHOWN) {
        lines.add("warning", warning);
    }
    if wants_a_doctor(machine) {
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

/// Whether Claude Code's hooks send. `None` if only other agents are used and nothing stops all of
/// them.
fn switched(machine: &Machine) -> Option<String> {
    let is_of_all = matches!(
        machine.switch(),
        Switch::Stopped(_) | Switch::NoStateDirectory
    );
    let is_shown = is_of_all || machine.uses_claude_code();
    is_shown.then(|| Switched::of(machine).to_string())
}

/// A message if Claude Code cannot load the installed plugin.
fn plugin(machine: &Machine) -> Option<&'static str> {
    machine
        .unloadable()
        .map(|_| "installed, but Claude Code cannot load it")
}

/// The host and the key, as `https://us.i.posthog.com (key phc_…WXYZ)`.
pub(in crate::commands) fn destination(machine: &Machine) -> String {
    let config = &machine.config;
    let key = config.destination.api_key.as_ref().map(ApiKey::masked);
    let key = match (key, &config.destination.key_source) {
        (Some(key), _) => format!("key {key}"),
        // The command is not run: it may need the user, or a network.
        (None, Some(KeySource::Command(_))) => format!("the key of {}", Variable::ApiKeyCommand),
        (None, _) if machine.switch() == Switch::OnByPlugin => "the plugin's key".to_owned(),
        (None, _) => "no key".to_owned(),
    };
    match &config.destination.endpoint {
        Some(endpoint) => format!("{} ({key})", endpoint.base()),
        None => "nowhere until POSTHOG_HOST can be read".to_owned(),
    }
}

fn sessions(machine: &Machine, lines: &mut Lines) {
    let mut label = "sessions";
    for session in machine.status.sessions.iter().take(SHOWN) {
        lines.0.push(session_row(label, session, machine));
        label = "";
    }
    let more = machine.status.sessions_total.saturating_sub(SHOWN as u64);
    if more > 0 {
        let more = ui::number(more);
        lines.add("", &format!("and {more} more (posthog-llma ingest --list)"));
    }
    if machine.outbox.is_ok() && machine.status.sessions.is_empty() {
        lines.add(label, "none sent yet");
    }
}

fn session_row(label: &str, session: &SessionStatus, machine: &Machine) -> String {
    let at = session.last_sent_at.unwrap_or(session.last_seen);
    let facts = format!(
        "{}{} {} {} ",
        ui::cell(label, COLUMN),
        short(&session.id),
        ui::cell(session.project.as_deref().unwrap_or(""), 12),
        ui::cell(&words::when(at, machine.host.now()), 15),
    );
    words::entry(&facts, ui::columns(&facts), &receipt(session.receipt))
}

/// Sessions that ended and are not stored yet.
fn unstored(machine: &Machine, lines: &mut Lines) {
    let unstored = unstored::of(machine);
    let mut label = "ended";
    for session in unstored.iter().take(SHOWN) {
        lines.add(label, &session.in_words());
        label = "";
    }
    if unstored.len() > SHOWN {
        lines.add("", &format!("and {} more", unstored.len() - SHOWN));
    }
}

/// Sessions that the user excluded from sending.
fn excluded(machine: &Machine, lines: &mut Lines) {
    let Ok(excluded) = &machine.excluded else {
        return;
    };
    let mut label = "excluded";
    for exclusion in excluded.iter().take(SHOWN) {
        let id = short(&exclusion.session);
        let since = words::when(exclusion.since, machine.host.now());
        let cause = exclusion.cause.word();
        lines.add(label, &format!("{id} is {cause} since {since}"));
        label = "";
    }
    if excluded.len() > SHOWN {
        lines.add("", &format!("and {} more", excluded.len() - SHOWN));
    }
}

fn waiting(queue: &DestinationStatus, machine: &Machine) -> Option<String> {
    if queue.waiting == 0 {
        return None;
    }
    let now = machine.host.now();
    let record = &queue.record;
    let mut text = ui::count(queue.waiting, "event");
    let base = machine
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
    let missing = machine.missing(&record.destination);
    let is_missing = missing.is_some();
    let reason = missing.map(|it| it.to_string());
    if let Some(reason) = reason.or_else(|| words::failure(record, now)) {
        text = format!("{text}: {reason}");
    }
    if is_missing {
        return Some(text);
    }
    let pause = record.not_before.filter(|next| *next > now);
    let at = pause.map(|next| words::when(next, now));
    let is_retried = machine.is_waited_for() && deliver::may_pass(record);
    let next = match at {
        Some(at) if is_retried => at,
        None if is_retried => "in a moment".to_owned(),
        // No process runs between sessions, so the first hook after that time tries.
        Some(at) => format!("with the first session after {at}"),
        None => "with the next session".to_owned(),
    };
    Some(format!(
        "{text}; next try {next}, or now with posthog-llma flush"
    ))
}

/// Events that will not arrive.
fn losses(machine: &Machine, lines: &mut Lines) {
    let status = &machine.status;
    let refused = status.parked_total - status.damaged_total;
    for (name, number, is_damaged) in [
        ("refused", refused, false),
        ("damaged", status.damaged_total, true),
    ] {
        if number == 0 {
            continue;
        }
        let what = ui::count(number, "event");
        lines.add(name, &format!("{what} that cannot be sent:"));
        let mut events = status.parked.iter();
        let events = events.by_ref().filter(|it| it.is_damaged == is_damaged);
        lines.all(
            "",
            events.take(SHOWN).map(|event| {
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
        let path = words::path(path, &machine.host);
        lines.add("outbox", &format!("{path} was damaged and set aside"));
    }
}

fn secrets(machine: &Machine) -> Option<String> {
    let redactions = &machine.status.redactions;
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

fn last_runs(machine: &Machine, lines: &mut Lines) {
    let mut label = "last run";
    for run in machine.telling_runs() {
        lines.add(label, &in_words(run, machine));
        label = "";
    }
}

/// A run and its result: `today 21:05, session end of 4f2a8c11, 1.1 s: 12 events acknowledged`.
fn in_words(run: &Run, machine: &Machine) -> String {
    let session = run.session.as_deref().map(short);
    let session = session.map_or_else(String::new, |session| format!(" of {session}"));
    let waiting = machine.waiting();
    let result = match (&run.error, run.sent) {
        (Some(error), _) => error.clone(),
        (None, 1..) => format!("{} acknowledged", ui::count(run.sent, "event")),
        (None, 0) if waiting > 0 => {
            format!("nothing sent, {} waiting", ui::count(waiting, "event"))
        }
        (None, 0) => "nothing new to send".to_owned(),
    };
    format!(
        "{}, {}{session}, {}: {result}",
        words::when(run.at, machine.host.now()),
        run.kind,
        words::duration(Duration::from_millis(run.duration_ms)),
    )
}

/// Whether to point to `doctor`: something is or may be wrong.
fn wants_a_doctor(machine: &Machine) -> bool {
    let status = &machine.status;
    let has_error = machine.telling_runs().iter().any(|run| run.error.is_some());
    let is_off = machine.uses_claude_code() && !machine.is_on();
    is_off
        || !machine.others.iter().all(OtherAgent::is_on)
        || machine.environment.stopped.is_some()
        || !machine.problems.is_empty()
        || !machine.troubles().is_empty()
        || plugin(machine).is_some()
        || machine.unconfirmed().is_some()
        || has_error
        || status.destinations.iter().any(|queue| queue.waiting > 0)
        || status.parked_total > 0
        || !status.warnings().is_empty()
}
