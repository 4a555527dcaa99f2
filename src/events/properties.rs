//! Groups of properties: numbers and words that need no tree to be told.

use chrono::TimeDelta;
use serde_json::{Map, Value, json};

use crate::session::{Agent, Circumstances, Generation, Totals};

/// The tokens of a response, as reported. PostHog prices them itself.
pub(super) fn usage(generation: &Generation, properties: &mut Map<String, Value>) {
    let usage = generation.usage;
    let mut set = |name: &str, value: Value| properties.insert(name.to_owned(), value);
    set("$ai_input_tokens", json!(usage.input));
    set("$ai_output_tokens", json!(usage.output));
    set("$ai_total_tokens", json!(usage.input + usage.output));
    if let Some(reasoning) = usage.reasoning {
        set("$ai_reasoning_tokens", json!(reasoning));
    }
    set("$ai_cache_read_input_tokens", json!(usage.cache_read));
    set("$ai_cache_creation_input_tokens", json!(usage.cache_write));
    set(
        "$ai_cache_creation_5m_input_tokens",
        json!(usage.cache_write_5m),
    );
    set(
        "$ai_cache_creation_1h_input_tokens",
        json!(usage.cache_write_1h),
    );
    set("$ai_cache_reporting_exclusive", json!(true));
    if usage.web_searches > 0 {
        set("$ai_web_search_count", json!(usage.web_searches));
    }
    if has_placeholder(generation) {
        set("output_tokens_incomplete", json!(true));
    }
}

/// Where and under what circumstances something was done; facts of the agent under plain names.
pub(super) fn circumstances(
    agent: Agent,
    circumstances: &Circumstances,
    properties: &mut Map<String, Value>,
) {
    let framework = agent.as_str();
    let prefix = framework.replace('-', "_");
    properties.insert("$ai_framework".to_owned(), json!(framework));
    for (name, value) in [
        ("$ai_git_branch".to_owned(), &circumstances.git_branch),
        (format!("{prefix}_version"), &circumstances.agent_version),
        (format!("{prefix}_entrypoint"), &circumstances.entrypoint),
        ("permission_mode".to_owned(), &circumstances.permission_mode),
    ] {
        if let Some(value) = value {
            properties.insert(name, json!(value));
        }
    }
}

/// Sums over a session or a turn.
pub(super) fn totals(totals: Totals, properties: &mut Map<String, Value>) {
    for (name, value) in [
        ("$ai_total_input_tokens", totals.input),
        ("$ai_total_output_tokens", totals.output),
        ("$ai_total_cache_read_input_tokens", totals.cache_read),
        ("$ai_total_cache_creation_input_tokens", totals.cache_write),
        ("generation_count", totals.generations),
        ("tool_call_count", totals.tool_calls),
        ("turn_count", totals.turns),
        ("error_count", totals.errors),
    ] {
        properties.insert(name.to_owned(), json!(value));
    }
}

/// Some versions wrote the count of the response's first moments and never the final one.
fn has_placeholder(generation: &Generation) -> bool {
    const LARGEST_PLACEHOLDER: u64 = 10;
    generation.stop_reason.is_none() && generation.usage.output <= LARGEST_PLACEHOLDER
}

/// What is known of the request.
pub(super) fn parameters(generation: &Generation) -> Map<String, Value> {
    let known = &generation.parameters;
    let text = |text: &Option<String>| text.as_ref().map(|text| json!(text));
    [
        ("max_tokens", known.max_tokens.map(|tokens| json!(tokens))),
        ("effort", text(&known.effort)),
        ("thinking", known.thinking.clone()),
        ("service_tier", text(&known.service_tier)),
        ("speed", text(&known.speed)),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .collect()
}

/// Anthropic's words in those that PostHog uses for all providers.
pub(super) fn stop_reason(reason: &str) -> &str {
    match reason {
        "end_turn" => "stop",
        "tool_use" => "tool_calls",
        "max_tokens" => "length",
        other => other,
    }
}

/// Seconds with millisecond precision; a clock that was set back took no time.
pub(super) fn seconds(time: TimeDelta) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds of a session fit 2^53"
    )]
    let milliseconds = time.num_milliseconds().max(0) as f64;
    milliseconds / 1000.0
}
