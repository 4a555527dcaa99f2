//! A report as Markdown, for example for a comment on a pull request.

use std::fmt::Write as _;

use super::rows::{Row, pull_request};
use super::text;
use crate::models::prices;
use crate::ui;
use crate::usage::{By, Numbers, Usage};

const HEAD: &str =
    "sessions | time worked | calls | tools | failed | input | output | cached | lines | cost";

/// The table, with an explanation of its figures.
pub(super) fn table(usage: &Usage, rows: &[Row<'_>]) -> String {
    let mut table = format!("| {} | {HEAD} |\n|---|", name(usage.by()));
    table.push_str(&"---:|".repeat(HEAD.split('|').count()));
    for row in rows {
        line(&label(row), row.numbers, &mut table);
    }
    if rows.len() != 1 {
        line("**all**", &usage.total, &mut table);
    }
    let _ = write!(
        table,
        "\n\nCost: list prices of {}, estimated",
        prices::DATE
    );
    if usage.total.cost.stated > 0 {
        table.push_str(", or as the agent stated it");
    }
    if usage.total.cost.unknown > 0 {
        let calls = text::unpriced(usage, code);
        let _ = write!(table, "; without {calls}");
    }
    table.push('.');
    table
}

fn name(by: By) -> &'static str {
    match by {
        By::Pr => "pull request",
        by => by.as_str(),
    }
}

fn line(label: &str, numbers: &Numbers, table: &mut String) {
    let tokens = numbers.tokens;
    let short = ui::short_number;
    // Writing to a string cannot fail.
    let _ = write!(
        table,
        "\n| {label} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
        ui::number(numbers.sessions),
        text::time(numbers.worked),
        ui::number(numbers.calls),
        ui::number(numbers.tools),
        ui::number(numbers.failed_tools),
        short(tokens.input),
        short(tokens.output),
        short(tokens.cache_read + tokens.cache_write),
        text::lines(numbers),
        text::cost(&numbers.cost),
    );
}

/// The name of a row. Anybody may have chosen the name of a branch or project, so it is written as
/// code, where it cannot become markup, a link or a mention.
fn label(row: &Row<'_>) -> String {
    let label = row.label();
    let Some(name) = row.name else {
        return label;
    };
    // Transcripts state addresses of pull requests, which can be any text.
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "-._/:".contains(it);
    if pull_request(name).is_some() && name.chars().all(is_plain) {
        return format!("[{label}]({name})");
    }
    let label = code(&label);
    match row.url() {
        Some(url) => format!("[{label}]({url})"),
        None => label,
    }
}

/// A text as code, in which nothing is markup.
fn code(text: &str) -> String {
    format!("`{}`", plain(text))
}

/// A text that can end neither a cell nor code.
fn plain(text: &str) -> String {
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    one_line
        .replace('`', "'")
        .replace('|', "\\|")
        .replace('<', "‹")
}
