//! JSON lines as agents really write them: several megabytes long, glued together, cut off.
//!
//! A file that is not a transcript must not keep the program busy: see `regular`, and the limits of
//! [`Lines::next_line`].

mod buffers;
mod word;

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::mem;
use std::ops::Range;
use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Deserializer;
use serde_json::value::RawValue;

use super::lenient;
use super::regular;
pub(super) use word::Word;

/// Bytes of the longest line to read. Longer ones are skipped: no agent writes them, and a file
/// must not decide how much memory the program takes.
const LONGEST_LINE: usize = 128 << 20;

/// Bytes in skipped lines, above which a file is given up. One or two such lines may be an
/// accident.
const MOST_SKIPPED: u64 = 512 << 20;

/// Lines that do not begin like an object, above which a file is given up. Agents write none;
/// single ones are accidents.
const MOST_STRANGE: u64 = 1 << 20;

/// Bytes of the buffer for reading only the first lines.
const SMALL_BUFFER: usize = 8 << 10;

/// The lines of a file, from an offset on. Each is handed out from the buffer, without a copy.
#[derive(Debug)]
pub(super) struct Lines {
    file: File,
    buffer: Vec<u8>,
    /// Part of the buffer that was read from the file and not handed out yet.
    unread: Range<usize>,
    /// Offset in the file of the unread part.
    offset: u64,
    /// Bytes of the file that are still to be read. Bytes appended after opening are for the next
    /// reading.
    left: u64,
    /// Bytes in skipped lines.
    skipped: u64,
    /// Number of lines that do not begin like an object.
    strange: u64,
}

/// One line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    /// Offset in the file, in bytes.
    pub(super) offset: u64,
    /// The bytes, without the line end. Empty when the line was too long.
    pub(super) bytes: &'a [u8],
    /// Whether the line has an end; the last line of a file may still be being written.
    pub(super) is_terminated: bool,
    /// Whether the line was too long, and is skipped.
    pub(super) is_oversized: bool,
}

impl<'a> Line<'a> {
    /// The line as text that JSON can be read from. Invalid bytes are replaced, and so are escaped
    /// surrogates without a partner, which result from cutting a text.
    #[must_use]
    pub(super) fn text(&self) -> Cow<'a, str> {
        // Validating is many times faster than replacing.
        let text = match str::from_utf8(self.bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => String::from_utf8_lossy(self.bytes),
        };
        match without_half_characters(&text) {
            Some(mended) => Cow::Owned(mended),
            None => text,
        }
    }
}

impl Lines {
    /// Opens `path` at `offset` bytes.
    ///
    /// # Errors
    /// When the file cannot be opened, or cannot be a transcript.
    pub(super) fn open(path: &Path, offset: u64) -> io::Result<Self> {
        Self::with_buffer(path, offset, buffers::take())
    }

    /// Opens `path` for reading only its first lines.
    ///
    /// # Errors
    /// As [`Lines::open`].
    pub(super) fn beginning(path: &Path) -> io::Result<Self> {
        Self::with_buffer(path, 0, vec![0; SMALL_BUFFER])
    }

    fn with_buffer(path: &Path, offset: u64, buffer: Vec<u8>) -> io::Result<Self> {
        let (mut file, length) = regular::open(path)?;
        if is_utf_16(&mut file)? {
            return Err(regular::not_a_transcript("it is UTF-16, not UTF-8"));
        }
        file.seek(SeekFrom::Start(offset))?;
        Ok(Self {
            file,
            buffer,
            unread: 0..0,
            offset,
            left: length.saturating_sub(offset),
            skipped: 0,
            strange: 0,
        })
    }

    /// The next line, `None` at the end of the file.
    ///
    /// # Errors
    /// When the file cannot be read, or exceeds the limits for skipped lines.
    pub(super) fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        let mut searched = 0;
        let mut is_too_long = false;
        let offset = self.offset;
        let (length, is_terminated) = loop {
            let unread = &self.buffer[self.unread.clone()];
            if let Some(end) = memchr::memchr(b'\n', &unread[searched..]) {
                break (searched + end + 1, true);
            }
            searched = unread.len();
            if searched >= LONGEST_LINE {
                is_too_long = true;
                self.take(searched);
                self.skipped += searched as u64;
                if self.skipped > MOST_SKIPPED {
                    return Err(regular::not_a_transcript("its lines are too long"));
                }
                searched = 0;
            }
            if self.fill()? == 0 {
                break (searched, false);
            }
        };
        if length == 0 && !is_too_long {
            return Ok(None);
        }
        let taken = self.take(length);
        let bytes = &self.buffer[if is_too_long { 0..0 } else { taken }];
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        self.strange += u64::from(!bytes.starts_with(b"{"));
        if self.strange > MOST_STRANGE {
            return Err(regular::not_a_transcript(
                "most of its lines are not JSON objects",
            ));
        }
        Ok(Some(Line {
            offset,
            bytes,
            is_terminated,
            is_oversized: is_too_long,
        }))
    }

    /// Offset of the next line in the file, in bytes.
    #[must_use]
    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    /// Takes `length` unread bytes, and returns their place in the buffer.
    fn take(&mut self, length: usize) -> Range<usize> {
        let taken = self.unread.start..self.unread.start + length;
        self.unread.start = taken.end;
        self.offset += length as u64;
        taken
    }

    /// Reads more of the file behind the unread part, and returns the number of bytes; 0 at the
    /// end.
    fn fill(&mut self) -> io::Result<usize> {
        self.buffer.copy_within(self.unread.clone(), 0);
        self.unread = 0..self.unread.len();
        if self.unread.end == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        let room = self.buffer.len() - self.unread.end;
        let wanted = usize::try_from(self.left).unwrap_or(room).min(room);
        let end = self.unread.end + wanted;
        loop {
            match self.file.read(&mut self.buffer[self.unread.end..end]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => {
                    let read = read?;
                    self.unread.end += read;
                    self.left -= read as u64;
                    return Ok(read);
                }
            }
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        buffers::give_back(mem::take(&mut self.buffer));
    }
}

/// Whether a file begins with the byte order mark of UTF-16, in which PowerShell stores text.
fn is_utf_16(file: &mut File) -> io::Result<bool> {
    let mut first = Vec::new();
    file.by_ref().take(2).read_to_end(&mut first)?;
    Ok(matches!(first.as_slice(), [0xff, 0xfe] | [0xfe, 0xff]))
}

/// Replaces escaped surrogates that have no partner; `None` when there are none. Agents write
/// text beyond ASCII as it is, so a line with any such escape is rare.
fn without_half_characters(text: &str) -> Option<String> {
    let mut escapes = memchr::memmem::find_iter(text.as_bytes(), b"\\u");
    let is_half = |at: &usize| matches!(text.as_bytes().get(at + 2), Some(b'd' | b'D'));
    let first = escapes.find(is_half)?;
    let mut mended = String::with_capacity(text.len());
    // With an even number of backslashes before it, this one is an escaped backslash.
    let mut at = first - trailing_backslashes(&text.as_bytes()[..first]);
    mended.push_str(&text[..at]);
    let mut is_mended = false;
    while let Some(found) = memchr::memchr(b'\\', &text.as_bytes()[at..]) {
        mended.push_str(&text[at..at + found]);
        at += found;
        let here = surrogate(&text[at..]);
        let next = text.get(at + 6..).and_then(surrogate);
        let length = match (here, next) {
            (Some(Half::First), Some(Half::Second)) => 12,
            (Some(_), _) => {
                mended.push_str("\\ufffd");
                is_mended = true;
                at += 6;
                continue;
            }
            (None, _) => text[at..].chars().take(2).map(char::len_utf8).sum(),
        };
        mended.push_str(&text[at..at + length]);
        at += length;
    }
    mended.push_str(&text[at..]);
    is_mended.then_some(mended)
}

fn trailing_backslashes(bytes: &[u8]) -> usize {
    let backslashes = bytes.iter().rev().take_while(|byte| **byte == b'\\');
    backslashes.count()
}

enum Half {
    First,
    Second,
}

/// The half of a surrogate pair whose escape begins here, if any.
fn surrogate(text: &str) -> Option<Half> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    match u16::from_str_radix(digits, 16).ok()? {
        0xd800..=0xdbff => Some(Half::First),
        0xdc00..=0xdfff => Some(Half::Second),
        _ => None,
    }
}

/// Calls `each` with every JSON object of a line, and returns the number of malformed pieces.
///
/// Two processes that write at once glue objects together, and a killed process leaves half an
/// object before the next one: the complete objects are found in both cases. A crash of the machine
/// leaves NUL bytes in place of what was not written. Programs that export sessions put the objects
/// into an array.
pub(super) fn objects<'a, T: Deserialize<'a>>(line: &'a str, mut each: impl FnMut(T)) -> u64 {
    if memchr::memchr(0, line.as_bytes()).is_none() {
        return objects_between(line, &mut each);
    }
    let between = line.split('\0').filter(|part| !part.is_empty());
    let malformed: u64 = between.map(|part| objects_between(part, &mut each)).sum();
    malformed + 1
}

fn objects_between<'a, T: Deserialize<'a>>(line: &'a str, each: &mut impl FnMut(T)) -> u64 {
    let mut malformed = 0;
    // Editors put a byte order mark before the first line.
    let mut rest = line.trim_start_matches('\u{feff}').trim_ascii();
    while !rest.is_empty() {
        let mut stream = Deserializer::from_str(rest).into_iter::<T>();
        match stream.next() {
            None => break,
            Some(Ok(object)) if rest.starts_with('{') => {
                each(object);
                rest = rest[stream.byte_offset()..].trim_ascii_start();
            }
            Some(_) => match value(rest) {
                Ok((raw, length)) => {
                    malformed += of_value(raw, each);
                    rest = rest[length..].trim_ascii_start();
                }
                Err(error) => {
                    malformed += 1;
                    match next_object(rest, error.column()) {
                        Some(start) => rest = &rest[start..],
                        None => break,
                    }
                }
            },
        }
    }
    malformed
}

/// Whether a file has text and no whole JSON object: its beginning was cut off, or it never was a
/// transcript. A file that cannot be read at all is for its reader to report.
#[must_use]
pub fn holds_no_object(path: &Path) -> bool {
    let search = || -> io::Result<bool> {
        let mut lines = Lines::open(path, 0)?;
        let mut has_text = false;
        while let Some(line) = lines.next_line()? {
            let mut has_object = line.is_oversized;
            objects::<IgnoredAny>(&line.text(), |_| has_object = true);
            if has_object {
                return Ok(false);
            }
            has_text |= !line.bytes.trim_ascii().is_empty();
        }
        Ok(has_text)
    };
    search().unwrap_or(false)
}

/// The value at the beginning of a text, and its length in bytes.
fn value(text: &str) -> serde_json::Result<(&RawValue, usize)> {
    let mut stream = Deserializer::from_str(text).into_iter::<&RawValue>();
    let raw = stream
        .next()
        .unwrap_or_else(|| serde_json::from_str(text))?;
    Ok((raw, stream.byte_offset()))
}

/// Calls `each` with an object that the first attempt refused, or with the objects of an array.
/// Returns the number of malformed pieces.
fn of_value<'a, T: Deserialize<'a>>(raw: &'a RawValue, each: &mut impl FnMut(T)) -> u64 {
    let items: Vec<&RawValue> = match raw.get().as_bytes().first() {
        Some(b'{') => vec![raw],
        Some(b'[') => serde_json::from_str(raw.get()).unwrap_or_default(),
        _ => Vec::new(),
    };
    let mut found = 0;
    for item in &items {
        let is_object = item.get().starts_with('{');
        if let Some(object) = is_object.then(|| lenient::read(item)).flatten() {
            each(object);
            found += 1;
        }
    }
    if found == 0 {
        1
    } else {
        items.len() as u64 - found
    }
}

/// Offset of the object that cut off the one before it. Inside a string its first quote ends the
/// string, so that the parser fails at most three bytes later.
fn next_object(text: &str, stumbled_at: usize) -> Option<usize> {
    let from = stumbled_at.saturating_sub(4).max(1);
    let to = (stumbled_at + 2).min(text.len());
    (from..to).find(|&start| text.as_bytes()[start..].starts_with(b"{\""))
}

/// The string value of a field, given the bytes after the field's name.
pub(super) fn text_after(field: &[u8]) -> Option<&[u8]> {
    let value = field.strip_prefix(b"\"")?.trim_ascii_start();
    let value = value.strip_prefix(b":")?.trim_ascii_start();
    let value = value.strip_prefix(b"\"")?;
    Some(&value[..memchr::memchr(b'"', value)?])
}

#[cfg(test)]
mod tests;
