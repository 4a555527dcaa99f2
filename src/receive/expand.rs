//! Decompression of bodies.

use std::io::{ErrorKind, Read};

use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::body::Held;
use super::refusal::{Reason, Refusal};

/// The compression of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Gzip,
    /// With zlib's header, as the standard requires, or without, as some clients send it.
    Deflate,
}

/// Bytes to expand at a time.
const STEP: u64 = 64 << 10;

impl Compression {
    /// The compression that `Content-Encoding` names.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "" | "identity" => Some(Self::None),
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            _ => None,
        }
    }
}

/// Expands a body to at most `limit` bytes. `held` counts its memory.
pub(super) fn expand(
    body: Vec<u8>,
    compression: Compression,
    limit: usize,
    held: &mut Held,
) -> Result<Vec<u8>, Refusal> {
    match compression {
        Compression::None => Ok(body),
        // An empty body stays empty: there is nothing to expand.
        Compression::Gzip | Compression::Deflate if body.is_empty() => Ok(body),
        Compression::Gzip => read(MultiGzDecoder::new(&body[..]), limit, held),
        Compression::Deflate if has_zlib_header(&body) => {
            read(ZlibDecoder::new(&body[..]), limit, held)
        }
        Compression::Deflate => read(DeflateDecoder::new(&body[..]), limit, held),
    }
}

/// Whether the body begins with zlib's header: two bytes with a check sum.
fn has_zlib_header(body: &[u8]) -> bool {
    match body {
        [method, flags, ..] => {
            method & 0x0f == 8 && (u16::from(*method) << 8 | u16::from(*flags)) % 31 == 0
        }
        _ => false,
    }
}

fn read(mut decoder: impl Read, limit: usize, held: &mut Held) -> Result<Vec<u8>, Refusal> {
    let mut expanded = Vec::new();
    let before = held.bytes();
    loop {
        held.grow_to(before + expanded.len() + usize::try_from(STEP).unwrap_or(0))?;
        let step = (&mut decoder).take(STEP).read_to_end(&mut expanded);
        match step {
            Ok(0) => return Ok(expanded),
            Ok(_) if expanded.len() > limit => {
                let message = format!("the body has more than {limit} bytes when it is expanded");
                return Err(Refusal::new(Reason::TooLarge, message));
            }
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                let message = format!("the body cannot be expanded: {error}");
                return Err(Refusal::new(Reason::BadBody, message));
            }
        }
    }
}
