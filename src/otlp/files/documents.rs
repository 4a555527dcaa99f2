//! JSON objects of a file, one after the other.
//!
//! An object may go over several lines, and a line may hold several objects; between them may stand
//! what makes an array of them. Where an object breaks off and another begins, the next one is
//! found again: line ends never stand within a text.

use std::io::{self, Read};
use std::ops::Range;

use super::{Body, MAX_REQUEST};

/// Bytes to read at a time. Most lines are smaller.
const BUFFER: usize = 256 << 10;

/// Bytes after a line end that tell whether an object begins there.
const LOOK_AHEAD: usize = 24;

/// The objects of a file.
pub(super) struct Documents<R> {
    file: R,
    buffer: Vec<u8>,
    /// What of the buffer was read and not handed out yet.
    unread: Range<usize>,
    is_at_end: bool,
    /// What an object begins with, at the beginning of a line, wherever it is.
    openings: &'static [&'static [u8]],
}

/// What requests begin with.
pub(super) const REQUESTS: &[&[u8]] = &[
    b"{\"resourceSpans\"",
    b"{\"resourceLogs\"",
    b"{\"resourceMetrics\"",
    b"{\"resource_spans\"",
    b"{\"resource_logs\"",
    b"{\"resource_metrics\"",
];

/// What lines of single spans begin with.
pub(super) const SPANS: &[&[u8]] = &[b"{\"type\":\"", b"{\"traceId\"", b"{\"trace_id\""];

/// A place within an object.
#[derive(Default)]
struct Scan {
    /// Bytes of the object before it.
    at: usize,
    /// How many objects and lists it is in.
    depth: u64,
    is_in_text: bool,
}

/// How an object ends.
enum End {
    Whole,
    /// It breaks off at the end of a line.
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
            // At the end, what was waited for does not come any more.
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

    /// Skips what is neither an object nor may stand between objects, at most to the line end.
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

    /// Takes so many bytes of what is unread. Where they are in the buffer.
    fn take(&mut self, length: usize) -> Range<usize> {
        let taken = self.unread.start..self.unread.start + length;
        self.unread.start = taken.end;
        taken
    }

    /// Reads on, behind what is unread. How many bytes came; none at the end of the file.
    fn fill(&mut self) -> io::Result<usize> {
        // A large object is at the beginning already, and comes in many pieces.
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

/// What comes next in a file.
enum Between {
    Object,
    Strange,
    End,
}

/// Whether a byte may stand between objects: white space, what makes an array of them, a byte order
/// mark, and the NUL bytes that a machine leaves when it loses power.
const fn is_between(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b',' | b'[' | b']' | 0 | 0xef | 0xbb | 0xbf)
}

/// Where the first object begins, if nothing else stands before it.
pub(super) fn start_of_object(beginning: &[u8]) -> Option<usize> {
    let start = beginning.iter().position(|byte| !is_between(*byte))?;
    (beginning[start] == b'{').then_some(start)
}

impl Scan {
    /// Goes on to the end of an object, or to the end of what is there of it.
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
                    // What is escaped may not be there yet.
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
