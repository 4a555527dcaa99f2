//! Tests of redaction: shares of secrets found and of harmless text replaced, in generated corpora.

mod contexts;
mod corpus;
mod devices;
mod everyday;
mod formats;
mod hostile;
mod json;
mod labels;
mod own_rules;
mod places;
mod promises;
mod structures;

use std::collections::HashSet;

use super::Counts;
use super::RedactionKey;
use super::Redactor;
use super::mark;
use super::rules;
use super::text::anchors::{Anchors, Step};
use super::text::format::{ALNUM, BASE64};
use corpus::{HARMLESS, Random, Sample};

fn redactor() -> Redactor {
    Redactor::new(RedactionKey::new([7; 32]))
}

fn redact(text: &str) -> String {
    redactor()
        .text(text, &mut Counts::default())
        .unwrap_or_else(|| text.to_owned())
}

/// Found and missed secrets, replaced and kept harmless text.
#[derive(Default)]
struct Score {
    found: u32,
    missed: Vec<String>,
    mistaken: Vec<String>,
}

impl Score {
    fn of(samples: &[Sample]) -> Self {
        let mut score = Self::default();
        for Sample { text, secret, id } in samples {
            let redacted = redact(text);
            match secret {
                Some(secret) if redacted.contains(secret.as_str()) || redacted == *text => {
                    score.missed.push(format!("{id}: {text}"));
                }
                Some(_) => score.found += 1,
                None if redacted != *text => {
                    score.mistaken.push(format!("{id}: {text} → {redacted}"));
                }
                None => {}
            }
        }
        score
    }

    #[track_caller]
    fn assert(&self) {
        let found = f64::from(self.found);
        let ratio =
            |others: &[String]| found / (found + f64::from(u32::try_from(others.len()).unwrap()));
        let (recall, precision) = (ratio(&self.missed), ratio(&self.mistaken));
        let some = |all: &[String]| {
            all.iter()
                .take(40)
                .map(|it| it.replace('\n', "⏎"))
                .collect::<Vec<_>>()
                .join("\n  ")
        };
        let report = format!(
            "recall {recall:.4}, precision {precision:.4}\nmissed:\n  {}\nmistaken:\n  {}",
            some(&self.missed),
            some(&self.mistaken)
        );
        assert!(recall >= 0.98 && precision >= 0.98, "{report}");
    }
}

#[test]
fn literals_are_found_wherever_they_stand() {
    let anchors = Anchors::new(vec![
        (b"abc".into(), 3),
        (b"abcd".into(), 4),
        (b"bcd".into(), 0),
    ]);
    for before in 0..300 {
        for after in [0, 1, 2, 7, 8, 9, 127, 128, 129] {
            let text = ["x".repeat(before), "abcd".into(), "x".repeat(after)].concat();
            let all = |skip: usize| {
                let mut all = Vec::new();
                let none = anchors.find_map(text.as_bytes(), 0, |at, announces| {
                    all.push((at, announces));
                    (skip > 0).then_some(Step::<()>::Skip(at + skip))
                });
                assert_eq!(none, None);
                all
            };
            assert_eq!(all(0), [(before, 4), (before, 3), (before + 1, 0)]);
            assert_eq!(all(1), [(before, 4), (before + 1, 0)]);
            assert_eq!(all(4), [(before, 4)]);
        }
    }
}

#[test]
fn known_formats_are_found_and_near_misses_stay() {
    Score::of(&corpus::of_rules(1)).assert();
}

#[test]
fn values_under_sensitive_names_are_found_in_every_notation() {
    Score::of(&corpus::of_names(2)).assert();
}

#[test]
fn harmless_text_stays() {
    for text in HARMLESS {
        assert_eq!(redact(text), **text);
    }
}

#[test]
fn base64_stays_where_a_short_prefix_stands_in_it() {
    let mut random = Random(9);
    for prefix in ["KEY", "ATCO"] {
        let token = [prefix, &random.bytes(ALNUM, 60)].concat();
        let image = [random.bytes(BASE64, 80), token.clone()].join("+");
        assert_eq!(redact(&image), image);
        assert_ne!(redact(&format!("is+{token}")), format!("is+{token}"));
    }
}

#[test]
fn every_rule_finds_its_own_examples_under_its_own_id() {
    let mut random = Random(3);
    for rule in rules::all() {
        let (secret, written) = corpus::example(rule, &mut random);
        let text = match rule.anchor {
            rules::Anchor::Near(names) => format!("{}: {secret}", names[0]),
            _ => format!("see {written} there"),
        };
        let redacted = redact(&text);
        assert!(
            !redacted.contains(&secret),
            "{}: {text} → {redacted}",
            rule.id
        );
    }
}

#[test]
fn rules_have_valid_ids_and_sources_and_there_are_some_two_hundred_kinds() {
    for provider in rules::providers() {
        assert!(provider.source.contains('.'), "{}", provider.source);
        for rule in provider.rules {
            assert!(mark::is_valid_id(rule.id), "{}", rule.id);
        }
    }
    let kinds: HashSet<_> = rules::all().map(|rule| rule.id).collect();
    assert!(kinds.len() >= 200, "{}", kinds.len());
}
