//! `posthog-llma show`: the tree of a session as PostHog will show it, from the very events that
//! would be sent, at the width of the terminal.

mod perfetto;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::env::{Outcome, TestEnv};
use crate::support::posthog::PostHog;
use posthog_llma::sources;
use serde_json::Value;
use unicode_width::UnicodeWidthStr as _;

/// A variable and its value.
type Setting = (&'static str, &'static str);

/// The fixtures whose trees are reviewed, with the settings of each.
const TREES: &[(&str, &str, &[Setting])] = &[
    ("00000002", "parallel_tools", &[]),
    (
        "00000002",
        "parallel_tools@colour",
        &[("CLICOLOR_FORCE", "1")],
    ),
    ("00000002", "parallel_tools@narrow", &[("COLUMNS", "48")]),
    ("00000004", "nested_subagents", &[]),
    ("00000005", "background_subagent", &[]),
    ("00000005", "background_subagent@by_message", &[BY_MESSAGE]),
    ("00000008", "api_error", &[]),
    ("00000009", "no_call", &[]),
    ("00000012", "resumed@by_message", &[BY_MESSAGE]),
    ("00000021", "tools_out_of_order", &[]),
    ("00000027", "private_matters", &[]),
    (
        "00000027",
        "private_matters@private",
        &[("POSTHOG_LLMA_PRIVACY_MODE", "true")],
    ),
    (
        "00000029",
        "work@without_turns",
        &[("POSTHOG_LLMA_TURN_SPANS", "false")],
    ),
];

const BY_MESSAGE: Setting = ("POSTHOG_LLMA_TRACE_GROUPING", "message");

fn fixtures() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/sessions");
    sources::below(&root)
        .found
        .into_iter()
        .map(|it| it.locator.path())
        .collect()
}

fn fixture(number: &str) -> PathBuf {
    let is_wanted = |path: &PathBuf| {
        let stem = path.file_stem().map(|stem| stem.to_string_lossy());
        stem.is_some_and(|stem| stem.starts_with(number))
    };
    let found = fixtures().into_iter().find(is_wanted);
    found.unwrap_or_else(|| panic!("no fixture {number}"))
}

fn show(env: &TestEnv, path: &Path) -> Outcome {
    env.command(["show"])
        .argument(path)
        .env("COLUMNS", "80")
        .run()
}

/// The tree, then the messages.
fn both(outcome: &Outcome) -> String {
    let Outcome { stdout, stderr, .. } = outcome;
    // Colours are told in a form that can be reviewed.
    format!("{stdout}--\n{stderr}").replace('\u{1b}', "␛")
}

#[test]
fn the_tree_is_as_reviewed() {
    for (number, name, settings) in TREES {
        let env = TestEnv::new();
        let mut run = env
            .command(["show"])
            .argument(fixture(number))
            .env("COLUMNS", "80");
        for (variable, value) in *settings {
            run = run.env(variable, value);
        }
        insta::assert_snapshot!(*name, both(&run.run().success()));
    }
}

#[test]
fn the_readme_shows_what_is_printed() {
    let outcome = show(&TestEnv::new(), &fixture("00000004")).success();
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(readme).expect("it can be read");
    let (tree, _sums) = outcome.stdout.split_once("\n\n").expect("two parts");
    assert!(readme.contains(tree), "{tree}");
}

#[test]
fn every_line_fits_the_terminal() {
    let env = TestEnv::new();
    for path in fixtures() {
        for columns in [60, 80, 120] {
            let run = env.command(["show"]).argument(&path);
            let shown = run.env("COLUMNS", columns.to_string()).run().stdout;
            let widest = shown.lines().max_by_key(|line| line.width());
            let widest = widest.unwrap_or_default();
            assert!(widest.width() <= columns, "{columns}: {widest}");
        }
    }
}

/// The tree contains exactly the events that would be sent, each once.
#[test]
fn the_tree_holds_every_event_once() {
    let env = TestEnv::new();
    for path in fixtures() {
        let sent = env.command(["ingest", "--output", "-"]).argument(&path);
        let sent = sent.run().success().stdout;
        let sent: Vec<String> = sent.lines().map(|line| uuid(&json(line))).collect();
        let shown = env.command(["show", "--json"]).argument(&path).run();
        let shown = shown.success().stdout;
        let mut held = Vec::new();
        collect(&json(&shown)["traces"], &mut held);
        assert_eq!(held.len(), sent.len(), "{}", path.display());
        let [held, sent] = [held, sent].map(BTreeSet::from_iter);
        assert_eq!(held, sent, "{}", path.display());
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn uuid(event: &Value) -> String {
    event["uuid"].as_str().expect("it has one").to_owned()
}

fn collect(nodes: &Value, uuids: &mut Vec<String>) {
    for node in nodes.as_array().expect("a list") {
        if !node["uuid"].is_null() {
            uuids.push(uuid(node));
        }
        collect(&node["children"], uuids);
    }
}

#[test]
fn the_json_keeps_its_form() {
    let env = TestEnv::new();
    let run = env
        .command(["show", "--json"])
        .argument(fixture("00000003"));
    insta::assert_json_snapshot!("growing_output@json", json(&run.run().success().stdout));
}

/// The settings of a session's first send hold for it; changed settings apply to others.
#[test]
fn a_session_that_was_sent_is_shown_as_it_was_sent() {
    let posthog = PostHog::start();
    let env = TestEnv::sending_to(&posthog);
    let path = fixture("00000012");
    env.command(["ingest"]).argument(&path).run().success();
    let before = show(&env, &path).success();
    let env = env.with(BY_MESSAGE.0, BY_MESSAGE.1);
    assert_eq!(show(&env, &path).success().stdout, before.stdout);
    let other = show(&env, &fixture("00000011")).success();
    other.never_mentions(" turn");
}

/// A copy is shown without the events of its original.
#[test]
fn what_another_session_sent_is_not_shown_twice() {
    let posthog = PostHog::start();
    let env = TestEnv::sending_to(&posthog);
    let copy = fixture("00000014");
    let alone = show(&env, &copy).success().stdout;
    env.command(["ingest"])
        .argument(fixture("00000013"))
        .run()
        .success();
    let shown = show(&env, &copy).success();
    assert_ne!(shown.stdout, alone);
    shown.complains("copied from an earlier session");
}

#[test]
fn it_needs_no_account_and_leaves_nothing_behind_but_the_key_of_its_marks() {
    let env = TestEnv::new();
    show(&env, &fixture("00000001")).success();
    let left = fs::read_dir(env.state()).expect("it is there").flatten();
    let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
    assert_eq!(left, ["redaction.key"]);
}

#[test]
fn a_secret_has_the_same_mark_in_every_run_and_once_it_is_sent() {
    let posthog = PostHog::start();
    let env = TestEnv::sending_to(&posthog);
    let session = crate::support::session::Session::write(&env, 1, 1);
    let text = fs::read_to_string(&session.path).expect("it was written");
    let secret = "export API_TOKEN=hmoHC4DONFScdyWJLJvhijTl";
    env.write(&session.path, text.replace("echo 0", secret));
    let path = session.path;
    let output = || {
        let run = env.command(["ingest", "--output", "-"]).argument(&path);
        run.run().success().stdout
    };
    let marks = |text: &str| -> BTreeSet<String> {
        let after = text.split("[redacted:").skip(1);
        after
            .filter_map(|it| Some(it.split_once(']')?.0.to_owned()))
            .collect()
    };
    let first = marks(&output());
    assert!(!first.is_empty());
    assert_eq!(marks(&output()), first);
    env.command(["ingest"]).argument(&path).run().success();
    let sent: String = posthog.events().iter().map(Value::to_string).collect();
    assert_eq!(marks(&sent), first);
}

#[test]
fn marks_of_this_run_alone_are_told() {
    let env = TestEnv::new();
    env.write(env.state().join("redaction.key/in the way"), "");
    let outcome = env.command(["show"]).argument(fixture("00000027"));
    let outcome = outcome.run().success();
    outcome.complains("marks of redacted secrets are of this run alone");
}

#[test]
fn a_session_of_a_project_that_is_left_alone_is_not_shown() {
    let env = TestEnv::new();
    crate::support::session::Session::write(&env, 1, 1);
    env.write("project/.posthog-llma-ignore", "");
    let outcome = env.run(["show"]).success();
    let outcome = outcome
        .complains("nothing of 00000000 is read or sent")
        .complains(".posthog-llma-ignore is there");
    assert_eq!(outcome.stdout, "");
}

#[test]
fn a_trace_and_its_spans_have_pages_in_posthog() {
    let posthog = PostHog::start();
    let env = TestEnv::sending_to(&posthog);
    let path = fixture("00000002");
    let run = env.command(["show", "--json"]).argument(&path).run();
    let shown = json(&run.success().stdout);
    let trace = &shown["traces"][0];
    let id = trace["id"].as_str().expect("an id");
    let page = format!("{}/llm-analytics/traces/{id}", posthog.url());
    assert_eq!(trace["url"], page.as_str());
    let below = &trace["children"][0];
    let span = below["id"].as_str().expect("an id");
    assert_eq!(below["url"], format!("{page}?event={span}").as_str());
    show(&env, &path).success().complains(&page);
    let ingest = env.command(["ingest"]).argument(&path).run().success();
    ingest.says(&page);
    let sent = posthog.named("$ai_trace");
    assert_eq!(sent[0]["properties"]["$ai_trace_id"], id);
}

#[test]
fn a_session_is_named_by_its_id_or_is_the_newest_of_the_project() {
    let env = TestEnv::new();
    let nothing = env.run(["show"]).code(2);
    nothing
        .complains("no session found")
        .complains("`posthog-llma doctor` says where");
    let newest = crate::support::session::Session::write(&env, 1, 1);
    env.run(["show"]).success().says("prompt 1 of session 1");
    env.run(["show", &newest.id[..4]]).success().says("1 turn,");
    crate::support::session::Session::write(&env, 2, 1);
    let several = env.run(["show", "0000"]).code(2);
    several.complains("2 sessions begin with \"0000\"");
    let folder = env.command(["show"]).argument(env.claude()).run();
    folder.code(2).complains("holds 2 sessions; name one");
    env.run(["show", "4f2a"])
        .code(2)
        .complains("no session or file");
    let empty = env.write("empty.jsonl", "");
    show(&env, &empty).code(1).complains("nothing in");
}

#[cfg(target_os = "linux")]
#[test]
fn names_with_spaces_and_bytes_that_are_no_text_can_be_shown() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let env = TestEnv::new();
    let name = OsStr::from_bytes(b"the shop's \xff session.jsonl");
    let text = fs::read(fixture("00000001")).expect("it can be read");
    let path = env.write(name, text);
    show(&env, &path).success().says("1 turn,");
}
