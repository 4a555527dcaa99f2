//! What stands between a provider's name and a value near it.

use super::format::{ANY_HEX, Part};

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

/// Whether the words between a provider's name and a value let it be a secret.
///
/// What is hexadecimal throughout may as well be a commit, a checksum or the id of anything:
/// `Gitea commit: 9fce…`, `snyk org id: 123e…`. It needs a word that announces a secret, unless
/// the name alone is assigned.
pub(super) fn lets_be_secret(between: &[u8], body: &[Part]) -> bool {
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

/// `word` contains `needle`, which is in small letters.
fn contains(word: &[u8], needle: &[u8]) -> bool {
    word.windows(needle.len())
        .any(|window| window.eq_ignore_ascii_case(needle))
}

#[cfg(test)]
mod tests {
    use super::super::format::{ALNUM, HEX, UUID};
    use super::*;

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
