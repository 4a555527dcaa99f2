//! Facts that the page must not get, and facts that only its owner sees.

use std::fs;

use serde_json::Value;

use super::support::{Page, parameter};
use crate::support::env::TestEnv;
use crate::support::session::Session;

const SECRET: &str = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";

/// Puts another text in the places of a prompt, of a tool's input and of its result.
fn rewrite(session: &Session, text: &str) {
    let transcript = fs::read_to_string(&session.path).expect("it is ours");
    let quoted = Value::from(text).to_string();
    let inner = &quoted[1..quoted.len() - 1];
    let transcript = transcript
        .replace("prompt 1 of session 1", inner)
        .replace("echo 0", inner)
        .replace("0\\n", inner);
    fs::write(&session.path, transcript).expect("it is ours");
}

/// Every answer of the page.
fn everything(page: &Page) -> Vec<(String, String)> {
    let rows = page.rows();
    let mut paths: Vec<String> = [
        "/api/machine",
        "/api/sessions",
        "/api/delivery",
        "/api/usage?by=branch",
    ]
    .map(str::to_owned)
    .into();
    paths.push("/api/search?text=a".to_owned());
    paths.push(format!("/api/search?text={SECRET}"));
    for row in rows {
        let key = parameter(&row["key"]);
        paths.push(format!("/api/session?session={key}"));
        for view in ["outline", "full"] {
            paths.push(format!("/api/events?session={key}&view={view}"));
        }
        let (lines, _) = page.lines(&format!("/api/events?session={key}&view=outline"));
        for line in lines {
            let uuid = line["event"]["uuid"].as_str().unwrap_or_default();
            paths.push(format!("/api/event?session={key}&uuid={uuid}"));
        }
        paths.push(format!("/api/session?session={key}"));
    }
    let answers = paths.into_iter().map(|path| {
        let answer = page.get(&path);
        assert_eq!(answer.status, 200, "{path}");
        (path, answer.body)
    });
    answers.collect()
}

#[test]
fn a_secret_in_a_transcript_is_in_no_answer() {
    let env = TestEnv::new();
    let session = Session::write(&env, 1, 1);
    rewrite(&session, &format!("deploy with a token {SECRET} please"));
    let branch = fs::read_to_string(&session.path).expect("it is ours");
    let branch = branch.replace(
        "\"gitBranch\":\"main\"",
        &format!("\"gitBranch\":\"{SECRET}\""),
    );
    fs::write(&session.path, branch).expect("it is ours");
    let page = Page::open(&env, &[]);
    for (path, body) in everything(&page) {
        assert!(!body.contains(&SECRET[4..]), "{path}: {body}");
    }
    let row = page.row(&session.id);
    let title = row["title"].as_str().unwrap_or_default();
    assert!(title.starts_with("deploy with a token [redacted:"), "{row}");
    let key = parameter(&row["key"]);
    let head = page.json(&format!("/api/session?session={key}"));
    assert!(head["facts"]["secrets"].as_u64() >= Some(3), "{head}");
    let (hits, _) = page.lines("/api/search?text=deploy+with");
    assert_eq!(hits.len(), 1, "{hits:?}");
}

#[test]
fn scripts_and_escapes_are_data() {
    let env = TestEnv::new();
    let session = Session::write(&env, 1, 1);
    let text = "</script><script>alert(1)</script> \u{1b}[31mred\u{1b}[0m \u{7} \u{202e}";
    rewrite(&session, text);
    let page = Page::open(&env, &[]);
    let key = parameter(&page.row(&session.id)["key"]);
    let path = format!("/api/events?session={key}&view=full");
    let answer = page.get(&path);
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert!(!answer.body.contains('\u{1b}'), "escapes are escaped");
    let (lines, _) = page.lines(&path);
    let tool = lines
        .iter()
        .find(|it| it["event"]["properties"]["$ai_span_type"] == "tool");
    let input = &tool.expect("there is a tool")["event"]["properties"]["$ai_input_state"];
    assert_eq!(input["command"], text, "the text is as it was");
}

#[test]
fn a_project_that_is_left_alone_is_shown_to_its_owner_and_marked() {
    let env = TestEnv::new();
    env.write(env.project().join(".posthog-llma-ignore"), "");
    let session = Session::write(&env, 1, 1);
    let page = Page::open(&env, &[]);
    let row = page.row(&session.id);
    assert_eq!(
        (&row["delivery"], &row["facts"]["calls"]),
        (&"left_alone".into(), &2.into())
    );
    let key = parameter(&row["key"]);
    let (lines, _) = page.lines(&format!("/api/events?session={key}&view=full"));
    let shown = lines
        .iter()
        .any(|it| it.to_string().contains("prompt 1 of session 1"));
    assert!(shown, "{lines:#?}");
    let head = page.json(&format!("/api/session?session={key}"));
    let note = head["notes"][0].as_str().unwrap_or_default();
    assert!(note.starts_with("Nothing of it is or was sent: "), "{head}");
    assert!(note.ends_with("Only you see it here."), "{head}");
    let delivery = page.json("/api/delivery");
    assert_eq!(delivery["left_alone"][0]["sessions"], 1, "{delivery}");
    assert_eq!(delivery["would_leave"]["sessions"], 0);
    let file = env.run(["view", &session.id, "--html", "-"]).code(1);
    file.complains("left alone")
        .never_mentions("<!doctype html>");
}

#[test]
fn in_privacy_mode_the_page_gets_no_content_either() {
    let env = TestEnv::new().with("POSTHOG_LLMA_PRIVACY_MODE", "true");
    let session = Session::write(&env, 1, 2);
    let page = Page::open(&env, &[]);
    let row = page.row(&session.id);
    assert_eq!(
        (&row["title"], &row["facts"]["calls"]),
        (&Value::Null, &4.into())
    );
    for (path, body) in everything(&page) {
        let is_there = ["prompt 1 of", "echo 0", "I look at"]
            .iter()
            .any(|it| body.contains(it));
        assert!(!is_there, "{path}: {body}");
    }
}

/// An owner sees the excluded session, and secrets in the names around it nowhere.
#[test]
fn a_secret_in_a_folder_or_branch_is_in_no_answer_and_not_in_the_tree() {
    let env = TestEnv::new();
    let session = Session::write(&env, 1, 1);
    let project = env.root().join(SECRET);
    fs::create_dir(&project).expect("it is ours");
    let text = fs::read_to_string(&session.path).expect("it is there");
    let text = text.replace(
        "\"gitBranch\":\"main\"",
        &format!("\"gitBranch\":\"{SECRET}\""),
    );
    fs::write(&session.path, &text).expect("it is ours");
    let shown = env.run(["show", &session.id]).success();
    shown.says("session 00000000").never_mentions(SECRET);

    let folder = serde_json::to_string(&env.project()).expect("text");
    let other = serde_json::to_string(&project).expect("text");
    fs::write(&session.path, text.replace(&folder, &other)).expect("it is ours");
    fs::write(project.join(".posthog-llma-ignore"), "").expect("it is ours");
    let page = Page::open(&env, &[]);
    let row = page.row(&session.id);
    assert_eq!(row["delivery"], "left_alone", "{row}");
    let key = parameter(&row["key"]);
    for path in [
        format!("/api/session?session={key}"),
        "/api/delivery".to_owned(),
    ] {
        let body = page.get(&path).body;
        assert!(body.contains("posthog-llma-ignore"), "{body}");
        assert!(!body.contains(SECRET), "{body}");
    }
}
