//! Points in time as people type them.

use std::str::FromStr;

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};

/// A point in time: `7d`, `24h`, `2w` (that long ago), `2026-03-01` (the whole day),
/// `2026-03-01T14:30`, or any RFC 3339 time. Days and times without a zone are the user's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// A duration before now.
    Ago(TimeDelta),
    /// A day.
    Day(NaiveDate),
    /// A time on a day.
    Time(NaiveDateTime),
    /// A moment, whatever the zone.
    Moment(DateTime<Utc>),
}

impl When {
    /// The first moment of the time.
    pub(crate) fn begin<Z: TimeZone>(self, now: DateTime<Utc>, zone: &Z) -> DateTime<Utc> {
        match self {
            Self::Ago(time) => now
                .checked_sub_signed(time)
                .unwrap_or(DateTime::<Utc>::MIN_UTC),
            Self::Day(day) => in_zone(day.and_time(NaiveTime::MIN), zone),
            Self::Time(time) => in_zone(time, zone),
            Self::Moment(moment) => moment,
        }
    }

    /// The first moment after the time: a day ends at midnight.
    pub(crate) fn end<Z: TimeZone>(self, now: DateTime<Utc>, zone: &Z) -> DateTime<Utc> {
        match self {
            Self::Day(day) => day
                .checked_add_days(Days::new(1))
                .map_or(DateTime::<Utc>::MAX_UTC, |next| {
                    Self::Day(next).begin(now, zone)
                }),
            other => other.begin(now, zone),
        }
    }
}

/// Of a time that a clock change skips, one hour later; of one that occurs twice, the first.
fn in_zone<Z: TimeZone>(time: NaiveDateTime, zone: &Z) -> DateTime<Utc> {
    let here = |time: NaiveDateTime| zone.from_local_datetime(&time).earliest();
    let later = || time.checked_add_signed(TimeDelta::hours(1)).and_then(here);
    here(time)
        .or_else(later)
        .map_or_else(|| time.and_utc(), |time| time.to_utc())
}

impl FromStr for When {
    type Err = NoTime;

    fn from_str(text: &str) -> Result<Self, NoTime> {
        let text = text.trim();
        if let Some(ago) = ago(text) {
            return Ok(Self::Ago(ago));
        }
        if let Ok(day) = text.parse() {
            return Ok(Self::Day(day));
        }
        if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self::Moment(moment.to_utc()));
        }
        let mut time = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
            .into_iter()
            .filter_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
        time.next().map(Self::Time).ok_or(NoTime)
    }
}

fn ago(text: &str) -> Option<TimeDelta> {
    let split = text.len().checked_sub(1)?;
    let (number, unit) = text.split_at_checked(split)?;
    let number: i64 = number.parse::<u32>().ok()?.into();
    match unit {
        "h" => TimeDelta::try_hours(number),
        "d" => TimeDelta::try_days(number),
        "w" => TimeDelta::try_weeks(number),
        _ => None,
    }
}

/// The text is not a point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("use 7d, 24h, 2w, 2026-03-01 or 2026-03-01T14:30")]
pub(crate) struct NoTime;

#[cfg(test)]
mod tests {
    use chrono::FixedOffset;

    use super::*;

    #[test]
    fn what_is_typed_means_the_users_own_time() {
        let now: DateTime<Utc> = "2026-03-10T12:00:00Z".parse().unwrap();
        let zone = FixedOffset::east_opt(2 * 3600).unwrap();
        for (typed, begin, end) in [
            ("7d", "2026-03-03T12:00:00Z", "2026-03-03T12:00:00Z"),
            ("24h", "2026-03-09T12:00:00Z", "2026-03-09T12:00:00Z"),
            ("2w", "2026-02-24T12:00:00Z", "2026-02-24T12:00:00Z"),
            ("2026-03-01", "2026-02-28T22:00:00Z", "2026-03-01T22:00:00Z"),
            (
                "2026-03-01T14:30",
                "2026-03-01T12:30:00Z",
                "2026-03-01T12:30:00Z",
            ),
            (
                "2026-03-01 14:30",
                "2026-03-01T12:30:00Z",
                "2026-03-01T12:30:00Z",
            ),
            (
                "2026-03-01T14:30:00-05:00",
                "2026-03-01T19:30:00Z",
                "2026-03-01T19:30:00Z",
            ),
        ] {
            let when: When = typed.parse().unwrap();
            let meant = [when.begin(now, &zone), when.end(now, &zone)];
            assert_eq!(
                meant,
                [begin, end].map(|time| time.parse::<DateTime<Utc>>().unwrap()),
                "{typed}"
            );
        }
        let ever: When = "4294967295w".parse().unwrap();
        assert_eq!(ever.begin(now, &zone), DateTime::<Utc>::MIN_UTC);
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for typed in [
            "",
            "d",
            "7",
            "-7d",
            "7m",
            "yesterday",
            "2026-02-30",
            "1.5h",
            "7д",
        ] {
            assert_eq!(typed.parse::<When>(), Err(NoTime), "{typed}");
        }
    }
}
