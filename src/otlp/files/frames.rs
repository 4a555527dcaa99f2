//! Protobuf requests of a file, one after the other.

use std::io::{self, BufReader, Read};

use super::{Body, MAX_REQUEST, read_some};

/// Requests, each after its length in 4 bytes, most significant byte first.
pub(super) struct Frames<R> {
    file: BufReader<R>,
    buffer: Vec<u8>,
}

impl<R: Read> Frames<R> {
    pub(super) fn new(file: R) -> Self {
        Self {
            file: BufReader::new(file),
            buffer: Vec::new(),
        }
    }

    /// The next request; `None` at the end of the file.
    pub(super) fn next(&mut self) -> io::Result<Option<Body<'_>>> {
        let mut length = [0; 4];
        match read_all(&mut self.file, &mut length)? {
            0 => return Ok(None),
            4 => {}
            _ => return Ok(Some(Body::Torn)),
        }
        self.buffer.clear();
        read_message(
            &mut self.file,
            u64::from(u32::from_be_bytes(length)),
            &mut self.buffer,
        )
        .map(Some)
    }
}

/// The groups of one request, each of which can be decoded like a request.
pub(super) struct Groups<R> {
    file: BufReader<R>,
    buffer: Vec<u8>,
    is_broken: bool,
}

/// Key of the field that contains a group.
const GROUP: u8 = 0x0a;

impl<R: Read> Groups<R> {
    pub(super) fn new(file: R) -> Self {
        Self {
            file: BufReader::new(file),
            buffer: Vec::new(),
            is_broken: false,
        }
    }

    /// The next group; `None` at the end of the file, and after other bytes, since the next group
    /// cannot be found then.
    pub(super) fn next(&mut self) -> io::Result<Option<Body<'_>>> {
        let mut byte = [0];
        if self.is_broken || read_all(&mut self.file, &mut byte)? == 0 {
            return Ok(None);
        }
        if byte != [GROUP] {
            self.is_broken = true;
            return Ok(Some(Body::Unreadable));
        }
        self.buffer.clear();
        self.buffer.push(GROUP);
        let mut length = 0;
        for shift in (0..64).step_by(7) {
            if read_all(&mut self.file, &mut byte)? == 0 {
                return Ok(Some(Body::Torn));
            }
            self.buffer.extend(byte);
            length |= u64::from(byte[0] & 0x7f) << shift;
            if byte[0] < 0x80 {
                return read_message(&mut self.file, length, &mut self.buffer).map(Some);
            }
        }
        self.is_broken = true;
        Ok(Some(Body::Unreadable))
    }
}

/// Reads a message into the buffer. The buffer grows with the bytes that arrive, not with the
/// stated length.
fn read_message<'b>(
    file: &mut impl Read,
    length: u64,
    buffer: &'b mut Vec<u8>,
) -> io::Result<Body<'b>> {
    let mut message = file.take(length);
    if length > MAX_REQUEST as u64 {
        let skipped = io::copy(&mut message, &mut io::sink())?;
        return Ok(if skipped == length {
            Body::TooLarge
        } else {
            Body::Torn
        });
    }
    let read = message.read_to_end(buffer)? as u64;
    Ok(if read == length {
        Body::Whole(buffer)
    } else {
        Body::Torn
    })
}

/// Fills a buffer as far as the file allows, and returns the number of bytes.
pub(super) fn read_all(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match read_some(file, &mut buffer[length..])? {
            0 => break,
            read => length += read,
        }
    }
    Ok(length)
}
