//! Names of traces and turns, the first thing a person reads in PostHog.

/// Maximum length of a name, in characters.
const LONGEST: usize = 100;

/// The name of a trace: its prompt on one line, without the wrappers that editors and agents put
/// around text. `None` if nothing is left.
pub(crate) fn of_trace(prompt: &str) -> Option<String> {
    let name = shorten(&without_wrappers(prompt));
    (!name.is_empty()).then_some(name)
}

/// The name of a turn: the first line of its prompt that has text.
pub(super) fn of_turn(prompt: &str) -> String {
    let text = without_wrappers(prompt);
    let mut lines = text.lines().map(shorten);
    let name = lines.find(|line| !line.is_empty());
    name.unwrap_or_else(|| "(prompt not in the transcript)".to_owned())
}

/// Collapses white space and keeps the first characters.
fn shorten(text: &str) -> String {
    let mut folded = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = folded.char_indices().nth(LONGEST) {
        folded.truncate(end);
    }
    folded
}

/// Removes wrappers and their content from a text. A text that consists only of wrappers loses just
/// the tags. The name of a wrapper has several words: `<ide_opened_file>…</ide_opened_file>`. HTML
/// tags are part of the user's text.
fn without_wrappers(text: &str) -> String {
    let [outside, everything] = [false, true].map(|keeps_content| {
        let mut kept = String::new();
        let mut said = 0;
        let mut rest = text;
        // A name needs no more than this. Searching the end of every tag in a long text would take
        // quadratic time.
        while said < LONGEST
            && let Some(start) = rest.find('<')
        {
            let before = kept.len();
            kept.push_str(&rest[..start]);
            rest = &rest[start..];
            if let Some((content, after)) = wrapper(rest) {
                kept.push_str(if keeps_content { content } else { " " });
                rest = after;
            } else {
                kept.push('<');
                rest = &rest[1..];
            }
            let characters = kept[before..].chars();
            said += characters
                .filter(|character| !character.is_whitespace())
                .count();
        }
        kept + rest
    });
    if outside.trim().is_empty() {
        everything
    } else {
        outside
    }
}

/// The content of the wrapper that begins here, and the text after it.
fn wrapper(text: &str) -> Option<(&str, &str)> {
    let (tag, inside) = text.strip_prefix('<')?.split_once('>')?;
    let name = tag.split_whitespace().next()?;
    let is_word = |part: &str| !part.is_empty() && part.chars().all(char::is_alphanumeric);
    let mut words = name.split(['-', '_']);
    if !name.contains(['-', '_']) || !words.all(is_word) {
        return None;
    }
    inside.split_once(&format!("</{name}>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_first_words_of_a_prompt() {
        for (prompt, trace, turn) in [
            ("fix\nthe  test", Some("fix the test"), "fix"),
            ("\n\n  first line", Some("first line"), "first line"),
            ("", None, "(prompt not in the transcript)"),
            (
                "<ide_opened_file>The user opened a.rs</ide_opened_file>\nrename it",
                Some("rename it"),
                "rename it",
            ),
            (
                "<system-reminder>be brief</system-reminder>",
                Some("be brief"),
                "be brief",
            ),
            (
                "why is <div> open?",
                Some("why is <div> open?"),
                "why is <div> open?",
            ),
            (
                "a < b, <my-tag> too",
                Some("a < b, <my-tag> too"),
                "a < b, <my-tag> too",
            ),
        ] {
            assert_eq!(of_trace(prompt).as_deref(), trace, "{prompt}");
            assert_eq!(of_turn(prompt), turn, "{prompt}");
        }
        let tags = "<a-b>".repeat(200_000);
        assert_eq!(of_trace(&tags).as_deref(), Some(&tags[..LONGEST]));
        let long = of_trace(&"ä".repeat(500));
        assert_eq!(long.map(|name| name.chars().count()), Some(LONGEST));
    }
}
