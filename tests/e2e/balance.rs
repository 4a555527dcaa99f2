//! Agreement of all counts, model by model: events at PostHog, Claude Code's books, and answers of
//! the API.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;

use crate::e2e::claude::Claude;
use crate::support::anthropic::Answered;
use crate::support::posthog::{PostHog, Tokens, tokens_of};

/// Token counts by model.
pub(crate) type ByModel = BTreeMap<String, Tokens>;

/// Asserts that the tokens of the only session at PostHog are those in Claude Code's books and
/// those of the API's answers.
#[track_caller]
pub(crate) fn assert_balanced(claude: &Claude, posthog: &PostHog) {
    assert_equal(&[
        ("PostHog", sent(&posthog.events())),
        ("Claude Code", claude.session().totals()),
        ("the API", answered(&claude.api.answered())),
    ]);
    assert_each_was_answered(claude, posthog);
}

/// Asserts that the tokens of all sessions at PostHog are those of the API's answers.
#[track_caller]
pub(crate) fn assert_all_is_sent(claude: &Claude, posthog: &PostHog) {
    assert_equal(&[
        ("PostHog", sent(&posthog.events())),
        ("the API", answered(&claude.api.answered())),
    ]);
}

/// Compares columns of token counts, and shows where they differ.
#[track_caller]
pub(crate) fn assert_equal(columns: &[(&str, ByModel)]) {
    let models: BTreeSet<&String> = columns.iter().flat_map(|(_, sums)| sums.keys()).collect();
    assert!(!models.is_empty(), "nothing was counted");
    let mut table = format!("{:<28}{:<16}", "", "");
    for (name, _) in columns {
        let _ = write!(table, "{name:>14}");
    }
    let mut is_balanced = true;
    for model in models {
        let sums = columns.iter().map(|(_, sums)| sums.get(model).copied());
        let sums: Vec<Tokens> = sums.map(Option::unwrap_or_default).collect();
        for (kind, count) in KINDS {
            let counts: Vec<u64> = sums.iter().map(count).collect();
            let agree = counts.iter().all(|count| *count == counts[0]);
            is_balanced &= agree;
            let _ = write!(table, "\n{model:<28}{kind:<16}");
            for count in counts {
                let _ = write!(table, "{count:>14}");
            }
            table += if agree { "" } else { "  <--" };
        }
    }
    assert!(is_balanced, "the books do not balance\n{table}");
}

type Count = fn(&Tokens) -> u64;

const KINDS: [(&str, Count); 4] = [
    ("input", |tokens| tokens.input),
    ("output", |tokens| tokens.output),
    ("cache read", |tokens| tokens.cache_read),
    ("cache creation", |tokens| tokens.cache_creation),
];

/// Asserts that every generation at PostHog has the counts of one answer of the API, and that
/// background calls together have those of the remaining answers. Returns the number of the latter.
#[track_caller]
pub(crate) fn assert_each_was_answered(claude: &Claude, posthog: &PostHog) -> usize {
    let mut left = claude.api.answered();
    let (booked, listed): (Vec<Value>, Vec<Value>) = posthog
        .named("$ai_generation")
        .into_iter()
        .filter(|event| event["properties"]["$ai_is_error"] != true)
        .partition(is_background);
    for event in &listed {
        let found = left.iter().position(|answer| {
            answer.tokens == tokens_of(event) && event["properties"]["$ai_model"] == *answer.model
        });
        let Some(found) = found else {
            panic!("no answer of the API is left that this could be: {event:#}");
        };
        left.swap_remove(found);
    }
    if !(left.is_empty() && booked.is_empty()) {
        assert_equal(&[("background", sent(&booked)), ("the API", answered(&left))]);
    }
    left.len()
}

/// Whether an event sums up calls that are in no line of the transcript.
pub(crate) fn is_background(event: &Value) -> bool {
    event["properties"]["$ai_span_name"] == "claude code background calls"
}

/// Tokens of the generations among these events, by model.
pub(crate) fn sent(events: &[Value]) -> ByModel {
    let generations = events
        .iter()
        .filter(|event| event["event"] == "$ai_generation");
    sum(generations.filter_map(|event| {
        let model = event["properties"]["$ai_model"].as_str()?;
        Some((model, tokens_of(event)))
    }))
}

/// Tokens of these answers of the API, by model.
pub(crate) fn answered(answers: &[Answered]) -> ByModel {
    sum(answers
        .iter()
        .map(|answer| (answer.model.as_str(), answer.tokens)))
}

fn sum<'a>(counts: impl IntoIterator<Item = (&'a str, Tokens)>) -> ByModel {
    let mut sums = ByModel::new();
    for (model, tokens) in counts {
        *sums.entry(model.to_owned()).or_default() += tokens;
    }
    sums
}
