//! Halves of characters in JSON.
//!
//! JavaScript's texts are sequences of UTF-16 units. An exporter that cuts a text to a length may
//! leave half a character, which it escapes as `\ud83d`. Parsers of Unicode reject that.

/// The text with escaped halves of characters replaced; `None` when there are none. Its length
/// stays the same, so that positions stay valid.
pub(super) fn without_halves(text: &str) -> Option<String> {
    let mut mended: Option<String> = None;
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'\\', &text.as_bytes()[at..]) {
        at += found;
        let escape = &text[at..];
        at += match (half(escape), escape.get(6..).and_then(half)) {
            (Some(Half::First), Some(Half::Second)) => 12,
            (Some(_), _) => {
                let to = mended.get_or_insert_with(|| text.to_owned());
                to.replace_range(at..at + 6, "\\ufffd");
                6
            }
            // The escaped character, which may be a backslash.
            (None, _) => escape.chars().take(2).map(char::len_utf8).sum(),
        };
    }
    mended
}

enum Half {
    First,
    Second,
}

/// The half of a character that a text begins with, escaped.
fn half(text: &str) -> Option<Half> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    match u16::from_str_radix(digits, 16).ok()? {
        0xd800..=0xdbff => Some(Half::First),
        0xdc00..=0xdfff => Some(Half::Second),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::without_halves;

    #[test]
    fn halves_of_characters_are_replaced_and_whole_ones_kept() {
        for (text, expected) in [
            (r#""cut \ud83d""#, Some(r#""cut \ufffd""#)),
            (r#""\udE00 \uD83D\uDE00""#, Some(r#""\ufffd \uD83D\uDE00""#)),
            (r#""\ud83d\ud83d\ude00""#, Some(r#""\ufffd\ud83d\ude00""#)),
            (r#""\\ud83d \u0041 é\n""#, None),
            (r#""\ud83"#, None),
            ("\\", None),
        ] {
            assert_eq!(without_halves(text).as_deref(), expected, "{text}");
        }
    }
}
