//! Match of a rule at its anchor.

use super::near;
use crate::redact::rules::{Anchor, Rule};
use crate::redact::text::find::past;
use crate::redact::text::format::{BASE64, Followed, Part, follow, run_length_back, starts_word};
use crate::redact::values::checks::Verdict;

/// A secret in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Secret {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) id: &'static str,
}

/// Bytes of the shortest body that counts if the end of the text cut it off.
const SHORTEST_CUT: usize = 10;

/// The secret of a rule whose anchor is at `at`, or the position up to which it matched.
pub(crate) fn rule_at(
    rule: &'static Rule,
    text: &[u8],
    at: usize,
    floor: usize,
) -> Result<Secret, usize> {
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
        Ok(Secret {
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
            near::values_near(text, at, end)
                .filter_map(|value| checked(value, value, value).ok())
                .find(|it| near::lets_be_secret(&text[end..it.start], rule.body))
                .ok_or(at)
        }
    }
}

/// Whether `at` is inside base64, which contains every short prefix somewhere, also after a plus
/// sign.
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

/// The beginning of the secret whose signature is at `at`.
fn lead_start(lead: Part, text: &[u8], at: usize, floor: usize) -> Option<usize> {
    let Part::Run { class, min, max } = lead else {
        return None;
    };
    let run = run_length_back(class, &text[floor..at], max);
    (run >= min).then_some(at - run)
}
