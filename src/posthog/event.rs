//! One event as PostHog's capture endpoints take it.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::ser::{Serialize, SerializeStruct, Serializer};
use serde_json::Value;
use uuid::Uuid;

use super::properties::Properties;

/// The event names this program sends; PostHog's AI lane refuses a batch that holds any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventName {
    /// One response of a model.
    Generation,
    /// One turn, tool execution or subagent.
    Span,
    /// The session (or, with message grouping, the prompt) that holds the others.
    Trace,
}

impl EventName {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Generation => "$ai_generation",
            Self::Span => "$ai_span",
            Self::Trace => "$ai_trace",
        }
    }
}

/// An event before redaction. It cannot be stored or sent: only
/// [`Redacted`](crate::redact::Redacted) events can.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// What kind of event this is.
    pub name: EventName,
    /// Stable identity: a pure function of the transcript (see `ids`).
    pub uuid: Uuid,
    /// The person or session that PostHog attributes the event to, 1 to 200 bytes.
    pub distinct_id: String,
    /// End of the operation; for a trace its start, so that it never moves.
    pub timestamp: DateTime<Utc>,
    /// Everything else, in a fixed order.
    pub properties: Properties,
}

/// An event as it is stored and sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// What kind of event this is.
    pub name: EventName,
    /// Its identity.
    pub uuid: Uuid,
    /// The event as one JSON object.
    pub json: Vec<u8>,
}

impl Event {
    /// Writes the event.
    ///
    /// # Panics
    /// Never: an event is text, numbers and JSON values.
    #[must_use]
    pub fn written(&self) -> Written {
        Written {
            name: self.name,
            uuid: self.uuid,
            json: serde_json::to_vec(self).expect("an event is text, numbers and JSON values"),
        }
    }

    /// Whether it is the span of a prompt, not of a tool.
    #[must_use]
    pub fn is_turn(&self) -> bool {
        let kind = self.properties.get("$ai_span_type");
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
