//! Spans written as requests of the protocol.

use crate::otlp::model::{Span, SpanKind, StatusCode};
use crate::otlp::value::{Attributes, Value};
use crate::protobuf::Message;

/// A request with one span. Several requests in a row are one request.
#[must_use]
pub fn request(span: &Span) -> Vec<u8> {
    let scope = &span.scope;
    let scope = attributes(
        Message::new().text(1, &scope.name).text(2, &scope.version),
        3,
        &scope.attributes,
    );
    let spans = Message::new().message(1, &scope).message(2, &message(span));
    let resource = attributes(Message::new(), 1, &span.resource.attributes);
    let of_resource = Message::new().message(1, &resource).message(2, &spans);
    Message::new().message(1, &of_resource).into_bytes()
}

fn message(span: &Span) -> Message {
    let mut message = Message::new()
        .bytes(1, span.trace_id.bytes())
        .bytes(2, span.span_id.bytes());
    if let Some(parent) = &span.parent_span_id {
        message = message.bytes(4, parent.bytes());
    }
    message = message
        .text(5, &span.name)
        .number(6, kind(span.kind))
        .fixed64(7, span.start)
        .fixed64(8, span.end);
    message = attributes(message, 9, &span.attributes);
    for event in &span.events {
        let own = Message::new().fixed64(1, event.time).text(2, &event.name);
        message = message.message(11, &attributes(own, 3, &event.attributes));
    }
    for link in &span.links {
        let own = Message::new()
            .bytes(1, link.trace_id.bytes())
            .bytes(2, link.span_id.bytes());
        message = message.message(13, &attributes(own, 4, &link.attributes));
    }
    let status = Message::new().text(2, &span.status.message);
    let status = status.number(3, code(span.status.code));
    message.message(15, &status).fixed32(16, span.flags)
}

const fn kind(kind: SpanKind) -> u64 {
    match kind {
        SpanKind::Unspecified => 0,
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
        SpanKind::Producer => 4,
        SpanKind::Consumer => 5,
    }
}

const fn code(code: StatusCode) -> u64 {
    match code {
        StatusCode::Unset => 0,
        StatusCode::Ok => 1,
        StatusCode::Error => 2,
    }
}

/// Adds `KeyValue`s.
fn attributes(to: Message, field: u32, attributes: &Attributes) -> Message {
    attributes.iter().fold(to, |to, attribute| {
        let pair = Message::new().text(1, &attribute.key);
        to.message(field, &pair.message(2, &value(&attribute.value)))
    })
}

/// `AnyValue`. Byte values become empty, since their bytes were not kept.
fn value(value: &Value) -> Message {
    let message = Message::new();
    match value {
        Value::Null | Value::Bytes(_) => message,
        Value::Text(text) => message.text(1, text),
        Value::Bool(flag) => message.number(2, u64::from(*flag)),
        Value::Int(int) => message.number(3, int.cast_unsigned()),
        Value::Double(double) => message.double(4, *double),
        Value::Array(items) => {
            let list = items.iter().map(self::value);
            let list = list.fold(Message::new(), |list, item| list.message(1, &item));
            message.message(5, &list)
        }
        Value::Map(fields) => message.message(6, &attributes(Message::new(), 1, fields)),
    }
}
