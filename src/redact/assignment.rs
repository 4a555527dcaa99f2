//! Values under sensitive names in text: `"key": "value"`, `key=value`,
//! `key: value`, headers, flags, tags and calls, with any depth of escaping.

use super::format::{WORD, ends_escape, is_cut};
use super::keys::{Kind, is_screaming, kind_of};
use super::values::{Style, is_secret};

/// Where a value stands and what its name makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Assigned {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) kind: Kind,
}

const LONGEST_NAME: usize = 64;
const LONGEST_VALUE: usize = 4096;

/// Words before the credential in an `Authorization` header.
const SCHEMES: &[&[u8]] = &[
    b"Bearer",
    b"Basic",
    b"Token",
    b"Bot",
    b"ApiKey",
    b"Api-Key",
    b"Key",
    b"Digest",
    b"SSWS",
    b"GenieKey",
    b"Splunk",
    b"AWS4-HMAC-SHA256",
    b"PRIVATE-TOKEN",
    b"DPoP",
];

/// Reads an assignment whose name contains `text[at..at + length]`.
pub(super) fn read(text: &[u8], at: usize, length: usize) -> Option<Assigned> {
    let end = name_end(text, at + length)?;
    let separator = Separator::after(text, end)?;
    let start = name_start(text, at)?;
    let name = &text[start..end];
    let kind = kind_of(name).or_else(|| spaced_name(text, start, end))?;
    let flag = text[..start].ends_with(b"-");
    let style = match separator {
        Separator::Space { .. }
            if !flag && !is_sql(text, name, separator.end()) && !in_netrc(text, start) =>
        {
            return None;
        }
        Separator::Tag { .. } if !opens_tag(text, start) => return None,
        Separator::Call { .. } => Style::Argument,
        _ => Style::Bare,
    };
    let literal_name = style == Style::Bare
        && (is_screaming(name) || in_connection_string(text, start) || in_netrc(text, start));
    Value::read(text, separator, kind, literal_name)?.judge(text, kind, style, literal_name)
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

/// `API key: …`: the word before may qualify the name.
fn spaced_name(text: &[u8], start: usize, end: usize) -> Option<Kind> {
    let before = start.checked_sub(1).filter(|index| text[*index] == b' ')?;
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

/// What stands between a name and its value; `end` is where the value begins.
#[derive(Clone, Copy, Debug)]
enum Separator {
    Equals { end: usize },
    Colon { end: usize },
    Space { end: usize },
    Call { end: usize },
    Tag { end: usize },
}

impl Separator {
    const fn end(self) -> usize {
        match self {
            Self::Equals { end }
            | Self::Colon { end }
            | Self::Space { end }
            | Self::Call { end }
            | Self::Tag { end } => end,
        }
    }

    fn after(text: &[u8], name_end: usize) -> Option<Self> {
        let mut at = name_end;
        // Closing quotes of any escaping, an index bracket, markdown emphasis.
        at += count(text, at, 6, |byte| {
            matches!(byte, b'"' | b'\'' | b'`' | b'\\' | b']' | b'*')
        });
        let closed = at > name_end;
        let spaces = count(text, at, 16, |byte| matches!(byte, b' ' | b'\t'));
        let after_spaces = at + spaces;
        let rest = &text[after_spaces..];
        let skip = |length: usize| {
            let at = after_spaces + length;
            at + count(text, at, 16, |byte| matches!(byte, b' ' | b'\t' | b'*'))
        };
        match rest {
            [b':', b':', ..] => None,
            [b':', b'=', ..] | [b'=', b'>', ..] | [b'!', b'=', ..] | [b'?', b'=', ..] => {
                Some(Self::Equals {
                    end: skip(2 + count(rest, 2, 1, |byte| byte == b'=')),
                })
            }
            [b'=', ..] => Some(Self::Equals {
                end: skip(count(rest, 0, 3, |byte| byte == b'=')),
            }),
            [b':', ..] => Some(Self::Colon { end: skip(1) }),
            [b',', ..] if closed => Some(Self::Call { end: skip(1) }),
            [b'(', ..] if !closed && spaces == 0 => Some(Self::Call { end: skip(1) }),
            [b'>', ..] if !closed && spaces == 0 => Some(Self::Tag { end: skip(1) }),
            _ if closed && spaces > 0 && rest.starts_with(b"value=") => {
                Some(Self::Equals { end: skip(6) })
            }
            [_, ..] if spaces > 0 && !closed => Some(Self::Space { end: after_spaces }),
            _ => None,
        }
    }
}

fn count(text: &[u8], from: usize, most: usize, wanted: impl Fn(u8) -> bool) -> usize {
    text[from..]
        .iter()
        .take(most)
        .take_while(|byte| wanted(**byte))
        .count()
}

/// `PASSWORD 'x'` of SQL.
fn is_sql(text: &[u8], name: &[u8], value: usize) -> bool {
    name.eq_ignore_ascii_case(b"password") && text.get(value) == Some(&b'\'')
}

/// `login x password y` of a `.netrc`.
fn in_netrc(text: &[u8], start: usize) -> bool {
    text[..start].ends_with(b" ")
        && line_before(text, start)
            .windows(6)
            .any(|window| window == b"login ")
}

fn opens_tag(text: &[u8], start: usize) -> bool {
    text[..start].ends_with(b"<") || text[..start].ends_with(b":")
}

/// `…;Password=…;`
fn in_connection_string(text: &[u8], start: usize) -> bool {
    text[..start].ends_with(b";") && line_before(text, start).contains(&b'=')
}

fn line_before(text: &[u8], at: usize) -> &[u8] {
    let near = &text[at.saturating_sub(200)..at];
    near.rsplit(|byte| *byte == b'\n').next().unwrap_or(near)
}

struct Value {
    start: usize,
    end: usize,
    quoted: bool,
}

impl Value {
    fn read(text: &[u8], separator: Separator, kind: Kind, literal_name: bool) -> Option<Self> {
        let at = separator.end();
        if let Some(value) = Self::quoted(text, at) {
            return value;
        }
        match separator {
            Separator::Call { .. } => None,
            Separator::Tag { .. } => {
                let length = count(text, at, LONGEST_VALUE, |byte| {
                    byte != b'<' && byte != b'\n'
                });
                Some(Self {
                    start: at,
                    end: at + length,
                    quoted: true,
                })
            }
            Separator::Colon { .. } => {
                Self::typed(text, at).unwrap_or_else(|| Self::bare(text, at, kind, literal_name))
            }
            _ => Self::bare(text, at, kind, literal_name),
        }
    }

    /// A string literal; `Some(None)` when one opens but does not close on its line.
    fn quoted(text: &[u8], at: usize) -> Option<Option<Self>> {
        let sigil = count(text, at, 2, |byte| {
            matches!(
                byte,
                b'b' | b'r' | b'f' | b'u' | b'@' | b'&' | b'$' | b'[' | b'('
            )
        });
        let opening = if is_quote(text, at) { at } else { at + sigil };
        if !is_quote(text, opening) {
            return None;
        }
        let escapes = count(text, opening, 8, |byte| byte == b'\\');
        let quote = text[opening + escapes];
        let start = opening + escapes + 1;
        let limit = text.len().min(start + LONGEST_VALUE);
        let mut end = start;
        while end < limit {
            let byte = text[end];
            if byte == b'\n' {
                return Some(None);
            }
            if byte == b'\\' {
                let run = count(text, end, 16, |byte| byte == b'\\');
                let closes = escapes > 0 && run <= escapes && text.get(end + run) == Some(&quote);
                if closes {
                    return Some(Some(Self {
                        start,
                        end,
                        quoted: true,
                    }));
                }
                // A shallower escape than the quote's own ends the string that holds this one.
                end += run + usize::from(run % 2 == 1);
                continue;
            }
            if byte == quote {
                return Some(Some(Self {
                    start,
                    end,
                    quoted: true,
                }));
            }
            end += 1;
        }
        let end = end.min(text.len());
        Some((end == text.len()).then_some(Self {
            start,
            end,
            quoted: true,
        }))
    }

    /// `password: string = "…"`: past the type, to the literal.
    fn typed(text: &[u8], at: usize) -> Option<Option<Self>> {
        let length = count(text, at, 32, |byte| {
            WORD.has(byte) || matches!(byte, b' ' | b'&' | b'<' | b'>' | b'?' | b'|' | b'\'')
        });
        let after = at + length;
        if length == 0 || text.get(after) != Some(&b'=') {
            return None;
        }
        let value = after + 1 + count(text, after + 1, 4, |byte| byte == b' ');
        is_quote(text, value)
            .then(|| Self::quoted(text, value))
            .flatten()
    }

    fn bare(text: &[u8], start: usize, kind: Kind, literal_name: bool) -> Option<Self> {
        let to_line_end = matches!(kind, Kind::Cookie | Kind::Authorization);
        let ends = |byte: u8| match byte {
            b'"' | b'\'' | b'`' | b'\\' | b'\n' | b'\r' | b'<' => true,
            b' ' | b'\t' | b';' | b'&' => !to_line_end,
            b',' | b')' | b']' | b'}' => !to_line_end && !literal_name,
            _ => false,
        };
        let mut end = start + count(text, start, LONGEST_VALUE, |byte| !ends(byte));
        while end > start
            && matches!(
                text[end - 1],
                b',' | b';' | b')' | b']' | b'}' | b'.' | b' ' | b'|' | b':'
            )
        {
            end -= 1;
        }
        // An ellipsis says that the rest was left out.
        (end > start).then_some(Self {
            start,
            end,
            quoted: false,
        })
    }

    fn judge(
        mut self,
        text: &[u8],
        kind: Kind,
        style: Style,
        literal_name: bool,
    ) -> Option<Assigned> {
        let style = match style {
            Style::Bare if self.quoted || literal_name => Style::Literal,
            other => other,
        };
        let mut kind = kind;
        if let Some(length) = scheme_length(&text[self.start..self.end]) {
            self.start += length;
            self.end = self.start
                + count(text, self.start, self.end - self.start, |byte| {
                    byte != b' ' || kind == Kind::Cookie
                });
            kind = Kind::Authorization;
        }
        let value = &text[self.start..self.end];
        let style = if kind == Kind::Authorization && style == Style::Bare {
            Style::Literal
        } else {
            style
        };
        let whole = style == Style::Literal || !is_cut(&text[self.end..]) || self.end == text.len();
        (whole && is_secret(kind, style, value)).then_some(Assigned {
            start: self.start,
            end: self.end,
            kind,
        })
    }
}

fn is_quote(text: &[u8], at: usize) -> bool {
    let escapes = count(text, at, 8, |byte| byte == b'\\');
    matches!(text.get(at + escapes), Some(b'"' | b'\'' | b'`'))
}

/// The length of an authentication scheme and the spaces after it.
pub(super) fn scheme_length(value: &[u8]) -> Option<usize> {
    let scheme = SCHEMES.iter().find(|scheme| {
        value.len() > scheme.len() && value[..scheme.len()].eq_ignore_ascii_case(scheme)
    })?;
    let spaces = count(value, scheme.len(), 4, |byte| byte == b' ');
    (spaces > 0).then_some(scheme.len() + spaces)
}
