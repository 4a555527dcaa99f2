//! Text of a failed tool call, for `$ai_error`.

use std::borrow::Cow;

/// Element that Claude Code puts around errors of its own, as against those of the tool's program.
/// It is meant for the model, and in a list of errors it would precede each of them. Seen in
/// versions 2.1.11 to 2.1.199. The result of the tool keeps it.
const OPENING: &str = "<tool_use_error>";
const CLOSING: &str = "</tool_use_error>";

/// The text without the element.
pub(super) fn message(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(inside(text)),
        Cow::Owned(text) => Cow::Owned(inside(&text).to_owned()),
    }
}

/// The text without the element. A text that was cut may have lost the end of it.
fn inside(text: &str) -> &str {
    let Some(inner) = text.trim_start().strip_prefix(OPENING) else {
        return text;
    };
    let inner = inner.trim();
    inner.strip_suffix(CLOSING).unwrap_or(inner).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_element_goes_and_everything_else_stays() {
        for (text, expected) in [
            (
                "<tool_use_error>File does not exist.</tool_use_error>",
                "File does not exist.",
            ),
            (
                " <tool_use_error>\nString: </b>\n</tool_use_error>\n",
                "String: </b>",
            ),
            ("<tool_use_error>cut o…", "cut o…"),
            ("Exit code 1\n", "Exit code 1\n"),
            (
                "grep: <tool_use_error>x</tool_use_error>",
                "grep: <tool_use_error>x</tool_use_error>",
            ),
            ("<tool_use_error></tool_use_error>", ""),
        ] {
            assert_eq!(inside(text), expected);
        }
    }
}
