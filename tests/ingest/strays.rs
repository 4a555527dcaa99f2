//! Lines of a session in the transcript of another one, with the whole program.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::env::TestEnv;
use crate::support::scene::Scene;

const FIXTURES: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/fixtures/sessions/-home-ada-bookshop"
);
/// A transcript that contains lines of another session, and that session.
const HOLDER: &str = "00000034-0000-4000-8000-000000000000";
const OWNER: &str = "00000035-0000-4000-8000-000000000000";

fn put(env: &TestEnv, project: &str, session: &str) -> PathBuf {
    let text = fs::read(format!("{FIXTURES}/{session}.jsonl")).expect("a fixture");
    env.write(
        format!("home/.claude/projects/{project}/{session}.jsonl"),
        text,
    )
}

/// Calls of models, with their sessions.
fn calls(events: &[Value]) -> BTreeSet<(String, String)> {
    let calls = events.iter().filter(|it| it["event"] == "$ai_generation");
    calls
        .map(|it| {
            let session = it["properties"]["$ai_session_id"].as_str();
            (
                session.unwrap_or_default().to_owned(),
                it["uuid"].to_string(),
            )
        })
        .collect()
}

#[test]
fn lines_belong_to_their_session_in_the_same_project_and_in_another_one() {
    let mut found = Vec::new();
    for projects in [["shop", "shop"], ["shop", "weather"]] {
        let scene = Scene::new();
        put(&scene.env, projects[0], HOLDER);
        put(&scene.env, projects[1], OWNER);
        let written = scene.env.run(["ingest", "--all", "--output", "-"]);
        let written: Vec<Value> = (written.success().stdout.lines())
            .map(|line| serde_json::from_str(line).expect("it is JSON"))
            .collect();
        found.push(calls(&written));
    }
    let of_owner = found[0].iter().filter(|(session, _)| session == OWNER);
    assert_eq!((found[0].len(), of_owner.count()), (5, 3));
    assert_eq!(found[0], found[1]);
}

#[test]
fn lines_of_a_session_that_has_no_transcript_stay_where_they_are() {
    let scene = Scene::new();
    put(&scene.env, "shop", HOLDER);
    scene.env.run(["ingest", "--all", "--yes"]).success();
    let calls = calls(&scene.posthog.events());
    assert_eq!(calls.len(), 3);
    assert!(calls.iter().all(|(session, _)| session == HOLDER));
}

#[test]
fn a_session_is_read_again_when_lines_of_it_are_met_elsewhere() {
    for project in ["shop", "weather"] {
        let scene = Scene::new();
        put(&scene.env, project, OWNER);
        scene.env.run(["ingest", "--all", "--yes"]).success();
        assert_eq!(calls(&scene.posthog.events()).len(), 2);
        // Older than the read part of the session.
        let holder = put(&scene.env, "shop", HOLDER);
        let ingest = scene.env.command(["ingest", "--yes"]);
        ingest.argument(&holder).run().success();
        assert_eq!(calls(&scene.posthog.events()).len(), 2 + 2, "{project}");
        scene.env.run(["ingest", "--all", "--yes"]).success();
        let calls = calls(&scene.posthog.events());
        let of_owner = calls.iter().filter(|(session, _)| session == OWNER);
        assert_eq!((calls.len(), of_owner.count()), (5, 3), "{project}");
        assert_eq!(scene.posthog.named("$ai_generation").len(), 5, "none twice");
    }
}

#[cfg(unix)]
#[test]
fn folders_of_subagents_behind_links_are_read_within_the_home_alone() {
    const SESSION: &str = "00000004-0000-4000-8000-000000000000";
    let agents = fs::read_dir(format!("{FIXTURES}/{SESSION}/subagents")).expect("a fixture");
    let agents: Vec<PathBuf> = agents.flatten().map(|it| it.path()).collect();
    for (place, link, is_read) in [
        ("home/elsewhere/agents", "subagents", true),
        ("outside/agents", "subagents", false),
        ("home/elsewhere/session", "", true),
        ("outside/session", "", false),
    ] {
        let scene = Scene::new();
        let transcript = put(&scene.env, "shop", SESSION);
        let own = transcript.with_extension("");
        let at = scene.env.root().join(place);
        for agent in &agents {
            let name = agent.file_name().expect("a name");
            let below = if link.is_empty() { "subagents" } else { "" };
            let text = fs::read(agent).expect("a fixture");
            scene.env.write(at.join(below).join(name), text);
        }
        let link = if link.is_empty() {
            own
        } else {
            fs::create_dir_all(&own).expect("the folder is ours");
            own.join(link)
        };
        std::os::unix::fs::symlink(&at, &link).expect("the folder is ours");
        let outcome = scene.env.run(["ingest", "--all", "--yes"]);
        let events = scene.posthog.events();
        let has_agent = |it: &Value| it["properties"]["$ai_agent_name"].to_string().contains('/');
        let is_found = events.iter().any(has_agent);
        assert_eq!(is_found, is_read, "{place}: {}", outcome.report());
        if !is_read {
            outcome.complains("it leads out of your home directory");
        }
    }
}
