//! Passwords that sentences give, and the lines of files that have one beside a user without a name.

use super::find;
use super::lines;
use super::separator::count;
use super::structures::Span;
use super::values::{Style, has_three_sorts, is_secret, is_typed};
use super::{keys::Kind, random};

/// What stands before a password in messages of programs and in sentences of several languages.
pub(super) const ANNOUNCEMENTS: &[&str] = &[
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
    "pw is ",
    "::add-mask::",
];

/// The password after it: of three sorts of characters, or a word with digits.
pub(super) fn announced(text: &[u8], from: usize) -> Option<Span> {
    let quoted = count(text, from, 1, |byte| matches!(byte, b'`' | b'"' | b'\''));
    let word = word(text, from + quoted);
    is_password_of_sentence(&text[word.0..word.1]).then_some(word)
}

/// What stands before a user and a password with a slash between them.
pub(super) const LOGINS: &[&str] = &[
    "ogin with ",
    "og in with ",
    "og in as ",
    "ogin: ",
    "ogins: ",
    "redentials: ",
    "redentials are ",
    "reds: ",
];

/// The password of `admin / …`.
pub(super) fn beside_user(text: &[u8], from: usize) -> Option<Span> {
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

/// What stands before a password, or its reversible code, in settings of routers and of what
/// authenticates for them.
pub(super) const DEVICES: &[&str] = &[
    "password 0 ",
    "password 7 ",
    "secret 0 ",
    "secret 7 ",
    "key 7 ",
    "key 0 ",
    "key-string ",
    "ascii-text ",
    " : EAP ",
    " : XAUTH ",
    "AUTH default ",
];

/// The password after it, alone on the rest of its line.
pub(super) fn configured(text: &[u8], from: usize) -> Option<Span> {
    let quoted = count(text, from, 1, |byte| byte == b'"');
    let word = word(text, from + quoted);
    let end = word.1 + quoted;
    let last = matches!(text.get(end), None | Some(b'\n' | b'\r' | b';' | b'\\'));
    (last && is_password_of_sentence(&text[word.0..word.1])).then_some(word)
}

/// Without the full stop of the sentence.
fn word(text: &[u8], from: usize) -> Span {
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

/// As short as people choose passwords, and no word: `base64-encoded` and `v2/users` are none.
pub(super) fn is_password_of_sentence(word: &[u8]) -> bool {
    const SHORTEST: usize = 6;
    let typed = word.split(|byte| matches!(byte, b'-' | b'/')).any(is_typed);
    let mixed = has_three_sorts(word)
        || word.iter().any(u8::is_ascii_digit) && word.iter().any(u8::is_ascii_alphabetic);
    word.len() >= SHORTEST
        && !typed
        && (mixed || random::is_machine_made(word))
        && is_secret(Kind::Password, Style::Literal, word)
}

/// What precedes a user and a password on lines of the tables of mail programs.
pub(super) const RELAYS: &[&str] = &[
    "]:587 ",
    "]:465 ",
    "]:25 ",
    "maps = static:",
    "maps=static:",
    "stats auth ",
];

/// The password of `[host]:587 user:…`, of `static:user:…`.
pub(super) fn relayed(text: &[u8], from: usize) -> Option<Span> {
    let length = count(text, from, 200, |byte| {
        !byte.is_ascii_whitespace() && !matches!(byte, b'"' | b'\\')
    });
    let pair = &text[from..from + length];
    let colon = memchr::memchr(b':', pair)?;
    let span = (from + colon + 1, from + length);
    (colon > 0 && is_secret(Kind::Password, Style::Literal, &text[span.0..span.1])).then_some(span)
}

/// What encloses a user and a password, each on a line of its own.
pub(super) const ENCLOSURES: &[&str] = &["<auth-user-pass>"];

/// The password on the second line.
pub(super) fn enclosed(text: &[u8], from: usize) -> Option<Span> {
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
