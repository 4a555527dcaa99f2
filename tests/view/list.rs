//! The list of sessions, their numbers, search, usage and delivery.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use walkdir::WalkDir;

use super::support::{FIXTURES, Page, parameter, until};
use crate::support::env::TestEnv;
use crate::support::posthog::PostHog;
use crate::support::scene::Scene;
use crate::support::session::Session;

#[test]
fn a_row_has_the_numbers_of_its_session() {
    let env = TestEnv::new();
    let session = Session::write(&env, 1, 3);
    let page = Page::open(&env, &[]);
    let row = page.row(&session.id);
    assert_eq!(row["title"], "prompt 1 of session 1");
    assert_eq!(row["project"], "project");
    assert_eq!(
        (&row["branch"], &row["models"]),
        (&json!("main"), &json!(["claude-sonnet-5"]))
    );
    assert_eq!(
        (&row["delivery"], &row["running"]),
        (&json!("never"), &json!(false))
    );
    let facts = &row["facts"];
    for (name, expected) in [
        ("turns", 3),
        ("calls", 6),
        ("tools", 6),
        ("failed_tools", 0),
    ] {
        assert_eq!(facts[name], expected, "{name}");
    }
    let tokens = json!({
        "input": 18, "output": session.output_tokens(), "cache_read": 42, "cache_write": 30,
        "cache_write_1h": 0, "reasoning": 0,
    });
    assert_eq!(facts["tokens"], tokens);
    assert_eq!(
        (&facts["cost"]["source"], &facts["cost"]["unknown_calls"]),
        (&json!("list"), &json!(0))
    );
    assert!(facts["cost"]["usd"].as_f64() > Some(0.0));
    assert_eq!(facts["secrets"], Value::Null);
}

#[test]
fn what_changed_is_told_once() {
    let env = TestEnv::new();
    let session = Session::write(&env, 1, 1);
    let page = Page::open(&env, &[]);
    page.rows();
    let (_, end) = page.lines("/api/sessions");
    let mut cursor = end["cursor"].as_str().unwrap_or_default().to_owned();
    let (rows, end) = page.lines(&format!("/api/sessions?after={cursor}"));
    assert_eq!((rows, &end["total"]), (vec![], &json!(1)));
    let other = Session::write(&env, 2, 1);
    let mut told = Vec::new();
    until("the new session is told", || {
        let (rows, end) = page.lines(&format!("/api/sessions?after={cursor}"));
        assert_eq!(end["reset"], false);
        end["cursor"]
            .as_str()
            .unwrap_or_default()
            .clone_into(&mut cursor);
        told.extend(rows.iter().map(|row| row["id"].clone()));
        !told.is_empty()
    });
    assert!(told.iter().all(|id| *id == other.id.as_str()), "{told:?}");
    fs::remove_file(&session.path).expect("it is ours");
    until("the other one is gone", || {
        let (_, end) = page.lines(&format!("/api/sessions?after={cursor}"));
        end["reset"] == true && end["total"] == 1
    });
}

#[test]
fn the_list_is_filtered_as_on_the_command_line() {
    let page = Page::open(&TestEnv::new(), &[FIXTURES]);
    let all = page.rows().len();
    let count = |query: &str| page.lines(&format!("/api/sessions?{query}")).1["total"].clone();
    assert_eq!(count(""), all);
    let of_projects = ["bookshop", "weather"].map(|it| count(&format!("project={it}")));
    assert!(
        of_projects.iter().all(|it| it.as_u64() < Some(all as u64)),
        "{of_projects:?}"
    );
    for (query, expected) in [
        ("agent=claude-code", all),
        ("agent=pi", 0),
        ("since=24h", 0),
        ("until=2020-01-01", 0),
        ("since=2020-01-01", all),
    ] {
        assert_eq!(count(query), expected, "{query}");
    }
}

#[test]
fn prompts_are_found_whatever_their_case() {
    let env = TestEnv::new();
    let session = Session::write(&env, 7, 3);
    Session::write(&env, 8, 1);
    let page = Page::open(&env, &[]);
    let (hits, _) = page.lines("/api/search?text=PROMPT%203%20of");
    assert_eq!(hits.len(), 1, "{hits:?}");
    let key = &hits[0]["key"];
    assert!(key.as_str().unwrap_or_default().ends_with(&session.id));
    let (events, _) = page.lines(&format!("/api/events?session={}", parameter(key)));
    let span = &hits[0]["span"];
    let turn = events
        .iter()
        .find(|it| it["event"]["properties"]["$ai_span_id"] == *span);
    let name = &turn.expect("it is in the session")["event"]["properties"]["$ai_span_name"];
    assert_eq!(name, "prompt 3 of session 7");
    assert_eq!(
        page.lines("/api/search?text=no+such+words").0,
        Vec::<Value>::new()
    );
}

#[test]
fn usage_is_the_sum_of_the_rows() {
    let page = Page::open(&TestEnv::new(), &[FIXTURES]);
    let rows = page.rows();
    let sum = |name: &str| -> u64 {
        let facts = rows.iter().map(|row| &row["facts"]);
        facts
            .filter_map(|facts| facts.pointer(name)?.as_u64())
            .sum()
    };
    for by in ["model", "project", "branch", "agent"] {
        let usage = page.json(&format!("/api/usage?by={by}"));
        let total = &usage["total"];
        assert_eq!(total["tokens"]["output"], sum("/tokens/output"), "{by}");
        for name in ["calls", "failed_calls", "tools", "failed_tools"] {
            let of_rows = sum(&format!("/{name}"));
            assert!(total[name].as_u64() <= Some(of_rows), "{by} {name}");
        }
        assert_eq!(total["calls"], sum("/calls"), "{by}");
        let groups = usage["groups"].as_array().expect("there are groups");
        let calls = groups.iter().filter_map(|it| it["total"]["calls"].as_u64());
        assert_eq!(calls.sum::<u64>(), sum("/calls"), "{by}");
        for group in groups {
            let buckets = group["buckets"].as_array().expect("there are buckets");
            let calls = buckets.iter().filter_map(|it| it["calls"].as_u64());
            assert_eq!(group["total"]["calls"], calls.sum::<u64>(), "{group}");
            assert_eq!(
                buckets.len(),
                usage["buckets"].as_array().map_or(0, Vec::len)
            );
        }
        let hours = usage["hours"].as_array().expect("there are days").iter();
        let hours = hours.flat_map(|day| day.as_array().expect("it has hours"));
        let calls = hours.filter_map(|hour| hour["calls"].as_u64());
        assert_eq!(calls.sum::<u64>(), sum("/calls"), "{by}");
    }
    let none = page.json("/api/usage?since=24h");
    assert_eq!(none["total"]["calls"], 0);
}

#[test]
fn the_page_and_the_report_show_the_same_numbers() {
    let env = TestEnv::new();
    let page = Page::open(&env, &[FIXTURES]);
    page.rows();
    for by in ["model", "project", "agent"] {
        let of_page = page.json(&format!("/api/usage?by={by}"));
        let report = env
            .run(["report", FIXTURES, "--json", "--by", by])
            .success();
        let report: Value = serde_json::from_str(&report.stdout).expect("it prints JSON");
        assert_eq!(of_page["total"], report["total"], "{by}");
        let rows = report["rows"].as_array().expect("there are rows");
        let groups = of_page["groups"].as_array().expect("there are groups");
        for (group, row) in groups.iter().zip(rows).take(12) {
            assert_eq!(group["name"], row["name"], "{by}");
            assert_eq!(group["total"], row["numbers"], "{by}");
        }
    }
}

#[test]
fn what_became_of_a_session_is_in_its_row_its_head_and_the_delivery() {
    let scene = Scene::new();
    let session = Session::write(&scene.env, 1, 2);
    let never = Session::write(&scene.env, 2, 1);
    let paused = Session::write(&scene.env, 3, 1);
    scene.env.run(["ingest", &session.id]).success();
    scene.env.run(["pause", &paused.id]).success();
    let page = Page::open(&scene.env, &[]);
    let head = page.json(&format!(
        "/api/session?session={}",
        parameter(&page.row(&session.id)["key"])
    ));
    assert_eq!(head["delivery"], "acknowledged");
    assert_eq!(head["receipt"]["acknowledged"], session.events());
    let links = head["posthog"]["span"].as_str().unwrap_or_default();
    assert!(links.ends_with("/traces/{trace}?event={event}"), "{head}");
    assert_eq!(page.row(&never.id)["delivery"], "never");
    let row = page.row(&paused.id);
    assert_eq!(row["delivery"], "left_alone");
    let head = page.json(&format!("/api/session?session={}", parameter(&row["key"])));
    let note = head["notes"][0].as_str().unwrap_or_default();
    assert!(note.contains("it is paused"), "{head}");

    let delivery = page.json("/api/delivery");
    assert_eq!(delivery["enabled"], true);
    assert_eq!(delivery["excluded"][0]["key"], row["key"]);
    assert_eq!(delivery["would_leave"]["sessions"], 1);
    assert_eq!(delivery["destinations"][0]["waiting"], 0);
    let status: Value = scene.status();
    for name in [
        "api_key",
        "host",
        "destinations",
        "runs",
        "refused_total",
        "dropped",
    ] {
        assert_eq!(delivery[name], status[name], "{name}");
    }
    drop(page);
    // Viewing sends nothing.
    assert_eq!(scene.posthog.of_session(&never.id).len(), 0);
}

#[test]
fn the_delivery_counts_the_events_of_copies_and_forks_once() {
    let posthog = PostHog::start();
    let env = TestEnv::sending_to(&posthog);
    let projects = Path::new("home/.claude/projects");
    let files = WalkDir::new(FIXTURES).into_iter().flatten();
    for file in files.filter(|it| it.file_type().is_file()) {
        let inside = file.path().strip_prefix(FIXTURES).expect("it is below");
        let text = fs::read(file.path()).expect("it can be read");
        env.write(projects.join(inside), &text);
    }
    // A copy of an earlier state of a session, in another project.
    let name = "00000012-0000-4000-8000-000000000000.jsonl";
    let whole = Path::new(FIXTURES).join("-home-ada-bookshop").join(name);
    let whole = fs::read_to_string(whole).expect("it can be read");
    let earlier: Vec<&str> = whole.lines().take(whole.lines().count() / 2).collect();
    let copy = projects.join("-home-ada-old").join(name);
    env.write(copy, earlier.join("\n") + "\n");
    let dry = env.run(["ingest", "--all", "--dry-run"]).success().stdout;
    let page = Page::open(&env, &[]);
    page.rows();
    let would_leave = &page.json("/api/delivery")["would_leave"];
    let [sessions, events] = ["sessions", "events"].map(|it| would_leave[it].as_u64());
    let expected = format!(
        "{} sessions, {} events",
        sessions.unwrap_or_default(),
        events.unwrap_or_default()
    );
    assert!(dry.contains(&expected), "{expected}\n{dry}");
}

#[test]
fn a_session_that_is_named_is_shown_first() {
    let posthog = PostHog::start();
    let env = TestEnv::sending_to(&posthog);
    let session = Session::write(&env, 1, 1);
    let page = Page::open(&env, &["00000000-0000-4000-8000-0000000000"]);
    assert!(
        page.url
            .ends_with(&format!("#/session/claude-code%2F{}/trace", session.id)),
        "{}",
        page.url
    );
    assert_eq!(
        page.json("/api/machine")["session"],
        format!("claude-code/{}", session.id)
    );
    let elsewhere =
        format!("{FIXTURES}/-home-ada-bookshop/00000004-0000-4000-8000-000000000000.jsonl");
    let page = Page::open(&env, &[&elsewhere]);
    assert_eq!(page.rows().len(), 2);
}
