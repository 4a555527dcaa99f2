//! Times as agents write them.

use chrono::{DateTime, NaiveDateTime, Utc};

/// Seconds from 1970 to 2000. Earlier times are invalid, since no agent is that old.
const FIRST: i64 = 946_684_800;

/// Seconds from 1970 to 9999, the last year that can be sent. Later times are invalid.
const LAST: i64 = 253_370_764_800;

/// Parses a time in RFC 3339, in UTC if it has no offset, or a number of seconds or smaller units
/// since 1970. `None` for a time at which no agent can have written.
pub(crate) fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return possible(at.with_timezone(&Utc));
    }
    if let Ok(number) = text.trim().parse() {
        return of_number(number);
    }
    let forms = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"];
    let mut times = forms
        .iter()
        .filter_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    possible(times.next()?.and_utc())
}

/// Converts a number of seconds, milliseconds, microseconds or nanoseconds since 1970, whichever
/// gives a plausible year.
fn of_number(number: f64) -> Option<DateTime<Utc>> {
    /// The first number that is not in this unit any more, and the number of units per millisecond.
    /// In each unit it is the year 5138, in the next smaller one the year 1973.
    const UNITS: [(f64, f64); 4] = [(1e11, 1e-3), (1e14, 1.0), (1e17, 1e3), (1e20, 1e6)];
    let (_, in_millisecond) = UNITS.into_iter().find(|(end, _)| number < *end)?;
    #[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
    of_milliseconds((number / in_millisecond) as i64)
}

/// Converts milliseconds since 1970.
pub(super) fn of_milliseconds(milliseconds: i64) -> Option<DateTime<Utc>> {
    possible(DateTime::from_timestamp_millis(milliseconds)?)
}

fn possible(at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    (FIRST..LAST).contains(&at.timestamp()).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_parsed_in_every_form() {
        let expected = DateTime::from_timestamp(1_795_165_201, 0);
        for text in [
            "2026-11-20T09:00:01.000Z",
            "2026-11-20T14:30:01+05:30",
            "2026-11-20T09:00:01",
            "2026-11-20 09:00:01",
            "1795165201000",
            "1795165201",
            "1795165201000000",
            "1795165201000000000",
        ] {
            assert_eq!(parse_time(text), expected, "{text}");
        }
        for text in [
            "yesterday",
            "",
            "NaN",
            "inf",
            "-inf",
            "-5",
            "0",
            "1e300",
            "0001-01-01T00:00:00Z",
            "1970-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
        ] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }
}
