//! Names that values are assigned to: their position, and the kind of value that they announce by
//! themselves or with the words around them.

pub(crate) mod keys;
mod qualifiers;

use super::text::format::{WORD, ends_escape, run_length_back};
use super::text::lines;
use super::text::separator::{ESCAPES, escapes_at};
use super::text::work;
use keys::{Kind, KnownNames, kind_of, qualifies_key};

/// Position of a name in a text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Kind of value that it announces.
    pub(crate) kind: Option<Kind>,
}

/// Bytes of the longest name.
pub(crate) const LONGEST_NAME: usize = 64;

impl Name {
    /// The name that contains `text[at..at + length]`.
    pub(crate) fn around(
        text: &[u8],
        at: usize,
        length: usize,
        known: &mut KnownNames,
    ) -> Option<Self> {
        let end = name_end(text, at + length)?;
        let start = name_start(text, at)?;
        work::add(end - start);
        let kind = known
            .kind_of(text, start, end)
            .or_else(|| spaced_kind(text, start, end))
            .or_else(|| parameter_kind(text, start, end))
            .or_else(|| nested_kind(text, start, end));
        Some(Self { start, end, kind })
    }

    pub(crate) fn of<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        &text[self.start..self.end]
    }

    /// Number of backslashes before the double quotes around a name of JSON.
    pub(crate) fn json_escapes(&self, text: &[u8]) -> Option<usize> {
        let escapes = escapes_at(text, self.end);
        let quoted = text.get(self.end + escapes) == Some(&b'"')
            && text[..self.start].ends_with(b"\"")
            && text[..self.start - 1]
                .iter()
                .rev()
                .take(ESCAPES)
                .take_while(|byte| **byte == b'\\')
                .count()
                == escapes;
        quoted.then_some(escapes)
    }

    /// The part of its line before the name.
    pub(crate) fn head<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        lines::before(text, self.start)
    }
}

/// The kind of a name together with the word before it: `API key: …`.
fn spaced_kind(text: &[u8], start: usize, end: usize) -> Option<Kind> {
    const LONGEST: usize = b"phrase".len();
    let before = start
        .checked_sub(1)
        .filter(|it| matches!(text[*it], b' ' | b'.' | b':') && end - start <= LONGEST)?;
    let length = text[..before]
        .iter()
        .rev()
        .take(16)
        .take_while(|byte| byte.is_ascii_alphabetic())
        .count();
    (length > 0)
        .then(|| kind_of(&text[before - length..end]))
        .flatten()
}

/// The kind of `key` as a parameter of an address or command: `?key=…`, `--key …`.
fn parameter_kind(text: &[u8], start: usize, end: usize) -> Option<Kind> {
    let parameter =
        matches!(text[..start].last(), Some(b'?' | b'&')) && text.get(end) == Some(&b'=');
    let flag = text[..start].ends_with(b"--");
    (&text[start..end] == b"key" && (parameter || flag)).then_some(Kind::OfService)
}

/// The kind of `key` below a section that qualifies it: `encryption:` or `"Jwt": {`.
fn nested_kind(text: &[u8], start: usize, end: usize) -> Option<Kind> {
    const LONGEST: usize = 24;
    text[start..end]
        .eq_ignore_ascii_case(b"key")
        .then_some(())?;
    let near = &text[start.saturating_sub(80)..start];
    let is_joint = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'');
    let above = near.trim_ascii_end();
    let above = above.strip_suffix(b"\"").unwrap_or(above).trim_ascii_end();
    if !near[above.len()..].contains(&b'\n') {
        return None;
    }
    let above = above.strip_suffix(b"{").unwrap_or(above).trim_ascii_end();
    let above = above.strip_suffix(b":")?;
    let parent = above.iter().rposition(|byte| !is_joint(byte))? + 1;
    let length = run_length_back(WORD, &above[..parent], LONGEST);
    qualifies_key(&above[parent - length..parent]).then_some(Kind::OfService)
}

fn is_name_byte(byte: u8) -> bool {
    WORD.has(byte) || byte == b'-'
}

fn name_end(text: &[u8], from: usize) -> Option<usize> {
    let rest = &text[from..text.len().min(from + LONGEST_NAME)];
    let mut length = rest.iter().take_while(|byte| is_name_byte(**byte)).count();
    while length > 0 && rest[length - 1] == b'-' {
        length -= 1;
    }
    (length < LONGEST_NAME).then_some(from + length)
}

fn name_start(text: &[u8], at: usize) -> Option<usize> {
    let before = &text[at.saturating_sub(LONGEST_NAME)..at];
    let length = before
        .iter()
        .rev()
        .take_while(|byte| is_name_byte(**byte))
        .count();
    if length == LONGEST_NAME {
        return None;
    }
    let mut start = at - length;
    // `\npassword`: the letter belongs to the escape.
    if start < at && start > 0 && ends_escape(text, start + 1) {
        start += 1;
    }
    while start < at && text[start] == b'-' {
        start += 1;
    }
    Some(start)
}
