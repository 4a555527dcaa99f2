//! Redaction reaches every text.

use std::sync::Arc;

use posthog_llma::otlp::{Place, Telemetry};
use proptest::prelude::*;

use super::support::decode_json;
use super::support::made::{any_telemetry, config};

proptest! {
    #![proptest_config(config(100))]

    /// The debug form shows all fields, including new ones.
    #[test]
    fn no_text_is_left_out(telemetry in any_telemetry()) {
        const MARK: &str = "\u{2603}";
        let mut marked = telemetry;
        marked.for_each_text(&mut |_, text| text.insert_str(0, MARK));
        let shown = format!("{marked:?}");
        let texts = shown.match_indices('"').count();
        let mut count = 0;
        let mut unmarked = marked.clone();
        unmarked.for_each_text(&mut |_, text| {
            count += 1;
            assert_eq!(text.remove(0).to_string(), MARK);
            text.clear();
        });
        // Each text is shown in quotes, once per value that shares it.
        let shown = format!("{unmarked:?}");
        assert!(!shown.contains(MARK), "{shown}");
        assert_eq!(shown.replace("\"\"", "").matches('"').count(), 0, "{shown}");
        assert!(texts >= count, "{texts} quotes, {count} texts");
    }
}

#[test]
fn every_text_comes_with_its_place_and_what_is_shared_stays_shared() {
    let body = br#"{"resourceSpans":[{"resource":{"attributes":{"host":"h"}},"scopeSpans":[{
        "scope":{"name":"s"},"spans":[
            {"name":"a","attributes":{"k":["x",{"in":"y"}]},"status":{"message":"m"}},
            {"name":"b","events":[{"name":"e","attributes":{"t":"u"}}]}]}]}],
        "resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"z"}}]}]}]}"#;
    let mut telemetry = decode_json(body);
    let mut places = Vec::new();
    telemetry.for_each_text(&mut |place, text| {
        if !text.is_empty() {
            places.push(match place {
                Place::Key => format!("key {text}"),
                Place::Field(field) => format!("{field}: {text}"),
                Place::Value(key) => format!("{key} = {text}"),
            });
            text.push('!');
        }
    });
    let expected = [
        "host = h",
        "key host",
        "scope.name: s",
        "name: a",
        "status.message: m",
        "k = x",
        "in = y",
        "key in",
        "key k",
        "name: b",
        "event.name: e",
        "t = u",
        "key t",
        "body: z",
    ];
    assert_eq!(places, expected);
    let Telemetry { spans, .. } = telemetry;
    assert_eq!(spans[1].resource.attributes.text("host!"), Some("h!"));
    assert!(Arc::ptr_eq(&spans[0].resource, &spans[1].resource));
}
