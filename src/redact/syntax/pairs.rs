//! A name and its value in two fields, elements or lines:
//! `{"name": "DB_PASSWORD", "value": "…"}` and its forms in YAML, XML and settings of services.

use super::assigned::{Assigned, settle};
use super::literal::Literal;
use super::structures::Span;
use crate::redact::names::Name;
use crate::redact::names::keys::{Kind, kind_of};
use crate::redact::text::find;
use crate::redact::text::format::{WORD, run_length_back};
use crate::redact::text::separator::{CLOSED, blanks, count};
use crate::redact::text::words::Words;
use crate::redact::text::work;
use crate::redact::values::Style;

/// Fields with the name of a setting. In small letters.
static NAMES: Words = Words::of_any_case(&[
    b"name",
    b"key",
    b"parameterkey",
    b"optionname",
    b"variable",
    b"varname",
    b"field",
    b"element",
    b"selector",
    b"header",
    b"envvar",
    b"label",
    b"type",
    b"kind",
    b"id",
    b"fieldtype",
    b"input_type",
    b"inputtype",
]);
/// Fields with the value of a setting. In small letters.
static VALUES: Words = Words::of_any_case(&[
    b"value",
    b"val",
    b"parametervalue",
    b"string",
    b"default",
    b"defaultvalue",
    b"text",
    b"content",
    b"stringvalue",
    b"secretvalue",
    b"fieldvalue",
    b"input_value",
    b"inputvalue",
]);
const LONGEST_NAME: usize = 64;
/// Bytes between the two, at most. Other fields may lie between.
const LONGEST_DISTANCE: usize = 256;

/// Whether a field holds the name of a setting.
pub(crate) fn names(field: &str) -> bool {
    NAMES.contain(field.as_bytes())
}

/// Fields with the kind of a value, not its name.
static KINDS: Words = Words::of_any_case(&[
    b"type",
    b"kind",
    b"id",
    b"fieldtype",
    b"input_type",
    b"inputtype",
]);

/// The kind that a field with a name announces for the value beside it.
///
/// The kind `token` announces nothing: such values often come from a parser.
pub(crate) fn announced(field: &[u8], name: &[u8]) -> Option<Kind> {
    if name.eq_ignore_ascii_case(b"concealed") || name.eq_ignore_ascii_case(b"securestring") {
        return KINDS.contain(field).then_some(Kind::Password);
    }
    kind_of(name).filter(|kind| *kind != Kind::BareToken || !KINDS.contain(field))
}

/// Whether a field holds the value of a setting.
pub(crate) fn holds_value(field: &str) -> bool {
    VALUES.contain(field.as_bytes()) && field != "string"
}

/// The secret that belongs to a name in a field of its own.
pub(crate) fn read(text: &[u8], name: Name) -> Option<Assigned> {
    if !matches!(
        text[..name.start].last()?,
        b'"' | b'\'' | b'>' | b' ' | b'=' | b':' | b'.' | b'-' | b'/' | b'#' | b'_'
    ) {
        return None;
    }
    let start = start_of_name(text, name.start);
    let field = Field::before(text, start)?;
    let end = name.end
        + count(text, name.end, 16, |byte| {
            WORD.has(byte) || matches!(byte, b' ' | b'[' | b']')
        });
    let named = text[start..end].trim_ascii_end();
    let announced = announced(field.word, named);
    let is_kind = announced.is_none();
    let kind = announced.or_else(|| kind_of(named))?;
    field
        .value_after(text, start + named.len())
        .or_else(|| field.value_before(text))
        .and_then(|(start, end, style)| {
            // Translations of Android.
            let style = match style {
                _ if field.is_translated && kind == Kind::Password => Style::Argument,
                Style::Json if is_kind => Style::Literal,
                style => style,
            };
            settle(text, start, end, kind, style)
        })
}

/// The beginning of the whole name: `app.db.` before `password`, and in quotes `API ` before `Key`.
fn start_of_name(text: &[u8], at: usize) -> usize {
    let near = &text[at.saturating_sub(LONGEST_NAME + 1)..at];
    let in_word = |byte: &u8| WORD.has(*byte) || matches!(byte, b'.' | b'-' | b'/' | b'#');
    let word = near
        .iter()
        .rev()
        .take(LONGEST_NAME)
        .take_while(|it| in_word(it))
        .count();
    // Most names have no quote near, which is cheap to find out.
    let words = memchr::memrchr(b'"', &near[..near.len() - word])
        .map(|quote| &near[quote + 1..])
        .filter(|words| words.iter().all(|byte| in_word(byte) || *byte == b' '));
    at - words.map_or(word, <[u8]>::len)
}

/// The field whose value is the name of a setting.
struct Field<'t> {
    start: usize,
    /// The name of the field, with a prefix as in `env_name`.
    word: &'t [u8],
    in_tag: bool,
    is_translated: bool,
}

impl<'t> Field<'t> {
    /// The field whose value begins at `value`.
    fn before(text: &'t [u8], value: usize) -> Option<Self> {
        let near = &text[value.saturating_sub(CLOSED + 40)..value];
        let joint = near
            .iter()
            .rev()
            .take_while(|byte| matches!(byte, b' ' | b'"' | b'\'' | b'\\' | b':' | b'=' | b'>'))
            .count();
        let joined = &near[near.len() - joint..];
        if !joined
            .iter()
            .any(|byte| matches!(byte, b':' | b'=' | b'>' | b'"'))
        {
            return None;
        }
        let word = near[..near.len() - joint]
            .iter()
            .rev()
            .take_while(|byte| byte.is_ascii_alphabetic())
            .count();
        let field = &near[near.len() - joint - word..near.len() - joint];
        let separated = joined.iter().any(|byte| matches!(byte, b':' | b'=' | b'>'))
            || field == b"variable" && joined.ends_with(b"\"");
        let start = value - joint - word;
        (separated && NAMES.contain(field)).then(|| {
            let line = &text[start.saturating_sub(80)..start];
            let tag = line
                .iter()
                .rposition(|byte| matches!(byte, b'<' | b'>' | b'\n'))
                .filter(|at| line[*at] == b'<');
            let before = run_length_back(WORD, &text[..start], LONGEST_NAME);
            Self {
                start,
                word: &text[start - before..start + word],
                in_tag: tag.is_some() && joined[0] == b'=',
                is_translated: tag.is_some_and(|at| line[at..].starts_with(b"<string ")),
            }
        })
    }

    /// The value after a name that ends at `from`.
    fn value_after(&self, text: &[u8], from: usize) -> Option<(usize, usize, Style)> {
        let limit = text.len().min(from + LONGEST_DISTANCE);
        let mut at = from;
        while at < limit {
            work::add(1);
            match text[at] {
                b'}' | b']' => return None,
                b'\n' if text[at + 1 + blanks(text, at + 1, 32)..].starts_with(b"- ") => {
                    return None;
                }
                b'>' if self.in_tag && text[at - 1] != b'/' => {
                    if let Some((start, end)) = content(text, at + 1) {
                        return Some((start, end, Style::Literal));
                    }
                    at += 1;
                }
                b'/' if self.in_tag && text.get(at + 1) == Some(&b'>') => return None,
                byte if byte.is_ascii_alphabetic() => {
                    let word = count(text, at, LONGEST_NAME, |byte| WORD.has(byte));
                    // The same field again belongs to another object.
                    if &text[at..at + word] == self.word && text[at - 1] != b'/' {
                        return None;
                    }
                    if VALUES.contain(&text[at..at + word])
                        && let Some(found) = value_of(text, at + word)
                    {
                        return Some(found);
                    }
                    at += word.max(1);
                }
                _ => at += 1,
            }
        }
        None
    }

    /// The value of the field before this one in the same object.
    fn value_before(&self, text: &[u8]) -> Option<(usize, usize, Style)> {
        let from = self.start.saturating_sub(LONGEST_DISTANCE);
        let near = &text[from..self.start];
        let object = memchr::memrchr3(b'{', b'}', b'<', near)
            .or_else(|| find::rfind(near, b"- value:"))
            .or_else(|| (from == 0).then(|| find::rfind(near, b"\"value\":"))?)?;
        let value = object + find::find(&near[object..], b"alue")?;
        let (start, end, style) = value_of(text, from + value + b"alue".len())?;
        (end < self.start).then_some((start, end, style))
    }
}

/// A field that only cookies have.
pub(crate) const COOKIE_FIELDS: &[&str] = &["httpOnly", "HttpOnly"];

/// Texts that mark the value in the same object as a secret.
pub(crate) const CONFESSIONS: &[&str] = &[
    "SecureString\"",
    "CONCEALED\"",
    "sensitive\": true",
    "sensitive\":true",
    "ecret\": true",
    "ecret\":true",
];

/// Fields that mark the value beside them as a secret.
pub(crate) const CONFESSING_FIELDS: &[&str] = &["sensitive", "secret", "isSecret", "is_secret"];

/// The value of the object in which a field such as `httpOnly` ends at `at`.
pub(crate) fn confessed(text: &[u8], at: usize) -> Option<Span> {
    let from = at.saturating_sub(LONGEST_DISTANCE);
    // A text that is cut off may begin after the brace.
    let brace = text[from..at].iter().rposition(|byte| *byte == b'{');
    let opens = from + brace.or((from == 0).then_some(0))?;
    let rest = &text[at..text.len().min(at + LONGEST_DISTANCE)];
    let length = memchr::memchr(b'}', rest);
    let cut = if brace.is_none() { rest.len() } else { 0 };
    let object = &text[opens..at + length.unwrap_or(cut)];
    let field = find::find(object, b"alue\"").or_else(|| find::find(object, b"alue "))?;
    let value = opens + field + b"alue".len();
    let (start, end, _) = value_of(text, value)?;
    settle(text, start, end, Kind::Secret, Style::Json).map(|it| (it.start, it.end))
}

/// The value of a field whose name ends at `from`.
fn value_of(text: &[u8], from: usize) -> Option<(usize, usize, Style)> {
    let closed = from
        + count(text, from, CLOSED, |byte| {
            matches!(byte, b'\\' | b'"' | b'\'')
        });
    let separator = closed + blanks(text, closed, 16);
    let at = separator + 1;
    let at = at + blanks(text, at, 16);
    match text.get(separator)? {
        b'>' => content(text, separator + 1).map(|(start, end)| (start, end, Style::Literal)),
        b':' | b'=' => match Literal::read(text, at) {
            Literal::Whole(start, end) => {
                let json = text[from..closed].ends_with(b"\"") && text[separator] == b':';
                Some((start, end, if json { Style::Json } else { Style::Literal }))
            }
            Literal::Open => None,
            Literal::None => {
                let end = at
                    + count(text, at, LONGEST_DISTANCE, |byte| {
                        !byte.is_ascii_whitespace()
                            && !matches!(byte, b',' | b'"' | b'\'' | b'}' | b'<')
                    });
                let plain = matches!(text.get(at), Some(byte) if !matches!(byte, b'|' | b'>' | b'{' | b'[' | b'(' | b'&' | b'*'));
                (plain && end > at && !text[at..end].contains(&b'(')).then_some((
                    at,
                    end,
                    Style::Literal,
                ))
            }
        },
        _ => None,
    }
}

/// The text of an element, also over lines.
fn content(text: &[u8], from: usize) -> Option<(usize, usize)> {
    let start = from + count(text, from, 64, |byte| byte.is_ascii_whitespace());
    let length = count(text, start, 2048, |byte| {
        !matches!(byte, b'<' | b'\n' | b'"')
    });
    let end = start + text[start..start + length].trim_ascii_end().len();
    let closing = end + count(text, end, 64, |byte| byte.is_ascii_whitespace());
    (end > start && text[closing..].starts_with(b"</")).then_some((start, end))
}
