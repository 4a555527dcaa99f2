//! A report as a table for a terminal.

use std::collections::HashMap;

use anstyle::Style;

use super::rows::Row;
use crate::commands::short;
use crate::models::prices;
use crate::ui::{self, Styled};
use crate::usage::{By, Cost, Numbers, Usage};

const FAINT: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();

/// Minimum width of the names, in columns.
const LEAST: usize = 17;
/// Number of models without a price to name.
const NAMED: usize = 3;
/// Number of sessions whose page in PostHog is shown below the table.
const LINKED: usize = 5;

/// A column: title, width, and its text for a row.
type Column = (&'static str, usize, fn(&Numbers) -> String);

/// Columns for a terminal of 80 columns.
const COLUMNS: [Column; 9] = [
    ("sess.", 6, |it| ui::short_number(it.sessions)),
    ("worked", 10, |it| time(it.worked)),
    ("calls", 6, |it| ui::short_number(it.calls)),
    ("tools", 6, |it| ui::short_number(it.tools)),
    ("failed", 7, |it| ui::short_number(it.failed_tools)),
    ("in", 6, |it| ui::short_number(it.tokens.input)),
    ("out", 5, |it| ui::short_number(it.tokens.output)),
    ("cached", 7, |it| {
        ui::short_number(it.tokens.cache_read + it.tokens.cache_write)
    }),
    ("cost", 10, |it| cost(&it.cost)),
];

/// Titles of the columns that apply to a tool.
const OF_TOOLS: [&str; 4] = ["sess.", "worked", "tools", "failed"];

/// Further columns, if there is room.
const MORE: [Column; 4] = [
    ("lines", 14, lines),
    ("waited", 10, |it| time(it.waited)),
    ("commits", 8, |it| ui::short_number(it.commits)),
    ("PRs", 5, |it| ui::short_number(it.pull_requests)),
];

/// The names of rows: short ones where no two are the same.
fn labels(rows: &[Row<'_>]) -> Vec<String> {
    let mut times: HashMap<String, u32> = HashMap::new();
    for row in rows {
        *times.entry(row.short_label()).or_default() += 1;
    }
    let label = |row: &Row<'_>| {
        let short = row.short_label();
        if times.get(&short) == Some(&1) {
            short
        } else {
            row.label()
        }
    };
    rows.iter().map(label).collect()
}

/// The table, with an explanation of its figures.
pub(super) fn table(usage: &Usage, rows: &[Row<'_>], width: usize) -> Styled {
    let labels = labels(rows);
    let widest = labels.iter().map(|it| ui::columns(it)).max().unwrap_or(0);
    let mut columns = COLUMNS.to_vec();
    if usage.by() == By::Tool {
        columns.retain(|(title, ..)| OF_TOOLS.contains(title));
    }
    let mut name = width.saturating_sub(sum(&columns)).max(LEAST);
    for column in MORE {
        if name >= widest.max(LEAST) + column.1 {
            name -= column.1;
            columns.insert(columns.len() - 1, column);
        }
    }
    let name = name.min(widest.max(LEAST));
    let titles = columns
        .iter()
        .map(|(title, width, _)| format!("{title:>width$}"));
    let head = ui::cell(usage.by().as_str(), name) + &titles.collect::<String>();
    let mut lines = vec![Styled::default().styled(FAINT, head)];
    let of = |label: &str, numbers: &Numbers| {
        let cells = columns.iter();
        let cells = cells.map(|(_, width, cell)| format!("{:>width$}", cell(numbers)));
        ui::cell(label, name) + &cells.collect::<String>()
    };
    for (row, label) in rows.iter().zip(&labels) {
        lines.push(Styled::default().plain(of(label, row.numbers)));
    }
    lines.push(Styled::default().styled(BOLD, of("all", &usage.total)));
    lines.extend(
        notes(usage)
            .into_iter()
            .chain(links(rows))
            .map(|it| Styled::default().styled(FAINT, it)),
    );
    Styled::of_lines(&lines)
}

fn sum(columns: &[Column]) -> usize {
    columns.iter().map(|(_, width, _)| width).sum()
}

/// The lines below the table: work, and unknown costs.
fn notes(usage: &Usage) -> Vec<String> {
    let total = &usage.total;
    let changed = Some(lines(total)).filter(|lines| !lines.is_empty());
    let mut work = Vec::from_iter(changed.map(|lines| format!("lines {lines}")));
    work.push(ui::count(total.commits, "commit"));
    work.push(ui::count(total.pull_requests, "pull request"));
    if total.waited > 0.0 {
        work.push(format!("{} waited for a person", time(total.waited)));
    }
    let mut notes = vec![String::new(), work.join(" · ")];
    let cost = &total.cost;
    if cost.listed > 0 {
        notes.push(format!("cost: list prices of {}, estimated", prices::DATE));
    }
    if cost.stated > 0 {
        let calls = ui::count(cost.stated, "call");
        notes.push(format!("cost of {calls}: as the agent stated it"));
    }
    if cost.unknown > 0 {
        notes.push(format!("+ without {}", unpriced(usage, str::to_owned)));
    }
    if usage.by() == By::Pr {
        notes
            .push("a call of a branch with several pull requests is in the row of each".to_owned());
    }
    notes
}

/// The pages of the first sessions in PostHog.
fn links(rows: &[Row<'_>]) -> Vec<String> {
    let linked = rows.iter().filter_map(|row| Some((row, row.url()?)));
    let mut lines: Vec<String> = linked
        .map(|(row, url)| format!("{} in PostHog, once it is sent: {url}", row.label()))
        .collect();
    if lines.len() > LINKED {
        lines.truncate(LINKED);
        lines.push("pages of all sessions in PostHog: --json, --csv, --markdown".to_owned());
    }
    lines
}

/// The table of findings: each kind with its number and tokens, and the sessions with most of them.
pub(super) fn findings(usage: &Usage) -> String {
    let mut lines = vec![String::new()];
    if usage.findings.is_empty() {
        lines.push("no findings".to_owned());
    }
    for finding in &usage.findings {
        let count = ui::number(finding.count);
        let tokens = ui::short_number(finding.tokens);
        lines.push(format!("{count} {}: {tokens} tokens", finding.title));
        for example in &finding.examples {
            let tokens = ui::short_number(example.tokens);
            let id = short(&example.span);
            lines.push(format!("  {id:<13} {}: {tokens} tokens", example.text));
            let url = example.url.iter();
            lines.extend(url.map(|url| format!("  {:<13} {url}", "")));
        }
    }
    lines.join("\n")
}

/// The sums in a line: `12 calls, 34 tools (2 failed), 1.2M tokens, $0.53`.
pub(in crate::commands) fn summary(usage: &Usage) -> String {
    let total = &usage.total;
    let failed = match total.failed_tools {
        0 => String::new(),
        failed => format!(" ({} failed)", ui::number(failed)),
    };
    let mut facts = vec![
        ui::count(total.calls, "call"),
        ui::count(total.tools, "tool") + &failed,
        format!("{} tokens", ui::short_number(total.tokens.sum())),
    ];
    facts.extend(Some(cost(&total.cost)).filter(|cost| !cost.is_empty()));
    facts.join(", ")
}

/// The calls whose cost is unknown, and why. `name` writes the name of a model.
pub(super) fn unpriced(usage: &Usage, name: impl Fn(&str) -> String) -> String {
    let cost = &usage.total.cost;
    let mut why = Vec::new();
    let priceless = cost.unknown.saturating_sub(cost.unmeasured);
    if priceless > 0 {
        let models = usage.unpriced.iter().take(NAMED);
        let mut models: Vec<String> = models
            .map(|it| it.model.as_deref().map(&name))
            .map(|it| it.unwrap_or_else(|| "an unknown model".to_owned()))
            .collect();
        if usage.unpriced.len() > NAMED {
            models.push("others".to_owned());
        }
        let calls = ui::count(priceless, "call");
        why.push(format!(
            "{calls} whose price is unknown ({})",
            models.join(", ")
        ));
    }
    if cost.unmeasured > 0 {
        why.push(unmeasured(usage));
    }
    why.join(" and ")
}

/// The calls whose token counts are unknown.
pub(super) fn unmeasured(usage: &Usage) -> String {
    let calls = ui::count(usage.total.cost.unmeasured, "call");
    format!("{calls} whose tokens the agent did not record")
}

/// A cost; `+` if the price of some calls is unknown.
pub(super) fn cost(cost: &Cost) -> String {
    match (cost.listed + cost.stated, cost.unknown) {
        (0, 0) => String::new(),
        (0, _) => "unknown".to_owned(),
        (_, 0) => dollars(cost.usd),
        (..) => dollars(cost.usd) + "+",
    }
}

/// An amount in dollars and cents.
pub(super) fn dollars(usd: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float becomes the nearest whole number there is"
    )]
    let cents = (usd * 100.0).round() as u64;
    if usd > 0.0 && cents == 0 {
        return "<$0.01".to_owned();
    }
    format!("${}.{:02}", ui::number(cents / 100), cents % 100)
}

/// A duration in at most nine characters up to ten thousand hours.
pub(super) fn time(seconds: f64) -> String {
    const LONG: f64 = 100.0 * 3600.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float becomes the nearest whole number there is"
    )]
    let hours = |seconds: f64| (seconds / 3600.0).round() as u64;
    match seconds {
        0.0 => String::new(),
        it if it >= LONG => format!("{} h", ui::number(hours(it))),
        it => ui::duration(it),
    }
}

/// Lines added and removed.
pub(super) fn lines(numbers: &Numbers) -> String {
    match (numbers.lines_added, numbers.lines_removed) {
        (0, 0) => String::new(),
        (added, removed) => format!(
            "+{} −{}",
            ui::short_number(added),
            ui::short_number(removed)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_fit_the_narrowest_common_terminal() {
        assert_eq!(LEAST + sum(&COLUMNS), 80);
    }

    #[test]
    fn amounts_are_readable() {
        for (usd, expected) in [
            (0.0, "$0.00"),
            (0.004, "<$0.01"),
            (0.006, "$0.01"),
            (12.345, "$12.35"),
            (1234.5, "$1,234.50"),
        ] {
            assert_eq!(dollars(usd), expected);
        }
        for (seconds, expected) in [
            (0.0, ""),
            (61.0, "1 m 01 s"),
            (360_000.0, "100 h"),
            (9e6, "2,500 h"),
        ] {
            assert_eq!(time(seconds), expected);
        }
    }
}
