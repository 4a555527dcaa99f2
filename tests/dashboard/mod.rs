//! The dashboard queries only properties that are really sent.
//!
//! `npm ci --prefix tests/dashboard` installs PostHog's own parser of its queries. Without it, one
//! test passes and says so.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write as _};
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use serde_json::Value;

use crate::support::env::TestEnv;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dashboard");
/// Names a Node; without it, the one in the path is used.
const NODE: &str = "POSTHOG_LLMA_NODE";

fn dashboard() -> Value {
    let printed = TestEnv::new().run(["dashboard"]).success().stdout;
    serde_json::from_str(&printed).expect("it is JSON")
}

fn tiles(dashboard: &Value) -> &Vec<Value> {
    let tiles = dashboard["template"]["tiles"].as_array();
    tiles.expect("a list")
}

fn query(tile: &Value) -> &str {
    tile["query"]["source"]["query"].as_str().expect("a text")
}

/// The words that follow a beginning in a text: names of properties and of columns.
fn words<'t>(text: &'t str, beginning: &str) -> BTreeSet<&'t str> {
    let rest = text.split(beginning).skip(1);
    let ends = |it: char| !(it.is_ascii_alphanumeric() || "_$".contains(it));
    rest.filter_map(|it| it.split(ends).next())
        .filter(|it| !it.is_empty())
        .collect()
}

/// Names of the properties of events, by the name of the event, over all fixtures of all agents.
fn sent() -> BTreeMap<String, BTreeSet<String>> {
    let env = TestEnv::new();
    let mut sent: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    // A remote makes the repository known.
    let run = env.command(["ingest", "--output", "-"]);
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    for line in run.argument(fixtures).run().stdout.lines() {
        let event: Value = serde_json::from_str(line).expect("it is JSON");
        let name = event["event"].as_str().expect("a name").to_owned();
        let properties = event["properties"].as_object().expect("an object");
        let names = sent.entry(name).or_default();
        names.extend(properties.keys().cloned());
    }
    sent
}

#[test]
fn every_query_asks_for_properties_that_its_events_have() {
    let sent = sent();
    let reference = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/events.md");
    let reference = fs::read_to_string(reference).expect("it can be read");
    for tile in tiles(&dashboard()) {
        let query = query(tile);
        let events = words(query, "'$ai_");
        let events = events.iter().map(|it| format!("$ai_{it}"));
        let events: Vec<String> = events.filter(|it| sent.contains_key(it)).collect();
        assert!(!events.is_empty(), "{query}");
        for property in words(query, "properties.") {
            let is_sent = events.iter().any(|it| sent[it].contains(property));
            // No fixture lies in a repository.
            assert!(is_sent || property == "$ai_git_repo", "{property}: {query}");
            assert!(reference.contains(&format!("`{property}`")), "{property}");
        }
    }
}

#[test]
fn every_graph_names_columns_of_its_query() {
    for tile in tiles(&dashboard()) {
        let columns = words(query(tile), " AS ");
        let settings = &tile["query"]["chartSettings"];
        let y = settings["yAxis"].as_array().into_iter().flatten();
        for axis in y.chain([&settings["xAxis"]]).filter(|it| !it.is_null()) {
            let column = axis["column"].as_str().expect("a name");
            assert!(columns.contains(column), "{column}: {tile:#}");
        }
    }
}

#[test]
fn the_body_has_what_posthog_demands_of_a_template() {
    let dashboard = dashboard();
    let template = &dashboard["template"];
    assert!(template["template_name"].is_string());
    assert!(template["dashboard_description"].is_string());
    assert!(template["dashboard_filters"].is_object());
    let mut places = BTreeSet::new();
    for tile in tiles(&dashboard) {
        assert_eq!(tile["type"], "INSIGHT");
        assert!(query(tile).contains("AND {filters}"), "{tile:#}");
        assert!(query(tile).contains("properties.$ai_lib = 'posthog-llma'"));
        let place = &tile["layouts"]["sm"];
        assert!(places.insert((place["x"].as_u64(), place["y"].as_u64())));
    }
}

#[test]
fn the_document_lists_every_tile_and_the_queries_alone_can_be_printed() {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/dashboards.md");
    let document = fs::read_to_string(document).expect("it can be read");
    let sql = TestEnv::new().run(["dashboard", "--sql"]).success().stdout;
    for tile in tiles(&dashboard()) {
        let name = tile["name"].as_str().expect("a text");
        assert!(document.contains(&format!("| {name} |")), "{name}");
        assert!(sql.contains(&format!("-- {name}: ")), "{name}");
        assert!(sql.contains(query(tile)), "{name}");
    }
}

#[test]
fn posthogs_own_parser_takes_every_query() {
    if !Path::new(FOLDER).join("node_modules").is_dir() {
        // Written past the test harness, which hides the output of passing tests.
        let said =
            b"skipped: PostHog's parser is not installed; run npm ci --prefix tests/dashboard\n";
        drop(io::stderr().write_all(said));
        return;
    }
    let env = TestEnv::new();
    let dashboard = dashboard();
    let file = env.write("dashboard.json", dashboard.to_string());
    let node = env::var_os(NODE).unwrap_or_else(|| "node".into());
    let mut parser = Command::new(node);
    parser.arg(Path::new(FOLDER).join("parse.mjs")).arg(file);
    let parsed = env.other(parser).run().success().stdout;
    let parsed: Vec<Value> = parsed
        .lines()
        .map(|line| serde_json::from_str(line).expect("it prints JSON"))
        .collect();
    let tiles = tiles(&dashboard);
    assert_eq!(parsed.len(), tiles.len());
    for (parsed, tile) in parsed.iter().zip(tiles) {
        let fields = parsed["fields"].as_array().expect("a list").iter();
        let fields = fields.filter_map(|it| it.as_str()?.strip_prefix("properties."));
        let fields: BTreeSet<&str> = fields.collect();
        // The other tests extract the same names as PostHog's parser.
        assert_eq!(fields, words(query(tile), "properties."), "{tile:#}");
        let columns = parsed["columns"].as_array().expect("a list");
        assert!(columns.iter().all(Value::is_string), "{parsed}");
    }
}
