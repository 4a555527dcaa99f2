//! Text protocols in dialogues and logs: a command in capitals, a user and a password.

use super::prose::is_password_of_sentence;
use super::structures::Span;
use crate::redact::names::keys::Kind;
use crate::redact::text::find;
use crate::redact::text::format::{BASE64, run_length};
use crate::redact::text::lines;
use crate::redact::text::separator::{blanks, count};
use crate::redact::values::checks::decode_base64;
use crate::redact::values::{Style, is_secret};

/// Bytes before and after a command that are read.
const NEAR: usize = 120;

/// The words of a command without quotes, up to the end of its line or string.
fn words(text: &[u8], from: usize) -> impl Iterator<Item = Span> {
    let mut at = from;
    std::iter::from_fn(move || {
        let start = at + blanks(text, at, 8);
        let quote = text.get(start).copied().filter(|it| *it == b'"');
        let start = start + usize::from(quote.is_some());
        let length = count(text, start, NEAR, |byte| match byte {
            b'"' | b'\'' | b'\\' | b'\n' | b'\r' => false,
            b' ' | b'\t' => quote.is_some(),
            _ => true,
        });
        at = start + length + usize::from(quote.is_some());
        (length > 0).then_some((start, start + length))
    })
}

/// The beginning of the next line.
fn line_after(text: &[u8], from: usize) -> Option<usize> {
    let near = &text[from..text.len().min(from + NEAR)];
    Some(from + memchr::memchr(b'\n', near)? + 1)
}

/// The end of base64 that begins at `start`.
fn base64_end(text: &[u8], start: usize) -> usize {
    let end = start + run_length(BASE64, &text[start..], NEAR);
    end + count(text, end, 2, |byte| byte == b'=')
}

/// Authentication of Redis.
pub(crate) const REDIS: &[&str] = &["AUTH ", "auth "];

/// The password of `AUTH …` or `AUTH user …` at a prompt, in quotes or at the beginning of a line.
pub(crate) fn redis(text: &[u8], from: usize) -> Option<Span> {
    let command = from - REDIS[0].len();
    let prompted = text[..command].ends_with(b"> ");
    let capital = text[command] == b'A';
    let begins = || {
        let head = lines::before(text, command);
        head.is_empty() || matches!(head, [.., b'"' | b'\'']) || find::contains(head, b"MIGRATE ")
    };
    if !(prompted || capital && begins()) {
        return None;
    }
    let mut arguments = words(text, from);
    let first = arguments.next()?;
    let password = arguments.next().unwrap_or(first);
    if arguments.next().is_some() {
        return None;
    }
    let value = &text[password.0..password.1];
    let at_prompt = prompted && find::contains(lines::before(text, command), b"6379");
    let secret = !value.contains(&b'=') && is_password_of_sentence(value)
        || at_prompt && is_secret(Kind::Password, Style::Literal, value);
    secret.then_some(password)
}

/// Logins to a mail server, or as operator of a chat.
pub(crate) const LOGINS: &[&str] = &["LOGIN ", "/oper "];

/// The password of `LOGIN user …`, after a tag, a prompt or nothing: `a1 LOGIN user …`.
pub(crate) fn login(text: &[u8], from: usize) -> Option<Span> {
    let before = &text[..from];
    let command = LOGINS
        .iter()
        .find(|it| before.ends_with(it.as_bytes()))?
        .len();
    let head = lines::before(text, from - command).trim_ascii();
    let tag = head.len() <= 8
        && head
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'>' | b':'));
    let mut arguments = words(text, from);
    let (_, password) = (arguments.next()?, arguments.next()?);
    let last = arguments.next().is_none();
    (tag && last && is_password_of_sentence(&text[password.0..password.1])).then_some(password)
}

/// Beginnings of SASL PLAIN: base64 of a user and a password follows, with a zero byte before each.
pub(crate) const PLAIN: &[&str] = &["AUTH PLAIN ", "AUTHENTICATE PLAIN "];

/// The base64 after such a beginning.
pub(crate) fn plain(text: &[u8], from: usize) -> Option<Span> {
    let end = base64_end(text, from);
    let decoded = decode_base64(&text[from..end]);
    let zeros = memchr::memchr_iter(0, &decoded).count();
    (zeros == 2).then_some((from, end))
}

/// Prompt of a mail server for a password, in base64.
pub(crate) const PROMPTS: &[&str] = &["334 UGFzc3dvcmQ6"];

/// The answer on the next line, in base64.
pub(crate) fn answered(text: &[u8], from: usize) -> Option<Span> {
    let line = line_after(text, from)?;
    let start = line
        + count(text, line, 8, |byte| {
            matches!(byte, b' ' | b'C' | b':' | b'<' | b'-' | b'>' | b'~')
        });
    let end = base64_end(text, start);
    (end - start >= 4).then_some((start, end))
}

/// Passwords for servers of mail, files and chats.
pub(crate) const PASSES: &[&str] = &["PASS "];

/// The password of `PASS …` as a whole line, with `USER …` or `NICK …` on a line near it.
pub(crate) fn pass(text: &[u8], from: usize) -> Option<Span> {
    let command = from - PASSES[0].len();
    let mut arguments = words(text, from);
    let password = arguments.next()?;
    let head = lines::before(text, command);
    if head.len() > 4 || arguments.next().is_some() {
        return None;
    }
    let before = &text[command.saturating_sub(NEAR)..command];
    let after = line_after(text, from).unwrap_or(text.len());
    let after = &text[after..text.len().min(after + NEAR)];
    let asked = [&b"USER "[..], b"NICK "]
        .iter()
        .any(|it| find::contains(before, it) || find::contains(after, it));
    let value = &text[password.0..password.1];
    (asked && is_secret(Kind::Password, Style::Literal, value)).then_some(password)
}

/// The service of a chat that owns nicknames.
pub(crate) const SERVICES: &[&str] = &["ickServ", "ickserv", "ICKSERV"];

/// The password of `/msg NickServ IDENTIFY …`. The name of the service ends at `from`.
pub(crate) fn identified(text: &[u8], from: usize) -> Option<Span> {
    let joint = from + count(text, from, 2, |byte| matches!(byte, b' ' | b':'));
    let mut told = words(text, joint);
    let command = told.next()?;
    text[command.0..command.1]
        .eq_ignore_ascii_case(b"identify")
        .then_some(())?;
    let password = told.last()?;
    let value = &text[password.0..password.1];
    is_secret(Kind::Password, Style::Literal, value).then_some(password)
}
