//! The body of a request: events as stored, one after the other, compressed.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::outbox::Waiting;

/// The largest body before compression. PostHog takes 20 MiB; a fifth of a second of compressing
/// and a megabyte on the wire is what a short run can still bring to its end.
pub(super) const MAX_BYTES: usize = 5 * 1024 * 1024;
/// What an event costs beside itself: a comma.
pub(super) const COMMA: usize = 1;

/// An event on its way, perhaps shortened.
#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) event: Waiting,
    /// It was shortened for being refused as too large; it is not shortened twice.
    pub(super) clipped: bool,
}

/// What the body needs beside its events.
pub(super) fn envelope_bytes(api_key: &str) -> usize {
    head(api_key).len() + TAIL.len()
}

/// The compressed body. The same events make the same bytes.
pub(super) fn compress(api_key: &str, parcels: &[Parcel]) -> Vec<u8> {
    body(api_key, parcels.iter().map(|parcel| &parcel.event.body[..]))
}

/// The compressed body of a request with these events, each of them JSON.
///
/// # Panics
/// Never: a vector takes every byte.
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

/// Two parts of about the same number of bytes, each with one event at least.
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

/// The size of the events, in bytes.
pub(super) fn bytes(parcels: &[Parcel]) -> usize {
    parcels.iter().map(|parcel| parcel.event.body.len()).sum()
}

/// There is no `sent_at`: the server would move every timestamp by the time it took to send.
fn head(api_key: &str) -> String {
    format!(r#"{{"api_key":{},"batch":["#, serde_json::json!(api_key))
}

const TAIL: &[u8] = b"]}";
