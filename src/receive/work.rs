//! Processing of a request: expand, decode, redact, prepare. It runs on other threads than the
//! connections.

use std::sync::Arc;
use std::time::SystemTime;

use super::Redact;
use super::body::{Body, Held};
use super::entry::LeftOut;
use super::expand::expand;
use super::head::Head;
use super::limits::Limits;
use super::refusal::{Reason, Refusal};
use crate::inbox::{Delivery, Fact, Inbox, Route};
use crate::otlp::{self, Encoding, Losses, Signal, Telemetry, answer};

/// Limits and tools for processing.
#[derive(Clone)]
pub(super) struct Tools {
    pub(super) limits: Limits,
    pub(super) redact: Arc<dyn Redact>,
    pub(super) inbox: Inbox,
}

/// A processed request.
#[derive(Debug)]
pub(super) struct Worked {
    /// The data to store; may be empty.
    pub(super) delivery: Delivery,
    /// The body of the answer once it is stored.
    pub(super) answer: Vec<u8>,
    pub(super) encoding: Encoding,
    /// The memory that it holds until it is stored.
    pub(super) held: Held,
}

/// Bytes of a key's name to show.
const MAX_NAME: usize = 60;

/// Processes a request.
pub(super) fn work(
    tools: &Tools,
    head: &Head,
    body: Body,
    now: SystemTime,
) -> Result<Worked, Refusal> {
    let limits = &tools.limits;
    if head.is_test && head.signal != Signal::Traces {
        let message = "OpenRouter sends traces: use /openrouter or /v1/traces";
        return Err(Refusal::new(Reason::Path, message));
    }
    let Body { bytes, mut held } = body;
    let bytes = expand(bytes, head.compression, limits.expanded, &mut held)?;
    let answered = head.encoding.unwrap_or_else(|| guess(&bytes));
    let memory = otlp::Limits {
        memory: limits.decoded,
    };
    let decoded = otlp::decode(&bytes, encoding_of(head, &bytes), head.signal, &memory);
    let mut telemetry =
        decoded.map_err(|error| Refusal::new(Reason::BadBody, error.to_string()))?;
    drop(bytes);
    let is_test = head.is_test && is_empty(&telemetry);
    count_losses(&tools.inbox, &telemetry.losses, now);
    let answer = answer::taken(answered, head.signal, &telemetry.losses);
    let mut left_out = head.entry.openrouter.sort(&mut telemetry);
    left_out.connection_tests += u64::from(is_test);
    count_left_out(tools, &head.entry.route, &left_out, now);
    let telemetry = tools.redact.telemetry(telemetry);
    let delivery = Delivery::prepare(&telemetry, head.entry.route.clone(), now);
    let delivery = delivery.map_err(|error| Refusal::new(Reason::Internal, error.to_string()))?;
    drop(telemetry);
    hold(&mut held, delivery.size(), limits)?;
    Ok(Worked {
        delivery,
        answer,
        encoding: answered,
        held,
    })
}

/// Counts the memory of data that wait to be stored. Many small traces take many times the memory
/// of their body.
fn hold(held: &mut Held, bytes: usize, limits: &Limits) -> Result<(), Refusal> {
    if bytes > limits.in_flight {
        let message = "the request has too many traces; send smaller batches";
        return Err(Refusal::new(Reason::TooLarge, message));
    }
    held.grow_to(bytes)
}

/// The encoding to decode with. JSON with the media type of protobuf is read as JSON: no protobuf
/// request begins with a brace.
fn encoding_of(head: &Head, bytes: &[u8]) -> Encoding {
    match head.encoding {
        Some(Encoding::Json) => Encoding::Json,
        Some(Encoding::Protobuf) | None => guess(bytes),
    }
}

fn guess(bytes: &[u8]) -> Encoding {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match text {
        // Every protobuf request begins with this byte, which is a line end in text; the length
        // after it may look like a brace.
        [b'\n', ..] => Encoding::Protobuf,
        _ if text.trim_ascii_start().starts_with(b"{") => Encoding::Json,
        _ => Encoding::Protobuf,
    }
}

fn is_empty(telemetry: &Telemetry) -> bool {
    telemetry.spans.is_empty() && telemetry.logs.is_empty() && telemetry.losses == Losses::default()
}

fn count_losses(inbox: &Inbox, losses: &Losses, now: SystemTime) {
    let rejected = [("spans", &losses.spans), ("log records", &losses.logs)];
    for (what, rejected) in rejected {
        for reason in [
            otlp::Rejection::Malformed,
            otlp::Rejection::Empty,
            otlp::Rejection::TooLarge,
        ] {
            let name = format!("{what}: {reason}");
            inbox.count(Fact::LeftOut, &name, rejected.count(reason), now);
        }
    }
    let fields = [
        ("fields: unreadable", losses.unreadable_fields),
        ("values: too deep", losses.cut_values),
    ];
    for (name, count) in fields {
        inbox.count(Fact::LeftOut, name, count, now);
    }
    inbox.count(Fact::Metrics, "", losses.metrics, now);
}

fn count_left_out(tools: &Tools, route: &Route, left_out: &LeftOut, now: SystemTime) {
    let inbox = &tools.inbox;
    let by = route.name();
    inbox.count(Fact::ConnectionTest, by, left_out.connection_tests, now);
    inbox.count(Fact::TestRequest, by, left_out.test_requests, now);
    for (key, requests) in &left_out.other_keys {
        let reason = match key.as_str() {
            "" => format!("route {by}: made with an OpenRouter key that is not named"),
            key => {
                // The user may have entered the key itself as its name.
                let key = tools.redact.name(key);
                let key = &key[..key.floor_char_boundary(MAX_NAME)];
                format!("route {by}: made with the OpenRouter key {key:?}")
            }
        };
        inbox.count(Fact::KeptOut, &reason, *requests, now);
    }
}
