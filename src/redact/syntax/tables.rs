//! Tables with a column of secrets: CSV, Markdown, and what database clients print.

use super::assigned::Assigned;
use crate::redact::names::Name;
use crate::redact::names::keys::Kind;
use crate::redact::text::find;
use crate::redact::text::lines;
use crate::redact::text::separator::{blanks, count};
use crate::redact::values::{Style, is_secret};

const LONGEST_LINE: usize = 1024;
const MOST_ROWS: usize = 1000;

/// Separation of the cells of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    Separated(u8),
    /// Bars with blanks around the cells; a line of dashes follows the header.
    Ruled,
}

/// The secrets in the column below a name, and the end of the table.
pub(crate) fn column(text: &[u8], name: Name) -> Option<(Vec<Assigned>, usize)> {
    let layout = layout(text, name)?;
    let start = name.start - lines::before(text, name.start).len();
    let header = line(text, start);
    if header.len() > LONGEST_LINE {
        return None;
    }
    let mut at = start + header.len() + 1;
    if layout == Layout::Ruled {
        let rule = text.get(at..).map(|_| line(text, at))?;
        if !is_rule(rule) {
            return None;
        }
        at += rule.len() + 1;
    }
    let is_around =
        |(from, to): &(usize, usize)| start + from <= name.start && name.end <= start + to;
    let (index, (from, to)) = cells(header, layout)
        .enumerate()
        .find(|(_, cell)| is_around(cell))?;
    // The name must fill its cell.
    if start + from != name.start || start + to != name.end {
        return None;
    }
    let kind = name.kind?;
    let columns = cells(header, layout).count();
    if layout != Layout::Ruled
        && !(begins_table(text, start, layout, columns) && is_header(header, layout))
    {
        return None;
    }
    let mut rows = 0;
    let mut found = Vec::new();
    while at < text.len() && rows < MOST_ROWS {
        let row = line(text, at);
        if row.len() > LONGEST_LINE || cells(row, layout).count() != columns {
            break;
        }
        let Some((from, to)) = cells(row, layout).nth(index) else {
            break;
        };
        push(text, at + from, at + to, kind, &mut found);
        at += row.len() + 1;
        rows += 1;
    }
    (rows > 0).then_some((found, at.min(text.len())))
}

/// The secret in the cell beside a name, in a table with names in one column and values in the
/// next.
pub(crate) fn row(text: &[u8], name: Name) -> Option<Assigned> {
    let bar = |at: usize| {
        let at = at + blanks(text, at, 64);
        ["|", "│", "┃"]
            .iter()
            .find(|it| text[at.min(text.len())..].starts_with(it.as_bytes()))
            .map(|it| at + it.len())
    };
    let closed = name.end + count(text, name.end, 3, |byte| matches!(byte, b'`' | b'*'));
    let cell = bar(closed)?;
    let is_first = name
        .head(text)
        .iter()
        .all(|byte| b" \t|`*".contains(byte) || *byte >= 128);
    if !is_first {
        return None;
    }
    let start = cell + count(text, cell, 64, |byte| matches!(byte, b' ' | b'\t' | b'`'));
    let end = start
        + count(text, start, LONGEST_LINE, |byte| {
            !byte.is_ascii_whitespace() && !matches!(byte, b'`' | b'|')
        });
    let closed = end + usize::from(text.get(end) == Some(&b'`'));
    let ends = bar(closed).is_some() || matches!(line(text, closed).trim_ascii(), b"");
    let kind = name.kind?;
    let value = &text[start..end];
    let telling = value.iter().any(u8::is_ascii_digit) && value.iter().any(u8::is_ascii_alphabetic);
    (ends && telling && is_secret(kind, Style::Literal, value)).then_some(Assigned {
        start,
        end,
        kind,
    })
}

/// The layout of the table whose header contains the name.
fn layout(text: &[u8], name: Name) -> Option<Layout> {
    let quotes = usize::from(text.get(name.end) == Some(&b'"'));
    let after = name.end + quotes;
    let before = name.start - usize::from(text[..name.start].ends_with(b"\""));
    let neighbours = [text.get(after), text[..before].last()];
    // Names in prose are between blanks.
    let bounds = |it: Option<&u8>| {
        it.is_none_or(|byte| matches!(byte, b'\n' | b'\r' | b',' | b';' | b'\t' | b'|'))
    };
    let separators: &[u8] = if neighbours.iter().all(|it| bounds(*it)) {
        b",;\t|"
    } else {
        b""
    };
    for byte in separators.iter().copied() {
        let beside =
            |it: Option<&u8>| matches!(it, None | Some(b'\n' | b'\r')) || it == Some(&byte);
        let separated =
            neighbours.iter().all(|it| beside(*it)) && neighbours.contains(&Some(&byte));
        let framed = || lines::before(text, name.start).starts_with(b"|");
        if separated && !(byte == b'|' && framed()) {
            return Some(Layout::Separated(byte));
        }
    }
    let after = after + blanks(text, after, 64);
    let ruled = match text.get(after) {
        Some(b'|') => true,
        Some(b'\n' | b'\r') => memchr::memchr(b'|', lines::before(text, before)).is_some(),
        _ => false,
    };
    ruled.then_some(Layout::Ruled)
}

fn line(text: &[u8], from: usize) -> &[u8] {
    let rest = &text[from..text.len().min(from + LONGEST_LINE + 1)];
    &rest[..memchr::memchr(b'\n', rest).unwrap_or(rest.len())]
}

/// Start and end of the cells of a line, without quotes and blanks.
fn cells(line: &[u8], layout: Layout) -> impl Iterator<Item = (usize, usize)> {
    let separator = match layout {
        Layout::Separated(byte) => byte,
        Layout::Ruled => b'|',
    };
    let (mut start, mut quoted) = (0, false);
    let ends = memchr::memchr2_iter(separator, b'"', line).filter(move |at| {
        quoted ^= line[*at] == b'"';
        line[*at] == separator && !quoted
    });
    ends.chain([line.len()]).map(move |end| {
        let cell = &line[start..end];
        let from = start + (cell.len() - cell.trim_ascii_start().len());
        let to = from + cell.trim_ascii().len();
        start = end + 1;
        let inside = |it: &[u8]| it.len() >= 2 && it.starts_with(b"\"") && it.ends_with(b"\"");
        if inside(&line[from..to]) {
            (from + 1, to - 1)
        } else {
            (from, to)
        }
    })
}

/// Whether a line holds only names, as the first line of a CSV file.
fn is_header(line: &[u8], layout: Layout) -> bool {
    let line = line.trim_ascii_end();
    let named = |(from, to): &(usize, usize)| {
        from < to
            && line[*from..*to].iter().all(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b' ' | b'.')
            })
    };
    let compact = match layout {
        Layout::Separated(b'\t') => true,
        _ => !line.windows(2).any(|pair| matches!(pair, b", " | b"; ")),
    };
    compact && cells(line, layout).nth(1).is_some() && cells(line, layout).all(|it| named(&it))
}

/// Whether a table begins at a line: the line before has other columns, or none.
fn begins_table(text: &[u8], start: usize, layout: Layout, columns: usize) -> bool {
    let Some(end) = start.checked_sub(1) else {
        return true;
    };
    cells(lines::before(text, end), layout).count() != columns
}

/// Whether a line is a rule: `|---|---|`, `----+----`.
fn is_rule(line: &[u8]) -> bool {
    line.iter()
        .all(|byte| matches!(byte, b'-' | b'+' | b'|' | b':' | b' ' | b'=' | b'\r'))
        && find::contains(line, b"---")
}

fn push(text: &[u8], start: usize, end: usize, kind: Kind, found: &mut Vec<Assigned>) {
    let value = &text[start..end];
    let start = start + usize::from(value.starts_with(b"`"));
    let end = end - usize::from(value.len() > 1 && value.ends_with(b"`"));
    if start < end && is_secret(kind, Style::Literal, &text[start..end]) {
        found.push(Assigned { start, end, kind });
    }
}
