//! Pages in PostHog, and pull requests that a job of GitHub Actions names.

use serde_json::{Value, json};

use super::{report, rows};
use crate::support::env::TestEnv;
use crate::support::posthog::PostHog;
use crate::support::session::Session;

/// The page of a session's trace, as `show` has it.
fn page_of(env: &TestEnv, session: &Session) -> String {
    let shown = env.run(["show", &session.id, "--json"]).success().stdout;
    let shown: Value = serde_json::from_str(&shown).expect("it prints JSON");
    let url = shown["traces"][0]["url"].as_str();
    url.expect("its trace has a page").to_owned()
}

#[test]
fn a_row_of_a_session_has_the_page_that_show_has() {
    let posthog = PostHog::start();
    let env = TestEnv::sending_to(&posthog);
    let session = Session::write(&env, 1, 2);
    let page = page_of(&env, &session);
    let json = report(&env, &["--by", "session"]);
    let [row] = rows(&json) else {
        panic!("one row: {json}")
    };
    assert_eq!(row["name"], session.id);
    assert_eq!(row["agent"], "claude-code");
    assert_eq!(row["project"], "project");
    assert_eq!(row["url"], page);
    let csv = env.run(["report", "--by", "session", "--csv"]).success();
    let csv = csv.stdout;
    assert!(csv.starts_with("project,session,sessions,"), "{csv}");
    assert!(csv.trim_end().ends_with(&format!(",{page}")), "{csv}");
    let short = &session.id[..8];
    let markdown = env.run(["report", "--by", "session", "--markdown"]);
    markdown
        .success()
        .says(&format!("[`{short} project`]({page})"));
    let text = env.run(["report", "--by", "session"]).success();
    text.says(&format!(
        "{short} project in PostHog, once it is sent: {page}"
    ));
}

#[test]
fn without_a_key_a_session_has_no_page() {
    let env = TestEnv::new();
    Session::write(&env, 1, 1);
    let json = report(&env, &["--by", "session"]);
    assert_eq!(rows(&json)[0]["url"], Value::Null);
    let text = env.run(["report", "--by", "session"]).success().stdout;
    assert!(!text.contains("in PostHog"), "{text}");
}

#[test]
fn sessions_without_a_common_trace_have_no_page() {
    let posthog = PostHog::start();
    let env = TestEnv::sending_to(&posthog).with("POSTHOG_LLMA_TRACE_GROUPING", "message");
    Session::write(&env, 1, 2);
    let json = report(&env, &["--by", "session"]);
    assert_eq!(rows(&json)[0]["url"], Value::Null);
}

#[test]
fn a_job_at_github_gives_the_work_on_its_branch_to_its_pull_request() {
    let job = |env: TestEnv, branch: &str| {
        env.with("GITHUB_SERVER_URL", "https://github.com")
            .with("GITHUB_REPOSITORY", "ada/bookshop")
            .with("GITHUB_REF", "refs/pull/12/merge")
            .with("GITHUB_HEAD_REF", branch)
    };
    let address = json!("https://github.com/ada/bookshop/pull/12");
    for (branch, expected) in [("main", address), ("shelves", Value::Null)] {
        let env = job(TestEnv::new(), branch);
        Session::write(&env, 1, 2);
        let json = report(&env, &["--by", "pr"]);
        let [row] = rows(&json) else {
            panic!("one row: {json}")
        };
        assert_eq!(row["name"], expected, "{branch}");
        assert_eq!(row["numbers"]["calls"], json["total"]["calls"]);
        let is_counted = u64::from(!expected.is_null());
        assert_eq!(row["numbers"]["pull_requests"], is_counted, "{branch}");
    }
}
