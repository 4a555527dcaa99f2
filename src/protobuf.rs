//! Protobuf messages for writing: fields by number, in the order in which they are added. The
//! numbers are those of the reader's `.proto` files.
//!
//! To every reader, two messages in a row are one merged message, so that a request may be composed
//! of parts.

/// Wire types, which show the length of a field.
const VARINT: u64 = 0;
const EIGHT_BYTES: u64 = 1;
const DELIMITED: u64 = 2;
const FOUR_BYTES: u64 = 5;

/// A message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Message(Vec<u8>);

impl Message {
    /// A message without fields.
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a number of variable length: `uint64`, `int64`, `bool`, an enumeration.
    #[must_use]
    pub(crate) fn number(mut self, field: u32, number: u64) -> Self {
        self.key(field, VARINT);
        self.varint(number);
        self
    }

    /// Adds a `fixed64`.
    #[must_use]
    pub(crate) fn fixed64(mut self, field: u32, number: u64) -> Self {
        self.key(field, EIGHT_BYTES);
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    /// Adds a `fixed32`.
    #[must_use]
    pub(crate) fn fixed32(mut self, field: u32, number: u32) -> Self {
        self.key(field, FOUR_BYTES);
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    /// Adds a `double`.
    #[must_use]
    pub(crate) fn double(self, field: u32, number: f64) -> Self {
        self.fixed64(field, number.to_bits())
    }

    /// Adds a text.
    #[must_use]
    pub(crate) fn text(self, field: u32, text: &str) -> Self {
        self.bytes(field, text.as_bytes())
    }

    /// Adds bytes.
    #[must_use]
    pub(crate) fn bytes(mut self, field: u32, bytes: &[u8]) -> Self {
        self.key(field, DELIMITED);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }

    /// Adds a message, even one without fields.
    #[must_use]
    pub(crate) fn message(self, field: u32, message: &Self) -> Self {
        self.bytes(field, &message.0)
    }

    /// The message as it is sent.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn key(&mut self, field: u32, wire_type: u64) {
        self.varint(u64::from(field) << 3 | wire_type);
    }

    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(low_bits(number) | 0x80);
            number >>= 7;
        }
        self.0.push(low_bits(number));
    }
}

/// The seven lowest bits of a number.
const fn low_bits(number: u64) -> u8 {
    number.to_le_bytes()[0] & 0x7f
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;

    /// The same message in another library.
    #[derive(Clone, PartialEq, prost::Message)]
    struct Sample {
        #[prost(uint64, tag = "1")]
        number: u64,
        #[prost(string, tag = "2")]
        text: String,
        #[prost(fixed64, tag = "16")]
        fixed: u64,
        #[prost(double, tag = "300")]
        double: f64,
        #[prost(fixed32, tag = "301")]
        short: u32,
        #[prost(message, optional, boxed, tag = "17")]
        inner: Option<Box<Sample>>,
        #[prost(uint64, repeated, packed = "false", tag = "18")]
        numbers: Vec<u64>,
    }

    #[test]
    fn another_library_reads_what_was_written() {
        for number in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let inner = Message::new().number(1, number).text(2, "é\0");
            let written = Message::new()
                .number(1, number)
                .fixed64(16, number)
                .double(300, -0.1)
                .fixed32(301, 257)
                .message(17, &inner)
                .number(18, 7)
                .number(18, number);
            let read = Sample::decode(written.into_bytes().as_slice()).unwrap();
            let inner = Sample {
                number,
                text: "é\0".to_owned(),
                ..Sample::default()
            };
            let expected = Sample {
                number,
                fixed: number,
                double: -0.1,
                short: 257,
                inner: Some(Box::new(inner)),
                numbers: vec![7, number],
                ..Sample::default()
            };
            assert_eq!(read, expected);
        }
    }
}
