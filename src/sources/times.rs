//! Times as agents write them.

use chrono::{DateTime, Utc};

/// The last time that can be sent: years have four digits.
const LAST: DateTime<Utc> = match DateTime::from_timestamp(253_370_764_800, 0) {
    Some(last) => last,
    None => DateTime::UNIX_EPOCH,
};

/// A time in RFC 3339.
pub(super) fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    let at = DateTime::parse_from_rfc3339(text).ok()?;
    Some(within_reach(at.with_timezone(&Utc)))
}

/// A time in milliseconds since 1970.
pub(super) fn of_milliseconds(milliseconds: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(milliseconds).map(within_reach)
}

fn within_reach(at: DateTime<Utc>) -> DateTime<Utc> {
    at.clamp(DateTime::UNIX_EPOCH, LAST)
}
