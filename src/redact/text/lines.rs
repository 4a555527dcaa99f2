//! Lines of settings files and commands: what surrounds a name on its line.

use super::find;
use super::format::Class;
use super::separator::{blanks, count};
use super::words::Words;
use super::work;

pub(crate) const LONGEST_LINE: usize = 200;
/// Bytes of the longest password without quotes. The limit keeps lines with many names cheap, since
/// the rest of the line is read for each.
pub(crate) const LONGEST_WORD: usize = 64;

/// Words that are followed by a name, a space and its value.
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

/// Options between one of [`SETTERS`] and a name.
static DECLARING_OPTIONS: Words =
    Words::exact(&[b"--secret", b"--global", b"SET", b"-x", b"-gx", b"-Ux"]);

static SETTERS: Words = Words::exact(&[b"set", b"config", b"CONFIG"]);

/// Words of prose and usage texts in the place of an argument.
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

/// Words before a noun in prose.
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

/// The part of a line before `at`. Inside a string of JSON, a line begins after `\n`.
pub(crate) fn before(text: &[u8], at: usize) -> &[u8] {
    let near = &text[at.saturating_sub(LONGEST_LINE)..at];
    work::add(1 + near.len() / find::AT_ONCE);
    let begins = memchr::memrchr2_iter(b'\n', b'\\', near).find_map(|at| match near[at..] {
        [b'\n', ..] => Some(at + 1),
        [_, b'n', ..] => Some(at + 2),
        _ => None,
    });
    &near[begins.unwrap_or(0)..]
}

/// Whether the beginning of a line is empty or holds only blanks and signs of diffs or comments.
///
/// The numbers that `grep -n` and listings put before a line are ignored.
pub(crate) fn is_indent(head: &[u8]) -> bool {
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

/// Whether a line that begins with `head` declares the name after it.
pub(crate) fn is_declared_by(head: &[u8]) -> bool {
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

/// A line, split before its last word.
fn split_last_word(line: &[u8]) -> (&[u8], &[u8]) {
    let separates = |byte: &u8| matches!(byte, b' ' | b'\t' | b'#' | b';' | b'&' | b'"' | b'(');
    line.split_at(line.iter().rposition(separates).map_or(0, |at| at + 1))
}

/// Whether the rest of the line is a single word.
pub(crate) fn is_pair(text: &[u8], value: usize) -> bool {
    let length = count(text, value, LONGEST_LINE, |byte| {
        !byte.is_ascii_whitespace()
    });
    length > 0 && ends_line(text, value + length)
}

/// Whether a line before names an account, as in files of mail programs and in notes: `user bob`,
/// `host x` or `- user: bob`.
pub(crate) fn has_account_before(text: &[u8], start: usize) -> bool {
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
        // The cheapest test, which most lines fail.
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

/// Whether the line names a user, as in logs: `user=bob`.
pub(crate) fn has_account_on_line(head: &[u8]) -> bool {
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

/// Whether the name of a header begins at `at`: `-H 'token: …'`.
pub(crate) fn is_header_option(text: &[u8], at: usize) -> bool {
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

/// Whether a line begins like a command: a few words in small letters that are not prose.
pub(crate) fn is_command(head: &[u8]) -> bool {
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

pub(crate) fn ends_line(text: &[u8], at: usize) -> bool {
    let at = at + blanks(text, at, 8);
    match &text[at.min(text.len())..] {
        [] | [b'\n' | b'\r', ..] | [b'\\', b'n' | b'r', ..] => true,
        // The end of a string of JSON.
        [b'"', rest @ ..] => matches!(rest, [] | [b',' | b'}' | b']' | b'\n', ..]),
        _ => false,
    }
}

/// Whether a line begins with the parts of a name, or with an address that has parameters.
pub(crate) fn is_path(head: &[u8]) -> bool {
    head.trim_ascii_start().iter().all(|byte| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'.' | b'_' | b'-' | b'/' | b':' | b'?' | b'&' | b'=')
    })
}

/// The word after the last blank or quote.
pub(crate) fn last_word(head: &[u8]) -> &[u8] {
    let from = head
        .iter()
        .rposition(|byte| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\''))
        .map_or(0, |at| at + 1);
    &head[from..]
}

/// Whether the value is one word without signs of code, up to the end of the line or a byte of
/// `ends`.
pub(crate) fn is_plain(text: &[u8], value: usize, ends: &[u8]) -> bool {
    const SIGNS: Class = Class::of("(){}[]<>;$*&,\"'`\\=|");
    let length = word_length(text, value, ends);
    let end = value + length;
    let last = ends_line(text, end) || text.get(end).is_some_and(|byte| ends.contains(byte));
    let word = &text[value..end];
    // `String!` is a type of GraphQL.
    last && !word.ends_with(b"!") && !word.iter().any(|byte| SIGNS.has(*byte))
}

pub(crate) fn word_length(text: &[u8], from: usize, ends: &[u8]) -> usize {
    let length = count(text, from, LONGEST_WORD, |byte| {
        !byte.is_ascii_whitespace() && !ends.contains(&byte)
    });
    // The end of a line, or of a string, of JSON.
    let word = &text[from..from + length];
    let escape = find::find(word, b"\\n");
    let quote = memchr::memchr(b'"', word).filter(|at| ends_line(text, from + at));
    escape.or(quote).unwrap_or(length)
}

/// Whether the word after a flag is its argument, and not prose.
pub(crate) fn is_argument(text: &[u8], value: usize) -> bool {
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

/// Whether an address follows: `https://…`. Most commands take it last.
fn is_address(text: &[u8]) -> bool {
    let scheme = count(text, 0, 12, |byte| {
        byte.is_ascii_alphabetic() || byte == b'+'
    });
    scheme > 0 && text[scheme..].starts_with(b"://")
}

/// Whether a word stands for a value, as in usage texts: `PASSWORD`, `API_KEY`.
fn is_metavariable(word: &[u8]) -> bool {
    word.iter()
        .all(|byte| byte.is_ascii_uppercase() || *byte == b'_')
}
