//! The events of sessions: the same bytes that would be sent, even while a session continues.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use super::support::{FIXTURES, Page, parameter, until};
use crate::support::env::TestEnv;
use crate::support::session::Session;

/// Properties with content, of which an outline has none.
const CONTENT: [&str; 6] = [
    "$ai_input",
    "$ai_output_choices",
    "$ai_input_state",
    "$ai_output_state",
    "$ai_user_prompt",
    "$ai_tools",
];

/// A fork. Until the session that it was copied from is sent, the page counts the copied calls in the
/// sums of both.
const FORK: &str = "00000014-0000-4000-8000-000000000000";

#[test]
fn the_page_gets_the_bytes_that_are_sent() {
    let env = TestEnv::new();
    let output = env
        .run(["ingest", FIXTURES, "--output", "-"])
        .success()
        .stdout;
    let sent: BTreeMap<String, &str> = output.lines().map(|line| (uuid(line), line)).collect();
    let page = Page::open(&env, &[FIXTURES]);
    let mut shown = BTreeSet::new();
    for row in page.rows() {
        let session = parameter(&row["key"]);
        let (lines, end) = page.lines(&format!("/api/events?session={session}&view=full"));
        assert_eq!(end["total"], lines.len(), "{row}");
        let (outlines, _) = page.lines(&format!("/api/events?session={session}&view=outline"));
        for (line, outline) in lines.iter().zip(&outlines) {
            let event = &line["event"];
            let id = event["uuid"].as_str().unwrap_or_default();
            let path = format!("/api/event?session={session}&uuid={id}");
            let body = page.get(&path).body;
            assert_eq!(line["bytes"], body.len());
            assert_eq!(
                serde_json::from_str::<Value>(&body).ok().as_ref(),
                Some(event)
            );
            // A copy in a fork is sent with the original.
            if sent.get(id).is_some_and(|it| **it == body) {
                shown.insert(id.to_owned());
            }
            let [whole, part] = [event, &outline["event"]]
                .map(|it| it["properties"].as_object().expect("it is an object"));
            for (name, value) in part {
                assert!(!CONTENT.contains(&name.as_str()), "{name}");
                assert_eq!(Some(value), whole.get(name), "{name}");
            }
            assert!(part.contains_key("$ai_span_id") || part.contains_key("$ai_trace_id"));
            assert_eq!(
                (&outline["n"], &outline["bytes"]),
                (&line["n"], &line["bytes"])
            );
        }
    }
    let missing: Vec<&&str> = sent
        .iter()
        .filter_map(|(uuid, line)| (!shown.contains(uuid.as_str())).then_some(line))
        .filter(|line| !(line.contains(FORK) && line.contains("\"$ai_trace\"")))
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

fn uuid(line: &str) -> String {
    let event: Value = serde_json::from_str(line).expect("it is JSON");
    event["uuid"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn parts_of_a_session_are_asked_for_by_position_and_kind() {
    let env = TestEnv::new();
    let session = Session::write(&env, 1, 3);
    let page = Page::open(&env, &[]);
    let key = parameter(&page.row(&session.id)["key"]);
    let positions = |query: &str| {
        let (lines, _) = page.lines(&format!("/api/events?session={key}&view=full{query}"));
        let kinds = lines.iter().map(|line| {
            let properties = &line["event"]["properties"];
            let kind = properties["$ai_span_type"].as_str();
            (
                line["n"].as_u64().unwrap_or(99),
                kind.unwrap_or("call").to_owned(),
            )
        });
        kinds.collect::<Vec<_>>()
    };
    let all = positions("");
    assert_eq!(all.len() as u64, session.events());
    let numbers: Vec<u64> = all.iter().map(|(n, _)| *n).collect();
    assert_eq!(numbers, (0..session.events()).collect::<Vec<_>>());
    assert_eq!(positions("&from=2&to=4"), all[2..=4]);
    let conversation = positions("&kind=conversation");
    assert!(conversation.iter().all(|(_, kind)| kind != "tool"));
    assert!(conversation.len() > 6, "{conversation:?}");
    assert_eq!(positions("&kind=changes"), []);
}

#[test]
fn a_running_session_is_followed_by_what_is_new() {
    let env = TestEnv::new();
    let mut session = Session::write(&env, 1, 2);
    session.open_in_process(&env, std::process::id());
    let page = Page::open(&env, &[]);
    let key = parameter(&page.row(&session.id)["key"]);
    let (first, end) = page.lines(&format!("/api/events?session={key}&view=outline"));
    assert_eq!(end["running"], true);
    let mut cursor = end["cursor"].as_str().unwrap_or_default().to_owned();
    let mut follow = |expected: &dyn Fn(&[Value]) -> bool| {
        let mut new = Vec::new();
        until("something new is there", || {
            let path = format!("/api/events?session={key}&view=outline&after={cursor}");
            let (lines, end) = page.lines(&path);
            assert_eq!(end["reset"], false);
            end["cursor"]
                .as_str()
                .unwrap_or_default()
                .clone_into(&mut cursor);
            new.extend(lines);
            expected(&new)
        });
        new
    };
    session.begin_turn();
    session.finish_turn();
    let new = follow(&|new| {
        new.iter()
            .any(|it| it["event"]["event"] == "$ai_generation")
    });
    let known: BTreeSet<String> = first
        .iter()
        .map(|it| it["event"]["uuid"].to_string())
        .collect();
    let again = new
        .iter()
        .filter(|it| known.contains(&it["event"]["uuid"].to_string()));
    // Only the trace grows; all other events are sent once.
    assert!(
        again.clone().all(|it| it["event"]["event"] == "$ai_trace"),
        "{new:#?}"
    );
    let last = first.len() as u64;
    assert!(
        new.iter().all(|it| it["n"].as_u64() >= Some(last)),
        "{new:#?}"
    );

    let (everything, end) =
        page.lines(&format!("/api/events?session={key}&after=of-another-run.3"));
    assert_eq!(end["reset"], true);
    assert!(everything.len() > first.len());
}

#[test]
fn a_session_that_was_rewritten_is_shown_anew() {
    let env = TestEnv::new();
    let session = Session::write(&env, 1, 2);
    let page = Page::open(&env, &[]);
    let key = parameter(&page.row(&session.id)["key"]);
    let (_, end) = page.lines(&format!("/api/events?session={key}"));
    let cursor = end["cursor"].as_str().unwrap_or_default().to_owned();
    let text = std::fs::read_to_string(&session.path).expect("it is there");
    let shorter: Vec<&str> = text.lines().take(text.lines().count() / 2).collect();
    env.write(&session.path, shorter.join("\n") + "\n");
    let mut count = 0;
    until("it is read again", || {
        let (lines, end) = page.lines(&format!("/api/events?session={key}&after={cursor}"));
        count = lines.len();
        end["reset"] == true || count > 0
    });
    let (now, _) = page.lines(&format!("/api/events?session={key}"));
    assert!((now.len() as u64) <= session.events(), "{count}");
}

#[test]
fn nothing_stays_of_a_session_that_was_rewritten() {
    let env = TestEnv::new();
    let long = Session::write(&env, 1, 3);
    let other = TestEnv::new();
    let short = Session::write(&other, 1, 1);
    let short_text = fs::read_to_string(&short.path).expect("it is there");
    let page = Page::open(&env, &[]);
    let key = parameter(&page.row(&long.id)["key"]);
    let events = format!("/api/events?session={key}&view=outline");
    let (lines, end) = page.lines(&events);
    assert_eq!(lines.len() as u64, long.events());
    let mut cursor = end["cursor"].as_str().unwrap_or_default().to_owned();
    for (text, expected) in [(short_text.as_str(), short.events()), ("", 0)] {
        fs::write(&long.path, text).expect("it is ours");
        until("the page begins again", || {
            let (lines, end) = page.lines(&format!("{events}&after={cursor}"));
            if end["reset"] != true || lines.len() as u64 != expected {
                return false;
            }
            end["cursor"]
                .as_str()
                .unwrap_or_default()
                .clone_into(&mut cursor);
            true
        });
        let (lines, _) = page.lines(&events);
        assert_eq!(lines.len() as u64, expected);
    }
}
