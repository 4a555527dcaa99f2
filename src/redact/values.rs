//! Tells a secret from a placeholder, a reference, a name and prose.

use super::characters::{Sorts, changes, strip_digits};
use super::find::{self, contains_word};
use super::format::{ANY_HEX, Class, WORD};
use super::keys::Kind;
use super::mark;
use super::placeholders::{is_fixture, is_label, is_pattern};
pub(super) use super::placeholders::{is_placeholder, is_placeholder_value};
use super::random::{is_machine_made, looks_random};
use super::words::Words;
use super::work;

/// How a value is written, which says how literally it may be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// A string of JSON or in quotes, or the value of a SCREAMING variable.
    Literal,
    /// The value of a JSON field: the name alone decides.
    Json,
    /// Without quotes: as likely a variable, a type or a word of prose.
    Bare,
    /// The argument of a call: as likely a label.
    Argument,
}

/// Words that make a value without digits the name of a secret, not one.
static NAMING_WORDS: Words = Words::of_any_case(&[
    b"token",
    b"secret",
    b"password",
    b"passwd",
    b"credential",
    b"auth",
    b"key",
    b"cookie",
    b"session",
    b"bearer",
]);

/// How much of a value is looked at.
pub(super) const LONGEST_LOOK: usize = 256;

/// So often a value is read that passes every test but the last.
const TIMES_READ: usize = 8;

/// No shorter value is a secret, unless the name alone decides.
const SHORTEST: usize = 3;

/// The kinds whose values are replaced whatever they look like, where a name surely has one.
pub(super) const fn is_documented(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::Hint | Kind::OfService | Kind::IdOfService | Kind::Pin
    )
}

/// Whether a field of structured data has to go: everything but references to a secret does.
pub(super) fn is_secret_field(kind: Kind, value: &[u8]) -> bool {
    let value = &value[..value.len().min(LONGEST_LOOK)];
    if !is_documented(kind) {
        return is_secret(kind, Style::Literal, value);
    }
    !value.trim_ascii().is_empty()
        && !is_template(value)
        && !contains_word(value, mark::ANCHOR.as_bytes())
}

/// `${NAME}`, `{{ name }}`, `$(command)`, `$NAME`: the whole value stands for another.
pub(super) fn is_template(value: &[u8]) -> bool {
    let enclosed =
        |opening: &[u8], closing: &[u8]| value.starts_with(opening) && value.ends_with(closing);
    enclosed(b"${", b"}")
        || enclosed(b"{{", b"}}")
        || enclosed(b"$(", b")")
        || enclosed(b"<%", b"%>")
        || enclosed(b"%(", b")s")
        || matches!(value, [b'$', rest @ ..] if !rest.is_empty() && rest.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_'))
}

/// Whether the value under a key of this kind has to go.
pub(super) fn is_secret(kind: Kind, style: Style, value: &[u8]) -> bool {
    // What was redacted is read again.
    if value.starts_with(mark::ANCHOR.as_bytes()) {
        return false;
    }
    // The beginning of a long value tells enough, and keeps hostile text cheap.
    let value = &value[..value.len().min(LONGEST_LOOK)];
    work::add(TIMES_READ * value.len());
    // What most values fail comes first: the lists of words cost more.
    value.len() >= SHORTEST
        && suits(kind, style, value)
        && !(is_placeholder_value(value)
            || is_reference(value, style)
            || is_location(value)
            || is_pattern(value)
            || is_label(value))
}

/// Whether a value looks like what a name of this kind has.
fn suits(kind: Kind, style: Style, value: &[u8]) -> bool {
    if style == Style::Json && is_documented(kind) {
        // A private key goes as a block, with what is cut off.
        return !find::contains(value, b"PRIVATE KEY-----");
    }
    let style = if style == Style::Json {
        Style::Literal
    } else {
        style
    };
    if value.iter().any(u8::is_ascii_whitespace) {
        return allows_spaces(kind, style, value);
    }
    match (style, kind) {
        (Style::Literal, Kind::Password | Kind::Passphrase) => !is_fixture(value),
        (Style::Literal, Kind::Secret) => {
            value.len() >= 4 && !is_identifier_of(value, kind) && !is_fixture(value)
        }
        // Tokens are made by machines: a short word is the name of something.
        (Style::Literal, Kind::Token | Kind::Authorization) => {
            let long_or_mixed = value.len() >= 16
                || value.len() >= 6 && value.iter().any(u8::is_ascii_digit)
                || value.len() >= 8 && changes(value) >= 3;
            long_or_mixed
                && !is_name(value)
                && !is_dotted(value)
                && !value.contains(&b'(')
                && !is_fixture(value)
        }
        (Style::Literal, Kind::BareToken) if has_three_sorts(value) => value.len() >= 8,
        (_, Kind::OfService) => is_machine_made(value),
        (_, Kind::IdOfService) => {
            let hexadecimal = |byte: &u8| ANY_HEX.has(*byte) || *byte == b'-';
            value.len() >= 20 && !value.iter().all(hexadecimal) && is_machine_made(value)
        }
        (_, Kind::BareToken | Kind::Hint) => value.len() >= 8 && looks_random(value),
        (_, Kind::Cookie) => {
            value.len() >= 8
                && (value.contains(&b'=') && has_telling_cookie(value) || looks_random(value))
        }
        (_, Kind::Pin) => (4..=8).contains(&value.len()) && value.iter().all(u8::is_ascii_digit),
        (_, Kind::Password | Kind::Passphrase) => {
            value.len() >= 6
                && has_letter_and_digit(value)
                && !is_code(value)
                && !is_name(strip_digits(value))
        }
        _ => value.len() >= 8 && looks_random(value) && !is_code(value),
    }
}

/// Passphrases are sentences; other secrets with spaces are prose unless digits say otherwise.
fn allows_spaces(kind: Kind, style: Style, value: &[u8]) -> bool {
    match kind {
        Kind::Cookie => {
            let several = find::contains(value, b"; ");
            value.contains(&b'=')
                && (several || has_letter_and_digit(value))
                && has_telling_cookie(value)
        }
        Kind::Passphrase => style == Style::Literal,
        Kind::Password => {
            style == Style::Literal
                && (has_letter_and_digit(value) && value.len() <= 40 || is_grouped(value))
        }
        _ => false,
    }
}

/// Whether any of several cookies may be a secret: `theme=dark; Path=/` are a setting and what it
/// is set for.
fn has_telling_cookie(value: &[u8]) -> bool {
    static ATTRIBUTES: Words = Words::of_any_case(&[
        b"path",
        b"domain",
        b"expires",
        b"max-age",
        b"samesite",
        b"version",
    ]);
    const SHORTEST: usize = 6;
    value.split(|byte| *byte == b';').any(|cookie| {
        let cookie = cookie.trim_ascii();
        let Some(joint) = memchr::memchr(b'=', cookie) else {
            return false;
        };
        let (name, value) = (&cookie[..joint], &cookie[joint + 1..]);
        let setting = value.len() < SHORTEST && value.iter().all(u8::is_ascii_lowercase);
        !ATTRIBUTES.contain(name) && !setting
    })
}

/// Variables, templates and expressions that only lead to a secret.
fn is_reference(value: &[u8], style: Style) -> bool {
    static INNER: Words = Words::exact(&[
        b"${", b"{{", b"$(", b"#{", b"<%", b"%{", b"%s", b"%v", b"%d",
    ]);
    static LEADING: Words = Words::exact(&[
        b"process.env",
        b"os.environ",
        b"os.getenv",
        b"env.",
        b"env(",
        b"ENV[",
        b"secrets.",
        b"vars.",
        b"config.",
        b"import.meta",
        b"op://",
        b"vault:",
        b"arn:",
        b"file:",
        b"ssm:",
        b"keychain:",
        b"projects/",
    ]);
    let whole_brace = value.starts_with(b"{") && value.ends_with(b"}");
    let variable = matches!(value, [b'$', rest @ ..] if rest.iter().all(|byte| WORD.has(*byte)))
        || matches!(value, [b'%', rest @ .., b'%'] if rest.iter().all(|byte| WORD.has(*byte)))
        || matches!(value, [b'@', rest @ .., b'@'] if rest.iter().all(|byte| WORD.has(*byte)));
    variable
        || whole_brace
        || INNER.stand_in(value)
        || LEADING.begin(value)
        || style != Style::Literal
            && matches!(
                value[0],
                b'$' | b'@' | b'&' | b'*' | b'!' | b'(' | b'[' | b'{' | b'|'
            )
        || is_environment_name(value)
}

/// `GITHUB_TOKEN` where a value should be.
fn is_environment_name(value: &[u8]) -> bool {
    value.contains(&b'_')
        && value
            .iter()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_')
        && value.iter().filter(|byte| byte.is_ascii_digit()).count() <= 2
}

/// Paths and addresses; passwords inside addresses are found on their own.
fn is_location(value: &[u8]) -> bool {
    static FILES: Words = Words::exact(&[
        b"pem", b"json", b"txt", b"key", b"crt", b"yml", b"yaml", b"ts", b"js", b"py", b"go",
        b"rs", b"md",
    ]);
    let path = [&b"/"[..], b"./", b"../", b"~/", b"C:\\"]
        .iter()
        .any(|it| value.starts_with(it));
    path && !looks_random_segment(value)
        || find::contains(value, b"://")
        || memchr::memrchr(b'.', value).is_some_and(|dot| FILES.contain(&value[dot + 1..]))
}

/// Base64 may begin with a slash.
fn looks_random_segment(value: &[u8]) -> bool {
    value
        .split(|byte| *byte == b'/')
        .any(|segment| segment.len() >= 16 && looks_random(segment))
}

/// A name such as `access_token` or `db-secret`: words only, one of them telling.
fn is_name(value: &[u8]) -> bool {
    let version = contains_word(value, b"oauth2");
    value.iter().all(|byte| {
        byte.is_ascii_alphabetic()
            || version && *byte == b'2'
            || matches!(byte, b'_' | b'-' | b'.' | b':' | b'/')
    }) && NAMING_WORDS.stand_in(value)
}

/// A word in small letters that names nothing: `swordfish`.
pub(super) fn is_plain_word(value: &[u8]) -> bool {
    const SHORTEST: usize = 8;
    value.len() >= SHORTEST && value.iter().all(u8::is_ascii_lowercase) && !is_name(value)
}

/// `api.v1.namespaces.secrets`: short words in small letters.
fn is_dotted(value: &[u8]) -> bool {
    value.contains(&b'.')
        && value.split(|byte| *byte == b'.').all(|part| {
            part.first().is_some_and(u8::is_ascii_lowercase)
                && part.len() < 16
                && !part
                    .iter()
                    .any(|byte| byte.is_ascii_uppercase() || byte.is_ascii_punctuation())
        })
}

/// `secret: "clientSecret"`: the field again, spelled as an identifier.
fn is_identifier_of(value: &[u8], kind: Kind) -> bool {
    value.iter().all(u8::is_ascii_alphanumeric)
        && (!value.iter().any(u8::is_ascii_digit) || contains_word(value, b"oauth2"))
        && value.iter().any(u8::is_ascii_uppercase)
        && value.len() <= 24
        && super::keys::kind_of(value) == Some(kind)
}

/// Calls, paths through objects, generics, operators, types.
fn is_code(value: &[u8]) -> bool {
    const BRACKETS: Class = Class::of("[{<>|?");
    let brackets = value.iter().any(|byte| BRACKETS.has(*byte));
    brackets || is_expression(value) || is_typed(value)
}

/// Calls and paths through objects.
pub(super) fn is_expression(value: &[u8]) -> bool {
    let scoped = value
        .windows(2)
        .any(|pair| pair == b"::" || pair == b"->" || pair == b"?.");
    let member = value.contains(&b'.')
        && value.split(|byte| *byte == b'.').all(|part| {
            part.first()
                .is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
                && part.iter().all(|byte| WORD.has(*byte))
                && (part.len() < 16 || !looks_random(part))
        });
    scoped || member || value.contains(&b'(')
}

/// `uint8`, `base64`, `sha256`, `utf8`, `v2`.
pub(super) fn is_typed(value: &[u8]) -> bool {
    static TYPES: Words = Words::of_any_case(&[
        b"int", b"uint", b"float", b"utf", b"base", b"sha", b"md", b"v", b"test", b"rsa", b"aes",
        b"oauth", b"user", b"str", b"arg", b"var",
    ]);
    TYPES.contain(strip_digits(value))
}

/// `abcd efgh ijkl mnop`, as mail services make passwords for programs.
pub(super) fn is_grouped(value: &[u8]) -> bool {
    value.len() == 19
        && value.iter().enumerate().all(|(at, byte)| match at % 5 {
            4 => *byte == b' ',
            _ => byte.is_ascii_lowercase(),
        })
}

/// Of small letters, capitals, digits and signs: what nobody calls a thing in code.
pub(super) fn has_three_sorts(value: &[u8]) -> bool {
    let [lower, upper, digits, _] = Sorts::of(value).counts;
    let has_sign = || value.iter().any(u8::is_ascii_punctuation);
    digits > 0
        && (lower > 0 && upper > 0 || (lower > 0 || upper > 0) && has_sign())
        && !is_code(value)
}

fn has_letter_and_digit(value: &[u8]) -> bool {
    value.iter().any(u8::is_ascii_alphabetic) && value.iter().any(u8::is_ascii_digit)
}
