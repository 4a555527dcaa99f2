//! The status as JSON, for scripts. docs/commands.md describes it: fields may be added, none
//! changes.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::receiver;
use super::unstored::{self, Unstored};
use crate::commands::agents;
use crate::config::{ApiKey, KeySource, Problem};
use crate::consent::{Overruled, Stopped, Unconfirmed};
use crate::outbox::SessionStatus;
use crate::transport::Endpoint;
use crate::variables::Variable;
use crate::views::{Machine, Trouble, json};

pub(super) fn of(machine: &Machine) -> Value {
    let Machine { config, status, .. } = machine;
    let by = machine.environment.decider(Variable::CcEnabled);
    let refused: Vec<Value> = status.parked.iter().map(json::refused).collect();
    let redactions: BTreeMap<_, _> = status.redactions.iter().cloned().collect();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "enabled": machine.is_on(),
        "enabled_by": by.map(|file| path(&file.path)),
        "api_key": config.destination.api_key.as_ref().map(ApiKey::masked),
        "api_key_source": config.destination.key_source.as_ref().map(KeySource::word),
        "host": config.destination.endpoint.as_ref().map(Endpoint::base),
        "unconfirmed": machine.unconfirmed().as_ref().map(Unconfirmed::to_string),
        "left_alone": machine.left_alone(),
        "stopped": machine.environment.stopped.as_ref().map(Stopped::reason),
        "overruled": machine.environment.overruled.iter().map(overruled).collect::<Vec<_>>(),
        "records_inputs": config.events.recording.inputs(),
        "records_outputs": config.events.recording.outputs(),
        "state_dir": config.state_dir.as_deref().map(path),
        "enabled_since": status.enabled_since,
        "problems": problems(machine),
        "warnings": status.warnings(),
        "destinations": status.destinations.iter().map(json::destination).collect::<Vec<_>>(),
        "sessions": status.sessions.iter().map(session).collect::<Vec<_>>(),
        "sessions_total": status.sessions_total,
        "unstored": unstored::of(machine).iter().map(Unstored::as_json).collect::<Vec<_>>(),
        "excluded": machine.excluded.as_ref().ok(),
        "refused": refused,
        "refused_total": status.parked_total,
        "dropped": { "by_age": status.dropped.by_age, "by_size": status.dropped.by_size },
        "redactions": redactions,
        "set_aside": status.set_aside.iter().map(|file| path(file)).collect::<Vec<_>>(),
        "agents": machine.others.iter().map(agents::as_json).collect::<Vec<_>>(),
        "receiver": receiver::as_json(machine.received.as_ref()),
        "runs": status.runs.iter().map(json::run).collect::<Vec<_>>(),
    })
}

/// Settings and files that cannot be used.
fn problems(machine: &Machine) -> Vec<String> {
    let problems = machine.problems.iter().map(Problem::to_string);
    let troubles = machine.troubles().into_iter();
    problems
        .chain(troubles.map(|(_, trouble): (_, &Trouble)| trouble.to_string()))
        .collect()
}

/// A path as text. Bytes that are not UTF-8 are replaced, since JSON holds text alone.
fn path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn overruled(overruled: &Overruled) -> Value {
    json!({
        "variable": overruled.variable.name(),
        "file": path(&overruled.file),
    })
}

fn session(session: &SessionStatus) -> Value {
    json!({
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
        "withdrawn": session.receipt.withdrawn,
    })
}
