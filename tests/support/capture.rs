//! The checks of PostHog's capture service, as a pure function.
//!
//! Three checks are stricter than the real service, because data that it accepts are then lost or
//! counted twice: illegal distinct ids, the form of a timestamp, and a repeated uuid in one batch.

use std::collections::HashSet;
use std::io::Read;

use chrono::DateTime;
use flate2::bufread::GzDecoder;
use serde_json::Value;
use uuid::Uuid;

use super::http::header;

/// The largest body, compressed or not, of both lanes.
pub(crate) const MAX_BODY: usize = 20 * 1024 * 1024;
/// The largest event on the AI lane.
pub(crate) const MAX_AI_EVENT: usize = 8 * 1024 * 1024;
/// The largest event on the ordinary lane.
pub(crate) const MAX_EVENT: usize = 983_040;

const AI_EVENTS: [&str; 6] = [
    "$ai_generation",
    "$ai_trace",
    "$ai_span",
    "$ai_embedding",
    "$ai_metric",
    "$ai_feedback",
];
const MAX_KEY: usize = 64;
const MAX_DISTINCT_ID: usize = 200;
/// In lower case.
const ILLEGAL_DISTINCT_IDS: [&str; 18] = [
    "0",
    "[object object]",
    "anonymous",
    "distinct_id",
    "distinctid",
    "email",
    "false",
    "guest",
    "id",
    "nan",
    "none",
    "not_authenticated",
    "null",
    "system",
    "true",
    "undefined",
    "user",
    "user_id",
];

/// The endpoint that a request came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// `/i/v0/ai/batch/`
    Ai,
    /// `/batch/`
    Batch,
}

impl Lane {
    pub(crate) fn of_path(path: &str) -> Option<Self> {
        match path.trim_end_matches('/') {
            "/i/v0/ai/batch" => Some(Self::Ai),
            "/batch" => Some(Self::Batch),
            _ => None,
        }
    }

    fn max_event(self) -> usize {
        match self {
            Self::Ai => MAX_AI_EVENT,
            Self::Batch => MAX_EVENT,
        }
    }
}

/// Why a whole request is turned away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) reason: String,
}

impl Refusal {
    pub(crate) fn new(status: u16, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self { status, reason }
    }
}

/// The JSON of a body, decompressed as its headers say.
pub(crate) fn decode(headers: &[(String, String)], raw: &[u8]) -> Result<Value, Refusal> {
    let text = match header(headers, "content-encoding") {
        None => raw.to_vec(),
        Some("gzip") => gunzip(raw)?,
        Some(other) => return Err(Refusal::new(400, format!("unsupported encoding {other}"))),
    };
    serde_json::from_slice(&text)
        .map_err(|error| Refusal::new(400, format!("failed to parse request: {error}")))
}

/// The events of a batch, or the reason why none is accepted.
pub(crate) fn judge(lane: Lane, body: &Value) -> Result<Vec<Value>, Refusal> {
    let malformed = |what: &str| Refusal::new(400, format!("failed to parse request: {what}"));
    let request = body.as_object().ok_or_else(|| malformed("no object"))?;
    let batch = request
        .get("batch")
        .and_then(Value::as_array)
        .ok_or_else(|| malformed("no batch"))?;
    check_key(request.get("api_key"))?;
    if batch.is_empty() {
        return Err(Refusal::new(400, "request holds no event"));
    }
    let mut seen = HashSet::new();
    for event in batch {
        check_event(lane, event)?;
        if !seen.insert(event["uuid"].as_str()) {
            return Err(Refusal::new(400, "one uuid stands twice in the batch"));
        }
    }
    Ok(batch.clone())
}

/// The content of a body that is one gzip member: `PostHog` reads no more than the first.
fn gunzip(raw: &[u8]) -> Result<Vec<u8>, Refusal> {
    let mut text = Vec::new();
    let limit = MAX_BODY as u64 + 1;
    let mut member = GzDecoder::new(raw).take(limit);
    member
        .read_to_end(&mut text)
        .map_err(|error| Refusal::new(400, format!("failed to decode request: {error}")))?;
    if text.len() > MAX_BODY {
        return Err(Refusal::new(413, "maximum payload size exceeded"));
    }
    if !member.into_inner().into_inner().is_empty() {
        return Err(Refusal::new(400, "something follows the gzip member"));
    }
    Ok(text)
}

fn check_key(key: Option<&Value>) -> Result<(), Refusal> {
    let refuse = |reason: &str| Err(Refusal::new(401, format!("API key is not valid: {reason}")));
    match key.and_then(Value::as_str) {
        None | Some("") => Err(Refusal::new(401, "event submitted without an api_key")),
        Some(key) if key.len() > MAX_KEY => refuse("too_long"),
        Some(key) if !key.is_ascii() => refuse("not_ascii"),
        Some(key) if key.contains('\0') => refuse("null_byte"),
        Some(key) if key.starts_with("phx_") => refuse("personal_api_key"),
        Some(_) => Ok(()),
    }
}

fn check_event(lane: Lane, event: &Value) -> Result<(), Refusal> {
    let refuse = |reason: String| Err(Refusal::new(400, reason));
    let text = |field: &str| event[field].as_str();

    let Some(name) = text("event").filter(|name| !name.is_empty()) else {
        return refuse("event submitted with an empty event name".into());
    };
    if lane == Lane::Ai && !AI_EVENTS.contains(&name) {
        return refuse(format!(
            "Event name must be one of: {}, got '{name}'",
            AI_EVENTS.join(", ")
        ));
    }
    let uuid = text("uuid").unwrap_or_default();
    if Uuid::parse_str(uuid).is_err() {
        return refuse(format!("{name}: uuid {uuid:?} does not parse"));
    }
    let distinct_id = text("distinct_id").unwrap_or_default();
    if distinct_id.is_empty() || distinct_id.len() > MAX_DISTINCT_ID {
        return refuse(format!(
            "{name}: a distinct_id of {} bytes",
            distinct_id.len()
        ));
    }
    if ILLEGAL_DISTINCT_IDS.contains(&distinct_id.to_lowercase().as_str()) {
        return refuse(format!("{name}: distinct_id {distinct_id:?} is illegal"));
    }
    let timestamp = text("timestamp").unwrap_or_default();
    if DateTime::parse_from_rfc3339(timestamp).is_err() {
        return refuse(format!("{name}: timestamp {timestamp:?} is not RFC 3339"));
    }
    if !event["properties"].is_object() {
        return refuse(format!("{name}: properties are no object"));
    }
    if event.to_string().len() > lane.max_event() {
        return Err(Refusal::new(413, "maximum event size exceeded"));
    }
    Ok(())
}
