//! The arguments of a command, as a shell or a list of strings has them.

use super::format::Class;
use super::separator::count;
use super::structures::Span;

pub(super) const LONGEST_COMMAND: usize = 1024;
pub(super) const FEW_ARGUMENTS: usize = 8;
pub(super) const LONGEST_LIST: usize = 256;
/// So many reach farther than a look in vain has to, for it to be remembered.
pub(super) const MOST_ARGUMENTS: usize = 66;

/// An argument; its quotes are not part of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Argument {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Argument {
    pub(super) fn of<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        &text[self.start..self.end]
    }

    pub(super) fn span(&self) -> Span {
        (self.start, self.end)
    }
}

/// The arguments of the command from `from` on, at most so many, and where they end.
pub(super) fn arguments(
    text: &[u8],
    from: usize,
    most: usize,
    listed: bool,
) -> (Vec<Argument>, usize) {
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
        // One that begins before the limit is read whole: half a password is no password.
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
