//! Buffers for reading, used again: the kernel provides and clears the memory of a new one page by
//! page, which takes longer than reading a small transcript.

use std::sync::{Mutex, PoisonError};

/// Bytes of a buffer: large enough for few system calls, small enough for the processor's cache.
pub(super) const USUAL: usize = 256 << 10;

/// Number of buffers to keep. Few files are read at once.
const MOST: usize = 4;

static KEPT: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

/// A buffer, with any content.
pub(super) fn take() -> Vec<u8> {
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let buffer = kept.pop();
    drop(kept);
    buffer.unwrap_or_else(|| vec![0; USUAL])
}

/// Keeps a buffer for the next file, unless it grew for a long line.
pub(super) fn give_back(buffer: Vec<u8>) {
    if buffer.len() == USUAL {
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < MOST {
            kept.push(buffer);
        }
    }
}
