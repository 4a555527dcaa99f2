//! Passwords on command lines: which program takes one, and after which flag.

use super::find;
use super::format::Class;
use super::keys::Kind;
use super::mark;
use super::programs::{PROGRAMS, Program, Takes};
use super::separator::count;
use super::structures::Span;
use super::values::{Style, has_three_sorts, is_secret, looks_random};

/// What reads a password from its standard input.
const READERS: &[&str] = &[
    "sudo -S",
    "sudo -kS",
    "--password-stdin",
    "--with-token",
    "chpasswd",
    "env add ",
    "kinit ",
    "passwd --stdin",
    "secret put ",
    "secret set ",
    "cryptsetup luksOpen",
    "cryptsetup luksFormat",
    "cryptsetup open",
    "--data-file=-",
    "kubeseal ",
    "secret create ",
    "smbpasswd ",
    "vncpasswd ",
    "passwd-on-stdin",
    "passphrase-fd 0",
    "secrets versions add ",
];

/// A name of a program, cut where the scan finds it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Called {
    before: &'static str,
    anchor: &'static str,
    /// Called with a list of strings: `["curl", "-u", "…"]`.
    listed: bool,
    program: &'static Program,
}

/// Every name of every program.
pub(super) fn programs() -> impl Iterator<Item = Called> {
    PROGRAMS.iter().flat_map(|program| {
        program.names.iter().flat_map(move |name| {
            let (before, anchor) = name.split_once('|').unwrap_or(("", name));
            let word = anchor.trim_end();
            let called = |anchor, listed| Called {
                before,
                anchor,
                listed,
                program,
            };
            let listed = (!word.contains([' ', '-'])).then(|| called(word, true));
            [called(anchor, false)].into_iter().chain(listed)
        })
    })
}

impl Called {
    pub(super) const fn program(self) -> &'static Program {
        self.program
    }

    /// What the scan looks for.
    pub(super) fn anchors(self) -> Vec<Vec<u8>> {
        let ends = if self.listed { &["\"", "'"][..] } else { &[""] };
        let ended = |end: &&str| [self.anchor, end].concat().into_bytes();
        ends.iter().map(ended).collect()
    }

    /// Where the arguments begin, if the name stands around `at`.
    pub(super) fn arguments(self, text: &[u8], at: usize) -> Option<usize> {
        let whole = text[..at].ends_with(self.before.as_bytes())
            && text[at..].starts_with(self.anchor.as_bytes());
        let end = at + self.anchor.len();
        if !self.listed {
            return whole.then_some(end);
        }
        let list = whole && matches!(text[end..], [b'"' | b'\'', b',', ..]);
        list.then_some(end + 1)
    }

    /// The passwords that the program is given; and how far its command was read.
    pub(super) fn passwords(self, text: &[u8], from: usize) -> (Vec<Span>, usize) {
        let takes = self.program.takes;
        // Passwords come early; the rest of a long command is read only where none did, or where
        // they may go on.
        let (few, end) = arguments(text, from, FEW_ARGUMENTS, self.listed);
        let found = taken(takes, text, &few);
        let to_the_last = takes
            .iter()
            .any(|it| matches!(it, Takes::Last | Takes::LastWith(_)));
        let goes_on = match (found.last(), few.last_chunk()) {
            (Some((_, found)), Some([before, _])) => *found >= before.end,
            _ => true,
        };
        if few.len() < FEW_ARGUMENTS || !goes_on && !to_the_last {
            return (found, end);
        }
        let (all, end) = arguments(text, from, MOST_ARGUMENTS, self.listed);
        (taken(takes, text, &all), end)
    }
}

/// What is taken in each way, from left to right; the first way decides about what two take.
fn taken(takes: &[Takes], text: &[u8], arguments: &[Argument]) -> Vec<Span> {
    let mut all: Vec<Span> = Vec::new();
    for span in takes.iter().flat_map(|it| it.find(text, arguments)) {
        if all.iter().all(|it| it.1 <= span.0 || span.1 <= it.0) {
            all.push(span);
        }
    }
    all.sort_unstable();
    all
}

/// What gives away a command that reads a password.
pub(super) fn readers() -> impl Iterator<Item = &'static str> {
    READERS.iter().copied()
}

const LONGEST_COMMAND: usize = 1024;
const FEW_ARGUMENTS: usize = 8;
const LONGEST_LIST: usize = 256;
/// So many reach farther than a look in vain has to, for it to be remembered.
const MOST_ARGUMENTS: usize = 66;

/// An argument; its quotes are not part of it.
#[derive(Clone, Copy, Debug)]
struct Argument {
    start: usize,
    end: usize,
}

impl Argument {
    fn of<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        &text[self.start..self.end]
    }

    fn span(&self) -> Span {
        (self.start, self.end)
    }
}

/// The arguments of the command from `from` on, at most so many, and where they end.
fn arguments(text: &[u8], from: usize, most: usize, listed: bool) -> (Vec<Argument>, usize) {
    let longest = if listed {
        LONGEST_LIST
    } else {
        LONGEST_COMMAND
    };
    let limit = text.len().min(from + longest);
    let (mut at, mut all) = (from, Vec::with_capacity(FEW_ARGUMENTS));
    while all.len() < most {
        at += gap(text, at, limit, listed);
        if at >= limit || ends_command(text, at) {
            break;
        }
        let (argument, after) = argument(text, at, limit);
        all.push(argument);
        at = after;
        // The quotes around the whole command close here.
        if matches!(text.get(at), Some(b'"' | b'\'')) {
            break;
        }
    }
    (all, at)
}

/// Blanks and continued lines.
fn gap(text: &[u8], from: usize, limit: usize, listed: bool) -> usize {
    let mut at = from;
    while at < limit {
        let escapes = count(text, at, 8, |byte| byte == b'\\');
        match text.get(at + escapes) {
            Some(b' ' | b'\t') => at += escapes + 1,
            Some(b',' | b'\n') if listed => at += escapes + 1,
            Some(b'\n') if escapes > 0 => at += escapes + 1,
            // The same in a string of JSON.
            Some(b'n') if escapes >= 3 => at += escapes + 1,
            _ => break,
        }
    }
    at - from
}

fn ends_command(text: &[u8], at: usize) -> bool {
    match text[at] {
        b'\n' | b'\r' | b'|' | b';' | b'&' | b'`' | b')' | b']' | b'<' | b'>' => true,
        b'\\' => text.get(at + 1) == Some(&b'n'),
        _ => false,
    }
}

/// What stops an argument, or changes how it is read.
const SIGNS: Class = Class::of("\"'\\\n\r \t|;`");

/// An argument, and what follows it.
fn argument(text: &[u8], at: usize, limit: usize) -> (Argument, usize) {
    let mut end = at;
    while end < limit {
        end += count(text, end, limit - end, |byte| !SIGNS.has(byte));
        let escapes = count(text, end, 8, |byte| byte == b'\\');
        match text.get(end + escapes) {
            Some(quote @ (b'"' | b'\'')) => {
                let flag = &text[at..end];
                let glued = flag.ends_with(b"=")
                    || flag.ends_with(b":")
                    || flag.starts_with(b"-") && flag.len() <= 3;
                if end > at && !glued {
                    break;
                }
                let start = end + escapes + 1;
                let length = count(text, start, limit.saturating_sub(start), |byte| {
                    byte != *quote && byte != b'\n' && !(escapes > 0 && byte == b'\\')
                });
                let argument = Argument {
                    start: if end > at { at } else { start },
                    end: start + length,
                };
                return (argument, (start + length + escapes + 1).min(text.len()));
            }
            Some(b'\n' | b'\r' | b' ' | b'\t' | b'|' | b';' | b'`') | None => break,
            Some(b'n') if escapes == 1 => break,
            Some(_) => end += escapes + 1,
        }
    }
    let end = end.min(limit);
    (Argument { start: at, end }, end)
}

impl Takes {
    fn find(self, text: &[u8], arguments: &[Argument]) -> Vec<Span> {
        let next = |flag: &'static str| {
            arguments
                .windows(2)
                .filter(move |pair| ends_with_flag(pair[0].of(text), flag))
                // Of a flag that may stand alone: `mongosh -p --port 1`.
                .filter(|pair| !pair[1].of(text).starts_with(b"--"))
                .map(|pair| pair[1].span())
        };
        let glued = |flag: &'static str| {
            arguments
                .iter()
                .filter_map(move |it| glued(text, *it, flag))
        };
        let plain = || arguments.iter().filter(|it| !it.of(text).starts_with(b"-"));
        // Hostile text has the same argument over and over.
        let mut judged: Option<(&[u8], bool)> = None;
        let secret = |it: &Span| {
            let value = &text[it.0..it.1];
            let known = judged.filter(|(same, _)| *same == value);
            let (_, is) = *judged.insert(known.unwrap_or_else(|| (value, is_password(value))));
            is
        };
        match self {
            Self::Glued(flag) => glued(flag).filter(secret).collect(),
            Self::Next(flag) => next(flag).filter(secret).collect(),
            Self::Either(flag) => next(flag).chain(glued(flag)).filter(secret).collect(),
            Self::Pair(flag, joint) => next(flag)
                .chain(glued(flag))
                .filter_map(|it| after_joint(text, it, joint))
                .collect(),
            Self::Account(joint) => plain()
                .filter_map(|it| after_joint(text, it.span(), joint))
                .collect(),
            Self::LastWith(letter) => match arguments {
                [first, .., last] if arguments.len() > 2 => {
                    let first = first.of(text);
                    let flagged = first.starts_with(b"-") && first.contains(&letter);
                    let last = Some(last.span()).filter(|_| flagged);
                    last.filter(secret).into_iter().collect()
                }
                _ => Vec::new(),
            },
            Self::Last => match arguments {
                [_, .., last] if !last.of(text).starts_with(b"-") => {
                    Some(last.span()).filter(secret).into_iter().collect()
                }
                _ => Vec::new(),
            },
            Self::First => plain().take(1).map(Argument::span).filter(secret).collect(),
            Self::Token => plain()
                .take(1)
                .map(Argument::span)
                .filter(|it| is_token(&text[it.0..it.1]))
                .collect(),
            Self::Nth(index) => plain()
                .nth(index)
                .map(Argument::span)
                .filter(|it| is_telling(&text[it.0..it.1]))
                .filter(secret)
                .into_iter()
                .collect(),
            Self::FirstPair(joint) => arguments
                .first()
                .and_then(|it| after_joint(text, it.span(), joint))
                .into_iter()
                .collect(),
            Self::UserPair(joint) => arguments
                .first()
                .filter(|it| is_user(it.of(text), joint))
                .and_then(|it| after_joint(text, it.span(), joint))
                .filter(|it| is_telling(&text[it.0..it.1]) && has_three_sorts(&text[it.0..it.1]))
                .into_iter()
                .collect(),
            Self::Fields => plain()
                .skip(1)
                .filter_map(|it| after_joint(text, it.span(), b'='))
                .collect(),
            Self::WithUser(flag) => next(flag)
                .filter(|it| is_telling(&text[it.0..it.1]))
                .filter(secret)
                .take(1)
                .collect(),
            Self::AfterShare => after_share(text, arguments)
                .filter(secret)
                .into_iter()
                .collect(),
            Self::AfterUser => plain()
                .filter(|it| !it.of(text).starts_with(b"/"))
                .nth(1)
                .map(Argument::span)
                .filter(|it| is_telling(&text[it.0..it.1]))
                .filter(secret)
                .into_iter()
                .collect(),
            Self::Literal(flag) => glued(flag)
                .filter_map(|it| after_joint(text, it, b'='))
                .collect(),
        }
    }
}

/// `-a`, or `-sa`: flags of one letter may be joined.
fn ends_with_flag(argument: &[u8], flag: &str) -> bool {
    let flag = flag.as_bytes();
    let joined = flag.len() == 2
        && argument.len() > 2
        && argument.len() <= 5
        && argument[0] == b'-'
        && argument[1..].iter().all(u8::is_ascii_alphabetic)
        && argument.ends_with(&flag[1..]);
    argument == flag || joined
}

fn glued(text: &[u8], argument: Argument, flag: &str) -> Option<Span> {
    let value = argument.of(text).strip_prefix(flag.as_bytes())?;
    let value = value.strip_prefix(b"=").unwrap_or(value);
    let quotes = count(value, 0, 8, |byte| matches!(byte, b'\\' | b'"' | b'\''));
    let start = argument.end - value.len() + quotes;
    (start < argument.end).then_some((start, argument.end))
}

/// The password in `user:password`.
fn after_joint(text: &[u8], (start, end): Span, joint: u8) -> Option<Span> {
    let pair = &text[start..end];
    let at = pair.iter().position(|byte| *byte == joint)?;
    let after = &pair[at + 1..];
    // `user/password@database`
    let length = if joint == b'/' {
        after
            .iter()
            .rposition(|byte| *byte == b'@')
            .unwrap_or(after.len())
    } else {
        after.len()
    };
    let password = &after[..length];
    let address = password.starts_with(b"//") || pair.contains(&b'<');
    (at > 0 && !address && is_password(password))
        .then_some((start + at + 1, start + at + 1 + length))
}

/// Letters with digits or signs between them: no port, no level, no project.
fn is_telling(value: &[u8]) -> bool {
    let letters = value.iter().any(u8::is_ascii_alphabetic);
    let digits = value.iter().any(u8::is_ascii_digit);
    let grouped = value
        .split(|byte| *byte == b'-')
        .all(|group| group.len() == 4);
    letters && (digits || grouped && value.len() == 19) && !value.contains(&b'/')
}

/// What follows the address of a share, and is no flag of Windows.
fn after_share(text: &[u8], arguments: &[Argument]) -> Option<Span> {
    let address = arguments
        .iter()
        .position(|it| it.of(text).starts_with(b"\\\\"))?;
    arguments[address + 1..]
        .iter()
        .map(Argument::span)
        .find(|it| !text[it.0..it.1].starts_with(b"/"))
}

/// A name of letters and digits before the joint.
fn is_user(argument: &[u8], joint: u8) -> bool {
    let named = |byte: &u8| byte.is_ascii_alphanumeric() || b"._@-".contains(byte);
    let user = argument.split(|byte| *byte == joint).next();
    user.is_some_and(|user| !user.is_empty() && user.iter().all(named))
}

/// Made by a machine, or of letters, digits and signs.
fn is_token(value: &[u8]) -> bool {
    let made = looks_random(value) && value.len() >= 12;
    let mixed = has_three_sorts(value) && is_telling(value) && value.len() >= 8;
    made || mixed && !value.contains(&b'=') && is_password(value)
}

fn is_password(value: &[u8]) -> bool {
    !value.starts_with(b"$")
        && !value.starts_with(mark::ANCHOR.as_bytes())
        && is_secret(Kind::Password, Style::Literal, value)
}

/// What is written to the standard input of a command that reads a password: `echo X | sudo -S`.
pub(super) fn piped(text: &[u8], at: usize, reader: &str) -> Option<Span> {
    let line = super::lines::before(text, at);
    let from = at - line.len();
    let found = ["echo ", "printf "].iter().find_map(|writer| {
        let writes = find::rfind(line, writer.as_bytes())?;
        memchr::memchr(b'|', &line[writes..])?;
        let (arguments, _) = arguments(text, from + writes + writer.len(), MOST_ARGUMENTS, false);
        arguments
            .into_iter()
            .rfind(|it| it.end <= at && !it.of(text).starts_with(b"-"))
    });
    let argument = found.or_else(|| {
        let rest = &text[at..text.len().min(at + LONGEST_COMMAND)];
        let line = &rest[..memchr::memchr(b'\n', rest).unwrap_or(rest.len())];
        let inputs = [&b"<<<"[..], b"<(printf ", b"<(echo -n ", b"<(echo "];
        let here = at
            + inputs
                .iter()
                .find_map(|it| Some(find::find(line, it)? + it.len()))?;
        arguments(text, here, MOST_ARGUMENTS, false)
            .0
            .into_iter()
            .next()
    })?;
    let span = (argument.start, argument.end);
    if reader == "chpasswd" {
        return after_joint(text, span, b':');
    }
    is_password(argument.of(text)).then_some(span)
}

/// What names a command that prints a password: `passwordeval "echo …"`, `--password-command`.
pub(super) const COMMANDS_FOR_PASSWORDS: &[&str] = &[
    "sswordeval",
    "ssword-eval",
    "ssword_eval",
    "ssword-command",
    "ssword_command",
    "ssword_cmd",
    "sswordCommand",
    "PassCmd",
    "passcmd",
    "PASSWORD_COMMAND",
    "PASSCOMMAND",
    "passcommand",
];

/// What such a command prints: `echo …`.
pub(super) fn echoed(text: &[u8], from: usize) -> Option<Span> {
    let joint = count(text, from, 8, |byte| {
        matches!(byte, b' ' | b'=' | b':' | b'"' | b'\'' | b'\\')
    });
    let writer = ["echo ", "printf "]
        .iter()
        .find(|it| text[from + joint..].starts_with(it.as_bytes()))?;
    let (arguments, _) = arguments(text, from + joint + writer.len(), FEW_ARGUMENTS, false);
    let argument = arguments
        .into_iter()
        .rfind(|it| !it.of(text).starts_with(b"-") && !it.of(text).starts_with(b"%"))?;
    is_password(argument.of(text)).then_some(argument.span())
}

/// Commands that print a secret and nothing else.
pub(super) const PRINTERS: &[&str] = &["pass show ", "$ pass ", "64 -d\n", "64 --decode\n"];

/// What such a command printed: the only word of the next line.
pub(super) fn printed(text: &[u8], from: usize) -> Option<Span> {
    let line = if text[..from].ends_with(b"\n") {
        let command = super::lines::before(text, from - 1);
        find::contains(command, b"ecret").then_some(from)?
    } else {
        from + memchr::memchr(b'\n', &text[from..text.len().min(from + LONGEST_LIST)])? + 1
    };
    let end = line + count(text, line, LONGEST_LIST, |byte| !byte.is_ascii_whitespace());
    let value = &text[line..end];
    (value.len() >= 6 && super::lines::is_pair(text, line) && is_password(value))
        .then_some((line, end))
}
