//! Values near the name of a provider.

use crate::redact::text::format::{ANY_HEX, Part, WORD, run_length};
use crate::redact::text::words::Words;

/// Bytes between a provider's name and a value, at most.
const LONGEST_DISTANCE: usize = 48;

/// Words that announce a secret after a provider's name.
const ANNOUNCING: &[&[u8]] = &[
    b"key",
    b"token",
    b"secret",
    b"auth",
    b"api",
    b"pat",
    b"pass",
    b"pwd",
    b"pw",
    b"access",
    b"private",
    b"client",
    b"consumer",
    b"credential",
    b"bearer",
    b"webhook",
    b"sign",
    b"login",
    b"license",
    b"hash",
    b"dsn",
];

/// Positions of values whose name contains, or follows, the provider's name at `name..from`.
///
/// At least one separator lies between: `DATADOG_API_KEY = "…"`, `"datadog": {"api_key": "…"}`,
/// `Datadog API key: …`.
pub(crate) fn values_near(text: &[u8], name: usize, from: usize) -> impl Iterator<Item = usize> {
    let limit = text.len().min(from + LONGEST_DISTANCE);
    let separator = text[from..limit]
        .iter()
        .position(|byte| matches!(byte, b':' | b'=' | b',' | b'(' | b'>'))
        .map(|offset| from + offset);
    let mut position = from;
    std::iter::from_fn(move || {
        let separator = separator?;
        loop {
            let joint = text[position..]
                .iter()
                .take_while(|byte| is_joint(**byte))
                .count();
            let value = position + joint;
            let token = run_length(
                WORD.and_also("+/-"),
                &text[value.min(limit)..limit],
                usize::MAX,
            );
            if token == 0 {
                return None;
            }
            position = value + token;
            // The name again: the search starts anew from there.
            let name = &text[name..from];
            if text[value..position]
                .get(..name.len())
                .is_some_and(|it| it.eq_ignore_ascii_case(name))
            {
                return None;
            }
            if value > separator {
                return Some(value);
            }
            // `Gitea commit: …` is about something else.
            if is_other_thing(&text[value..position]) {
                return None;
            }
        }
    })
}

/// Whether a word names something of a provider that is no secret.
fn is_other_thing(word: &[u8]) -> bool {
    static THINGS: Words = Words::of_any_case(&[
        b"commit",
        b"sha",
        b"revision",
        b"checksum",
        b"digest",
        b"version",
        b"org",
        b"organization",
        b"organisation",
        b"project",
        b"trace",
        b"request",
        b"issue",
        b"build",
        b"image",
        b"release",
    ]);
    word.split(|byte| matches!(byte, b'_' | b'-'))
        .any(|part| THINGS.contain(part))
}

/// Whether a byte may separate names, or a name and its value.
const fn is_joint(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\t'
            | b'.'
            | b'"'
            | b'\''
            | b'`'
            | b'\\'
            | b':'
            | b'='
            | b','
            | b'('
            | b'['
            | b']'
            | b'{'
            | b'>'
    )
}

/// Whether the words between a provider's name and a value let it be a secret.
///
/// A hexadecimal value may be a commit, a checksum or any id: `Gitea commit: 9fce…`, `snyk org id:
/// 123e…`. It needs a word that announces a secret, unless only the name precedes it.
pub(crate) fn lets_be_secret(between: &[u8], body: &[Part]) -> bool {
    if !is_hexadecimal(body) {
        return true;
    }
    let mut words = between
        .split(|byte| !byte.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .peekable();
    let only_id = |word: &[u8]| word.eq_ignore_ascii_case(b"id");
    words.peek().is_none()
        || words.clone().all(only_id)
        || words.any(|word| ANNOUNCING.iter().any(|it| contains(word, it)))
}

fn is_hexadecimal(body: &[Part]) -> bool {
    body.iter().all(|part| match part {
        Part::Text(text) => *text == "-",
        Part::Run { class, .. } => class.members().all(|byte| ANY_HEX.has(byte)),
    })
}

/// Whether `word` contains `needle`, which is in small letters.
fn contains(word: &[u8], needle: &[u8]) -> bool {
    word.windows(needle.len())
        .any(|window| window.eq_ignore_ascii_case(needle))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::text::format::{ALNUM, HEX, UUID};

    #[test]
    fn a_hexadecimal_value_needs_a_word_that_announces_a_secret() {
        for (between, lets) in [
            ("", true),
            (" = \"", true),
            ("_API_KEY=", true),
            ("Token: ", true),
            ("_id: ", true),
            (" commit: ", false),
            (" org id: ", false),
            ("\": {\"trace_id\": \"", false),
            (" release ", false),
        ] {
            assert_eq!(lets_be_secret(between.as_bytes(), UUID), lets, "{between}");
            assert_eq!(lets_be_secret(between.as_bytes(), &[HEX.n(40)]), lets);
            assert!(lets_be_secret(between.as_bytes(), &[ALNUM.n(40)]));
        }
    }
}
