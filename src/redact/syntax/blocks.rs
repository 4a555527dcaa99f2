//! Values on the lines below their names: block scalars of YAML, and the data of a Kubernetes
//! Secret.

use std::sync::LazyLock;

use memchr::memmem::{Finder, FinderRev};

use super::assigned::Assigned;
use super::literal::Literal;
use super::prose::is_password_of_sentence;
use crate::redact::names::Name;
use crate::redact::names::keys::{Kind, is_screaming};
use crate::redact::text::lines;
use crate::redact::text::separator::{CLOSED, blanks, count};
use crate::redact::text::words::Words;
use crate::redact::values::random::is_machine_made;
use crate::redact::values::{Style, has_three_sorts, is_documented, is_secret};

const LONGEST_BLOCK: usize = 8192;

/// The secret on a line below a name.
pub(crate) fn read(text: &[u8], name: Name) -> Option<Assigned> {
    // Every such notation has a colon or the end of the line near.
    const NEAR: usize = 50;
    memchr::memchr2(
        b':',
        b'\n',
        &text[name.end..text.len().min(name.end + NEAR)],
    )?;
    scalar(text, name)
        .or_else(|| below(text, name))
        .or_else(|| default(text, name))
        .or_else(|| announced(text, name))
        .or_else(|| printed(text, name))
}

/// The block scalar after `password: |` or `>-`.
fn scalar(text: &[u8], name: Name) -> Option<Assigned> {
    let rest = text[name.end..].strip_prefix(b":")?;
    let sign = name.end + 1 + blanks(text, name.end + 1, 8);
    if !matches!(text.get(sign), Some(b'|' | b'>')) || rest.is_empty() {
        return None;
    }
    let header = sign
        + 1
        + count(text, sign + 1, 3, |byte| {
            matches!(byte, b'-' | b'+' | b' ') || byte.is_ascii_digit()
        });
    if text.get(header) != Some(&b'\n') {
        return None;
    }
    // Code is no block scalar.
    let kind = match name.kind? {
        Kind::BareToken => Kind::Token,
        kind => kind,
    };
    let indent = indent_of(name.head(text));
    let (start, end) = indented(text, header + 1, indent)?;
    let block = &text[start..end];
    let first = block.split(|byte| *byte == b'\n').next()?;
    // More than one word on a line is a description.
    let single = !first.trim_ascii().contains(&b' ');
    (single && is_secret(kind, Style::Literal, first.trim_ascii_end())).then_some(Assigned {
        start,
        end,
        kind,
    })
}

/// The secret on the next line: `- --password` and `- …`, or `NAME:` and `value: …`.
fn below(text: &[u8], name: Name) -> Option<Assigned> {
    let kind = name.kind.filter(|it| is_documented(*it))?;
    let flag = text[..name.start].ends_with(b"--");
    let closed = name.end
        + count(text, name.end, 2, |byte| {
            matches!(byte, b'"' | b'\'' | b':')
        });
    let line = closed + blanks(text, closed, 8);
    if text.get(line) != Some(&b'\n') {
        return None;
    }
    let indented = line + 1 + blanks(text, line + 1, 64);
    let field: &[u8] = if flag { b"- " } else { b"value: " };
    let named = flag || text.get(name.end) == Some(&b':') && is_screaming(name.of(text));
    let value = indented + field.len();
    if !named || !text[indented..].starts_with(field) {
        return None;
    }
    let (start, end) = match Literal::read(text, value) {
        Literal::Whole(start, end) => (start, end),
        Literal::Open => return None,
        Literal::None => {
            let length = count(text, value, 256, |byte| !byte.is_ascii_whitespace());
            (value, value + length)
        }
    };
    let plain = !text[start..end].starts_with(b"-");
    (plain && is_secret(kind, Style::Literal, &text[start..end])).then_some(Assigned {
        start,
        end,
        kind,
    })
}

/// The secret that a program prints below an announcement: `… the following password:`.
fn announced(text: &[u8], name: Name) -> Option<Assigned> {
    let kind = name.kind.filter(|it| is_documented(*it))?;
    // `… password to proceed:`
    let words = count(text, name.end, 32, |byte| {
        byte.is_ascii_alphanumeric() || byte == b' '
    });
    let colon = name.end + words;
    let rest = text[colon..].strip_prefix(b":")?;
    let lines = count(rest, 0, 8, |byte| byte.is_ascii_whitespace());
    if !rest[..lines].contains(&b'\n') {
        return None;
    }
    let start = colon + 1 + lines;
    let length = count(text, start, 256, |byte| !byte.is_ascii_whitespace());
    let value = &text[start..start + length];
    let made = is_machine_made(value) || value.len() >= 8 && has_three_sorts(value);
    let plain = !matches!(
        value,
        [b'-' | b'#' | b'<' | b'"' | b'\'', ..] | [.., b':' | b',' | b'{']
    );
    (made && plain && lines::is_pair(text, start) && is_secret(kind, Style::Literal, value))
        .then_some(Assigned {
            start,
            end: start + length,
            kind,
        })
}

/// The secret printed by a command that asked for this name: `$ printenv NAME`.
fn printed(text: &[u8], name: Name) -> Option<Assigned> {
    static PRINTERS: Words = Words::exact(&[
        b"printenv",
        b"get",
        b"output",
        b"read",
        b"show",
        b"GET",
        b"reveal",
        b"find-generic-password",
    ]);
    let kind = name.kind.filter(|it| is_documented(*it))?;
    let closed = name.end + count(text, name.end, 1, |byte| byte == b'"');
    let rest = count(text, closed, 48, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'/' | b'-' | b'_' | b'.')
    });
    let (last, closed) = (rest == 0, closed + rest);
    if text.get(closed) != Some(&b'\n') {
        return None;
    }
    let head = name.head(text);
    let numbered = last && head.ends_with(b"1) \"");
    let asked = numbered
        || matches!(head, [b'$' | b'#' | b'%', b' ', ..])
            && head
                .split(|byte| *byte == b' ')
                .any(|it| PRINTERS.contain(it));
    let number: &[u8] = if numbered { b"2) \"" } else { b"" };
    let value = text[closed + 1..].strip_prefix(number).filter(|_| asked)?;
    let start = closed + 1 + number.len();
    let length = count(value, 0, 256, |byte| {
        !byte.is_ascii_whitespace() && byte != b'"'
    });
    let alone = numbered || lines::is_pair(text, start);
    let secret = length >= 6 && is_secret(Kind::Password, Style::Literal, &value[..length]);
    let telling = last || numbered || is_password_of_sentence(&value[..length]);
    (alone && secret && telling).then_some(Assigned {
        start,
        end: start + length,
        kind,
    })
}

/// The default in the block below a name, as in templates and schemas: `Default: …`.
fn default(text: &[u8], name: Name) -> Option<Assigned> {
    const NEAR: usize = 400;
    let kind = name.kind.filter(|it| is_documented(*it))?;
    let rest = text[name.end..].strip_prefix(b":\n")?;
    let indent = indent_of(name.head(text));
    let from = name.end + 2;
    let (mut at, limit) = (from, from + rest.len().min(NEAR));
    while at < limit {
        let line = memchr::memchr(b'\n', &text[at..limit]).map_or(limit, |length| at + length);
        let field = at + blanks(text, at, line - at);
        if field - at <= indent {
            return None;
        }
        let named = [&b"Default: "[..], b"default: "]
            .into_iter()
            .find(|it| text[field..line].starts_with(it));
        if let Some(named) = named {
            let start = field + named.len();
            let (start, end) = match Literal::read(text, start) {
                Literal::Whole(start, end) => (start, end),
                _ => (start, line - usize::from(text[..line].ends_with(b"\r"))),
            };
            return is_secret(kind, Style::Literal, &text[start..end]).then_some(Assigned {
                start,
                end,
                kind,
            });
        }
        at = line + 1;
    }
    None
}

/// Indentation before a name in bytes. The dash of a list counts.
fn indent_of(head: &[u8]) -> usize {
    count(head, 0, head.len(), |byte| matches!(byte, b' ' | b'-'))
}

/// The lines indented deeper than `indent`, without surrounding blanks.
fn indented(text: &[u8], from: usize, indent: usize) -> Option<(usize, usize)> {
    let limit = text.len().min(from + LONGEST_BLOCK);
    let (mut at, mut start, mut end) = (from, None, from);
    while at < limit {
        let line = memchr::memchr(b'\n', &text[at..limit]).map_or(limit, |length| at + length);
        let content = text[at..line].trim_ascii();
        if !content.is_empty() {
            let blanks = blanks(text, at, LONGEST_BLOCK);
            if blanks <= indent {
                break;
            }
            start.get_or_insert(at + blanks);
            end = at + text[at..line].trim_ascii_end().len();
        }
        at = line + 1;
    }
    start.map(|start| (start, end))
}

/// The values under `data` and `stringData` of a Kubernetes object whose kind, `Secret`, is at
/// `at`.
pub(crate) fn kubernetes_secret(text: &[u8], at: usize, floor: usize) -> Vec<Assigned> {
    let Some(at) = secret_kind(text, at) else {
        return Vec::new();
    };
    let (from, to) = document(text, at, floor);
    let mut found = Vec::new();
    for section in ["stringData", "data"] {
        let mut position = from;
        while let Some(offset) = memchr::memmem::find(&text[position..to], section.as_bytes()) {
            let end = position + offset + section.len();
            let named = !lines::before(text, position + offset)
                .last()
                .is_some_and(u8::is_ascii_alphanumeric);
            if named {
                entries(text, end, to, &mut found);
            }
            position = end;
        }
    }
    found.sort_unstable_by_key(|it| it.start);
    found.dedup_by_key(|it| it.start);
    found
}

/// The beginning of `kind: Secret`, if the word at `at` belongs to it.
fn secret_kind(text: &[u8], at: usize) -> Option<usize> {
    let before = &text[at.saturating_sub(CLOSED + 16)..at];
    let joint = before
        .iter()
        .rev()
        .take_while(|byte| matches!(byte, b'"' | b'\'' | b'\\' | b':' | b' '))
        .count();
    let field = &before[..before.len() - joint];
    let assigned = field.ends_with(b"kind") && before[field.len()..].contains(&b':');
    let goes_on = text
        .get(at + b"Secret".len())
        .is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'.' | b'-'));
    (assigned && !goes_on).then(|| at - joint - b"kind".len())
}

/// The next `kind`. It is often near, and preparing a searcher would cost more than the search.
static KINDS_BEFORE: LazyLock<FinderRev> = LazyLock::new(|| FinderRev::new(b"kind"));
static KINDS_BEHIND: LazyLock<Finder> = LazyLock::new(|| Finder::new(b"kind"));

/// The document around the `kind` at `at`, within limits.
fn document(text: &[u8], at: usize, floor: usize) -> (usize, usize) {
    const FAR: usize = 16 << 10;
    const RULE: &[u8] = b"\n---";
    let mut from = at.saturating_sub(FAR).max(floor);
    let mut to = text.len().min(at + FAR);
    // Another `kind` belongs to another object. It comes first, since it may be near.
    let is_kind = |found: usize| {
        let ends = matches!(text.get(found + 4), Some(b':' | b'"' | b'\\'));
        let begins = found == 0 || matches!(text[found - 1], b'\n' | b'"' | b' ');
        ends && begins
    };
    let mut before = KINDS_BEFORE.rfind_iter(&text[from..at]);
    if let Some(found) = before.find(|found| is_kind(from + found)) {
        from += found + b"kind".len();
    }
    let after = at + b"kind".len();
    let mut behind = KINDS_BEHIND.find_iter(&text[after..to]);
    if let Some(found) = behind.find(|found| is_kind(after + found)) {
        to = after + found;
    }
    if let Some(found) = memchr::memmem::rfind(&text[from..at], RULE) {
        from += found;
    }
    if let Some(found) = memchr::memmem::find(&text[after..to], RULE) {
        to = after + found;
    }
    (from, to)
}

/// The values of the section whose name ends at `from`.
fn entries(text: &[u8], from: usize, to: usize, found: &mut Vec<Assigned>) {
    let joint = count(text, from, CLOSED, |byte| {
        matches!(byte, b'"' | b'\\' | b':' | b' ')
    });
    let at = from + joint;
    match text.get(at) {
        Some(b'{') => json_entries(text, at, to, found),
        Some(b'\n') => {
            let line = lines::before(text, from);
            let indent = count(line, 0, line.len(), |byte| byte == b' ');
            if let Some((start, end)) = indented(text, at + 1, indent) {
                yaml_entries(text, start, end.min(to), found);
            }
        }
        _ => {}
    }
}

fn json_entries(text: &[u8], at: usize, to: usize, found: &mut Vec<Assigned>) {
    let length = memchr::memchr(b'}', &text[at..to]).unwrap_or(to - at);
    let strings = text[at..at + length].split(|byte| *byte == b'"');
    let mut start = at;
    // Between quotes, names and values alternate.
    for (index, part) in strings.enumerate() {
        let end = start + part.len();
        let value = &text[start..end - usize::from(part.ends_with(b"\\"))];
        if index % 4 == 3 {
            push(text, start, start + value.len(), found);
        }
        start = end + 1;
    }
}

fn yaml_entries(text: &[u8], from: usize, to: usize, found: &mut Vec<Assigned>) {
    let mut at = from;
    while at < to {
        let line = memchr::memchr(b'\n', &text[at..to]).map_or(to, |length| at + length);
        let entry = &text[at..line];
        if let Some(colon) = memchr::memchr(b':', entry)
            && !entry[colon..].ends_with(b"|")
            && !entry[colon..].ends_with(b"-")
        {
            let value = at + colon + 1;
            let quotes = count(text, value, 8, |byte| matches!(byte, b' ' | b'"' | b'\''));
            let end = at + entry.trim_ascii_end().len();
            let end = end - usize::from(matches!(text[end - 1], b'"' | b'\''));
            push(text, value + quotes, end, found);
        } else if !entry.contains(&b':') {
            let start = at + blanks(text, at, 64);
            push(text, start, at + entry.trim_ascii_end().len(), found);
        }
        at = line + 1;
    }
}

fn push(text: &[u8], start: usize, end: usize, found: &mut Vec<Assigned>) {
    let kind = Kind::Secret;
    if start < end && is_secret(kind, Style::Json, &text[start..end]) {
        found.push(Assigned { start, end, kind });
    }
}
