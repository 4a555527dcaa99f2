//! Bodies of answers, read by other implementations.

use posthog_llma::otlp::answer::{Failure, failure, partial_success, success, taken};
use posthog_llma::otlp::{Encoding, Limits, Losses, Signal, json as decoder};
use prost::Message;
use serde_json::{Value as Json, json};

#[derive(Clone, PartialEq, Message)]
struct Response {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<Partial>,
}

#[derive(Clone, PartialEq, Message)]
struct Partial {
    #[prost(int64, tag = "1")]
    rejected: i64,
    #[prost(string, tag = "2")]
    message: String,
}

#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

fn as_json(body: &[u8]) -> Json {
    serde_json::from_slice(body).expect("it is JSON")
}

#[test]
fn a_success_is_an_empty_object_or_no_byte() {
    assert_eq!(success(Encoding::Json), b"{}");
    assert_eq!(success(Encoding::Protobuf), b"");
}

#[test]
fn a_partial_success_has_a_count_and_a_message() {
    let message = "größer ".repeat(40);
    for (signal, field) in [
        (Signal::Traces, "rejectedSpans"),
        (Signal::Logs, "rejectedLogRecords"),
    ] {
        let body = partial_success(Encoding::Json, signal, 300, &message);
        let partial = json!({ field: "300", "errorMessage": message });
        assert_eq!(as_json(&body), json!({ "partialSuccess": partial }));
    }
    for rejected in [0, 1, 300, i64::MAX] {
        let count = u64::try_from(rejected).expect("not negative");
        let body = partial_success(Encoding::Protobuf, Signal::Traces, count, &message);
        let response = Response::decode(&body[..]).expect("it is protobuf");
        let partial = Partial {
            rejected,
            message: message.clone(),
        };
        assert_eq!(response.partial_success, Some(partial));
    }
}

#[test]
fn a_failure_has_a_code_and_a_message() {
    let body = failure(Encoding::Json, Failure::Unavailable, "the disk is full");
    assert_eq!(
        as_json(&body),
        json!({ "code": 14, "message": "the disk is full" })
    );
    let body = failure(Encoding::Protobuf, Failure::InvalidArgument, "");
    let status = RpcStatus::decode(&body[..]).expect("it is protobuf");
    assert_eq!((status.code, status.message.as_str()), (3, ""));
}

#[test]
fn what_was_left_out_is_said_in_the_answer() {
    let body = br#"{"resourceSpans":[{"scopeSpans":[{"spans":[1,{},{"name":"a"}]}]}]}"#;
    let losses = decoder::decode(body, &Limits::default())
        .expect("it is a request")
        .losses;
    let answer = as_json(&taken(Encoding::Json, Signal::Traces, &losses));
    let partial =
        json!({ "rejectedSpans": "2", "errorMessage": "spans left out: 1 malformed, 1 empty" });
    assert_eq!(answer, json!({ "partialSuccess": partial }));
    for signal in [Signal::Logs, Signal::Metrics] {
        assert_eq!(taken(Encoding::Protobuf, signal, &losses), b"");
    }
    assert_eq!(
        taken(Encoding::Json, Signal::Traces, &Losses::default()),
        b"{}"
    );
}

#[test]
fn only_the_two_content_types_of_the_protocol_have_an_encoding() {
    for (content_type, expected) in [
        ("application/json", Some(Encoding::Json)),
        ("Application/JSON; charset=utf-8", Some(Encoding::Json)),
        ("application/x-protobuf", Some(Encoding::Protobuf)),
        ("text/plain", None),
        ("application/json+x", None),
        ("", None),
    ] {
        assert_eq!(
            Encoding::of_content_type(content_type),
            expected,
            "{content_type}"
        );
    }
}
