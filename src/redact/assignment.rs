//! Values under sensitive names in text: `"key": "value"`, `key=value`,
//! `key: value`, headers, flags, tags and calls, with any depth of escaping.

use super::format::{WORD, ends_escape, is_cut};
use super::keys::{Kind, is_screaming, kind_of};
use super::values::{LONGEST_LOOK, Style, is_expression, is_secret};

/// Where a value stands and what its name makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Assigned {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) kind: Kind,
}

const LONGEST_NAME: usize = 64;
const LONGEST_VALUE: usize = 4096;
const LONGEST_BARE_VALUE: usize = 2048;

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
    // `--- PASS: TestLogin`
    if name.eq_ignore_ascii_case(b"pass")
        && !matches!(text[separator.end()..], [b'"' | b'\'' | b'\\', ..])
    {
        return None;
    }
    let style = match separator {
        Separator::Tag { .. } if !opens_tag(text, start) => return None,
        Separator::Call { .. } => Style::Argument,
        Separator::Space { end } => {
            let announced = flag || is_sql(text, name, end) || in_netrc(text, start);
            // `aws configure set aws_secret_access_key …`
            let command = name.contains(&b'_') && matches!(kind, Kind::Secret | Kind::Token);
            let long = count(text, end, 20, |byte| {
                !byte.is_ascii_whitespace() && byte != b'='
            }) == 20;
            if !(announced || command && long) {
                return None;
            }
            Style::Bare
        }
        _ => Style::Bare,
    };
    // A shell puts no space after `=`, so what has one is code.
    let shell = !matches!(separator, Separator::Equals { end } if text[..end].ends_with(b" "));
    let literal_name = style == Style::Bare
        && (is_screaming(name) && shell
            || in_connection_string(text, start)
            || in_netrc(text, start));
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

/// `API key: …`, `looker.key = …`: the word before may qualify the name.
fn spaced_name(text: &[u8], start: usize, end: usize) -> Option<Kind> {
    let before = start
        .checked_sub(1)
        .filter(|index| matches!(text[*index], b' ' | b'.'))?;
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
            [b':' | b'!' | b'?', b'=', ..] | [b'=', b'>', ..] => Some(Self::Equals {
                end: skip(2 + count(rest, 2, 1, |byte| byte == b'=')),
            }),
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

/// What a place where a string literal may stand holds.
enum Literal {
    Whole(Value),
    /// One that does not close on its line.
    Open,
    None,
}

impl Value {
    const fn in_quotes(start: usize, end: usize) -> Self {
        Self {
            start,
            end,
            quoted: true,
        }
    }

    fn read(text: &[u8], separator: Separator, kind: Kind, literal_name: bool) -> Option<Self> {
        let at = separator.end();
        let literal = match (Literal::read(text, at), separator) {
            (Literal::None, Separator::Colon { .. }) => Literal::after_type(text, at),
            (literal, _) => literal,
        };
        match (literal, separator) {
            (Literal::Whole(value), _) => Some(value),
            (Literal::Open, _) | (Literal::None, Separator::Call { .. }) => None,
            (Literal::None, Separator::Tag { .. }) => {
                let end = at
                    + count(text, at, LONGEST_VALUE, |byte| {
                        byte != b'<' && byte != b'\n'
                    });
                text[end..]
                    .starts_with(b"</")
                    .then_some(Self::in_quotes(at, end))
            }
            (Literal::None, _) => Self::bare(text, at, kind, literal_name),
        }
    }

    fn bare(text: &[u8], start: usize, kind: Kind, literal_name: bool) -> Option<Self> {
        let to_line_end = matches!(kind, Kind::Cookie | Kind::Authorization);
        let ends = |byte: u8| match byte {
            b'"' | b'\'' | b'`' | b'\\' | b'\n' | b'\r' | b'<' => true,
            b' ' | b'\t' | b';' | b'&' => !to_line_end,
            b',' | b')' | b']' | b'}' => !to_line_end && !literal_name,
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

    fn judge(
        mut self,
        text: &[u8],
        kind: Kind,
        style: Style,
        literal_name: bool,
    ) -> Option<Assigned> {
        let literal = self.quoted || literal_name;
        let style = if style == Style::Bare && literal {
            Style::Literal
        } else {
            style
        };
        let scheme = scheme_length(&text[self.start..self.end]);
        let (kind, style) = match (scheme, kind) {
            (Some(length), _) => {
                self.start += length;
                self.end = self.start
                    + count(text, self.start, self.end - self.start, |byte| byte != b' ');
                (Kind::Authorization, Style::Literal)
            }
            // Without a scheme the name may be a type's or a setting's.
            (None, Kind::Authorization) => (Kind::BareToken, style),
            (None, kind) => (kind, style),
        };
        let value = &text[self.start..self.end];
        if !self.quoted
            && (self.is_declared(text) || is_expression(&value[..value.len().min(LONGEST_LOOK)]))
        {
            return None;
        }
        let whole = style == Style::Literal || !is_cut(&text[self.end..]) || self.end == text.len();
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

fn find_spaced_equals(value: &[u8]) -> bool {
    value.windows(3).any(|window| window == b" = ")
}

impl Literal {
    fn read(text: &[u8], at: usize) -> Self {
        let sigil = |byte| {
            matches!(
                byte,
                b'b' | b'r' | b'f' | b'u' | b'@' | b'&' | b'$' | b'[' | b'('
            )
        };
        let opening = if is_quote(text, at) {
            at
        } else {
            at + count(text, at, 2, sigil)
        };
        if !is_quote(text, opening) {
            return Self::None;
        }
        let escapes = count(text, opening, 8, |byte| byte == b'\\');
        let quote = text[opening + escapes];
        let start = opening + escapes + 1;
        let limit = text.len().min(start + LONGEST_VALUE);
        let mut end = start;
        while end < limit {
            let escape = count(text, end, 16, |byte| byte == b'\\');
            let closes = text.get(end + escape) == Some(&quote);
            match text[end] {
                b'\n' => return Self::Open,
                byte if byte == quote => return Self::Whole(Value::in_quotes(start, end)),
                b'\\' if closes && escape <= escapes => {
                    return Self::Whole(Value::in_quotes(start, end));
                }
                b'\\' => end += escape + escape % 2,
                _ => end += 1,
            }
        }
        // The text was cut off inside the literal.
        if end >= text.len() {
            Self::Whole(Value::in_quotes(start, text.len()))
        } else {
            Self::Open
        }
    }

    /// `password: string = "…"`: past the type.
    fn after_type(text: &[u8], at: usize) -> Self {
        let in_type = |byte| {
            WORD.has(byte) || matches!(byte, b' ' | b'&' | b'<' | b'>' | b'?' | b'|' | b'\'')
        };
        let equals = at + count(text, at, 32, in_type);
        if equals == at || text.get(equals) != Some(&b'=') {
            return Self::None;
        }
        Self::read(
            text,
            equals + 1 + count(text, equals + 1, 4, |byte| byte == b' '),
        )
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
