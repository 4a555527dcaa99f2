//! Sends the sessions of a command.

use std::fmt;
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};

use crate::commands::read::state_after_command;
use crate::commands::sending::{Effort, Pauses, Report, Sending, To};
use crate::commands::{in_words, short};
use crate::config::Config;
use crate::host::Host;
use crate::interrupt::Interrupt;
use crate::outbox::RunKind;
use crate::pipeline::Stored;
use crate::session::SessionState;
use crate::sources::SessionRef;
use crate::ui;

/// Effort of sending at the end of a container, which would take waiting events with it: failed
/// requests are repeated at once, for 20 seconds.
const EFFORT: Effort = Effort {
    to: To::Own,
    patience: Duration::from_secs(20),
    admission_wait: Duration::from_secs(20),
    pauses: Pauses::Skipped,
};

/// Numbers of events of the sessions, by result, and the reasons.
#[derive(Debug, Default)]
pub(super) struct Sent {
    /// Number of events that PostHog accepted.
    events: u64,
    /// Number of waiting events.
    waiting: u64,
    /// Why something was not sent.
    reason: Option<String>,
}

/// Sends sessions, if sending is switched on for their agents.
pub(super) fn send(sessions: &[SessionRef], config: &Config, host: &Host) -> Sent {
    let on: Vec<&SessionRef> = sessions
        .iter()
        .filter(|it| config.is_on(it.agent))
        .collect();
    if on.is_empty() {
        let reason = (!sessions.is_empty()).then(|| "sending is off".to_owned());
        return Sent {
            reason,
            ..Sent::default()
        };
    }
    store_and_send(&on, config, host).unwrap_or_else(|error| Sent {
        reason: Some(in_words(&error)),
        ..Sent::default()
    })
}

fn store_and_send(sessions: &[&SessionRef], config: &Config, host: &Host) -> anyhow::Result<Sent> {
    let mut config = config.clone();
    config.ask_for_key(host)?;
    let config = &config;
    let sending = Sending::open(config, host)?;
    let mut report = Report::default();
    for found in sessions {
        if let Err(error) = store(found, &sending, host, &mut report) {
            report.error = Some(in_words(&error));
        }
    }
    // The command has ended, so a signal now ends the wait for a network.
    let interrupt = Interrupt::watch_of_service().context("cannot take note of signals")?;
    let drained = sending.drain(EFFORT, &|| interrupt.is_set(), &mut |_| ())?;
    report.note_held(&drained);
    report.error = report.error.or(drained.last_error);
    let sent = Sent {
        events: drained.sent,
        waiting: drained.waiting,
        reason: report.error.clone(),
    };
    let session = match sessions {
        [one] => Some(one.session_id()),
        _ => None,
    };
    sending.log(RunKind::Command, session, drained.sent, report);
    Ok(sent)
}

fn store(
    found: &SessionRef,
    sending: &Sending<'_>,
    host: &Host,
    report: &mut Report,
) -> anyhow::Result<()> {
    let transcript = found.locator.path();
    let agent = found.agent.as_str();
    // The hook of the session may have begun to store it, in a process that was killed.
    let endings = sending.endings();
    let _ours = endings.claim(agent, &transcript);
    let stored = sending.store(&sending.pipeline(), found, state_after_command(found, host))?;
    match &stored {
        Stored::Session {
            state: SessionState::Running,
            ..
        } => {}
        Stored::OptedOut(reason) => {
            let id = short(&found.session_id());
            ui::say_in_lines(format_args!("{id} is left alone: {reason}"));
        }
        _ => endings.remove(agent, &transcript),
    }
    report.note(&stored, found);
    Ok(())
}

impl Sent {
    pub(super) fn as_json(&self) -> Value {
        json!({ "events": self.events, "waiting": self.waiting, "reason": self.reason })
    }
}

impl fmt::Display for Sent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} sent", ui::count(self.events, "event"))?;
        if self.waiting > 0 {
            write!(formatter, ", {} waiting", ui::number(self.waiting))?;
        }
        match &self.reason {
            Some(reason) => write!(formatter, " ({reason})"),
            None => Ok(()),
        }
    }
}
