//! Makes text safe to display. Names of files, sessions and projects, prompts and error texts are
//! data, and data must not control the terminal or be invisible to the reader.
//!
//! Every such character is written as a JSON escape (`\u202e`; two of them for a character beyond
//! the first 65,536). Printed JSON keeps its meaning, and text shows what it contains. Line feeds
//! and tabs stay.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::str;

/// Invisible characters other than control characters: those with the property
/// `Default_Ignorable_Code_Point` of Unicode 16 (zero width, direction of text, tags, variation
/// selectors), line and paragraph separators, and interlinear annotation marks.
const UNSEEN: [(char, char); 20] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
    // Noncharacters.
    ('\u{fdd0}', '\u{fdef}'),
    ('\u{fffe}', '\u{ffff}'),
    ('\u{1fffe}', '\u{1ffff}'),
];

/// Whether a character controls the terminal or is invisible in it.
pub(super) fn steers(character: char) -> bool {
    let is_unseen = |&(first, last): &(char, char)| (first..=last).contains(&character);
    character.is_control() || !character.is_ascii() && UNSEEN.iter().any(is_unseen)
}

fn is_escaped(character: char) -> bool {
    !matches!(character, '\n' | '\t') && steers(character)
}

/// The text made safe to display.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    if !text.contains(is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len());
    for character in text.chars() {
        if is_escaped(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(cleaned, "\\u{unit:04x}");
            }
        } else {
            cleaned.push(character);
        }
    }
    Cow::Owned(cleaned)
}

/// A writer that cleans the text written through it.
pub(super) struct Cleaner<W> {
    inner: W,
    /// The first bytes of a character whose end was not written yet.
    rest: Vec<u8>,
}

impl<W: Write> Cleaner<W> {
    pub(super) const fn new(inner: W) -> Self {
        Self {
            inner,
            rest: Vec::new(),
        }
    }
}

impl<W: Write> Write for Cleaner<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.rest.extend_from_slice(bytes);
        let complete = match str::from_utf8(&self.rest) {
            Ok(text) => text.len(),
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            // Not UTF-8: the bytes become replacement characters.
            Err(_) => self.rest.len(),
        };
        let text = String::from_utf8_lossy(&self.rest[..complete]);
        self.inner.write_all(clean(&text).as_bytes())?;
        self.rest.drain(..complete);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// One character of each kind that is escaped, and its escape.
    const CASES: [(&str, &str); 14] = [
        ("\u{1b}[2J", "\\u001b[2J"),
        ("\u{7}", "\\u0007"),
        ("a\rb", "a\\u000db"),
        ("\u{7f}", "\\u007f"),
        ("\u{9b}31m", "\\u009b31m"),
        ("\u{202e}gnp", "\\u202egnp"),
        ("\u{2066}", "\\u2066"),
        ("\u{61c}", "\\u061c"),
        ("a\u{200b}b", "a\\u200bb"),
        ("\u{feff}", "\\ufeff"),
        ("\u{ad}", "\\u00ad"),
        ("\u{2028}", "\\u2028"),
        ("\u{e0041}", "\\udb40\\udc41"),
        ("\u{e0100}", "\\udb40\\udd00"),
    ];

    #[test]
    fn what_steers_or_hides_is_escaped() {
        for (text, shown) in CASES {
            assert_eq!(clean(text), shown, "{text:?}");
        }
    }

    #[test]
    fn what_is_seen_stays() {
        for text in ["größer\n\t世界 🦀 e\u{301} └─ …", "", "{\"a\": \"b\"}\n"] {
            assert!(matches!(clean(text), Cow::Borrowed(shown) if shown == text));
        }
    }

    #[test]
    fn json_means_the_same_as_before() {
        let text: String = CASES.iter().map(|(text, _)| *text).collect();
        let value = json!({ text.clone(): [text] });
        for written in [value.to_string(), format!("{value:#}")] {
            let shown = clean(&written);
            assert!(!shown.contains(|it| steers(it) && it != '\n'), "{shown}");
            assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), value);
        }
    }

    #[test]
    fn characters_may_be_written_in_pieces() {
        let text = "ä\u{202e}🦀\u{e0041}\n";
        for size in 1..=text.len() {
            let mut shown = Vec::new();
            let mut cleaner = Cleaner::new(&mut shown);
            for piece in text.as_bytes().chunks(size) {
                cleaner.write_all(piece).unwrap();
            }
            assert_eq!(String::from_utf8(shown).unwrap(), clean(text), "{size}");
        }
        let mut shown = Vec::new();
        Cleaner::new(&mut shown).write_all(b"a\xff\x1b").unwrap();
        assert_eq!(String::from_utf8(shown).unwrap(), "a\u{fffd}\\u001b");
    }
}
