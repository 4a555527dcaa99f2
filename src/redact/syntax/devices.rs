//! Settings of routers, switches and authentication servers: lines of words without signs, in which
//! a secret follows its name.

use super::prose::{is_password_of_sentence, word};
use super::structures::Span;
use crate::redact::mark;
use crate::redact::text::separator::count;
use crate::redact::text::words::Words;

/// First words of the lines.
static COMMANDS: Words = Words::exact(&[
    b"enable",
    b"username",
    b"user",
    b"set",
    b"ip",
    b"ipv6",
    b"ntp",
    b"neighbor",
    b"peer",
    b"area",
    b"isis",
    b"crypto",
    b"standby",
    b"vrrp",
    b"glbp",
    b"ppp",
    b"aaa",
    b"server",
    b"server-private",
    b"radius-server",
    b"tacacs-server",
    b"snmp-server",
    b"authentication",
    b"pre-shared-key",
    b"wpa-psk",
    b"vpdn",
    b"l2tp",
    b"admin",
]);

/// Whether a line begins as such a setting, perhaps after a prompt.
pub(crate) fn is_command(head: &[u8]) -> bool {
    let mut words = head
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty());
    let first = words.next().unwrap_or_default();
    let command = match first {
        [.., b'#' | b'>'] => words.next().unwrap_or_default(),
        first => first,
    };
    COMMANDS.contain(command)
}

/// Whether the word at `at`, perhaps in quotes, is a password of letters and digits.
pub(crate) fn is_password(text: &[u8], value: usize) -> bool {
    if text[value..].starts_with(mark::ANCHOR.as_bytes()) {
        return false;
    }
    let quoted = count(text, value, 1, |byte| matches!(byte, b'"' | b'\''));
    let word = word(text, value + quoted);
    is_password_of_sentence(&text[word.0..word.1])
}

/// Words before a password or its reversible encoding.
pub(crate) const ANNOUNCEMENTS: &[&str] = &[
    "password 0 ",
    "password 7 ",
    "password ENC ",
    "secret 0 ",
    "secret 7 ",
    "key 7 ",
    "key 0 ",
    "key-string ",
    "ascii-text ",
    "ascii 0 ",
    "ascii 7 ",
    " : EAP ",
    " : XAUTH ",
    "AUTH default ",
];

/// The password that is the rest of the line.
pub(crate) fn configured(text: &[u8], from: usize) -> Option<Span> {
    let quoted = count(text, from, 1, |byte| byte == b'"');
    let word = word(text, from + quoted);
    let end = word.1 + quoted;
    let last = matches!(text.get(end), None | Some(b'\n' | b'\r' | b';' | b'\\'));
    (last && is_password_of_sentence(&text[word.0..word.1])).then_some(word)
}
