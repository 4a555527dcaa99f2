//! Promises that hold for any text.

use std::collections::BTreeMap;

use super::corpus::{self, HARMLESS, Random};
use super::{redact, redactor};
use crate::redact::Counts;
use crate::redact::RedactionKey;
use crate::redact::Redactor;
use crate::redact::text::format::ALNUM;

#[test]
fn redacting_twice_changes_nothing() {
    let samples = corpus::of_rules(4)
        .into_iter()
        .chain(corpus::of_names(5))
        .map(|sample| sample.text);
    for text in samples.chain(HARMLESS.iter().map(|it| (*it).to_owned())) {
        let once = redact(&text);
        assert_eq!(redact(&once), once, "from {text}");
    }
}

#[test]
fn any_string_stays_a_string_and_redacts_to_a_fixed_point() {
    let mut random = Random(6);
    let pieces = [
        "ghp_",
        "sk-",
        "eyJ",
        "password",
        "=",
        ":",
        "\"",
        "\\\"",
        "\\n",
        "\n",
        " ",
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----",
        "://",
        "@",
        "Bearer ",
        "[redacted:",
        "]",
        "é",
        "…",
        "\u{10348}",
        "key",
        "TOKEN",
        "abcDEF123456abcDEF99",
        "A1b2",
        "'",
        "<",
        ">",
        "(",
        ",",
        "-u ",
        "Cookie: ",
        "datadog",
        "&sig=",
        ".",
        "/",
        "--",
        "0",
        ":\n  ",
        "Default: ",
        "{\n",
        "\"\"",
        "!!str ",
        "${",
        ":-",
        " / ",
        "<auth-user-pass>\n",
        "login with ",
        "| ConvertTo-SecureString",
    ];
    for _ in 0..20_000 {
        let length = random.below(14);
        let text = (0..length)
            .map(|_| pieces[random.below(pieces.len())])
            .collect::<String>();
        let once = redact(&text);
        assert_eq!(redact(&once), once, "from {text:?}");
    }
}

#[test]
fn text_without_secrets_is_not_copied() {
    assert_eq!(
        redactor().text("cargo test --workspace", &mut Counts::default()),
        None
    );
}

#[test]
fn equal_secrets_get_equal_marks_and_other_keys_other_marks() {
    let token = format!("glpat-{}", Random(8).bytes(ALNUM, 20));
    let redacted = redact(&format!("{token} and {token}"));
    let (first, second) = redacted.split_once(" and ").unwrap();
    assert_eq!(first, second);
    assert!(
        first.starts_with("[redacted:gitlab-pat:")
            && first.len() == "[redacted:gitlab-pat:3f2a]".len(),
        "{first}"
    );
    let other = Redactor::new(RedactionKey::new([8; 32])).text(&token, &mut Counts::default());
    assert_ne!(other.as_deref(), Some(first));
}

#[test]
fn counts_add_up() {
    let mut counts = Counts::default();
    counts.add("one", 1);
    let mut other = Counts::default();
    other.add("one", 2);
    other.add("two", 3);
    counts.merge(&other);
    assert_eq!(
        counts.iter().collect::<BTreeMap<_, _>>(),
        BTreeMap::from([("one", 3), ("two", 3)])
    );
    assert_eq!(counts.total(), 6);
}
