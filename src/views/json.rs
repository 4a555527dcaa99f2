//! Rows of the outbox as JSON, in `status --json` and on the local page alike.

use serde_json::{Value, json};

use crate::outbox::{DestinationStatus, Parked, Run};

/// A destination and its waiting events.
pub(crate) fn destination(destination: &DestinationStatus) -> Value {
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

/// A parked event.
pub(crate) fn refused(event: &Parked) -> Value {
    json!({
        "uuid": event.uuid,
        "event": event.name,
        "session": event.session,
        "bytes": event.size,
        "reason": event.reason,
        "damaged": event.is_damaged,
    })
}

/// A run, as `status` lists it.
pub(crate) fn run(run: &Run) -> Value {
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
