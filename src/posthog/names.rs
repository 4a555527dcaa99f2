//! Names of the properties that this program sets, as they are on the wire. PostHog gives those that
//! begin with `$` their meaning; `docs/events.md` describes all of them.

use crate::session::{Agent, FindingKind};

// Identities and places, by which PostHog joins events.
pub(crate) const TRACE_ID: &str = "$ai_trace_id";
pub(crate) const SESSION_ID: &str = "$ai_session_id";
pub(crate) const SPAN_ID: &str = "$ai_span_id";
pub(crate) const PARENT_ID: &str = "$ai_parent_id";
pub(crate) const SPAN_NAME: &str = "$ai_span_name";
pub(crate) const SPAN_TYPE: &str = "$ai_span_type";
pub(crate) const TRACE_NAME: &str = "$ai_trace_name";
pub(crate) const TOOL_CALL_ID: &str = "$ai_tool_call_id";

// Content, which privacy settings, limits and retention remove or shorten.
pub(crate) const INPUT: &str = "$ai_input";
pub(crate) const OUTPUT_CHOICES: &str = "$ai_output_choices";
pub(crate) const OFFERED_TOOLS: &str = "$ai_tools";
pub(crate) const INPUT_STATE: &str = "$ai_input_state";
pub(crate) const OUTPUT_STATE: &str = "$ai_output_state";
pub(crate) const USER: &str = "$ai_user";
pub(crate) const USER_PROMPT: &str = "$ai_user_prompt";
pub(crate) const ERROR: &str = "$ai_error";

// Calls of models.
pub(crate) const MODEL: &str = "$ai_model";
pub(crate) const PROVIDER: &str = "$ai_provider";
pub(crate) const MODEL_PARAMETERS: &str = "$ai_model_parameters";
pub(crate) const STOP_REASON: &str = "$ai_stop_reason";
pub(crate) const CALLED_TOOLS: &str = "$ai_tools_called";
pub(crate) const CALLED_TOOL_COUNT: &str = "$ai_tool_call_count";
pub(crate) const IS_ERROR: &str = "$ai_is_error";
pub(crate) const HTTP_STATUS: &str = "$ai_http_status";
pub(crate) const MODEL_NAME_AT_PROVIDER: &str = "model_name_at_provider";
pub(crate) const REQUESTED_MODEL: &str = "requested_model";
pub(crate) const RETRY_COUNT: &str = "retry_count";
pub(crate) const RETRY_HTTP_STATUS: &str = "retry_http_status";
pub(crate) const FROM_AGENT_BOOKS: &str = "from_agent_books";

// Tokens and costs.
pub(crate) const INPUT_TOKENS: &str = "$ai_input_tokens";
pub(crate) const OUTPUT_TOKENS: &str = "$ai_output_tokens";
pub(crate) const TOTAL_TOKENS: &str = "$ai_total_tokens";
pub(crate) const REASONING_TOKENS: &str = "$ai_reasoning_tokens";
/// Tokens of sound, images and moving pictures: parts of the input, and parts of the output.
pub(crate) const MEDIA_INPUT_TOKENS: [&str; 3] = [
    "$ai_audio_input_tokens",
    "$ai_image_input_tokens",
    "$ai_video_input_tokens",
];
pub(crate) const MEDIA_OUTPUT_TOKENS: [&str; 3] = [
    "$ai_audio_output_tokens",
    "$ai_image_output_tokens",
    "$ai_video_output_tokens",
];
pub(crate) const CACHE_READ_TOKENS: &str = "$ai_cache_read_input_tokens";
pub(crate) const CACHE_WRITE_TOKENS: &str = "$ai_cache_creation_input_tokens";
pub(crate) const CACHE_WRITE_5M_TOKENS: &str = "$ai_cache_creation_5m_input_tokens";
pub(crate) const CACHE_WRITE_1H_TOKENS: &str = "$ai_cache_creation_1h_input_tokens";
pub(crate) const CACHE_IS_EXCLUSIVE: &str = "$ai_cache_reporting_exclusive";
pub(crate) const WEB_SEARCH_COUNT: &str = "$ai_web_search_count";
pub(crate) const WEB_FETCH_COUNT: &str = "web_fetch_count";
pub(crate) const INPUT_COST: &str = "$ai_input_cost_usd";
pub(crate) const OUTPUT_COST: &str = "$ai_output_cost_usd";
pub(crate) const TOTAL_COST: &str = "$ai_total_cost_usd";
pub(crate) const HAS_OWN_COST: &str = "$ai_cost_passthrough";
pub(crate) const IS_COST_RELIABLE: &str = "cost_reliable";
pub(crate) const IS_USAGE_KNOWN: &str = "usage_known";
pub(crate) const IS_OUTPUT_RELIABLE: &str = "output_tokens_reliable";

// Sums of a trace.
pub(crate) const SUM_OF_INPUT_TOKENS: &str = "$ai_total_input_tokens";
pub(crate) const SUM_OF_OUTPUT_TOKENS: &str = "$ai_total_output_tokens";
pub(crate) const SUM_OF_CACHE_READ_TOKENS: &str = "$ai_total_cache_read_input_tokens";
pub(crate) const SUM_OF_CACHE_WRITE_TOKENS: &str = "$ai_total_cache_creation_input_tokens";
pub(crate) const GENERATION_COUNT: &str = "generation_count";
pub(crate) const TOOL_CALL_COUNT: &str = "tool_call_count";
pub(crate) const TURN_COUNT: &str = "turn_count";
pub(crate) const ERROR_COUNT: &str = "error_count";
pub(crate) const TOOL_ERROR_COUNT: &str = "tool_error_count";
pub(crate) const USED_TOOLS: &str = "tools";
pub(crate) const UNFINISHED_TOOL_CALL_COUNT: &str = "unfinished_tool_call_count";
pub(crate) const UNRELIABLE_OUTPUT_COUNT: &str = "unreliable_output_count";
pub(crate) const RESPONSE_WITHOUT_USAGE_COUNT: &str = "response_without_usage_count";
pub(crate) const INTERRUPTION_COUNT: &str = "interruption_count";
pub(crate) const COMPACTION_COUNT: &str = "compaction_count";
pub(crate) const COMMIT_COUNT: &str = "commit_count";

// Work that bought nothing.
pub(crate) const FINDINGS: &str = "findings";
pub(crate) const FINDING_COUNT: &str = "finding_count";
pub(crate) const FINDING_TOKENS: &str = "finding_tokens";

// Times, in seconds.
pub(crate) const LATENCY: &str = "$ai_latency";
pub(crate) const TIME_TO_FIRST_TOKEN: &str = "$ai_time_to_first_token";
pub(crate) const ELAPSED: &str = "elapsed_seconds";
pub(crate) const WAITED: &str = "waited_seconds";
pub(crate) const UNATTRIBUTED: &str = "unattributed_seconds";
pub(crate) const PERMISSION_WAIT: &str = "permission_wait_seconds";

// Changes to files and repository.
pub(crate) const LINES_ADDED: &str = "lines_added";
pub(crate) const LINES_REMOVED: &str = "lines_removed";
pub(crate) const COMMITS: &str = "commits";
pub(crate) const PUSHED_BRANCHES: &str = "pushed_branches";
pub(crate) const PULL_REQUESTS: &str = "pull_requests";

// The session and its transcript.
pub(crate) const SESSION_TITLE: &str = "session_title";
pub(crate) const UNFINISHED: &str = "unfinished";
pub(crate) const BROKEN_LINE_COUNT: &str = "broken_line_count";
pub(crate) const UNKNOWN_LINE_COUNT: &str = "unknown_line_count";
pub(crate) const OVERSIZED_LINE_COUNT: &str = "oversized_line_count";
pub(crate) const UNTIMED_LINE_COUNT: &str = "untimed_line_count";
pub(crate) const DERIVED_FROM_SESSIONS: &str = "derived_from_sessions";
pub(crate) const CONTINUED_IN_SESSION: &str = "continued_in_session";
pub(crate) const CUT_OFF: &str = "cut_off";

// Circumstances, on every event.
pub(crate) const PROJECT_NAME: &str = "$ai_project_name";
pub(crate) const AGENT_NAME: &str = "$ai_agent_name";
pub(crate) const SUBAGENT_ID: &str = "subagent_id";
pub(crate) const SUBAGENT_TYPE: &str = "subagent_type";
pub(crate) const PURPOSE: &str = "$ai_purpose";
pub(crate) const GIT_BRANCH: &str = "$ai_git_branch";
pub(crate) const GIT_REPOSITORY: &str = "$ai_git_repo";
pub(crate) const WORK_TREE: &str = "worktree";
pub(crate) const FRAMEWORK: &str = "$ai_framework";
pub(crate) const PERMISSION_MODE: &str = "permission_mode";
pub(crate) const AI_LIBRARY: &str = "$ai_lib";
pub(crate) const AI_LIBRARY_VERSION: &str = "$ai_lib_version";
pub(crate) const LIBRARY: &str = "$lib";
pub(crate) const LIBRARY_VERSION: &str = "$lib_version";
pub(crate) const NO_GEOIP: &str = "$geoip_disable";
pub(crate) const PERSON_PROFILE: &str = "$process_person_profile";

// Facts stated by instrumented applications.
pub(crate) const GROUPS: &str = "$groups";
pub(crate) const BASE_URL: &str = "$ai_base_url";

/// Names of the properties whose names differ by agent: its version, its entry point, its persona.
pub(crate) const fn of_agent(agent: Agent) -> [&'static str; 3] {
    match agent {
        Agent::ClaudeCode => [
            "claude_code_version",
            "claude_code_entrypoint",
            "claude_code_agent",
        ],
        Agent::Pi => ["pi_version", "pi_entrypoint", "pi_agent"],
        Agent::OpenCode => ["opencode_version", "opencode_entrypoint", "opencode_agent"],
        Agent::Otlp => [
            "service_version",
            "deployment_environment",
            "application_agent",
        ],
    }
}

/// Names of the properties for findings of a kind: their number, and the tokens spent on them.
pub(crate) const fn of_finding(kind: FindingKind) -> [&'static str; 2] {
    match kind {
        FindingKind::RetriedTool => ["retried_tool_count", "retried_tool_tokens"],
        FindingKind::RepeatedRead => ["repeated_read_count", "repeated_read_tokens"],
        FindingKind::LostCache => ["lost_cache_count", "lost_cache_tokens"],
        FindingKind::FailedTurn => ["failed_turn_count", "failed_turn_tokens"],
        FindingKind::GrownContext => ["grown_context_count", "grown_context_tokens"],
        FindingKind::UnusedTool => ["unused_tool_count", "unused_tool_tokens"],
    }
}
