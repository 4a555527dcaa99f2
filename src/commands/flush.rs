//! `posthog-llma flush`: sends all waiting events.

use std::time::Duration;

use super::mapping::{self, Mapping, Which};
use super::sending::{Effort, Pauses, Report, Sending, To, held};
use super::{Exit, refuse_inside_agent, sending_settings};
use crate::cli::Flush;
use crate::config::Config;
use crate::deliver::Drained;
use crate::host::Host;
use crate::inbox;
use crate::outbox::RunKind;
use crate::ui::{self, Waiting};

/// A person waits for the result, and asked to send now.
const EFFORT: Effort = Effort {
    to: To::All,
    patience: Duration::from_secs(20),
    admission_wait: Duration::from_secs(20),
    pauses: Pauses::Skipped,
};

pub(super) fn run(arguments: &Flush, host: &Host) -> anyhow::Result<Exit> {
    if arguments.refused {
        refuse_inside_agent("flush --refused", host)?;
    }
    let (host, config) = &sending_settings(host)?;
    let sending = Sending::open(config, host)?;
    if arguments.refused {
        let events = ui::count(sending.outbox().unpark()?, "refused event");
        ui::say(format_args!("{events} to be sent again"));
    }
    let Received {
        mapped,
        left,
        warnings: unreadable,
    } = map_received(config, &sending)?;
    sending.follow_decisions()?;
    for line in unreadable.iter().cloned().chain(sending.announcements()?) {
        ui::say_in_lines(line);
    }
    let waited = sending.waiting()?;
    let waiting = waiting(&sending)?;
    let drained = sending.drain(EFFORT, &|| false, &mut |_| ())?;
    drop(waiting);
    let mut report = Report {
        error: drained.last_error.clone(),
        warnings: unreadable,
    };
    report.note_held(&drained);
    sending.log(RunKind::Flush, None, drained.sent, report);
    if waited == 0 && mapped == 0 && drained == Drained::default() {
        ui::say("nothing waits");
    } else {
        say(&drained);
    }
    if left > 0 {
        ui::say_in_lines(format_args!(
            "{} wait for room among the events to send; posthog-llma flush again takes more",
            ui::count(left, "received trace")
        ));
    }
    Ok(
        if drained.waiting == 0 && drained.parked == 0 && left == 0 {
            Exit::Done
        } else {
            Exit::Incomplete
        },
    )
}

/// Counts of received traces, mapped and left, and the reasons.
#[derive(Default)]
struct Received {
    /// Traces that were mapped.
    mapped: u64,
    /// Traces left because the outbox has no room for their events.
    left: u64,
    /// Reasons why other traces cannot be read.
    warnings: Vec<String>,
}

/// Maps all received traces, quiet or not.
fn map_received(config: &Config, sending: &Sending<'_>) -> anyhow::Result<Received> {
    let mut received = Received::default();
    if !inbox::is_there(sending.outbox().directory()) {
        return Ok(received);
    }
    let inbox = mapping::open(config)?;
    let mut map = |sending: &Sending<'_>| {
        if !sending.has_destination() {
            return Ok(());
        }
        let mut mapping = Mapping::new(sending, &inbox)?;
        loop {
            let step = mapping.step(Which::All, &|| false)?;
            received.mapped += step.mapped as u64;
            received.warnings.extend(step.warnings);
            if !step.is_more {
                received.left += step.left as u64;
                return anyhow::Ok(());
            }
        }
    };
    map(sending)?;
    match sending.routes() {
        Ok(routes) => {
            for route in routes.iter() {
                map(&Sending::open(&route.config, sending.host())?)?;
            }
        }
        Err(error) => received.warnings.push(error.to_string()),
    }
    if received.mapped > 0 {
        let traces = ui::count(received.mapped, "received trace");
        ui::say(format_args!("{traces} read"));
    }
    Ok(received)
}

/// Shows which hosts the drain waits for; `None` if no events wait.
fn waiting(sending: &Sending<'_>) -> anyhow::Result<Option<Waiting>> {
    let (hosts, events) = sending.sendable()?;
    let hosts = Vec::from_iter(hosts).join(" and ");
    let events_counted = ui::count(events, "event");
    let begin = || Waiting::begin(format_args!("{hosts} to take {events_counted}"));
    Ok((events > 0).then(begin))
}

/// Prints the result of a drain for the person who waits for it.
pub(super) fn say(drained: &Drained) {
    let Drained {
        sent,
        parked,
        waiting,
        ..
    } = drained;
    ui::say(format_args!("{} acknowledged", ui::count(*sent, "event")));
    if *parked > 0 {
        let parked = ui::count(*parked, "event");
        ui::say(format_args!(
            "{parked} set aside; posthog-llma status says why"
        ));
    }
    if *waiting > 0 {
        ui::say(format_args!(
            "{} still waiting",
            ui::count(*waiting, "event")
        ));
    }
    for line in held(&drained.held) {
        ui::say_in_lines(line);
    }
    if drained.busy {
        let id = drained.sender.map(|id| format!(" ({id})"));
        ui::say_in_lines(format_args!(
            "another process{} is sending and sends the rest; if it hangs, end it and run \
             posthog-llma flush",
            id.unwrap_or_default()
        ));
    }
    if drained.quota_limited {
        ui::say_in_lines(
            "the project is over its quota: PostHog accepted the events and may drop them",
        );
    }
    if let Some(error) = &drained.last_error {
        ui::say_in_lines(error);
    }
}
