//! One event as PostHog's capture endpoints accept it.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::ser::{Serialize, SerializeStruct, Serializer};
use serde_json::Value;
use uuid::Uuid;

use super::names;
use super::properties::Properties;

/// The names of the events this program sends. PostHog's AI lane refuses a batch with any other
/// event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventName {
    /// One response of a model.
    Generation,
    /// One call of a model that turns texts into vectors.
    Embedding,
    /// One turn, tool execution, subagent or other operation.
    Span,
    /// The session (or, with message grouping, the prompt) that contains the others.
    Trace,
}

impl EventName {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Generation => "$ai_generation",
            Self::Embedding => "$ai_embedding",
            Self::Span => "$ai_span",
            Self::Trace => "$ai_trace",
        }
    }
}

/// An event before redaction. It cannot be stored or sent: only
/// [`Redacted`](crate::redact::Redacted) events can.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The kind of the event.
    pub name: EventName,
    /// Stable identity: a pure function of the transcript (see `ids`).
    pub uuid: Uuid,
    /// The person or session that PostHog attributes the event to, 1 to 200 bytes.
    pub distinct_id: String,
    /// End of the operation; for a trace its start, which never changes.
    pub timestamp: DateTime<Utc>,
    /// All other fields, in a fixed order.
    pub properties: Properties,
}

/// An event as it is stored and sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The kind of the event.
    pub name: EventName,
    /// The identity of the event.
    pub uuid: Uuid,
    /// The event as one JSON object.
    pub json: Vec<u8>,
}

impl Event {
    /// Serialises the event.
    ///
    /// # Panics
    /// Never: an event consists of text, numbers and JSON values.
    #[must_use]
    pub fn written(&self) -> Written {
        Written {
            name: self.name,
            uuid: self.uuid,
            json: serde_json::to_vec(self).expect("an event is text, numbers and JSON values"),
        }
    }

    /// Whether the event is the span of a turn rather than of a tool call.
    #[must_use]
    pub fn is_turn(&self) -> bool {
        let kind = self.properties.get(names::SPAN_TYPE);
        self.name == EventName::Span && kind.and_then(Value::as_str) == Some("turn")
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut event = serializer.serialize_struct("Event", 5)?;
        event.serialize_field("event", self.name.as_str())?;
        event.serialize_field("uuid", &self.uuid)?;
        event.serialize_field("distinct_id", &self.distinct_id)?;
        let timestamp = self.timestamp.to_rfc3339_opts(SecondsFormat::Millis, true);
        event.serialize_field("timestamp", &timestamp)?;
        event.serialize_field("properties", &self.properties)?;
        event.end()
    }
}
