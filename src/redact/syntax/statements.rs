//! Rows that SQL statements insert, with a secret in a column.

use super::assigned::Assigned;
use super::literal::Literal;
use crate::redact::names::keys::{Kind, kind_of};
use crate::redact::services;
use crate::redact::text::separator::count;
use crate::redact::values::{Style, is_secret};

/// Bytes of the longest list of columns.
const LONGEST_LIST: usize = 800;
const LONGEST_STATEMENT: usize = 64 << 10;

/// The word between the columns and the rows.
pub(crate) const VALUES: &str = "values";

/// The secrets of `INSERT INTO t (…, password) VALUES (…), (…)`, whose `VALUES` is at `at`, and the
/// position up to which the text was read.
pub(crate) fn inserted(text: &[u8], at: usize) -> (Vec<Assigned>, usize) {
    let mut found = Vec::new();
    let Some(columns) = columns_before(text, at) else {
        return (found, at);
    };
    let mut end = at + VALUES.len();
    while end < at + LONGEST_STATEMENT {
        match tuple(text, end, &columns, &mut found) {
            Ok(after) => end = after,
            Err(reached) => return (found, reached),
        }
    }
    (found, end)
}

/// The kinds of the columns whose list ends right before `at`, if one of them holds secrets.
fn columns_before(text: &[u8], at: usize) -> Option<Vec<Option<Kind>>> {
    let near = text[at.saturating_sub(LONGEST_LIST)..at].trim_ascii_end();
    let list = near.strip_suffix(b")")?;
    let open = list
        .iter()
        .rposition(|byte| matches!(byte, b'(' | b')'))
        .filter(|open| list[*open] == b'(')?;
    let list = &list[open + 1..];
    let plain = list.iter().all(|byte| {
        byte.is_ascii_alphanumeric() || byte.is_ascii_whitespace() || b"_,`\"[]\\".contains(byte)
    });
    let columns = list.split(|byte| *byte == b',').map(|column| {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let from = column.iter().position(is_part)?;
        let to = column.iter().rposition(is_part)? + 1;
        let name = &column[from..to];
        kind_of(name).or_else(|| services::kind_of(name))
    });
    let columns: Vec<_> = columns.collect();
    (plain && columns.iter().any(Option::is_some)).then_some(columns)
}

/// Adds the secrets of a tuple. Returns its end, or the position up to which the text was read as
/// the error.
fn tuple(
    text: &[u8],
    from: usize,
    columns: &[Option<Kind>],
    found: &mut Vec<Assigned>,
) -> Result<usize, usize> {
    const LONGEST: usize = 4096;
    let open = from
        + count(text, from, 64, |byte| {
            byte.is_ascii_whitespace() || byte == b','
        });
    if text.get(open) != Some(&b'(') {
        return Err(open);
    }
    let limit = text.len().min(open + LONGEST);
    let (mut at, mut depth, mut column) = (open + 1, 0_usize, 0);
    while at < limit {
        match text[at] {
            b'\'' | b'"' => {
                let Literal::Whole(start, end) = Literal::read(text, at) else {
                    return Err(at);
                };
                if depth == 0
                    && let Some(Some(kind)) = columns.get(column).copied()
                    && is_secret(kind, Style::Literal, &text[start..end])
                {
                    found.push(Assigned { start, end, kind });
                }
                at = end;
            }
            b'(' => depth += 1,
            b')' if depth == 0 => return Ok(at + 1),
            b')' => depth -= 1,
            b',' if depth == 0 => column += 1,
            _ => {}
        }
        at += 1;
    }
    Err(at)
}

/// The position of the value in `SET PASSWORD FOR 'bob'@'%' = '…'`. The words after `PASSWORD`
/// begin at `from`.
pub(crate) fn set_for(text: &[u8], from: usize) -> Option<usize> {
    text[from..].starts_with(b"FOR ").then_some(())?;
    let account = count(text, from, 120, |byte| !matches!(byte, b'=' | b'\n' | b';'));
    let end = from + account;
    text[end..].starts_with(b"= '").then_some(end + 2)
}
