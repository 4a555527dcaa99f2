//! Sessions of the real Pi with `pi-subagents` 0.34 and 0.67.
//!
//! They are not part of the project. They are looked for beside it, or where `POSTHOG_LLMA_CASES`
//! says; without them these tests pass and say so.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use posthog_llma::sources;
use serde_json::Value;

use crate::support::library::Run;

fn cases_or_skip() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/cases");
    let named = std::env::var_os("POSTHOG_LLMA_CASES").map_or(beside, PathBuf::from);
    let root = named.join("pi");
    if !root.is_dir() {
        // Written past the capture of the test harness, which hides what passing tests print.
        let _ =
            io::stderr().write_all(b"skipped: no cases in ../shared/cases or POSTHOG_LLMA_CASES\n");
        return None;
    }
    Some(root)
}

#[test]
fn every_subagent_hangs_under_its_tool_and_is_counted_once() {
    let Some(root) = cases_or_skip() else {
        return;
    };
    // Sessions, calls of models and, of these, calls of subagents; input tokens of all.
    for (version, expected) in [("0.34", (2, 7, 2, 960)), ("0.67", (4, 10, 2, 1_380))] {
        let found = sources::below(&root.join(format!("pi-subagents-{version}"))).found;
        let mut events: Vec<Value> = Vec::new();
        for session in &found {
            events.extend(Run::default().events(&session.locator.path()));
        }
        let spans: BTreeMap<String, &Value> = events
            .iter()
            .filter(|it| it["event"] == "$ai_span")
            .map(|it| {
                (
                    it["properties"]["$ai_span_id"].to_string(),
                    &it["properties"],
                )
            })
            .collect();
        let calls = events.iter().filter(|it| it["event"] == "$ai_generation");
        let calls: Vec<&Value> = calls.map(|it| &it["properties"]).collect();
        let (mut of_subagents, mut input) = (0, 0);
        for call in &calls {
            input += call["$ai_input_tokens"].as_u64().unwrap_or(0);
            if call["$ai_agent_name"] == "proj/scout2" {
                of_subagents += 1;
                let tool = spans.get(&call["$ai_parent_id"].to_string());
                let tool = tool.unwrap_or_else(|| panic!("{version}: no span above {call}"));
                assert_eq!(tool["$ai_span_name"], "subagent", "{version}");
                assert_eq!(tool["$ai_trace_id"], call["$ai_trace_id"], "{version}");
                assert_eq!(tool["$ai_session_id"], call["$ai_session_id"], "{version}");
            }
        }
        let figures = (found.len(), calls.len(), of_subagents, input);
        assert_eq!(figures, expected, "{version}");
    }
}
