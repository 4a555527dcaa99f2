//! Rewrites what emitters write in place of JSON, so that a strict reader reads it as what it means.
//!
//! | written | by | read as |
//! |---|---|---|
//! | half a character, `\ud83d` | JavaScript, whose texts are UTF-16 and may be cut within a character | `\ufffd` |
//! | `NaN`, `Infinity`, `-Infinity` | Python | the same word as a text, as the protocol has it |
//! | `1e400` | exporters with numbers of their own | `"Infinity"` |
//! | a control character in a text | exporters that do not escape it | its escape |
//!
//! Only texts that a strict reader refused come here.

use std::ops::Range;

/// The text with these mended; `None` when there are none. It may be longer, so that a position in
/// it is near the same place of the original.
pub(crate) fn mended(text: &str) -> Option<String> {
    let mut mend = Mend {
        text,
        kept: 0,
        mended: None,
    };
    let mut at = 0;
    while let Some(byte) = text.as_bytes().get(at) {
        at = match byte {
            b'"' => mend.string(at + 1),
            b'N' | b'I' | b'-' | b'+' | b'.' | b'0'..=b'9' => mend.word(at),
            _ => at + 1,
        };
    }
    let mut mended = mend.mended?;
    mended.push_str(&text[mend.kept..]);
    Some(mended)
}

struct Mend<'t> {
    text: &'t str,
    /// End of the part of the text that is in `mended`.
    kept: usize,
    mended: Option<String>,
}

impl Mend<'_> {
    fn replace(&mut self, place: Range<usize>, with: &str) {
        let mended = self
            .mended
            .get_or_insert_with(|| String::with_capacity(self.text.len() + 64));
        mended.push_str(&self.text[self.kept..place.start]);
        mended.push_str(with);
        self.kept = place.end;
    }

    /// Mends a text whose quotation mark is before `at`, and returns the end.
    fn string(&mut self, mut at: usize) -> usize {
        while let Some(byte) = self.text.as_bytes().get(at) {
            at = match byte {
                b'"' => return at + 1,
                b'\\' => self.escape(at),
                0..0x20 => {
                    self.replace(at..at + 1, &format!("\\u{byte:04x}"));
                    at + 1
                }
                _ => at + 1,
            };
        }
        at
    }

    /// Mends an escape, and returns its end.
    fn escape(&mut self, at: usize) -> usize {
        let escape = &self.text.as_bytes()[at..];
        match (half(escape), escape.get(6..).and_then(half)) {
            (Some(Half::First), Some(Half::Second)) => at + 12,
            (Some(_), _) => {
                self.replace(at..at + 6, "\\ufffd");
                at + 6
            }
            // The escaped character may be a backslash or a quotation mark. One that no escape has
            // may be of several bytes, the rest of which mean nothing here.
            (None, _) => at + 2,
        }
    }

    /// Mends a number or a word outside of texts, and returns its end.
    fn word(&mut self, at: usize) -> usize {
        let bytes = self.text.as_bytes();
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-._".contains(byte);
        let length = bytes[at..].iter().take_while(|byte| is_part(byte)).count();
        let end = at + length;
        if let Some(word) = meaning(&self.text[at..end]) {
            self.replace(at..end, word);
        }
        end
    }
}

/// The text for a number that JSON cannot write; `None` for any other word.
fn meaning(word: &str) -> Option<&'static str> {
    match word {
        "NaN" => Some("\"NaN\""),
        "Infinity" => Some("\"Infinity\""),
        "-Infinity" => Some("\"-Infinity\""),
        _ => {
            let digits = word.strip_prefix('-').unwrap_or(word);
            let is_number = digits.starts_with(|first: char| first.is_ascii_digit());
            let value: f64 = digits.parse().ok().filter(|_| is_number)?;
            let is_negative = digits.len() < word.len();
            value.is_infinite().then_some(if is_negative {
                "\"-Infinity\""
            } else {
                "\"Infinity\""
            })
        }
    }
}

enum Half {
    First,
    Second,
}

/// The half of a character that a text begins with, escaped.
fn half(text: &[u8]) -> Option<Half> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    let digits = str::from_utf8(digits).ok()?;
    match u16::from_str_radix(digits, 16).ok()? {
        0xd800..=0xdbff => Some(Half::First),
        0xdc00..=0xdfff => Some(Half::Second),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::mended;

    #[test]
    fn what_json_cannot_write_is_mended_and_the_rest_is_kept() {
        for (text, expected) in [
            (r#""cut \ud83d""#, Some(r#""cut \ufffd""#)),
            (r#""\udE00 \uD83D\uDE00""#, Some(r#""\ufffd \uD83D\uDE00""#)),
            (r#""\ud83d\ud83d\ude00""#, Some(r#""\ufffd\ud83d\ude00""#)),
            (r#""\\ud83d \u0041 é\n""#, None),
            (r#""\ud83"#, None),
            ("\"\\", None),
            ("\"\\é\u{1}\"", Some("\"\\é\\u0001\"")),
            (r#"{"a":NaN}"#, Some(r#"{"a":"NaN"}"#)),
            (
                "[Infinity, -Infinity,-1]",
                Some(r#"["Infinity", "-Infinity",-1]"#),
            ),
            (
                "[1e400,-1e400,1E+999]",
                Some(r#"["Infinity","-Infinity","Infinity"]"#),
            ),
            ("[1e300,-0.5,1e-400,2.5e-05]", None),
            // Words within texts, and words that only begin like these.
            (r#"["NaN \"-Infinity","1e400",NaNs,Infinit]"#, None),
            (
                "\"a\tb\u{1}\nc\" \n",
                Some("\"a\\u0009b\\u0001\\u000ac\" \n"),
            ),
            ("\"a\\\"\tb\"", Some("\"a\\\"\\u0009b\"")),
            ("\"é\t\u{7f}\"", Some("\"é\\u0009\u{7f}\"")),
        ] {
            assert_eq!(mended(text).as_deref(), expected, "{text}");
        }
        let digits = format!("[{}]", "9".repeat(400));
        assert_eq!(mended(&digits).as_deref(), Some(r#"["Infinity"]"#));
    }
}
