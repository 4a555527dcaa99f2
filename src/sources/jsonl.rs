//! JSON lines as agents really write them: several megabytes long, glued together, cut off.
//!
//! What is no transcript must not keep anybody busy: see `regular`, and the
//! limits of [`Lines::next_line`].

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

use serde::Deserialize;
use serde_json::Deserializer;

use super::regular;

/// A longer line is skipped: no agent writes one, and a file must not decide how much memory
/// we take.
const LONGEST_LINE: usize = 128 << 20;

/// Bytes in lines that are skipped for their length. With more, the file is given up: one or two
/// such lines may come of an accident.
const MOST_SKIPPED: u64 = 512 << 20;

/// Lines that do not begin as an object does. With more, the file is given up: agents write none,
/// and what falls between them comes of accidents.
const MOST_STRANGE: u64 = 1 << 20;

/// Large enough that reading costs no system call a line, small enough to stay in the cache.
const BUFFER: usize = 256 << 10;

/// Enough for a line or two.
const SMALL_BUFFER: usize = 8 << 10;

/// The lines of a file, from an offset on, one at a time, where they stand in the buffer.
#[derive(Debug)]
pub struct Lines {
    file: File,
    buffer: Vec<u8>,
    /// What of the buffer was read from the file and not handed out yet.
    unread: Range<usize>,
    /// Where that begins in the file.
    offset: u64,
    /// Bytes that were in the file when it was opened, and were not read yet. What is written
    /// meanwhile is for the next time.
    left: u64,
    /// Bytes that were skipped.
    skipped: u64,
    /// Lines that do not begin as an object does.
    strange: u64,
}

/// One line.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// Where it begins in the file, in bytes.
    pub offset: u64,
    /// Its bytes, without the line end. Empty when the line was too long to be taken.
    pub bytes: &'a [u8],
    /// Whether its line end was there; the last line of a file may still be being written.
    pub is_terminated: bool,
    /// Whether it was too long to be taken.
    pub is_oversized: bool,
}

impl<'a> Line<'a> {
    /// The line as text that JSON can be read from: broken characters are replaced, and so are
    /// the halves of characters that stand alone where somebody cut a text between them.
    #[must_use]
    pub fn text(&self) -> Cow<'a, str> {
        // The check alone is many times faster than looking for what is to be replaced.
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
    /// When the file cannot be opened, or is none that transcripts are written to.
    pub fn open(path: &Path, offset: u64) -> io::Result<Self> {
        Self::with_buffer(path, offset, BUFFER)
    }

    /// Opens `path` for whoever wants its first lines alone.
    ///
    /// # Errors
    /// As [`Lines::open`].
    pub fn beginning(path: &Path) -> io::Result<Self> {
        Self::with_buffer(path, 0, SMALL_BUFFER)
    }

    fn with_buffer(path: &Path, offset: u64, buffer: usize) -> io::Result<Self> {
        let (mut file, length) = regular::open(path)?;
        file.seek(SeekFrom::Start(offset))?;
        Ok(Self {
            file,
            buffer: vec![0; buffer],
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
    /// When the file cannot be read, or so much of it is no line of a transcript that it is none.
    pub fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
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
                    return Err(regular::no_transcript("its lines are too long"));
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
            return Err(regular::no_transcript("most of its lines are no objects"));
        }
        Ok(Some(Line {
            offset,
            bytes,
            is_terminated,
            is_oversized: is_too_long,
        }))
    }

    /// Where the next line begins in the file, in bytes.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Takes so many bytes of what is unread. Where they are in the buffer.
    fn take(&mut self, length: usize) -> Range<usize> {
        let taken = self.unread.start..self.unread.start + length;
        self.unread.start = taken.end;
        self.offset += length as u64;
        taken
    }

    /// Reads on, behind what is unread. How many bytes came; none at the end of the file.
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

/// Replaces escaped surrogates that have no partner; `None` when there are none. Agents write
/// text beyond ASCII as it is, so a line with any such escape is rare.
fn without_half_characters(text: &str) -> Option<String> {
    let mut escapes = memchr::memmem::find_iter(text.as_bytes(), b"\\u");
    let is_half = |at: &usize| matches!(text.as_bytes().get(at + 2), Some(b'd' | b'D'));
    let first = escapes.find(is_half)?;
    let mut mended = String::with_capacity(text.len());
    // An even number of backslashes before it would make this one a character of its own.
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

/// Whether an escaped half of a character begins here.
fn surrogate(text: &str) -> Option<Half> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    match u16::from_str_radix(digits, 16).ok()? {
        0xd800..=0xdbff => Some(Half::First),
        0xdc00..=0xdfff => Some(Half::Second),
        _ => None,
    }
}

/// Hands every JSON object of a line to `each`, and says how many pieces were none.
///
/// Two processes that write at once glue objects together, and a process that dies leaves half
/// an object before the next one: what is whole is found in both cases. A machine that dies leaves
/// a run of NUL bytes in the place of what was to be written.
pub fn objects<'a, T: Deserialize<'a>>(line: &'a str, mut each: impl FnMut(T)) -> u64 {
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
            Some(Ok(object)) => {
                let read = stream.byte_offset();
                if rest.starts_with('{') {
                    each(object);
                } else {
                    malformed += 1;
                }
                rest = rest[read..].trim_ascii_start();
            }
            Some(Err(error)) => {
                malformed += 1;
                match next_object(rest, error.column()) {
                    Some(start) => rest = &rest[start..],
                    None => break,
                }
            }
        }
    }
    malformed
}

/// Where the object begins that broke the one before it. Inside a string its first quote ends
/// the string, so the parser stumbles at most three bytes later.
fn next_object(text: &str, stumbled_at: usize) -> Option<usize> {
    let from = stumbled_at.saturating_sub(4).max(1);
    let to = (stumbled_at + 2).min(text.len());
    (from..to).find(|&start| text.as_bytes()[start..].starts_with(b"{\""))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use serde_json::Value;

    use super::*;

    fn parse(line: &str) -> (Vec<Value>, u64) {
        let mut found = Vec::new();
        let malformed = objects(line, |value| found.push(value));
        (found, malformed)
    }

    #[test]
    fn objects_are_found_whole_glued_and_after_a_torn_one() {
        let whole = r#"{"type":"user","n":1}"#;
        for (line, objects, malformed) in [
            (whole.to_owned(), 1, 0),
            (String::new(), 0, 0),
            (format!("{whole}{whole}"), 2, 0),
            (
                format!(r#"{{"type":"user","text":"half a senten{whole}"#),
                1,
                1,
            ),
            (format!(r#"{{"type":"user","n":1{whole}"#), 1, 1),
            (r#"{"type":"user","text":"cut"#.to_owned(), 0, 1),
            ("// a comment".to_owned(), 0, 1),
            (format!("\0\0\0{whole}"), 1, 1),
            (format!("{whole}\0\0{whole}\0"), 2, 1),
            (format!(r#"{{"type":"us{}{whole}"#, "\0"), 1, 2),
            (format!("[1,2]{whole}"), 1, 1),
            (format!("\u{feff}{whole}"), 1, 0),
        ] {
            let (found, bad) = parse(&line);
            assert_eq!((found.len(), bad), (objects, malformed), "{line}");
        }
    }

    #[test]
    fn halves_of_characters_are_replaced_and_whole_ones_kept() {
        for (escaped, expected) in [
            (r"\ud83d cut", "\u{fffd} cut"),
            (r"\uDE00 cut", "\u{fffd} cut"),
            (r"\ud83d\ud83d\ude00", "\u{fffd}😀"),
            (r"\ud83d\ude00 whole", "😀 whole"),
            (r"\\ud83d is no escape", r"\ud83d is no escape"),
            (r"\\\ud83d is one", "\\\u{fffd} is one"),
            (r"ä\nö\ud83d", "ä\nö\u{fffd}"),
        ] {
            let line = format!(r#"{{"text":"{escaped}"}}"#);
            let line = Line {
                offset: 0,
                bytes: line.as_bytes(),
                is_terminated: true,
                is_oversized: false,
            };
            let value: Value = serde_json::from_str(&line.text()).unwrap();
            assert_eq!(value["text"], expected, "{escaped}");
        }
    }

    #[test]
    fn lines_know_their_offset_and_whether_they_are_finished() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"one\r\ntwo\n\nhal").unwrap();
        let mut lines = Lines::open(file.path(), 0).unwrap();
        let mut seen = Vec::new();
        while let Some(line) = lines.next_line().unwrap() {
            let text = String::from_utf8(line.bytes.to_vec()).unwrap();
            seen.push((line.offset, text, line.is_terminated));
        }
        let expected = [
            (0, "one", true),
            (5, "two", true),
            (9, "", true),
            (10, "hal", false),
        ];
        assert_eq!(
            seen,
            expected.map(|(offset, text, done)| (offset, text.to_owned(), done))
        );
    }

    /// Reads a file to its end, or to where it is given up.
    fn read_all(path: &Path) -> io::Result<u64> {
        let mut lines = Lines::open(path, 0)?;
        let mut count = 0;
        while lines.next_line()?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    #[test]
    fn a_file_of_lines_that_are_nothing_is_given_up() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let most = usize::try_from(MOST_STRANGE).unwrap();
        for (line, ends_well) in [("{}\n", true), ("\n", false), ("no\n", false)] {
            file.as_file().set_len(0).unwrap();
            file.rewind().unwrap();
            file.write_all(line.repeat(most).as_bytes()).unwrap();
            assert_eq!(read_all(file.path()).unwrap(), MOST_STRANGE, "{line:?}");
            file.write_all(line.as_bytes()).unwrap();
            assert_eq!(read_all(file.path()).is_ok(), ends_well, "{line:?}");
        }
    }

    #[test]
    fn a_file_that_is_one_endless_line_is_given_up() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"{}\n").unwrap();
        let skipped = MOST_SKIPPED - MOST_SKIPPED % LONGEST_LINE as u64;
        file.as_file().set_len(skipped).unwrap();
        assert_eq!(read_all(file.path()).unwrap(), 2);
        file.as_file().set_len(4 * MOST_SKIPPED).unwrap();
        let error = read_all(file.path()).unwrap_err().to_string();
        assert!(error.contains("its lines are too long"), "{error}");
    }

    #[test]
    fn what_is_written_meanwhile_is_for_the_next_time() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"{}\n").unwrap();
        let mut lines = Lines::open(file.path(), 0).unwrap();
        file.write_all(b"{}\n").unwrap();
        assert!(lines.next_line().unwrap().is_some());
        assert!(lines.next_line().unwrap().is_none());
        assert_eq!(read_all(file.path()).unwrap(), 2);
    }

    #[test]
    fn a_line_may_be_longer_than_what_is_read_at_once() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let lengths = [10, BUFFER - 12, 3 * BUFFER, 0, BUFFER - 1, BUFFER, 7];
        for length in lengths {
            let line = "x".repeat(length);
            writeln!(file, "{line}").unwrap();
        }
        let mut lines = Lines::open(file.path(), 0).unwrap();
        let mut offset = 0;
        for length in lengths {
            let line = lines.next_line().unwrap().unwrap();
            assert_eq!((line.offset, line.bytes.len()), (offset, length));
            assert!(line.is_terminated && line.bytes.iter().all(|byte| *byte == b'x'));
            offset += length as u64 + 1;
        }
        assert!(lines.next_line().unwrap().is_none());
    }

    #[test]
    fn a_directory_is_no_transcript() {
        assert!(Lines::open(Path::new("/"), 0).is_err());
    }
}
