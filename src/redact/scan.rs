//! One automaton over all anchors, and what is done where one of them stands.
//!
//! The automaton knows only the first bytes of every prefix, name and keyword;
//! it is built once, on the first text long enough to hold a secret. Whatever it
//! finds is a "maybe" that a few comparisons settle, so no rule costs anything
//! in text that has nothing like it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, Input, MatchKind};

use super::assignment;
use super::checks::Verdict;
use super::format::{Followed, Part, WORD, follow, run_length, run_length_back, starts_word};
use super::keys;
use super::mark;
use super::rules::{self, Anchor, Rule};
use super::structures;

/// A secret in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) id: &'static str,
}

/// Nothing shorter holds a name and a value, or a token.
const SHORTEST_TEXT: usize = 8;
/// Longer anchors make a larger automaton and hardly fewer candidates.
const ANCHOR_LENGTH: usize = 6;
/// What must be left of a token that the end of the text cut off.
const SHORTEST_CUT: usize = 8;
/// Between a provider's name and a value.
const LONGEST_DISTANCE: usize = 48;

#[derive(Clone, Copy)]
enum Detector {
    Mark,
    Rule(&'static Rule),
    Assignment { length: usize },
    Bearer,
    Basic,
    Url,
    PrivateKey,
    PrivateKeyTail,
    CommandLineUser { length: usize },
}

enum Detected {
    Secret(Finding),
    /// Nothing to replace up to here.
    Skip(usize),
}

struct Scanner {
    automaton: AhoCorasick,
    /// For every anchor, what may begin there; the most specific first.
    detectors: Vec<Vec<Detector>>,
}

static SCANNER: LazyLock<Scanner> = LazyLock::new(Scanner::build);

/// The first secret that begins at or after `from`.
pub(super) fn next(text: &[u8], from: usize) -> Option<Finding> {
    if text.len() < SHORTEST_TEXT {
        return None;
    }
    let mut at = from;
    while let Some(found) = SCANNER.automaton.find(Input::new(text).range(at..)) {
        at = match SCANNER.detect(text, found.pattern().as_usize(), found.start(), from) {
            Some(Detected::Secret(finding)) => return Some(finding),
            Some(Detected::Skip(end)) => end,
            None => found.start() + 1,
        };
    }
    None
}

/// The id of a known format that covers exactly this value.
pub(super) fn format_of(value: &[u8]) -> Option<&'static str> {
    let found = SCANNER
        .automaton
        .find(Input::new(value))
        .filter(|found| found.start() == 0)?;
    SCANNER.detectors[found.pattern().as_usize()]
        .iter()
        .find_map(|detector| match detector {
            Detector::Rule(rule) if !matches!(rule.anchor, Anchor::Near(_)) => {
                rule_at(rule, value, 0, 0)
                    .filter(|it| it.start == 0 && it.end == value.len())
                    .map(|it| it.id)
            }
            _ => None,
        })
}

impl Scanner {
    fn build() -> Self {
        let mut anchors = BTreeMap::<Vec<u8>, Vec<(usize, Detector)>>::new();
        let mut add = |anchor: &str, detector| {
            let key = &anchor.as_bytes()[..anchor.len().min(ANCHOR_LENGTH)];
            anchors
                .entry(key.to_vec())
                .or_default()
                .push((anchor.len(), detector));
        };
        add(mark::ANCHOR, Detector::Mark);
        for rule in rules::all() {
            match rule.anchor {
                Anchor::Prefix(text) | Anchor::Word(text) | Anchor::Link(text) => {
                    add(text, Detector::Rule(rule))
                }
                Anchor::Inside { signature, .. } => add(signature, Detector::Rule(rule)),
                Anchor::Near(names) => {
                    names
                        .iter()
                        .flat_map(|name| spellings(name))
                        .for_each(|name| add(&name, Detector::Rule(rule)));
                }
            }
        }
        for word in keys::ANCHORS {
            let detector = Detector::Assignment {
                length: word.len().min(ANCHOR_LENGTH),
            };
            spellings(word)
                .into_iter()
                .for_each(|word| add(&word, detector));
        }
        for (anchor, detector) in [
            ("Bearer ", Detector::Bearer),
            ("bearer ", Detector::Bearer),
            ("Basic ", Detector::Basic),
            ("basic ", Detector::Basic),
            ("://", Detector::Url),
            ("-----BEGIN", Detector::PrivateKey),
            ("-----END", Detector::PrivateKeyTail),
            (" -u ", Detector::CommandLineUser { length: 4 }),
            ("--user ", Detector::CommandLineUser { length: 7 }),
        ] {
            add(anchor, detector);
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .kind(Some(AhoCorasickKind::DFA))
            .build(anchors.keys())
            .expect("some thousand bytes of anchors fit an automaton");
        let detectors = anchors
            .keys()
            .map(|anchor| candidates(&anchors, anchor))
            .collect();
        Self {
            automaton,
            detectors,
        }
    }

    fn detect(&self, text: &[u8], pattern: usize, at: usize, floor: usize) -> Option<Detected> {
        self.detectors[pattern]
            .iter()
            .find_map(|detector| detector.detect(text, at, floor))
    }
}

/// All that begins like `anchor`: an automaton that prefers the longest must not hide the shorter.
fn candidates(anchors: &BTreeMap<Vec<u8>, Vec<(usize, Detector)>>, anchor: &[u8]) -> Vec<Detector> {
    let mut found: Vec<(usize, Detector)> = (1..=anchor.len())
        .filter_map(|length| anchors.get(&anchor[..length]))
        .flatten()
        .copied()
        .collect();
    found.sort_by_key(|(length, _)| std::cmp::Reverse(*length));
    found.into_iter().map(|(_, detector)| detector).collect()
}

/// `datadog`, `Datadog`, `DATADOG`; a spelling of its own is kept beside them.
fn spellings(name: &str) -> Vec<String> {
    let lower = name.to_ascii_lowercase();
    let upper = name.to_ascii_uppercase();
    let mut title = lower.clone();
    title[..1].make_ascii_uppercase();
    let mut all = vec![name.to_owned(), lower, upper, title];
    all.sort_unstable();
    // Cut to one anchor, two spellings would name the same rule twice.
    all.dedup_by_key(|it| it[..it.len().min(ANCHOR_LENGTH)].to_owned());
    all
}

impl Detector {
    fn detect(self, text: &[u8], at: usize, floor: usize) -> Option<Detected> {
        let secret = |(start, end), id| {
            (start >= floor).then_some(Detected::Secret(Finding { start, end, id }))
        };
        match self {
            Self::Mark => mark::end_of_mark(text, at).map(Detected::Skip),
            Self::Rule(rule) => rule_at(rule, text, at, floor).map(Detected::Secret),
            Self::Assignment { length } => {
                let assigned = assignment::read(text, at, length)?;
                let id =
                    format_of(&text[assigned.start..assigned.end]).unwrap_or(assigned.kind.id());
                secret((assigned.start, assigned.end), id)
            }
            Self::Bearer => {
                credential(text, at, "bearer-token", false).and_then(|(span, id)| secret(span, id))
            }
            Self::Basic => credential(text, at, "basic-credentials", true)
                .and_then(|(span, id)| secret(span, id)),
            Self::Url => {
                structures::url_password(text, at).and_then(|span| secret(span, "url-password"))
            }
            Self::PrivateKey => {
                structures::private_key(text, at).and_then(|span| secret(span, "private-key"))
            }
            Self::PrivateKeyTail => structures::private_key_tail(text, at, floor)
                .and_then(|span| secret(span, "private-key")),
            Self::CommandLineUser { length } => text[at..]
                .get(..length)
                .and_then(|_| structures::command_line_user(text, at + length))
                .and_then(|span| secret(span, "password")),
        }
    }
}

fn credential(
    text: &[u8],
    at: usize,
    id: &'static str,
    basic: bool,
) -> Option<(structures::Span, &'static str)> {
    let word = if basic { "basic" } else { "bearer" }.len();
    let (start, end) =
        structures::scheme_credential(text, at + word, basic).filter(|_| starts_word(text, at))?;
    Some(((start, end), format_of(&text[start..end]).unwrap_or(id)))
}

/// A secret of this rule whose anchor is at `at`.
fn rule_at(rule: &'static Rule, text: &[u8], at: usize, floor: usize) -> Option<Finding> {
    let (start, body_start) = match rule.anchor {
        Anchor::Prefix(prefix) => (at, past(text, at, prefix)?),
        Anchor::Word(prefix) => (
            at,
            past(text, at, prefix).filter(|_| starts_word(text, at))?,
        ),
        Anchor::Link(kept) => {
            let body = past(text, at, kept)?;
            (body, body)
        }
        Anchor::Inside { lead, signature } => {
            let body = past(text, at, signature)?;
            (lead_start(lead, text, at, floor)?, body)
        }
        Anchor::Near(names) => {
            let value = value_near(text, at, names)?;
            (value, value)
        }
    };
    let checked_from = if matches!(rule.anchor, Anchor::Inside { .. }) {
        start
    } else {
        body_start
    };
    let distinctive = matches!(rule.anchor, Anchor::Prefix(_));
    let end = match follow(rule.body, text, body_start) {
        Followed::Whole(end) => end,
        Followed::Cut(end) if distinctive && end - body_start >= SHORTEST_CUT => end,
        _ => return None,
    };
    let end = match (rule.check)(&text[checked_from..end]) {
        Verdict::Certain(length) => checked_from + length,
        Verdict::Plausible => end,
        Verdict::Not => return None,
    };
    Some(Finding {
        start,
        end,
        id: rule.id,
    })
}

fn past(text: &[u8], at: usize, literal: &str) -> Option<usize> {
    text[at..]
        .starts_with(literal.as_bytes())
        .then_some(at + literal.len())
}

/// Where a secret begins whose signature is at `at`.
fn lead_start(lead: Part, text: &[u8], at: usize, floor: usize) -> Option<usize> {
    let Part::Run { class, min, max } = lead else {
        return None;
    };
    let run = run_length_back(class, &text[floor..at], max);
    (run >= min).then_some(at - run)
}

/// Where a value begins whose name contains, or follows, a provider's name at `at`.
///
/// `DATADOG_API_KEY = "…"`, `"datadog": {"api_key": "…"}`, `Datadog API key: …`;
/// one separator at least has to stand between them.
fn value_near(text: &[u8], at: usize, names: &[&str]) -> Option<usize> {
    let name = names.iter().find(|name| {
        text.get(at..at + name.len())
            .is_some_and(|it| it.eq_ignore_ascii_case(name.as_bytes()))
    })?;
    let from = at + name.len();
    let near = &text[from..text.len().min(from + LONGEST_DISTANCE)];
    let mut separated = false;
    let mut position = 0;
    loop {
        let rest = &near[position..];
        let joint = rest.iter().take_while(|byte| is_joint(**byte)).count();
        separated |= rest[..joint]
            .iter()
            .any(|byte| matches!(byte, b':' | b'=' | b',' | b'(' | b'>'));
        position += joint;
        let token = run_length(WORD.and_also("+/=-"), &text[from + position..], usize::MAX);
        if token == 0 || position >= near.len() {
            return None;
        }
        if separated && token >= 14 {
            return Some(from + position);
        }
        position += token;
        if position >= near.len() {
            return None;
        }
    }
}

/// Stands between the words of a name, and between a name and its value.
fn is_joint(byte: u8) -> bool {
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
            | b'_'
            | b'-'
    )
}

#[cfg(test)]
pub(super) fn automaton_bytes() -> usize {
    SCANNER.automaton.memory_usage()
}
