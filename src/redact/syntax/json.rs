//! Numbers, lists and objects under sensitive names, in JSON inside text.

use super::assigned::Assigned;
use crate::redact::mark;
use crate::redact::names::Name;
use crate::redact::names::keys::Kind;
use crate::redact::text::separator::{Separator, count, escapes_at};
use crate::redact::values::{Style, is_documented, is_secret};

const LONGEST: usize = 8192;
const DEEPEST: usize = 32;

/// The secrets in a number, list or object of JSON under a name, and the position up to which the
/// text was read.
///
pub(crate) fn values(text: &[u8], name: Name) -> Option<(Vec<Assigned>, usize)> {
    let escapes = name.json_escapes(text)?;
    let Separator::Colon { end } = Separator::after(text, name.end)? else {
        return None;
    };
    let opens = *text.get(end)?;
    if !matches!(opens, b'{' | b'[' | b'-' | b'0'..=b'9') {
        return None;
    }
    if text[end..].starts_with(mark::ANCHOR.as_bytes()) {
        return None;
    }
    let kind = name.kind.filter(|kind| is_documented(*kind))?;
    if matches!(opens, b'{' | b'[') {
        return Some(Leaves::new(text, escapes, kind).read(end));
    }
    let number = number(text, end)?;
    let assigned = Assigned {
        start: end,
        end: number,
        kind,
    };
    Some((vec![assigned], number))
}

/// The end of a number that is a whole value.
fn number(text: &[u8], at: usize) -> Option<usize> {
    let end = at
        + count(text, at, 40, |byte| {
            byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b'e' | b'E' | b'+')
        });
    let ended = matches!(
        text.get(end),
        None | Some(b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\\' | b'\t')
    );
    (end > at && text[at..end].iter().any(u8::is_ascii_digit) && ended).then_some(end)
}

/// The quote with its escapes that a mark needs in place of the number at `start..end`, if that is
/// a value of JSON in a field or a list.
pub(crate) fn quote_of_number(text: &str, start: usize, end: usize) -> Option<&str> {
    const LONGEST_LIST: usize = 256;
    let in_number = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
    let bytes = text.as_bytes();
    if !bytes[start..end].iter().all(in_number) {
        return None;
    }
    let near = &bytes[start.saturating_sub(LONGEST_LIST)..start];
    let in_list =
        |byte: &u8| in_number(byte) || byte.is_ascii_whitespace() || matches!(byte, b',' | b'[');
    let list = near.iter().rev().take_while(|byte| in_list(byte)).count();
    let field = near[..near.len() - list]
        .strip_suffix(b":")?
        .trim_ascii_end();
    let name = field.strip_suffix(b"\"")?;
    let escapes = name.iter().rev().take_while(|byte| **byte == b'\\').count();
    let quote = start - near.len() + name.len();
    text.get(quote - escapes..=quote)
}

/// The strings and numbers in a list or an object.
struct Leaves<'t> {
    text: &'t [u8],
    escapes: usize,
    kind: Kind,
    found: Vec<Assigned>,
    /// The names in `found` whose values are values even if the object is a schema.
    held: Vec<Assigned>,
    /// The last string, which may be the name of a field.
    last: Option<(usize, usize)>,
    /// Whether the object is a schema, marked by fields such as `"type": "string"`.
    describes: bool,
}

impl<'t> Leaves<'t> {
    const fn new(text: &'t [u8], escapes: usize, kind: Kind) -> Self {
        Self {
            text,
            escapes,
            kind,
            found: Vec::new(),
            held: Vec::new(),
            last: None,
            describes: false,
        }
    }

    fn read(mut self, from: usize) -> (Vec<Assigned>, usize) {
        let limit = self.text.len().min(from + LONGEST);
        let (mut at, mut depth) = (from, 0_usize);
        let mut field: Option<(usize, usize)> = None;
        while at < limit {
            match self.text[at] {
                b'[' if let Some(end) = mark::end_of_mark(self.text, at) => at = end - 1,
                b'{' | b'[' => {
                    depth += 1;
                    field = None;
                }
                b'}' | b']' => {
                    self.settle(field);
                    depth -= 1;
                }
                b',' => {
                    self.settle(field.take());
                }
                b':' => field = self.last.take(),
                b'"' | b'\\' => {
                    if let Some((start, end)) = self.string(at, limit) {
                        self.last = Some((start, end));
                        at = end;
                    } else {
                        at += escapes_at(self.text, at);
                    }
                }
                b'-' | b'0'..=b'9' => {
                    if let Some(end) = number(self.text, at) {
                        self.push(at, end);
                        at = end - 1;
                    }
                }
                _ => {}
            }
            at += 1;
            if depth == 0 || depth > DEEPEST {
                break;
            }
        }
        self.settle(field);
        if self.describes {
            self.found = self.held;
        }
        (self.found, at)
    }

    /// Start and end of the text in the quotes that open at `at`.
    fn string(&self, at: usize, limit: usize) -> Option<(usize, usize)> {
        let escapes = escapes_at(self.text, at);
        if escapes != self.escapes || self.text.get(at + escapes) != Some(&b'"') {
            return None;
        }
        let start = at + escapes + 1;
        let mut end = start;
        while end < limit {
            let escapes = escapes_at(self.text, end);
            if self.text.get(end + escapes) == Some(&b'"') && escapes <= self.escapes {
                return Some((start, end + escapes));
            }
            end += if escapes > 0 { escapes + 1 } else { 1 };
        }
        Some((start, limit))
    }

    /// Takes the last string as a value.
    fn settle(&mut self, field: Option<(usize, usize)>) {
        let Some((start, end)) = self.last.take() else {
            return;
        };
        let name = field.map_or(&b""[..], |(start, end)| self.unescaped(start, end));
        let value = self.unescaped(start, end);
        if name == b"type" && is_type(value) || describes(name) {
            self.describes = true;
        }
        let end = start + value.len();
        if is_secret(self.kind, Style::Json, value) {
            self.push(start, end);
            if holds_value(name) {
                self.held.extend(self.found.last());
            }
        }
    }

    /// A string without the escapes before its closing quotes.
    fn unescaped(&self, start: usize, end: usize) -> &'t [u8] {
        &self.text[start..end.saturating_sub(self.escapes).max(start)]
    }

    fn push(&mut self, start: usize, end: usize) {
        self.found.push(Assigned {
            start,
            end,
            kind: self.kind,
        });
    }
}

/// Whether a field makes its object a schema.
fn describes(field: &[u8]) -> bool {
    matches!(
        field,
        b"description" | b"documentation" | b"shape" | b"$ref"
    )
}

/// Whether a field of a schema holds a value.
pub(crate) fn holds_value(field: &[u8]) -> bool {
    matches!(
        field,
        b"value" | b"default" | b"const" | b"example" | b"examples" | b"enum"
    )
}

/// Whether a text is the name of a type in a JSON schema.
pub(crate) fn is_type(value: &[u8]) -> bool {
    matches!(
        value,
        b"string"
            | b"number"
            | b"integer"
            | b"boolean"
            | b"array"
            | b"object"
            | b"null"
            | b"structure"
    )
}
