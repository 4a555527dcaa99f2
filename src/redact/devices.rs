//! Settings of routers, switches and of what authenticates for them: lines of words without signs
//! between them, in which a secret follows its name.

use super::mark;
use super::prose::{is_password_of_sentence, word};
use super::separator::count;
use super::structures::Span;
use super::words::Words;

/// First words of such lines.
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

/// Whether what stands before a name on its line begins such a line; a prompt may be before it.
pub(super) fn is_command(head: &[u8]) -> bool {
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

/// Whether the word here, which may be in quotes, is a password: of letters and digits.
pub(super) fn is_password(text: &[u8], value: usize) -> bool {
    if text[value..].starts_with(mark::ANCHOR.as_bytes()) {
        return false;
    }
    let quoted = count(text, value, 1, |byte| matches!(byte, b'"' | b'\''));
    let word = word(text, value + quoted);
    is_password_of_sentence(&text[word.0..word.1])
}

/// What stands before a password, or its reversible code.
pub(super) const ANNOUNCEMENTS: &[&str] = &[
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

/// The password after it, alone on the rest of its line.
pub(super) fn configured(text: &[u8], from: usize) -> Option<Span> {
    let quoted = count(text, from, 1, |byte| byte == b'"');
    let word = word(text, from + quoted);
    let end = word.1 + quoted;
    let last = matches!(text.get(end), None | Some(b'\n' | b'\r' | b';' | b'\\'));
    (last && is_password_of_sentence(&text[word.0..word.1])).then_some(word)
}
