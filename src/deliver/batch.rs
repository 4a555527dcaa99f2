//! The body of a request: stored events, concatenated and compressed.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::outbox::Waiting;

/// Maximum size of a body before compression, in bytes. PostHog accepts 20 MiB. This size takes a
/// fifth of a second to compress and about a megabyte on the wire, which even a short run can
/// finish.
pub(super) const MAX_BODY_BYTES: usize = 5 * 1024 * 1024;
/// Bytes per event in addition to the event itself: a comma.
pub(super) const COMMA: usize = 1;

/// An event to be sent, possibly shortened.
#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) event: Waiting,
    /// Whether the event was already shortened after a refusal for its size. It is not shortened
    /// twice.
    pub(super) clipped: bool,
}

/// Bytes of the body in addition to its events.
pub(super) fn envelope_bytes(api_key: &str) -> usize {
    head(api_key).len() + TAIL.len()
}

/// The compressed body. The same events give the same bytes.
pub(super) fn compress(api_key: &str, parcels: &[Parcel]) -> Vec<u8> {
    body(api_key, parcels.iter().map(|parcel| &parcel.event.body[..]))
}

/// The compressed body of a request with these events, each of them JSON.
///
/// # Panics
/// Never: writing to a vector does not fail.
pub fn body<'a>(api_key: &str, events: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let mut write = |bytes: &[u8]| {
        encoder.write_all(bytes).expect("a vector takes every byte");
    };
    write(head(api_key).as_bytes());
    for (position, event) in events.into_iter().enumerate() {
        if position > 0 {
            write(b",");
        }
        write(event);
    }
    write(TAIL);
    encoder.finish().expect("a vector takes every byte")
}

/// Splits into two batches of about equal size in bytes, each with at least one event.
pub(super) fn halves(mut parcels: Vec<Parcel>) -> (Vec<Parcel>, Vec<Parcel>) {
    let half = bytes(&parcels) / 2;
    let mut sum = 0;
    let middle = parcels
        .iter()
        .position(|parcel| {
            sum += parcel.event.body.len();
            sum > half
        })
        .unwrap_or(0)
        .clamp(1, parcels.len().saturating_sub(1).max(1));
    let right = parcels.split_off(middle.min(parcels.len()));
    (parcels, right)
}

/// Size of the events in bytes.
pub(super) fn bytes(parcels: &[Parcel]) -> usize {
    parcels.iter().map(|parcel| parcel.event.body.len()).sum()
}

/// The beginning of the body. It has no `sent_at`, because the server would shift every timestamp
/// by the time the request took.
fn head(api_key: &str) -> String {
    format!(r#"{{"api_key":{},"batch":["#, serde_json::json!(api_key))
}

const TAIL: &[u8] = b"]}";
