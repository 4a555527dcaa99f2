//! Hours at which a maker charges more.

use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc, Weekday};

use super::factors::Factors;
use super::table::Price;

/// Price factor of the peak hours of `deepseek`.
const PEAK: f64 = 2.0;

/// The first day with peak hours.
const SINCE: Option<NaiveDate> = NaiveDate::from_ymd_opt(2026, 8, 17);

/// The first day without peak hours on weekends.
const FREE_WEEKENDS_SINCE: Option<NaiveDate> = NaiveDate::from_ymd_opt(2026, 8, 23);

/// The factors at that time. Models of `deepseek` of version 4 cost twice as much from 01:00 to 04:00
/// and from 06:00 to 10:00 UTC on working days since 17 August 2026 (on every day of the first
/// week). Public holidays in China have no peak hours, which is not considered.
pub(super) fn factors(price: &Price, at: DateTime<Utc>) -> Factors {
    let day = Some(at.date_naive());
    let is_weekend = matches!(at.weekday(), Weekday::Sat | Weekday::Sun);
    let is_free = is_weekend && day >= FREE_WEEKENDS_SINCE;
    let is_peak = matches!(at.hour(), 1..4 | 6..10) && day >= SINCE && !is_free;
    if price.maker == "deepseek" && price.from() >= SINCE && is_peak {
        Factors::all(PEAK)
    } else {
        Factors::STANDARD
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::prices::table;

    #[test]
    fn a_call_costs_twice_as_much_in_peak_hours() {
        for (model, at, expected) in [
            ("deepseek-v4-pro", "2026-11-23T01:00:00Z", 2.0),
            ("deepseek-v4-pro", "2026-11-23T03:59:59Z", 2.0),
            ("deepseek-v4-pro", "2026-11-23T04:00:00Z", 1.0),
            ("deepseek-v4-pro", "2026-11-23T09:59:59Z", 2.0),
            ("deepseek-v4-pro", "2026-11-23T12:00:00Z", 1.0),
            // A Sunday, and a Saturday before weekends were free.
            ("deepseek-v4-pro", "2026-11-22T01:00:00Z", 1.0),
            ("deepseek-v4-flash", "2026-08-22T01:00:00Z", 2.0),
            ("deepseek-v4-flash", "2026-08-14T01:00:00Z", 1.0),
            ("deepseek-flash", "2026-11-23T07:00:00Z", 2.0),
            ("deepseek-chat", "2026-11-23T07:00:00Z", 1.0),
            ("gpt-5", "2026-11-23T07:00:00Z", 1.0),
        ] {
            let at: DateTime<Utc> = at.parse().unwrap();
            let price = table::find(model, Some(at.date_naive())).unwrap();
            assert_eq!(factors(price, at), Factors::all(expected), "{model} {at}");
        }
    }
}
