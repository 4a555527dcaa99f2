//! Files of special formats: password hashes, `.pgpass`, `kaggle.json`, SQL that sets passwords.

use super::literal::Literal;
use super::prose::is_password_of_sentence;
use super::structures::Span;
use crate::redact::names::Name;
use crate::redact::names::keys::Kind;
use crate::redact::text::find::{self, contains_word};
use crate::redact::text::format::{ALNUM, BASE64, HEX, run_length};
use crate::redact::text::lines;
use crate::redact::text::separator::{CLOSED, blanks, count};
use crate::redact::values::random::looks_random;
use crate::redact::values::{Style, is_placeholder_value, is_secret};

/// Prefixes of password hashes in `/etc/shadow`, `.htpasswd` and tables of frameworks.
pub(crate) const HASHES: &[&str] = &[
    "$6$",
    "$5$",
    "$1$",
    "$y$",
    "$7$",
    "$8$",
    "$9$",
    "$2a$",
    "$2b$",
    "$2y$",
    "$apr1$",
    "$argon2",
    "$scrypt$",
    "$pbkdf2",
    "pbkdf2_sha",
    "{SSHA",
    "{SHA}",
    "{CRYPT}",
    // bcrypt in base64, of old versions of Caddy.
    "JDJhJD",
    "JDJiJD",
    "JDJ5JD",
];

/// The password hash whose prefix is at `at`, and the position up to which the text was read.
pub(crate) fn hash(text: &[u8], at: usize) -> (Option<Span>, usize) {
    let class = ALNUM.and_also("./$+=,-_{}");
    let end = at + run_length(class, &text[at..], 512);
    (is_hash(&text[at..end]).then_some((at, end)), end)
}

fn is_hash(value: &[u8]) -> bool {
    const SHORTEST: usize = 20;
    let last = value
        .rsplit(|byte| matches!(byte, b'$' | b'}'))
        .next()
        .unwrap_or_default();
    let digest = last.len() >= SHORTEST
        && last.iter().any(u8::is_ascii_digit)
        && last.iter().any(u8::is_ascii_alphabetic);
    let salted = value.splitn(4, |byte| *byte == b'$').count() == 4
        || value.starts_with(b"{")
        || value.starts_with(b"JDJ") && value.len() >= 76;
    digest && salted && !is_placeholder_value(last)
}

/// Ports in lines of `.pgpass`.
pub(crate) const PGPASS: &[&str] = &[":5432:", ":5433:", ":6432:", ":*:"];

/// The password of `host:port:database:user:password`, whose port is at `at`.
pub(crate) fn pgpass(text: &[u8], at: usize) -> Option<Span> {
    let host = lines::before(text, at);
    // The port is the second field.
    if host.is_empty() || memchr::memchr(b':', host).is_some() {
        return None;
    }
    let start = at - host.len();
    let line = &text[start..text.len().min(at + 400)];
    let line = &line[..memchr::memchr(b'\n', line).unwrap_or(line.len())];
    let line = line.trim_ascii_end();
    if line
        .iter()
        .any(|byte| matches!(byte, b' ' | b'\t' | b'"' | b'\''))
    {
        return None;
    }
    let mut fields = line.splitn(5, |byte| *byte == b':');
    let port = fields.nth(1)?;
    let valid_port = port == b"*" || !port.is_empty() && port.iter().all(u8::is_ascii_digit);
    let password = fields.nth(2)?;
    let end = start + line.len();
    (valid_port && is_secret(Kind::Password, Style::Literal, password))
        .then_some((end - password.len(), end))
}

/// The password after `IDENTIFIED BY` or `IDENTIFIED WITH … BY`. `IDENTIFIED` ends at `at`.
pub(crate) fn identified_by(text: &[u8], at: usize) -> Option<Span> {
    let near = &text[at..text.len().min(at + 80)];
    let by = near
        .windows(4)
        .position(|it| it.eq_ignore_ascii_case(b" by "))?;
    let value = at + by + 4 + blanks(text, at + by + 4, 8);
    let between = &text[at..at + by];
    if between.contains(&b';') || between.contains(&b'\n') {
        return None;
    }
    let span = match Literal::read(text, value) {
        // Backticks are prose.
        Literal::Whole(start, end) if !text[..start].ends_with(b"`") => (start, end),
        Literal::Whole(..) | Literal::Open => return None,
        Literal::None => {
            let end = value
                + count(text, value, 128, |byte| {
                    !byte.is_ascii_whitespace()
                        && !matches!(byte, b';' | b'"' | b',' | b'\\' | b'\'')
                });
            // A statement ends here, prose continues.
            let ended = matches!(text.get(end), None | Some(b';' | b'"' | b'\n'));
            let line = lines::before(text, at);
            let has = |words: &[&str]| {
                words
                    .iter()
                    .any(|word| contains_word(line, word.as_bytes()))
            };
            let statement = has(&["alter", "create", "grant"]) && has(&["user", "role", "to "]);
            if !ended || !statement {
                return None;
            }
            (value, end)
        }
    };
    is_secret(Kind::Password, Style::Literal, &text[span.0..span.1]).then_some(span)
}

/// The `key` of `kaggle.json`: hexadecimal, after the name of a user.
pub(crate) fn kaggle(text: &[u8], name: Name) -> Option<Span> {
    if name.of(text) != b"key" || name.json_escapes(text).is_none() {
        return None;
    }
    let near = &text[name.start.saturating_sub(120)..name.start];
    find::find(near, b"username")?;
    let after = name.end
        + count(text, name.end, CLOSED, |byte| {
            matches!(byte, b'"' | b'\\' | b':' | b' ')
        });
    let length = run_length(HEX, &text[after..], 64);
    (length == 32).then_some((after, after + length))
}

/// The credentials of a registry: `{"auth": "<base64 of user:password>"}`, `_auth=…`.
pub(crate) fn basic(text: &[u8], name: Name) -> Option<Span> {
    if !matches!(name.of(text), b"auth" | b"_auth") {
        return None;
    }
    let after = name.end
        + count(text, name.end, CLOSED, |byte| {
            matches!(byte, b'"' | b'\\' | b':' | b' ' | b'=')
        });
    let run = run_length(BASE64, &text[after..], 512);
    let length = run + count(text, after + run, 2, |byte| byte == b'=');
    let value = &text[after..after + length];
    (length >= 8 && after > name.end && super::structures::is_basic(value))
        .then_some((after, after + length))
}

/// Labels that programs print before a generated secret.
pub(crate) const LABELS: &[&str] = &["Unseal Key ", "Recovery Key ", "Root Token", "New value: "];

/// The secret after such a label, perhaps with a number and a colon.
pub(crate) fn labelled(text: &[u8], from: usize) -> Option<Span> {
    let start = from
        + count(text, from, 8, |byte| {
            byte.is_ascii_digit() || matches!(byte, b':' | b' ')
        });
    let length = count(text, start, 256, |byte| {
        !byte.is_ascii_whitespace() && !matches!(byte, b'"' | b'\'' | b'\\' | b',')
    });
    let value = &text[start..start + length];
    let made = length >= 12 && looks_random(value) && !is_placeholder_value(value);
    made.then_some((start, start + length))
}

/// Beginnings of addresses of Oracle's driver: `jdbc:oracle:thin:user/…@host`.
pub(crate) const THIN_ADDRESSES: &[&str] = &["oracle:thin:", "oracle:oci:"];

/// The password after such a beginning.
pub(crate) fn thin_address(text: &[u8], from: usize) -> Option<Span> {
    let user = count(text, from, 64, |byte| {
        byte.is_ascii_alphanumeric() || byte == b'_'
    });
    let slash = from + user;
    if user == 0 || text.get(slash) != Some(&b'/') {
        return None;
    }
    let start = slash + 1;
    let length = count(text, start, 128, |byte| {
        !byte.is_ascii_whitespace() && !matches!(byte, b'@' | b'"' | b'\'')
    });
    let password = &text[start..start + length];
    let hosted = text.get(start + length) == Some(&b'@');
    (hosted && is_secret(Kind::Password, Style::Literal, password))
        .then_some((start, start + length))
}

/// Text after the password in addresses of database drivers: `user:…@tcp(host)/name`.
pub(crate) const DRIVER_HOSTS: &[&str] = &["@tcp(", "@unix("];

/// The password before such a text, which ends at `end`.
pub(crate) fn driver_address(text: &[u8], end: usize) -> Option<Span> {
    const LONGEST: usize = 200;
    let host = memchr::memrchr(b'@', &text[..end])?;
    let before = &text[host.saturating_sub(LONGEST)..host];
    let start = before
        .iter()
        .rposition(|byte| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'`'))?;
    let colon = start + memchr::memchr(b':', &before[start..])?;
    let password = &before[colon + 1..];
    is_secret(Kind::Password, Style::Literal, password).then_some((host - password.len(), host))
}

/// Words before the password of a user in access lists of Redis: `user bob on >…`.
pub(crate) const ACCESS_LISTS: &[&str] = &[" on >"];

/// The password after such a beginning.
pub(crate) fn access_list(text: &[u8], from: usize) -> Option<Span> {
    contains_word(lines::before(text, from), b"user ").then_some(())?;
    let length = count(text, from, 128, |byte| {
        !byte.is_ascii_whitespace() && !matches!(byte, b'"' | b'\'' | b'\\')
    });
    let password = &text[from..from + length];
    (length >= 6 && is_secret(Kind::Password, Style::Literal, password))
        .then_some((from, from + length))
}

/// Beginnings of the code of a wireless network, as printed for phones.
pub(crate) const NETWORKS: &[&str] = &["WIFI:"];

/// The password of `WIFI:T:WPA;S:home;P:…;;`.
pub(crate) fn network(text: &[u8], from: usize) -> Option<Span> {
    const FIELD: &[u8] = b"P:";
    let length = count(text, from, 200, |byte| {
        !matches!(byte, b'"' | b'\'' | b'\n' | b'<' | b'\\')
    });
    let fields = &text[from..from + length];
    let mut at = from;
    let field = fields.split(|byte| *byte == b';').find_map(|field| {
        let start = at;
        at += field.len() + 1;
        Some((start + FIELD.len(), field.strip_prefix(FIELD)?))
    });
    let (start, password) = field?;
    is_secret(Kind::Password, Style::Literal, password).then_some((start, start + password.len()))
}

/// Text after the server in secrets files of PPP.
pub(crate) const PPP: &[&str] = &[
    " * ",
    "\t*\t",
    " pptpd ",
    " l2tpd ",
    "\tpptpd\t",
    "\tl2tpd\t",
];

/// The secret of `client server secret addresses`. The server ends at `from`.
pub(crate) fn ppp(text: &[u8], from: usize) -> Option<Span> {
    let begins = from - 3;
    let head = lines::before(text, text[..begins].trim_ascii_end().len());
    // The signs of comments and of multiplication have no client or more words before them.
    if head.is_empty() && text[..begins].last().is_none_or(u8::is_ascii_whitespace) {
        return None;
    }
    let line = text[..from - 1].trim_ascii_end();
    let line = lines::before(text, line.len());
    if line
        .split(u8::is_ascii_whitespace)
        .filter(|it| !it.is_empty())
        .count()
        != 2
    {
        return None;
    }
    let start = from + blanks(text, from, 32);
    let quoted = count(text, start, 1, |byte| byte == b'"');
    let start = start + quoted;
    let end = start
        + count(text, start, 128, |byte| match byte {
            b'"' | b'\n' => false,
            b' ' | b'\t' => quoted > 0,
            _ => true,
        });
    let after = end + quoted + blanks(text, end + quoted, 32);
    let address = count(text, after, 64, |byte| {
        byte.is_ascii_hexdigit() || matches!(byte, b'*' | b'.' | b':' | b'/' | b'-')
    });
    let addressed = address > 0
        && matches!(text.get(after + address), None | Some(b'\n' | b'\r' | b'#'))
        && matches!(text[after], b'*' | b'-')
        || address >= 7;
    let separated = after > end + quoted;
    let value = &text[start..end];
    let secret = if quoted > 0 {
        is_secret(Kind::Password, Style::Literal, value)
    } else {
        is_password_of_sentence(value)
    };
    (addressed && separated && secret).then_some((start, end))
}

/// Registrations of a telephone exchange.
pub(crate) const REGISTRATIONS: &[&str] = &["gister => ", "gister=>"];

/// The password of `user:…@host`.
pub(crate) fn registration(text: &[u8], from: usize) -> Option<Span> {
    let length = count(text, from, 200, |byte| {
        !byte.is_ascii_whitespace() && !matches!(byte, b'"' | b'\\')
    });
    let address = &text[from..from + length];
    let host = memchr::memrchr(b'@', address)?;
    let colon = memchr::memchr(b':', &address[..host])?;
    let password = &address[colon + 1..host];
    is_secret(Kind::Password, Style::Literal, password).then_some((from + colon + 1, from + host))
}
