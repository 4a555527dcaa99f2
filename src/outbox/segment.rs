//! Events compressed for sending.

use std::io::{Read, Write};
use std::mem;

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use zlib_rs::crc32::crc32;

/// The last block of a deflate stream, without content.
const LAST_BLOCK: [u8; 5] = [1, 0, 0, 0xff, 0xff];

/// The compressed JSON of some events, joined by commas: a part of a deflate stream.
///
/// It ends at a byte boundary and refers to nothing before itself, so that it can follow any other
/// complete blocks of such a stream. A request is composed of segments as stored on disk, see
/// [`body`](crate::deliver::body): nothing is compressed or decompressed for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Segment {
    /// Number of events.
    pub events: u64,
    /// Length of the JSON in bytes.
    pub bytes: usize,
    /// Length of the longest event in bytes.
    pub longest: usize,
    /// CRC-32 of the JSON.
    pub crc: u32,
    /// The blocks.
    pub deflated: Vec<u8>,
}

impl Segment {
    /// Compresses events, each of them JSON. The same events give the same bytes.
    ///
    /// # Panics
    /// Never: writing to a vector does not fail.
    pub fn pack<'a>(events: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut segment = Self::default();
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        for event in events {
            if segment.events > 0 {
                segment.take(b",", &mut encoder);
            }
            segment.take(event, &mut encoder);
            segment.events += 1;
            segment.longest = segment.longest.max(event.len());
        }
        // Ends the last block and fills its last byte.
        encoder.flush().expect("a vector takes every byte");
        segment.deflated = mem::take(encoder.get_mut());
        segment
    }

    fn take(&mut self, json: &[u8], encoder: &mut DeflateEncoder<Vec<u8>>) {
        self.bytes += json.len();
        self.crc = crc32(self.crc, json);
        encoder.write_all(json).expect("a vector takes every byte");
    }

    /// The JSON; `None` if the segment is damaged.
    pub(super) fn unpack(&self) -> Option<Vec<u8>> {
        let mut json = Vec::new();
        DeflateDecoder::new(self.deflated.chain(&LAST_BLOCK[..]))
            .take(self.bytes as u64 + 1)
            .read_to_end(&mut json)
            .ok()?;
        (json.len() == self.bytes && crc32(0, &json) == self.crc).then_some(json)
    }

    /// CRC-32 of all fields, by which damage on disk is noticed without decompressing anything.
    pub(super) fn checksum(&self) -> u32 {
        let numbers = [
            self.events,
            self.bytes as u64,
            self.longest as u64,
            u64::from(self.crc),
        ];
        let blocks = crc32(0, &self.deflated);
        numbers
            .iter()
            .fold(blocks, |sum, it| crc32(sum, &it.to_le_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_is_unpacked() {
        let long = vec![b'x'; 3 << 20];
        for (events, json) in [
            (vec![], String::new()),
            (vec![&b"{}"[..]], "{}".to_owned()),
            (
                vec![b"{\"a\":1}", b"{}", b"[]"],
                "{\"a\":1},{},[]".to_owned(),
            ),
            (vec![b"1", &long], format!("1,{}", "x".repeat(3 << 20))),
        ] {
            let segment = Segment::pack(events.iter().copied());
            assert_eq!(segment.events, events.len() as u64);
            assert_eq!(segment.bytes, json.len());
            let longest = events.iter().map(|event| event.len()).max();
            assert_eq!(segment.longest, longest.unwrap_or_default());
            assert_eq!(segment.unpack().unwrap(), json.as_bytes());
            assert_eq!(Segment::pack(events), segment);
        }
    }

    #[test]
    fn damage_is_noticed() {
        let segment = Segment::pack([&b"{\"a\":\"some text\"}"[..], b"{}"]);
        for position in 0..segment.deflated.len() {
            let mut damaged = segment.clone();
            damaged.deflated[position] ^= 1;
            assert_ne!(damaged.checksum(), segment.checksum());
        }
        for damage in [
            |segment: &mut Segment| segment.deflated.truncate(9),
            |segment: &mut Segment| segment.bytes += 1,
            |segment: &mut Segment| segment.bytes -= 1,
            |segment: &mut Segment| segment.crc += 1,
            |segment: &mut Segment| segment.deflated.clear(),
        ] {
            let mut damaged = segment.clone();
            damage(&mut damaged);
            assert_eq!(damaged.unpack(), None);
        }
    }
}
