//! Malicious bodies.

use posthog_llma::otlp::{Limits, MAX_DEPTH, Rejection, Signal, Telemetry, Value, json, protobuf};

use super::support::{decode_json, decode_protobuf};

const BODY: usize = 16 << 20;

/// A field of bytes.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut field = vec![(number << 3) | 2];
    let mut length = content.len();
    while length >= 0x80 {
        field.push(u8::try_from(length & 0x7f).expect("seven bits") | 0x80);
        length >>= 7;
    }
    field.push(u8::try_from(length).expect("seven bits"));
    field.extend(content);
    field
}

/// A request for these spans.
fn request(spans: &[u8]) -> Vec<u8> {
    field(1, &field(2, spans))
}

/// A span with this value in an attribute.
fn span_with(value: &[u8]) -> Vec<u8> {
    let attribute = [field(1, b"it"), field(2, value)].concat();
    field(
        2,
        &[field(1, &[1; 16]), field(2, &[2; 8]), field(9, &attribute)].concat(),
    )
}

fn depth_of(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth_of).max().unwrap_or(0),
        Value::Map(fields) => {
            1 + fields
                .iter()
                .map(|it| depth_of(&it.value))
                .max()
                .unwrap_or(0)
        }
        _ => 1,
    }
}

#[track_caller]
fn is_cut(telemetry: &Telemetry) {
    assert_eq!(telemetry.losses.cut_values, 1);
    let value = telemetry.spans[0]
        .attributes
        .get("it")
        .expect("it is there");
    assert_eq!(depth_of(value), MAX_DEPTH + 1);
}

#[test]
fn deep_values_are_cut_in_protobuf() {
    // The lengths of the messages take most of the body, so a depth of thousands is what fits.
    let lists = (0..5000).fold(field(1, b"deep"), |value, _| field(5, &field(1, &value)));
    is_cut(&decode_protobuf(
        &request(&span_with(&lists)),
        Signal::Traces,
    ));
    let maps = (0..5000).fold(field(1, b"deep"), |value, _| {
        field(6, &field(1, &field(2, &value)))
    });
    is_cut(&decode_protobuf(
        &request(&span_with(&maps)),
        Signal::Traces,
    ));
}

#[test]
fn deep_values_are_cut_in_json() {
    let forms = [
        ("{\"arrayValue\":{\"values\":[", "]}}"),
        (
            "{\"kvlistValue\":{\"values\":[{\"key\":\"k\",\"value\":",
            "}]}}",
        ),
        ("[", "]"),
    ];
    for (open, close) in forms {
        let depth = 200_000;
        let value = [
            &open.repeat(depth),
            "{\"intValue\":1}",
            &close.repeat(depth),
        ]
        .concat();
        let span = format!(
            "{{\"traceId\":\"{}\",\"spanId\":\"{}\",\"attributes\":[{{\"key\":\"it\",\"value\":{value}}}]}}",
            "1".repeat(32),
            "2".repeat(16)
        );
        let body = format!("{{\"resourceSpans\":[{{\"scopeSpans\":[{{\"spans\":[{span}]}}]}}]}}");
        is_cut(&decode_json(body.as_bytes()));
    }
}

#[test]
fn unknown_fields_may_be_as_deep_as_they_like() {
    let depth = 1 << 20;
    let deep = ["[".repeat(depth), "]".repeat(depth)].concat();
    let body = format!("{{\"unknown\":{deep},\"resourceSpans\":{{\"a\":{deep}}}}}");
    assert_eq!(decode_json(body.as_bytes()).losses.unreadable_fields, 1);
    let values = "{\"values\":".repeat(depth);
    let body = format!("{{\"resourceSpans\":{values}1{}}}", "}".repeat(depth));
    assert_eq!(decode_json(body.as_bytes()).losses.unreadable_fields, 1);
}

#[test]
fn what_expands_beyond_the_memory_is_left_out_and_the_rest_is_kept() {
    let good = span_with(&field(1, b"text"));
    // Eight million values of two bytes in one span, between two good ones.
    let values = [0x0a, 0].repeat(BODY / 2);
    let bomb = span_with(&field(5, &values));
    let body = request(&[good.clone(), bomb, good].concat());
    let telemetry = decode_protobuf(&body, Signal::Traces);
    assert_eq!(
        (telemetry.spans.len(), telemetry.losses.spans.to_string()),
        (2, "1 too large".to_owned())
    );

    let list = "{},".repeat(BODY / 3);
    let attributes = format!("[{list}{{}}]");
    let body = format!(
        "{{\"resourceSpans\":[{{\"scopeSpans\":[{{\"spans\":[{{\"name\":\"a\",\"attributes\":{attributes}}},{{\"name\":\"b\"}}]}}]}}]}}"
    );
    let telemetry = decode_json(body.as_bytes());
    let names: Vec<&str> = telemetry
        .spans
        .iter()
        .map(|span| span.name.as_str())
        .collect();
    assert_eq!(
        (names, telemetry.losses.spans.to_string()),
        (vec!["b"], "1 too large".to_owned())
    );
}

#[test]
fn empty_spans_take_no_memory() {
    let spans = [0x12, 0].repeat(BODY / 2);
    let telemetry = decode_protobuf(&request(&spans), Signal::Traces);
    assert_eq!(
        telemetry.losses.spans.count(Rejection::Empty),
        (BODY / 2) as u64
    );
    let spans = format!("[{}{{}}]", "{},".repeat(BODY / 3));
    let body = format!("{{\"resourceSpans\":[{{\"scopeSpans\":[{{\"spans\":{spans}}}]}}]}}");
    let telemetry = decode_json(body.as_bytes());
    assert_eq!(
        telemetry.losses.spans.count(Rejection::Empty),
        (BODY / 3) as u64 + 1
    );
}

#[test]
fn small_spans_are_taken_as_far_as_memory_goes() {
    let limits = Limits { memory: 1 << 20 };
    let span = field(2, &[field(1, &[1; 16]), field(2, &[2; 8])].concat());
    let body = request(&span.repeat(10_000));
    let telemetry = protobuf::decode(&body, Signal::Traces, &limits).expect("it is a request");
    let taken = telemetry.spans.len();
    let rejected = telemetry.losses.spans.count(Rejection::TooLarge);
    assert_eq!(taken as u64 + rejected, 10_000);
    assert!((1000..9000).contains(&taken), "{taken}");
}

#[test]
fn a_lying_length_is_an_error_or_costs_its_span_alone() {
    let limits = Limits::default();
    let lies: &[u8] = &[0x0a, 0xff, 0xff, 0xff, 0xff, 0x7f];
    assert!(protobuf::decode(lies, Signal::Traces, &limits).is_err());
    assert!(protobuf::decode(&field(1, lies), Signal::Traces, &limits).is_err());
    let bad = field(2, lies);
    let good = span_with(&field(1, b"text"));
    let body = request(&[bad, good].concat());
    let telemetry = protobuf::decode(&body, Signal::Traces, &limits).expect("it is a request");
    assert_eq!(
        (telemetry.spans.len(), telemetry.losses.spans.to_string()),
        (1, "1 malformed".to_owned())
    );
}

#[test]
fn a_long_number_of_digits_is_read_in_time() {
    let digits = "9".repeat(1 << 20);
    for value in [format!("\"{digits}\""), format!("0.{digits}")] {
        let body = format!(
            "{{\"resourceSpans\":[{{\"scopeSpans\":[{{\"spans\":[{{\"name\":\"a\",\"startTimeUnixNano\":{value}}}]}}]}}]}}"
        );
        assert!(json::decode(body.as_bytes(), &Limits::default()).is_ok());
    }
}
