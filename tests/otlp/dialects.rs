//! Observed spellings of JSON requests, one by one.

use posthog_llma::otlp::{
    Encoding, Limits, Losses, Rejection, Signal, Span, SpanKind, StatusCode, Telemetry, Value,
    json as decoder,
};
use serde_json::{Value as Json, json};

use super::support::decode_json;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

/// A request with one span that has ids, a name and these fields.
fn request(fields: &Json) -> Json {
    let mut span = json!({ "traceId": TRACE, "spanId": SPAN, "name": "chat" });
    let fields = fields.as_object().expect("an object").clone();
    span.as_object_mut().expect("an object").extend(fields);
    json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [span] }] }] })
}

#[track_caller]
fn telemetry(request: &Json) -> Telemetry {
    decode_json(request.to_string().as_bytes())
}

/// The span of a request without losses.
#[track_caller]
fn span(fields: &Json) -> Span {
    let telemetry = telemetry(&request(fields));
    assert_eq!(telemetry.losses, Losses::default(), "{fields}");
    let [span] = <[Span; 1]>::try_from(telemetry.spans).expect("one span");
    span
}

/// The value of an attribute.
#[track_caller]
fn value(given: &Json) -> Value {
    let span = span(&json!({ "attributes": [{ "key": "it", "value": given }] }));
    span.attributes.get("it").expect("it is there").clone()
}

#[test]
fn a_value_is_read_in_every_spelling() {
    let cases = [
        (json!({ "stringValue": "text" }), Value::from("text")),
        (json!({ "string_value": "text" }), Value::from("text")),
        (json!({ "intValue": 7 }), Value::Int(7)),
        (json!({ "intValue": "-7" }), Value::Int(-7)),
        (
            json!({ "intValue": "9223372036854775807" }),
            Value::Int(i64::MAX),
        ),
        (
            json!({ "intValue": "18446744073709551616" }),
            Value::Double(18_446_744_073_709_551_616.0),
        ),
        (json!({ "intValue": 1e3 }), Value::Double(1000.0)),
        (json!({ "doubleValue": 0.1 }), Value::Double(0.1)),
        (json!({ "doubleValue": 12 }), Value::Double(12.0)),
        (json!({ "doubleValue": -12 }), Value::Double(-12.0)),
        (json!({ "doubleValue": "0.5" }), Value::Double(0.5)),
        (
            json!({ "doubleValue": "Infinity" }),
            Value::Double(f64::INFINITY),
        ),
        (
            json!({ "doubleValue": "-Infinity" }),
            Value::Double(f64::NEG_INFINITY),
        ),
        (json!({ "doubleValue": null }), Value::Null),
        (json!({ "boolValue": true }), Value::Bool(true)),
        (json!({ "bytesValue": "AAECAw==" }), Value::Bytes(4)),
        (json!({ "bytesValue": [1, 2, 3] }), Value::Bytes(3)),
    ];
    for (given, expected) in cases {
        assert_eq!(value(&given), expected, "{given}");
    }
    assert!(matches!(value(&json!({ "doubleValue": "NaN" })), Value::Double(it) if it.is_nan()));
    let no_value = span(&json!({ "attributes": [{ "key": "it" }] }));
    assert_eq!(no_value.attributes.get("it"), Some(&Value::Null));
}

#[test]
fn a_value_of_values_is_read_in_every_spelling() {
    let cases = [
        (
            json!({ "arrayValue": { "values": [{ "intValue": 1 }, {}, null] } }),
            Value::Array(vec![Value::Int(1), Value::Null, Value::Null]),
        ),
        (json!({ "arrayValue": {} }), Value::Array(Vec::new())),
        (json!({ "arrayValue": null }), Value::Array(Vec::new())),
        (
            json!({ "arrayValue": { "values": null } }),
            Value::Array(Vec::new()),
        ),
        (
            json!({ "kvlistValue": { "values": [{ "key": "a", "value": { "intValue": 1 } }] } }),
            Value::Map([("a", Value::Int(1))].into_iter().collect()),
        ),
        (
            json!({ "kvlistValue": { "values": [] } }),
            Value::Map(posthog_llma::otlp::Attributes::default()),
        ),
        (json!({}), Value::Null),
        (json!(null), Value::Null),
        (json!({ "unknownValue": { "a": [1] } }), Value::Null),
        // Not wrapped, as people write it.
        (json!("text"), Value::from("text")),
        (json!(7), Value::Int(7)),
        (
            json!([1, "two"]),
            Value::Array(vec![Value::Int(1), Value::from("two")]),
        ),
    ];
    for (given, expected) in cases {
        assert_eq!(value(&given), expected, "{given}");
    }
}

#[test]
fn times_are_numbers_or_digits_or_pairs_and_keep_every_nanosecond() {
    let expected = 1_795_812_916_677_150_911;
    for given in [
        json!("1795812916677150911"),
        json!(1_795_812_916_677_150_911_u64),
        json!([1_795_812_916, 677_150_911]),
    ] {
        let span = span(&json!({ "startTimeUnixNano": given, "endTimeUnixNano": u64::MAX }));
        assert_eq!((span.start, span.end), (expected, u64::MAX), "{given}");
    }
    for missing in [json!(null), json!(""), json!(0)] {
        assert_eq!(span(&json!({ "startTimeUnixNano": missing })).start, 0);
    }
    assert_eq!(
        span(&json!({ "startTimeUnixNano": 1.5e18 })).start,
        1_500_000_000_000_000_000
    );
}

#[test]
fn enumerations_are_numbers_or_names() {
    for given in [
        json!(3),
        json!("3"),
        json!("SPAN_KIND_CLIENT"),
        json!("client"),
    ] {
        assert_eq!(
            span(&json!({ "kind": given })).kind,
            SpanKind::Client,
            "{given}"
        );
    }
    for given in [json!(2), json!("STATUS_CODE_ERROR"), json!("ERROR")] {
        let status = span(&json!({ "status": { "code": given, "message": "no" } })).status;
        assert_eq!(
            (status.code, status.message.as_str()),
            (StatusCode::Error, "no"),
            "{given}"
        );
    }
    assert_eq!(
        span(&json!({ "kind": 99, "status": {} })).kind,
        SpanKind::Unspecified
    );
}

#[test]
fn a_span_without_a_parent_is_a_root_however_that_is_written() {
    for given in [
        json!(null),
        json!(""),
        json!("0000000000000000"),
        json!("AAAAAAAAAAA="),
    ] {
        assert_eq!(
            span(&json!({ "parentSpanId": given })).parent_span_id,
            None,
            "{given}"
        );
    }
    let parent = span(&json!({ "parent_span_id": SPAN.to_uppercase() })).parent_span_id;
    assert_eq!(parent.map(|id| id.to_string()).as_deref(), Some(SPAN));
}

#[test]
fn nulls_stand_for_what_is_missing() {
    let fields = json!({
        "attributes": null, "events": null, "links": null, "status": null, "kind": null,
        "startTimeUnixNano": null, "flags": null, "traceState": null, "droppedEventsCount": null,
    });
    assert_eq!(span(&fields), span(&json!({})));
    for request in [
        json!({ "resourceSpans": null, "resourceLogs": null, "resourceMetrics": null }),
        json!({ "resourceSpans": [null, { "resource": null, "scopeSpans": null }] }),
        json!({ "resourceSpans": [{ "scopeSpans": [{ "scope": null, "spans": null }] }] }),
        json!({}),
        json!({ "resourceSpans": [] }),
    ] {
        assert_eq!(telemetry(&request), Telemetry::default(), "{request}");
    }
}

#[test]
fn snake_case_and_libraries_of_old_are_read() {
    let request = json!({ "resource_spans": [{
        "instrumentation_library_spans": [{
            "instrumentation_library": { "name": "old", "version": "1" },
            "spans": [{ "trace_id": TRACE, "span_id": SPAN, "start_time_unix_nano": "5",
                "dropped_attributes_count": 2 }],
        }],
        "resource": { "attributes": [{ "key": "service.name", "value": { "string_value": "s" } }] },
    }] });
    let telemetry = telemetry(&request);
    let span = &telemetry.spans[0];
    assert_eq!(
        (
            span.scope.name.as_str(),
            span.start,
            span.dropped_attributes
        ),
        ("old", 5, 2)
    );
    // The resource comes last in the request.
    assert_eq!(span.resource.attributes.text("service.name"), Some("s"));
}

#[test]
fn spans_of_one_group_share_their_resource() {
    let span = |id: &str| json!({ "traceId": TRACE, "spanId": id, "name": "chat" });
    let ids = ["1111111111111111", "2222222222222222"];
    let request = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": ids.map(span) }] }] });
    let [first, second] = <[Span; 2]>::try_from(telemetry(&request).spans).expect("two spans");
    assert!(std::sync::Arc::ptr_eq(&first.resource, &second.resource));
    assert!(std::sync::Arc::ptr_eq(&first.scope, &second.scope));
}

#[test]
fn a_bad_span_is_counted_and_the_others_are_kept() {
    let good = json!({ "traceId": TRACE, "spanId": SPAN, "name": "good" });
    let spans = json!([5, good, "text", {}, [good], null, { "name": "also good" }]);
    let logs = json!([true, { "body": { "stringValue": "text" } }]);
    let request = json!({
        "resourceSpans": [{ "scopeSpans": [{ "spans": spans }] }],
        "resourceLogs": [{ "scopeLogs": [{ "logRecords": logs }] }],
    });
    let telemetry = telemetry(&request);
    let names: Vec<&str> = telemetry
        .spans
        .iter()
        .map(|span| span.name.as_str())
        .collect();
    assert_eq!(
        (names, telemetry.logs.len()),
        (vec!["good", "also good"], 1)
    );
    assert_eq!(telemetry.losses.spans.count(Rejection::Malformed), 3);
    assert_eq!(telemetry.losses.spans.count(Rejection::Empty), 1);
    assert_eq!(telemetry.losses.logs.to_string(), "1 malformed");
    assert_eq!(telemetry.losses.replaced_ids, 1);
}

#[test]
fn a_field_of_an_unexpected_type_is_counted_and_missing() {
    let fields = json!({
        "attributes": [7, { "key": "ok", "value": { "intValue": "seven" } }],
        "events": "none", "kind": "SPAN_KIND_OF_ITS_OWN", "startTimeUnixNano": -1,
        "endTimeUnixNano": [1], "links": [{ "traceId": TRACE }], "status": [], "flags": {},
    });
    let telemetry = telemetry(&request(&fields));
    assert_eq!(
        telemetry.losses,
        Losses {
            unreadable_fields: 9,
            ..Losses::default()
        }
    );
    let span = &telemetry.spans[0];
    assert_eq!(span.attributes.get("ok"), Some(&Value::Null));
    assert_eq!((span.start, span.end, span.events.len()), (0, 0, 0));
}

#[test]
fn a_body_that_is_no_object_is_refused_with_the_place() {
    let error = |body: &[u8]| {
        decoder::decode(body, &Limits::default())
            .expect_err("it is refused")
            .to_string()
    };
    for (body, expected) in [
        (&b"[]"[..], "not a JSON object"),
        (b"7", "not a JSON object"),
        (b"null", "not a JSON object"),
        (
            b"{\"resourceSpans\":[{]}",
            "key must be a string at line 1 column 20",
        ),
        (
            b"{\n\"resourceSpans\":",
            "EOF while parsing a value at line 2 column 16",
        ),
        (b"{} {}", "trailing characters at line 1 column 4"),
    ] {
        assert_eq!(error(body), expected, "{}", String::from_utf8_lossy(body));
    }
}

#[test]
fn a_body_is_decoded_in_the_encoding_that_is_named() {
    let body = b"\x0a\x02\x12\x00";
    let decode =
        |encoding| posthog_llma::otlp::decode(body, encoding, Signal::Traces, &Limits::default());
    assert_eq!(decode(Encoding::Protobuf), Ok(Telemetry::default()));
    let refused = decode(Encoding::Json)
        .expect_err("it is refused")
        .to_string();
    assert_eq!(
        refused,
        "the body is no request in JSON: expected value at line 2 column 1"
    );
    let cut = posthog_llma::otlp::decode(
        &body[..3],
        Encoding::Protobuf,
        Signal::Logs,
        &Limits::default(),
    );
    assert_eq!(
        cut.expect_err("it is refused").to_string(),
        "the body is no request in protobuf: a field ends beyond its message at byte 2"
    );
}

#[test]
fn an_empty_body_and_a_byte_order_mark_are_no_mistakes() {
    for body in [
        "",
        " \r\n",
        "\u{feff}",
        "\u{feff}{\"resourceSpans\":[]}\r\n",
    ] {
        assert_eq!(
            decode_json(body.as_bytes()),
            Telemetry::default(),
            "{body:?}"
        );
    }
}

#[test]
fn broken_characters_are_replaced() {
    let body = request(&json!({ "traceState": "?" })).to_string();
    let name_of = |name: &[u8]| {
        let (before, after) = body.split_once("chat").expect("it is there");
        let body = [before.as_bytes(), name, after.as_bytes()].concat();
        decode_json(&body).spans[0].name.clone()
    };
    assert_eq!(name_of(b"cut \\ud83d"), "cut \u{fffd}");
    assert_eq!(name_of(b"\\ud83d\\ude00"), "😀");
    assert_eq!(name_of(b"caf\xe9"), "caf\u{fffd}");
}

#[test]
fn missing_ids_follow_from_the_content_and_are_the_same_ones_again() {
    let span = |fields: Json| {
        let telemetry = telemetry(&request(&fields));
        (
            telemetry.spans[0].trace_id,
            telemetry.spans[0].span_id,
            telemetry.losses.replaced_ids,
        )
    };
    let missing = json!({ "traceId": "", "spanId": "0000000000000000", "startTimeUnixNano": 5 });
    let (trace, id, replaced) = span(missing.clone());
    assert_eq!((trace, id, replaced), span(missing));
    assert_eq!(replaced, 1);
    let later = json!({ "traceId": "", "spanId": "", "startTimeUnixNano": 6 });
    assert_ne!((trace, id, replaced), span(later));
    let of_trace = |id: &str| span(json!({ "traceId": "trace-1", "spanId": id })).0;
    assert_eq!(of_trace("1"), of_trace("2"));
}

#[test]
fn requests_for_metrics_are_counted_alone() {
    let request = json!({ "resourceMetrics": [{ "scopeMetrics": [{ "metrics": [{}] }] }, {}] });
    assert_eq!(
        telemetry(&request).losses,
        Losses {
            metrics: 2,
            ..Losses::default()
        }
    );
}
