//! Errors of calls, and of the work around them.

use serde_json::{Value, json};

use crate::otlp::complaints::chat;
use crate::otlp::traces::{attributes_of, events_of, only, span};

#[test]
fn an_error_is_what_the_exception_says_and_its_status_is_none_unless_it_is_known() {
    let with_exception = |attributes: &Value| {
        let mut call = span("1", "chat", (0, 9), &chat(attributes));
        call["status"] = json!({ "code": 2, "message": "of the status" });
        call["events"] = json!([{ "timeUnixNano": "1", "name": "exception", "attributes": attributes_of(&json!({
            "exception.type": "Refused", "exception.message": "not today", "exception.stacktrace": "planted",
        })) }]);
        call
    };
    for (case, span_of_call, text, status) in [
        (
            "an exception",
            with_exception(&json!({})),
            "Refused: not today",
            Value::Null,
        ),
        (
            "a stated status",
            with_exception(&json!({ "http.response.status_code": 503 })),
            "Refused: not today",
            json!(503),
        ),
        (
            "a status that is none",
            with_exception(&json!({ "http.response.status_code": 200 })),
            "Refused: not today",
            Value::Null,
        ),
        (
            "a type alone",
            span(
                "1",
                "chat",
                (0, 9),
                &chat(&json!({ "error.type": "Timeout" })),
            ),
            "Timeout",
            Value::Null,
        ),
        (
            "no success",
            span(
                "1",
                "chat",
                (0, 9),
                &chat(&json!({ "success": false, "error": "broken" })),
            ),
            "broken",
            Value::Null,
        ),
        (
            "words",
            span(
                "1",
                "chat",
                (0, 9),
                &chat(&json!({ "success": false, "error": "status code 429" })),
            ),
            "status code 429",
            json!(429),
        ),
    ] {
        let events = events_of("x", &[span_of_call]);
        let call = only(&events, "$ai_generation");
        assert_eq!(call["$ai_is_error"], true, "{case}");
        assert_eq!(call["$ai_error"], text, "{case}");
        assert_eq!(call["$ai_http_status"], status, "{case}");
        assert!(!json!(events).to_string().contains("planted"), "{case}");
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
