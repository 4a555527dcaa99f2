//! Text for people: times in the user's zone, short paths, lines that fit a terminal.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Datelike, Days, Local, TimeZone, Utc};

use crate::consent::Overruled;
use crate::host::Host;
use crate::inbox::Route;
use crate::outbox::DestinationRecord;
use crate::posthog::Recording;
use crate::session::Agent;
use crate::ui;

/// ` by route lab`; empty for the default route, which most users have alone.
pub(super) fn by_route(name: &str) -> String {
    if Route::new(name).is_main() {
        String::new()
    } else {
        format!(" by route {name}")
    }
}

/// The number of unreadable lines of a session, as in `3 lines could not be read`. An application's
/// trace has parts instead of lines.
pub(super) fn lost(number: u64, agent: Agent) -> String {
    let what = if agent == Agent::Otlp { "part" } else { "line" };
    format!("{} could not be read", ui::count(number, what))
}

/// Width of the narrowest common terminal, in columns.
pub(super) const WIDTH: usize = 80;

/// The reason why a running session is shown or sent in part, as in "it …".
pub(super) const STILL_RUNNING: &str = "is still running: what may change is sent when it ends";

/// A time relative to `now`: `today 14:02`.
pub(super) fn when(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    when_in(&Local, at, now)
}

fn when_in<Z: TimeZone>(zone: &Z, at: DateTime<Utc>, now: DateTime<Utc>) -> String
where
    Z::Offset: std::fmt::Display,
{
    let (at, now) = (at.with_timezone(zone), now.with_timezone(zone));
    let (day, today) = (at.date_naive(), now.date_naive());
    let is = |other: Option<chrono::NaiveDate>| other == Some(day);
    let time = at.format("%H:%M");
    if day == today {
        format!("today {time}")
    } else if is(today.checked_sub_days(Days::new(1))) {
        format!("yesterday {time}")
    } else if is(today.checked_add_days(Days::new(1))) {
        format!("tomorrow {time}")
    } else if day.year() == today.year() {
        format!("{} {time}", at.format("%-d %b"))
    } else {
        at.format("%-d %b %Y").to_string()
    }
}

/// The last failure of a destination and its time: `no route to host (today 14:02)`.
pub(super) fn failure(record: &DestinationRecord, now: DateTime<Utc>) -> Option<String> {
    let error = record.last_error.as_deref()?;
    let at = record.last_error_at.map(|at| when(at, now));
    Some(at.map_or_else(|| error.to_owned(), |at| format!("{error} ({at})")))
}

/// A duration in a few characters: `140 ms`, `1.1 s`, `12 s`, `5 min`, `3 h`, `12 days`.
pub(super) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{} ms", duration.as_millis()),
        1..10 => format!("{}.{} s", seconds, duration.subsec_millis() / 100),
        10..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// A sentence about the content that stays on this machine; `None` if all of it is sent.
pub(super) const fn privacy(recording: Recording) -> Option<&'static str> {
    match recording {
        Recording::Full => None,
        Recording::InputsOnly => Some("no answers and no results of tools leave this machine"),
        Recording::OutputsOnly => Some("no prompts and no inputs of tools leave this machine"),
        Recording::Nothing => Some("no content leaves this machine"),
    }
}

/// Sentences about variables in a project's files that have no effect, one per file.
pub(super) fn overruled(overruled: &[Overruled], host: &Host) -> Vec<String> {
    let mut by_file: BTreeMap<&Path, Vec<&str>> = BTreeMap::new();
    for it in overruled {
        by_file
            .entry(&it.file)
            .or_default()
            .push(it.variable.name());
    }
    let line = |(file, names): (&Path, Vec<&str>)| {
        let verb = if names.len() == 1 { "does" } else { "do" };
        format!(
            "{} in {} {verb} not count, since that file came with the project; what your shell \
             sets instead cannot be seen, so set it in your own settings.json",
            names.join(", "),
            path(file, host)
        )
    };
    by_file.into_iter().map(line).collect()
}

/// A list of words in a sentence: `a, b and c`.
pub(super) fn list(words: &[&str]) -> String {
    match words {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        words => words.concat(),
    }
}

/// A path with the home directory as `~` and line breaks escaped.
pub(super) fn path(path: &Path, host: &Host) -> String {
    host.short_path(path).replace('\n', "\\u000a")
}

/// A label and a text, which begins in its own column and is wrapped to the terminal. A word longer
/// than the column is not broken: it may be an address to copy.
pub(super) fn entry(label: &str, column: usize, text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is always one");
        let gap = usize::from(!line.is_empty());
        if gap == 1 && column + ui::columns(line) + gap + ui::columns(word) > WIDTH {
            lines.push(word.to_owned());
        } else {
            line.push_str(if gap == 1 { " " } else { "" });
            line.push_str(word);
        }
    }
    let missing = column.saturating_sub(ui::columns(label));
    let text = lines.join(&format!("\n{:column$}", ""));
    let mut entry = format!("{label}{:missing$}{text}", "");
    entry.truncate(entry.trim_end().len());
    entry
}

#[cfg(test)]
mod tests {
    use chrono::FixedOffset;

    use super::*;

    #[test]
    fn times_are_said_in_the_user_s_zone() {
        let time = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let zone = FixedOffset::east_opt(2 * 3_600).unwrap();
        let now = time("2026-05-11T22:30:00Z");
        for (at, expected) in [
            ("2026-05-11T22:01:00Z", "today 00:01"),
            ("2026-05-11T21:59:00Z", "yesterday 23:59"),
            ("2026-05-12T22:00:00Z", "tomorrow 00:00"),
            ("2026-05-02T07:05:00Z", "2 May 09:05"),
            ("2025-12-31T22:30:00Z", "1 Jan 00:30"),
            ("2025-12-31T12:00:00Z", "31 Dec 2025"),
        ] {
            assert_eq!(when_in(&zone, time(at), now), expected, "{at}");
        }
    }

    #[test]
    fn durations_have_the_unit_that_suits_them() {
        for (milliseconds, expected) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_150, "1.1 s"),
            (59_999, "59 s"),
            (300_000, "5 min"),
            (10_800_000, "3 h"),
            (1_036_800_000, "12 days"),
        ] {
            assert_eq!(duration(Duration::from_millis(milliseconds)), expected);
        }
    }

    #[test]
    fn lists_have_an_and_before_their_last_word() {
        for (words, expected) in [
            (&[][..], ""),
            (&["a"], "a"),
            (&["a", "b"], "a and b"),
            (&["a", "b", "c"], "a, b and c"),
        ] {
            assert_eq!(list(words), expected);
        }
    }

    #[test]
    fn entries_fit_a_terminal_and_long_words_stay_whole() {
        let text = format!("{} {} tail", "word ".repeat(14), "a".repeat(90));
        let entry = entry("waiting", 10, &text);
        let lines: Vec<&str> = entry.lines().collect();
        assert_eq!(lines.len(), 3, "{entry}");
        assert!(lines[0].starts_with("waiting   word word"));
        assert_eq!(lines[1].trim(), "a".repeat(90));
        assert_eq!(lines[2], "          tail");
        assert!(ui::columns(lines[0]) <= WIDTH);
    }
}
