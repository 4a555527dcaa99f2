//! Folders that cannot be listed: their sessions are not found, and a message says so.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::env::TestEnv;
use crate::support::scene::Scene;
use crate::support::session::Session;

/// Makes a folder that nobody can list, not even the administrator: its path is longer than the
/// system allows.
fn make_unlistable(folder: &Path) {
    std::fs::create_dir_all(folder).expect("the temporary directory is writable");
    let script = "i=0; while [ $i -lt 17 ]; do mkdir $0 && cd -P $0 || exit 1; i=$((i+1)); done";
    let name = "d".repeat(250);
    let made = Command::new("sh")
        .args(["-c", script, &name])
        .current_dir(folder)
        .status();
    assert!(made.expect("a shell is there").success());
}

fn write_pi_session(env: &TestEnv) {
    let lines = [
        json!({ "type": "session", "version": 3, "id": "pi-1", "timestamp": "2026-03-02T09:00:00.000Z", "cwd": env.project() }),
        json!({ "type": "message", "id": "1", "timestamp": "2026-03-02T09:00:01.000Z",
            "message": { "role": "user", "content": "count the books" } }),
    ];
    let lines = lines.map(|line| format!("{line}\n")).concat();
    env.write("home/.pi/agent/sessions/p/2026_pi-1.jsonl", lines);
}

#[test]
fn what_cannot_be_listed_is_said_and_all_else_is_read() {
    for place in [
        ".claude/projects/another-project",
        ".claude/projects/PROJECT/SESSION/subagents",
        ".pi/agent/sessions/another-project",
    ] {
        let env = TestEnv::new();
        let session = Session::write(&env, 1, 1);
        write_pi_session(&env);
        let complete = env.run(["ingest", "--all", "--output", "-"]).success();
        let project = session.path.parent().expect("a folder");
        let project = project.file_name().expect("a name").to_string_lossy();
        let place = place.replace("PROJECT", &project);
        let place: PathBuf = env.home().join(place.replace("SESSION", &session.id));
        make_unlistable(&place);
        let shown = format!("cannot read {}", place.display());
        for arguments in [
            &["ingest", "--all", "--output", "-"][..],
            &["ingest", "--all", "--dry-run"],
            &["ingest", "--list"],
        ] {
            let outcome = env.run(arguments);
            let is_of_session = place.ends_with("subagents");
            if is_of_session && arguments.contains(&"--list") {
                outcome.success();
                continue;
            }
            let outcome = outcome.code(1).complains(&shown);
            if arguments.contains(&"--output") {
                assert_eq!(outcome.stdout, complete.stdout, "{}", place.display());
            }
        }
    }
}

#[test]
fn what_cannot_be_listed_is_in_the_status_after_a_sweep_and_in_the_doctor() {
    let scene = Scene::new();
    make_unlistable(&scene.env.claude().join("projects/another-project"));
    scene.start();
    let warnings = scene.status()["warnings"].to_string();
    assert!(warnings.contains("another-project"), "{warnings}");
    let outcome = scene.env.run(["doctor", "--json"]).code(1);
    let report: Value = serde_json::from_str(&outcome.stdout).expect("it is JSON");
    let checks = report["checks"].as_array().expect("a list");
    let folders = checks.iter().find(|check| check["check"] == "folders");
    let folders = folders.unwrap_or_else(|| panic!("{report:#}"));
    assert_eq!(folders["verdict"], "problem");
}
