//! Content that never leaves the machine, and requests that break nothing.

use serde_json::{Value, json};

use super::complaints::chat;
use super::traces::{Files, attributes_of, events_of, failed, named, only, request, span};
use crate::support::library::Run;

#[test]
fn images_vectors_headers_and_command_lines_never_leave() {
    let image = format!(
        "data:image/png;base64,{}",
        "iVBORw0KGgoAAAANSUhEUg".repeat(40)
    );
    let buffer = json!({ "type": "Buffer", "data": vec![137; 400] });
    let messages = json!([{ "role": "user", "content": [
        { "type": "text", "text": "What is it?" },
        { "type": "image", "image": buffer },
        { "type": "image_url", "image_url": { "url": image } },
    ] }]);
    let call = chat(&json!({
        "ai.prompt.messages": messages.to_string(),
        "ai.request.headers.authorization": "Bearer planted-header",
        "ai.response.providerMetadata": r#"{"x":"planted-metadata"}"#,
        "url.full": "https://planted-url/",
        "db.query.text": "planted-query",
    }));
    let mut request = request("shop", "ai", &[span("1", "chat", (0, 9), &call)]);
    request["resourceSpans"][0]["resource"]["attributes"] = attributes_of(&json!({
        "service.name": "shop", "process.command_args": ["planted-argument"], "host.name": "planted-host",
    }));
    let events = Files::of(&[request]).events(&Run::default());
    let text = json!(events).to_string();
    for planted in ["iVBOR", "137,137", "planted"] {
        assert!(!text.contains(planted), "{planted} in {text}");
    }
    let parts = &only(&events, "$ai_generation")["$ai_input"][0]["content"];
    assert_eq!(parts[1]["text"], "[image of unknown type, 400 bytes]");
    assert_eq!(parts[2]["text"], "[image image/png, 660 bytes]");
}

#[test]
fn in_privacy_mode_only_names_and_numbers_leave() {
    let secret = "planted words";
    let message = |role: &str| {
        json!([{ "role": role, "parts": [{ "type": "text", "content": secret }] }]).to_string()
    };
    let call = chat(
        &json!({ "gen_ai.input.messages": message("user"), "gen_ai.output.messages": message("assistant"), "gen_ai.system_instructions": message("system") }),
    );
    let agent = json!({ "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "agent", "gen_ai.input.messages": message("user"), "input.value": secret });
    let execution = json!({ "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "weather", "gen_ai.tool.call.arguments": secret, "gen_ai.tool.call.result": secret });
    let files = Files::of(&[request(
        "shop",
        "x",
        &[
            span("1", "agent", (0, 99), &agent),
            span("2<1", "chat", (1, 9), &call),
            failed(
                span("3<1", "execute_tool weather", (10, 19), &execution),
                "Error",
                secret,
            ),
        ],
    )]);
    let events = files.events(&Run::private());
    assert!(
        !json!(events).to_string().contains("planted"),
        "{events:#?}"
    );
    let call = only(&events, "$ai_generation");
    assert_eq!(
        (&call["$ai_input"], &call["$ai_output_choices"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(call["$ai_input_tokens"], 9);
    assert_eq!(
        only(&events, "$ai_trace")["$ai_trace_name"],
        "agent",
        "programmers chose it"
    );
}

#[test]
fn an_application_that_records_no_content_has_null_for_it() {
    let events = events_of("x", &[span("1", "chat", (0, 9), &chat(&json!({})))]);
    let call = only(&events, "$ai_generation");
    assert_eq!(
        (&call["$ai_input"], &call["$ai_output_choices"]),
        (&Value::Null, &Value::Null)
    );
}

#[test]
fn a_message_of_another_emitter_s_form_is_no_reason_to_lose_a_call() {
    for value in [
        json!("{broken"),
        json!([1, 2]),
        json!({ "odd": [null] }),
        json!(7),
        json!(""),
        json!("null"),
    ] {
        let call = chat(
            &json!({ "gen_ai.input.messages": value, "gen_ai.output.messages": value, "gen_ai.tool.definitions": value, "ai.response.toolCalls": value }),
        );
        let events = events_of("x", &[span("1", "chat", (0, 9), &call)]);
        assert_eq!(
            only(&events, "$ai_generation")["$ai_input_tokens"],
            9,
            "{value}"
        );
    }
}

#[test]
fn a_chain_of_ten_thousand_spans_is_read() {
    let mut spans = vec![span(
        "1",
        "agent",
        (0, 99),
        &json!({ "gen_ai.operation.name": "invoke_agent", "user.id": "ada" }),
    )];
    for number in 2..10_000 {
        let ids = format!("{number:x}<{:x}", number - 1);
        spans.push(span(&ids, "step", (1, 98), &json!({})));
    }
    spans.push(span("ffff<270f", "chat", (2, 9), &chat(&json!({}))));
    let events = events_of("x", &spans);
    assert_eq!(events.len(), 2);
    assert_eq!(
        events[0]["distinct_id"], "ada",
        "the user of the outermost span"
    );
}

#[test]
fn a_secret_in_an_id_never_leaves_and_equal_ids_stay_equal() {
    let secret = format!("ghp_{}", "a1B2c3D4e5F6g7H8i9".repeat(2));
    for name in [
        "posthog.distinct_id",
        "user.id",
        "gen_ai.conversation.id",
        "$groups",
        "ai.telemetry.metadata.note",
        "ai.telemetry.metadata.mark-SECRET",
        "gen_ai.agent.name",
        "server.address",
    ] {
        let value = match name {
            "$groups" => json!({ "company": secret }).to_string(),
            _ => format!("of {secret}"),
        };
        let call = chat(&json!({ name.replace("SECRET", &secret): value }));
        let spans = [
            span("1", "chat", (0, 9), &call),
            span("2", "chat", (10, 19), &call),
        ];
        let events = events_of("x", &spans);
        let text = json!(events).to_string();
        assert!(!text.contains(&secret), "{name}: {text}");
        assert!(text.contains("[redacted:"), "{name}: {text}");
        let calls = named(&events, "$ai_generation");
        let ids = |it: &Value| {
            [
                it["distinct_id"].clone(),
                it["properties"]["$ai_session_id"].clone(),
            ]
        };
        assert_eq!(ids(calls[0]), ids(calls[1]), "{name}");
    }
}

#[test]
fn an_id_that_holds_no_secret_stays_as_it_is() {
    for id in ["ada@example.com", "user_123", "+43 1 234", "7f3a9c", "Zoë"] {
        let call = chat(&json!({ "posthog.distinct_id": id, "session.id": id }));
        let events = events_of("x", &[span("1", "chat", (0, 9), &call)]);
        assert_eq!(events[0]["distinct_id"], id);
        assert_eq!(events[0]["properties"]["$ai_session_id"], id);
    }
}
