//! Settings of files and addresses: decides whether a word without quotes is a value, and not a
//! variable or type.

use super::prose::is_password_of_sentence;
use crate::redact::names::Name;
use crate::redact::names::keys::{Kind, is_screaming};
use crate::redact::text::find;
use crate::redact::text::lines::{
    LONGEST_LINE, LONGEST_WORD, before, ends_line, has_account_before, is_argument, is_declared_by,
    is_indent, is_pair, is_path, is_plain, last_word, word_length,
};
use crate::redact::text::separator::count;
use crate::redact::text::words::Words;

/// Settings with only a space between name and value.
static DIRECTIVES: Words = Words::of_any_case(&[
    b"requirepass",
    b"masterauth",
    b"bindpw",
    b"rootpw",
    b"storepassword",
    b"keypassword",
    b"sentinel-pass",
    b"tls-key-file-pass",
]);

/// Whether a name and its value are a setting of a file or an address, whose value is literal:
/// `name=value` without blanks, or `name: value` alone on its line.
pub(crate) fn is_setting(text: &[u8], name: Name, value: usize, is_parameter: bool) -> bool {
    let Some(first) = text.get(value) else {
        return false;
    };
    if !first.is_ascii_alphanumeric() {
        // `password: ]kJ8…`: a generated value is no code, whatever signs it has.
        if !text[name.end..value].starts_with(b":") || CODE.contains(first) {
            return false;
        }
        let word = &text[value..value + word_length(text, value, b"")];
        return ends_line(text, value + word.len())
            && is_made_of_signs(word)
            && is_indent(name.head(text));
    }
    let head = || name.head(text);
    // The beginning of the line is read last, since the value is shorter.
    match &text[name.end..value] {
        b"=" if text[..name.start].ends_with(b"--") => is_argument(text, value),
        b"=" => {
            is_parameter
                || is_plain(text, value, b"&") && (is_path(head()) || is_declared_by(head()))
        }
        gap if gap.trim_ascii() == b"=" && gap.len() > 2 => {
            is_plain(text, value, b"") && is_indent(head()) && is_in_ini(text, name.start, value)
        }
        [b':', _, ..] if is_plain(text, value, b"") => {
            let head = head();
            (is_indent(head) || head.ends_with(b".") && is_path(head) && !head.contains(&b':'))
                && !is_in_code(text, name, name.start - head.len(), value)
        }
        _ => false,
    }
}

/// Whether `name=value` is an argument, or a parameter of an address.
pub(crate) fn is_parameter(text: &[u8], name: Name, kind: Kind, value: usize) -> bool {
    &text[name.end..value] == b"="
        && text.get(value).is_some_and(u8::is_ascii_alphanumeric)
        && (matches!(kind, Kind::Password | Kind::Secret | Kind::Token)
            || kind == Kind::BareToken && is_password_of_sentence(value_of(text, value)))
        && (is_plain(text, value, b"&\"'\\ ")
            || is_quoted_with(text, name, value)
            || find::contains(name.head(text), b"--set") && is_plain(text, value, b","))
        && (is_path(last_word(name.head(text)))
            || matches!(text[..name.start].last(), Some(b'?' | b'&')))
}

/// Whether the name and its value are in quotes as one word, whatever signs it has: `"name=value"`.
fn is_quoted_with(text: &[u8], name: Name, value: usize) -> bool {
    const SIGNS: &[u8] = b"(){}[]<>;$`\\|%";
    let Some(quote) = text[..name.start].last().filter(|it| b"\"'".contains(it)) else {
        return false;
    };
    let length = count(text, value, LONGEST_WORD, |byte| {
        byte != *quote && !byte.is_ascii_whitespace() && !SIGNS.contains(&byte)
    });
    text.get(value + length) == Some(quote)
}

/// The word that is the value of a parameter.
fn value_of(text: &[u8], value: usize) -> &[u8] {
    &text[value..value + word_length(text, value, b"&\"'\\ ")]
}

/// Whether a name at the beginning of its line is a setting: `requirepass …`, or `NAME   …` in
/// tables.
pub(crate) fn is_directive(text: &[u8], name: Name, value: usize) -> bool {
    let written = name.of(text);
    let gap = &text[name.end..value];
    DIRECTIVES.contain(written)
        || is_screaming(written)
            && written.contains(&b'_')
            && (gap.len() >= 2 || gap.contains(&b'\t'))
        || is_pair(text, value)
            && (has_account_before(text, name.start)
                || gap.len() >= 2 && is_below_header(text, name.start))
}

/// Whether a line is below the header `Key  Value`, as printed by stores of secrets.
fn is_below_header(text: &[u8], at: usize) -> bool {
    let near = &text[at.saturating_sub(2 * LONGEST_LINE)..at];
    find::contains(near, b"Value\n---")
}

/// Whether a name is a variable in a file of HTTP requests: `@token = …`.
pub(crate) fn is_variable_of_requests(text: &[u8], name: Name, value: usize) -> bool {
    text[..name.start].ends_with(b"@") && name.head(text) == b"@" && is_pair(text, value)
}

/// Whether `name = value` belongs to a settings file: below a `[section]`, or among lines of the
/// same form and not a variable.
fn is_in_ini(text: &[u8], name: usize, value: usize) -> bool {
    const NEAR: usize = 240;
    // `[client]`, or `client office {` of what asks a RADIUS server.
    let is_section = |line: &[u8]| match line {
        [b'[', .., b']'] => !line.contains(&b'"'),
        [.., b'{'] => line.starts_with(b"client ") || line.starts_with(b"home_server "),
        _ => false,
    };
    let is_assignment = |line: &[u8]| {
        memchr::memchr(b'=', line).is_some_and(|at| at > 0 && line[at - 1].is_ascii_whitespace())
            && !line.iter().any(|byte| b"(){};\"'".contains(byte))
    };
    let before = &text[name.saturating_sub(NEAR)..name];
    let mut above = before
        .rsplit(|byte| *byte == b'\n')
        .skip(1)
        .map(<[u8]>::trim_ascii)
        .filter(|line| !line.is_empty() && !line.starts_with(b"#") && !line.starts_with(b";"));
    let Some(nearest) = above.next() else {
        return false;
    };
    if !is_assignment(nearest) {
        return is_section(nearest);
    }
    let word = &text[value..value + word_length(text, value, b"")];
    let variable = word
        .iter()
        .all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'.'));
    // The lines before are read only if the value is ambiguous.
    !variable
        || above
            .find(|line| !is_assignment(line))
            .is_some_and(is_section)
}

/// Names of types, and words that name what a field holds.
static TYPES: Words = Words::of_any_case(&[
    b"string",
    b"str",
    b"number",
    b"boolean",
    b"bool",
    b"int",
    b"integer",
    b"long",
    b"float",
    b"double",
    b"any",
    b"bytes",
    b"byte",
    b"data",
    b"object",
    b"text",
    b"date",
    b"uuid",
    b"never",
    b"void",
    b"unknown",
    b"char",
    b"varchar",
    b"password",
    b"passwd",
    b"secret",
    b"token",
    b"hash",
    b"optional",
    b"field",
    b"column",
    b"type",
    b"id",
]);

/// Whether a word has one capital, at its beginning, and is no name of a type.
fn is_title(word: &[u8]) -> bool {
    word.len() >= 6
        && word[1..].iter().all(u8::is_ascii_lowercase)
        && !TYPES.contain(word)
        && !word.ends_with(b"ed")
}

/// Whether the lines before and after are settings, the name of a section, or missing: `user: app`,
/// `db:`. A class would declare fields with types.
fn is_among_settings(text: &[u8], name: Name, end: usize) -> bool {
    let line = name.start - name.head(text).len();
    let above = before(text, line.saturating_sub(1)).trim_ascii();
    let rest = &text[end..text.len().min(end + LONGEST_LINE)];
    let below = rest.split(|byte| *byte == b'\n').nth(1).unwrap_or_default();
    let below = below.trim_ascii();
    let alone = above.is_empty() && below.is_empty() && name.kind == Some(Kind::Password);
    alone || is_section_or_setting(above) || is_section_or_setting(below)
}

fn is_section_or_setting(line: &[u8]) -> bool {
    let line = line.strip_prefix(b"- ").unwrap_or(line);
    let Some(colon) = memchr::memchr(b':', line) else {
        return false;
    };
    let named = |it: &[u8]| {
        it.iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
    };
    let value = line[colon + 1..].trim_ascii();
    let plain = value
        .first()
        .is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'"')
        && !value.ends_with(b",")
        && !TYPES.begin(value);
    colon > 0 && named(&line[..colon]) && (value.is_empty() || plain)
}

/// Signs that open or close a literal or a call.
const CODE: &[u8] = b"\"'`,;()<>\\";

/// Whether a word has letters, digits and several signs, none of which closes a literal or a call.
fn is_made_of_signs(word: &[u8]) -> bool {
    let signs = word.iter().filter(|it| it.is_ascii_punctuation()).count();
    let mixed = [
        u8::is_ascii_digit,
        u8::is_ascii_lowercase,
        u8::is_ascii_uppercase,
    ]
    .iter()
    .all(|is| word.iter().any(is));
    word.len() >= 10 && signs >= 3 && mixed && !word.iter().any(|it| CODE.contains(it))
}

/// Whether `name: value` is a field of an object, or declares a type.
fn is_in_code(text: &[u8], name: Name, line: usize, value: usize) -> bool {
    let word = &text[value..value + word_length(text, value, b"")];
    let is_type = word[0].is_ascii_uppercase()
        && word.iter().all(u8::is_ascii_alphabetic)
        && !(is_title(word) && is_among_settings(text, name, value + word.len()));
    let near = |from: usize, to: usize| &text[from.min(text.len())..to.min(text.len())];
    let end = value + word.len();
    let closes = matches!(
        near(end, end + LONGEST_LINE).trim_ascii_start(),
        [b'}' | b')' | b']', ..]
    );
    let opened = matches!(
        near(line.saturating_sub(LONGEST_LINE), line).trim_ascii_end(),
        [.., b'{' | b'(' | b',']
    );
    is_type || closes || opened
}
