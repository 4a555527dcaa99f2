//! What a line of a settings file or of a command says about a name on it.

use super::find;
use super::format::Class;
use super::separator::{blanks, count};
use super::words::Words;
use super::work;

pub(super) const LONGEST_LINE: usize = 200;
/// Passwords without quotes are shorter, in bytes; each name on a line has the rest of it read.
pub(super) const LONGEST_WORD: usize = 64;

/// Words after which a name and its value are only a space apart.
static DECLARERS: Words = Words::exact(&[
    b"setenv",
    b"setx",
    b"set-header",
    b"add-header",
    b"env:set",
    b"SetEnv",
    b"fastcgi_param",
    b"uwsgi_param",
    b"proxy_set_header",
    b"ARG",
    b"ENV",
    b"export",
    b"set",
    b"setq",
    b"def",
    b"config",
]);

/// What may stand between one of [`SETTERS`] and such a name.
static DECLARING_OPTIONS: Words =
    Words::exact(&[b"--secret", b"--global", b"SET", b"-x", b"-gx", b"-Ux"]);

static SETTERS: Words = Words::exact(&[b"set", b"config", b"CONFIG"]);

/// Words of prose and of usage texts where an argument would stand.
static PROSE: Words = Words::of_any_case(&[
    b"flag",
    b"option",
    b"options",
    b"argument",
    b"parameter",
    b"value",
    b"or",
    b"and",
    b"is",
    b"are",
    b"to",
    b"for",
    b"from",
    b"the",
    b"with",
    b"if",
    b"in",
    b"on",
    b"as",
    b"via",
    b"when",
    b"instead",
    b"was",
    b"must",
    b"should",
    b"can",
    b"will",
    b"stdin",
    b"file",
    b"above",
    b"below",
    b"too",
    b"again",
    b"only",
    b"here",
    b"first",
    b"not",
    b"required",
    b"yes",
    b"no",
]);

/// What stands before a noun in prose.
static DETERMINERS: Words = Words::exact(&[
    b"a",
    b"an",
    b"another",
    b"any",
    b"each",
    b"every",
    b"this",
    b"that",
    b"my",
    b"your",
    b"our",
    b"its",
    b"new",
    b"old",
    b"no",
    b"of",
    b"by",
    b"see",
    b"use",
    b"using",
    b"fix",
    b"rotate",
    b"invalid",
    b"unexpected",
    b"expected",
]);

/// What stands before `at` on its line; a line of a string of JSON begins after `\\n`.
pub(super) fn before(text: &[u8], at: usize) -> &[u8] {
    let near = &text[at.saturating_sub(LONGEST_LINE)..at];
    work::add(1 + near.len() / find::AT_ONCE);
    let begins = memchr::memrchr2_iter(b'\n', b'\\', near).find_map(|at| match near[at..] {
        [b'\n', ..] => Some(at + 1),
        [_, b'n', ..] => Some(at + 2),
        _ => None,
    });
    &near[begins.unwrap_or(0)..]
}

/// Nothing, blanks, or the sign of a diff or of a comment.
///
/// What `grep -n` and numbered listings put before a line does not count.
pub(super) fn is_indent(head: &[u8]) -> bool {
    let is_sign = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'+' | b'-' | b'#' | b'>' | b':');
    let signs = head.iter().rev().take_while(is_sign).count();
    let (listed, signs) = head.split_at(head.len() - signs);
    match listed {
        [] => true,
        [.., b'0'..=b'9'] => {
            let number = listed.trim_ascii_start();
            let tabulated = number.len() <= 8 && number.iter().all(u8::is_ascii_digit);
            signs.starts_with(b":") || tabulated && signs.starts_with(b"\t")
        }
        // The first line of a string of JSON.
        [field @ .., b'"'] => field.strip_suffix(b" ").unwrap_or(field).ends_with(b"\":"),
        _ => listed.ends_with("→".as_bytes()),
    }
}

/// A line that begins so declares the name after it.
pub(super) fn is_declared_by(head: &[u8]) -> bool {
    // `config set //registry.test/:_authToken …`
    let path = head
        .iter()
        .rev()
        .take_while(|byte| !byte.is_ascii_whitespace() && **byte != b'(')
        .count();
    let head = head[..head.len() - path].trim_ascii_end();
    let (before, declarer) = split_last_word(head);
    DECLARERS.contain(declarer)
        || DECLARING_OPTIONS.contain(declarer)
            && SETTERS.contain(split_last_word(before.trim_ascii_end()).1)
}

/// What is before the last word of a line, and that word.
fn split_last_word(line: &[u8]) -> (&[u8], &[u8]) {
    let separates = |byte: &u8| matches!(byte, b' ' | b'\t' | b'#' | b';' | b'&' | b'"' | b'(');
    line.split_at(line.iter().rposition(separates).map_or(0, |at| at + 1))
}

/// A value and nothing else on the line.
pub(super) fn is_pair(text: &[u8], value: usize) -> bool {
    let length = count(text, value, LONGEST_LINE, |byte| {
        !byte.is_ascii_whitespace()
    });
    length > 0 && ends_line(text, value + length)
}

/// `user bob`, `host x` or `- user: bob` on the lines before, as mail programs and notes have it.
pub(super) fn has_account_before(text: &[u8], start: usize) -> bool {
    static ACCOUNTS: Words = Words::exact(&[
        b"user",
        b"login",
        b"account",
        b"host",
        b"username",
        b"email",
    ]);
    let near = &text[start.saturating_sub(LONGEST_LINE)..start];
    lines(near).any(|line| {
        let line = line.trim_ascii_start();
        let line = line.strip_prefix(b"- ").unwrap_or(line);
        // What most lines fail comes first.
        if !matches!(line, [b'a' | b'e' | b'h' | b'l' | b'u', ..]) {
            return false;
        }
        let line = line.trim_ascii_end();
        let word = count(line, 0, 9, |byte| byte.is_ascii_lowercase());
        ACCOUNTS.contain(&line[..word])
            && matches!(line[word..], [b' ' | b':' | b'=', ..])
            && memchr::memchr_iter(b' ', line).count()
                == 1 + usize::from(line[word..].starts_with(b" = "))
    })
}

/// `user=bob` on the same line, as logs have it.
pub(super) fn has_account_on_line(head: &[u8]) -> bool {
    [
        &b"user="[..],
        b"user: ",
        b"username=",
        b"login=",
        b"user \"",
        b"username \"",
    ]
    .iter()
    .any(|it| find::contains(head, it))
}

/// `-H 'token: …'`: what begins at `at` is the name of a header.
pub(super) fn is_header_option(text: &[u8], at: usize) -> bool {
    const LONGEST: usize = 16;
    let before = &text[at.saturating_sub(LONGEST)..at];
    let Some(before) = before
        .strip_suffix(b"'")
        .or_else(|| before.strip_suffix(b"\""))
    else {
        return false;
    };
    let before = before.strip_suffix(b"\\").unwrap_or(before);
    let before = before.trim_ascii_end();
    [&b"-H"[..], b"--header", b"--header="]
        .iter()
        .any(|it| before.ends_with(it))
}

/// Words of a command before a name: few and in small letters, none of them of prose.
pub(super) fn is_command(head: &[u8]) -> bool {
    const MOST_WORDS: usize = 4;
    let head = head.trim_ascii();
    let head = head.strip_prefix(b"$ ").unwrap_or(head);
    let mut words = head.split(|byte| *byte == b' ');
    let plain = |word: &[u8]| {
        let named = word
            .iter()
            .all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'-' | b'_' | b'.' | b'/'));
        !word.is_empty() && named && !PROSE.contain(word) && !DETERMINERS.contain(word)
    };
    words.clone().count() <= MOST_WORDS && words.all(plain)
}

/// The lines of a text.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    let ends = memchr::memchr_iter(b'\n', text).chain([text.len()]);
    ends.map(move |end| {
        let line = &text[start..end];
        start = end + 1;
        line
    })
}

pub(super) fn ends_line(text: &[u8], at: usize) -> bool {
    let at = at + blanks(text, at, 8);
    match &text[at.min(text.len())..] {
        [] | [b'\n' | b'\r', ..] | [b'\\', b'n' | b'r', ..] => true,
        // The end of a string of JSON.
        [b'"', rest @ ..] => matches!(rest, [] | [b',' | b'}' | b']' | b'\n', ..]),
        _ => false,
    }
}

/// The beginning of a name with parts, or of an address with other parameters.
pub(super) fn is_path(head: &[u8]) -> bool {
    head.trim_ascii_start().iter().all(|byte| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'.' | b'_' | b'-' | b'/' | b':' | b'?' | b'&' | b'=')
    })
}

/// What follows the last blank or quote.
pub(super) fn last_word(head: &[u8]) -> &[u8] {
    let from = head
        .iter()
        .rposition(|byte| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\''))
        .map_or(0, |at| at + 1);
    &head[from..]
}

/// One word, without the signs of code, to the end of the line or to a byte of `ends`.
pub(super) fn is_plain(text: &[u8], value: usize, ends: &[u8]) -> bool {
    const SIGNS: Class = Class::of("(){}[]<>;$*&,\"'`\\=|");
    let length = word_length(text, value, ends);
    let end = value + length;
    let last = ends_line(text, end) || text.get(end).is_some_and(|byte| ends.contains(byte));
    let word = &text[value..end];
    // `String!` is a type that has to be there.
    last && !word.ends_with(b"!") && !word.iter().any(|byte| SIGNS.has(*byte))
}

pub(super) fn word_length(text: &[u8], from: usize, ends: &[u8]) -> usize {
    let length = count(text, from, LONGEST_WORD, |byte| {
        !byte.is_ascii_whitespace() && !ends.contains(&byte)
    });
    // The end of a line, or of a string, of JSON.
    let word = &text[from..from + length];
    let escape = find::find(word, b"\\n");
    let quote = memchr::memchr(b'"', word).filter(|at| ends_line(text, from + at));
    escape.or(quote).unwrap_or(length)
}

/// What follows a flag is its argument, not a word of prose.
pub(super) fn is_argument(text: &[u8], value: usize) -> bool {
    let length = count(text, value, LONGEST_LINE, |byte| {
        !byte.is_ascii_whitespace() && !matches!(byte, b'"' | b'\'' | b'`' | b'\\' | b')')
    });
    let word = &text[value..value + length];
    let end = value + length;
    let gap = blanks(text, end, 2);
    let after = text.get(end + gap);
    let ends = matches!(
        after,
        None | Some(b'\n' | b'\r' | b'\\' | b'"' | b'\'' | b'`' | b'|' | b'&' | b';' | b'>')
    ) || gap > 0 && after == Some(&b'-')
        || is_address(&text[end + gap..]);
    let telling = word
        .iter()
        .any(|byte| byte.is_ascii_digit() || *byte == b'-');
    length > 2
        && !matches!(word[0], b'-' | b'<' | b'[' | b'=' | b'$' | b'{' | b'(')
        && (ends || telling && gap < 2)
        && !PROSE.contain(word)
        && !is_metavariable(word)
}

/// `https://…`, which most commands take last.
fn is_address(text: &[u8]) -> bool {
    let scheme = count(text, 0, 12, |byte| {
        byte.is_ascii_alphabetic() || byte == b'+'
    });
    scheme > 0 && text[scheme..].starts_with(b"://")
}

/// `PASSWORD`, `API_KEY`
fn is_metavariable(word: &[u8]) -> bool {
    word.iter()
        .all(|byte| byte.is_ascii_uppercase() || *byte == b'_')
}
