//! Compressed bodies.

use std::io::{ErrorKind, Read};

use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::body::Held;
use super::refusal::{Reason, Refusal};

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Gzip,
    /// With a header of zlib, as the standard demands, or without, as some send it.
    Deflate,
}

/// Bytes that are expanded at a time.
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

/// Expands a body of up to `limit` bytes, whose memory is counted in `held` meanwhile.
pub(super) fn expand(
    body: Vec<u8>,
    compression: Compression,
    limit: usize,
    held: &mut Held,
) -> Result<Vec<u8>, Refusal> {
    match compression {
        Compression::None => Ok(body),
        // An empty body stays one: there is nothing to expand.
        Compression::Gzip | Compression::Deflate if body.is_empty() => Ok(body),
        Compression::Gzip => read(MultiGzDecoder::new(&body[..]), limit, held),
        Compression::Deflate if has_zlib_header(&body) => {
            read(ZlibDecoder::new(&body[..]), limit, held)
        }
        Compression::Deflate => read(DeflateDecoder::new(&body[..]), limit, held),
    }
}

/// Two bytes that name the method, with a check sum of their own.
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
