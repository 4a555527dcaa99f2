//! What is looked for in text, and what is done where it stands.
//!
//! Every prefix, provider's name and keyword is an anchor of one table, made on
//! the first text long enough to hold a secret. An anchor is a "maybe" that a
//! few comparisons settle, so no rule costs anything in text without it.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::LazyLock;

use super::anchors::{Anchors, Step};
use super::checks::Verdict;
use super::detectors::{self, Detector};
use super::format::{
    BASE64, Followed, Part, WORD, follow, run_length, run_length_back, starts_word,
};
use super::keys::{Kind, KnownNames};
use super::near;
use super::programs::Program;
use super::repetition::Repetition;
use super::rules::{Anchor, Rule};
use super::services;
use super::words::Words;

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

static ANCHORS: LazyLock<Anchors<Detector>> = LazyLock::new(|| Anchors::new(detectors::anchors()));

/// The secrets of a text, from left to right, none of them overlapping.
pub(super) struct Findings<'t> {
    text: &'t [u8],
    from: usize,
    memory: Memory,
    /// The next one that an anchor gave away, while one before it is returned.
    ahead: Option<Finding>,
}

/// What one scan keeps in mind.
#[derive(Default)]
pub(super) struct Memory {
    pending: Pending,
    pub(super) reached: Reached,
    pub(super) names: KnownNames,
    barren: Barren,
    repetition: Repetition,
    /// Programs whose arguments were read, and how far.
    called: Vec<(&'static Program, usize)>,
}

impl<'t> Findings<'t> {
    pub(super) fn new(text: &'t [u8]) -> Self {
        Self {
            text,
            from: 0,
            memory: Memory::default(),
            ahead: None,
        }
    }
}

impl Iterator for Findings<'_> {
    type Item = Finding;

    fn next(&mut self) -> Option<Finding> {
        self.memory.pending.restart(self.from);
        if self.ahead.is_none() {
            self.ahead = next(self.text, self.from, &mut self.memory);
        }
        let found = match (self.ahead, self.memory.pending.first()) {
            (Some(ahead), Some(announced)) if ahead.end <= announced.start => {
                self.ahead = None;
                ahead
            }
            (Some(ahead), Some(announced)) if announced.end <= ahead.start => announced,
            (Some(ahead), Some(announced)) => {
                self.ahead = None;
                Finding {
                    start: ahead.start.min(announced.start),
                    end: ahead.end.max(announced.end),
                    id: ahead.id,
                }
            }
            (None, Some(announced)) => announced,
            (ahead, None) => {
                self.ahead = None;
                ahead?
            }
        };
        self.from = found.end;
        Some(found)
    }
}

/// Secrets further on that something before them gave away: cells of a table, fields of an object,
/// arguments of a command. From left to right.
#[derive(Default)]
struct Pending(VecDeque<Finding>);

impl Pending {
    /// Forgets what begins before `from`.
    fn restart(&mut self, from: usize) {
        while self.0.front().is_some_and(|it| it.start < from) {
            self.0.pop_front();
        }
    }

    fn first(&self) -> Option<Finding> {
        self.0.front().copied()
    }

    fn add(&mut self, found: impl Iterator<Item = Finding>) {
        self.0.extend(found);
        self.0.make_contiguous().sort_by_key(|it| it.start);
    }

    fn cover(&self, at: usize) -> bool {
        let mut begun = self.0.iter().take_while(|it| it.start <= at);
        begun.any(|it| at < it.end)
    }
}

impl Memory {
    /// Whether the last look went as far as it had to, and no farther than repetitions are compared.
    fn is_complete(&self) -> bool {
        !self.reached.partial.take() && self.pending.0.is_empty()
    }

    /// These are secrets, too, but are not what the scan comes to next.
    pub(super) fn announce(&mut self, found: impl Iterator<Item = Finding>) {
        self.pending.add(found);
    }

    /// The arguments of this program were read as far as `end`: the same name among them is one of
    /// them, and no secret behind it is new.
    pub(super) fn call(&mut self, program: &'static Program, end: usize) {
        self.called
            .retain(|(other, _)| !std::ptr::eq(*other, program));
        self.called.push((program, end));
    }

    pub(super) fn is_argument(&self, program: &'static Program, at: usize) -> bool {
        let mut called = self.called.iter();
        let is_argument = called.any(|(other, end)| std::ptr::eq(*other, program) && at < *end);
        self.reached
            .partial
            .set(self.reached.partial.get() | is_argument);
        is_argument
    }

    /// Whether what stands at `at` is part of a secret that was announced.
    pub(super) fn is_announced(&self, at: usize) -> bool {
        self.pending.cover(at)
    }
}

/// Whether a text holds a secret.
pub(super) fn has_secret(text: &[u8]) -> bool {
    Findings::new(text).next().is_some()
}

/// What a name announces that is a service's, if it is of nothing else of it.
pub(super) fn kind_of_service(name: &[u8]) -> Option<Kind> {
    let look = |at: usize, detector| match detector {
        Detector::Service(service) => {
            let end = at + service.len();
            let written = name.get(at..end)?;
            let spelled = written.eq_ignore_ascii_case(service.as_bytes());
            spelled
                .then(|| services::kind_of(name, at, end))
                .flatten()
                .map(Step::Found)
        }
        _ => None,
    };
    ANCHORS.find_map(name, 0, look)
}

/// The first secret that begins at or after `from`.
fn next(text: &[u8], from: usize, memory: &mut Memory) -> Option<Finding> {
    let (at, mut finding) = next_anchored(text, from, memory)?;
    // Between a name and its value may stand another secret, such as the user before a password:
    // both go as one.
    if finding.start > at
        && let Some((_, other)) =
            next_anchored(&text[..finding.start], at + 1, &mut Memory::default())
    {
        finding.start = other.start;
    }
    Some(finding)
}

/// The first secret, and where that stands which gave it away.
fn next_anchored(text: &[u8], from: usize, memory: &mut Memory) -> Option<(usize, Finding)> {
    if text.len() < SHORTEST_TEXT {
        return None;
    }
    memory.repetition.restart(from);
    ANCHORS.find_map(text, from, |at, detector| {
        let step = match detector {
            Detector::Rule(rule) if memory.barren.covers(rule, at) => None,
            Detector::Rule(rule) => rule_at(rule, text, at, from)
                .inspect_err(|reached| memory.barren.remember(rule, at, *reached))
                .ok()
                .map(Step::Found),
            Detector::Mark => detector.detect(text, at, from, memory),
            _ if memory.repetition.covers(text, at) => None,
            other => {
                let step = other.detect(text, at, from, memory);
                if !memory.is_complete() || other.looks_far() {
                    memory.repetition.forget(at);
                }
                step
            }
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
        .beginning(value)
        .filter_map(|detector| match detector {
            Detector::Rule(rule) if !matches!(rule.anchor, Anchor::Near(_)) => {
                rule_at(rule, value, 0, 0).ok()
            }
            _ => None,
        })
        .find(|it| it.start == 0 && it.end == value.len())
        .map(|it| it.id)
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

/// How far each kind of look went in vain that went far. A text of nothing but beginnings would
/// otherwise be read to the end from every one of them.
#[derive(Default)]
pub(super) struct Reached {
    far: [usize; 7],
    /// A look was left out, or went farther than repetitions are compared.
    partial: Cell<bool>,
}

/// Looks that may go far.
#[derive(Clone, Copy)]
pub(super) enum Look {
    Value,
    Json,
    Table,
    Command,
    Hash,
    Call,
    Statement,
}

impl Reached {
    const LONG: usize = 128;

    pub(super) fn covers(&self, look: Look, at: usize) -> bool {
        let covered = at < self.far[look as usize];
        if covered {
            self.partial.set(true);
        }
        covered
    }

    pub(super) fn remember(&mut self, look: Look, at: usize, reached: usize) {
        if reached > at + Self::LONG {
            self.far[look as usize] = reached;
        }
        if Repetition::is_beyond(at, reached) {
            self.partial.set(true);
        }
    }
}

/// A secret of this rule whose anchor is at `at`, or how far it could be followed.
pub(super) fn rule_at(
    rule: &'static Rule,
    text: &[u8],
    at: usize,
    floor: usize,
) -> Result<Finding, usize> {
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
            .filter(|_| starts_word(text, at) && !continues_base64(text, at))
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
            values_near(text, at, end)
                .filter_map(|value| checked(value, value, value).ok())
                .find(|it| near::lets_be_secret(&text[end..it.start], rule.body))
                .ok_or(at)
        }
    }
}

/// In base64 every short prefix stands somewhere, after a plus sign too.
fn continues_base64(text: &[u8], at: usize) -> bool {
    const LONG: usize = 32;
    let before = &text[at.saturating_sub(LONG)..at];
    let sorts = [
        u8::is_ascii_lowercase,
        u8::is_ascii_uppercase,
        u8::is_ascii_digit,
    ];
    before.ends_with(b"+")
        && run_length_back(BASE64, before, LONG) == LONG
        && sorts.iter().all(|is| before.iter().any(is))
}

pub(super) fn past(text: &[u8], at: usize, literal: &str) -> Option<usize> {
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
fn values_near(text: &[u8], name: usize, from: usize) -> impl Iterator<Item = usize> {
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
            // The name again: what follows is looked at from there.
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
            // `Gitea commit: …`: the name of something else stands between.
            if is_other_thing(&text[value..position]) {
                return None;
            }
        }
    })
}

/// What a provider's name may be followed by and that is no secret.
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
