//! Values that are sent even if content is not recorded: only values that providers and agents
//! document. Any other text in their place is treated as content.

use serde_json::Value;

use super::properties::Name;

/// Error kinds of the APIs of Anthropic, `OpenAI` and Google, of Claude Code and of `OpenCode`.
const ERROR_KINDS: [&str; 59] = [
    "ABORTED",
    "APIError",
    "ALREADY_EXISTS",
    "CANCELLED",
    "ContextOverflowError",
    "DEADLINE_EXCEEDED",
    "FAILED_PRECONDITION",
    "INTERNAL",
    "INVALID_ARGUMENT",
    "MessageAbortedError",
    "MessageOutputLengthError",
    "NOT_FOUND",
    "OUT_OF_RANGE",
    "PERMISSION_DENIED",
    "ProviderAuthError",
    "RESOURCE_EXHAUSTED",
    "StructuredOutputError",
    "UNAUTHENTICATED",
    "UNAVAILABLE",
    "UNIMPLEMENTED",
    "UNKNOWN",
    "UnknownError",
    "api_error",
    "authentication_error",
    "authentication_failed",
    "billing_error",
    "billing_hard_limit_reached",
    "content_filter",
    "content_policy_violation",
    "context_length_exceeded",
    "error",
    "insufficient_quota",
    "insufficient_quota_error",
    "invalid_api_key",
    "invalid_request",
    "invalid_request_error",
    "max_output_tokens",
    "model_not_found",
    "network_error",
    "not_found_error",
    "oauth_org_not_allowed",
    "overloaded",
    "overloaded_error",
    "permission_error",
    "quota_exceeded",
    "rate_limit",
    "rate_limit_error",
    "rate_limit_exceeded",
    "refusal",
    "request_too_large",
    "requests",
    "server_error",
    "service_unavailable",
    "stream_error",
    "timeout",
    "timeout_error",
    "tokens",
    "unknown",
    "unknown_error",
];

/// Stop reasons of models, after mapping to PostHog's values.
const STOP_REASONS: [&str; 19] = [
    "MAX_TOKENS",
    "STOP",
    "SAFETY",
    "aborted",
    "compaction",
    "content-filter",
    "content_filter",
    "error",
    "guardrail_intervened",
    "incomplete",
    "length",
    "max_output_tokens",
    "model_context_window_exceeded",
    "pause_turn",
    "refusal",
    "stop",
    "stop_sequence",
    "tool_calls",
    "unknown",
];

/// Request parameters and their fields.
const FIELDS: [&str; 13] = [
    "budget_tokens",
    "disable_parallel_tool_use",
    "display",
    "effort",
    "inference_geo",
    "max_tokens",
    "service_tier",
    "speed",
    "temperature",
    "thinking",
    "tool_choice",
    "top_k",
    "top_p",
];

/// Values of these fields, and of their field `type`.
const WORDS: [&str; 28] = [
    "adaptive",
    "any",
    "auto",
    "batch",
    "default",
    "disabled",
    "enabled",
    "fast",
    "flex",
    "global",
    "high",
    "low",
    "max",
    "medium",
    "minimal",
    "none",
    "off",
    "omitted",
    "on",
    "priority",
    "scale",
    "standard",
    "summarized",
    "tool",
    "ultra",
    "updates",
    "us",
    "xhigh",
];

/// Whether a text is exactly a documented error kind.
pub(super) fn is_error_kind(kind: &str) -> bool {
    ERROR_KINDS.contains(&kind)
}

/// The stop reason of a model; `other` if it is not documented.
pub(super) fn stop_reason(reason: &str) -> &str {
    if STOP_REASONS.contains(&reason) {
        reason
    } else {
        "other"
    }
}

/// The part of a parameter that cannot hold content; `None` if nothing is left.
pub(super) fn parameter((name, value): (Name, Value)) -> Option<(Name, Value)> {
    let value = Some(value).filter(|_| FIELDS.contains(&name.as_ref()))?;
    Some((name, plain(value)?))
}

fn plain(value: Value) -> Option<Value> {
    match value {
        Value::Bool(_) | Value::Number(_) => Some(value),
        Value::String(ref word) => WORDS.contains(&word.as_str()).then_some(value),
        Value::Object(fields) => {
            let fields = fields.into_iter().filter_map(|(name, field)| {
                let is_known = name == "type" || FIELDS.contains(&name.as_str());
                Some((name, plain(field).filter(|_| is_known)?))
            });
            let fields: serde_json::Map<_, _> = fields.collect();
            (!fields.is_empty()).then_some(Value::Object(fields))
        }
        Value::Null | Value::Array(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn of_parameters_numbers_and_documented_words_are_left() {
        for (name, value, left) in [
            ("max_tokens", json!(32000), Some(json!(32000))),
            ("temperature", json!(1), Some(json!(1))),
            ("effort", json!("high"), Some(json!("high"))),
            ("effort", json!("my secret plan"), None),
            (
                "thinking",
                json!({ "type": "enabled", "budget_tokens": 4000, "note": "plan" }),
                Some(json!({ "type": "enabled", "budget_tokens": 4000 })),
            ),
            (
                "tool_choice",
                json!({ "type": "tool", "name": "look_up_ada" }),
                Some(json!({ "type": "tool" })),
            ),
            (
                "context_management",
                json!({ "edits": [{ "keep": 1 }] }),
                None,
            ),
            ("betas", json!(["plan"]), None),
            ("plan", json!(1), None),
        ] {
            let found = parameter((Name::Own(name), value.clone()));
            assert_eq!(found.map(|(_, value)| value), left, "{name}: {value}");
        }
    }

    #[test]
    fn other_words_are_not_repeated() {
        assert!(is_error_kind("overloaded_error") && !is_error_kind("see /home/ada"));
        assert_eq!(stop_reason("tool_calls"), "tool_calls");
        assert_eq!(stop_reason("because Ada said so"), "other");
    }
}
