//! Arguments of a command, in a shell or a list of strings.

use super::structures::Span;
use crate::redact::text::format::Class;
use crate::redact::text::separator::{count, escapes_at};

/// Bytes of a command that are read.
pub(crate) const LONGEST_COMMAND: usize = 1024;
/// Number of arguments that hold the password of most commands.
pub(crate) const FEW_ARGUMENTS: usize = 8;
/// Bytes of a list of strings that are read.
pub(crate) const LONGEST_LIST: usize = 256;
/// Largest number of arguments read. They take more bytes than the shortest failed look that a scan
/// remembers.
pub(crate) const MOST_ARGUMENTS: usize = 66;

/// Position of an argument without its quotes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Argument {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Argument {
    pub(crate) fn of<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        &text[self.start..self.end]
    }

    pub(crate) fn span(&self) -> Span {
        (self.start, self.end)
    }
}

/// Notation of the arguments of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// As in a shell: `curl -u …`.
    InShell,
    /// As a list of strings: `["curl", "-u", "…"]`.
    AsList,
}

/// The arguments of a command from `from` on, at most `most`, and their end.
pub(crate) fn arguments(
    text: &[u8],
    from: usize,
    most: usize,
    written: Written,
) -> (Vec<Argument>, usize) {
    let longest = match written {
        Written::AsList => LONGEST_LIST,
        Written::InShell => LONGEST_COMMAND,
    };
    let limit = text.len().min(from + longest);
    let (mut at, mut all) = (from, Vec::with_capacity(FEW_ARGUMENTS));
    while all.len() < most {
        at += gap(text, at, limit, written);
        if at >= limit || ends_command(text, at) {
            break;
        }
        // An argument that begins before the limit is read to its end, since half a password is not
        // recognised.
        let (argument, after) = argument(text, at, text.len().min(at + longest));
        all.push(argument);
        at = after;
        // The quotes around the whole command close here.
        if matches!(text.get(at), Some(b'"' | b'\'')) {
            break;
        }
    }
    (all, at)
}

/// Number of bytes of blanks and continued lines.
fn gap(text: &[u8], from: usize, limit: usize, written: Written) -> usize {
    let mut at = from;
    while at < limit {
        let escapes = escapes_at(text, at);
        match text.get(at + escapes) {
            Some(b' ' | b'\t') => at += escapes + 1,
            Some(b',' | b'\n') if written == Written::AsList => at += escapes + 1,
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

/// Signs that end an argument, quote or escape.
const SIGNS: Class = Class::of("\"'\\\n\r \t|;`");

/// An argument, and the position after it.
fn argument(text: &[u8], at: usize, limit: usize) -> (Argument, usize) {
    let mut end = at;
    while end < limit {
        end += count(text, end, limit - end, |byte| !SIGNS.has(byte));
        let escapes = escapes_at(text, end);
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
