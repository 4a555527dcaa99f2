//! Rows that SQL statements insert: the value of a column of secrets stands in every tuple.

use super::assignment::{Assigned, Name};
use super::literal::Literal;
use super::separator::count;
use super::structures::Span;
use super::values::{Style, is_secret};

/// How far a list of columns reaches.
const LONGEST_LIST: usize = 400;
const LONGEST_STATEMENT: usize = 64 << 10;

/// The values of this column in `INSERT INTO t (…, password) VALUES (…), (…)`, and how far was read.
pub(super) fn inserted(text: &[u8], name: Name) -> Option<(Vec<Assigned>, usize)> {
    if !matches!(text.get(name.end)?, b',' | b')' | b' ' | b'`' | b'"' | b']') {
        return None;
    }
    let kind = name.kind?;
    let before = &text[name.start.saturating_sub(LONGEST_LIST)..name.start];
    let open = before
        .iter()
        .rposition(|byte| matches!(byte, b'(' | b')'))?;
    let columns = &before[open..];
    let plain = columns.iter().all(|byte| {
        byte.is_ascii_alphanumeric() || byte.is_ascii_whitespace() || b"(_,`\"[]\\".contains(byte)
    });
    if columns[0] != b'(' || !plain {
        return None;
    }
    let index = memchr::memchr_iter(b',', columns).count();
    let rest = &text[name.end..text.len().min(name.end + LONGEST_LIST)];
    let close = name.end + memchr::memchr(b')', rest)?;
    let values = close + 1 + count(text, close + 1, 64, |byte| byte.is_ascii_whitespace());
    let word = text.get(values..values + b"VALUES".len())?;
    if !word.eq_ignore_ascii_case(b"VALUES") {
        return None;
    }
    let mut at = values + b"VALUES".len();
    let mut found = Vec::new();
    loop {
        let (cell, end) = match tuple(text, at, index) {
            Ok(tuple) => tuple,
            Err(reached) => {
                at = reached;
                break;
            }
        };
        if let Some((start, end)) = cell
            && is_secret(kind, Style::Literal, &text[start..end])
        {
            found.push(Assigned { start, end, kind });
        }
        at = end;
        if at > name.end + LONGEST_STATEMENT {
            break;
        }
    }
    Some((found, at))
}

/// The literal at `index` of the tuple from `from` on, and where the tuple ends; or how far was
/// read if there is none.
fn tuple(text: &[u8], from: usize, index: usize) -> Result<(Option<Span>, usize), usize> {
    const LONGEST: usize = 4096;
    let open = from
        + count(text, from, 64, |byte| {
            byte.is_ascii_whitespace() || byte == b','
        });
    if text.get(open) != Some(&b'(') {
        return Err(open);
    }
    let limit = text.len().min(open + LONGEST);
    let (mut at, mut depth, mut column, mut cell) = (open + 1, 0_usize, 0, None);
    while at < limit {
        match text[at] {
            b'\'' | b'"' => {
                let Literal::Whole(start, end) = Literal::read(text, at) else {
                    return Err(at);
                };
                if column == index && depth == 0 {
                    cell = Some((start, end));
                }
                at = end;
            }
            b'(' => depth += 1,
            b')' if depth == 0 => return Ok((cell, at + 1)),
            b')' => depth -= 1,
            b',' if depth == 0 => column += 1,
            _ => {}
        }
        at += 1;
    }
    Err(at)
}
