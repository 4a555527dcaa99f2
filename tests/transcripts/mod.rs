//! Real sessions of many versions: the program's sums equal those of an independent count.
//!
//! The sessions are not part of the project. They are searched beside it, or where
//! `POSTHOG_LLMA_TRANSCRIPTS` says; without them these tests pass and say so.

mod accuracy;
mod contract;
mod corpus;
mod facts;
mod inputs;
mod odd;
mod parts;
mod requests;
mod resumed;
mod waiting;
mod withheld;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use serde_json::{Value, json};

use crate::support::capture::{Lane, judge};
use crate::support::env::API_KEY;
use crate::support::independent::{Tally, by_claude_code, tally};
use crate::support::library::{Events, Run};
use crate::support::rendering;
use corpus::{corpus_or_skip, in_parallel, sessions};

#[test]
fn every_session_has_the_calls_and_tokens_of_an_independent_count() {
    let Some(root) = corpus_or_skip() else { return };
    let sums = in_parallel(&sessions(&root), |transcript| {
        let bytes = Run::default().lines(transcript);
        let events = parse(&bytes);
        let expected = tally(transcript);
        let found = counted(&in_lines(&events));
        assert_eq!(found, expected, "{}", transcript.display());
        check_trace(&events, transcript);
        let expected = facts::counted(transcript);
        assert_eq!(facts::shown(&events), expected, "{}", transcript.display());
        check_contract(&events, transcript);
        let again = Run::default().lines(transcript);
        assert!(bytes == again, "{}: other bytes", transcript.display());
        found
    });
    let mut sum = Tally::default();
    for tally in sums {
        sum += tally;
    }
    assert!(sum.generations > 10_000, "{sum:?}");
}

/// The events, without those that only the agent's books show.
fn in_lines(events: &Events) -> Events {
    let is_booked = |event: &&Value| event["properties"]["from_agent_books"] != true;
    events.iter().filter(is_booked).cloned().collect()
}

fn parse(lines: &[u8]) -> Events {
    let events = serde_json::Deserializer::from_slice(lines).into_iter();
    events
        .map(|event| event.expect("an event is JSON"))
        .collect()
}

/// Checks that PostHog accepts the events, and that each belongs to its session.
fn check_contract(events: &Events, transcript: &Path) {
    if !events.is_empty() {
        let batch = json!({ "api_key": API_KEY, "batch": events });
        // This includes: no uuid twice.
        let verdict = judge(Lane::Ai, &batch);
        assert!(verdict.is_ok(), "{}: {verdict:?}", transcript.display());
        contract::check(events, transcript);
        rendering::is_shown(events);
    }
}

/// Sums over the events that would be sent.
fn counted(events: &Events) -> Tally {
    let mut tally = Tally::default();
    for event in events {
        let properties = &event["properties"];
        let tokens = |name: &str| properties[name].as_u64().unwrap_or(0);
        match event["event"].as_str() {
            Some("$ai_generation") if properties["$ai_is_error"] == true => tally.errors += 1,
            Some("$ai_generation") => {
                tally.generations += 1;
                tally.input += tokens("$ai_input_tokens");
                tally.output += tokens("$ai_output_tokens");
                tally.cache_read += tokens("$ai_cache_read_input_tokens");
                tally.cache_write += tokens("$ai_cache_creation_input_tokens");
                tally.placeholders += u64::from(properties["output_tokens_reliable"] == false);
                tally.cache_write_5m += tokens("$ai_cache_creation_5m_input_tokens");
                tally.cache_write_1h += tokens("$ai_cache_creation_1h_input_tokens");
            }
            Some("$ai_span") if properties["$ai_span_type"] == "tool" => tally.tools += 1,
            _ => {}
        }
    }
    tally
}

#[test]
fn every_fixture_has_the_calls_and_tokens_of_an_independent_count() {
    let fixtures = sessions(Path::new(parts::FIXTURES));
    for transcript in &fixtures {
        let events = Run::default().events(transcript);
        let at = transcript.display();
        assert_eq!(counted(&in_lines(&events)), tally(transcript), "{at}");
        check_trace(&events, transcript);
        check_contract(&events, transcript);
    }
}

/// Asserts that the trace of a session has the sums of its generations.
fn check_trace(events: &Events, transcript: &Path) {
    let sum = counted(events);
    let traces: Vec<&Value> = named(events, "$ai_trace").collect();
    assert!(traces.len() <= 1, "{}", transcript.display());
    let Some(trace) = traces.first() else {
        assert_eq!(events.len(), 0, "{}", transcript.display());
        return;
    };
    let properties = &trace["properties"];
    let of_trace = [
        "$ai_total_input_tokens",
        "$ai_total_output_tokens",
        "$ai_total_cache_read_input_tokens",
        "$ai_total_cache_creation_input_tokens",
        "generation_count",
        "tool_call_count",
    ]
    .map(|name| properties[name].as_u64().expect("a whole number"));
    let expected = [
        sum.input,
        sum.output,
        sum.cache_read,
        sum.cache_write,
        sum.generations + sum.errors,
        sum.tools,
    ];
    assert_eq!(of_trace, expected, "{}", transcript.display());
}

fn named<'a>(events: &'a Events, name: &'a str) -> impl Iterator<Item = &'a Value> {
    events.iter().filter(move |event| event["event"] == name)
}

#[test]
fn sessions_made_for_counting_have_the_totals_of_claude_code() {
    let Some(root) = corpus_or_skip() else { return };
    // Session, responses, failed calls, and the calls that are in no line of the transcript.
    let expected = BTreeMap::from([
        ("1cd5fbff", (1, 0, 0)),
        ("751b6fa1", (1, 0, 0)),
        ("6788d38b", (3, 0, 0)),
        ("553cd17f", (6, 0, 0)),
        ("d209a403", (5, 0, 2)),
        ("c3107b59", (5, 0, 0)),
        ("1d4b1710", (1, 0, 2)),
        ("4ca6b929", (0, 1, 0)),
        ("9b9051a5", (0, 1, 0)),
        ("8d01cdca", (6, 0, 0)),
        ("c35b2cb3", (1, 0, 0)),
        ("e042c24d", (3, 0, 0)),
        ("b6607897", (3, 0, 0)),
    ]);
    let mut seen = HashSet::new();
    for transcript in sessions(&root.join("lab-2.1.329")) {
        let stem = transcript.file_stem().unwrap_or_default().to_string_lossy();
        let id = &stem[..8];
        let (responses, errors, unseen) = expected[id];
        // Every response of these sessions has the same usage.
        let used = |calls: u64| [12, 321, 15_000, 3_400].map(|each| each * calls);
        let events = Run::default().events(&transcript);
        let lines = counted(&in_lines(&events));
        assert_eq!((lines.generations, lines.errors), (responses, errors));
        assert_eq!(tokens(lines), used(responses), "{id} in lines");
        let told = by_claude_code(&transcript).expect("the agent's books");
        assert_eq!(told, used(responses + unseen), "{id} in the books");
        // With the calls that are in no line, the sums agree with Claude Code.
        assert_eq!(tokens(counted(&events)), told, "{id} as sent");
        seen.insert(id.to_owned());
    }
    assert_eq!(seen.len(), expected.len(), "{seen:?}");
}

fn tokens(tally: Tally) -> [u64; 4] {
    [
        tally.input,
        tally.output,
        tally.cache_read,
        tally.cache_write,
    ]
}

#[test]
fn every_grouping_gives_events_that_posthog_takes() {
    let Some(root) = corpus_or_skip() else { return };
    in_parallel(&sessions(&root), |transcript| {
        for run in [Run::by_message(), Run::without_turns()] {
            check_contract(&run.events(transcript), transcript);
        }
    });
}

#[test]
fn private_runs_hold_no_content() {
    let Some(root) = corpus_or_skip() else { return };
    in_parallel(&sessions(&root), |transcript| {
        let private = Run::private().events(transcript);
        for event in &private {
            contract::check_privacy(event);
        }
        assert_eq!(
            counted(&in_lines(&private)),
            tally(transcript),
            "{}",
            transcript.display()
        );
    });
}

#[test]
fn a_fork_and_its_original_send_each_response_once() {
    let Some(root) = corpus_or_skip() else { return };
    let lab = root.join("lab-2.1.329");
    let of = |id: &str| {
        let found = sessions(&lab)
            .into_iter()
            .find(|path| path.to_string_lossy().contains(id));
        generations(&found.expect("the session is there"))
    };
    let (original, fork) = (of("d209a403"), of("c3107b59"));
    let copies = fork.intersection(&original).count();
    assert_eq!((original.len(), fork.len(), copies), (5, 5, 4));
}

fn generations(transcript: &Path) -> HashSet<String> {
    named(
        &in_lines(&Run::default().events(transcript)),
        "$ai_generation",
    )
    .map(|event| event["uuid"].to_string())
    .collect()
}
