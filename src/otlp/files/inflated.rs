//! Files compressed with gzip, also damaged ones: what can be decoded is read.

use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use flate2::bufread::GzDecoder;

/// Bytes to decode at a time. Where the compressed bytes are damaged, the decoder keeps back what
/// it decoded in the same step.
const STEP: usize = 8 << 10;

/// First byte of a member.
const MAGIC: u8 = 0x1f;

/// The damage of the compressed bytes, as far as they were read.
#[derive(Debug, Default)]
pub(super) struct Compression {
    is_cut: AtomicBool,
    is_broken: AtomicBool,
}

impl Compression {
    /// Whether the compressed bytes break off. The file may still be being written.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut.load(Ordering::Relaxed)
    }

    /// Whether the compressed bytes are not those that were written: they cannot be decoded, their
    /// checksum differs, or something else follows them.
    pub(super) fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::Relaxed)
    }
}

/// A compressed file of one or more members. It ends where its bytes break off or are damaged.
/// Zero bytes after a member are padding.
pub(super) struct Inflated<R> {
    /// The decoder of the current member; `None` at the end.
    member: Option<GzDecoder<BufReader<R>>>,
    compression: Arc<Compression>,
}

impl<R: Read> Inflated<R> {
    pub(super) fn new(file: R, compression: Arc<Compression>) -> Self {
        Self {
            member: Some(GzDecoder::new(BufReader::new(file))),
            compression,
        }
    }

    /// Continues with the member after the current one, if there is one.
    fn next_member(&mut self) -> io::Result<()> {
        let Some(member) = self.member.take() else {
            return Ok(());
        };
        let mut file = member.into_inner();
        let first = loop {
            match file.fill_buf() {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok([]) => return Ok(()),
                Ok(bytes) => {
                    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
                    let first = bytes.get(zeros).copied();
                    file.consume(zeros);
                    if let Some(first) = first {
                        break first;
                    }
                }
            }
        };
        if first == MAGIC {
            self.member = Some(GzDecoder::new(file));
        } else {
            self.compression.is_broken.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

impl<R: Read> Read for Inflated<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let step = buffer.len().min(STEP);
        let buffer = &mut buffer[..step];
        while let Some(member) = self.member.as_mut().filter(|_| step > 0) {
            let damage = match member.read(buffer) {
                Ok(0) => {
                    self.next_member()?;
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => &self.compression.is_cut,
                Err(error) if is_of_decoder(&error) => &self.compression.is_broken,
                read => return read,
            };
            damage.store(true, Ordering::Relaxed);
            self.member = None;
        }
        Ok(0)
    }
}

/// Whether an error is one of the decoder, and not of the file.
fn is_of_decoder(error: &io::Error) -> bool {
    let kinds = [ErrorKind::InvalidInput, ErrorKind::InvalidData];
    error.raw_os_error().is_none() && kinds.contains(&error.kind())
}
