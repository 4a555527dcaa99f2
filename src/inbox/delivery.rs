//! A request in its stored form: split by trace, digested, compressed.
//!
//! All of this happens before the request reaches the one writing thread.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::SystemTime;

use flate2::{Compress, Compression, FlushCompress, Status};

use super::digest::Digests;
use super::key::Route;
use super::loose;
use super::sessions::{NAMED, named_in, request_of, response_of, session_of};
use super::time::to_millis;
use crate::otlp::openrouter::is_delivery;
use crate::otlp::{Attributes, LogRecord, Span, Telemetry, TraceId, stored};
use crate::redact::Redacted;

/// The content of a request, ready to be stored. It consists of redacted data only, since it is
/// written to disk as it is.
#[derive(Debug)]
pub struct Delivery {
    pub(super) route: Route,
    /// Milliseconds since 1970 (UTC).
    pub(super) received_at: i64,
    pub(super) groups: Vec<Group>,
    pub(super) services: Vec<Service>,
}

/// The part of a request that belongs to one trace.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) trace_id: TraceId,
    /// Whether these are records without a trace, under an id made by this program.
    pub(super) is_loose: bool,
    pub(super) has_root: bool,
    /// Whether OpenRouter delivered it.
    pub(super) is_delivery: bool,
    pub(super) service: String,
    pub(super) name: String,
    pub(super) sessions: Vec<String>,
    pub(super) items: Vec<Item>,
    /// Size of the stored form before compression, in bytes.
    pub(super) expanded: usize,
    /// The stored form: compressed, unless that makes it no shorter.
    pub(super) content: Vec<u8>,
}

/// One span or log record of a group.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) id: ItemId,
    pub(super) digest: i64,
    /// Index among the spans, or among the records, of the chunk.
    pub(super) place: usize,
}

/// Identity of an item within its trace. On disk, the two kinds differ in length.
#[derive(Debug, Clone, Copy)]
pub(super) enum ItemId {
    /// Id of a span.
    Span([u8; 8]),
    /// Digest of a record; records have no ids.
    Record([u8; 16]),
}

/// Numbers of spans and log records from one service.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) name: String,
    pub(super) spans: u64,
    pub(super) logs: u64,
}

/// Bytes of the longest text to keep for finding or showing a trace. Longer names are cut, longer
/// session ids dropped.
const MAX_TEXT: usize = 200;
/// Bytes of the shortest form to compress: starting the encoder costs as much as a kilobyte.
const WORTH_IT: usize = 512;
/// Bytes of a delivery to store in one transaction, which takes some hundredths of a second.
const PART: usize = 2 << 20;
/// Largest number of sessions, and of reported responses, to keep per trace. Real traces have one
/// session, and as many responses as calls.
const MAX_SESSIONS: usize = 512;

impl ItemId {
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Span(id) => id,
            Self::Record(digest) => digest,
        }
    }
}

impl Delivery {
    /// Prepares the content of a request, in the order of the request.
    ///
    /// # Errors
    /// When it cannot be written as JSON, which is not to be expected.
    pub fn prepare(
        telemetry: &Redacted<Telemetry>,
        route: Route,
        received_at: SystemTime,
    ) -> serde_json::Result<Self> {
        let telemetry = telemetry.get();
        let mut digests = Digests::default();
        // Level 1 is five times as fast as the default, for a tenth more bytes.
        let mut compress = Compress::new(Compression::fast(), true);
        let groups = groups(telemetry).into_iter();
        let groups = groups.map(|group| group.finish(&mut digests, &mut compress));
        Ok(Self {
            route,
            received_at: to_millis(received_at),
            groups: groups.collect::<serde_json::Result<_>>()?,
            services: services(telemetry),
        })
    }

    /// Whether there is nothing to store.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Approximate size on disk, in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.groups.iter().map(Group::size).sum()
    }

    /// Splits a delivery whose transaction would make others wait for long. Traces stay whole.
    #[must_use]
    pub fn parts(self) -> Vec<Self> {
        let Self {
            route,
            received_at,
            groups,
            mut services,
        } = self;
        let mut parts: Vec<Vec<Group>> = Vec::new();
        let mut size = PART;
        for group in groups {
            size += group.size();
            match parts.last_mut() {
                Some(part) if size <= PART => part.push(group),
                _ => {
                    size = group.size();
                    parts.push(vec![group]);
                }
            }
        }
        let part = |groups| Self {
            route: route.clone(),
            received_at,
            groups,
            // Only the first part carries the counts.
            services: std::mem::take(&mut services),
        };
        parts.into_iter().map(part).collect()
    }
}

impl Group {
    /// Approximate size on disk, in bytes, including its rows.
    const fn size(&self) -> usize {
        self.content.len() + 64 * self.items.len() + 256
    }
}

/// The spans and log records of one trace.
struct OfTrace<'a> {
    trace_id: TraceId,
    is_loose: bool,
    spans: Vec<&'a Span>,
    logs: Vec<&'a LogRecord>,
}

fn groups(telemetry: &Telemetry) -> Vec<OfTrace<'_>> {
    let mut traces: Vec<OfTrace<'_>> = Vec::new();
    let mut places: HashMap<TraceId, usize> = HashMap::new();
    let mut place_of = |traces: &mut Vec<OfTrace<'_>>, trace_id, is_loose| {
        *places.entry(trace_id).or_insert_with(|| {
            traces.push(OfTrace {
                trace_id,
                is_loose,
                spans: Vec::new(),
                logs: Vec::new(),
            });
            traces.len() - 1
        })
    };
    for span in &telemetry.spans {
        let place = place_of(&mut traces, span.trace_id, false);
        traces[place].spans.push(span);
    }
    for log in &telemetry.logs {
        let trace_id = log.trace_id.unwrap_or_else(|| loose::id_of(log));
        let place = place_of(&mut traces, trace_id, log.trace_id.is_none());
        traces[place].logs.push(log);
    }
    traces
}

impl OfTrace<'_> {
    fn finish(self, digests: &mut Digests, compress: &mut Compress) -> serde_json::Result<Group> {
        let mut items = Vec::with_capacity(self.spans.len() + self.logs.len());
        for (place, span) in self.spans.iter().enumerate() {
            items.push(Item {
                id: ItemId::Span(*span.span_id.bytes()),
                digest: digests.of_span(span)?.short(),
                place,
            });
        }
        for (place, log) in self.logs.iter().enumerate() {
            let digest = digests.of_log(log)?;
            items.push(Item {
                id: ItemId::Record(digest.long()),
                digest: digest.short(),
                place,
            });
        }
        let form = stored::write(self.spans.iter().copied(), self.logs.iter().copied())?;
        let (service, name) = self.service_and_name();
        Ok(Group {
            trace_id: self.trace_id,
            is_loose: self.is_loose,
            has_root: self.spans.iter().any(|it| it.parent_span_id.is_none()),
            is_delivery: self.spans.iter().any(|it| is_delivery(it)),
            service,
            name,
            sessions: self.sessions(),
            items,
            expanded: form.len(),
            content: content(compress, form),
        })
    }

    /// Service and name of the root span, or else of the first item.
    fn service_and_name(&self) -> (String, String) {
        let root = self.spans.iter().find(|it| it.parent_span_id.is_none());
        let (resource, name) = match (root.or(self.spans.first()), self.logs.first()) {
            (Some(span), _) => (&span.resource, span.name.as_str()),
            (None, Some(log)) => (&log.resource, log.event_name.as_str()),
            (None, None) => return Default::default(),
        };
        (service_of(&resource.attributes), cut(name).to_owned())
    }

    /// The keys of the trace: sessions, reported responses and requests.
    fn sessions(&self) -> Vec<String> {
        let spans = self.spans.iter();
        let spans = spans.map(|it| [&it.attributes, &it.resource.attributes]);
        let logs = self.logs.iter();
        let logs = logs.map(|it| [&it.attributes, &it.resource.attributes]);
        let mut sessions = Vec::new();
        let mut keep = |session: String| add(&mut sessions, session);
        let all = spans.chain(logs);
        all.clone().filter_map(session_of).for_each(&mut keep);
        let requests = self.spans.iter().filter_map(|it| request_of(it));
        let responses = self.spans.iter().filter_map(|it| response_of(it));
        requests.chain(responses).for_each(&mut keep);
        let mut named = Vec::new();
        let mut resource: Option<&Attributes> = None;
        for [own, shared] in all {
            let mut keep = |session| add(&mut named, session);
            named_in(own, &mut keep);
            // Most spans of a trace share their resource.
            if !resource.is_some_and(|it| std::ptr::eq(it, shared)) {
                named_in(shared, &mut keep);
                resource = Some(shared);
            }
        }
        named.retain(|it| !sessions.iter().any(|known| it[NAMED.len()..] == **known));
        sessions.extend(named);
        sessions
    }
}

/// Adds a key that is new and short, while there are few.
fn add(keys: &mut Vec<String>, key: String) {
    if key.len() <= MAX_TEXT && keys.len() < MAX_SESSIONS && !keys.contains(&key) {
        keys.push(key);
    }
}

fn services(telemetry: &Telemetry) -> Vec<Service> {
    let mut services: HashMap<String, Service> = HashMap::new();
    let mut of = |attributes: &Attributes, spans, logs| {
        let name = service_of(attributes);
        match services.entry(name) {
            Entry::Occupied(mut entry) => {
                entry.get_mut().spans += spans;
                entry.get_mut().logs += logs;
            }
            Entry::Vacant(entry) => {
                let name = entry.key().clone();
                entry.insert(Service { name, spans, logs });
            }
        }
    };
    for span in &telemetry.spans {
        of(&span.resource.attributes, 1, 0);
    }
    for log in &telemetry.logs {
        of(&log.resource.attributes, 0, 1);
    }
    services.into_values().collect()
}

fn service_of(resource: &Attributes) -> String {
    cut(resource.text("service.name").unwrap_or_default()).to_owned()
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT)]
}

/// The bytes to store: compressed, unless that makes them no shorter.
fn content(compress: &mut Compress, form: Vec<u8>) -> Vec<u8> {
    if form.len() < WORTH_IT {
        return form;
    }
    let compressed = compressed(compress, &form);
    if compressed.len() < form.len() {
        compressed
    } else {
        form
    }
}

/// Compresses with an encoder that is reused: a new one for each small trace costs more than the
/// compression itself.
fn compressed(compress: &mut Compress, form: &[u8]) -> Vec<u8> {
    compress.reset();
    let mut content = Vec::with_capacity(form.len() / 4 + 128);
    loop {
        let taken = usize::try_from(compress.total_in()).unwrap_or(form.len());
        let rest = form.get(taken..).unwrap_or_default();
        match compress.compress_vec(rest, &mut content, FlushCompress::Finish) {
            Ok(Status::StreamEnd) => return content,
            // The vector is full.
            Ok(Status::Ok | Status::BufError) => content.reserve(content.capacity().max(1024)),
            // Only an encoder that cannot allocate memory fails.
            Err(error) => unreachable!("compression in memory: {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn what_is_compressed_is_expanded_again_whatever_its_size() {
        let mut compress = Compress::new(Compression::fast(), true);
        let mut random = 1_u64;
        let mut noise = || {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            random.to_be_bytes()[0]
        };
        for size in [0, 1, 100, 5_000, 300_000] {
            let form: Vec<u8> = (0..size).map(|_| noise()).collect();
            let content = compressed(&mut compress, &form);
            let mut expanded = Vec::new();
            let mut decoder = flate2::read::ZlibDecoder::new(&content[..]);
            decoder.read_to_end(&mut expanded).unwrap();
            assert!(expanded == form, "{size}");
        }
    }
}
