//! The passwords among the arguments of a command.

use super::arguments::Argument;
use super::programs::Takes;
use super::structures::Span;
use crate::redact::mark;
use crate::redact::names::keys::Kind;
use crate::redact::text::separator::{CLOSED, count};
use crate::redact::values::random::looks_random;
use crate::redact::values::{Style, has_three_sorts, is_secret};

/// The passwords in all places that a program takes them, from left to right. Of two that overlap,
/// the first in `takes` counts.
pub(crate) fn taken(takes: &[Takes], text: &[u8], arguments: &[Argument]) -> Vec<Span> {
    let command = Command { text, arguments };
    let mut all: Vec<Span> = Vec::new();
    for span in takes.iter().flat_map(|it| it.find(command)) {
        if all.iter().all(|it| it.1 <= span.0 || span.1 <= it.0) {
            all.push(span);
        }
    }
    all.sort_unstable();
    all
}

/// A command and its arguments.
#[derive(Clone, Copy)]
struct Command<'t> {
    text: &'t [u8],
    arguments: &'t [Argument],
}

impl<'t> Command<'t> {
    /// The arguments after a flag.
    fn next(self, flag: &'static str) -> impl Iterator<Item = Span> {
        self.arguments
            .windows(2)
            .filter(move |pair| ends_with_flag(pair[0].of(self.text), flag))
            // A flag may have no argument: `mongosh -p --port 1`.
            .filter(move |pair| !pair[1].of(self.text).starts_with(b"--"))
            .map(|pair| pair[1].span())
    }

    /// The values written right after a flag.
    fn glued(self, flag: &'static str) -> impl Iterator<Item = Span> {
        let glued = move |it: &Argument| glued(self.text, *it, flag);
        self.arguments.iter().filter_map(glued)
    }

    fn either(self, flag: &'static str) -> impl Iterator<Item = Span> {
        self.next(flag).chain(self.glued(flag))
    }

    /// The arguments that are no flags.
    fn plain(self) -> impl Iterator<Item = Span> {
        self.spans()
            .filter(move |it| !self.of(*it).starts_with(b"-"))
    }

    fn spans(self) -> impl DoubleEndedIterator<Item = Span> {
        self.arguments.iter().map(Argument::span)
    }

    fn of(self, (start, end): Span) -> &'t [u8] {
        &self.text[start..end]
    }
}

/// Possible places of a password.
enum Places {
    /// The whole argument.
    Whole(Vec<Span>),
    /// After the first of these bytes in the argument.
    After(u8, Vec<Span>),
}

impl Takes {
    /// The passwords among the arguments.
    fn find(self, command: Command) -> Vec<Span> {
        match self.places(command) {
            Places::After(joint, places) => places
                .into_iter()
                .filter_map(|it| after_joint(command.text, it, joint))
                .filter(|it| !matches!(self, Self::UserPair(_)) || is_mixed(command.of(*it)))
                .collect(),
            Places::Whole(places) => {
                // Hostile text repeats the same argument.
                let mut judged: Option<(&[u8], bool)> = None;
                let secret = |it: &Span| {
                    let value = command.of(*it);
                    let known = judged.filter(|(same, _)| *same == value);
                    let (_, is) =
                        *judged.insert(known.unwrap_or_else(|| (value, self.suits(value))));
                    is
                };
                let most = if matches!(self, Self::WithUser(_)) {
                    1
                } else {
                    usize::MAX
                };
                places.into_iter().filter(secret).take(most).collect()
            }
        }
    }

    /// The possible places of passwords.
    fn places(self, command: Command) -> Places {
        let whole = |places: Option<Span>| Places::Whole(places.into_iter().collect());
        let first = || command.spans().next();
        let last = || command.spans().next_back();
        match self {
            Self::Glued(flag) => Places::Whole(command.glued(flag).collect()),
            Self::Next(flag) | Self::WithUser(flag) => Places::Whole(command.next(flag).collect()),
            Self::Either(flag) => Places::Whole(command.either(flag).collect()),
            Self::Pair(flag, joint) => Places::After(joint, command.either(flag).collect()),
            Self::Literal(flag) => Places::After(b'=', command.glued(flag).collect()),
            Self::Account(joint) => Places::After(joint, command.plain().collect()),
            Self::Fields => Places::After(b'=', command.plain().skip(1).collect()),
            Self::FirstPair(joint) => Places::After(joint, first().into_iter().collect()),
            Self::UserPair(joint) => {
                let user = first().filter(|it| is_user(command.of(*it), joint));
                Places::After(joint, user.into_iter().collect())
            }
            Self::LastWith(letter) => {
                let flag = first().map_or(&[][..], |it| command.of(it));
                let flagged = flag.starts_with(b"-") && flag.contains(&letter);
                whole(last().filter(|_| flagged && command.arguments.len() > 2))
            }
            Self::Last => {
                let several = command.arguments.len() > 1;
                whole(last().filter(|it| several && !command.of(*it).starts_with(b"-")))
            }
            Self::First | Self::Token => whole(command.plain().next()),
            Self::Nth(index) => whole(command.plain().nth(index)),
            Self::AfterShare => whole(after_share(command)),
            Self::AfterUser => {
                let is_flag = |it: &Span| command.of(*it).starts_with(b"/");
                whole(command.plain().filter(|it| !is_flag(it)).nth(1))
            }
        }
    }

    /// Whether a whole argument is a password.
    fn suits(self, value: &[u8]) -> bool {
        match self {
            Self::Token => is_token(value),
            Self::Nth(_) | Self::WithUser(_) | Self::AfterUser => {
                is_telling(value) && is_password(value)
            }
            _ => is_password(value),
        }
    }
}

/// Whether an argument ends with a flag. Flags of one letter may be joined: `-a`, `-sa`.
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
    let quotes = count(value, 0, CLOSED, |byte| {
        matches!(byte, b'\\' | b'"' | b'\'')
    });
    let start = argument.end - value.len() + quotes;
    (start < argument.end).then_some((start, argument.end))
}

/// The password in `user:password`.
pub(crate) fn after_joint(text: &[u8], (start, end): Span, joint: u8) -> Option<Span> {
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

/// Whether a value has letters with digits or dashes, unlike a port, a level or a project.
fn is_telling(value: &[u8]) -> bool {
    let letters = value.iter().any(u8::is_ascii_alphabetic);
    let digits = value.iter().any(u8::is_ascii_digit);
    let grouped = value
        .split(|byte| *byte == b'-')
        .all(|group| group.len() == 4);
    letters && (digits || grouped && value.len() == 19) && !value.contains(&b'/')
}

/// The argument after the address of a share that is no flag of Windows.
fn after_share(command: Command) -> Option<Span> {
    let is_address = |it: &Span| command.of(*it).starts_with(b"\\\\");
    let behind = command.spans().skip_while(|it| !is_address(it)).skip(1);
    behind
        .into_iter()
        .find(|it| !command.of(*it).starts_with(b"/"))
}

/// Whether a value has letters with digits or dashes, of three sorts of characters.
fn is_mixed(value: &[u8]) -> bool {
    is_telling(value) && has_three_sorts(value)
}

/// Whether a user's name precedes the joint.
fn is_user(argument: &[u8], joint: u8) -> bool {
    let named = |byte: &u8| byte.is_ascii_alphanumeric() || b"._@-".contains(byte);
    let user = argument.split(|byte| *byte == joint).next();
    user.is_some_and(|user| !user.is_empty() && user.iter().all(named))
}

/// Whether a value is generated, or has letters, digits and signs.
fn is_token(value: &[u8]) -> bool {
    let made = looks_random(value) && value.len() >= 12;
    let mixed = is_mixed(value) && value.len() >= 8;
    made || mixed && !value.contains(&b'=') && is_password(value)
}

pub(crate) fn is_password(value: &[u8]) -> bool {
    !value.starts_with(b"$")
        && !value.starts_with(mark::ANCHOR.as_bytes())
        && is_secret(Kind::Password, Style::Literal, value)
}
