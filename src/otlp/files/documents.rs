//! JSON objects of a file, one after the other.
//!
//! An object may span several lines, and a line may contain several objects; the punctuation of an
//! array may separate them. After an object that breaks off, reading continues at the next one: a
//! text never contains a line end.

use std::io::{self, Read};
use std::ops::Range;

use super::{Body, MAX_REQUEST};

/// Bytes to read at a time. Most lines are shorter.
const BUFFER: usize = 256 << 10;

/// Bytes after a line end that show whether an object begins there.
const LOOK_AHEAD: usize = 24;

/// The objects of a file.
pub(super) struct Documents<R> {
    file: R,
    buffer: Vec<u8>,
    /// Part of the buffer that was read from the file and not handed out yet.
    unread: Range<usize>,
    is_at_end: bool,
    /// Beginnings of an object that starts a line, also after an object that breaks off.
    openings: &'static [&'static [u8]],
}

/// Beginnings of requests.
pub(super) const REQUESTS: &[&[u8]] = &[
    b"{\"resourceSpans\"",
    b"{\"resourceLogs\"",
    b"{\"resourceMetrics\"",
    b"{\"resource_spans\"",
    b"{\"resource_logs\"",
    b"{\"resource_metrics\"",
];

/// Beginnings of lines with a single span.
pub(super) const SPANS: &[&[u8]] = &[b"{\"type\":\"", b"{\"traceId\"", b"{\"trace_id\""];

/// A position within an object.
#[derive(Default)]
struct Scan {
    /// Bytes of the object before the position.
    at: usize,
    /// Number of objects and lists that contain the position.
    depth: u64,
    is_in_text: bool,
}

/// The end of an object.
enum End {
    Whole,
    /// The object breaks off at the end of a line.
    Torn,
}

impl<R: Read> Documents<R> {
    pub(super) fn new(file: R, openings: &'static [&'static [u8]]) -> Self {
        let buffer = vec![0; BUFFER];
        Self {
            file,
            buffer,
            unread: 0..0,
            is_at_end: false,
            openings,
        }
    }

    /// The next object; `None` at the end of the file.
    pub(super) fn next(&mut self) -> io::Result<Option<Body<'_>>> {
        match self.skip_between()? {
            Between::End => return Ok(None),
            Between::Strange => return Ok(Some(Body::Unreadable)),
            Between::Object => {}
        }
        let mut scan = Scan::default();
        loop {
            if let Some(end) = scan.advance(self.unread(), self.openings, self.is_at_end) {
                let object = self.take(scan.at);
                return Ok(Some(match end {
                    End::Whole => Body::Whole(&self.buffer[object]),
                    End::Torn => Body::Torn,
                }));
            }
            if scan.at > MAX_REQUEST {
                self.take(scan.at);
                self.skip_line()?;
                return Ok(Some(Body::TooLarge));
            }
            let was_at_end = self.is_at_end;
            // At the end of the file, the rest of the object is missing.
            if self.fill()? == 0 && was_at_end {
                self.take(self.unread.len());
                return Ok(Some(Body::Torn));
            }
        }
    }

    fn unread(&self) -> &[u8] {
        &self.buffer[self.unread.clone()]
    }

    /// Skips to the next object.
    fn skip_between(&mut self) -> io::Result<Between> {
        loop {
            let unread = self.unread();
            let skipped = unread.iter().position(|byte| !is_between(*byte));
            match skipped.map(|skipped| (skipped, unread[skipped])) {
                Some((skipped, b'{')) => {
                    self.take(skipped);
                    return Ok(Between::Object);
                }
                Some((skipped, _)) => {
                    self.take(skipped);
                    self.skip_strange()?;
                    return Ok(Between::Strange);
                }
                None => {
                    self.take(self.unread.len());
                    if self.fill()? == 0 {
                        return Ok(Between::End);
                    }
                }
            }
        }
    }

    /// Skips bytes that belong neither to an object nor between objects, at most to the line end.
    fn skip_strange(&mut self) -> io::Result<()> {
        loop {
            let unread = self.unread();
            if let Some(end) = memchr::memchr2(b'\n', b'{', unread) {
                self.take(end);
                return Ok(());
            }
            self.take(self.unread.len());
            if self.fill()? == 0 {
                return Ok(());
            }
        }
    }

    /// Skips to the end of the line.
    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let end = memchr::memchr(b'\n', self.unread());
            self.take(end.unwrap_or(self.unread.len()));
            if end.is_some() || self.fill()? == 0 {
                return Ok(());
            }
        }
    }

    /// Takes `length` unread bytes, and returns their place in the buffer.
    fn take(&mut self, length: usize) -> Range<usize> {
        let taken = self.unread.start..self.unread.start + length;
        self.unread.start = taken.end;
        taken
    }

    /// Reads more of the file behind the unread part, and returns the number of bytes; 0 at the
    /// end.
    fn fill(&mut self) -> io::Result<usize> {
        // The unread part moves to the front, which costs nothing while a large object is being
        // read: it is there already.
        if self.unread.start > 0 {
            self.buffer.copy_within(self.unread.clone(), 0);
            self.unread = 0..self.unread.len();
        }
        if self.unread.end == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        let read = super::read_some(&mut self.file, &mut self.buffer[self.unread.end..])?;
        self.unread.end += read;
        self.is_at_end |= read == 0;
        Ok(read)
    }
}

/// The next item in a file.
enum Between {
    Object,
    Strange,
    End,
}

/// Whether a byte may occur between objects: white space, punctuation of an array, a byte order
/// mark.
const fn is_between(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b',' | b'[' | b']' | 0xef | 0xbb | 0xbf)
}

/// Offset of the first object, if nothing else precedes it.
pub(super) fn start_of_object(beginning: &[u8]) -> Option<usize> {
    // A power failure leaves NUL bytes in place of what was not written, which is damage.
    let is_before = |byte: u8| is_between(byte) || byte == 0;
    let start = beginning.iter().position(|byte| !is_before(*byte))?;
    (beginning[start] == b'{').then_some(start)
}

impl Scan {
    /// Continues to the end of an object, or to the end of its part in the buffer.
    fn advance(&mut self, object: &[u8], openings: &[&[u8]], is_at_end: bool) -> Option<End> {
        while self.at < object.len() {
            let rest = &object[self.at..];
            if self.is_in_text {
                match memchr::memchr3(b'"', b'\\', b'\n', rest) {
                    None => self.at = object.len(),
                    Some(found) if rest[found] == b'"' => {
                        self.is_in_text = false;
                        self.at += found + 1;
                    }
                    Some(found) if rest[found] == b'\n' => {
                        self.at += found;
                        return Some(End::Torn);
                    }
                    // The escaped character may not be in the buffer yet.
                    Some(found) if found + 1 == rest.len() => {
                        self.at += found;
                        return None;
                    }
                    Some(found) => self.at += found + 2,
                }
                continue;
            }
            match rest[0] {
                b'"' => self.is_in_text = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                b'\n' => {
                    if rest.len() <= LOOK_AHEAD && !is_at_end {
                        return None;
                    }
                    if openings
                        .iter()
                        .any(|opening| rest[1..].starts_with(opening))
                    {
                        return Some(End::Torn);
                    }
                }
                _ => {}
            }
            self.at += 1;
            if self.depth == 0 {
                return Some(End::Whole);
            }
        }
        None
    }
}
