//! Files of the state directory: whose they are, and what another program does with them.

use std::fs::OpenOptions;
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use walkdir::WalkDir;

use crate::support::env::is_wine;
use crate::support::scene::Scene;
use crate::support::session::Session;

const TWO_HOURS: Duration = Duration::from_hours(2);

/// Programs that make backups or look for viruses open files for themselves alone. That is no
/// damage: the database stays.
#[test]
fn an_outbox_that_another_program_holds_is_told_and_used_afterwards() {
    let scene = Scene::new();
    let sent = Session::write(&scene.env, 1, 1);
    scene.end(&sent);
    scene.settle();
    scene.complete(&[&sent]);
    let outbox = scene.env.state().join("outbox.db");
    let alone = OpenOptions::new().read(true).share_mode(0).open(&outbox);
    let alone = alone.expect("nobody else has it");
    let next = Session::write(&scene.env, 2, 3);
    scene.end(&next);
    scene.settle();
    scene.flush().code(1).complains("outbox.db");
    let status = scene.env.run(["status"]).code(1);
    status.says("nothing is sent");
    drop(alone);

    next.age(TWO_HOURS);
    scene.start();
    scene.complete(&[&sent, &next]);
    let status = scene.status();
    assert_eq!(status["set_aside"].as_array().map(Vec::len), Some(0));
}

#[test]
fn files_of_state_and_configuration_are_for_no_other_user() {
    // Its list of access names nobody.
    if is_wine() {
        return;
    }
    let scene = Scene::on(|env| env.without("POSTHOG_LLMA_STATE_DIR"));
    Session::write(&scene.env, 1, 1);
    scene.env.run(["ingest", "--all", "--yes"]).success();
    let host = "https://posthog.example.com";
    scene.env.run(["trust", host]).success();
    let allowed = [
        said_by("whoami", None).trim().to_lowercase(),
        r"nt authority\system".to_owned(),
        r"builtin\administrators".to_owned(),
    ];
    let files = WalkDir::new(scene.env.home().join("AppData")).into_iter();
    let files: Vec<_> = files.map(|it| it.expect("it is ours")).collect();
    assert!(files.iter().any(|it| it.file_name() == "outbox.db"));
    assert!(files.iter().any(|it| it.file_name() == "trust.json"));
    for file in files {
        let names = allowed_users(file.path());
        assert!(!names.is_empty(), "{file:?}");
        assert!(
            names.iter().all(|it| allowed.contains(it)),
            "{file:?}: {names:?}"
        );
    }
}

/// The users and groups in the list of access of a file, in small letters.
fn allowed_users(file: &Path) -> Vec<String> {
    let list = said_by("icacls", Some(file));
    let list = list.replace(&file.display().to_string(), "");
    // An entry is `NAME:(I)(F)`.
    let entries = list.lines().filter_map(|line| line.split_once(":("));
    entries
        .map(|(name, _)| name.trim().to_lowercase())
        .collect()
}

fn said_by(program: &str, argument: Option<&Path>) -> String {
    let said = Command::new(program).args(argument).output();
    let said = said.expect("Windows has it");
    assert!(said.status.success(), "{program}: {said:?}");
    String::from_utf8_lossy(&said.stdout).into_owned()
}
