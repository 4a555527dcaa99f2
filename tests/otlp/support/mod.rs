//! Code shared by the tests of OpenTelemetry.

pub(crate) mod forms;
pub(crate) mod json;
pub(crate) mod made;
pub(crate) mod wire;

use posthog_llma::otlp::{Limits, Signal, Telemetry, json as json_decoder, protobuf};

/// Decodes JSON that is known to be a request.
#[track_caller]
pub(crate) fn decode_json(body: &[u8]) -> Telemetry {
    json_decoder::decode(body, &Limits::default()).expect("it is a request")
}

/// Decodes protobuf that is known to be a request.
#[track_caller]
pub(crate) fn decode_protobuf(body: &[u8], signal: Signal) -> Telemetry {
    protobuf::decode(body, signal, &Limits::default()).expect("it is a request")
}

/// Compares telemetry as text, in which values that are not a number are equal.
#[track_caller]
pub(crate) fn assert_same(actual: &Telemetry, expected: &Telemetry, context: &str) {
    let (actual, expected) = (format!("{actual:#?}"), format!("{expected:#?}"));
    assert_eq!(actual, expected, "{context}");
}
