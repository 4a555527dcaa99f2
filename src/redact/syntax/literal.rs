//! String literals of programming languages, with any depth of escaping.

use crate::redact::text::find;
use crate::redact::text::format::WORD;
use crate::redact::text::separator::{blanks, count, escapes_at};
use crate::redact::text::words::Words;
use crate::redact::text::work;

pub(crate) const LONGEST_VALUE: usize = 4096;

/// Calls that only wrap a literal: `String::from("…")`.
static WRAPPERS: Words = Words::of_any_case(&[
    b"from",
    b"new",
    b"of",
    b"some",
    b"ok",
    b"just",
    b"string",
    b"str",
    b"text",
    b"byte",
    b"bytes",
    b"ptr",
    b"pointer",
    b"ref",
    b"secret",
    b"secretstr",
    b"secretstring",
    b"securestring",
    b"sensitive",
    b"to_string",
    b"stringptr",
    b"lazy",
    b"url",
    b"uri",
    b"b64decode",
    b"decode",
    b"atob",
    b"password",
    b"encodeuricomponent",
    b"usestate",
    b"cstring",
    b"secretvalue",
    b"plaintext",
    b"unsafeplaintext",
    b"string_view",
    b"qstring",
    b"make_shared",
    b"make",
    b"hash",
    b"field",
]);
const LONGEST_WRAPPER: usize = 48;
/// Bytes of the longest line to search for a cell of CSV.
const LONGEST_LINE: usize = 512;
pub(crate) const LONGEST_TYPE: usize = 64;

/// Result of reading a string literal.
pub(crate) enum Literal {
    /// Start and end of the text in its quotes.
    Whole(usize, usize),
    /// A literal that does not close on its line.
    Open,
    None,
}

impl Literal {
    pub(crate) fn read(text: &[u8], at: usize) -> Self {
        match Self::plain(text, at) {
            Self::None => {}
            found => return found,
        }
        // `Some("…")`, and once more inside: `Some(String::from("…"))`.
        let Some(inside) = wrapped(text, at) else {
            return Self::None;
        };
        match Self::plain(text, inside) {
            Self::None => {
                wrapped(text, inside).map_or(Self::None, |innermost| Self::plain(text, innermost))
            }
            found => found,
        }
    }

    fn plain(text: &[u8], at: usize) -> Self {
        let sigil = |byte| {
            matches!(
                byte,
                b'b' | b'r'
                    | b'f'
                    | b'u'
                    | b'@'
                    | b'&'
                    | b'$'
                    | b'['
                    | b'('
                    | b'L'
                    | b'R'
                    | b'N'
                    | b'<'
                    | b'#'
                    | b'8'
                    | b'c'
            )
        };
        let opening = if is_quote(text, at) {
            at
        } else if text.get(at) == Some(&b'(') {
            // `= (` and the literal on the next line.
            at + 1 + count(text, at + 1, 64, |byte| byte.is_ascii_whitespace())
        } else {
            at + count(text, at, 2, sigil)
        };
        if !is_quote(text, opening) {
            return Self::None;
        }
        let escapes = escapes_at(text, opening);
        let quote = text[opening + escapes];
        // `&'static str`
        if opening > at && text[opening - 1] == b'&' && quote == b'\'' {
            return Self::None;
        }
        if escapes == 0 && text[opening..].starts_with(&[quote; 3]) {
            return Self::tripled(text, opening + 3, quote);
        }
        if let Some(doubled) = Self::doubled(text, opening, quote) {
            return doubled;
        }
        Self::until(text, opening + escapes + 1, quote, escapes)
    }

    /// A quoted text inside a cell of CSV: `""…""`.
    fn doubled(text: &[u8], opening: usize, quote: u8) -> Option<Self> {
        let start = opening + 2;
        let doubled = text[opening..].starts_with(&[quote; 2])
            && text.get(start).is_some_and(u8::is_ascii_alphanumeric);
        if !doubled {
            return None;
        }
        let end = start
            + count(text, start, LONGEST_LINE, |byte| {
                byte != quote && byte != b'\n'
            });
        text[end..]
            .starts_with(&[quote; 2])
            .then_some(Self::Whole(start, end))
    }

    /// A literal in three quotes, without the blanks at its ends: `"""…"""`.
    fn tripled(text: &[u8], from: usize, quote: u8) -> Self {
        let near = &text[from..text.len().min(from + LONGEST_VALUE)];
        let Some(length) = find::find(near, &[quote; 3]) else {
            return Self::until(text, from, quote, 0);
        };
        let start = from + (length - near[..length].trim_ascii_start().len());
        Self::Whole(start, from + near[..length].trim_ascii_end().len())
    }

    fn until(text: &[u8], start: usize, quote: u8, escapes: usize) -> Self {
        let limit = text.len().min(start + LONGEST_VALUE);
        let mut end = start;
        while end < limit
            && let Some(length) = memchr::memchr3(quote, b'\\', b'\n', &text[end..limit])
        {
            work::add(1 + length / find::AT_ONCE);
            end += length;
            match text[end] {
                b'\n' => return Self::Open,
                b'\\' => {
                    let escape = escapes_at(text, end);
                    if text.get(end + escape) == Some(&quote) && escape <= escapes {
                        return Self::Whole(start, end);
                    }
                    end += escape + escape % 2;
                }
                _ => return Self::Whole(start, end),
            }
        }
        // The text is cut off inside the literal.
        if limit == text.len() {
            Self::Whole(start, text.len())
        } else {
            Self::Open
        }
    }

    /// The literal after the type of a declaration: `password: string = "…"`, `apiToken string =
    /// "…"`.
    pub(crate) fn after_type(text: &[u8], at: usize) -> Self {
        // Most places have no equals sign near, which is cheap to find out.
        let near = &text[at..text.len().min(at + LONGEST_TYPE + 1)];
        if memchr::memchr(b'=', near).is_none() {
            return Self::None;
        }
        let in_type = |byte| WORD.has(byte) || b" &<>?|'*[]().,:".contains(&byte);
        let equals = at + count(text, at, LONGEST_TYPE, in_type);
        if equals == at || text.get(equals) != Some(&b'=') || text.get(equals + 1) == Some(&b'=') {
            return Self::None;
        }
        if !is_type(&text[at..equals]) {
            return Self::None;
        }
        let words = text[at..equals].split(|byte| *byte == b' ');
        let prose = [
            &b"and"[..],
            b"or",
            b"if",
            b"is",
            b"in",
            b"not",
            b"for",
            b"from",
            b"where",
        ];
        if words.clone().any(|word| prose.contains(&word)) {
            return Self::None;
        }
        Self::read(text, equals + 1 + blanks(text, equals + 1, 4))
    }
}

/// Whether a text may be a type: few words, and commas only in brackets.
fn is_type(text: &[u8]) -> bool {
    const MOST_WORDS: usize = 5;
    let mut depth = 0_i32;
    let commas_inside = text.iter().all(|byte| {
        match byte {
            b'[' | b'<' | b'(' => depth += 1,
            b']' | b'>' | b')' => depth -= 1,
            _ => {}
        }
        *byte != b',' || depth > 0
    });
    let words = text.split(|byte| *byte == b' ').count();
    commas_inside && words <= MOST_WORDS && !text.windows(2).any(|pair| pair == b". ")
}

/// The position inside the parenthesis of a call that only wraps a literal.
fn wrapped(text: &[u8], at: usize) -> Option<usize> {
    let call = |byte| {
        WORD.has(byte) || matches!(byte, b'.' | b':' | b' ' | b'!' | b'<' | b'>' | b'[' | b']')
    };
    memchr::memchr(b'(', &text[at..text.len().min(at + LONGEST_WRAPPER + 1)])?;
    let callee = &text[at..at + count(text, at, LONGEST_WRAPPER, call)];
    let open = at + callee.len();
    if text.get(open) != Some(&b'(') {
        return None;
    }
    let last = callee
        .rsplit(|byte| !WORD.has(*byte))
        .find(|part| !part.is_empty())?;
    WRAPPERS.contain(last).then(|| {
        let inside = open + 1 + blanks(text, open + 1, 4);
        let named = text[inside..].starts_with(b"default=");
        inside + if named { b"default=".len() } else { 0 }
    })
}

pub(crate) fn is_quote(text: &[u8], at: usize) -> bool {
    let escapes = escapes_at(text, at);
    matches!(text.get(at + escapes), Some(b'"' | b'\'' | b'`'))
}
