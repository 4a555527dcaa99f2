//! The delivery of events: which wait and why, which arrived, and which would be sent.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::catalogue::{Catalogue, State};
use super::contract::DeliveryState;
use super::here::Here;
use crate::config::{ApiKey, Problem};
use crate::posthog::retention::CONTENT_DAYS;
use crate::transport::Endpoint;
use crate::variables::Variable;
use crate::views::{Machine, Switched, json as rows};

/// The answer, with names as in `status --json`.
pub(super) fn of(here: &Here, catalogue: &Catalogue) -> Value {
    catalogue.asked();
    let machine = Machine::gather(&here.host);
    let Machine { config, status, .. } = &machine;
    let by = machine.environment.decider(Variable::CcEnabled);
    let switched = Switched::of(&machine);
    let redactions: BTreeMap<_, _> = status.redactions.iter().cloned().collect();
    let state = catalogue.lock();
    let left_alone = left_alone(&state);
    let would_leave = would_leave(&state, here);
    let excluded = excluded(&machine, &state);
    drop(state);
    json!({
        "enabled": machine.sends(),
        "enabled_by": by.map(|file| here.host.short_path(&file.path)),
        "enabled_since": status.enabled_since,
        "verdict": verdict(&machine, &switched),
        "fix": switched.fix,
        "api_key": config.destination.api_key.as_ref().map(ApiKey::masked),
        "host": config.destination.endpoint.as_ref().map(Endpoint::base),
        "records_inputs": config.events.recording.inputs(),
        "records_outputs": config.events.recording.outputs(),
        "destinations": status.destinations.iter().map(rows::destination).collect::<Vec<_>>(),
        "refused": status.parked.iter().map(rows::refused).collect::<Vec<_>>(),
        "refused_total": status.parked_total,
        "dropped": { "by_age": status.dropped.by_age, "by_size": status.dropped.by_size },
        "excluded": excluded,
        "left_alone": left_alone,
        "runs": status.runs.iter().map(rows::run).collect::<Vec<_>>(),
        "redactions": redactions,
        "would_leave": would_leave,
        "problems": problems(&machine),
    })
}

/// Whether sessions are sent, in one sentence.
fn verdict(machine: &Machine, switched: &Switched) -> String {
    let waiting = match machine.waiting() {
        0 => String::new(),
        waiting => format!("; {waiting} events wait"),
    };
    format!(
        "Sending of Claude Code's sessions is {}{waiting}",
        switched.state
    )
}

fn problems(machine: &Machine) -> Vec<Value> {
    let settings = machine.problems.iter().map(Problem::to_string);
    let settings = settings.map(|found| json!({ "found": found, "fix": "posthog-llma doctor" }));
    let troubles = machine.troubles().into_iter();
    let troubles = troubles.map(|(_, it)| json!({ "found": it.found, "fix": it.fix }));
    let unconfirmed = machine
        .unconfirmed()
        .map(|it| json!({ "found": it.to_string(), "fix": "posthog-llma trust" }));
    settings.chain(troubles).chain(unconfirmed).collect()
}

fn excluded(machine: &Machine, state: &State) -> Vec<Value> {
    let excluded = machine.excluded.as_ref().map(Vec::as_slice);
    let excluded = excluded.unwrap_or_default().iter();
    let row = excluded.map(|it| {
        let key = format!("{}/{}", it.agent, it.session);
        let key = state.sessions.contains_key(&key).then_some(key);
        json!({
            "agent": it.agent,
            "session": it.session,
            "key": key,
            "cause": it.cause,
            "since": it.since,
        })
    });
    row.collect()
}

/// Projects whose sessions are not sent, with the number of sessions.
fn left_alone(state: &State) -> Vec<Value> {
    let mut projects: BTreeMap<(String, &str), u64> = BTreeMap::new();
    for listed in state.sessions.values() {
        let numbers = listed.numbers.as_deref();
        let reason = match (numbers, &listed.refused) {
            (_, Some(reason)) => Some(reason.as_str()),
            (Some(numbers), None) => numbers.left_alone.as_deref(),
            (None, None) => listed.glanced.left_alone.as_deref(),
        };
        if let Some(reason) = reason {
            let project = listed.glanced.project.clone();
            let project = project.unwrap_or_else(|| "no project".to_owned());
            *projects.entry((project, reason)).or_default() += 1;
        }
    }
    let row = |((project, reason), sessions): ((String, &str), u64)| json!({ "project": project, "reason": reason, "sessions": sessions });
    projects.into_iter().map(row).collect()
}

/// The sessions that the next `ingest --all` would send first.
fn would_leave(state: &State, here: &Here) -> Value {
    let old = here.host.now() - TimeDelta::days(CONTENT_DAYS);
    let (mut sessions, mut events, mut bytes, mut without_content) = (0_u64, 0, 0, 0_u64);
    for listed in state.sessions.values() {
        if listed.delivery != DeliveryState::Never {
            continue;
        }
        sessions += 1;
        bytes += listed.transcripts.iter().map(|it| it.bytes).sum::<u64>();
        if let Some(numbers) = &listed.numbers {
            events += numbers.events;
            without_content += u64::from(numbers.ended_at < old);
        }
    }
    json!({
        "sessions": sessions,
        "events": events,
        "bytes": bytes,
        "without_content": without_content,
        "running": state.is_reading(),
    })
}
