//! `show --perfetto`: the tree as a trace that Perfetto reads.

use std::collections::BTreeMap;
use std::env;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::Command;
use std::sync::Once;

use chrono::DateTime;
use prost::Message;
use serde_json::{Value, json};

use super::{fixture, fixtures, json as parse};
use crate::support::env::TestEnv;

/// Variable with a Python that has `tests/otel/python/requirements.txt`.
const PYTHON: &str = "POSTHOG_LLMA_OTEL_PYTHON";
const READER: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/otel/python/read_perfetto.py"
);

/// The parts of `perfetto_trace.proto` that these tests read.
#[derive(Clone, PartialEq, Message)]
struct Trace {
    #[prost(message, repeated, tag = "1")]
    packets: Vec<Packet>,
}

#[derive(Clone, PartialEq, Message)]
struct Packet {
    #[prost(uint64, tag = "8")]
    timestamp: u64,
    #[prost(message, optional, tag = "11")]
    event: Option<Event>,
    #[prost(message, optional, tag = "60")]
    track: Option<Track>,
}

#[derive(Clone, PartialEq, Message)]
struct Event {
    #[prost(uint64, tag = "9")]
    kind: u64,
    #[prost(uint64, tag = "11")]
    track: u64,
    #[prost(string, tag = "23")]
    name: String,
    #[prost(uint64, optional, tag = "30")]
    value: Option<u64>,
}

#[derive(Clone, PartialEq, Message)]
struct Track {
    #[prost(uint64, tag = "1")]
    uuid: u64,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(uint64, tag = "5")]
    parent: u64,
    #[prost(string, tag = "16")]
    key: String,
}

fn write(env: &TestEnv, session: &Path) -> Vec<u8> {
    let run = env.command(["show", "--perfetto", "trace", "--force"]);
    run.argument(session).run().success();
    std::fs::read(env.project().join("trace")).expect("it was written")
}

/// The names of slices and numbers on each track, in the order of their beginnings.
fn by_track(bytes: &[u8]) -> Vec<(String, Vec<String>)> {
    let trace = Trace::decode(bytes).expect("it is a trace");
    let mut tracks: BTreeMap<u64, (String, Vec<String>)> = BTreeMap::new();
    for packet in trace.packets {
        if let Some(track) = packet.track.filter(|it| it.parent > 0) {
            tracks.insert(track.uuid, (track.name, Vec::new()));
        }
        let Some(event) = packet.event.filter(|it| it.kind != 2) else {
            continue;
        };
        let (_, events) = tracks
            .get_mut(&event.track)
            .expect("it is described before");
        events.push(event.value.map_or(event.name, |it| it.to_string()));
    }
    tracks.into_values().collect()
}

#[test]
fn tools_at_the_same_time_are_on_tracks_of_one_lane() {
    let env = TestEnv::new();
    let bytes = write(&env, &fixture("00000002"));
    let tracks = by_track(&bytes);
    let tracks: Vec<(&str, String)> = tracks
        .iter()
        .map(|(name, slices)| (name.as_str(), slices.join(", ")))
        .collect();
    let model = "claude-sonnet-4-5";
    assert_eq!(
        tracks,
        [
            ("turns", "Run the tests and show me the config".to_owned()),
            // The first tool began before the answer was complete.
            ("agent", format!("{model}, Read, {model}")),
            ("agent", "Bash".to_owned()),
            ("context of agent", "12505, 12827".to_owned()),
        ]
    );
    let trace = Trace::decode(bytes.as_slice()).expect("it is a trace");
    let tracks = trace.packets.into_iter().filter_map(|it| it.track);
    let keys: Vec<String> = tracks
        .filter(|it| it.name == "agent")
        .map(|it| it.key)
        .collect();
    assert_eq!(keys.len(), 2);
    assert_eq!(keys[0], keys[1]);
}

#[test]
fn a_subagent_has_a_lane_of_its_own() {
    let tracks = by_track(&write(&TestEnv::new(), &fixture("00000004")));
    let names: Vec<&str> = tracks.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.contains(&"Explore"), "{names:?}");
}

#[test]
fn a_file_that_is_there_stays_without_force() {
    let env = TestEnv::new();
    env.write("project/trace", "mine");
    let run = env.command(["show", "--perfetto", "trace"]);
    run.argument(fixture("00000002"))
        .run()
        .code(2)
        .complains("--force");
    let both = env.command(["show", "--perfetto", "-", "--json"]);
    both.argument(fixture("00000002")).run().code(2);
}

#[test]
fn perfettos_own_schema_reads_every_node_of_the_tree() {
    static SAID: Once = Once::new();
    let Some(python) = env::var_os(PYTHON) else {
        // Written past the test harness, which hides the output of passing tests.
        SAID.call_once(|| {
            let said = format!("skipped: {PYTHON} names no Python with Perfetto's schema\n");
            drop(io::stderr().write_all(said.as_bytes()));
        });
        return;
    };
    for session in fixtures() {
        let env = TestEnv::new();
        write(&env, &session);
        let mut reader = Command::new(&python);
        reader.args([READER, "trace"]);
        let slices = env.other(reader).run().success().stdout;
        let slices: Vec<Value> = slices.lines().map(parse).collect();
        let is_wait = |it: &&Value| it["categories"] == json!(["wait"]);
        let (waits, slices): (Vec<&Value>, Vec<&Value>) = slices.iter().partition(is_wait);
        assert!(waits.iter().all(|it| it["name"] == "waiting for you"));
        let shown = env.command(["show", "--json"]).argument(&session).run();
        let shown = parse(&shown.success().stdout);
        let mut nodes = Vec::new();
        for trace in shown["traces"].as_array().expect("a list") {
            below(trace, &mut nodes);
        }
        let mut found: Vec<String> = slices.into_iter().map(row_of_slice).collect();
        let mut expected: Vec<String> = nodes.iter().map(row_of_node).collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{}", session.display());
    }
}

/// Id, start and length in milliseconds, output tokens, and whether it failed.
fn row_of_slice(slice: &Value) -> String {
    let details = &slice["details"];
    let number = |name: &str| slice[name].as_i64().expect("a number") / 1_000_000;
    let tokens = details["output tokens"].as_i64().unwrap_or(0);
    let is_error = slice["categories"].to_string().contains("error");
    let times = [number("start"), number("duration")];
    json!([details["span id"], times, tokens, is_error]).to_string()
}

fn row_of_node(node: &Value) -> String {
    let start = node["started_at"].as_str().expect("a time");
    let start = DateTime::parse_from_rfc3339(start).expect("a time");
    let length = node["latency"].as_f64().expect("a number") * 1000.0;
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds fit")]
    let times = [start.timestamp_millis(), length.round() as i64];
    let is_error = node["is_error"] == true;
    json!([node["id"], times, node["tokens"]["output"], is_error]).to_string()
}

/// All nodes below one.
fn below(node: &Value, nodes: &mut Vec<Value>) {
    for child in node["children"].as_array().expect("a list") {
        nodes.push(child.clone());
        below(child, nodes);
    }
}
