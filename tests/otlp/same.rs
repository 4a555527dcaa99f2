//! Requests that other implementations encode are decoded to the same values.

use posthog_llma::otlp::{Losses, Signal, Telemetry, stored};
use proptest::prelude::*;

use super::support::json::dialects;
use super::support::made::{any_telemetry, config};
use super::support::{assert_same, decode_json, decode_protobuf, wire};

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn protobuf_that_prost_wrote_is_what_it_was(telemetry in any_telemetry()) {
        let [traces, logs] = wire::encode(&telemetry);
        let spans = decode_protobuf(&traces, Signal::Traces);
        let logs = decode_protobuf(&logs, Signal::Logs);
        assert_eq!((&spans.losses, &logs.losses), (&Losses::default(), &Losses::default()));
        let decoded = Telemetry { spans: spans.spans, logs: logs.logs, ..Telemetry::default() };
        assert_same(&decoded, &telemetry, "protobuf");
    }

    #[test]
    fn json_in_any_dialect_is_what_it_was(telemetry in any_telemetry(), dialect in dialects()) {
        let body = dialect.encode(&telemetry);
        assert_same(&decode_json(&body), &telemetry, &String::from_utf8_lossy(&body));
    }

    #[test]
    fn what_was_stored_is_read_as_it_was(telemetry in any_telemetry()) {
        let bytes = stored::write(&telemetry.spans, &telemetry.logs).expect("it can be written");
        let (spans, logs) = stored::read(&bytes).expect("it can be read");
        let read = Telemetry { spans, logs, ..Telemetry::default() };
        assert_same(&read, &telemetry, &String::from_utf8_lossy(&bytes));
    }
}
