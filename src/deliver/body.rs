//! The body of a request: one gzip member, composed of segments as stored in the outbox.
//!
//! ```text
//! header │ {"api_key":…,"batch":[ │ segment │ , │ segment │ … │ ]} │ checksum and length
//! ```
//!
//! The bytes around the segments are in blocks that are stored, not compressed. The checksum of the
//! whole follows from those of the parts. PostHog reads one member, so members joined to each other
//! are no alternative.

use zlib_rs::crc32::{crc32, crc32_combine};

use crate::outbox::Segment;

/// Maximum size of a body before compression, in bytes. A batch of the outbox fits.
pub(super) const MAX_BODY_BYTES: usize = 5 * 1024 * 1024;

/// Deflate, no name, no time, fastest compression, unknown system (RFC 1952).
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 0xff];
/// Maximum length of a block that is not compressed.
const STORED_BYTES: usize = 0xffff;
const TAIL: &[u8] = b"]}";

/// The body of a request with these events, each of them JSON.
pub fn body<'a>(api_key: &str, events: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    assemble(api_key, [&Segment::pack(events)])
}

/// The body of a request with the events of these segments. The same segments give the same bytes.
pub(super) fn assemble<'a>(
    api_key: &str,
    segments: impl IntoIterator<Item = &'a Segment>,
) -> Vec<u8> {
    let mut member = Member::begin();
    member.stored(head(api_key).as_bytes(), false);
    for (position, segment) in segments.into_iter().enumerate() {
        if position > 0 {
            member.stored(b",", false);
        }
        member.compressed(segment);
    }
    member.stored(TAIL, true);
    member.end()
}

/// Bytes of a body in addition to its events.
pub(super) fn envelope_bytes(api_key: &str) -> usize {
    head(api_key).len() + TAIL.len()
}

/// The beginning of the body. It has no `sent_at`, because the server would shift every timestamp
/// by the time the request took.
fn head(api_key: &str) -> String {
    format!(r#"{{"api_key":{},"batch":["#, serde_json::json!(api_key))
}

/// A gzip member under construction.
struct Member {
    bytes: Vec<u8>,
    /// CRC-32 of the content so far.
    crc: u32,
    /// Length of the content so far.
    length: u64,
}

impl Member {
    fn begin() -> Self {
        Self {
            bytes: HEADER.to_vec(),
            crc: 0,
            length: 0,
        }
    }

    /// Adds content that is not compressed.
    fn stored(&mut self, content: &[u8], is_last: bool) {
        let mut blocks = content.chunks(STORED_BYTES).peekable();
        while let Some(block) = blocks.next() {
            let is_last = is_last && blocks.peek().is_none();
            let length = u16::try_from(block.len()).expect("a block is shorter");
            self.bytes.push(u8::from(is_last));
            self.bytes.extend(length.to_le_bytes());
            self.bytes.extend((!length).to_le_bytes());
            self.bytes.extend(block);
        }
        self.add(crc32(0, content), content.len() as u64);
    }

    fn compressed(&mut self, segment: &Segment) {
        self.bytes.extend(&segment.deflated);
        self.add(segment.crc, segment.bytes as u64);
    }

    fn add(&mut self, crc: u32, length: u64) {
        self.crc = crc32_combine(self.crc, crc, length);
        self.length += length;
    }

    fn end(mut self) -> Vec<u8> {
        self.bytes.extend(self.crc.to_le_bytes());
        // The format keeps the length modulo 2³².
        self.bytes.extend(&self.length.to_le_bytes()[..4]);
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::bufread::GzDecoder;
    use serde_json::{Value, json};

    use super::*;

    /// The content of a body that is one gzip member and nothing else.
    fn content(body: &[u8]) -> Vec<u8> {
        let mut decoder = GzDecoder::new(body);
        let mut content = Vec::new();
        decoder.read_to_end(&mut content).unwrap();
        assert!(
            decoder.into_inner().is_empty(),
            "nothing follows the member"
        );
        content
    }

    fn events(numbers: std::ops::Range<usize>) -> Vec<Vec<u8>> {
        let event = |number| json!({ "number": number, "text": "text ".repeat(number * 37) });
        numbers
            .map(|number| event(number).to_string().into_bytes())
            .collect()
    }

    #[test]
    fn segments_become_one_member_with_all_their_events() {
        let all = events(0..60);
        for lengths in [
            vec![],
            vec![0],
            vec![1],
            vec![1, 1, 1],
            vec![20, 1, 39],
            vec![60],
        ] {
            let mut rest = &all[..];
            let segments: Vec<Segment> = lengths
                .iter()
                .map(|length| {
                    let (now, later) = rest.split_at(*length);
                    rest = later;
                    Segment::pack(now.iter().map(Vec::as_slice))
                })
                .collect();
            let body = assemble("phc_\"key\"", &segments);
            let found: Value = serde_json::from_slice(&content(&body)).unwrap();
            let sent = &all[..lengths.iter().sum()];
            let sent: Vec<Value> = sent
                .iter()
                .map(|event| serde_json::from_slice(event).unwrap())
                .collect();
            assert_eq!(found, json!({ "api_key": "phc_\"key\"", "batch": sent }));
        }
    }

    #[test]
    fn a_long_key_takes_several_blocks() {
        let key = "k".repeat(3 * STORED_BYTES);
        let body = body(&key, [&b"{}"[..]]);
        let found: Value = serde_json::from_slice(&content(&body)).unwrap();
        assert_eq!(found["api_key"], key.as_str());
    }

    #[test]
    fn the_envelope_is_counted() {
        let content = content(&body("phc_key", [&b"{}"[..]]));
        assert_eq!(content.len(), 2 + envelope_bytes("phc_key"));
    }
}
