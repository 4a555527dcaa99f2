//! Placeholders that emitters write for content that is not recorded.

/// Placeholders of Claude Code, Codex, OpenInference (`OPENINFERENCE_HIDE_INPUTS` and the like),
/// Sentry, and Langfuse when a masking function fails.
const PLACEHOLDERS: [&str; 5] = [
    "<REDACTED>",
    "[REDACTED]",
    "__REDACTED__",
    "[Filtered]",
    "<fully masked due to failed mask function>",
];

/// Logfire names the pattern that a value matched: `[Scrubbed due to 'session']`.
const SCRUBBED: (&str, &str) = ("[Scrubbed due to '", "']");

/// Whether a text is a placeholder for withheld content. A text that only contains such words is
/// content.
pub(crate) fn is_withheld(text: &str) -> bool {
    let text = text.trim();
    let (before, after) = SCRUBBED;
    let pattern = text
        .strip_prefix(before)
        .and_then(|it| it.strip_suffix(after));
    PLACEHOLDERS.contains(&text) || pattern.is_some_and(|it| !it.contains('\''))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placeholder_is_the_whole_text() {
        for (text, expected) in [
            ("<REDACTED>", true),
            ("[REDACTED]", true),
            ("__REDACTED__", true),
            (" __REDACTED__\n", true),
            ("[Filtered]", true),
            ("<fully masked due to failed mask function>", true),
            ("[Scrubbed due to 'auth']", true),
            ("[Scrubbed due to 'a'] and 'b']", false),
            ("What does __REDACTED__ mean?", false),
            ("redacted", false),
            ("[redacted:secret:2c58]", false),
            ("", false),
        ] {
            assert_eq!(is_withheld(text), expected, "{text:?}");
        }
    }
}
