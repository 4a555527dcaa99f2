//! Batches as JSON requests, in each of the dialects.

use posthog_llma::otlp::{Attributes, Id, LogRecord, Resource, Scope, Span, Telemetry, Value};
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

/// A dialect of JSON requests.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub(crate) struct Dialect {
    /// Names of fields with underscores.
    pub(crate) has_underscores: bool,
    /// Whole numbers of 64 bits as their digits.
    pub(crate) has_digits: bool,
    /// Enumerations as names.
    pub(crate) has_names: bool,
    /// Spelling of ids.
    pub(crate) ids: Spelling,
    /// Missing fields as `null`, instead of omitted.
    pub(crate) has_nulls: bool,
    /// Scopes as libraries.
    pub(crate) has_libraries: bool,
    /// Groups after their content.
    pub(crate) has_groups_last: bool,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Spelling {
    Lower,
    Upper,
    Base64,
}

/// The dialect of the specification.
pub(crate) const STRICT: Dialect = Dialect {
    has_underscores: false,
    has_digits: true,
    has_names: false,
    ids: Spelling::Lower,
    has_nulls: false,
    has_libraries: false,
    has_groups_last: false,
};

pub(crate) fn dialects() -> impl Strategy<Value = Dialect> {
    let ids = prop_oneof![
        Just(Spelling::Lower),
        Just(Spelling::Upper),
        Just(Spelling::Base64)
    ];
    (any::<[bool; 6]>(), ids).prop_map(|(switches, ids)| {
        let [
            has_underscores,
            has_digits,
            has_names,
            has_nulls,
            has_libraries,
            has_groups_last,
        ] = switches;
        Dialect {
            has_underscores,
            has_digits,
            has_names,
            ids,
            has_nulls,
            has_libraries,
            has_groups_last,
        }
    })
}

impl Dialect {
    /// The telemetry as one request of both signals, each record in a group of its own.
    pub(crate) fn encode(self, telemetry: &Telemetry) -> Vec<u8> {
        let spans = telemetry
            .spans
            .iter()
            .map(|it| self.group("Spans", "spans", &it.resource, &it.scope, &self.span(it)));
        let logs = telemetry
            .logs
            .iter()
            .map(|it| self.group("Logs", "logRecords", &it.resource, &it.scope, &self.log(it)));
        let request = json!({
            "resourceSpans": spans.collect::<Vec<_>>(),
            "resourceLogs": logs.collect::<Vec<_>>(),
        });
        self.written(request).to_string().into_bytes()
    }

    /// Converts names to those of this dialect, and omits what is missing in it. Attributes are
    /// lists, so every name of an object is one of the protocol.
    fn written(self, value: Json) -> Json {
        match value {
            Json::Array(items) => items.into_iter().map(|item| self.written(item)).collect(),
            Json::Object(fields) => {
                let fields = fields.into_iter();
                let fields = fields.filter(|(_, value)| self.has_nulls || !value.is_null());
                let fields = fields.map(|(name, value)| (self.name(name), self.written(value)));
                Json::Object(fields.collect())
            }
            other => other,
        }
    }

    fn name(self, name: String) -> String {
        if !self.has_underscores {
            return name;
        }
        let letters = name.chars().flat_map(|letter| {
            let separator = letter.is_ascii_uppercase().then_some('_');
            separator.into_iter().chain([letter.to_ascii_lowercase()])
        });
        letters.collect()
    }

    fn group(
        self,
        signal: &str,
        list: &str,
        resource: &Resource,
        scope: &Scope,
        it: &Json,
    ) -> Json {
        let resource = json!({ "attributes": self.attributes(&resource.attributes) });
        let scope = json!({
            "name": scope.name,
            "version": scope.version,
            "attributes": self.attributes(&scope.attributes),
        });
        let (scopes, name) = if self.has_libraries {
            (
                format!("instrumentationLibrary{signal}"),
                "instrumentationLibrary",
            )
        } else {
            (format!("scope{signal}"), "scope")
        };
        let scope = self.ordered([(name.to_owned(), scope), (list.to_owned(), json!([it]))]);
        self.ordered([("resource".to_owned(), resource), (scopes, json!([scope]))])
    }

    fn ordered(self, mut fields: [(String, Json); 2]) -> Json {
        if self.has_groups_last {
            fields.reverse();
        }
        Json::Object(fields.into_iter().collect::<Map<_, _>>())
    }

    fn span(self, span: &Span) -> Json {
        let events = span.events.iter().map(|event| {
            json!({
                "timeUnixNano": self.unsigned(event.time),
                "name": event.name,
                "attributes": self.attributes(&event.attributes),
            })
        });
        let links = span.links.iter().map(|link| {
            json!({
                "traceId": self.id(Some(link.trace_id)),
                "spanId": self.id(Some(link.span_id)),
                "attributes": self.attributes(&link.attributes),
            })
        });
        let kinds = [
            "UNSPECIFIED",
            "INTERNAL",
            "SERVER",
            "CLIENT",
            "PRODUCER",
            "CONSUMER",
        ];
        let codes = ["UNSET", "OK", "ERROR"];
        json!({
            "traceId": self.id(Some(span.trace_id)),
            "spanId": self.id(Some(span.span_id)),
            "parentSpanId": self.id(span.parent_span_id),
            "name": span.name,
            "kind": self.enumerated("SPAN_KIND_", &kinds, span.kind as usize),
            "startTimeUnixNano": self.unsigned(span.start),
            "endTimeUnixNano": self.unsigned(span.end),
            "attributes": self.attributes(&span.attributes),
            "events": events.collect::<Vec<_>>(),
            "links": links.collect::<Vec<_>>(),
            "status": {
                "code": self.enumerated("STATUS_CODE_", &codes, span.status.code as usize),
                "message": span.status.message,
            },
            "flags": span.flags,
            "droppedAttributesCount": span.dropped_attributes,
            "droppedEventsCount": span.dropped_events,
            "unknown": { "deep": [[[{ "er": null }]]] },
        })
    }

    fn log(self, log: &LogRecord) -> Json {
        json!({
            "traceId": self.id(log.trace_id),
            "spanId": self.id(log.span_id),
            "timeUnixNano": self.unsigned(log.time),
            "observedTimeUnixNano": self.unsigned(log.observed),
            "severityNumber": log.severity,
            "severityText": log.severity_text,
            "eventName": log.event_name,
            "body": self.value(&log.body),
            "attributes": self.attributes(&log.attributes),
            "flags": log.flags,
            "droppedAttributesCount": log.dropped_attributes,
        })
    }

    fn enumerated(self, prefix: &str, names: &[&str], number: usize) -> Json {
        if self.has_names {
            json!(format!("{prefix}{}", names[number]))
        } else {
            json!(number)
        }
    }

    fn unsigned(self, number: u64) -> Json {
        if self.has_digits {
            json!(number.to_string())
        } else {
            json!(number)
        }
    }

    fn id<const N: usize>(self, id: Option<Id<N>>) -> Json {
        let Some(id) = id else {
            return Json::Null;
        };
        match self.ids {
            Spelling::Lower => json!(id.to_string()),
            Spelling::Upper => json!(id.to_string().to_uppercase()),
            Spelling::Base64 => json!(base64(id.bytes())),
        }
    }

    fn attributes(self, attributes: &Attributes) -> Json {
        let pairs = attributes.iter();
        pairs
            .map(|it| json!({ "key": it.key, "value": self.value(&it.value) }))
            .collect()
    }

    fn value(self, value: &Value) -> Json {
        match value {
            Value::Null => json!({}),
            Value::Text(text) => json!({ "stringValue": text }),
            Value::Bool(bool) => json!({ "boolValue": bool }),
            Value::Int(int) if self.has_digits => json!({ "intValue": int.to_string() }),
            Value::Int(int) => json!({ "intValue": int }),
            Value::Double(double) if double.is_nan() => json!({ "doubleValue": "NaN" }),
            Value::Double(double) if double.is_infinite() => {
                let name = if *double > 0.0 {
                    "Infinity"
                } else {
                    "-Infinity"
                };
                json!({ "doubleValue": name })
            }
            Value::Double(double) => json!({ "doubleValue": double }),
            Value::Array(items) => {
                let items: Vec<_> = items.iter().map(|item| self.value(item)).collect();
                json!({ "arrayValue": { "values": items } })
            }
            Value::Map(fields) => json!({ "kvlistValue": { "values": self.attributes(fields) } }),
            Value::Bytes(length) => {
                let bytes = vec![0xfb; usize::try_from(*length).expect("a short value")];
                json!({ "bytesValue": base64(&bytes) })
            }
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut block = [0; 3];
        block[..chunk.len()].copy_from_slice(chunk);
        let bits =
            (usize::from(block[0]) << 16) | (usize::from(block[1]) << 8) | usize::from(block[2]);
        for digit in 0..4 {
            let is_padding = digit > chunk.len();
            let value = (bits >> (18 - 6 * digit)) & 63;
            text.push(if is_padding {
                '='
            } else {
                char::from(DIGITS[value])
            });
        }
    }
    text
}
