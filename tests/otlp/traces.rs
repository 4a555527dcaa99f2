//! Traces for the tests, in the form of an exporter, and their events.

use std::fs;
use std::path::{Path, PathBuf};

use posthog_llma::sources;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::support::capture::{Lane, judge};
use crate::support::env::API_KEY;
use crate::support::library::{Events, Run};

/// Trace of spans that name no other.
pub(super) const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// Nanoseconds at which every trace begins: 2026-03-01T12:00:00Z.
const BEGIN: u64 = 1_772_366_400_000_000_000;

const MILLISECOND: u64 = 1_000_000;

/// A span between two milliseconds of its trace. Ids are short: `a1` for `00000000000000a1`.
pub(crate) fn span(ids: &str, name: &str, times: (u64, u64), attributes: &Value) -> Value {
    let (id, parent) = match ids.split_once('<') {
        Some((id, parent)) => (id.trim(), Some(parent.trim())),
        None => (ids, None),
    };
    let mut span = json!({
        "traceId": TRACE,
        "spanId": span_id(id),
        "name": name,
        "kind": 1,
        "startTimeUnixNano": (BEGIN + times.0 * MILLISECOND).to_string(),
        "endTimeUnixNano": (BEGIN + times.1 * MILLISECOND).to_string(),
        "attributes": attributes_of(attributes),
        "status": {},
    });
    if let Some(parent) = parent {
        span["parentSpanId"] = span_id(parent).into();
    }
    span
}

pub(super) fn span_id(id: &str) -> String {
    format!("{id:0>16}")
}

/// The span as a failed one.
pub(super) fn failed(mut span: Value, kind: &str, message: &str) -> Value {
    span["status"] = json!({ "code": 2, "message": message });
    let exception = json!({
        "exception.type": kind,
        "exception.message": message,
        "exception.stacktrace": "at secretFunction (/srv/secret.ts:1)",
    });
    span["events"] = json!([{ "timeUnixNano": "1", "name": "exception", "attributes": attributes_of(&exception) }]);
    span
}

/// The span in another trace.
pub(super) fn in_trace(mut span: Value, trace: &str) -> Value {
    span["traceId"] = trace.into();
    span
}

/// Attributes in OTLP's JSON form.
pub(super) fn attributes_of(attributes: &Value) -> Value {
    let fields: &Map<String, Value> = attributes.as_object().expect("attributes");
    let attributes = fields
        .iter()
        .map(|(key, value)| json!({ "key": key, "value": any(value) }));
    attributes.collect()
}

fn any(value: &Value) -> Value {
    match value {
        Value::String(text) => json!({ "stringValue": text }),
        Value::Bool(flag) => json!({ "boolValue": flag }),
        Value::Number(number) if number.is_i64() => json!({ "intValue": number.to_string() }),
        Value::Number(number) => json!({ "doubleValue": number }),
        Value::Array(items) => {
            let values: Vec<Value> = items.iter().map(any).collect();
            json!({ "arrayValue": { "values": values } })
        }
        Value::Object(_) => json!({ "kvlistValue": { "values": attributes_of(value) } }),
        Value::Null => json!({}),
    }
}

/// A request of spans from one instrumentation of a service.
pub(crate) fn request(service: &str, scope: &str, spans: &[Value]) -> Value {
    json!({ "resourceSpans": [{
        "resource": { "attributes": attributes_of(&json!({ "service.name": service })) },
        "scopeSpans": [{ "scope": { "name": scope }, "spans": spans }],
    }]})
}

/// A request of log records.
pub(super) fn log_request(service: &str, logs: &[Value]) -> Value {
    json!({ "resourceLogs": [{
        "resource": { "attributes": attributes_of(&json!({ "service.name": service })) },
        "scopeLogs": [{ "scope": { "name": "logs" }, "logRecords": logs }],
    }]})
}

/// A log record about a span.
pub(super) fn log(span: &str, event: &str, attributes: &Value, body: &Value) -> Value {
    json!({
        "traceId": TRACE,
        "spanId": span_id(span),
        "timeUnixNano": BEGIN.to_string(),
        "eventName": event,
        "body": any(body),
        "attributes": attributes_of(attributes),
    })
}

/// Files of requests in a folder of their own.
pub(super) struct Files {
    pub(super) folder: TempDir,
}

impl Files {
    pub(super) fn new(files: &[(&str, Vec<u8>)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        for (name, bytes) in files {
            fs::write(folder.path().join(name), bytes).expect("it is ours");
        }
        Self { folder }
    }

    /// One file, a request a line.
    pub(super) fn of(requests: &[Value]) -> Self {
        let lines: Vec<String> = requests.iter().map(Value::to_string).collect();
        Self::new(&[("requests.jsonl", lines.join("\n").into_bytes())])
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The events of all traces.
    pub(super) fn events(&self, run: &Run) -> Events {
        events_below(self.path(), run)
    }
}

/// The paths of the traces at or below a path.
pub(super) fn traces_below(path: &Path) -> Vec<PathBuf> {
    let listing = sources::below(path);
    assert_eq!(listing.unreadable, [], "{}", path.display());
    let mut paths: Vec<PathBuf> = listing.found.iter().map(|it| it.locator.path()).collect();
    paths.sort();
    paths
}

/// The events of all traces at or below a path, which the double of PostHog accepts.
pub(crate) fn events_below(path: &Path, run: &Run) -> Events {
    let traces = traces_below(path).into_iter();
    judged(traces.flat_map(|trace| run.events(&trace)).collect())
}

/// Asserts that the double of PostHog accepts these events.
pub(super) fn judged(events: Events) -> Events {
    if !events.is_empty() {
        let body = json!({ "api_key": API_KEY, "batch": events });
        judge(Lane::Ai, &body).unwrap_or_else(|refusal| panic!("{}", refusal.reason));
    }
    events
}

/// The events of spans of one instrumentation.
pub(super) fn events_of(scope: &str, spans: &[Value]) -> Events {
    Files::of(&[request("shop", scope, spans)]).events(&Run::default())
}

/// The events with that name.
pub(super) fn named<'a>(events: &'a Events, name: &str) -> Vec<&'a Value> {
    events.iter().filter(|it| it["event"] == name).collect()
}

/// The properties of the only event with that name.
#[track_caller]
pub(super) fn only<'a>(events: &'a Events, name: &str) -> &'a Value {
    match named(events, name)[..] {
        [event] => &event["properties"],
        ref several => panic!("{} events {name}: {events:#?}", several.len()),
    }
}

/// The span of a tool.
#[track_caller]
pub(super) fn tool<'a>(events: &'a Events, name: &str) -> &'a Value {
    let mut spans = named(events, "$ai_span")
        .into_iter()
        .map(|it| &it["properties"]);
    let found = spans.find(|it| it["$ai_span_type"] == "tool" && it["$ai_span_name"] == name);
    found.unwrap_or_else(|| panic!("no tool {name}: {events:#?}"))
}

/// Attributes with others added. Null removes one.
pub(super) fn with(mut attributes: Value, further: &Value) -> Value {
    let fields = attributes.as_object_mut().expect("attributes");
    for (name, value) in further.as_object().expect("attributes") {
        if value.is_null() {
            fields.shift_remove(name);
        } else {
            fields.insert(name.clone(), value.clone());
        }
    }
    attributes
}
