//! Sessions of the real Pi with `pi-subagents` 0.34 and 0.67.

use std::collections::BTreeMap;
use std::path::PathBuf;

use posthog_llma::sources;
use serde_json::Value;

use crate::support::library::Run;
use crate::support::shared::shared_or_skip;

fn cases_or_skip() -> Option<PathBuf> {
    shared_or_skip("POSTHOG_LLMA_CASES", "cases", "pi")
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
