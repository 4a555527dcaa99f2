//! Statements of the documents about the program, compared with the program.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Properties that no fixture has: they depend on the machine and on settings.
const OF_THE_MACHINE: &[&str] = &[
    "$ai_git_repo",
    "$ai_purpose",
    "$process_person_profile",
    "worktree",
    // Equal on every event, and so left out of snapshots.
    "$ai_framework",
    "$ai_lib",
    "$ai_lib_version",
    "$lib",
    "$lib_version",
];

/// Properties of inputs that no fixture has: lines of more than a hundred megabytes, spans with
/// more than a thousand properties.
const OF_LARGE_INPUTS: [&str; 2] = ["oversized_line_count", "properties_left_out"];

/// Findings that are in no fixture: `tests/report/findings.rs` has sessions with each.
const OF_FINDINGS: [&str; 11] = [
    "retried_tool_count",
    "retried_tool_tokens",
    "repeated_read_count",
    "repeated_read_tokens",
    "lost_cache_count",
    "lost_cache_tokens",
    "failed_turn_tokens",
    "grown_context_tokens",
    "unused_tool_count",
    "unused_tool_tokens",
    "finding_tokens",
];

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names in backticks in the first column of the tables.
fn first_column(document: &str) -> BTreeSet<String> {
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `"));
    let cells = rows.filter_map(|row| row.split(" |").next());
    cells
        .flat_map(|cell| cell.split("`, `"))
        .map(|name| name.trim_matches('`').to_owned())
        .collect()
}

/// Names that the applications in fixtures gave to their own facts.
const OF_APPLICATIONS: [&str; 5] = ["feature", "tags", "plan", "shelf", "team"];

#[test]
fn the_reference_of_events_names_every_property_and_no_other() {
    let documented = first_column(&read("docs/events.md"));
    let mut sent: BTreeSet<String> = OF_THE_MACHINE.iter().map(|&it| it.to_owned()).collect();
    sent.extend(OF_LARGE_INPUTS.map(str::to_owned));
    sent.extend(OF_FINDINGS.map(str::to_owned));
    let folders = [
        "tests/snapshots",
        "tests/pi/snapshots",
        "tests/opencode/snapshots",
        "tests/otlp/snapshots",
    ];
    let folders = folders.map(|folder| Path::new(env!("CARGO_MANIFEST_DIR")).join(folder));
    let folders = folders.map(|folder| fs::read_dir(folder).expect("there are snapshots"));
    for entry in folders.into_iter().flatten().flatten() {
        let text = fs::read_to_string(entry.path()).expect("it can be read");
        let Some((_, events)) = text.split_once("---\n{") else {
            continue;
        };
        let events = format!("{{{events}");
        let events = serde_json::Deserializer::from_str(&events).into_iter::<serde_json::Value>();
        for event in events {
            let event = event.expect("a snapshot is JSON");
            let properties = event["properties"].as_object().expect("an object");
            sent.extend(properties.keys().cloned());
        }
    }
    sent.retain(|name| !OF_APPLICATIONS.contains(&name.as_str()));
    let undocumented: Vec<_> = sent.difference(&documented).collect();
    let unknown: Vec<_> = documented.difference(&sent).collect();
    assert!(
        undocumented.is_empty() && unknown.is_empty(),
        "not documented: {undocumented:?}\nnever sent: {unknown:?}"
    );
}

/// The quoted words in the code with this beginning.
fn literals<'a>(code: &'a str, beginning: &str) -> BTreeSet<&'a str> {
    code.split('"')
        .filter(|text| text.starts_with(beginning) && !text.contains(char::is_whitespace))
        .collect()
}

#[test]
fn every_setting_and_option_is_documented_and_no_other() {
    let code = read("src/variables.rs");
    let (code, _) = code.split_once("#[cfg(test)]").expect("tests come last");
    let manifest: serde_json::Value =
        serde_json::from_str(&read("plugin/.claude-plugin/plugin.json")).expect("it is JSON");
    let options = manifest["userConfig"].as_object().expect("it has options");
    let known: BTreeSet<String> = literals(code, "CLAUDE_PLUGIN_OPTION_")
        .iter()
        .map(|name| name.trim_start_matches("CLAUDE_PLUGIN_OPTION_"))
        .map(str::to_ascii_lowercase)
        .collect();
    assert_eq!(known, options.keys().cloned().collect());

    let settings = literals(code, "POSTHOG_").into_iter().map(str::to_owned);
    let expected: BTreeSet<String> = settings.chain(known).collect();
    assert_eq!(first_column(&read("docs/settings.md")), expected);
}
