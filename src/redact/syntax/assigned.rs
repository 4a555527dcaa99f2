//! Values assigned to a name: their extent, and whether they are secrets.

use super::headers;
use super::literal::{LONGEST_VALUE, Literal};
use super::phrases;
use crate::redact::mark;
use crate::redact::names::keys::{Kind, kind_of};
use crate::redact::text::find;
use crate::redact::text::format::{WORD, is_cut};
use crate::redact::text::separator::{CLOSED, Separator, blanks, count};
use crate::redact::values::{LONGEST_LOOK, Style, is_expression, is_secret};

const LONGEST_BARE_VALUE: usize = 2048;

/// Position of a secret, and the kind that its name announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Assigned {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) kind: Kind,
}

/// Manner in which a value is written.
#[derive(Clone, Copy)]
pub(crate) struct Manner {
    pub(crate) style: Style,
    /// A value without quotes is literal, not a variable.
    pub(crate) literal: bool,
    /// The argument of a flag, which is no path through objects of code.
    argument: bool,
}

impl Manner {
    pub(crate) const BARE: Self = Self::of(Style::Bare);
    pub(crate) const LITERAL: Self = Self {
        literal: true,
        ..Self::BARE
    };
    pub(crate) const ARGUMENT: Self = Self {
        argument: true,
        ..Self::LITERAL
    };

    pub(crate) const fn of(style: Style) -> Self {
        Self {
            style,
            literal: false,
            argument: false,
        }
    }
}

/// The secret at a known position, if it is one.
pub(crate) fn settle(
    text: &[u8],
    start: usize,
    end: usize,
    kind: Kind,
    style: Style,
) -> Option<Assigned> {
    Value::in_quotes(start, end).judge(text, kind, Manner::of(style))
}

pub(crate) struct Value {
    pub(crate) start: usize,
    pub(crate) end: usize,
    quoted: bool,
}

impl Value {
    const fn in_quotes(start: usize, end: usize) -> Self {
        Self {
            start,
            end,
            quoted: true,
        }
    }

    pub(crate) fn read(
        text: &[u8],
        separator: Separator,
        kind: Kind,
        manner: Manner,
    ) -> Option<Self> {
        let at = match separator {
            Separator::Call { end } if text[end..].starts_with(b"default=") => end + 8,
            other => other.end(),
        };
        let literal = match (Literal::read(text, at), separator) {
            (Literal::None, Separator::Colon { .. } | Separator::Space { .. }) => {
                Literal::after_type(text, at)
            }
            (literal, _) => literal,
        };
        match (literal, separator) {
            // `["API_KEY", "next": …`: the next string is a name itself.
            (Literal::Whole(_, end), Separator::Call { .. }) if is_key(text, end) => None,
            (Literal::Whole(start, end), _) => Some(Self::in_quotes(start, end)),
            (Literal::Open, _)
            | (Literal::None, Separator::Call { .. } | Separator::Default { .. }) => None,
            (Literal::None, Separator::Tag { .. }) => Self::in_tag(text, at),
            (Literal::None, _) => {
                if let Some(fallback) = fallback(text, at) {
                    return Some(fallback);
                }
                let words = match kind {
                    Kind::Passphrase => {
                        let at = at + count(text, at, 8, |byte| byte.is_ascii_whitespace());
                        if let Some(end) = phrases::many_words(text, at) {
                            return Some(Self::in_quotes(at, end));
                        }
                        None
                    }
                    Kind::Password => phrases::four_groups(text, at),
                    _ => None,
                };
                if let Some(end) = words {
                    return Some(Self::in_quotes(at, end));
                }
                Self::bare(text, at, kind, manner.literal)
            }
        }
    }

    /// The text of an element, also over lines and in CDATA: `<password>…</password>`.
    fn in_tag(text: &[u8], at: usize) -> Option<Self> {
        const OPENINGS: &[&[u8]] = &[b"<![CDATA[", b"<Value>", b"<value>"];
        let start = at + count(text, at, 64, |byte| byte.is_ascii_whitespace());
        let start = start
            + OPENINGS
                .iter()
                .find(|it| text[start..].starts_with(it))
                .map_or(0, |it| it.len());
        let mut end = start
            + count(text, start, LONGEST_VALUE, |byte| {
                !matches!(byte, b'<' | b'\n' | b']')
            });
        while end > start && text[end - 1].is_ascii_whitespace() {
            end -= 1;
        }
        let after = end
            + count(text, end, 64, |byte| {
                byte.is_ascii_whitespace() || byte == b']'
            });
        let closed = text[after..].starts_with(b"</") || text[after..].starts_with(b"></");
        closed.then_some(Self::in_quotes(start, end))
    }

    fn bare(text: &[u8], start: usize, kind: Kind, literal: bool) -> Option<Self> {
        let to_line_end = matches!(kind, Kind::Cookie | Kind::Authorization);
        let ends = |byte: u8| match byte {
            b'"' | b'\'' | b'`' | b'\\' | b'\n' | b'\r' | b'<' => true,
            b' ' | b'\t' | b';' | b'&' => !to_line_end,
            b',' | b')' | b']' | b'}' => !to_line_end && !literal,
            _ => false,
        };
        let mut end = start + count(text, start, LONGEST_BARE_VALUE, |byte| !ends(byte));
        while end > start
            && matches!(
                text[end - 1],
                b',' | b';' | b')' | b']' | b'}' | b'.' | b' ' | b'|' | b':'
            )
        {
            end -= 1;
        }
        // An ellipsis marks text that was left out.
        (end > start).then_some(Self {
            start,
            end,
            quoted: false,
        })
    }

    pub(crate) fn judge(mut self, text: &[u8], kind: Kind, manner: Manner) -> Option<Assigned> {
        // Redacted text is scanned again.
        if text[self.start..].starts_with(mark::ANCHOR.as_bytes()) {
            return None;
        }
        let literal = self.quoted || manner.literal;
        let style = match manner.style {
            Style::Bare if literal => Style::Literal,
            Style::Json if !self.quoted => Style::Bare,
            style => style,
        };
        let scheme = headers::scheme_length(&text[self.start..self.end]);
        let (kind, style) = match (scheme, kind) {
            (Some(length), _) => {
                self.start += length;
                self.end = self.start
                    + count(text, self.start, self.end - self.start, |byte| byte != b' ');
                (Kind::Authorization, Style::Literal)
            }
            // Without a scheme, the name may be that of a type or setting.
            (None, Kind::Authorization) if style != Style::Json => (Kind::Hint, style),
            (None, kind) => (kind, style),
        };
        let value = &text[self.start..self.end];
        let whole = matches!(style, Style::Literal | Style::Json)
            || !is_cut(&text[self.end..])
            || self.end == text.len();
        let secret = whole && is_secret(kind, style, value);
        (secret && (self.quoted || !self.is_code(text, manner))).then_some(Assigned {
            start: self.start,
            end: self.end,
            kind,
        })
    }

    /// Whether a value without quotes only refers to another.
    fn is_code(&self, text: &[u8], manner: Manner) -> bool {
        let value = &text[self.start..self.end.min(self.start + LONGEST_LOOK)];
        let expression = if manner.argument {
            value.contains(&b'(') || leads_to_secret(value)
        } else {
            is_expression(value)
        };
        expression || self.is_declared(text)
    }

    /// Whether the name is declared in code: `const X_TOKEN: u32 = 7`, `type X_KEY = Option<…>`,
    /// `X_PASS = 0x04`.
    fn is_declared(&self, text: &[u8]) -> bool {
        let value = &text[self.start..self.end.min(self.start + LONGEST_LOOK)];
        let after = &text[self.end + count(text, self.end, 4, |byte| byte == b' ')..];
        let digits = count(value, 0, 10, |byte| byte.is_ascii_digit());
        let suffix = &value[digits..];
        let constant = value.starts_with(b"0x") && value.len() <= 10
            || digits > 0
                && matches!(suffix, [b'u' | b'i' | b'f', rest @ ..] if rest.iter().all(u8::is_ascii_digit));
        after.starts_with(b"=")
            || after.starts_with(b"<") && !after.starts_with(b"</")
            || constant
            || find_spaced_equals(value)
    }
}

/// The literal of a default: `process.env.X || "…"`.
fn fallback(text: &[u8], at: usize) -> Option<Value> {
    let path = at
        + count(text, at, 48, |byte| {
            WORD.has(byte) || matches!(byte, b'.' | b'?')
        });
    let operator = path + blanks(text, path, 2);
    let literal = (path > at && operator > path)
        .then(|| text.get(operator..operator + 2))
        .flatten()
        .filter(|it| matches!(*it, b"||" | b"??"))?
        .len()
        + operator;
    match Literal::read(text, literal + blanks(text, literal, 4)) {
        Literal::Whole(start, end) => Some(Value::in_quotes(start, end)),
        _ => None,
    }
}

/// Whether the literal that ends at `end` is the key of a field.
fn is_key(text: &[u8], end: usize) -> bool {
    let closed = end
        + count(text, end, CLOSED, |byte| {
            matches!(byte, b'\\' | b'"' | b'\'')
        });
    let after = closed + blanks(text, closed, 4);
    matches!(text[after..], [b':', ..] | [b'=', b'>', ..])
}

/// Whether a value refers to a secret in an object: `self.secret`, `settings.DB_PASSWORD`.
fn leads_to_secret(value: &[u8]) -> bool {
    let last = value.rsplit(|byte| *byte == b'.').next();
    is_expression(value)
        && (value.starts_with(b"self.")
            || value.starts_with(b"this.")
            || last.is_some_and(|part| kind_of(part).is_some()))
}

fn find_spaced_equals(value: &[u8]) -> bool {
    find::contains(value, b" = ")
}
