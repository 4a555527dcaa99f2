//! Recognises the format of a file by its beginning.

use std::fmt;
use std::io::Read;

use flate2::read::MultiGzDecoder;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde_json::Deserializer;

use super::{MAX_REQUEST, documents};
use crate::otlp::{json, protobuf};

/// Bytes at the beginning of a file that show its format.
pub(super) const HEAD: usize = 64 << 10;

/// Format of a file, apart from its compression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON requests, one after the other.
    JsonRequests,
    /// JSON objects, each of which is a span or a metric.
    JsonSpans,
    /// Protobuf requests, each after its length.
    ProtobufFrames,
    /// One protobuf request.
    Protobuf,
}

/// The format of a file with this beginning, which may be compressed; `None` for any other file. 64
/// KiB are enough.
#[must_use]
pub fn recognise(beginning: &[u8]) -> Option<Format> {
    if !is_gzip(beginning) {
        return format_of(beginning);
    }
    let mut inflated = Vec::new();
    // The beginning usually ends in the middle of a compressed block.
    let _ = MultiGzDecoder::new(beginning)
        .take(HEAD as u64)
        .read_to_end(&mut inflated);
    format_of(&inflated)
}

/// Whether a file is compressed with gzip.
pub(super) fn is_gzip(beginning: &[u8]) -> bool {
    beginning.starts_with(&[0x1f, 0x8b, 8])
}

/// The format of a file that is not compressed.
pub(super) fn format_of(beginning: &[u8]) -> Option<Format> {
    json_format(beginning).or_else(|| protobuf_format(beginning))
}

fn protobuf_format(beginning: &[u8]) -> Option<Format> {
    if let Some((length, message)) = beginning.split_first_chunk() {
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let message = message.get(..length).unwrap_or(message);
        // A request never begins with a zero byte, as the length of one does.
        if (1..=MAX_REQUEST).contains(&length) && holds_records(message) {
            return Some(Format::ProtobufFrames);
        }
    }
    holds_records(beginning).then_some(Format::Protobuf)
}

fn holds_records(beginning: &[u8]) -> bool {
    matches!(protobuf::signal_of(beginning), Ok(Some(_)))
}

/// The format of the first object at the beginning of a line that shows one.
fn json_format(beginning: &[u8]) -> Option<Format> {
    let first = documents::start_of_object(beginning)?;
    let lines = memchr::memchr_iter(b'\n', &beginning[first..]).map(|end| first + end + 1);
    let starts = std::iter::once(first)
        .chain(lines)
        .map(|start| &beginning[start..]);
    starts
        .filter(|it| it.starts_with(b"{"))
        .find_map(format_of_object)
}

fn format_of_object(object: &[u8]) -> Option<Format> {
    let mended = || json::mended(&String::from_utf8_lossy(object));
    format_by_names(object).or_else(|| format_by_names(mended()?.as_bytes()))
}

fn format_by_names(object: &[u8]) -> Option<Format> {
    let mut names = Names::default();
    let mut deserializer = Deserializer::from_slice(object);
    deserializer.disable_recursion_limit();
    // The object may continue beyond the beginning of the file: its names so far are enough.
    let _ = NamesSeed(&mut names).deserialize(&mut deserializer);
    names.format()
}

/// The field names of an object.
#[derive(Default)]
struct Names {
    all: Vec<String>,
    /// Value of the field `type`.
    kind: String,
}

impl Names {
    fn has_any(&self, names: &[&str]) -> bool {
        self.all.iter().any(|it| names.contains(&it.as_str()))
    }

    fn format(&self) -> Option<Format> {
        const REQUEST: &[&str] = &[
            "resourceSpans",
            "resource_spans",
            "resourceLogs",
            "resource_logs",
            "resourceMetrics",
            "resource_metrics",
        ];
        const TIMES: &[&str] = &["startTime", "endTime", "startTimeUnixNano"];
        if self.has_any(REQUEST) {
            return Some(Format::JsonRequests);
        }
        let has_ids =
            self.has_any(&["traceId", "trace_id"]) && self.has_any(&["spanId", "span_id"]);
        let is_span = has_ids && (self.kind == "span" || self.has_any(TIMES));
        let is_metric = self.kind == "metric" && self.has_any(&["instrumentationScope"]);
        (is_span || is_metric).then_some(Format::JsonSpans)
    }
}

/// Reads the names of an object into `Names`, which keeps them after an error.
struct NamesSeed<'n>(&'n mut Names);

impl<'de> DeserializeSeed<'de> for NamesSeed<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for NamesSeed<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        while let Some(name) = fields.next_key::<String>()? {
            if name == "type" {
                let kind = fields.next_value::<serde_json::Value>()?;
                kind.as_str()
                    .unwrap_or_default()
                    .clone_into(&mut self.0.kind);
            } else {
                self.0.all.push(name);
                fields.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}
