//! A report as comma-separated values.

use std::fmt::Write as _;

use super::rows::Row;
use crate::usage::{By, Numbers};

const COLUMNS: &str = "sessions,worked_seconds,waited_seconds,calls,failed_calls,tools,failed_tools,\
    input_tokens,output_tokens,reasoning_tokens,cache_read_tokens,cache_write_tokens,\
    cache_write_1h_tokens,cost_usd,calls_by_list_price,calls_by_stated_cost,calls_without_price,\
    lines_added,lines_removed,commits,pull_requests";

/// The table with one row per group. The totals are not a row, so that rows can be summed.
pub(super) fn table(by: By, rows: &[Row<'_>]) -> String {
    let has_project = matches!(by, By::Branch | By::Session);
    let has_page = by == By::Session;
    let project = if has_project { "project," } else { "" };
    let page = if has_page { ",url" } else { "" };
    let mut table = format!("{project}{},{COLUMNS}{page}", by.as_str());
    for row in rows {
        table.push('\n');
        if has_project {
            table.push_str(&cell(row.project.unwrap_or_default()));
            table.push(',');
        }
        table.push_str(&cell(row.name.unwrap_or_default()));
        numbers(row.numbers, &mut table);
        if has_page {
            table.push(',');
            table.push_str(&cell(row.url().unwrap_or_default()));
        }
    }
    table
}

fn numbers(numbers: &Numbers, table: &mut String) {
    let Numbers {
        sessions,
        worked,
        waited,
        calls,
        failed_calls,
        tools,
        failed_tools,
        tokens,
        cost,
        lines_added,
        lines_removed,
        commits,
        pull_requests,
    } = numbers;
    let usd = if cost.listed + cost.stated > 0 {
        format!("{:.6}", cost.usd)
    } else {
        String::new()
    };
    // Writing to a string cannot fail.
    let _ = write!(
        table,
        ",{sessions},{worked:.3},{waited:.3},{calls},{failed_calls},{tools},{failed_tools},{},{},{},\
         {},{},{},{usd},{},{},{},{lines_added},{lines_removed},{commits},{pull_requests}",
        tokens.input,
        tokens.output,
        tokens.reasoning,
        tokens.cache_read,
        tokens.cache_write,
        tokens.cache_write_1h,
        cost.listed,
        cost.stated,
        cost.unknown,
    );
}

/// A text as a cell. A text that a spreadsheet would evaluate is marked as text.
fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t']);
    let text = if is_formula {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_holds_any_text_and_no_formula() {
        for (text, expected) in [
            ("main", "main"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
            ("@now", "'@now"),
            ("", ""),
        ] {
            assert_eq!(cell(text), expected);
        }
    }
}
