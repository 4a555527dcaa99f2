//! Values under sensitive names in text: `"key": "value"`, `key=value`,
//! `key: value`, headers, flags, tags and calls, with any depth of escaping.

use super::format::{WORD, ends_escape, is_cut};
use super::keys::{Kind, is_custom_header, is_screaming, kind_of};
use super::lines;
use super::literal::{LONGEST_TYPE, LONGEST_VALUE, Literal, is_quote};
use super::separator::{Separator, blanks, count};
use super::values::{LONGEST_LOOK, Style, is_expression, is_secret};
use super::{calls, headers};

/// Where a value stands and what its name makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Assigned {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) kind: Kind,
}

/// Where a name stands in a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name {
    pub(super) start: usize,
    pub(super) end: usize,
    /// What it announces.
    pub(super) kind: Option<Kind>,
}

const LONGEST_NAME: usize = 64;
const LONGEST_BARE_VALUE: usize = 2048;

impl Name {
    /// The name that contains `text[at..at + length]`.
    pub(super) fn around(text: &[u8], at: usize, length: usize) -> Option<Self> {
        let end = name_end(text, at + length)?;
        let start = name_start(text, at)?;
        let kind = kind_of(&text[start..end]).or_else(|| spaced_kind(text, start, end));
        Some(Self { start, end, kind })
    }

    pub(super) fn of<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        &text[self.start..self.end]
    }

    /// The escapes before the double quotes around a name of JSON.
    pub(super) fn json_escapes(&self, text: &[u8]) -> Option<usize> {
        let escapes = count(text, self.end, 8, |byte| byte == b'\\');
        let quoted = text.get(self.end + escapes) == Some(&b'"')
            && text[..self.start].ends_with(b"\"")
            && text[..self.start - 1]
                .iter()
                .rev()
                .take(8)
                .take_while(|byte| **byte == b'\\')
                .count()
                == escapes;
        quoted.then_some(escapes)
    }

    /// What stands before it on its line.
    pub(super) fn head<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        lines::before(text, self.start)
    }
}

/// How the value of a name is written.
#[derive(Clone, Copy)]
struct Manner {
    style: Style,
    /// A value without quotes is one, not a variable.
    literal: bool,
}

impl Manner {
    const BARE: Self = Self {
        style: Style::Bare,
        literal: false,
    };
    const LITERAL: Self = Self {
        style: Style::Bare,
        literal: true,
    };
    const fn of(style: Style) -> Self {
        Self {
            style,
            literal: false,
        }
    }
}

/// Reads an assignment to this name; answers how far was read, too.
pub(super) fn read(text: &[u8], name: Name) -> (Option<Assigned>, usize) {
    let mut reached = name.end;
    (read_value(text, name, &mut reached), reached)
}

fn read_value(text: &[u8], name: Name, reached: &mut usize) -> Option<Assigned> {
    let separator = match Separator::after(text, name.end)? {
        Separator::Space { end } if in_tag(text, name.start) => after_attributes(text, end)?,
        separator => separator,
    };
    let written = name.of(text);
    let kind = match name.kind? {
        // Variables and flags of that name hold one.
        Kind::BareToken if is_screaming(written) || text[..name.start].ends_with(b"--") => {
            Kind::Token
        }
        kind => kind,
    };
    // `--- PASS: TestLogin`
    let verdict = written.eq_ignore_ascii_case(b"pass")
        && !matches!(text[separator.end()..], [b'"' | b'\'' | b'\\', ..]);
    // `${API_KEY:-default}`
    let expansion = text[..name.start].ends_with(b"${");
    if verdict || expansion {
        return None;
    }
    if kind == Kind::Authorization
        && let Separator::Colon { end } = separator
    {
        let (span, end) = headers::authorization(text, name, end);
        *reached = end;
        if let Some((start, end)) = span {
            return Some(Assigned { start, end, kind });
        }
    }
    let manner = manner(text, name, kind, separator)?;
    let value = Value::read(text, separator, kind, manner)?;
    *reached = value.end.max(*reached);
    let assigned = value.judge(text, kind, manner)?;
    // `gpgSignKey = "gpgSign"`
    let value = &text[assigned.start..assigned.end];
    let echoes = manner.style != Style::Json
        && value.iter().all(u8::is_ascii_alphabetic)
        && written
            .windows(value.len())
            .any(|part| part.eq_ignore_ascii_case(value));
    (!echoes).then_some(assigned)
}

fn manner(text: &[u8], name: Name, kind: Kind, separator: Separator) -> Option<Manner> {
    let written = name.of(text);
    match separator {
        Separator::Tag { .. } => opens_tag(text, name.start).then_some(Manner::BARE),
        Separator::Call { end } => {
            let literal = calls::takes_literal(text, name, kind, end);
            Some(Manner::of(if literal {
                Style::Literal
            } else {
                Style::Argument
            }))
        }
        Separator::Default { .. } => Some(Manner::of(Style::Literal)),
        Separator::Space { end } => after_space(text, name, kind, end),
        // Lists and objects of JSON are walked through by themselves.
        Separator::Colon { end } if name.json_escapes(text).is_some() => {
            let container = matches!(text.get(end), Some(b'[' | b'{'));
            (!container).then_some(Manner::of(Style::Json))
        }
        Separator::Equals { end } | Separator::Colon { end } => {
            // A shell puts no space after `=`, so what has one is code.
            let spaced_equals =
                matches!(separator, Separator::Equals { .. }) && text[..end].ends_with(b" ");
            let literal = is_screaming(written) && !spaced_equals
                || in_connection_string(text, name.start)
                || in_netrc(text, name.start)
                || is_custom_header(written) && matches!(separator, Separator::Colon { .. })
                || lines::is_setting(text, name, kind, end);
            Some(if literal {
                Manner::LITERAL
            } else {
                Manner::BARE
            })
        }
    }
}

/// Names and values are seldom only spaces apart; what shows it decides how the value is taken.
fn after_space(text: &[u8], name: Name, kind: Kind, value: usize) -> Option<Manner> {
    let written = name.of(text);
    if text[..name.start].ends_with(b"-") {
        let literal = lines::is_argument(text, value);
        return Some(if literal {
            Manner::LITERAL
        } else {
            Manner::BARE
        });
    }
    let head = name.head(text);
    if lines::is_declared_by(head) || in_netrc(text, name.start) {
        return Some(Manner::LITERAL);
    }
    if is_quote(text, value) {
        let sql = written.eq_ignore_ascii_case(b"password") && text.get(value) == Some(&b'\'');
        let constant = head.trim_ascii_end().ends_with(b"define");
        return Some(if sql || constant || lines::is_indent(head) {
            Manner::BARE
        } else {
            Manner::of(Style::Argument)
        });
    }
    if kind == Kind::Password && lines::is_said(text, value) {
        return Some(Manner::BARE);
    }
    let near = &text[value..text.len().min(value + LONGEST_TYPE)];
    if memchr::memchr(b'=', near).is_some()
        && let Literal::Whole(..) = Literal::after_type(text, value)
    {
        return Some(Manner::BARE);
    }
    if lines::is_indent(head) {
        if lines::is_directive(text, name, value) {
            return Some(Manner::LITERAL);
        }
        // `password 7x…` alone on its line
        if lines::is_pair(text, value) {
            return Some(Manner::BARE);
        }
    }
    // `aws configure set aws_secret_access_key …`
    let command = written.contains(&b'_') && matches!(kind, Kind::Secret | Kind::Token);
    let long = command
        && count(text, value, 20, |byte| {
            !byte.is_ascii_whitespace() && byte != b'='
        }) == 20;
    long.then_some(Manner::BARE)
}

/// `API key: …`: the word before may qualify the name.
fn spaced_kind(text: &[u8], start: usize, end: usize) -> Option<Kind> {
    const LONGEST: usize = b"phrase".len();
    let before = start
        .checked_sub(1)
        .filter(|it| matches!(text[*it], b' ' | b'.') && end - start <= LONGEST)?;
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

/// `login x password y` of a `.netrc`, on one line or several.
fn in_netrc(text: &[u8], start: usize) -> bool {
    const NEAR: usize = 120;
    let near = &text[start.saturating_sub(NEAR)..start];
    if !near.last().is_some_and(u8::is_ascii_whitespace) {
        return false;
    }
    let mut words = near
        .rsplit(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty());
    let (_, field) = (words.next(), words.next());
    matches!(field, Some(b"login" | b"machine"))
        && !matches!(words.next(), Some(b"the" | b"a" | b"to"))
}

fn opens_tag(text: &[u8], start: usize) -> bool {
    text[..start].ends_with(b"<") || text[..start].ends_with(b":")
}

/// `<Password`, `<wsse:Password`
fn in_tag(text: &[u8], start: usize) -> bool {
    let near = &text[start.saturating_sub(24)..start];
    let prefix = near
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b':')
        .count();
    near[..near.len() - prefix].ends_with(b"<")
}

/// `<Password Type="…">`
fn after_attributes(text: &[u8], from: usize) -> Option<Separator> {
    let length = count(text, from, 160, |byte| !matches!(byte, b'<' | b'>' | b'\n'));
    let end = from + length;
    let closes = text.get(end) == Some(&b'>') && text[end - 1] != b'/';
    closes.then_some(Separator::Tag { end: end + 1 })
}

/// `…;Password=…;`
fn in_connection_string(text: &[u8], start: usize) -> bool {
    text[..start].ends_with(b";") && lines::before(text, start).contains(&b'=')
}

/// Judges a value whose place and manner are known.
pub(super) fn settle(
    text: &[u8],
    start: usize,
    end: usize,
    kind: Kind,
    style: Style,
) -> Option<Assigned> {
    Value::in_quotes(start, end).judge(text, kind, Manner::of(style))
}

struct Value {
    start: usize,
    end: usize,
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

    fn read(text: &[u8], separator: Separator, kind: Kind, manner: Manner) -> Option<Self> {
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
            (Literal::Whole(start, end), _) => Some(Self::in_quotes(start, end)),
            (Literal::Open, _)
            | (Literal::None, Separator::Call { .. } | Separator::Default { .. }) => None,
            (Literal::None, Separator::Tag { .. }) => Self::in_tag(text, at),
            (Literal::None, _) => {
                if let Some(fallback) = fallback(text, at) {
                    return Some(fallback);
                }
                if kind == Kind::Passphrase
                    && let Some(end) = lines::many_words(text, at)
                {
                    return Some(Self::in_quotes(at, end));
                }
                Self::bare(text, at, kind, manner.literal)
            }
        }
    }

    /// `<password>…</password>`, over lines and in CDATA too.
    fn in_tag(text: &[u8], at: usize) -> Option<Self> {
        const CDATA: &[u8] = b"<![CDATA[";
        let start = at + count(text, at, 64, |byte| byte.is_ascii_whitespace());
        let start = start
            + if text[start..].starts_with(CDATA) {
                CDATA.len()
            } else {
                0
            };
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
        // An ellipsis says that the rest was left out.
        (end > start).then_some(Self {
            start,
            end,
            quoted: false,
        })
    }

    fn judge(mut self, text: &[u8], kind: Kind, manner: Manner) -> Option<Assigned> {
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
            // Without a scheme the name may be a type's or a setting's.
            (None, Kind::Authorization) if style != Style::Json => (Kind::BareToken, style),
            (None, kind) => (kind, style),
        };
        let value = &text[self.start..self.end];
        if !self.quoted
            && (self.is_declared(text) || is_expression(&value[..value.len().min(LONGEST_LOOK)]))
        {
            return None;
        }
        let whole = matches!(style, Style::Literal | Style::Json)
            || !is_cut(&text[self.end..])
            || self.end == text.len();
        (whole && is_secret(kind, style, value)).then_some(Assigned {
            start: self.start,
            end: self.end,
            kind,
        })
    }

    /// `const X_TOKEN: u32 = 7`, `type X_KEY = Option<…>`, `X_PASS = 0x04`.
    fn is_declared(&self, text: &[u8]) -> bool {
        let value = &text[self.start..self.end.min(self.start + LONGEST_LOOK)];
        let after = &text[self.end + count(text, self.end, 4, |byte| byte == b' ')..];
        let digits = count(value, 0, 10, |byte| byte.is_ascii_digit());
        let suffix = &value[digits..];
        let constant = value.starts_with(b"0x") && value.len() <= 10
            || digits > 0
                && matches!(suffix, [b'u' | b'i' | b'f', rest @ ..] if rest.iter().all(u8::is_ascii_digit));
        after.starts_with(b"=") || after.starts_with(b"<") || constant || find_spaced_equals(value)
    }
}

/// `process.env.X || "…"` where a value should be: the literal is used when nothing else is set.
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

fn find_spaced_equals(value: &[u8]) -> bool {
    value.windows(3).any(|window| window == b" = ")
}
