//! `view --html`: one session as a file.

use std::fs;

use serde_json::Value;

use crate::support::env::TestEnv;
use crate::support::session::Session;

/// The lines of data in a file.
fn data(html: &str) -> Vec<Value> {
    let (_, rest) = html.split_once("id=\"data\">\n").expect("there is data");
    let (data, _) = rest.split_once("\n</script>").expect("it ends");
    let lines = data.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("it is JSON"))
        .collect()
}

#[test]
fn a_file_has_every_event_as_it_would_be_sent_and_no_other_origin() {
    let env = TestEnv::new();
    let session = Session::write(&env, 1, 2);
    let target = env.root().join("session.html");
    let path = target.to_string_lossy().into_owned();
    let outcome = env.run(["view", &session.id, "--html", &path]).success();
    outcome.complains(&format!("{} events", session.events()));
    let html = fs::read_to_string(&target).expect("it was written");
    let mut lines = data(&html);
    let head = lines.remove(0);
    assert_eq!(head["machine"]["session"], head["session"]["key"]);
    assert_eq!(head["session"]["facts"]["calls"], 4);
    let output = env
        .run(["ingest", &session.id, "--output", "-"])
        .success()
        .stdout;
    let sent: Vec<Value> = output
        .lines()
        .map(|line| serde_json::from_str(line).expect("it is JSON"))
        .collect();
    let events: Vec<Value> = lines.iter().map(|line| line["event"].clone()).collect();
    assert_eq!(events, sent);
    let (policy, _) = html.split_once("<style>").expect("there is a style");
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    for elsewhere in [" src=", "href=\"http", "@import", "url("] {
        assert!(!policy.contains(elsewhere), "{elsewhere}");
    }
    env.run(["view", &session.id, "--html", &path])
        .code(2)
        .complains("--force");
    env.run(["view", &session.id, "--html", &path, "--force"])
        .success();
}

#[test]
fn no_text_ends_the_data_of_a_file() {
    let env = TestEnv::new();
    let session = Session::write(&env, 1, 1);
    let transcript = fs::read_to_string(&session.path).expect("it is ours");
    let text = "</script><script>alert(1)</script><!--";
    fs::write(
        &session.path,
        transcript.replace("prompt 1 of session 1", text),
    )
    .expect("it is ours");
    let html = env
        .run(["view", &session.id, "--html", "-"])
        .success()
        .stdout;
    assert!(!html.contains("<script>alert"), "a script of a prompt");
    let lines = data(&html);
    assert!(
        lines.iter().any(|line| line.to_string().contains(text)),
        "the text is there"
    );
}

#[test]
fn no_file_is_written_of_a_session_that_the_user_excluded() {
    let env = TestEnv::new();
    let target = env.root().join("session.html");
    let path = target.to_string_lossy().into_owned();
    for (number, verb) in [(1, "pause"), (2, "forget")] {
        let session = Session::write(&env, number, 1);
        env.run([verb, &session.id]).success();
        let outcome = env.run(["view", &session.id, "--html", &path]).code(1);
        outcome.complains("no file is written of a session that is left alone");
        assert!(!target.exists(), "{verb}");
    }
}
