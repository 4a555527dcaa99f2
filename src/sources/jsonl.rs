//! JSON lines as agents really write them: several megabytes long, glued together, cut off.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use serde::Deserialize;
use serde_json::Deserializer;

/// A longer line is skipped: no agent writes one, and a file must not decide how much memory
/// we take.
const LONGEST_LINE: usize = 128 << 20;

/// Large enough that reading costs no system call a line, small enough not to matter.
const BUFFER: usize = 256 << 10;

/// The lines of a file, from an offset on, one at a time.
#[derive(Debug)]
pub struct Lines {
    reader: BufReader<File>,
    line: Vec<u8>,
    offset: u64,
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
}

impl Lines {
    /// Opens `path` at `offset` bytes.
    ///
    /// # Errors
    /// When the file cannot be opened, or is no regular file.
    pub fn open(path: &Path, offset: u64) -> io::Result<Self> {
        let mut file = File::open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "is not a regular file",
            ));
        }
        file.seek(SeekFrom::Start(offset))?;
        Ok(Self {
            reader: BufReader::with_capacity(BUFFER, file),
            line: Vec::new(),
            offset,
        })
    }

    /// The next line, `None` at the end of the file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        let limit = LONGEST_LINE as u64;
        let read = self
            .reader
            .by_ref()
            .take(limit)
            .read_until(b'\n', &mut self.line)?;
        if read == 0 {
            return Ok(None);
        }
        let offset = self.offset;
        self.offset += read as u64;
        let is_terminated = self.line.last() == Some(&b'\n');
        if !is_terminated && read == LONGEST_LINE {
            self.line.clear();
            self.offset += skip_line(&mut self.reader)?;
        }
        let bytes = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        Ok(Some(Line {
            offset,
            bytes,
            is_terminated,
        }))
    }
}

/// Reads past the next line end without keeping anything.
fn skip_line(reader: &mut impl BufRead) -> io::Result<u64> {
    let mut skipped = 0;
    loop {
        let buffer = reader.fill_buf()?;
        let (length, found) = match memchr::memchr(b'\n', buffer) {
            Some(end) => (end + 1, true),
            None => (buffer.len(), false),
        };
        reader.consume(length);
        skipped += length as u64;
        if found || length == 0 {
            return Ok(skipped);
        }
    }
}

/// Hands every JSON object of a line to `each`, and says how many pieces were none.
///
/// Two processes that write at once glue objects together, and a process that dies leaves half
/// an object before the next one: what is whole is found in both cases.
pub fn objects<'a, T: Deserialize<'a>>(line: &'a [u8], mut each: impl FnMut(T)) -> u64 {
    let mut malformed = 0;
    let mut rest = line.trim_ascii();
    while !rest.is_empty() {
        let mut stream = Deserializer::from_slice(rest).into_iter::<T>();
        match stream.next() {
            None => break,
            Some(Ok(object)) => {
                let read = stream.byte_offset();
                each(object);
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
fn next_object(bytes: &[u8], stumbled_at: usize) -> Option<usize> {
    let from = stumbled_at.saturating_sub(4).max(1);
    let to = (stumbled_at + 2).min(bytes.len());
    (from..to).find(|&start| bytes[start..].starts_with(b"{\""))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use serde_json::Value;

    use super::*;

    fn parse(line: &str) -> (Vec<Value>, u64) {
        let mut found = Vec::new();
        let malformed = objects(line.as_bytes(), |value| found.push(value));
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
        ] {
            let (found, bad) = parse(&line);
            assert_eq!((found.len(), bad), (objects, malformed), "{line}");
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

    #[test]
    fn a_directory_is_no_transcript() {
        assert!(Lines::open(Path::new("/"), 0).is_err());
    }
}
