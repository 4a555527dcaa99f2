//! Times as agents write them.

use chrono::{DateTime, NaiveDateTime, Utc};

/// The last time that can be sent: years have four digits.
const LAST: DateTime<Utc> = match DateTime::from_timestamp(253_370_764_800, 0) {
    Some(last) => last,
    None => DateTime::UNIX_EPOCH,
};

/// A time in RFC 3339; one without an offset is of UTC, a number counts from 1970.
pub(super) fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(within_reach(at.with_timezone(&Utc)));
    }
    if let Ok(number) = text.trim().parse() {
        return of_number(number);
    }
    let forms = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"];
    let mut times = forms
        .iter()
        .filter_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    Some(within_reach(times.next()?.and_utc()))
}

/// A time in seconds or milliseconds since 1970.
fn of_number(number: f64) -> Option<DateTime<Utc>> {
    /// So many seconds are the year 5138, so many milliseconds the year 1973.
    const MOST_SECONDS: f64 = 1e11;
    if !(1.0..1e15).contains(&number) {
        return None;
    }
    let milliseconds = if number < MOST_SECONDS {
        number * 1000.0
    } else {
        number
    };
    #[expect(clippy::cast_possible_truncation, reason = "checked before")]
    of_milliseconds(milliseconds as i64)
}

/// A time in milliseconds since 1970.
pub(super) fn of_milliseconds(milliseconds: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(milliseconds).map(within_reach)
}

fn within_reach(at: DateTime<Utc>) -> DateTime<Utc> {
    at.clamp(DateTime::UNIX_EPOCH, LAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_known_in_whatever_form_it_is_written() {
        let expected = DateTime::from_timestamp(1_795_165_201, 0);
        for text in [
            "2026-11-20T09:00:01.000Z",
            "2026-11-20T14:30:01+05:30",
            "2026-11-20T09:00:01",
            "2026-11-20 09:00:01",
            "1795165201000",
            "1795165201",
        ] {
            assert_eq!(parse_time(text), expected, "{text}");
        }
        for text in ["yesterday", "", "NaN", "inf", "-5", "0", "1e300"] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }
}
