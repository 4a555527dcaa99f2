//! Assignments to sensitive names in text: `"key": "value"`, `key=value`, `key: value`, headers,
//! flags, tags and calls, with any depth of escaping.

use std::cell::OnceCell;

use super::assigned::{Assigned, Manner, Value};
use super::calls;
use super::devices;
use super::headers;
use super::literal::{LONGEST_TYPE, Literal, is_quote};
use super::prose;
use super::settings;
use super::statements;
use crate::redact::names::keys::{Kind, is_custom_header, is_screaming};
use crate::redact::names::{LONGEST_NAME, Name};
use crate::redact::services;
use crate::redact::text::find;
use crate::redact::text::lines;
use crate::redact::text::separator::{Separator, count};
use crate::redact::values::{Style, is_plain_word};

/// The secret assigned to a name, and the position up to which the text was read.
pub(crate) fn read(text: &[u8], name: Name) -> (Option<Assigned>, usize) {
    let mut reached = name.end;
    (read_value(text, name, &mut reached), reached)
}

fn read_value(text: &[u8], name: Name, reached: &mut usize) -> Option<Assigned> {
    let mut told = false;
    let separator = match Separator::after(text, name.end)? {
        Separator::Space { end } if in_tag(text, name.start) => after_attributes(text, end)?,
        Separator::Space { end } if let Some(end) = prose::told(text, end, name.kind) => {
            told = true;
            Separator::Equals { end }
        }
        Separator::Space { end } if let Some(end) = statements::set_for(text, end) => {
            Separator::Equals { end }
        }
        separator => separator,
    };
    let written = name.of(text);
    let line = Line::around(text, name, separator.end());
    let kind = settled_kind(text, name, separator, &line, told)?;
    // `${API_KEY:-default}`: most defaults are examples.
    if text[..name.start].ends_with(b"${") {
        let end = fallback_of_expansion(text, name)?;
        let value = prose::word(text, end);
        let closed = value.1 - usize::from(text[..value.1].ends_with(b"}"));
        // With letters and digits it is no example.
        let kind = match kind {
            Kind::Secret if prose::is_password_of_sentence(&text[value.0..closed]) => {
                Kind::Password
            }
            kind => kind,
        };
        let value = Value::read(text, Separator::Equals { end }, kind, Manner::BARE)?;
        *reached = value.end;
        return value.judge(text, kind, Manner::BARE);
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
    let manner = match kind {
        Kind::Password | Kind::Secret | Kind::Token if told => Manner::LITERAL,
        _ => manner(text, name, kind, separator, &line)?,
    };
    let value = Value::read(text, separator, kind, manner)?;
    *reached = value.end.max(*reached);
    // In a shell or settings file, the text in quotes is the value, even of several words.
    let setting = is_screaming(written) && text[name.end..separator.end()] == *b"=";
    let judged_as = match kind {
        Kind::Password | Kind::Secret if setting => Kind::Passphrase,
        Kind::Token if setting && is_plain_word(&text[value.start..value.end]) => Kind::Secret,
        kind => kind,
    };
    let mut assigned = value.judge(text, judged_as, manner)?;
    if judged_as != kind && assigned.kind == judged_as {
        assigned.kind = kind;
    }
    // `gpgSignKey = "gpgSign"`
    let value = &text[assigned.start..assigned.end];
    (!echoes(written, value, manner)).then_some(assigned)
}

/// The line of a name and its value. Each question about it is answered once.
struct Line<'t> {
    text: &'t [u8],
    /// The line before the name.
    head: &'t [u8],
    value: usize,
    is_pair: OnceCell<bool>,
    ends_in_password: OnceCell<bool>,
}

impl<'t> Line<'t> {
    fn around(text: &'t [u8], name: Name, value: usize) -> Self {
        Self {
            text,
            head: name.head(text),
            value,
            is_pair: OnceCell::new(),
            ends_in_password: OnceCell::new(),
        }
    }

    /// Whether only the value follows.
    fn is_pair(&self) -> bool {
        let is_pair = || lines::is_pair(self.text, self.value);
        *self.is_pair.get_or_init(is_pair)
    }

    /// Whether only a password follows.
    fn ends_in_password(&self) -> bool {
        let is_password = || devices::is_password(self.text, self.value);
        // Most values are not the last word of their line, which is cheap to find out.
        self.is_pair() && *self.ends_in_password.get_or_init(is_password)
    }

    /// Whether nothing precedes the name.
    fn is_first(&self) -> bool {
        lines::is_indent(self.head)
    }

    fn is_declared(&self) -> bool {
        lines::is_declared_by(self.head)
    }
}

/// The kind that the name announces in this place; `None` where `pass` is the verdict of a test.
fn settled_kind(
    text: &[u8],
    name: Name,
    separator: Separator,
    line: &Line,
    told: bool,
) -> Option<Kind> {
    let written = name.of(text);
    // Backticks are prose: `**All checks pass:** …`
    let quoted = is_quote(text, separator.end()) && text.get(separator.end()) != Some(&b'`');
    let is_pass = written.eq_ignore_ascii_case(b"pass");
    let assigned = matches!(
        separator,
        Separator::Equals { .. } | Separator::Colon { .. }
    );
    let equals = text[..separator.end()].ends_with(b"=");
    let in_account = is_pass
        && (told
            || !(assigned && quoted)
                && (lines::has_account_before(text, name.start)
                    || equals && lines::has_account_on_line(line.head)
                    || line.ends_in_password() && (line.is_first() || line.is_declared())));
    // `--- PASS: TestLogin`
    if is_pass && !quoted && !in_account && !equals {
        return None;
    }
    let kind = match name.kind? {
        // Variables, flags and headers of this name hold a token.
        Kind::BareToken
            if is_screaming(written)
                || told
                || text[..name.start].ends_with(b"--")
                || lines::is_header_option(text, name.start) =>
        {
            if in_account {
                Kind::Password
            } else {
                Kind::Token
            }
        }
        // `MAILGUN_KEY=…`: a known service.
        Kind::Hint
            if is_screaming(written) && services::kind_of(written) == Some(Kind::OfService) =>
        {
            Kind::Token
        }
        // `X-Acme-Key: …`, `NPM_AUTH=…`
        Kind::Hint
            if is_custom_header(written)
                || equals && is_screaming(written) && written.ends_with(b"_AUTH") =>
        {
            Kind::BareToken
        }
        Kind::BareToken if is_pass && (assigned && quoted || in_account) => Kind::Password,
        Kind::BareToken
            if matches!(separator, Separator::Space { .. })
                && line.ends_in_password()
                && line.is_declared() =>
        {
            Kind::Token
        }
        kind => kind,
    };
    Some(kind)
}

/// The position of the value in `${NAME:-value}`, or in `${name:value}` of Spring.
fn fallback_of_expansion(text: &[u8], name: Name) -> Option<usize> {
    let operators = [&b":-"[..], b":=", b":", b"-", b"="];
    let operator = operators
        .iter()
        .find(|it| text[name.end..].starts_with(it))?;
    Some(name.end + operator.len())
}

/// Whether the value repeats the name: `gpgSignKey = "gpgSign"`, `"refresh_token": "refreshToken"`.
fn echoes(name: &[u8], value: &[u8], manner: Manner) -> bool {
    if manner.style == Style::Json {
        let letters = |it: &[u8]| -> Vec<u8> {
            it.iter()
                .filter(|byte| !matches!(byte, b'_' | b'-'))
                .map(u8::to_ascii_lowercase)
                .collect()
        };
        return value.len() <= LONGEST_NAME && letters(name) == letters(value);
    }
    value.iter().all(u8::is_ascii_alphabetic)
        && name
            .windows(value.len())
            .any(|part| part.eq_ignore_ascii_case(value))
}

fn manner(
    text: &[u8],
    name: Name,
    kind: Kind,
    separator: Separator,
    line: &Line,
) -> Option<Manner> {
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
        Separator::Space { .. } => after_space(text, name, kind, line),
        // Lists and objects of JSON have a reader of their own.
        Separator::Colon { end } if name.json_escapes(text).is_some() => {
            let container = matches!(text.get(end), Some(b'[' | b'{'));
            (!container).then_some(Manner::of(Style::Json))
        }
        Separator::Equals { end } | Separator::Colon { end } => {
            // With a space after `=`, it is code and not a shell.
            let spaced_equals =
                matches!(separator, Separator::Equals { .. }) && text[..end].ends_with(b" ");
            let is_parameter = matches!(separator, Separator::Equals { .. })
                && settings::is_parameter(text, name, kind, end);
            if is_parameter && !line.is_first() {
                return Some(Manner::ARGUMENT);
            }
            let literal = is_screaming(written) && !spaced_equals
                || lines::is_header_option(text, name.start)
                || settings::is_variable_of_requests(text, name, end)
                || in_connection_string(text, name.start)
                || in_netrc(text, name)
                || is_custom_header(written) && matches!(separator, Separator::Colon { .. })
                || settings::is_setting(text, name, end, is_parameter);
            let variable = is_screaming(written)
                && text[name.end..end] == *b"="
                && line.is_pair()
                && (line.is_first() || line.is_declared());
            Some(if variable {
                Manner::ARGUMENT
            } else if literal {
                Manner::LITERAL
            } else {
                Manner::BARE
            })
        }
    }
}

/// The manner of a value that only spaces separate from its name, if something shows that it is
/// one.
fn after_space(text: &[u8], name: Name, kind: Kind, line: &Line) -> Option<Manner> {
    let (written, head, value) = (name.of(text), line.head, line.value);
    if text[..name.start].ends_with(b"-") {
        let literal = lines::is_argument(text, value);
        return Some(if literal {
            Manner::ARGUMENT
        } else {
            Manner::BARE
        });
    }
    if line.is_declared()
        || in_netrc(text, name)
        || line.ends_in_password() && devices::is_command(head)
    {
        return Some(Manner::LITERAL);
    }
    if is_quote(text, value) {
        let sql = (written.eq_ignore_ascii_case(b"password") || written == b"SECRET")
            && text.get(value) == Some(&b'\'');
        let constant = head.trim_ascii_end().ends_with(b"define");
        // `user "bob" password "…"`, `:password "…"`
        let beside_user = lines::has_account_on_line(head) || text[..name.start].ends_with(b":");
        return Some(if sql || constant || beside_user || line.is_first() {
            Manner::BARE
        } else {
            Manner::of(Style::Argument)
        });
    }
    // `etcdctl put /app/db_password …`
    if text[..name.start].ends_with(b"/") && find::contains(head, b" put ") {
        return Some(Manner::LITERAL);
    }
    let near = &text[value..text.len().min(value + LONGEST_TYPE)];
    if memchr::memchr(b'=', near).is_some()
        && let Literal::Whole(..) = Literal::after_type(text, value)
    {
        return Some(Manner::BARE);
    }
    if line.is_first() && settings::is_directive(text, name, value) {
        return Some(Manner::LITERAL);
    }
    if kind == Kind::Password && prose::is_said(text, value) {
        return Some(Manner::BARE);
    }
    if kind == Kind::Password && prose::is_given(head, text, value) {
        return Some(Manner::LITERAL);
    }
    let named = matches!(kind, Kind::Token | Kind::BareToken);
    // `acme auth token …`, `secret …` alone on its line
    if line.ends_in_password() && (line.is_first() || named && lines::is_command(head)) {
        return Some(Manner::LITERAL);
    }
    if line.is_first() && line.is_pair() {
        return Some(Manner::BARE);
    }
    // `aws configure set aws_secret_access_key …`
    let command = written.contains(&b'_') && matches!(kind, Kind::Secret | Kind::Token);
    let long = command
        && count(text, value, 20, |byte| {
            !byte.is_ascii_whitespace() && byte != b'='
        }) == 20;
    long.then_some(Manner::BARE)
}

/// Whether the name belongs to a `.netrc`: `login x password y`, on one line or several.
fn in_netrc(text: &[u8], name: Name) -> bool {
    const NEAR: usize = 120;
    let near = &text[name.start.saturating_sub(NEAR)..name.start];
    if name.of(text) != b"password" || !near.last().is_some_and(u8::is_ascii_whitespace) {
        return false;
    }
    let mut words = near
        .rsplit(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty() && !word.ends_with("→".as_bytes()));
    let (_, field) = (words.next(), words.next());
    matches!(field, Some(b"login" | b"machine"))
        && !matches!(words.next(), Some(b"the" | b"a" | b"to"))
}

fn opens_tag(text: &[u8], start: usize) -> bool {
    text[..start].ends_with(b"<") || text[..start].ends_with(b":")
}

/// Whether a tag begins before the name: `<Password`, `<wsse:Password`.
fn in_tag(text: &[u8], start: usize) -> bool {
    let near = &text[start.saturating_sub(24)..start];
    let prefix = near
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b':')
        .count();
    near[..near.len() - prefix].ends_with(b"<")
}

/// The end of a tag with attributes: `<Password Type="…">`.
fn after_attributes(text: &[u8], from: usize) -> Option<Separator> {
    let length = count(text, from, 160, |byte| !matches!(byte, b'<' | b'>' | b'\n'));
    let end = from + length;
    let closes = text.get(end) == Some(&b'>') && text[end - 1] != b'/';
    closes.then_some(Separator::Tag { end: end + 1 })
}

/// Whether the name is a field of a connection string: `…;Password=…;`, `user=bob,password=…`.
fn in_connection_string(text: &[u8], start: usize) -> bool {
    // The byte before is cheaper to test than the beginning of the line.
    if !matches!(text[..start].last(), Some(b';' | b',')) {
        return false;
    }
    let before = lines::before(text, start);
    match before {
        [.., b';'] => before.contains(&b'='),
        [fields @ .., b','] => {
            let from = fields
                .iter()
                .rposition(|byte| matches!(byte, b',' | b' ' | b'\t' | b'"' | b'\'' | b'('));
            let field = &fields[from.map_or(0, |from| from + 1)..];
            let opened = from.is_some_and(|from| fields[from] == b'(');
            !opened && (field.starts_with(b"user=") || field.starts_with(b"username="))
        }
        _ => false,
    }
}
