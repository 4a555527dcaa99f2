//! The status for scripts. The README describes it: fields may be added, none changes.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::Picture;
use crate::commands::agents::OtherAgent;
use crate::config::{ApiKey, Problem};
use crate::consent::{Overruled, Stopped};
use crate::outbox::{DestinationStatus, Parked, Run, SessionStatus};
use crate::transport::Endpoint;
use crate::variables::Variable;

pub(super) fn of(picture: &Picture) -> Value {
    let Picture { config, status, .. } = picture;
    let by = picture.environment.decider(Variable::CcEnabled);
    let refused: Vec<Value> = status.parked.iter().map(refused).collect();
    let redactions: BTreeMap<_, _> = status.redactions.iter().cloned().collect();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "enabled": picture.is_on(),
        "enabled_by": by.map(|file| path(&file.path)),
        "api_key": config.destination.api_key.as_ref().map(ApiKey::masked),
        "host": config.destination.endpoint.as_ref().map(Endpoint::base),
        "unconfirmed": picture.missing,
        "left_alone": picture.left_alone,
        "stopped": picture.environment.stopped.as_ref().map(Stopped::reason),
        "overruled": picture.environment.overruled.iter().map(overruled).collect::<Vec<_>>(),
        "records_inputs": config.events.recording.inputs(),
        "records_outputs": config.events.recording.outputs(),
        "state_dir": config.state_dir.as_deref().map(path),
        "enabled_since": status.enabled_since,
        "problems": problems(picture),
        "warnings": status.warnings(),
        "destinations": status.destinations.iter().map(destination).collect::<Vec<_>>(),
        "sessions": status.sessions.iter().map(session).collect::<Vec<_>>(),
        "excluded": picture.excluded.as_ref().ok(),
        "refused": refused,
        "refused_total": status.parked_total,
        "dropped": { "by_age": status.dropped.by_age, "by_size": status.dropped.by_size },
        "redactions": redactions,
        "set_aside": status.set_aside.iter().map(|file| path(file)).collect::<Vec<_>>(),
        "agents": picture.others.iter().map(OtherAgent::as_json).collect::<Vec<_>>(),
        "runs": status.runs.iter().map(run).collect::<Vec<_>>(),
    })
}

/// What keeps settings or exclusions from being used.
fn problems(picture: &Picture) -> Vec<String> {
    let problems = picture.problems.iter().map(Problem::to_string);
    problems.chain(picture.excluded.clone().err()).collect()
}

/// JSON is text; what of a path is none is replaced.
fn path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn overruled(overruled: &Overruled) -> Value {
    json!({
        "variable": overruled.variable.name(),
        "file": path(&overruled.file),
    })
}

fn destination(destination: &DestinationStatus) -> Value {
    let record = &destination.record;
    json!({
        "host": record.destination.host,
        "waiting": destination.waiting,
        "waiting_bytes": destination.waiting_bytes,
        "oldest": destination.oldest,
        "last_sent_at": record.last_sent_at,
        "last_error": record.last_error,
        "last_error_at": record.last_error_at,
        "not_before": record.not_before,
        "refused": record.refused,
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

fn refused(event: &Parked) -> Value {
    json!({
        "uuid": event.uuid,
        "event": event.name,
        "session": event.session,
        "bytes": event.size,
        "reason": event.reason,
    })
}

fn run(run: &Run) -> Value {
    json!({
        "at": run.at,
        "verb": run.kind.as_str(),
        "session": run.session,
        "duration_ms": run.duration_ms,
        "sent": run.sent,
        "error": run.error,
        "warnings": run.warnings,
    })
}
