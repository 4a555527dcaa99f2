//! Attributes in which emitters state tokens and costs, the most trustworthy first;
//! [`candidates`](super::candidates) has all others.

use super::candidates::Candidates;

// Tokens.
pub(crate) const INPUT_TOKENS: Candidates = &[
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "ai.usage.inputTokens",
    "ai.usage.promptTokens",
    "ai.usage.tokens",
    "llm.token_count.prompt",
    "llm.usage.prompt_tokens",
    "langfuse.observation.usage_details#input",
    "langfuse.observation.usage_details#input_tokens",
    "langfuse.observation.usage_details#prompt_tokens",
    "langsmith.metadata.usage_metadata#input_tokens",
    "input_token_count",
    "input_tokens",
    "gen_ai.response.prompt_tokens",
    "genkit:output#usage.inputTokens",
    "mlflow.chat.tokenUsage#input_tokens",
    "haystack.component.output#replies.0.meta.usage.prompt_tokens",
    "haystack.component.output#meta.0.usage.prompt_tokens",
];
/// Tokens of a call in total, which show whether cached tokens are a part of the input.
pub(crate) const TOTAL_TOKENS: Candidates = &[
    "langfuse.observation.usage_details#total",
    "total_token_count",
    "genkit:output#usage.totalTokens",
    "gcp.vertex.agent.llm_response#usage_metadata.total_token_count",
];
pub(crate) const OUTPUT_TOKENS: Candidates = &[
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "ai.usage.outputTokens",
    "ai.usage.completionTokens",
    "llm.token_count.completion",
    "llm.usage.completion_tokens",
    "langfuse.observation.usage_details#output",
    "langfuse.observation.usage_details#output_tokens",
    "langfuse.observation.usage_details#completion_tokens",
    "langsmith.metadata.usage_metadata#output_tokens",
    "output_token_count",
    "output_tokens",
    "gen_ai.response.completion_tokens",
    "genkit:output#usage.outputTokens",
    "mlflow.chat.tokenUsage#output_tokens",
    "haystack.component.output#replies.0.meta.usage.completion_tokens",
    "haystack.component.output#meta.0.usage.completion_tokens",
];
pub(crate) const CACHE_READ: Candidates = &[
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens",
    "gen_ai.usage.input_tokens.cached",
    "gen_ai.usage.input_tokens.cache_read",
    "gen_ai.usage.cached_input_tokens",
    "gen_ai.usage.cached_tokens",
    "gen_ai.usage.prompt_tokens_details.cached_tokens",
    "gen_ai.usage.prompt_tokens_details.cache_read",
    "gen_ai.usage.prompt_cache_hit_tokens",
    "ai.usage.inputTokenDetails.cacheReadTokens",
    "ai.usage.cachedInputTokens",
    "llm.token_count.prompt_details.cache_read",
    "llm.usage.cache_read_input_tokens",
    "gen_ai.usage.details.cache_read_tokens",
    "gen_ai.usage.details.cached_tokens",
    "langfuse.observation.usage_details#cache_read_input_tokens",
    "langfuse.observation.usage_details#input_cached_tokens",
    "langfuse.observation.usage_details#input_cache_read",
    "langsmith.metadata.usage_metadata#input_token_details.cache_read",
    "cached_content_token_count",
    "cached_token_count",
    "cache_read_tokens",
    "genkit:output#usage.cachedContentTokens",
    "mlflow.chat.tokenUsage#cache_read_input_tokens",
    "metadata.usage_object#prompt_tokens_details.cached_tokens",
    "gcp.vertex.agent.llm_response#usage_metadata.cached_content_token_count",
];
pub(crate) const CACHE_WRITE: Candidates = &[
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
    "gen_ai.usage.input_tokens.cache_write",
    "gen_ai.usage.input_tokens.cache_creation",
    "gen_ai.usage.prompt_tokens_details.cache_write",
    "ai.usage.inputTokenDetails.cacheWriteTokens",
    "llm.token_count.prompt_details.cache_write",
    "llm.usage.cache_creation_input_tokens",
    "gen_ai.usage.details.cache_write_tokens",
    "langfuse.observation.usage_details#cache_creation_input_tokens",
    "langfuse.observation.usage_details#input_cache_creation",
    "langsmith.metadata.usage_metadata#input_token_details.cache_creation",
    "ai.response.providerMetadata#anthropic.cacheCreationInputTokens",
    "ai.response.providerMetadata#anthropic.usage.cache_creation_input_tokens",
    "cache_write_token_count",
    "cache_creation_tokens",
    "mlflow.chat.tokenUsage#cache_creation_input_tokens",
];
pub(crate) const CACHE_WRITE_5M: Candidates = &[
    "anthropic.usage.cache_creation.ephemeral_5m_input_tokens",
    "gen_ai.usage.input_tokens.cache_write_5m",
    "ai.response.providerMetadata#anthropic.usage.cache_creation.ephemeral_5m_input_tokens",
    "cache_creation_5m_tokens",
];
pub(crate) const CACHE_WRITE_1H: Candidates = &[
    "anthropic.usage.cache_creation.ephemeral_1h_input_tokens",
    "gen_ai.usage.input_tokens.cache_write_1h",
    "ai.response.providerMetadata#anthropic.usage.cache_creation.ephemeral_1h_input_tokens",
    "cache_creation_1h_tokens",
];
pub(crate) const REASONING: Candidates = &[
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.output_tokens.reasoning",
    "gen_ai.usage.reasoning_tokens",
    "gen_ai.usage.output_tokens_details.reasoning_tokens",
    "gen_ai.usage.completion_tokens_details.reasoning_tokens",
    "gen_ai.usage.details.reasoning_tokens",
    "ai.usage.outputTokenDetails.reasoningTokens",
    "ai.usage.reasoningTokens",
    "llm.token_count.completion_details.reasoning",
    "llm.usage.reasoning_tokens",
    "langfuse.observation.usage_details#output_reasoning_tokens",
    "langfuse.observation.usage_details#output_reasoning",
    "langsmith.metadata.usage_metadata#output_token_details.reasoning",
    "codex.usage.reasoning_output_tokens",
    "reasoning_token_count",
    "thoughts_token_count",
    "genkit:output#usage.thoughtsTokens",
    "gcp.vertex.agent.llm_response#usage_metadata.thoughts_token_count",
];
// Of sound, images and moving pictures.
pub(crate) const MEDIA_INPUT: [Candidates; 3] = [
    &[
        "gen_ai.usage.audio.input_tokens",
        "gen_ai.usage.input_tokens.audio",
        "gen_ai.usage.prompt_tokens_details.audio_tokens",
        "gen_ai.usage.details.input_audio_tokens",
        "llm.token_count.prompt_details.audio",
        "langfuse.observation.usage_details#input_audio_tokens",
        "langsmith.metadata.usage_metadata#input_token_details.audio",
    ],
    &[
        "gen_ai.usage.image.input_tokens",
        "gen_ai.usage.input_tokens.image",
        "gen_ai.usage.prompt_tokens_details.image_tokens",
        "gen_ai.usage.details.input_image_tokens",
    ],
    &[
        "gen_ai.usage.video.input_tokens",
        "gen_ai.usage.input_tokens.video",
        "gen_ai.usage.prompt_tokens_details.video_tokens",
    ],
];
pub(crate) const MEDIA_OUTPUT: [Candidates; 3] = [
    &[
        "gen_ai.usage.audio.output_tokens",
        "gen_ai.usage.output_tokens.audio",
        "gen_ai.usage.completion_tokens_details.audio_tokens",
        "gen_ai.usage.details.output_audio_tokens",
        "llm.token_count.completion_details.audio",
        "langfuse.observation.usage_details#output_audio_tokens",
        "langsmith.metadata.usage_metadata#output_token_details.audio",
    ],
    &[
        "gen_ai.usage.image.output_tokens",
        "gen_ai.usage.output_tokens.image",
        "gen_ai.usage.completion_tokens_details.image_tokens",
        "gen_ai.usage.details.output_image_tokens",
    ],
    &[
        "gen_ai.usage.video.output_tokens",
        "gen_ai.usage.output_tokens.video",
    ],
];
pub(crate) const WEB_SEARCHES: Candidates = &["gen_ai.usage.web_search_requests"];

// Costs, in dollars.
pub(crate) const INPUT_COST: Candidates = &[
    "gen_ai.usage.input_cost",
    "gen_ai.cost.input_cost",
    "langfuse.observation.cost_details#input",
];
pub(crate) const OUTPUT_COST: Candidates = &[
    "gen_ai.usage.output_cost",
    "gen_ai.cost.output_cost",
    "langfuse.observation.cost_details#output",
];
pub(crate) const TOTAL_COST: Candidates = &[
    "gen_ai.usage.total_cost",
    "ai.response.providerMetadata#openrouter.usage.cost",
    "langfuse.observation.cost_details#total",
];
/// Costs for which some emitters write 0 if they do not know the price.
pub(crate) const GUESSED_COST: Candidates = &[
    "gen_ai.usage.cost",
    "gen_ai.cost.total_cost",
    // Pydantic AI and Logfire.
    "operation.cost",
];
