//! What is looked for in text, and what is done where it stands.
//!
//! Every prefix, provider's name and keyword is an anchor of one table, made on
//! the first text long enough to hold a secret. An anchor is a "maybe" that a
//! few comparisons settle, so no rule costs anything in text without it.

use std::sync::LazyLock;

use super::anchors::{Anchors, Step};
use super::assignment;
use super::checks::Verdict;
use super::format::{Followed, Part, WORD, follow, run_length, run_length_back, starts_word};
use super::keys;
use super::mark;
use super::near;
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
/// What must be left of a token that the end of the text cut off.
const SHORTEST_CUT: usize = 10;
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

static ANCHORS: LazyLock<Anchors<Detector>> = LazyLock::new(|| Anchors::new(anchors()));

/// The first secret that begins at or after `from`.
pub(super) fn next(text: &[u8], from: usize) -> Option<Finding> {
    let (at, mut finding) = next_anchored(text, from)?;
    // Between a name and its value may stand another secret, such as the user before a password:
    // both go as one.
    if finding.start > at
        && let Some((_, other)) = next_anchored(&text[..finding.start], at + 1)
    {
        finding.start = other.start;
    }
    Some(finding)
}

/// The first secret, and where that stands which gave it away.
fn next_anchored(text: &[u8], from: usize) -> Option<(usize, Finding)> {
    if text.len() < SHORTEST_TEXT {
        return None;
    }
    let mut barren = Barren::default();
    ANCHORS.find_map(text, from, |at, detector| {
        let step = match detector {
            Detector::Rule(rule) if barren.covers(rule, at) => None,
            Detector::Rule(rule) => rule_at(rule, text, at, from)
                .inspect_err(|reached| barren.remember(rule, at, *reached))
                .ok()
                .map(Step::Found),
            other => other.detect(text, at, from),
        };
        step.map(|step| match step {
            Step::Found(finding) => Step::Found((at, finding)),
            Step::Skip(end) => Step::Skip(end),
        })
    })
}

/// The id of a known format that covers exactly this value.
pub(super) fn format_of(value: &[u8]) -> Option<&'static str> {
    ANCHORS
        .find_map(value, 0, |at, detector| match detector {
            Detector::Rule(rule) if at == 0 && !matches!(rule.anchor, Anchor::Near(_)) => {
                rule_at(rule, value, 0, 0)
                    .ok()
                    .filter(|it| it.start == 0 && it.end == value.len())
                    .map(Step::Found)
            }
            _ if at == 0 => None,
            _ => Some(Step::Skip(value.len())),
        })
        .map(|finding: Finding| finding.id)
}

/// Long runs that a rule followed in vain. A text of nothing but its anchor would
/// otherwise be followed to the end from every one of them.
#[derive(Default)]
struct Barren(Vec<(&'static Rule, usize)>);

impl Barren {
    const LONG: usize = 1024;

    fn covers(&self, rule: &'static Rule, at: usize) -> bool {
        self.0
            .iter()
            .any(|(other, end)| std::ptr::eq(*other, rule) && at < *end)
    }

    fn remember(&mut self, rule: &'static Rule, at: usize, reached: usize) {
        if reached > at + Self::LONG {
            self.0.retain(|(other, _)| !std::ptr::eq(*other, rule));
            self.0.push((rule, reached));
        }
    }
}

/// Everything that makes the scanner look closer.
fn anchors() -> Vec<(Vec<u8>, Detector)> {
    let mut anchors = vec![(mark::ANCHOR.into(), Detector::Mark)];
    for rule in rules::all() {
        let detector = Detector::Rule(rule);
        match rule.anchor {
            Anchor::Prefix(text)
            | Anchor::Word(text)
            | Anchor::Link(text)
            | Anchor::Inside {
                signature: text, ..
            } => {
                anchors.extend(
                    lengthened(text, rule.body)
                        .into_iter()
                        .map(|it| (it, detector)),
                );
            }
            Anchor::Near(names) => {
                anchors.extend(
                    names
                        .iter()
                        .copied()
                        .flat_map(spellings)
                        .map(|it| (it, detector)),
                );
            }
        }
    }
    for word in keys::ANCHORS {
        let detector = Detector::Assignment { length: word.len() };
        anchors.extend(spellings(word).into_iter().map(|it| (it, detector)));
    }
    let structures = [
        ("Bearer ", Detector::Bearer),
        ("bearer ", Detector::Bearer),
        ("Basic ", Detector::Basic),
        ("basic ", Detector::Basic),
        ("://", Detector::Url),
        ("-----BEGIN", Detector::PrivateKey),
        ("-----END", Detector::PrivateKeyTail),
        (" -u ", Detector::CommandLineUser { length: 4 }),
        ("--user ", Detector::CommandLineUser { length: 7 }),
    ];
    anchors.extend(structures.map(|(anchor, detector)| (anchor.into(), detector)));
    anchors
}

/// A prefix too short for the filter, with every byte that may follow it.
fn lengthened(prefix: &str, body: &[Part]) -> Vec<Vec<u8>> {
    match body.first() {
        Some(Part::Run { class, .. }) if prefix.len() < Anchors::<Detector>::SHORTEST => class
            .members()
            .map(|byte| [prefix.as_bytes(), &[byte]].concat())
            .collect(),
        _ => vec![prefix.into()],
    }
}

/// `datadog`, `Datadog`, `DATADOG`; a spelling of its own is kept beside them.
fn spellings(name: &str) -> Vec<Vec<u8>> {
    let lower = name.to_ascii_lowercase();
    let upper = name.to_ascii_uppercase();
    let mut title = lower.clone();
    title[..1].make_ascii_uppercase();
    let mut all = vec![name.into(), lower.into(), upper.into(), title.into()];
    all.sort_unstable();
    all.dedup();
    all
}

impl Detector {
    fn detect(self, text: &[u8], at: usize, floor: usize) -> Option<Step<Finding>> {
        let secret =
            |(start, end), id| (start >= floor).then_some(Step::Found(Finding { start, end, id }));
        match self {
            Self::Mark => mark::end_of_mark(text, at).map(Step::Skip),
            Self::Rule(rule) => rule_at(rule, text, at, floor).ok().map(Step::Found),
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
                let (start, end) = structures::url_password(text, at)?;
                secret(
                    (start, end),
                    format_of(&text[start..end]).unwrap_or("url-password"),
                )
            }
            Self::PrivateKey => {
                let label = past(text, at, "-----BEGIN")?;
                structures::private_key(text, at, label)
                    .and_then(|span| secret(span, "private-key"))
            }
            Self::PrivateKeyTail => structures::private_key_tail(text, at, floor)
                .and_then(|span| secret(span, "private-key")),
            Self::CommandLineUser { length } => structures::command_line_user(text, at + length)
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

/// A secret of this rule whose anchor is at `at`, or how far it could be followed.
fn rule_at(rule: &'static Rule, text: &[u8], at: usize, floor: usize) -> Result<Finding, usize> {
    let distinctive = matches!(rule.anchor, Anchor::Prefix(_));
    let checked = |start, body, from| {
        let end = match follow(rule.body, text, body) {
            Followed::Whole(end) => end,
            Followed::Cut(end) if distinctive && end - body >= SHORTEST_CUT => end,
            Followed::Cut(end) | Followed::Not(end) => return Err(end),
        };
        let end = match (rule.check)(&text[from..end]) {
            Verdict::Certain(length) => from + length,
            Verdict::Plausible => end,
            Verdict::Not => return Err(end),
        };
        Ok(Finding {
            start,
            end,
            id: rule.id,
        })
    };
    match rule.anchor {
        Anchor::Prefix(prefix) => past(text, at, prefix)
            .ok_or(at)
            .and_then(|body| checked(at, body, body)),
        Anchor::Word(prefix) => past(text, at, prefix)
            .filter(|_| starts_word(text, at))
            .ok_or(at)
            .and_then(|body| checked(at, body, body)),
        Anchor::Link(kept) => past(text, at, kept)
            .ok_or(at)
            .and_then(|body| checked(body, body, body)),
        Anchor::Inside { lead, signature } => {
            let body = past(text, at, signature).ok_or(at)?;
            let start = lead_start(lead, text, at, floor).ok_or(at)?;
            checked(start, body, start)
        }
        Anchor::Near(names) => {
            let names = names.iter().map(|name| name.as_bytes());
            let spelled = |name: &&[u8]| {
                text.get(at..at + name.len())
                    .is_some_and(|it| it.eq_ignore_ascii_case(name))
            };
            let name = names.into_iter().find(spelled).ok_or(at)?;
            let end = at + name.len();
            values_near(text, end)
                .filter(|value| near::lets_be_secret(&text[end..*value], rule.body))
                .find_map(|value| checked(value, value, value).ok())
                .ok_or(at)
        }
    }
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

/// Where values may begin whose name contains, or follows, a provider's name that ends at `from`.
///
/// `DATADOG_API_KEY = "…"`, `"datadog": {"api_key": "…"}`, `Datadog API key: …`;
/// a separator at least has to stand between them.
fn values_near(text: &[u8], from: usize) -> impl Iterator<Item = usize> {
    let limit = text.len().min(from + LONGEST_DISTANCE);
    let mut separated = false;
    let mut position = from;
    std::iter::from_fn(move || {
        loop {
            let joint = text[position..]
                .iter()
                .take_while(|byte| is_joint(**byte))
                .count();
            separated |= text[position..position + joint]
                .iter()
                .any(|byte| matches!(byte, b':' | b'=' | b',' | b'(' | b'>'));
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
            if separated {
                return Some(value);
            }
        }
    })
}

/// Stands between names, and between a name and its value.
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
