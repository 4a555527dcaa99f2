//! Search for a word in unparsed lines.

use memchr::memmem::{self, Finder};

/// Beginning of the escape of an ASCII character.
const ESCAPE: &str = "\\u00";

/// An ASCII word. Searching a line for it takes a tenth of the time of parsing the line, and answers
/// "maybe": the word may be in a text, and a writer may escape any letter.
#[derive(Debug)]
pub(in crate::sources) struct Word(Finder<'static>);

impl Word {
    pub(in crate::sources) fn new(word: &'static str) -> Self {
        Self(Finder::new(word))
    }

    /// The offsets at which it is, unless it is escaped.
    pub(in crate::sources) fn places<'l>(&'l self, line: &'l [u8]) -> impl Iterator<Item = usize> {
        self.0.find_iter(line)
    }

    /// Whether any word may be in a line in escapes.
    pub(in crate::sources) fn may_be_escaped_in(line: &[u8]) -> bool {
        memmem::find(line, ESCAPE.as_bytes()).is_some()
    }

    /// Whether the word may be in a line.
    pub(in crate::sources) fn may_be_in(&self, line: &[u8]) -> bool {
        self.0.find(line).is_some() || Self::may_be_escaped_in(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_however_it_is_spelled() {
        let word = Word::new("cwd");
        for (line, maybe) in [
            (r#"{"cwd":1}"#, true),
            (r#"{"\u0063wd":1}"#, true),
            (r#"{"text":"\\u00e4"}"#, true),
            (r#"{"text":"\n"}"#, false),
        ] {
            assert_eq!(word.may_be_in(line.as_bytes()), maybe, "{line}");
        }
    }
}
