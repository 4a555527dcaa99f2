//! Calls that take a name and a secret, or a user and a password.

use super::assignment::Name;
use super::keys::{Kind, is_screaming};
use super::literal::Literal;
use super::separator::{blanks, count};
use super::structures::Span;
use super::values::{Style, is_secret};

/// Calls whose second argument is the value of the first, in small letters.
const SETTERS: &[&[u8]] = &[
    b"setproperty",
    b"setitem",
    b"set",
    b"put",
    b"append",
    b"setdefault",
    b"string",
    b"stringvar",
    b"option",
    b"config",
];

/// The argument after this name, or in its parenthesis, is a value and no label.
pub(super) fn takes_literal(text: &[u8], name: Name, kind: Kind, value: usize) -> bool {
    let written = name.of(text);
    let before = &text[..name.start];
    let between = &text[name.end..value];
    if between.contains(&b'(') {
        // `.password("…")`, `setPassword("…")`
        return matches!(kind, Kind::Password | Kind::Secret)
            && (before.ends_with(b".")
                || [&b"set"[..], b"with"]
                    .iter()
                    .any(|it| written.starts_with(it)));
    }
    if between.contains(&b'`') || between.contains(&b'{') {
        return false;
    }
    // `define('X', '…')`, `getenv("X", "…")`; `["--password", "…"]`
    let setting = is_screaming(written) && written.contains(&b'_');
    let flag = before.ends_with(b"--") && !matches!(text[value..], [b'"' | b'\'', b'-', ..]);
    setting || flag || kind == Kind::Password && is_set(before)
}

/// `System.setProperty("javax.…Password", "…")`
fn is_set(before: &[u8]) -> bool {
    let near = &before[before.len().saturating_sub(64)..];
    let Some(open) = memchr::memrchr(b'(', near) else {
        return false;
    };
    let callee = &near[..open];
    let length = callee
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .count();
    let callee = &callee[callee.len() - length..];
    let plain = near[open..].iter().all(|byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'(' | b'"' | b'\'' | b'.' | b'_' | b'-')
    });
    plain && SETTERS.iter().any(|it| callee.eq_ignore_ascii_case(it))
}

/// The second of two strings: `login("bob", "…")`, `auth=("bob", "…")`, `SetBasicAuth("bob", "…")`.
pub(super) fn second_of_pair(text: &[u8], name: Name) -> Option<Span> {
    let ends = |word: &[u8]| {
        let written = name.of(text);
        written
            .len()
            .checked_sub(word.len())
            .is_some_and(|from| written[from..].eq_ignore_ascii_case(word))
    };
    if !ends(b"auth") && !ends(b"login") {
        return None;
    }
    let joint = count(text, name.end, 3, |byte| {
        matches!(byte, b'=' | b' ' | b',' | b'(')
    });
    let opened = text[name.end..name.end + joint]
        .iter()
        .any(|byte| matches!(byte, b'(' | b','));
    let Literal::Whole(_, user) = Literal::read(text, name.end + joint) else {
        return None;
    };
    let comma = user + count(text, user, 4, |byte| matches!(byte, b'"' | b'\'' | b'\\'));
    if !opened || text.get(comma) != Some(&b',') {
        return None;
    }
    let Literal::Whole(start, end) = Literal::read(text, comma + 1 + blanks(text, comma + 1, 4))
    else {
        return None;
    };
    is_secret(Kind::Password, Style::Literal, &text[start..end]).then_some((start, end))
}
