//! Passwords in sentences, and in lines of files that hold a user and a password without names.

use super::structures::Span;
use crate::redact::names::keys::Kind;
use crate::redact::text::characters::strip_digits;
use crate::redact::text::find;
use crate::redact::text::lines;
use crate::redact::text::separator::count;
use crate::redact::text::words::Words;
use crate::redact::values::random;
use crate::redact::values::{Style, has_three_sorts, is_secret, is_typed};

/// Words before a password in messages of programs and in sentences of several languages.
pub(crate) const ANNOUNCEMENTS: &[&str] = &[
    "password is generated for root@localhost: ",
    "asswort ist ",
    "asswort lautet ",
    "ennwort ist ",
    "ennwort: ",
    "mot de passe est ",
    "ot de passe : ",
    "ot de passe: ",
    "contraseña es ",
    "ontraseña: ",
    "ontrasena: ",
    "senha é ",
    "enha: ",
    "achtwoord is ",
    "achtwoord: ",
    "Key Content            : ",
    "pw is ",
    "::add-mask::",
];

/// The password after such words: of three sorts of characters, or a word with digits.
pub(crate) fn announced(text: &[u8], from: usize) -> Option<Span> {
    let quoted = count(text, from, 1, |byte| matches!(byte, b'`' | b'"' | b'\''));
    let word = word(text, from + quoted);
    is_password_of_sentence(&text[word.0..word.1]).then_some(word)
}

/// Words before a user and a password with a slash between them.
pub(crate) const LOGINS: &[&str] = &[
    "ogin with ",
    "og in with ",
    "og in as ",
    "ogin: ",
    "ogins: ",
    "redentials: ",
    "redentials are ",
    "reds: ",
    "ccount: ",
    "ccounts: ",
];

/// The password of `admin / …`.
pub(crate) fn beside_user(text: &[u8], from: usize) -> Option<Span> {
    let quote = |at| count(text, at, 1, |byte| matches!(byte, b'`' | b'"' | b'\''));
    let user = from + quote(from);
    let length = count(text, user, 64, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'@' | b'-')
    });
    let joint = user + length + quote(user + length);
    let start = joint
        + match &text[joint..] {
            [b' ', b'/', b' ', ..] => 3,
            [b'/' | b':', ..] => 1,
            _ => return None,
        };
    let start = start + quote(start);
    let word = word(text, start);
    (length > 0 && is_password_of_sentence(&text[word.0..word.1])).then_some(word)
}

/// The word at a position, without the full stop of the sentence.
pub(crate) fn word(text: &[u8], from: usize) -> Span {
    let length = count(text, from, 64, |byte| {
        !byte.is_ascii_whitespace() && !matches!(byte, b'"' | b'\'' | b'`' | b'\\' | b',' | b'<')
    });
    let stops = text[from..from + length]
        .iter()
        .rev()
        .take_while(|byte| matches!(byte, b'.' | b')'))
        .count();
    (from, from + length - stops)
}

/// Whether a word has the length of chosen passwords and is no term such as `base64-encoded` or
/// `v2/users`.
pub(crate) fn is_password_of_sentence(word: &[u8]) -> bool {
    const SHORTEST: usize = 6;
    let typed = word.split(|byte| matches!(byte, b'-' | b'/')).any(is_typed);
    let mixed = has_three_sorts(word)
        || word.iter().any(u8::is_ascii_digit) && word.iter().any(u8::is_ascii_alphabetic);
    word.len() >= SHORTEST
        && !typed
        && !is_ticket(word)
        && (mixed || random::is_machine_made(word))
        && is_secret(Kind::Password, Style::Literal, word)
}

/// Whether a word is the number of an issue: `PROJ-1234`.
fn is_ticket(word: &[u8]) -> bool {
    let digits = strip_digits(word);
    digits.len() < word.len()
        && digits
            .strip_suffix(b"-")
            .is_some_and(|project| project.iter().all(u8::is_ascii_uppercase))
}

/// Whether a word at the end of a line or sentence is a password: it has digits.
pub(crate) fn is_said(text: &[u8], value: usize) -> bool {
    let word = &text[value..value + lines::word_length(text, value, b",;")];
    let end = value + word.len();
    let last = lines::ends_line(text, end) || matches!(text.get(end), Some(b',' | b';'));
    word.len() >= 8 && word.iter().any(u8::is_ascii_digit) && last
}

/// Beginnings of the names of hashes, encodings and ciphers.
static NAMES_OF_METHODS: Words = Words::of_any_case(&[
    b"sha1", b"sha2", b"sha3", b"sha5", b"sha-", b"md5", b"argon2", b"scrypt", b"bcrypt",
    b"pbkdf2", b"aes1", b"aes2", b"aes-", b"rsa2", b"rsa4", b"base3", b"base6", b"utf8", b"utf-",
    b"oauth2", b"hs256", b"rs256", b"ed25519",
]);

/// Whether a word inside a sentence is a password: of three sorts of characters, or with several
/// digits.
fn is_told(word: &[u8]) -> bool {
    let typed = word.split(|byte| *byte == b'-').any(is_typed) || NAMES_OF_METHODS.begin(word);
    let digits = word.iter().filter(|byte| byte.is_ascii_digit()).count();
    let mixed = word.len() >= 6 && has_three_sorts(word)
        || word.len() >= 8 && digits >= 2 && is_password_of_sentence(word);
    mixed && !typed
}

/// Whether a sentence gives a password: `with password …`, `use password …`.
pub(crate) fn is_given(head: &[u8], text: &[u8], value: usize) -> bool {
    let given = [&b"with "[..], b"use ", b"using "]
        .iter()
        .any(|it| head.ends_with(it));
    given && is_told(&text[value..value + lines::word_length(text, value, b",;\"'`()")])
}

/// The position of the value that a sentence gives, of letters, digits and signs: `password is …`.
pub(crate) fn told(text: &[u8], from: usize, kind: Option<Kind>) -> Option<usize> {
    // The first two bytes rule out most words.
    if !matches!(
        text.get(from..from + 2)?,
        b"is" | b"wa" | b"/t" | b"ha" | b"to" | b"fo"
    ) {
        return None;
    }
    let verbs = [
        &b"is: "[..],
        b"is ",
        b"was ",
        b"/t REG_SZ /d ",
        b"has been reset to ",
        b"has been set to ",
        b"to ",
    ];
    // Other things are renamed: `token to auth-2`.
    let verbs = &verbs[..verbs.len() - usize::from(kind != Some(Kind::Password))];
    let value = if let Some(verb) = verbs.iter().find(|it| text[from..].starts_with(it)) {
        from + verb.len()
    } else {
        // `password for staging: …`
        let purpose = text[from..].strip_prefix(b"for ")?;
        let words = count(purpose, 0, 40, |byte| {
            byte.is_ascii_alphanumeric() || byte == b' '
        });
        let named = purpose[words..].starts_with(b": ").then_some(words + 2);
        let named = named.or_else(|| purpose[words..].starts_with(b"= ").then_some(words + 2));
        let said = || find::find(&purpose[..words], b" is ").map(|at| at + 4);
        from + 4 + named.or_else(said)?
    };
    let word = &text[value..value + lines::word_length(text, value, b",;\"'`()")];
    let word = word.strip_suffix(b".").unwrap_or(word);
    // `base64-encoded`
    is_told(word).then_some(value)
}

/// Words before a user and a password in tables of mail programs.
pub(crate) const RELAYS: &[&str] = &[
    "]:587 ",
    "]:465 ",
    "]:25 ",
    "maps = static:",
    "maps=static:",
    "stats auth ",
];

/// The password of `[host]:587 user:…`, of `static:user:…`.
pub(crate) fn relayed(text: &[u8], from: usize) -> Option<Span> {
    let from = from + count(text, from, 32, |byte| byte == b' ');
    let length = count(text, from, 200, |byte| {
        !byte.is_ascii_whitespace() && !matches!(byte, b'"' | b'\\')
    });
    let pair = &text[from..from + length];
    let colon = memchr::memchr(b':', pair)?;
    let span = (from + colon + 1, from + length);
    (colon > 0 && is_secret(Kind::Password, Style::Literal, &text[span.0..span.1])).then_some(span)
}

/// Tags around a user and a password, each on a line of its own.
pub(crate) const ENCLOSURES: &[&str] = &["<auth-user-pass>"];

/// The password on the second line.
pub(crate) fn enclosed(text: &[u8], from: usize) -> Option<Span> {
    let near = &text[from..text.len().min(from + 400)];
    let near = &near[..find::find(near, b"</")?];
    let user = near.iter().position(|byte| !byte.is_ascii_whitespace())?;
    let line = user + memchr::memchr(b'\n', &near[user..])? + 1;
    let password = near[line..].trim_ascii();
    if password.is_empty() {
        return None;
    }
    let start = line + find::find(&near[line..], password)?;
    let alone = !password.contains(&b'\n') && lines::is_indent(lines::before(text, from + start));
    (alone && is_secret(Kind::Password, Style::Literal, password))
        .then_some((from + start, from + start + password.len()))
}
