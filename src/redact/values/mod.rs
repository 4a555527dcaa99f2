//! Judgement of values: secret, or placeholder, reference, name or prose.

pub(crate) mod checks;
mod placeholders;
pub(crate) mod random;

use super::mark;
use super::names::keys::Kind;
use super::text::characters::{Sorts, changes, strip_digits};
use super::text::find::{self, contains_word};
use super::text::format::{ANY_HEX, Class, WORD};
use super::text::words::Words;
use super::text::work;
use placeholders::{is_fixture, is_label, is_pattern};
pub(crate) use placeholders::{is_placeholder, is_placeholder_value};
use random::{is_machine_made, looks_random};

/// Style in which a value is written, which shows how literally to take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// In quotes, or the value of an environment variable.
    Literal,
    /// The value of a JSON field, for which the name alone decides.
    Json,
    /// Without quotes: perhaps a variable, a type or a word of prose.
    Bare,
    /// The argument of a call: perhaps a label.
    Argument,
}

/// Words that make a value without digits the name of a secret.
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

/// Bytes of a value that are judged.
pub(crate) const LONGEST_LOOK: usize = 256;

/// Number of times that a value is read which fails only the last test.
const TIMES_READ: usize = 8;

/// Bytes of the shortest secret, unless the name alone decides.
const SHORTEST: usize = 3;

/// Whether values of a kind are replaced in structured data whatever they look like.
pub(crate) const fn is_documented(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::Hint | Kind::OfService | Kind::IdOfService | Kind::Pin
    )
}

/// Whether the value of a field of structured data is replaced: every value is, except references
/// to a secret.
pub(crate) fn is_secret_field(kind: Kind, value: &[u8]) -> bool {
    let value = &value[..value.len().min(LONGEST_LOOK)];
    if !is_documented(kind) {
        return is_secret(kind, Style::Literal, value);
    }
    !value.trim_ascii().is_empty()
        && !is_template(value)
        && !contains_word(value, mark::ANCHOR.as_bytes())
}

/// Whether the whole value refers to another: `${NAME}`, `{{ name }}`, `$(command)`, `$NAME`.
pub(crate) fn is_template(value: &[u8]) -> bool {
    let enclosed =
        |opening: &[u8], closing: &[u8]| value.starts_with(opening) && value.ends_with(closing);
    enclosed(b"${", b"}")
        || enclosed(b"{{", b"}}")
        || enclosed(b"$(", b")")
        || enclosed(b"<%", b"%>")
        || enclosed(b"%(", b")s")
        || matches!(value, [b'$', rest @ ..] if !rest.is_empty() && rest.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_'))
}

/// Whether the value under a name of this kind is a secret.
pub(crate) fn is_secret(kind: Kind, style: Style, value: &[u8]) -> bool {
    // Redacted text is scanned again.
    if value.starts_with(mark::ANCHOR.as_bytes()) {
        return false;
    }
    // The beginning of a long value is enough, and keeps hostile text cheap.
    let value = &value[..value.len().min(LONGEST_LOOK)];
    work::add(TIMES_READ * value.len());
    // Cheap tests that most values fail come before the lists of words.
    value.len() >= SHORTEST
        && suits(kind, style, value)
        && !(is_placeholder_value(value)
            || is_reference(value, style)
            || is_location(value)
            || is_pattern(value)
            || is_label(value))
}

/// Whether a value looks like those of names of this kind.
fn suits(kind: Kind, style: Style, value: &[u8]) -> bool {
    if style == Style::Json && is_documented(kind) {
        // Private keys are replaced as a block, even if cut off.
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
        // Tokens are generated: a short word is the name of something.
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

/// Whether a value with spaces may be a secret: a passphrase always, others only with digits.
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

/// Whether one of several cookies may be a secret. `theme=dark; Path=/` holds a setting and its
/// path.
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

/// Whether a value only refers to a secret: a variable, template or expression.
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

/// Whether a value is the name of an environment variable: `GITHUB_TOKEN`.
fn is_environment_name(value: &[u8]) -> bool {
    value.contains(&b'_')
        && value
            .iter()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_')
        && value.iter().filter(|byte| byte.is_ascii_digit()).count() <= 2
}

/// Whether a value is a path or an address. Passwords inside addresses are found separately.
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

/// Whether a value is base64 that begins with a slash.
fn looks_random_segment(value: &[u8]) -> bool {
    value
        .split(|byte| *byte == b'/')
        .any(|segment| segment.len() >= 16 && looks_random(segment))
}

/// Whether a value is a name such as `access_token` or `db-secret`: only words, one of them of
/// [`NAMING_WORDS`].
fn is_name(value: &[u8]) -> bool {
    let version = contains_word(value, b"oauth2");
    value.iter().all(|byte| {
        byte.is_ascii_alphabetic()
            || version && *byte == b'2'
            || matches!(byte, b'_' | b'-' | b'.' | b':' | b'/')
    }) && NAMING_WORDS.stand_in(value)
}

/// Whether a value is a word in small letters that names nothing: `swordfish`.
pub(crate) fn is_plain_word(value: &[u8]) -> bool {
    const SHORTEST: usize = 8;
    value.len() >= SHORTEST && value.iter().all(u8::is_ascii_lowercase) && !is_name(value)
}

/// Whether a value is a path of short words in small letters: `api.v1.namespaces.secrets`.
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

/// Whether a value repeats the field as an identifier: `secret: "clientSecret"`.
fn is_identifier_of(value: &[u8], kind: Kind) -> bool {
    value.iter().all(u8::is_ascii_alphanumeric)
        && (!value.iter().any(u8::is_ascii_digit) || contains_word(value, b"oauth2"))
        && value.iter().any(u8::is_ascii_uppercase)
        && value.len() <= 24
        && super::names::keys::kind_of(value) == Some(kind)
}

/// Whether a value is an expression: a call, a path through objects, generics, an operator or a
/// type.
fn is_code(value: &[u8]) -> bool {
    const BRACKETS: Class = Class::of("[{<>|?");
    let brackets = value.iter().any(|byte| BRACKETS.has(*byte));
    brackets || is_expression(value) || is_typed(value)
}

/// Whether a value is a call or a path through objects.
pub(crate) fn is_expression(value: &[u8]) -> bool {
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

/// Whether a value is a word with a number, such as `uint8`, `base64`, `sha256`, `utf8`, `v2`.
pub(crate) fn is_typed(value: &[u8]) -> bool {
    static TYPES: Words = Words::of_any_case(&[
        b"int", b"uint", b"float", b"utf", b"base", b"sha", b"md", b"v", b"test", b"rsa", b"aes",
        b"oauth", b"user", b"str", b"arg", b"var",
    ]);
    TYPES.contain(strip_digits(value))
}

/// Whether a value is four groups of letters, as mail services generate passwords for programs:
/// `abcd efgh ijkl mnop`.
pub(crate) fn is_grouped(value: &[u8]) -> bool {
    value.len() == 19
        && value.iter().enumerate().all(|(at, byte)| match at % 5 {
            4 => *byte == b' ',
            _ => byte.is_ascii_lowercase(),
        })
}

/// Whether a value has at least three sorts of characters (small letters, capitals, digits, signs),
/// as identifiers do not.
pub(crate) fn has_three_sorts(value: &[u8]) -> bool {
    let [lower, upper, digits, _] = Sorts::of(value).counts;
    let has_sign = || value.iter().any(u8::is_ascii_punctuation);
    digits > 0
        && (lower > 0 && upper > 0 || (lower > 0 || upper > 0) && has_sign())
        && !is_code(value)
}

fn has_letter_and_digit(value: &[u8]) -> bool {
    value.iter().any(u8::is_ascii_alphabetic) && value.iter().any(u8::is_ascii_digit)
}
