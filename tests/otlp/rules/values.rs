//! Models, tokens, costs, times, reasons and parameters of calls: under every name, in every order.

use serde_json::{Map, Value, json};

use crate::otlp::traces::{events_of, only, span, with};

/// The properties of a call with only these attributes.
fn call(attributes: &Value) -> Map<String, Value> {
    let call = with(json!({ "gen_ai.operation.name": "chat" }), attributes);
    let events = events_of("x", &[span("1", "call", (0, 2_000), &call)]);
    only(&events, "$ai_generation")
        .as_object()
        .expect("properties")
        .clone()
}

/// Asserts that each name alone gives the value, and that the earlier of two names counts.
#[track_caller]
fn in_this_order(names: &[&str], value: &Value, other: &Value, property: &str) {
    for (place, name) in names.iter().enumerate() {
        let found = &call(&json!({ *name: value }))[property];
        assert_eq!(found, value, "{name}");
        for later in &names[place + 1..] {
            let found = &call(&json!({ *later: other, *name: value }))[property];
            assert_eq!(found, value, "{name} comes before {later}");
        }
    }
}

#[test]
fn the_model_that_answered_comes_before_the_one_that_was_asked_for() {
    let names = [
        "gen_ai.response.model",
        "ai.response.model",
        "llm.response.model",
        "llm.model_name",
        "embedding.model_name",
        "langfuse.observation.model.name",
        "gen_ai.request.model",
        "ai.model.id",
        "llm.request.model",
        "model",
    ];
    in_this_order(&names, &json!("gpt-4o"), &json!("other"), "$ai_model");
}

#[test]
fn the_provider_has_posthog_s_name() {
    let names = [
        "gen_ai.provider.name",
        "gen_ai.system",
        "ai.model.provider",
        "llm.provider",
        "llm.system",
        "llm.vendor",
    ];
    in_this_order(&names, &json!("openai"), &json!("other"), "$ai_provider");
    for (stated, expected) in [
        ("openai.chat", "openai"),
        ("anthropic.messages", "anthropic"),
        ("OpenAI", "openai"),
        ("aws.bedrock", "bedrock"),
        ("amazon-bedrock", "bedrock"),
        ("gcp.vertex_ai", "google"),
        ("gcp.gemini", "google"),
        ("gcp.gen_ai", "google"),
        ("gcp.vertex.agent", "google"),
        ("google.generative-ai", "google"),
        ("x_ai", "xai"),
        ("mistral_ai", "mistral"),
        ("azure.ai.openai", "azure"),
        ("azure.ai.inference", "azure"),
        ("az.ai.openai", "azure"),
    ] {
        let found = &call(&json!({ "gen_ai.provider.name": stated }))["$ai_provider"];
        assert_eq!(found, expected, "{stated}");
    }
}

#[test]
fn tokens_are_read_under_every_name() {
    let input = [
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.prompt_tokens",
        "ai.usage.inputTokens",
        "ai.usage.promptTokens",
        "ai.usage.tokens",
        "llm.token_count.prompt",
        "llm.usage.prompt_tokens",
        "input_token_count",
    ];
    in_this_order(&input, &json!(120), &json!(7), "$ai_input_tokens");
    let output = [
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.completion_tokens",
        "ai.usage.outputTokens",
        "ai.usage.completionTokens",
        "llm.token_count.completion",
        "llm.usage.completion_tokens",
        "output_token_count",
    ];
    in_this_order(&output, &json!(30), &json!(7), "$ai_output_tokens");
    for (key, property) in [
        ("input", "$ai_input_tokens"),
        ("prompt_tokens", "$ai_input_tokens"),
        ("output", "$ai_output_tokens"),
        ("completion_tokens", "$ai_output_tokens"),
    ] {
        let usage = json!({ "langfuse.observation.usage_details": json!({ key: 30 }).to_string() });
        assert_eq!(call(&usage)[property], 30, "{key}");
    }
    for digits in [json!("120"), json!(120.0)] {
        let found = &call(&json!({ "gen_ai.usage.input_tokens": digits }))["$ai_input_tokens"];
        assert_eq!(found, 120, "{digits:?}");
    }
}

#[test]
fn cached_tokens_are_read_under_every_name() {
    let read = [
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "gen_ai.usage.input_tokens.cached",
        "gen_ai.usage.cached_input_tokens",
        "gen_ai.usage.prompt_tokens_details.cached_tokens",
        "gen_ai.usage.prompt_cache_hit_tokens",
        "ai.usage.inputTokenDetails.cacheReadTokens",
        "ai.usage.cachedInputTokens",
        "llm.token_count.prompt_details.cache_read",
        "gen_ai.usage.details.cache_read_tokens",
        "cached_token_count",
    ];
    in_this_order(&read, &json!(64), &json!(7), "$ai_cache_read_input_tokens");
    let written = [
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
        "gen_ai.usage.input_tokens.cache_write",
        "ai.usage.inputTokenDetails.cacheWriteTokens",
        "llm.token_count.prompt_details.cache_write",
    ];
    in_this_order(
        &written,
        &json!(64),
        &json!(7),
        "$ai_cache_creation_input_tokens",
    );
    let metadata = json!({ "anthropic": { "cacheCreationInputTokens": 64 } }).to_string();
    let found = call(&json!({ "ai.response.providerMetadata": metadata }));
    assert_eq!(found["$ai_cache_creation_input_tokens"], 64);
}

#[test]
fn whether_cached_tokens_are_a_part_of_the_input_is_always_said() {
    for (input, read, written, expected) in [
        (1020, 900, 100, false),
        (1000, 900, 100, false),
        (999, 900, 100, true),
        (20, 900, 100, true),
        (120, 0, 0, false),
        (0, 0, 0, false),
    ] {
        let found = call(&json!({
            "gen_ai.usage.input_tokens": input, "gen_ai.usage.output_tokens": 1,
            "gen_ai.usage.cache_read.input_tokens": read, "gen_ai.usage.cache_creation.input_tokens": written,
        }));
        assert_eq!(found["$ai_cache_reporting_exclusive"], expected, "{input}");
        assert_eq!(found["$ai_input_tokens"], input, "as it was reported");
    }
}

#[test]
fn lifetimes_of_cache_writes_add_up_to_the_whole() {
    let metadata = |short: u64, long: u64| {
        let creation =
            json!({ "ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long });
        json!({ "ai.response.providerMetadata": json!({ "anthropic": { "usage": { "cache_creation": creation } } }).to_string() })
    };
    for (context, stated) in [
        (
            "anthropic",
            json!({ "anthropic.usage.cache_creation.ephemeral_5m_input_tokens": 60, "anthropic.usage.cache_creation.ephemeral_1h_input_tokens": 40 }),
        ),
        (
            "openrouter",
            json!({ "gen_ai.usage.input_tokens.cache_write_5m": 60, "gen_ai.usage.input_tokens.cache_write_1h": 40 }),
        ),
        ("ai sdk", metadata(60, 40)),
        (
            "claude code",
            json!({ "cache_creation_5m_tokens": 60, "cache_creation_1h_tokens": 40 }),
        ),
    ] {
        let found = call(&with(
            stated,
            &json!({ "gen_ai.usage.cache_creation.input_tokens": 100, "gen_ai.usage.input_tokens": 200 }),
        ));
        let split = [
            &found["$ai_cache_creation_5m_input_tokens"],
            &found["$ai_cache_creation_1h_input_tokens"],
        ];
        assert_eq!(split, [&json!(60), &json!(40)], "{context}");
    }
    let found = call(&with(
        metadata(60, 41),
        &json!({ "gen_ai.usage.cache_creation.input_tokens": 100, "gen_ai.usage.input_tokens": 200 }),
    ));
    let split = [
        "$ai_cache_creation_5m_input_tokens",
        "$ai_cache_creation_1h_input_tokens",
    ]
    .map(|it| found[it].as_u64());
    assert_eq!(
        split.iter().flatten().sum::<u64>(),
        100,
        "parts that do not add up are none"
    );
}

#[test]
fn reasoning_is_read_under_every_name_and_is_a_part_of_the_output() {
    let names = [
        "gen_ai.usage.reasoning.output_tokens",
        "gen_ai.usage.output_tokens.reasoning",
        "gen_ai.usage.reasoning_tokens",
        "gen_ai.usage.details.reasoning_tokens",
        "ai.usage.outputTokenDetails.reasoningTokens",
        "ai.usage.reasoningTokens",
        "llm.token_count.completion_details.reasoning",
        "codex.usage.reasoning_output_tokens",
        "thoughts_token_count",
    ];
    in_this_order(&names, &json!(12), &json!(7), "$ai_reasoning_tokens");
    for name in names {
        let found = call(
            &json!({ name: 12, "gen_ai.usage.output_tokens": 30, "gen_ai.request.model": "gpt-5" }),
        );
        assert_eq!(found["$ai_output_tokens"], 30, "{name}");
    }
}

#[test]
fn a_stated_cost_is_passed_through_and_a_guess_of_zero_is_none() {
    let cost = |stated: Value| {
        let found = call(&with(
            stated,
            &json!({ "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 9 }),
        ));
        let cost = [
            "$ai_input_cost_usd",
            "$ai_output_cost_usd",
            "$ai_total_cost_usd",
            "$ai_cost_passthrough",
        ];
        json!(cost.map(|it| found.get(it).cloned().unwrap_or_default()))
    };
    for (stated, expected) in [
        (
            json!({ "gen_ai.usage.input_cost": 0.25, "gen_ai.usage.output_cost": 0.5, "gen_ai.usage.total_cost": 0.75 }),
            json!([0.25, 0.5, 0.75, true]),
        ),
        (
            json!({ "gen_ai.usage.input_cost": 0.0, "gen_ai.usage.output_cost": 0.5, "gen_ai.usage.total_cost": 0.5 }),
            json!([null, null, 0.5, true]),
        ),
        (
            json!({ "gen_ai.usage.total_cost": 0.5 }),
            json!([null, null, 0.5, true]),
        ),
        (
            json!({ "ai.response.providerMetadata": r#"{"openrouter":{"usage":{"cost":0.5}}}"# }),
            json!([null, null, 0.5, true]),
        ),
        (
            json!({ "gen_ai.usage.cost": 0.0 }),
            json!([null, null, null, null]),
        ),
        (json!({}), json!([null, null, null, null])),
    ] {
        assert_eq!(cost(stated.clone()), expected, "{stated}");
    }
}

#[test]
fn a_reason_to_stop_is_read_under_every_name_and_has_posthog_s_word() {
    for (stated, expected) in [
        (
            json!({ "gen_ai.response.finish_reasons": ["tool-calls"] }),
            "tool_calls",
        ),
        (
            json!({ "gen_ai.response.finish_reasons": r#"["tool_call"]"# }),
            "tool_calls",
        ),
        (
            json!({ "gen_ai.response.finish_reason": "tool_use" }),
            "tool_calls",
        ),
        (json!({ "ai.response.finishReason": "stop" }), "stop"),
        (json!({ "llm.finish_reason": "end_turn" }), "stop"),
        (
            json!({ "anthropic.message.stop_reason": "max_tokens" }),
            "length",
        ),
        (json!({ "stop_reason": "MAX_TOKENS" }), "length"),
        (
            json!({ "gen_ai.output.messages": r#"[{"role":"assistant","parts":[],"finish_reason":"STOP"}]"# }),
            "stop",
        ),
        (
            json!({ "gen_ai.response.finish_reasons": ["content_filter"] }),
            "content_filter",
        ),
    ] {
        assert_eq!(call(&stated)["$ai_stop_reason"], expected, "{stated}");
    }
}

#[test]
fn the_first_token_is_in_seconds_and_within_the_call() {
    for (stated, expected) in [
        (
            json!({ "gen_ai.response.time_to_first_chunk": 0.5 }),
            json!(0.5),
        ),
        (
            json!({ "gen_ai.client.operation.time_to_first_chunk": 0.5 }),
            json!(0.5),
        ),
        (json!({ "ai.response.msToFirstChunk": 500.0 }), json!(0.5)),
        (json!({ "ttft_ms": 500 }), json!(0.5)),
        (
            json!({ "trace.metadata.openrouter.first_token_ms": "500.0" }),
            json!(0.5),
        ),
        (
            json!({ "gen_ai.server.time_to_first_token": 0.5, "gen_ai.request.stream": true }),
            json!(0.5),
        ),
        (
            json!({ "gen_ai.server.time_to_first_token": 2.0 }),
            Value::Null,
        ),
        (json!({ "ttft_ms": 0 }), Value::Null),
        (json!({ "ttft_ms": 2_001 }), Value::Null),
    ] {
        let found = call(&stated)
            .get("$ai_time_to_first_token")
            .cloned()
            .unwrap_or_default();
        assert_eq!(found, expected, "{stated}");
    }
}

#[test]
fn parameters_are_read_under_every_name() {
    for (attribute, name) in [
        ("gen_ai.request.temperature", "temperature"),
        ("gen_ai.request.top_p", "top_p"),
        ("gen_ai.request.top_k", "top_k"),
        ("gen_ai.request.max_tokens", "max_tokens"),
        ("gen_ai.request.seed", "seed"),
        ("gen_ai.request.frequency_penalty", "frequency_penalty"),
        ("gen_ai.request.presence_penalty", "presence_penalty"),
        ("ai.settings.maxOutputTokens", "max_tokens"),
        ("ai.settings.maxTokens", "max_tokens"),
        ("ai.settings.topP", "top_p"),
        ("ai.settings.temperature", "temperature"),
    ] {
        let found = &call(&json!({ attribute: 5 }))["$ai_model_parameters"];
        assert_eq!(found, &json!({ name: 5 }), "{attribute}");
    }
    for (attribute, name, value) in [
        (
            "gen_ai.request.stop_sequences",
            "stop_sequences",
            json!(["x"]),
        ),
        ("gen_ai.request.stream", "stream", json!(true)),
        ("gen_ai.request.reasoning.level", "effort", json!("high")),
    ] {
        let found = &call(&json!({ attribute: value }))["$ai_model_parameters"];
        assert_eq!(found, &json!({ name: value }), "{attribute}");
    }
    let invocation = json!({ "llm.invocation_parameters": r#"{"temperature":5}"# });
    assert_eq!(
        call(&invocation)["$ai_model_parameters"],
        json!({ "temperature": 5 })
    );
}
