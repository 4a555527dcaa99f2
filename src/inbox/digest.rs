//! Digests of spans and records, which recognise equal ones.

use std::collections::HashMap;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use serde::Serialize;
use serde::ser::Error as _;
use sha2::{Digest as _, Sha256};

use crate::otlp::{LogRecord, Resource, Scope, Span};

/// A digest of a span or a record, with its resource and its scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Digest([u8; 32]);

/// Makes digests. A resource or scope that spans share is digested once.
#[derive(Default)]
pub(super) struct Digests {
    /// Digests by the address of the resource or scope, which lives as long as the telemetry.
    shared: HashMap<usize, [u8; 32]>,
}

/// A writer that digests its input. A serialized copy of a large span would take as much memory as
/// the span.
struct Digesting(Sha256);

impl Digest {
    /// The first 64 bits of the digest.
    pub(super) fn short(self) -> i64 {
        let mut first = [0; 8];
        first.copy_from_slice(&self.0[..8]);
        i64::from_be_bytes(first)
    }

    /// The first 128 bits of the digest.
    pub(super) fn long(self) -> [u8; 16] {
        let mut first = [0; 16];
        first.copy_from_slice(&self.0[..16]);
        first
    }
}

impl Digests {
    pub(super) fn of_span(&mut self, span: &Span) -> serde_json::Result<Digest> {
        self.of(&span.resource, &span.scope, span)
    }

    pub(super) fn of_log(&mut self, log: &LogRecord) -> serde_json::Result<Digest> {
        self.of(&log.resource, &log.scope, log)
    }

    fn of(
        &mut self,
        resource: &Arc<Resource>,
        scope: &Arc<Scope>,
        item: &impl Serialize,
    ) -> serde_json::Result<Digest> {
        let resource = self.of_shared(resource)?;
        let scope = self.of_shared(scope)?;
        let begun = Sha256::new().chain_update(resource).chain_update(scope);
        Ok(Digest(digest(begun, item)?))
    }

    fn of_shared(&mut self, shared: &Arc<impl Serialize>) -> serde_json::Result<[u8; 32]> {
        let address = Arc::as_ptr(shared).addr();
        if let Some(digest) = self.shared.get(&address) {
            return Ok(*digest);
        }
        let digest = digest(Sha256::new(), &**shared)?;
        self.shared.insert(address, digest);
        Ok(digest)
    }
}

/// The digest of an item, continued from what `begun` has digested.
fn digest(begun: Sha256, item: &impl Serialize) -> serde_json::Result<[u8; 32]> {
    // Items are serialized in pieces of a few bytes.
    let mut writer = BufWriter::with_capacity(8 << 10, Digesting(begun));
    serde_json::to_writer(&mut writer, item)?;
    let digesting = writer.into_inner();
    let digesting = digesting.map_err(|error| serde_json::Error::custom(error.error()))?;
    Ok(digesting.0.finalize().into())
}

impl Write for Digesting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
