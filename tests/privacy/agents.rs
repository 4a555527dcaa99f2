//! Limits of a coding agent that runs the program, perhaps at the request of a project.

use std::fs;

use serde_json::{Value, json};

use crate::privacy::committed::other_project;
use crate::support::scene::Scene;
use crate::support::session::Session;

#[test]
fn a_coding_agent_writes_no_file_and_reaches_no_other_project() {
    let scene = Scene::new();
    let here = Session::write(&scene.env, 1, 1);
    let (path, there) = other_project(&scene, "settings.json", &json!({}));
    let target = scene.env.write("home/precious", "precious");
    let target_name = target.to_str().unwrap();
    for (name, value) in [
        ("CLAUDECODE", "1"),
        ("CLAUDECODE", ""),
        ("OPENCODE", "1"),
        ("PI_CODING_AGENT", "true"),
    ] {
        for arguments in [
            &["ingest"][..],
            &["ingest", "--all", "--yes"],
            &["ingest", "--list"],
            &["ingest", "--output", target_name, "--all"],
        ] {
            let outcome = scene.env.command(arguments).env(name, value).run().code(2);
            let command = arguments.join(" ");
            outcome
                .complains("in a terminal of your own")
                .complains(&command);
        }
    }
    let slash = |arguments: &[&str]| {
        let all = [&["ingest-project"], arguments].concat();
        scene.env.command(all).env("CLAUDECODE", "1").run()
    };
    for arguments in [
        &["--output", target_name][..],
        &["--all"],
        &["--yes"],
        &["--project", "/"],
        &["--with-old-content"],
        &[path.to_str().unwrap()],
        &["."],
    ] {
        let outcome = slash(arguments)
            .code(2)
            .complains("in a terminal of your own");
        outcome.complains(&format!("ingest {}", arguments.join(" ")));
    }
    slash(&[&there.id]).code(2).never_mentions("acknowledged");
    slash(&["--list"])
        .success()
        .says(&here.id[..8])
        .never_mentions("other");
    assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
    assert_eq!(scene.posthog.requests().len(), 0);
    slash(&["--since", "7d"]).success();
    assert_eq!(scene.posthog.events().len() as u64, here.events());
    assert_eq!(scene.posthog.of_session(&there.id), Vec::<Value>::new());
}
