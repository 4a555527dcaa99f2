use serde_json::json;

use super::*;

/// Messages as text, one line each.
fn said(value: Json, author: Role) -> Vec<String> {
    let messages = messages(value, author).unwrap_or_default();
    let lines = messages.iter().map(|message| {
        let role = match message.role {
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::System => "system",
        };
        let blocks: Vec<String> = message.content.iter().map(words).collect();
        format!("{role}: {}", blocks.join(", "))
    });
    lines.collect()
}

fn words(block: &Block) -> String {
    match block {
        Block::Text(text) => format!("text {text}"),
        Block::Thinking(text) => format!("thinking {text}"),
        Block::ToolCall(call) => format!("call {} {}{}", call.id, call.name, call.input),
        Block::ToolResult { call_id, result } => {
            let content: Vec<String> = result.content.iter().map(words).collect();
            format!("answer {call_id} {}", content.join(", "))
        }
        Block::Media { kind, .. } => kind.clone(),
        Block::Json(value) => format!("json {value}"),
        other => format!("{other:?}"),
    }
}

/// A conversation as providers and the conventions write it.
fn of_conventions() -> Vec<(&'static str, Json)> {
    vec![
        (
            "the conventions",
            json!([
                {"role": "system", "parts": [{"type": "text", "content": "terse"}]},
                {"role": "user", "parts": [{"type": "text", "content": "Weather in Oslo?"}]},
                {"role": "assistant", "parts": [{"type": "tool_call", "id": "a", "name": "weather", "arguments": {"city": "Oslo"}}]},
                {"role": "tool", "parts": [{"type": "tool_call_response", "id": "a", "response": {"temp": 7}}]},
            ]),
        ),
        (
            "pydantic-ai, whose arguments are text",
            json!([
                {"role": "system", "parts": [{"type": "text", "content": "terse"}]},
                {"role": "user", "parts": [{"type": "text", "content": "Weather in Oslo?"}]},
                {"role": "assistant", "parts": [{"type": "tool_call", "id": "a", "name": "weather", "arguments": "{\"city\":\"Oslo\"}"}]},
                {"role": "user", "parts": [{"type": "tool_call_response", "id": "a", "name": "weather", "result": "{\"temp\":7}"}]},
            ]),
        ),
        (
            "the AI SDK",
            json!([
                {"role": "system", "content": "terse"},
                {"role": "user", "content": [{"type": "text", "text": "Weather in Oslo?"}]},
                {"role": "assistant", "content": [{"type": "tool-call", "toolCallId": "a", "toolName": "weather", "input": {"city": "Oslo"}}]},
                {"role": "tool", "content": [{"type": "tool-result", "toolCallId": "a", "toolName": "weather", "output": {"type": "json", "value": {"temp": 7}}}]},
            ]),
        ),
        (
            "the Chat Completions API",
            json!({"model": "m", "messages": [
                {"role": "developer", "content": "terse"},
                {"role": "user", "content": "Weather in Oslo?"},
                {"role": "assistant", "content": null, "tool_calls": [{"id": "a", "type": "function", "function": {"name": "weather", "arguments": "{\"city\":\"Oslo\"}"}}]},
                {"role": "tool", "tool_call_id": "a", "content": "{\"temp\":7}"},
            ]}),
        ),
    ]
}

/// The same conversation as other interfaces and frameworks write it.
fn of_others() -> Vec<(&'static str, Json)> {
    vec![
        (
            "Anthropic's API",
            json!({"system": "terse", "messages": [
                {"role": "user", "content": "Weather in Oslo?"},
                {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "weather", "input": {"city": "Oslo"}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "{\"temp\":7}"}]},
            ]}),
        ),
        (
            "the Responses API",
            json!({"instructions": "terse", "input": [
                {"role": "user", "content": [{"type": "input_text", "text": "Weather in Oslo?"}]},
                {"type": "function_call", "call_id": "a", "name": "weather", "arguments": "{\"city\":\"Oslo\"}"},
                {"type": "function_call_output", "call_id": "a", "output": "{\"temp\":7}"},
            ]}),
        ),
        (
            "OpenInference",
            json!([
                {"message": {"role": "system", "content": "terse"}},
                {"message": {"role": "user", "contents": [{"message_content": {"type": "text", "text": "Weather in Oslo?"}}]}},
                {"message": {"role": "assistant", "tool_calls": [{"tool_call": {"id": "a", "function": {"name": "weather", "arguments": "{\"city\": \"Oslo\"}"}}}]}},
                {"message": {"role": "tool", "content": "{\"temp\":7}", "tool_call_id": "a", "name": "weather"}},
            ]),
        ),
        (
            "LangChain",
            json!({"messages": [[
                {"lc": 1, "type": "constructor", "id": ["langchain", "SystemMessage"], "kwargs": {"content": "terse", "type": "system"}},
                {"lc": 1, "type": "constructor", "id": ["langchain", "HumanMessage"], "kwargs": {"content": "Weather in Oslo?", "type": "human"}},
                {"type": "ai", "data": {"content": "", "tool_calls": [{"name": "weather", "args": {"city": "Oslo"}, "id": "a", "type": "tool_call"}]}},
                {"content": "{\"temp\":7}", "type": "tool", "name": "weather", "tool_call_id": "a"},
            ]]}),
        ),
    ]
}

#[test]
fn every_dialect_s_messages_say_the_same() {
    let conversation = [
        "system: text terse",
        "user: text Weather in Oslo?",
        r#"assistant: call a weather{"city":"Oslo"}"#,
        r#"user: answer a json {"temp":7}"#,
    ];
    for (dialect, value) in of_conventions().into_iter().chain(of_others()) {
        assert_eq!(said(value.clone(), Role::User), conversation, "{dialect}");
        let text = Json::String(value.to_string());
        assert_eq!(said(text, Role::User), conversation, "{dialect} as text");
    }
}

#[test]
fn gemini_s_parts_have_no_types() {
    let value = json!({"contents": [
        {"role": "user", "parts": [{"text": "Weather?"}]},
        {"role": "model", "parts": [{"text": "hm", "thought": true}, {"functionCall": {"name": "weather", "args": {"city": "Oslo"}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "weather", "response": {"temp": 7}}}]},
    ], "systemInstruction": {"parts": [{"text": "terse"}]}});
    assert_eq!(
        said(value, Role::User),
        [
            "system: text terse",
            "user: text Weather?",
            r#"assistant: thinking hm, call  weather{"city":"Oslo"}"#,
            r#"user: answer  json {"temp":7}"#,
        ]
    );
}

#[test]
fn every_dialect_s_answer_is_the_model_s() {
    let expected = [r#"assistant: thinking hm, text Cold., call a weather{"city":"Oslo"}"#];
    for (dialect, value) in [
        (
            "the conventions",
            json!([{"role": "assistant", "finish_reason": "tool_call", "parts": [
                {"type": "thinking", "content": "hm"},
                {"type": "text", "content": "Cold."},
                {"type": "tool_call", "id": "a", "name": "weather", "arguments": {"city": "Oslo"}},
            ]}]),
        ),
        (
            "OpenRouter",
            json!({"completion": "Cold.", "reasoning": "hm", "toolCalls": [{"id": "a", "index": 0, "type": "function", "function": {"name": "weather", "arguments": "{\"city\":\"Oslo\"}"}}]}),
        ),
        (
            "the Chat Completions API",
            json!({"choices": [{"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant", "reasoning_content": "hm", "content": "Cold.", "tool_calls": [{"id": "a", "type": "function", "function": {"name": "weather", "arguments": "{\"city\":\"Oslo\"}"}}]}}]}),
        ),
        (
            "the Responses API",
            json!({"id": "resp_1", "output": [
                {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}]},
                {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Cold."}]},
                {"type": "function_call", "call_id": "a", "name": "weather", "arguments": "{\"city\":\"Oslo\"}"},
            ]}),
        ),
        (
            "Anthropic's API",
            json!({"id": "msg_1", "type": "message", "role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm"},
                {"type": "text", "text": "Cold."},
                {"type": "tool_use", "id": "a", "name": "weather", "input": {"city": "Oslo"}},
            ]}),
        ),
    ] {
        assert_eq!(said(value, Role::Assistant), expected, "{dialect}");
    }
}

#[test]
fn a_value_without_messages_is_none() {
    for value in [json!({"city": "Oslo"}), json!(7), json!(""), json!([])] {
        assert!(messages(value.clone(), Role::User).is_none(), "{value}");
    }
}
