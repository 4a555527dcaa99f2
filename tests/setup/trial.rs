//! The test trace, and the settings when it does not arrive.

use walkdir::WalkDir;

use crate::setup::Newcomer;
use crate::support::env::{API_KEY, TestEnv};
use crate::support::posthog::Fault;
use crate::support::session::Session;

#[test]
fn a_newcomer_is_set_up_and_the_next_session_arrives() {
    let user = Newcomer::new();
    user.set_up(&[])
        .success()
        .complains(r#"PostHog answered 200: {"status":"Ok"}"#)
        .complains("not that the key is your project's: any key of the right form")
        .complains("to see for yourself, open the trace \"posthog-llma setup test\"")
        .complains("/llm-analytics/traces/")
        .complains("wrote POSTHOG_API_KEY, POSTHOG_HOST and POSTHOG_LLMA_CC_ENABLED")
        .complains("claude plugin install posthog@posthog-llma");

    let sent = user.posthog.events();
    let names: Vec<_> = sent.iter().map(|event| &event["event"]).collect();
    assert_eq!(names, ["$ai_generation", "$ai_trace"]);
    let [generation, trace] = [&sent[0]["properties"], &sent[1]["properties"]];
    assert_eq!(generation["$ai_trace_id"], trace["$ai_trace_id"]);
    assert_eq!(generation["$ai_parent_id"], trace["$ai_span_id"]);
    assert_eq!(generation["$ai_input_tokens"], 0);
    assert_eq!(generation["$process_person_profile"], false);

    // Claude Code passes the written settings to the hook.
    let mut hook = user.env.command(["hook"]);
    for name in ["POSTHOG_API_KEY", "POSTHOG_HOST", "POSTHOG_LLMA_CC_ENABLED"] {
        hook = hook.env(name, user.variable(name).as_str().expect("it was written"));
    }
    let session = Session::write(&user.env, 1, 1);
    let outcome = hook.stdin(session.hook_input("SessionEnd")).run();
    outcome.success().silent();
    let all = 2 + session.events();
    user.posthog
        .wait_until(std::time::Duration::from_secs(30), |events| {
            events.len() as u64 == all
        });
}

#[test]
fn nothing_is_saved_when_the_test_fails() {
    let page = "<html>an inner page that says back the key</html>";
    for (fault, said) in [
        (Fault::status(401), "401; check POSTHOG_API_KEY"),
        (
            Fault::Status(403, Vec::new(), format!("no, {API_KEY}")),
            "403: no, phc_…DEFG",
        ),
        (Fault::status(404), "this is not a PostHog address"),
        (Fault::status(503), "503"),
        (
            Fault::Status(400, Vec::new(), page.to_owned()),
            "400: <html>",
        ),
        (Fault::LoginPage, "from another server"),
        (
            Fault::Redirect("https://elsewhere.example".to_owned()),
            "redirects are not followed",
        ),
        (Fault::ResetMidBody, "the connection failed"),
    ] {
        let user = Newcomer::new();
        let before = r#"{"model": "opus"}"#;
        user.env.write(user.settings(), before);
        user.posthog.set(fault);
        user.set_up(&[])
            .code(1)
            .complains("the test trace did not get there")
            .complains(said)
            .complains("nothing was saved");
        assert_eq!((user.read().as_str(), user.copies().len()), (before, 0));
    }
}

#[test]
fn nothing_is_saved_when_nobody_is_there() {
    let mut user = Newcomer::new();
    user.posthog.stop();
    user.set_up(&[]).code(1).complains("the connection failed");
    assert!(!user.settings().exists());
}

#[test]
fn a_self_hosted_posthog_without_ai_lane_gets_the_test_on_the_lane_it_has() {
    let user = Newcomer::new();
    user.posthog.set(Fault::NoAiLane);
    user.set_up(&[]).success();
    let paths: Vec<_> = user
        .posthog
        .requests()
        .into_iter()
        .map(|one| one.path)
        .collect();
    assert_eq!(paths, ["/batch/"]);
}

#[test]
fn a_project_over_its_quota_is_told_by_a_server_that_says_back_the_key() {
    let user = Newcomer::new();
    let body = format!(r#"{{"status":"Ok","token":"{API_KEY}","quota_limited":["events"]}}"#);
    user.posthog.set(Fault::Status(200, Vec::new(), body));
    user.set_up(&[]).success().complains("over its quota");
}

#[test]
fn what_cannot_be_a_key_or_an_address_is_not_tried() {
    let user = Newcomer::new();
    let url = user.posthog.url();
    let long = "phc_".repeat(20);
    for (host, key, said) in [
        (
            url.as_str(),
            "phx_personal",
            "standard input is a personal API key",
        ),
        (&url, "", "standard input is empty"),
        (&url, "phc_ab cd", "holds white space"),
        (&url, &long, "is no project API key"),
        (&url, "app.posthog.com", "it begins with phc_"),
        (&url, "phc_0123456789abcdef", "is cut off"),
        ("asia", API_KEY, "neither a region (us, eu) nor an address"),
        ("http://posthog.example.com", API_KEY, "is not encrypted"),
        ("https://a:b@example.com", API_KEY, "user name or password"),
    ] {
        let arguments = ["setup", "--host", host, "--key", "-"];
        let outcome = user.env.command(arguments).stdin(key).run();
        let outcome = outcome.code(2).complains(said);
        if !key.is_empty() {
            outcome.never_mentions(key);
        }
    }
    assert_eq!(user.posthog.count(), 0);
    assert!(!user.settings().exists());
}

#[test]
fn without_a_terminal_everything_has_to_be_given() {
    let user = Newcomer::new();
    let url = user.posthog.url();
    let run = |arguments: &[&str]| user.env.run(arguments.iter());
    run(&["setup"])
        .code(2)
        .complains("use --region us, --region eu or --host ADDRESS");
    run(&["setup", "--host", &url])
        .code(2)
        .complains("set POSTHOG_API_KEY");
    let by_variables = user.env.command(["setup"]);
    let by_variables = by_variables.env("POSTHOG_API_KEY", API_KEY);
    let outcome = by_variables.env("POSTHOG_HOST", &url).run().success();
    outcome
        .never_mentions(API_KEY)
        .complains("the key is that of POSTHOG_API_KEY");
    assert_eq!(user.variable("POSTHOG_HOST"), url.as_str());
}

#[test]
fn a_region_is_the_address_of_its_cloud() {
    // Behind a proxy that does not exist, so that nothing leaves this machine.
    let env = TestEnv::new().with("HTTPS_PROXY", "http://127.0.0.1:9");
    for (region, said) in [
        ("us", "https://us.i.posthog.com"),
        ("eu", "https://eu.i.posthog.com"),
    ] {
        let arguments = ["setup", "--region", region, "--key", API_KEY];
        let outcome = env.run(arguments).code(1).complains(said);
        outcome
            .complains("nothing was saved")
            .never_mentions(API_KEY);
    }
}

#[test]
fn a_coding_agent_cannot_set_anything_up() {
    let user = Newcomer::new();
    let url = user.posthog.url();
    for (arguments, typed) in [
        (&["setup", "--host", &url, "--key", API_KEY][..], "setup"),
        (&["setup", "--remove"], "setup --remove"),
        (&["setup", "--remove", "--purge"], "setup --remove --purge"),
    ] {
        let run = user.env.command(arguments.iter()).env("CLAUDECODE", "1");
        let outcome = run.run().code(2).never_mentions(API_KEY);
        let outcome = outcome.complains("in a terminal of your own");
        let command = format!("posthog-llma{} {typed}", std::env::consts::EXE_SUFFIX);
        assert!(
            outcome.stderr.trim_end().ends_with(&command),
            "{}",
            outcome.stderr
        );
    }
    assert_eq!(user.posthog.count(), 0);
}

#[test]
fn the_key_is_in_no_other_file() {
    let user = Newcomer::new();
    user.env.write(user.settings(), "{}");
    user.set_up(&[]).success();
    user.env.run(["status"]).success().never_mentions(API_KEY);
    for entry in WalkDir::new(user.env.root()).into_iter().flatten() {
        if entry.file_type().is_file() && entry.path() != user.settings() {
            let bytes = std::fs::read(entry.path()).expect("it can be read");
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains(API_KEY), "{}", entry.path().display());
        }
    }
}
