//! Properties of the events of every session.

use std::collections::HashSet;
use std::path::Path;

use serde_json::Value;

/// Every property that may be sent.
const PROPERTIES: &[&str] = &[
    "$ai_trace_id",
    "$ai_session_id",
    "$ai_span_id",
    "$ai_parent_id",
    "$ai_span_name",
    "$ai_span_type",
    "$ai_trace_name",
    "$ai_latency",
    "elapsed_seconds",
    "$ai_model",
    "$ai_provider",
    "$ai_input_tokens",
    "$ai_output_tokens",
    "$ai_total_tokens",
    "$ai_reasoning_tokens",
    "$ai_cache_read_input_tokens",
    "$ai_cache_creation_input_tokens",
    "$ai_cache_creation_5m_input_tokens",
    "$ai_cache_creation_1h_input_tokens",
    "$ai_cache_reporting_exclusive",
    "$ai_web_search_count",
    "web_fetch_count",
    "usage_known",
    "$ai_stop_reason",
    "$ai_time_to_first_token",
    "$ai_input",
    "$ai_tools",
    "$ai_output_choices",
    "$ai_user_prompt",
    "$ai_model_parameters",
    "$ai_input_state",
    "$ai_output_state",
    "$ai_tool_call_id",
    "$ai_tools_called",
    "$ai_tool_call_count",
    "$ai_is_error",
    "$ai_error",
    "$ai_http_status",
    "$ai_total_input_tokens",
    "$ai_total_output_tokens",
    "$ai_total_cache_read_input_tokens",
    "$ai_total_cache_creation_input_tokens",
    "$ai_lib",
    "$ai_lib_version",
    "$lib",
    "$lib_version",
    "$ai_framework",
    "$ai_project_name",
    "$ai_agent_name",
    "$ai_git_branch",
    "$ai_git_repo",
    "$geoip_disable",
    "claude_code_version",
    "claude_code_entrypoint",
    "claude_code_agent",
    "permission_mode",
    "session_title",
    "generation_count",
    "tool_call_count",
    "turn_count",
    "error_count",
    "tool_error_count",
    "tools",
    "unfinished",
    "unfinished_tool_call_count",
    "unreliable_output_count",
    "interruption_count",
    "compaction_count",
    "commit_count",
    "commits",
    "pushed_branches",
    "pull_requests",
    "lines_added",
    "lines_removed",
    "broken_line_count",
    "unknown_line_count",
    "oversized_line_count",
    "untimed_line_count",
    "response_without_usage_count",
    "derived_from_sessions",
    "continued_in_session",
    "cut_off",
    "retry_count",
    "retry_http_status",
    "requested_model",
    "model_name_at_provider",
    "cost_reliable",
    "$ai_input_cost_usd",
    "$ai_output_cost_usd",
    "$ai_total_cost_usd",
    "$ai_cost_passthrough",
    "permission_wait_seconds",
    "waited_seconds",
    "unattributed_seconds",
    "subagent_id",
    "subagent_type",
    "output_tokens_reliable",
    "from_agent_books",
    "findings",
    "finding_count",
    "finding_tokens",
    "retried_tool_count",
    "retried_tool_tokens",
    "repeated_read_count",
    "repeated_read_tokens",
    "lost_cache_count",
    "lost_cache_tokens",
    "failed_turn_count",
    "failed_turn_tokens",
    "grown_context_count",
    "grown_context_tokens",
    "unused_tool_count",
    "unused_tool_tokens",
];

/// Checks the properties that every event has.
const ALWAYS: &[&str] = &[
    "$ai_trace_id",
    "$ai_session_id",
    "$ai_span_id",
    "$ai_lib",
    "$ai_lib_version",
    "$lib",
    "$lib_version",
    "$ai_framework",
    "$geoip_disable",
];

/// Whether an event has no duration: a call that never ran, is not known to have ended, or is only
/// in the agent's totals.
fn has_no_time(event: &Value) -> bool {
    let properties = &event["properties"];
    let is_agent = matches!(properties["$ai_span_name"].as_str(), Some("Agent" | "Task"));
    is_agent || properties["unfinished"] == true || properties["from_agent_books"] == true
}

pub(crate) fn check(events: &[Value], transcript: &Path) {
    let text = |event: &Value, name: &str| {
        let value = event["properties"][name].as_str();
        value.map(str::to_owned)
    };
    let spans: HashSet<_> = events
        .iter()
        .filter_map(|event| text(event, "$ai_span_id"))
        .collect();
    assert_eq!(spans.len(), events.len(), "{}", transcript.display());
    let traces: HashSet<_> = events
        .iter()
        .filter(|event| event["event"] == "$ai_trace")
        .filter_map(|event| text(event, "$ai_trace_id"))
        .collect();
    for event in events {
        let at = || format!("{}: {event}", transcript.display());
        let properties = event["properties"].as_object().expect("an object");
        for name in properties.keys() {
            assert!(PROPERTIES.contains(&name.as_str()), "{name} in {}", at());
        }
        for name in ALWAYS {
            assert!(properties.contains_key(*name), "no {name} in {}", at());
        }
        // Only the duration of a call may be unknown.
        let is_call = event["event"] == "$ai_generation";
        let names = ["elapsed_seconds", "$ai_latency"];
        let [elapsed, latency] = names.map(|name| properties.get(name).and_then(Value::as_f64));
        let length = match event["event"].as_str() {
            Some("$ai_trace") => elapsed,
            _ => latency.or(elapsed),
        };
        assert!(length.is_none_or(|seconds| seconds >= 0.0), "{}", at());
        let is_known = length.is_some() || is_call || has_no_time(event);
        assert!(is_known, "{}", at());
        let trace = text(event, "$ai_trace_id").unwrap_or_default();
        assert!(traces.contains(&trace), "{}", at());
        let parent = text(event, "$ai_parent_id");
        if event["event"] == "$ai_trace" {
            assert_eq!(parent, None, "{}", at());
            assert_eq!(text(event, "$ai_span_id"), Some(trace));
        } else {
            let parent = parent.unwrap_or_default();
            assert!(parent == trace || spans.contains(&parent), "{}", at());
            assert_ne!(Some(parent), text(event, "$ai_span_id"), "{}", at());
        }
        check_kind(event, &at);
    }
}

fn check_kind(event: &Value, at: &dyn Fn() -> String) {
    let properties = &event["properties"];
    match event["event"].as_str() {
        Some("$ai_generation") => {
            assert_ne!(properties["$ai_model"], "<synthetic>", "{}", at());
            assert!(properties["$ai_output_choices"].is_array(), "{}", at());
            assert!(properties["$ai_input"].is_array(), "{}", at());
            assert!(properties["$ai_is_error"].is_boolean(), "{}", at());
        }
        Some("$ai_span") => {
            let kind = properties["$ai_span_type"].as_str();
            assert!(matches!(kind, Some("tool" | "turn")), "{}", at());
            let name = properties["$ai_span_name"].as_str();
            assert!(name.is_some_and(|name| !name.is_empty()), "{}", at());
        }
        _ => {}
    }
}

/// Asserts that only numbers and names of tools and models are left.
pub(crate) fn check_privacy(event: &Value) {
    let properties = &event["properties"];
    for name in [
        "$ai_input",
        "$ai_output_choices",
        "$ai_input_state",
        "$ai_output_state",
    ] {
        assert!(properties[name].is_null(), "{name} in {event}");
    }
    for name in [
        "$ai_tools",
        "$ai_user_prompt",
        "$ai_trace_name",
        "session_title",
    ] {
        assert!(properties.get(name).is_none(), "{name} in {event}");
    }
    if event["event"] == "$ai_trace" || properties["$ai_span_type"] == "turn" {
        assert!(properties.get("$ai_span_name").is_none(), "{event}");
    }
    if let Some(error) = properties["$ai_error"].as_str() {
        let is_kind = !error.contains(char::is_whitespace);
        assert!(is_kind || error.starts_with("no result: "), "{event}");
    }
}
