//! Requests that other implementations encode are decoded to the same values.

use posthog_llma::otlp::{Batch, Losses, Signal, stored};
use proptest::prelude::*;

use super::support::json::dialects;
use super::support::made::{batches, config};
use super::support::{assert_same, decode_json, decode_protobuf, wire};

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn protobuf_that_prost_wrote_is_what_it_was(batch in batches()) {
        let [traces, logs] = wire::encode(&batch);
        let spans = decode_protobuf(&traces, Signal::Traces);
        let logs = decode_protobuf(&logs, Signal::Logs);
        assert_eq!((&spans.losses, &logs.losses), (&Losses::default(), &Losses::default()));
        let decoded = Batch { spans: spans.spans, logs: logs.logs, ..Batch::default() };
        assert_same(&decoded, &batch, "protobuf");
    }

    #[test]
    fn json_in_any_dialect_is_what_it_was(batch in batches(), dialect in dialects()) {
        let body = dialect.encode(&batch);
        assert_same(&decode_json(&body), &batch, &String::from_utf8_lossy(&body));
    }

    #[test]
    fn what_was_stored_is_read_as_it_was(batch in batches()) {
        let bytes = stored::write(&batch.spans, &batch.logs).expect("it can be written");
        let (spans, logs) = stored::read(&bytes).expect("it can be read");
        let read = Batch { spans, logs, ..Batch::default() };
        assert_same(&read, &batch, &String::from_utf8_lossy(&bytes));
    }
}
