//! Passwords on command lines.

use super::arguments::{
    FEW_ARGUMENTS, LONGEST_COMMAND, LONGEST_LIST, MOST_ARGUMENTS, Written, arguments,
};
use super::programs::{PROGRAMS, Program, Takes};
use super::structures::Span;
use super::taken::{after_joint, is_password, taken};
use crate::redact::text::find;
use crate::redact::text::separator::{CLOSED, count};

/// Commands that read a password from their standard input.
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

/// A name of a program, split where its anchor begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Called {
    before: &'static str,
    anchor: &'static str,
    written: Written,
    program: &'static Program,
}

/// Every name of every program.
pub(crate) fn programs() -> impl Iterator<Item = Called> {
    PROGRAMS.iter().flat_map(|program| {
        program.names.iter().flat_map(move |name| {
            let (before, anchor) = name.split_once('|').unwrap_or(("", name));
            let word = anchor.trim_end();
            let called = |anchor, written| Called {
                before,
                anchor,
                written,
                program,
            };
            let listed = (!word.contains([' ', '-'])).then(|| called(word, Written::AsList));
            [called(anchor, Written::InShell)].into_iter().chain(listed)
        })
    })
}

impl Called {
    pub(crate) const fn program(self) -> &'static Program {
        self.program
    }

    /// The anchors of the name.
    pub(crate) fn anchors(self) -> Vec<Vec<u8>> {
        let ends = match self.written {
            Written::AsList => &["\"", "'"][..],
            Written::InShell => &[""],
        };
        let ended = |end: &&str| [self.anchor, end].concat().into_bytes();
        ends.iter().map(ended).collect()
    }

    /// The beginning of the arguments, if the name has its anchor at `at`.
    pub(crate) fn arguments(self, text: &[u8], at: usize) -> Option<usize> {
        let whole = text[..at].ends_with(self.before.as_bytes())
            && text[at..].starts_with(self.anchor.as_bytes());
        let end = at + self.anchor.len();
        if self.written == Written::InShell {
            return whole.then_some(end);
        }
        let list = whole && matches!(text[end..], [b'"' | b'\'', b',', ..]);
        list.then_some(end + 1)
    }

    /// The passwords among the arguments, and the position up to which they were read.
    pub(crate) fn passwords(self, text: &[u8], from: usize) -> (Vec<Span>, usize) {
        let takes = self.program.takes;
        // Passwords come early. The rest of a long command is read only if there was none, or if
        // more may follow.
        let (few, end) = arguments(text, from, FEW_ARGUMENTS, self.written);
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
        let (all, end) = arguments(text, from, MOST_ARGUMENTS, self.written);
        // Passwords may continue behind the last few arguments, which are read again.
        let whole = all.len().saturating_sub(FEW_ARGUMENTS);
        let is_cut = all.len() == MOST_ARGUMENTS;
        let end = all.get(whole).filter(|_| is_cut).map_or(end, |it| it.start);
        (taken(takes, text, &all), end)
    }
}

/// The anchors of commands that read a password.
pub(crate) fn readers() -> impl Iterator<Item = &'static str> {
    READERS.iter().copied()
}

/// The password written to the standard input of a command: `echo X | sudo -S`.
pub(crate) fn piped(text: &[u8], at: usize, reader: &str) -> Option<Span> {
    let line = crate::redact::text::lines::before(text, at);
    let from = at - line.len();
    let found = ["echo ", "printf "].iter().find_map(|writer| {
        let writes = find::rfind(line, writer.as_bytes())?;
        memchr::memchr(b'|', &line[writes..])?;
        let (arguments, _) = arguments(
            text,
            from + writes + writer.len(),
            MOST_ARGUMENTS,
            Written::InShell,
        );
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
        arguments(text, here, MOST_ARGUMENTS, Written::InShell)
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

/// Settings whose value is a command that prints a password: `passwordeval "echo …"`,
/// `--password-command`.
pub(crate) const COMMANDS_FOR_PASSWORDS: &[&str] = &[
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

/// The password that the command of such a setting prints: `echo …`.
pub(crate) fn echoed(text: &[u8], from: usize) -> Option<Span> {
    let joint = count(text, from, CLOSED, |byte| {
        matches!(byte, b' ' | b'=' | b':' | b'"' | b'\'' | b'\\')
    });
    let writer = ["echo ", "printf "]
        .iter()
        .find(|it| text[from + joint..].starts_with(it.as_bytes()))?;
    let (arguments, _) = arguments(
        text,
        from + joint + writer.len(),
        FEW_ARGUMENTS,
        Written::InShell,
    );
    let argument = arguments
        .into_iter()
        .rfind(|it| !it.of(text).starts_with(b"-") && !it.of(text).starts_with(b"%"))?;
    is_password(argument.of(text)).then_some(argument.span())
}

/// Commands that print only a secret.
pub(crate) const PRINTERS: &[&str] = &["pass show ", "$ pass ", "64 -d\n", "64 --decode\n"];

/// The secret that such a command printed: the only word of the next line.
pub(crate) fn printed(text: &[u8], from: usize) -> Option<Span> {
    let line = if text[..from].ends_with(b"\n") {
        let command = crate::redact::text::lines::before(text, from - 1);
        find::contains(command, b"ecret").then_some(from)?
    } else {
        from + memchr::memchr(b'\n', &text[from..text.len().min(from + LONGEST_LIST)])? + 1
    };
    let end = line + count(text, line, LONGEST_LIST, |byte| !byte.is_ascii_whitespace());
    let value = &text[line..end];
    (value.len() >= 6 && crate::redact::text::lines::is_pair(text, line) && is_password(value))
        .then_some((line, end))
}
