//! The user's own rules.

use crate::redact::Counts;
use crate::redact::RedactionKey;
use crate::redact::Redactor;
use crate::redact::UserRules;

#[test]
fn user_rules_replace_and_allow() {
    let rules = UserRules::parse(
        "# ours\n\nrule badge badge number (\\d{6})\nrule acme  acme_[a-z]{4}\nallow hunter2\n",
    )
    .unwrap();
    let redactor = Redactor::with_user_rules(RedactionKey::new([7; 32]), rules);
    let mut counts = Counts::default();
    let redacted = redactor
        .text(
            "é badge number 123456é, acme_abcd, password=\"hunter2\"",
            &mut counts,
        )
        .unwrap();
    assert!(
        redacted.starts_with("é badge number [redacted:badge:"),
        "{redacted}"
    );
    assert!(redacted.ends_with("password=\"hunter2\""), "{redacted}");
    assert_eq!(
        counts.iter().collect::<Vec<_>>(),
        [("acme", 1), ("badge", 1)]
    );
    assert_eq!(redactor.text(&redacted, &mut counts), None);
}

#[test]
fn a_user_rule_that_matches_its_own_mark_stays_idempotent() {
    let rules = UserRules::parse("rule word [a-z]{6,}").unwrap();
    let redactor = Redactor::with_user_rules(RedactionKey::new([7; 32]), rules);
    let once = redactor
        .text("some longer words", &mut Counts::default())
        .unwrap();
    assert_eq!(redactor.text(&once, &mut Counts::default()), None);
}

#[test]
fn a_bad_user_rule_names_its_line_and_itself() {
    for (text, message) in [
        (
            "\nrules x y",
            "line 2: expected `rule <id> <regular expression>` or `allow <value>`, found `rules`",
        ),
        (
            "rule only-an-id",
            "line 1: `rule` needs an id and a regular expression",
        ),
        (
            "rule Bad_Id x",
            "line 1: rule id `Bad_Id` may hold small letters, digits and dashes only, at most 48",
        ),
        (
            "rule any .*",
            "line 1: rule `any` matches the empty text, so it would match everywhere",
        ),
        ("allow", "line 1: `allow` needs a value"),
    ] {
        assert_eq!(UserRules::parse(text).unwrap_err().to_string(), message);
    }
    let unclosed = UserRules::parse("rule open (a").unwrap_err().to_string();
    assert!(
        unclosed.starts_with("line 1: rule `open`: regex parse error"),
        "{unclosed}"
    );
}
