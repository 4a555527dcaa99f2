//! Requests, in every form in which they are sent.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use posthog_llma::otlp::{Limits, Telemetry, json};
use serde_json::{Value, json};

/// A span with a name and an attribute. A parent of 0 means none.
pub(crate) fn span(trace: u128, id: u64, parent: u64, text: &str) -> Value {
    let parent = match parent {
        0 => String::new(),
        parent => format!("{parent:016x}"),
    };
    json!({
        "traceId": format!("{trace:032x}"), "spanId": format!("{id:016x}"),
        "parentSpanId": parent, "name": format!("span {id}"), "kind": 3,
        "startTimeUnixNano": "1790000000000000001", "endTimeUnixNano": "1790000001000000002",
        "attributes": [{ "key": "text", "value": { "stringValue": text } }],
    })
}

/// A request with these spans, from the service `shop`.
pub(crate) fn request(spans: &[Value]) -> Vec<u8> {
    request_of("shop", spans)
}

pub(crate) fn request_of(service: &str, spans: &[Value]) -> Vec<u8> {
    let resource = json!({ "attributes": [
        { "key": "service.name", "value": { "stringValue": service } }] });
    let scopes = json!([{ "scope": { "name": "test" }, "spans": spans }]);
    json!({ "resourceSpans": [{ "resource": resource, "scopeSpans": scopes }] })
        .to_string()
        .into_bytes()
}

/// A request with log records that have these attributes; a trace of 0 means none.
pub(crate) fn logs(records: &[(u128, &str, &str)]) -> Vec<u8> {
    let records = records.iter().map(|(trace, key, value)| {
        let trace = match trace {
            0 => String::new(),
            trace => format!("{trace:032x}"),
        };
        json!({ "traceId": trace, "timeUnixNano": "1790000000000000001", "eventName": "event",
            "attributes": [{ "key": key, "value": { "stringValue": value } }] })
    });
    let scopes = json!([{ "logRecords": records.collect::<Vec<_>>() }]);
    json!({ "resourceLogs": [{ "scopeLogs": scopes }] })
        .to_string()
        .into_bytes()
}

/// A request, decoded.
pub(crate) fn telemetry(request: &[u8]) -> Telemetry {
    json::decode(request, &Limits::default()).unwrap()
}

/// The spans of a request, decoded.
pub(crate) fn spans(spans: &[Value]) -> Telemetry {
    telemetry(&request(spans))
}

pub(crate) fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zlib(body: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn deflate(body: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

/// A body in chunks of a size.
pub(crate) fn chunked(body: &[u8], size: usize) -> Vec<u8> {
    let mut chunked = Vec::new();
    for chunk in body.chunks(size) {
        write!(chunked, "{:x}\r\n", chunk.len()).unwrap();
        chunked.extend_from_slice(chunk);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    chunked
}

/// A field of bytes in protobuf.
pub(crate) fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut field = vec![(number << 3) | 2];
    let mut length = content.len();
    while length >= 0x80 {
        field.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
        length >>= 7;
    }
    field.push(u8::try_from(length).unwrap());
    field.extend_from_slice(content);
    field
}

/// A request in protobuf of spans that have ids, a name and an attribute.
pub(crate) fn protobuf(spans: &[(u128, u64, &str)]) -> Vec<u8> {
    let spans = spans.iter().flat_map(|(trace, id, text)| {
        let value = field(2, &field(1, text.as_bytes()));
        let attribute = [field(1, b"text"), value].concat();
        let fields = [
            field(1, &trace.to_be_bytes()),
            field(2, &id.to_be_bytes()),
            field(5, format!("span {id}").as_bytes()),
            field(9, &attribute),
        ];
        field(2, &fields.concat())
    });
    field(1, &field(2, &spans.collect::<Vec<u8>>()))
}
