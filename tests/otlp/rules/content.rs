//! Content of messages: from every place, in every shape.

use serde_json::{Map, Value, json};

use crate::otlp::complaints::chat;
use crate::otlp::traces::{Files, events_of, log, log_request, named, only, request, span, with};
use crate::support::library::Run;

fn call(attributes: &Value) -> Map<String, Value> {
    let events = events_of("x", &[span("1", "chat", (0, 9), &chat(attributes))]);
    only(&events, "$ai_generation")
        .as_object()
        .expect("properties")
        .clone()
}

fn said(role: &str, text: &str) -> Value {
    json!([{ "role": role, "content": [{ "type": "text", "text": text }] }])
}

#[test]
fn input_is_read_from_every_place() {
    let parts = json!([{ "role": "user", "parts": [{ "type": "text", "content": "Hi" }] }]);
    let plain = json!([{ "role": "user", "content": "Hi" }]);
    for (case, attributes) in [
        (
            "conventions, text",
            json!({ "gen_ai.input.messages": parts.to_string() }),
        ),
        (
            "conventions, values",
            json!({ "gen_ai.input.messages": parts }),
        ),
        ("ai sdk", json!({ "ai.prompt.messages": plain.to_string() })),
        (
            "ai sdk, outer",
            json!({ "ai.prompt": r#"{"prompt":"Hi"}"# }),
        ),
        (
            "old openllmetry",
            json!({ "gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "Hi" }),
        ),
        (
            "one text",
            json!({ "gen_ai.prompt": json!({ "messages": plain }).to_string() }),
        ),
        (
            "openinference",
            json!({ "llm.input_messages.0.message.role": "user", "llm.input_messages.0.message.content": "Hi" }),
        ),
        (
            "langfuse",
            json!({ "langfuse.observation.input": plain.to_string() }),
        ),
        (
            "events in an attribute",
            json!({ "events": json!([{ "event.name": "gen_ai.user.message", "role": "user", "content": "Hi" }]).to_string() }),
        ),
        ("input value", json!({ "input.value": "Hi" })),
        ("traceloop", json!({ "traceloop.entity.input": "Hi" })),
        (
            "google adk",
            json!({ "gcp.vertex.agent.llm_request": json!({ "contents": [{ "role": "user", "parts": [{ "text": "Hi" }] }] }).to_string() }),
        ),
    ] {
        assert_eq!(call(&attributes)["$ai_input"], said("user", "Hi"), "{case}");
    }
}

#[test]
fn messages_in_span_events_and_log_records_are_the_content() {
    let mut in_events = span("1", "chat", (0, 9), &chat(&json!({})));
    let attributes = crate::otlp::traces::attributes_of(&json!({ "content": "Hi" }));
    in_events["events"] =
        json!([{ "timeUnixNano": "1", "name": "gen_ai.user.message", "attributes": attributes }]);
    let events = events_of("x", &[in_events]);
    assert_eq!(
        only(&events, "$ai_generation")["$ai_input"],
        said("user", "Hi")
    );
    let record = log(
        "1",
        "gen_ai.user.message",
        &json!({}),
        &json!({ "content": "Hi" }),
    );
    let files = Files::of(&[
        request("shop", "x", &[span("1", "chat", (0, 9), &chat(&json!({})))]),
        log_request("shop", &[record]),
    ]);
    let events = files.events(&Run::default());
    assert_eq!(
        only(&events, "$ai_generation")["$ai_input"],
        said("user", "Hi")
    );
}

#[test]
fn log_records_are_in_the_order_of_their_times_however_they_come() {
    let record = |at: u64, event: &str, text: &str| {
        let mut record = log("1", event, &json!({}), &json!({ "content": text }));
        record["timeUnixNano"] = "0".into();
        record["observedTimeUnixNano"] = (1_772_366_400_000_000_000 + at).to_string().into();
        record
    };
    let mut records = vec![
        record(1, "gen_ai.user.message", "one"),
        record(2, "gen_ai.assistant.message", "two"),
        record(3, "gen_ai.user.message", "three"),
    ];
    let call = request("shop", "x", &[span("1", "chat", (0, 9), &chat(&json!({})))]);
    let mut events = Vec::new();
    for _ in 0..2 {
        let files = Files::of(&[call.clone(), log_request("shop", &records)]);
        events.push(files.events(&Run::default()));
        records.reverse();
    }
    assert_eq!(events[0], events[1]);
    let input = &only(&events[0], "$ai_generation")["$ai_input"];
    assert_eq!(input[2]["content"][0]["text"], "three");
}

#[test]
fn system_instructions_lead_the_input() {
    let attributes = json!({
        "gen_ai.system_instructions": r#"[{"type":"text","content":"Be brief."}]"#,
        "gen_ai.input.messages": r#"[{"role":"user","parts":[{"type":"text","content":"Hi"}]}]"#,
    });
    let input = &call(&attributes)["$ai_input"];
    assert_eq!(
        input[0],
        json!({ "role": "system", "content": [{ "type": "text", "text": "Be brief." }] })
    );
    assert_eq!(input[1]["role"], "user");
}

#[test]
fn output_is_read_from_every_place() {
    for (case, attributes) in [
        (
            "conventions",
            json!({ "gen_ai.output.messages": r#"[{"role":"assistant","parts":[{"type":"text","content":"Hello"}]}]"# }),
        ),
        ("ai sdk", json!({ "ai.response.text": "Hello" })),
        (
            "old openllmetry",
            json!({ "gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.content": "Hello" }),
        ),
        (
            "one text",
            json!({ "gen_ai.completion": r#"[{"role":"assistant","content":"Hello"}]"# }),
        ),
        (
            "openinference",
            json!({ "llm.output_messages.0.message.role": "assistant", "llm.output_messages.0.message.content": "Hello" }),
        ),
        (
            "langfuse",
            json!({ "langfuse.observation.output": r#"{"role":"assistant","content":"Hello"}"# }),
        ),
        ("output value", json!({ "output.value": "Hello" })),
        (
            "google adk",
            json!({ "gcp.vertex.agent.llm_response": r#"{"content":{"role":"model","parts":[{"text":"Hello"}]},"finish_reason":"STOP"}"# }),
        ),
    ] {
        assert_eq!(
            call(&attributes)["$ai_output_choices"],
            said("assistant", "Hello"),
            "{case}"
        );
    }
}

#[test]
fn an_answer_of_the_ai_sdk_is_its_thoughts_text_calls_and_object() {
    let calls = r#"[{"toolCallId":"a","toolName":"weather","input":"{\"city\":\"Oslo\"}"}]"#;
    let as_object = r#"[{"toolCallId":"a","toolName":"weather","input":{"city":"Oslo"}}]"#;
    let of_version_4 = r#"[{"toolCallId":"a","toolName":"weather","args":{"city":"Oslo"}}]"#;
    let function = json!({ "type": "function", "id": "a", "function": { "name": "weather", "arguments": { "city": "Oslo" } } });
    for calls in [calls, as_object, of_version_4] {
        let found = call(&json!({ "ai.response.text": "", "ai.response.toolCalls": calls }));
        assert_eq!(
            found["$ai_output_choices"][0]["content"],
            json!([function]),
            "empty text is none"
        );
    }
    let found = call(
        &json!({ "ai.response.reasoning": "Hm.", "ai.response.text": "Cold.", "ai.response.toolCalls": calls }),
    );
    let text = json!(found["$ai_output_choices"]).to_string();
    let places = ["Hm.", "Cold.", "weather"].map(|it| text.find(it).expect("it is there"));
    assert!(places.is_sorted(), "{text}");
    let found = call(&json!({ "ai.response.object": r#"{"a":1}"# }));
    assert_eq!(
        found["$ai_output_choices"][0]["content"][0]["text"],
        r#"{"a":1}"#
    );
}

#[test]
fn tools_that_are_offered_are_read_from_every_place() {
    let tool = json!({ "type": "function", "name": "weather" });
    for (case, attributes) in [
        (
            "conventions",
            json!({ "gen_ai.tool.definitions": json!([tool]).to_string() }),
        ),
        ("ai sdk", json!({ "ai.prompt.tools": [tool.to_string()] })),
        (
            "openinference",
            json!({ "llm.tools.0.tool.json_schema": tool.to_string() }),
        ),
        (
            "old openllmetry",
            json!({ "llm.request.functions.0.type": "function", "llm.request.functions.0.name": "weather" }),
        ),
        (
            "pydantic ai",
            json!({ "model_request_parameters": json!({ "function_tools": [tool] }).to_string() }),
        ),
    ] {
        assert_eq!(call(&attributes)["$ai_tools"], json!([tool]), "{case}");
    }
}

#[test]
fn parts_have_posthog_s_shapes() {
    let function = json!({ "type": "function", "id": "a", "function": { "name": "weather", "arguments": { "city": "Oslo" } } });
    for (part, expected) in [
        (
            json!({ "type": "text", "content": "Hi" }),
            json!({ "type": "text", "text": "Hi" }),
        ),
        (
            json!({ "type": "text", "text": "Hi" }),
            json!({ "type": "text", "text": "Hi" }),
        ),
        (
            json!({ "text": "Hi" }),
            json!({ "type": "text", "text": "Hi" }),
        ),
        (
            json!({ "type": "reasoning", "content": "Hm" }),
            json!({ "type": "thinking", "thinking": "Hm" }),
        ),
        (
            json!({ "type": "thinking", "content": "Hm" }),
            json!({ "type": "thinking", "thinking": "Hm" }),
        ),
        (
            json!({ "type": "reasoning", "content": r#"[{"text":"Hm","type":"summary_text"}]"# }),
            json!({ "type": "thinking", "thinking": "Hm" }),
        ),
        (
            json!({ "type": "tool_call", "id": "a", "name": "weather", "arguments": { "city": "Oslo" } }),
            function.clone(),
        ),
        (
            json!({ "type": "tool_call", "id": "a", "name": "weather", "arguments": r#"{"city":"Oslo"}"# }),
            function.clone(),
        ),
        (
            json!({ "type": "tool-call", "toolCallId": "a", "toolName": "weather", "input": { "city": "Oslo" } }),
            function.clone(),
        ),
        (
            json!({ "type": "tool_use", "id": "a", "name": "weather", "input": { "city": "Oslo" } }),
            function,
        ),
        (
            json!({ "functionCall": { "name": "weather", "args": { "city": "Oslo" } } }),
            json!({ "type": "function", "id": "", "function": { "name": "weather", "arguments": { "city": "Oslo" } } }),
        ),
    ] {
        let message = json!([{ "role": "assistant", "parts": [part] }]);
        let found = call(&json!({ "gen_ai.output.messages": message.to_string() }));
        assert_eq!(
            found["$ai_output_choices"][0]["content"][0], expected,
            "{part}"
        );
    }
}

#[test]
fn results_of_tools_are_messages_of_their_own() {
    for (case, message) in [
        (
            "conventions",
            json!({ "role": "tool", "parts": [{ "type": "tool_call_response", "id": "a", "response": { "temp": 7 } }] }),
        ),
        (
            "older conventions",
            json!({ "role": "tool", "parts": [{ "type": "tool_call_response", "id": "a", "result": { "temp": 7 } }] }),
        ),
        (
            "ai sdk",
            json!({ "role": "tool", "content": [{ "type": "tool-result", "toolCallId": "a", "output": { "type": "json", "value": { "temp": 7 } } }] }),
        ),
        (
            "openai",
            json!({ "role": "tool", "tool_call_id": "a", "content": r#"{"temp":7}"# }),
        ),
        (
            "anthropic",
            json!({ "role": "user", "content": [{ "type": "tool_result", "tool_use_id": "a", "content": r#"{"temp":7}"# }] }),
        ),
    ] {
        let found = call(&json!({ "gen_ai.input.messages": json!([message]).to_string() }));
        let expected = json!([{ "role": "tool", "tool_call_id": "a", "content": r#"{"temp":7}"# }]);
        assert_eq!(found["$ai_input"], expected, "{case}");
    }
}

#[test]
fn media_are_notes_with_type_and_size() {
    let data = "iVBORw0KGgoAAAANSUhEUg".repeat(40);
    for part in [
        json!({ "type": "blob", "modality": "image", "mime_type": "image/png", "content": data }),
        json!({ "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": data } }),
        json!({ "type": "image_url", "image_url": { "url": format!("data:image/png;base64,{data}") } }),
        json!({ "type": "image", "mediaType": "image/png", "image": { "type": "Buffer", "data": vec![137; 660] } }),
        json!({ "inlineData": { "mimeType": "image/png", "data": data } }),
    ] {
        let message = json!([{ "role": "user", "content": [part] }]);
        let found = call(&json!({ "gen_ai.input.messages": message.to_string() }));
        assert_eq!(
            found["$ai_input"][0]["content"][0]["text"], "[image image/png, 660 bytes]",
            "{part}"
        );
    }
}

#[test]
fn a_conversation_that_is_sent_whole_is_told_once() {
    let turn = |role: &str, text: &str| json!({ "role": role, "parts": [{ "type": "text", "content": text }] });
    let first = json!([turn("user", "one")]);
    let second = json!([
        turn("user", "one"),
        turn("assistant", "1"),
        turn("user", "two")
    ]);
    let changed = json!([
        turn("user", "uno"),
        turn("assistant", "1"),
        turn("user", "three")
    ]);
    let calls = [first, second, changed];
    let spans: Vec<Value> = calls
        .iter()
        .zip(0..)
        .map(|(messages, number)| {
            let ids = format!("{}", number + 1);
            span(
                &ids,
                "chat",
                (number * 10, number * 10 + 9),
                &chat(&json!({ "gen_ai.input.messages": messages.to_string() })),
            )
        })
        .collect();
    let events = events_of("x", &spans);
    let lengths: Vec<Option<usize>> = named(&events, "$ai_generation")
        .iter()
        .map(|it| it["properties"]["$ai_input"].as_array().map(Vec::len))
        .collect();
    assert_eq!(
        lengths,
        [Some(1), Some(1), Some(3)],
        "another conversation is whole"
    );
}

const PLACEHOLDERS: [&str; 6] = [
    "<REDACTED>",
    "[REDACTED]",
    "__REDACTED__",
    "[Filtered]",
    "[Scrubbed due to 'auth']",
    "<fully masked due to failed mask function>",
];

/// A text in all places of content of three emitters.
fn everywhere(text: &str) -> [Value; 3] {
    let message = |role: &str| {
        let parts = json!([{ "type": "text", "content": text }]);
        json!([{ "role": role, "parts": parts }]).to_string()
    };
    [
        json!({ "gen_ai.input.messages": message("user"), "gen_ai.output.messages": message("assistant") }),
        json!({
            "input.value": text, "output.value": text,
            "llm.input_messages.0.message.role": "user", "llm.input_messages.0.message.content": text,
            "llm.output_messages.0.message.role": "assistant", "llm.output_messages.0.message.content": text,
        }),
        json!({ "ai.prompt": text, "ai.response.text": text, "ai.response.reasoning": text }),
    ]
}

#[test]
fn what_an_emitter_writes_in_the_place_of_content_is_no_content() {
    for placeholder in PLACEHOLDERS {
        for attributes in everywhere(placeholder) {
            let agent = json!({ "gen_ai.operation.name": "invoke_agent", "user_prompt": placeholder, "user.id": placeholder });
            let spans = [
                span("1", "agent", (0, 99), &with(agent, &attributes)),
                span("2<1", "chat", (1, 9), &chat(&attributes)),
            ];
            let events = events_of("x", &spans);
            let call = only(&events, "$ai_generation");
            let content = [&call["$ai_input"], &call["$ai_output_choices"]];
            assert_eq!(content, [&Value::Null; 2], "{attributes}");
            assert!(
                !json!(events).to_string().contains(placeholder),
                "{events:#?}"
            );
        }
    }
    for attributes in everywhere("What is __REDACTED__?") {
        let input = &call(&attributes)["$ai_input"];
        assert_eq!(
            input,
            &said("user", "What is __REDACTED__?"),
            "words about it are content"
        );
    }
}

#[test]
fn thoughts_and_arguments_that_are_withheld_are_absent() {
    for placeholder in PLACEHOLDERS {
        let message = json!([{ "role": "assistant", "parts": [
            { "type": "reasoning", "content": placeholder },
            { "type": "tool_call", "id": "a", "name": "weather", "arguments": placeholder },
        ] }]);
        let found = call(&json!({ "gen_ai.output.messages": message.to_string() }));
        let function = json!({ "name": "weather", "arguments": null });
        let function = json!({ "type": "function", "id": "a", "function": function });
        let expected = json!([{ "role": "assistant", "content": [function] }]);
        assert_eq!(found["$ai_output_choices"], expected, "{placeholder}");
    }
}

#[test]
fn a_call_whose_input_is_not_recorded_says_so_and_tells_its_output() {
    let found = call(
        &json!({ "gen_ai.output.messages": r#"[{"role":"assistant","parts":[{"type":"text","content":"Hello"}]}]"# }),
    );
    assert_eq!(found["$ai_input"], Value::Null);
    assert_eq!(found["$ai_output_choices"], said("assistant", "Hello"));
}

#[test]
fn headers_metadata_addresses_and_queries_never_leave() {
    let attributes = json!({
        "ai.request.headers.authorization": "planted", "ai.response.providerMetadata": r#"{"x":"planted"}"#,
        "url.full": "https://planted.example/", "db.query.text": "planted", "db.statement": "planted",
        "http.request.header.cookie": "planted", "exception.stacktrace": "planted", "process.command_line": "planted",
    });
    let agent = with(
        json!({ "gen_ai.operation.name": "invoke_agent" }),
        &attributes,
    );
    let spans = [
        span("1", "agent", (0, 99), &agent),
        span("2<1", "chat", (1, 9), &chat(&attributes)),
    ];
    let events = events_of("ai", &spans);
    assert!(
        !json!(events).to_string().contains("planted"),
        "{events:#?}"
    );
}
