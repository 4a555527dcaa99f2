//! The status as one line, for the status line of a terminal or an agent.

use crate::commands::{short, words};
use crate::ui;
use crate::views::{Machine, Switch};

/// The most important fact as one line: a problem that needs the user, otherwise waiting events,
/// otherwise the session that was sent last.
pub(super) fn of(machine: &Machine) -> String {
    format!("posthog-llma: {}", state(machine))
}

fn state(machine: &Machine) -> String {
    const DOCTOR: &str = "see posthog-llma doctor";
    if machine.left_alone().is_some() {
        return "off in this folder".to_owned();
    }
    if !machine.sends() {
        return match machine.switch() {
            Switch::Stopped(_) => format!("stopped, {DOCTOR}"),
            Switch::NoStateDirectory | Switch::NoKey => format!("off, {DOCTOR}"),
            _ => "off".to_owned(),
        };
    }
    let has_trouble = !machine.troubles().is_empty() || machine.unloadable().is_some();
    if has_trouble || machine.unconfirmed().is_some() {
        return format!("nothing is sent, {DOCTOR}");
    }
    let status = &machine.status;
    let waiting = machine.waiting();
    let refuses = status.destinations.iter().any(|queue| {
        queue.record.refused && queue.waiting > 0 && machine.is_own(&queue.record.destination)
    });
    if refuses {
        let waiting = ui::count(waiting, "event");
        return format!("refused, {waiting} waiting, {DOCTOR}");
    }
    if waiting > 0 {
        return format!(
            "on, {waiting} waiting",
            waiting = ui::count(waiting, "event")
        );
    }
    if status.parked_total > 0 {
        return format!("on, {} set aside", ui::count(status.parked_total, "event"));
    }
    let mut sessions = status.sessions.iter();
    let sent = sessions.find_map(|session| Some((session, session.last_sent_at?)));
    sent.map_or_else(
        || "on".to_owned(),
        |(session, at)| {
            let when = words::when(at, machine.host.now());
            format!("on, {} sent {when}", short(&session.id))
        },
    )
}
