//! Files of requests, recognised by their content.
//!
//! | format | written by |
//! |---|---|
//! | one request as a JSON document, also over several lines | people, tests |
//! | a JSON request per line | file exporter of the Collector |
//! | a span or metric per line | GitHub Copilot, exporters of the JavaScript SDK |
//! | protobuf requests, each after its length in 4 bytes, most significant byte first | file exporter of the Collector |
//! | one request in protobuf | people, tests |
//!
//! Each may be compressed with gzip. A file may be of any size: one request is in memory at a time,
//! and requests larger than [`MAX_REQUEST`] are skipped and counted.

mod documents;
mod frames;
mod inflated;
mod recognise;

use std::fmt;
use std::io::{self, Cursor, Read};
use std::sync::Arc;

use super::{Limits, Signal, Telemetry, json, protobuf};
use documents::Documents;
use frames::{Frames, Groups};
use inflated::{Compression, Inflated};
use recognise::HEAD;
pub use recognise::{Format, recognise};

/// Bytes of the largest request to read: the same as for the receiver.
pub const MAX_REQUEST: usize = 96 << 20;

/// Number of lines with a single span that are read together.
const LINES_A_BATCH: usize = 512;

/// The requests of a file.
pub struct Requests {
    format: Format,
    bodies: Bodies,
    limits: Limits,
    /// The signal of the last protobuf request, assumed for requests that do not show theirs.
    signal: Signal,
    damage: Damage,
    /// Damage of the compressed bytes.
    compression: Arc<Compression>,
}

/// Counts of unreadable parts of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Damage {
    /// Requests that break off: at the end of the file, or at a line end within a text.
    pub torn: u64,
    /// Number of places without a request of the format.
    pub unreadable: u64,
    /// Requests larger than [`MAX_REQUEST`].
    pub too_large: u64,
    /// Spans, log records and fields of requests whose content is not what the protocol has there.
    pub malformed: u64,
    /// Whether the compressed bytes are damaged, so that what follows cannot be read.
    pub is_compression_broken: bool,
}

impl Damage {
    /// Whether all of the file could be read.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [
            (self.torn, "cut off"),
            (self.unreadable, "not a request"),
            (self.too_large, "larger than 96 MiB"),
            (self.malformed, "malformed within a request"),
        ];
        let kinds = kinds.iter().filter(|(places, _)| *places > 0);
        let mut kinds: Vec<String> = kinds
            .map(|(places, what)| format!("{places} {what}"))
            .collect();
        if self.is_compression_broken {
            kinds.push("compression damaged".to_owned());
        }
        write!(
            formatter,
            "parts of it cannot be read ({}); the rest is read",
            kinds.join(", ")
        )
    }
}

/// The reader of requests for each format.
enum Bodies {
    Documents(Documents<File>),
    Frames(Frames<File>),
    Groups(Groups<File>),
}

/// The bytes of a request, or the reason why there are none.
enum Body<'a> {
    Whole(&'a [u8]),
    Torn,
    Unreadable,
    TooLarge,
}

impl Requests {
    /// The requests of a file; `None` when the file has none of the formats.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn new(file: impl Read + Send + 'static) -> io::Result<Option<Self>> {
        let (mut head, mut file) = with_head(Box::new(file))?;
        let compression = Arc::new(Compression::default());
        if recognise::is_gzip(&head) {
            let inflated = Inflated::new(file, Arc::clone(&compression));
            (head, file) = with_head(Box::new(inflated))?;
        }
        let Some(format) = recognise::format_of(&head) else {
            return Ok(None);
        };
        let bodies = match format {
            Format::JsonRequests => Bodies::Documents(Documents::new(file, documents::REQUESTS)),
            Format::JsonSpans => Bodies::Documents(Documents::new(file, documents::SPANS)),
            Format::ProtobufFrames => Bodies::Frames(Frames::new(file)),
            Format::Protobuf => Bodies::Groups(Groups::new(file)),
        };
        let (limits, signal, damage) = (Limits::default(), Signal::Traces, Damage::default());
        Ok(Some(Self {
            format,
            bodies,
            limits,
            signal,
            damage,
            compression,
        }))
    }

    /// The format of the file.
    #[must_use]
    pub const fn format(&self) -> Format {
        self.format
    }

    /// The damage found so far.
    #[must_use]
    pub fn damage(&self) -> Damage {
        let is_cut = self.compression.is_cut() && self.damage.torn == 0;
        Damage {
            torn: self.damage.torn + u64::from(is_cut),
            is_compression_broken: self.compression.is_broken(),
            ..self.damage
        }
    }

    /// The next request, or the next few spans of a file with a span per line; `None` at the end
    /// of the file.
    ///
    /// # Errors
    /// When the file cannot be read. Where its compression is damaged, it ends.
    pub fn next_request(&mut self) -> io::Result<Option<Telemetry>> {
        let most = if self.format == Format::JsonSpans {
            LINES_A_BATCH
        } else {
            1
        };
        let mut telemetry = None;
        for _ in 0..most {
            match self.next_body()? {
                Some(next) => append(telemetry.get_or_insert_default(), next),
                None => break,
            }
        }
        Ok(telemetry)
    }

    /// The telemetry of the next readable body.
    fn next_body(&mut self) -> io::Result<Option<Telemetry>> {
        loop {
            let body = match &mut self.bodies {
                Bodies::Documents(documents) => documents.next()?,
                Bodies::Frames(frames) => frames.next()?,
                Bodies::Groups(groups) => groups.next()?,
            };
            match body {
                None => return Ok(None),
                Some(Body::Whole(bytes)) => {
                    let decoded = decode(self.format, bytes, &mut self.signal, &self.limits);
                    match decoded {
                        Some(telemetry) => {
                            let losses = &telemetry.losses;
                            self.damage.malformed += losses.spans.total()
                                + losses.logs.total()
                                + losses.unreadable_fields;
                            return Ok(Some(telemetry));
                        }
                        None => self.damage.unreadable += 1,
                    }
                }
                Some(Body::Torn) => self.damage.torn += 1,
                Some(Body::Unreadable) => self.damage.unreadable += 1,
                Some(Body::TooLarge) => self.damage.too_large += 1,
            }
        }
    }
}

/// The telemetry in a body; `None` when it cannot be decoded.
fn decode(format: Format, body: &[u8], signal: &mut Signal, limits: &Limits) -> Option<Telemetry> {
    match format {
        Format::JsonRequests => json::decode(body, limits).ok(),
        Format::JsonSpans => json::decode_line(body, limits).ok(),
        Format::ProtobufFrames | Format::Protobuf => {
            *signal = protobuf::signal_of(body).ok()?.unwrap_or(*signal);
            protobuf::decode(body, *signal, limits).ok()
        }
    }
}

/// Appends telemetry. Lines with single spans repeat resource and scope; those equal to the
/// last ones are shared.
fn append(to: &mut Telemetry, mut next: Telemetry) {
    for span in &mut next.spans {
        if let Some(last) = to.spans.last() {
            share(&mut span.resource, &last.resource);
            share(&mut span.scope, &last.scope);
        }
    }
    to.spans.append(&mut next.spans);
    to.logs.append(&mut next.logs);
    to.losses.merge(&next.losses);
}

fn share<T: PartialEq>(one: &mut Arc<T>, other: &Arc<T>) {
    if one == other {
        one.clone_from(other);
    }
}

type File = Box<dyn Read + Send>;

/// The beginning of a file, and a reader of the file from its beginning.
fn with_head(mut file: File) -> io::Result<(Vec<u8>, File)> {
    let mut head = vec![0; HEAD];
    let length = frames::read_all(&mut file, &mut head)?;
    head.truncate(length);
    let file = Cursor::new(head.clone()).chain(file);
    Ok((head, Box::new(file)))
}

/// Reads some bytes; none only at the end of the file.
fn read_some(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match file.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}
