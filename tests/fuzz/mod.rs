//! Properties that hold for arbitrary files of a session and arbitrary texts.
//!
//! Each target runs for a second, or for `POSTHOG_LLMA_FUZZ_SECONDS`. Inputs that once failed are
//! in `corpus` and are tried first.

mod damage;
mod engine;
mod otlp;
mod sessions;
mod texts;

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use posthog_llma::host::Host;
use posthog_llma::pipeline::{Collected, Pipeline};
use posthog_llma::posthog::Event;
use posthog_llma::redact::{Counts, Redacted, RedactionKey, Redactor};
use posthog_llma::session::SessionState;
use posthog_llma::sources::SessionRef;
use serde_json::{Value, json};

use crate::support::capture::{Lane, judge};
use crate::support::env::API_KEY;
use crate::support::library::{Events, Run, collect, host, redactors, settings_of};
use damage::damaged_sessions;
use engine::fuzz;
use sessions::{Files, OnDisk, lines_of};
use texts::{Given, SECRETS, values};

#[test]
fn a_damaged_line_costs_no_response_but_its_own() {
    fuzz("sessions", &damaged_sessions(), |files| {
        let disk = OnDisk::new(files);
        let session = collect(&disk.transcript, SessionState::Ended).map(|it| it.session);
        let generations = session.iter().flat_map(|session| session.all_generations());
        // An id that others may have too is followed by a distinguishing suffix.
        let responses: HashSet<&str> = generations
            .filter_map(|generation| generation.id.split('\u{1e}').next())
            .collect();
        let found = SessionRef::at(&disk.transcript).expect("it is there");
        let files = found.files(&Host::bare(Utc::now)).expect("it can be read");
        for path in files.looks().into_iter().map(|look| look.path) {
            let bytes = std::fs::read(path).expect("it can be read");
            for id in lines_of(&bytes).into_iter().filter_map(response_of) {
                assert!(responses.contains(id.as_str()), "response {id:?} is lost");
            }
        }
    });
}

/// The response in an undamaged line. A line with a repeated key is two lines in one.
fn response_of(line: &[u8]) -> Option<String> {
    const KEY: &[u8] = b"\"parentUuid\":";
    if memchr::memmem::find_iter(line, KEY).count() > 1 {
        return None;
    }
    let line: Value = serde_json::from_slice(line).ok()?;
    let message = &line["message"];
    let has_time = DateTime::parse_from_rfc3339(line["timestamp"].as_str()?).is_ok();
    let is_response = line["type"] == "assistant" && message["model"] != "<synthetic>";
    (has_time && is_response).then_some(message["id"].as_str()?.to_owned())
}

/// Properties that may be shortened; in privacy mode, an error is only its kind.
const CONTENT: [&str; 7] = [
    "$ai_input",
    "$ai_tools",
    "$ai_output_choices",
    "$ai_input_state",
    "$ai_output_state",
    "$ai_user_prompt",
    "$ai_error",
];

#[test]
fn events_of_a_damaged_session_are_what_posthog_takes() {
    fuzz("events", &damaged_sessions(), |files| {
        let disk = OnDisk::new(files);
        for run in [Run::default(), Run::by_message(), Run::without_turns()] {
            let events = run.events(&disk.transcript);
            hold_together(&events);
            take(&events);
        }
        let events = Run::private().events(&disk.transcript);
        events.iter().for_each(hold_no_content);
        take(&events);
        if let Some(collected) = collect(&disk.transcript, SessionState::Ended) {
            keep_within_limit(&collected);
        }
    });
}

/// A limit far below PostHog's, so that inputs of some thousand bytes reach it.
fn keep_within_limit(collected: &Collected) {
    const LIMIT: usize = 16 << 10;
    const SHORTEST: usize = 80;
    let (config, _) = settings_of(&host());
    let redactors = redactors();
    let pipeline = Pipeline::new(&config, &redactors, LIMIT);
    let frozen = pipeline
        .freeze(collected)
        .expect("there are no rules")
        .into_inner();
    let limits = pipeline.limits(collected.session.agent);
    let mut check = |event: Redacted<Event<'_>>| {
        let json = event.written(&limits).into_inner().json;
        let size = json.len();
        let event: Value = serde_json::from_slice(&json)?;
        let content = CONTENT
            .iter()
            .filter_map(|name| event["properties"].get(name));
        let content: usize = content.map(|value| value.to_string().len()).sum();
        // Names are not shortened: delivery parks an event that is too large because of them.
        let is_short = content <= CONTENT.len() * SHORTEST;
        assert!(size <= LIMIT || is_short, "{size} bytes: {event}");
        Ok(())
    };
    pipeline
        .events(collected, frozen, &mut Counts::default(), &mut check)
        .expect("the check takes everything");
}

/// Asserts that every event is in a trace that is sent, under a parent that is sent.
fn hold_together(events: &Events) {
    let text = |event: &Value, name: &str| event["properties"][name].as_str().map(str::to_owned);
    let traces = events.iter().filter(|event| event["event"] == "$ai_trace");
    let traces: HashSet<_> = traces.map(|event| text(event, "$ai_trace_id")).collect();
    let spans: HashSet<_> = events
        .iter()
        .map(|event| text(event, "$ai_span_id"))
        .collect();
    assert_eq!(spans.len(), events.len(), "a span stands for two events");
    for event in events {
        let trace = text(event, "$ai_trace_id");
        assert!(
            trace.is_some() && traces.contains(&trace),
            "no trace: {event}"
        );
        let parent = text(event, "$ai_parent_id");
        let hangs = parent == trace || spans.contains(&parent);
        assert!(hangs || event["event"] == "$ai_trace", "no parent: {event}");
        for name in ["$ai_latency", "elapsed_seconds"] {
            let seconds = event["properties"].get(name);
            let is_length = seconds.is_none_or(|it| it.as_f64().is_some_and(|it| it >= 0.0));
            assert!(is_length, "{name}: {event}");
        }
    }
}

fn hold_no_content(event: &Value) {
    for name in CONTENT.iter().filter(|name| **name != "$ai_error") {
        assert!(event["properties"][*name].is_null(), "{name} in {event}");
    }
}

fn take(events: &Events) {
    if !events.is_empty() {
        let body = json!({ "api_key": API_KEY, "batch": events });
        judge(Lane::Ai, &body).unwrap_or_else(|refusal| panic!("{}", refusal.reason));
    }
}

#[test]
fn a_damaged_session_that_is_read_in_parts_sends_what_a_whole_reading_sends() {
    fuzz("parts", &damaged_sessions(), |files| {
        let length: usize = files.0.values().map(Vec::len).sum();
        // Any place is suitable, if it is the same whenever this input is tried.
        let cut = length % (files.lines() + 1);
        for run in [Run::default(), Run::by_message()] {
            let whole = by_uuid(run.events(&OnDisk::new(files).transcript));
            for progress in [SessionState::Running, SessionState::Ended] {
                let parts = in_parts(&run, &files.until(cut), progress, files);
                let lost = only_in(&whole, &parts);
                assert!(
                    lost.is_empty(),
                    "{progress:?} after {cut} lines: lost {lost:?}"
                );
                let mut surplus = only_in(&parts, &whole);
                // Only the answer shows that a prompt is a repetition, and so not a turn.
                surplus.retain(|event| !event.ends_with(TURN));
                assert!(
                    surplus.is_empty(),
                    "{progress:?} after {cut} lines: surplus {surplus:?}"
                );
            }
        }
    });
}

/// Events by their uuid.
type Known = BTreeMap<String, String>;

/// Name of calls that are only in the agent's books.
const BOOKS: &str = "claude code background calls";

/// End of the description of a turn.
const TURN: &str = " of a turn";

fn by_uuid(events: Events) -> Known {
    let known = events.into_iter().map(|event| {
        let of = &event["properties"];
        let is_turn = event["event"] == "$ai_trace" || of["$ai_span_type"] == "turn";
        let what = format!("{} {}", event["event"], of["$ai_span_name"]);
        (
            event["uuid"].to_string(),
            what + if is_turn { TURN } else { "" },
        )
    });
    known.collect()
}

/// The events of `a` that are missing in `b`. A line on the wrong side of the books shifts the
/// usage they show, so some differences are allowed.
fn only_in(a: &Known, b: &Known) -> Vec<String> {
    let only = a.iter().filter(|(uuid, _)| !b.contains_key(*uuid));
    let only = only.filter(|(_, event)| !event.contains(BOOKS));
    only.map(|(_, event)| event.clone()).collect()
}

/// Reads the beginning of a session, then the rest. If the session had ended and is resumed, the
/// second reading continues from a checkpoint.
fn in_parts(run: &Run, beginning: &Files, progress: SessionState, whole: &Files) -> Known {
    let disk = OnDisk::new(beginning);
    let first = run.collect(&disk.transcript, None, progress);
    let frozen = first.as_ref().map(|first| run.freeze(first));
    let mut sent = Known::new();
    let mut checkpoint = None;
    if let (Some(first), Some(frozen)) = (&first, &frozen) {
        sent = by_uuid(run.events_of(first, frozen.clone()));
        if progress == SessionState::Ended {
            checkpoint = first.checkpoint();
        }
    }
    disk.write(whole);
    let rest = run.collect(&disk.transcript, checkpoint, SessionState::Ended);
    if let Some(rest) = rest {
        let frozen = frozen.unwrap_or_else(|| run.freeze(&rest));
        sent.extend(by_uuid(run.events_of(&rest, frozen)));
    }
    sent
}

#[test]
fn no_secret_survives_and_redacting_twice_changes_nothing() {
    fuzz("redaction", &values(), |Given(value)| {
        let redactor = Redactor::new(RedactionKey::new([7; 32]));
        // A value may also be printed in the middle of a text.
        for given in [value.clone(), Value::from(value.to_string())] {
            let mut once = given.clone();
            redactor.value(&mut once, &mut Counts::default());
            let text = once.to_string();
            for [_, body] in SECRETS {
                assert!(!text.contains(body), "{body} survives in {text}");
            }
            let mut twice = once.clone();
            redactor.value(&mut twice, &mut Counts::default());
            assert_eq!(once, twice, "of {given}");
        }
    });
}
