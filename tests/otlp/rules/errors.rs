//! Errors of calls, and of the work around them.

use serde_json::{Value, json};

use crate::otlp::complaints::chat;
use crate::otlp::traces::{attributes_of, events_of, only, span};

/// A call that threw an exception.
fn thrown(attributes: &Value) -> Value {
    let mut call = span("1", "chat", (0, 9), &chat(attributes));
    let exception = json!({
        "exception.type": "Refused", "exception.message": "not today",
        "exception.stacktrace": "planted",
    });
    call["status"] = json!({ "code": 2, "message": "of the status" });
    call["events"] = json!([{ "timeUnixNano": "1", "name": "exception",
        "attributes": attributes_of(&exception) }]);
    call
}

/// A call with an error only in its attributes.
fn stated(attributes: &Value) -> Value {
    span("1", "chat", (0, 9), &chat(attributes))
}

#[test]
fn an_error_is_what_the_exception_says_and_its_status_is_none_unless_it_is_known() {
    let text = "Refused: not today";
    let words = json!({ "success": false, "error": "status code 429" });
    for (call, text, status) in [
        (thrown(&json!({})), text, Value::Null),
        (
            thrown(&json!({ "http.response.status_code": 503 })),
            text,
            json!(503),
        ),
        (
            thrown(&json!({ "http.response.status_code": 200 })),
            text,
            Value::Null,
        ),
        (
            stated(&json!({ "error.type": "Timeout" })),
            "Timeout",
            Value::Null,
        ),
        (
            stated(&json!({ "success": false, "error": "broken" })),
            "broken",
            Value::Null,
        ),
        (stated(&words), "status code 429", json!(429)),
    ] {
        let events = events_of("x", &[call]);
        let call = only(&events, "$ai_generation");
        assert_eq!(call["$ai_is_error"], true, "{text}");
        assert_eq!(call["$ai_error"], text);
        assert_eq!(call["$ai_http_status"], status, "{text}");
        assert!(!json!(events).to_string().contains("planted"), "{text}");
    }
}

#[test]
fn work_around_a_failed_call_is_marked_and_is_no_second_failure() {
    let agent = json!({ "gen_ai.operation.name": "invoke_agent", "error.type": "Timeout" });
    let events = events_of(
        "x",
        &[
            span("1", "agent", (0, 99), &agent),
            span(
                "2<1",
                "chat",
                (1, 9),
                &chat(&json!({ "error.type": "Timeout" })),
            ),
        ],
    );
    let trace = only(&events, "$ai_trace");
    assert_eq!(
        (&trace["$ai_is_error"], &trace["error_count"]),
        (&json!(true), &json!(1))
    );
}
