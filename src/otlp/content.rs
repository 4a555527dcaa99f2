//! Ids derived from the content of a span.
//!
//! A span without valid ids must get the same ids whenever it is sent or read again, in either
//! encoding: otherwise a repeated export would double its event.

use sha2::{Digest, Sha256};

use super::ids::Id;
use super::model::Span;
use super::value::{Attributes, Value};

/// The id derived from a purpose and from the span's own content: its other ids, name, times and
/// attributes.
pub(super) fn id_of<const N: usize>(purpose: &str, span: &Span) -> Id<N> {
    let mut digest = Sha256::new();
    feed_text(&mut digest, "otlp span content");
    feed_text(&mut digest, purpose);
    digest.update(span.trace_id.bytes());
    digest.update(span.span_id.bytes());
    digest.update(span.parent_span_id.map_or([0; 8], |id| *id.bytes()));
    feed_text(&mut digest, &span.name);
    digest.update(span.start.to_be_bytes());
    digest.update(span.end.to_be_bytes());
    feed_attributes(&mut digest, &span.attributes);
    Id::from_digest(digest)
}

/// The length comes first, so that different sequences of texts never give the same digest.
fn feed_text(digest: &mut Sha256, text: &str) {
    feed_length(digest, text.len());
    digest.update(text);
}

fn feed_length(digest: &mut Sha256, length: usize) {
    digest.update((length as u64).to_be_bytes());
}

fn feed_attributes(digest: &mut Sha256, attributes: &Attributes) {
    feed_length(digest, attributes.len());
    for attribute in attributes {
        feed_text(digest, &attribute.key);
        feed_value(digest, &attribute.value);
    }
}

fn feed_value(digest: &mut Sha256, value: &Value) {
    match value {
        Value::Null => digest.update([0]),
        Value::Text(text) => {
            digest.update([1]);
            feed_text(digest, text);
        }
        Value::Bool(bool) => digest.update([2, u8::from(*bool)]),
        Value::Int(int) => {
            digest.update([3]);
            digest.update(int.to_be_bytes());
        }
        Value::Double(double) => {
            digest.update([4]);
            digest.update(double.to_bits().to_be_bytes());
        }
        Value::Array(items) => {
            digest.update([5]);
            feed_length(digest, items.len());
            for item in items {
                feed_value(digest, item);
            }
        }
        Value::Map(fields) => {
            digest.update([6]);
            feed_attributes(digest, fields);
        }
        Value::Bytes(length) => {
            digest.update([7]);
            digest.update(length.to_be_bytes());
        }
    }
}
