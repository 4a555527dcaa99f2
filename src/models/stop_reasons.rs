//! Stop reasons in the words of providers.

use crate::session::StopReason;

/// The stop reason that a provider's word means. Sources: `stop_reason` of Anthropic's Messages API
/// and `finish_reason` of `OpenAI`'s Chat Completions API.
#[must_use]
pub fn stop_reason(word: &str) -> StopReason {
    match word {
        "end_turn" | "stop" => StopReason::Finished,
        "tool_use" | "tool_calls" => StopReason::ToolCalls,
        "max_tokens" | "length" => StopReason::Length,
        other => StopReason::Other(other.to_owned()),
    }
}
