//! Log records without a trace, collected into groups.
//!
//! Some emitters report model calls in such records: Codex all of them, Claude Code some. Records
//! that name the same session form a group; records without a session are grouped by service and
//! hour, so that no group grows for ever. The group follows from the record alone, so a repeated
//! record joins the same group.

use sha2::{Digest, Sha256};

use super::sessions::session_of;
use crate::otlp::{LogRecord, TraceId};

/// Nanoseconds in an hour.
const HOUR: u64 = 3_600_000_000_000;

/// The id of the group of a record without a trace.
pub(super) fn id_of(log: &LogRecord) -> TraceId {
    let resource = &log.resource.attributes;
    let service = resource.text("service.name").unwrap_or_default();
    let time = if log.time > 0 { log.time } else { log.observed };
    let digest = match session_of([&log.attributes, resource]) {
        Some(session) => digest(&[b"session", service.as_bytes(), session.as_bytes()]),
        None => digest(&[b"hour", service.as_bytes(), &(time / HOUR).to_be_bytes()]),
    };
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    // A digest of zeros is not to be expected, but an id of zeros is invalid.
    TraceId::from_bytes(id).unwrap_or_else(|| unreachable!("a digest of zeros"))
}

/// Digest of fields. The length of each comes first, so that different fields never give the same
/// bytes.
fn digest(fields: &[&[u8]]) -> [u8; 32] {
    let mut digest = Sha256::new_with_prefix("otlp records without a trace");
    for field in fields {
        digest.update((field.len() as u64).to_be_bytes());
        digest.update(field);
    }
    digest.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otlp::Attributes;

    fn log(session: &str, time: u64) -> LogRecord {
        let attributes: Attributes = [("conversation.id", session.into())].into_iter().collect();
        LogRecord {
            time,
            attributes,
            ..LogRecord::default()
        }
    }

    #[test]
    fn records_belong_together_by_session_or_else_by_hour() {
        assert_eq!(id_of(&log("one", 0)), id_of(&log("one", 5 * HOUR)));
        assert_ne!(id_of(&log("one", 0)), id_of(&log("two", 0)));
        assert_eq!(id_of(&log("", 1)), id_of(&log("", HOUR - 1)));
        assert_ne!(id_of(&log("", 1)), id_of(&log("", HOUR)));
    }
}
