//! A session in several folders is one session.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::scene::Scene;
use crate::support::session::Session;

#[test]
fn a_session_in_two_folders_is_counted_once_whatever_is_done_with_it() {
    let scene = Scene::new();
    let mut session = Session::write(&scene.env, 1, 2);
    let transcript = std::fs::read(&session.path).expect("it is there");
    let copy = format!("home/.claude/projects/copy/{}.jsonl", session.id);
    scene.env.write(copy, transcript);
    session.grow(1);
    let other = Session::write(&scene.env, 2, 1);
    let tokens = session.output_tokens() + other.output_tokens();
    let events = session.events() + other.events();

    let written = scene.env.run(["ingest", "--all", "--output", "-"]);
    let written: Vec<Value> = (written.success().stdout.lines())
        .map(|line| serde_json::from_str(line).expect("it is JSON"))
        .collect();
    let uuids: BTreeSet<&str> = written
        .iter()
        .filter_map(|it| it["uuid"].as_str())
        .collect();
    assert_eq!(
        [written.len(), uuids.len()],
        [usize::try_from(events).unwrap(); 2]
    );
    let of_property = |event: &Value, name: &str| event["properties"][name].as_u64();
    let sum: u64 = (written.iter())
        .filter(|event| event["event"] == "$ai_generation")
        .filter_map(|event| of_property(event, "$ai_output_tokens"))
        .sum();
    assert_eq!(sum, tokens);
    let is_trace = |event: &&Value| {
        event["event"] == "$ai_trace" && event["properties"]["$ai_session_id"] == *session.id
    };
    let trace = written.iter().find(is_trace).expect("there is one");
    let total = of_property(trace, "$ai_total_output_tokens");
    assert_eq!(total, Some(session.output_tokens()));

    let preview = scene.env.run(["ingest", "--all", "--dry-run"]).success();
    let preview = preview.stdout.replace(',', "");
    let sums = [
        format!("2 sessions {events} events:"),
        format!(" {tokens} out "),
    ];
    assert!(sums.iter().all(|sum| preview.contains(sum)), "{preview}");

    let list = scene.env.run(["ingest", "--list"]).success().stdout;
    assert_eq!(list.lines().count(), 3, "{list}");
    let doctor = scene.env.run(["doctor"]).stdout;
    assert!(doctor.contains("2 sessions in"), "{doctor}");
    // Its id means all of its transcripts.
    let named = scene
        .env
        .run(["ingest", "--dry-run", &session.id])
        .success();
    let sum = format!("1 session, {} events:", session.events());
    assert!(named.stdout.contains(&sum), "{}", named.stdout);
    scene.env.run(["show", &session.id]).success();

    let sent = scene.env.run(["ingest", "--all"]).success();
    let sent = sent.stdout.replace(',', "");
    for (name, number) in [("sessions", 2), ("events", events), ("tokens out", tokens)] {
        let row = sent.lines().find(|line| line.starts_with(name));
        let shown = row.and_then(|row| row[name.len()..].split_whitespace().next());
        assert_eq!(shown, Some(number.to_string().as_str()), "{sent}");
    }
    scene.complete_but_for_traces(&[&session, &other]);
}
