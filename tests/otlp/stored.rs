//! The form on disk.

use posthog_llma::otlp::stored::{self, StoredError};
use serde_json::json;

use super::support::decode_json;

/// A request for two spans and a log record of two services, with every kind of value.
fn request() -> Vec<u8> {
    let values = json!({
        "text": "a", "int": 7, "double": 7.0, "bool": true, "none": null, "list": [1, { "b": [] }],
    });
    let span = |id: &str, attributes| {
        json!({ "traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": id, "name": "chat",
            "kind": 3, "startTimeUnixNano": "18", "endTimeUnixNano": "19",
            "attributes": attributes, "status": { "code": 2, "message": "no" } })
    };
    let special = json!([
        { "key": "size", "value": { "bytesValue": "AAEC" } },
        { "key": "nan", "value": { "doubleValue": "NaN" } },
    ]);
    let resource = json!({ "attributes": { "service.name": "a" } });
    let spans = [
        span("1111111111111111", values),
        span("2222222222222222", special),
    ];
    let log = json!({ "eventName": "choice", "body": { "stringValue": "b" }, "severityNumber": 9 });
    json!({
        "resourceSpans": [{ "resource": resource, "scopeSpans": [{ "scope": { "name": "ai" },
            "spans": spans }] }],
        "resourceLogs": [{ "scopeLogs": [{ "logRecords": [log] }] }],
    })
    .to_string()
    .into_bytes()
}

/// A change of this form needs a new version: older and newer programs read the same files.
#[test]
fn the_form_on_disk_stays_as_it_is() {
    let telemetry = decode_json(&request());
    let bytes = stored::write(&telemetry.spans, &telemetry.logs).expect("it can be written");
    let expected = concat!(
        r#"{"version":1,"resources":[{"attributes":{"service.name":"a"}},{}],"#,
        r#""scopes":[{"name":"ai"},{}],"spans":[[0,0,"#,
        r#"{"trace":"0af7651916cd43dd8448eb211c80319c","span":"1111111111111111","name":"chat","#,
        r#""kind":"client","start":18,"end":19,"attributes":{"text":"a","int":7,"double":7.0,"#,
        r#""bool":true,"none":null,"list":[1,{"map":{"b":[]}}]},"#,
        r#""status":{"code":"error","message":"no"}}],[0,0,"#,
        r#"{"trace":"0af7651916cd43dd8448eb211c80319c","span":"2222222222222222","name":"chat","#,
        r#""kind":"client","start":18,"end":19,"#,
        r#""attributes":{"size":{"bytes":3},"nan":{"double":"NaN"}},"#,
        r#""status":{"code":"error","message":"no"}}]],"#,
        r#""logs":[[1,1,{"severity":9,"event":"choice","body":"b"}]]}"#,
    );
    assert_eq!(String::from_utf8_lossy(&bytes), expected);
}

#[test]
fn what_is_read_shares_its_resources_again() {
    let telemetry = decode_json(&request());
    let bytes = stored::write(&telemetry.spans, &telemetry.logs).expect("it can be written");
    let (spans, _) = stored::read(&bytes).expect("it can be read");
    assert!(std::sync::Arc::ptr_eq(
        &spans[0].resource,
        &spans[1].resource
    ));
}

#[test]
fn a_newer_version_and_damage_are_told_apart() {
    let read = |text: &str| stored::read(text.as_bytes()).expect_err("it is refused");
    for newer in [
        r#"{"version":2,"resources":[],"scopes":[],"spans":[]}"#,
        r#"{"version":9,"shape":{"of":"its own"}}"#,
    ] {
        assert!(matches!(read(newer), StoredError::Version(_)), "{newer}");
    }
    for damaged in [
        "",
        "{}",
        r#"{"version":1,"resources":[],"scopes":[]"#,
        r#"{"version":1,"resources":[],"scopes":[{}],"logs":[[0,0,{}]]}"#,
        r#"{"version":1,"resources":[{"attributes":{"a":{"unknown":1}}}],"scopes":[]}"#,
        r#"{"version":1,"resources":[{"attributes":{"a":{"map":{},"bytes":1}}}],"scopes":[]}"#,
    ] {
        assert!(
            matches!(read(damaged), StoredError::Damaged(_)),
            "{damaged}"
        );
    }
}
