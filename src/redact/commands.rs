//! Passwords on command lines: which program takes one, and after which flag.

use super::arguments::{FEW_ARGUMENTS, LONGEST_COMMAND, LONGEST_LIST, MOST_ARGUMENTS, arguments};
use super::find;
use super::programs::{PROGRAMS, Program, Takes};
use super::separator::count;
use super::structures::Span;
use super::taken::{after_joint, is_password, taken};

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
        // What begins with the last few may go on behind them, and is read again.
        let whole = all.len().saturating_sub(FEW_ARGUMENTS);
        let is_cut = all.len() == MOST_ARGUMENTS;
        let end = all.get(whole).filter(|_| is_cut).map_or(end, |it| it.start);
        (taken(takes, text, &all), end)
    }
}

/// What gives away a command that reads a password.
pub(super) fn readers() -> impl Iterator<Item = &'static str> {
    READERS.iter().copied()
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
