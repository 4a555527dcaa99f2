//! The report as Markdown.

use std::fmt::{self, Display, Formatter};

use posthog_llma::ui::{self, number};

use super::independent::Tally;
use super::report::{Books, Report, Row, Starts, ToolTimes};

type Column = (&'static str, fn(Tally) -> u64);

const COUNTS: [Column; 7] = [
    ("responses", |tally| tally.generations),
    ("failed calls", |tally| tally.errors),
    ("tool calls", |tally| tally.tools),
    ("input", |tally| tally.input),
    ("output", |tally| tally.output),
    ("cache read", |tally| tally.cache_read),
    ("cache written", |tally| tally.cache_write),
];

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let rows = self.rows();
        let mut all = Row::default();
        for (_, row) in &rows {
            all.add(row);
        }
        all.sessions = self.sessions;
        writeln!(
            f,
            "{} sessions, {} versions, {} responses and failed calls; compared one by one, {} of \
             them differ.\n",
            number(self.sessions),
            rows.len(),
            number(all.counted.generations + all.counted.errors),
            number(self.differing),
        )?;
        counts(f, &rows, &all)?;
        let (files, responses) = self.strays;
        if files > 0 {
            writeln!(
                f,
                "\nNot in the table: {} of subagents whose session is not there, with {} that \
                 nobody sends.",
                ui::count(files, "file"),
                ui::count(responses, "response"),
            )?;
        }
        writeln!(f)?;
        precision(f, &rows, &all)?;
        writeln!(f)?;
        times(f, &rows, &all)?;
        writeln!(f)?;
        books(f, &rows)
    }
}

/// The counts that are sent, and their difference from the independent count.
fn counts(f: &mut Formatter<'_>, rows: &[(&str, Row)], all: &Row) -> fmt::Result {
    let names = COUNTS.map(|(name, _)| name);
    let names = [&["version", "sessions"], &names[..], &["difference"]].concat();
    head(f, &names)?;
    for (version, row) in rows {
        let cells = COUNTS.map(|(_, count)| number(count(row.sent)));
        let difference = difference(row);
        line(
            f,
            version,
            [number(row.sessions)]
                .into_iter()
                .chain(cells)
                .chain([difference]),
        )?;
    }
    for (name, tally, last) in [
        ("all, as sent", all.sent, difference(all)),
        ("all, counted independently", all.counted, String::new()),
    ] {
        let cells = COUNTS.map(|(_, count)| number(count(tally)));
        line(
            f,
            name,
            [number(all.sessions)]
                .into_iter()
                .chain(cells)
                .chain([last]),
        )?;
    }
    Ok(())
}

fn difference(row: &Row) -> String {
    let others: [Column; 3] = [
        ("placeholders", |tally| tally.placeholders),
        ("written for 5 minutes", |tally| tally.cache_write_5m),
        ("written for an hour", |tally| tally.cache_write_1h),
    ];
    let columns = COUNTS.into_iter().chain(others);
    let differences: Vec<String> = columns
        .filter_map(|(name, count)| {
            let (sent, counted) = (count(row.sent), count(row.counted));
            let sign = if sent < counted { '−' } else { '+' };
            let by = number(sent.abs_diff(counted));
            (sent != counted).then(|| format!("{name} {sign}{by}"))
        })
        .collect();
    if differences.is_empty() {
        "0".to_owned()
    } else {
        differences.join(", ")
    }
}

/// Imprecise facts of the lines; versions without any are left out.
fn precision(f: &mut Formatter<'_>, rows: &[(&str, Row)], all: &Row) -> fmt::Result {
    head(
        f,
        &[
            "version",
            "responses",
            "with a placeholder for the output",
            "start from the request's record",
            "start from the line before",
            "start unknown",
        ],
    )?;
    let mut others = Row::default();
    let mut cells = |name: &str, row: &Row| {
        let Starts {
            record,
            parent,
            unknown,
        } = row.starts;
        let Tally {
            generations,
            placeholders,
            ..
        } = row.sent;
        let counts = [generations, placeholders, record, parent, unknown];
        line(f, name, counts.into_iter().map(number))
    };
    for (version, row) in rows {
        if row.sent.placeholders + row.starts.record + row.starts.unknown > 0 {
            cells(version, row)?;
        } else {
            others.add(row);
        }
    }
    cells("the others", &others)?;
    cells("all", all)
}

/// Times of working and waiting, in hours; versions without a tool call are left out.
fn times(f: &mut Formatter<'_>, rows: &[(&str, Row)], all: &Row) -> fmt::Result {
    head(
        f,
        &[
            "version",
            "tool results",
            "with the tool's own time",
            "hours of these",
            "hours of waiting",
            "hours not told apart",
        ],
    )?;
    let mut cells = |name: &str, row: &Row| {
        let ToolTimes {
            calls,
            known,
            worked,
            waited,
            unattributed,
        } = row.time;
        let counts = [number(calls), share(known, calls)];
        let times = [worked, waited, unattributed].map(hours);
        line(f, name, counts.into_iter().chain(times))
    };
    for (version, row) in rows.iter().filter(|(_, row)| row.time.calls > 0) {
        cells(version, row)?;
    }
    cells("all", all)
}

fn share(part: u64, whole: u64) -> String {
    let percent = (part * 100 + whole / 2).checked_div(whole);
    format!("{} %", percent.unwrap_or(0))
}

/// Hours with two decimals.
fn hours(milliseconds: u64) -> String {
    let hundredths = (milliseconds + 18_000) / 36_000;
    format!("{}.{:02}", number(hundredths / 100), hundredths % 100)
}

/// Versions in which some session has the agent's own books.
fn books(f: &mut Formatter<'_>, rows: &[(&str, Row)]) -> fmt::Result {
    head(
        f,
        &[
            "version",
            "sessions",
            "with books",
            "lines agree",
            "agree with background calls",
            "lines show more",
            "differ",
        ],
    )?;
    for (version, row) in rows {
        let Books {
            agree,
            completed,
            exceeded,
            differ,
        } = row.books;
        let with_books = row.books.sessions();
        if with_books > 0 {
            let counts = [row.sessions, with_books, agree, completed, exceeded, differ];
            line(f, version, counts.into_iter().map(number))?;
        }
    }
    Ok(())
}

impl Row {
    fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.counted += other.counted;
        self.starts.record += other.starts.record;
        self.starts.parent += other.starts.parent;
        self.starts.unknown += other.starts.unknown;
        self.time.plus(other.time);
    }
}

fn head(f: &mut Formatter<'_>, names: &[&str]) -> fmt::Result {
    writeln!(f, "| {} |", names.join(" | "))?;
    // The first column is a name, the others are numbers.
    writeln!(f, "|---|{}", "---:|".repeat(names.len() - 1))
}

fn line(f: &mut Formatter<'_>, name: &str, cells: impl IntoIterator<Item = String>) -> fmt::Result {
    let cells: Vec<String> = cells.into_iter().collect();
    writeln!(f, "| {name} | {} |", cells.join(" | "))
}
