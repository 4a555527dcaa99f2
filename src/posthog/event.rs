//! One event as PostHog's capture endpoints accept it.

use chrono::{DateTime, SecondsFormat, Utc};
use uuid::Uuid;

use super::json::Json;
use super::names;
use super::properties::Properties;
use super::write;

/// Bytes of the JSON of a usual event besides names and texts.
const OVERHEAD: usize = 512;

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

/// The origin of the ids of person and session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Identities {
    /// The user's settings and the agent's files: ids that hold no content.
    #[default]
    Known,
    /// An instrumented application stated the session, and the settings the person. An application
    /// may state anything, so its ids are redacted like its other texts.
    StatedSession,
    /// An instrumented application stated both.
    Stated,
}

/// An event before redaction. It cannot be stored or sent: only
/// [`Redacted`](crate::redact::Redacted) events can.
#[derive(Clone, Debug, PartialEq)]
pub struct Event<'a> {
    /// The kind of the event.
    pub name: EventName,
    /// Stable identity: a pure function of the transcript (see `ids`).
    pub uuid: Uuid,
    /// The person or session that PostHog attributes the event to, 1 to 200 bytes.
    pub distinct_id: String,
    /// The origin of the ids of person and session.
    pub identities: Identities,
    /// End of the operation; for a trace its start, which never changes.
    pub timestamp: DateTime<Utc>,
    /// All other fields, in a fixed order.
    pub properties: Properties<'a>,
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

impl Event<'_> {
    /// Serialises the event.
    #[must_use]
    pub fn written(&self) -> Written {
        let least = self.least_size();
        let mut json = Vec::with_capacity(least + least / 4 + OVERHEAD);
        self.write(&mut json);
        Written {
            name: self.name,
            uuid: self.uuid,
            json,
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        let timestamp = self.timestamp.to_rfc3339_opts(SecondsFormat::Millis, true);
        let fields = [
            ("{\"event\":", self.name.as_str()),
            (",\"uuid\":", &self.uuid.to_string()),
            (",\"distinct_id\":", &self.distinct_id),
            (",\"timestamp\":", &timestamp),
        ];
        for (name, value) in fields {
            out.extend_from_slice(name.as_bytes());
            write::text(value, out);
        }
        out.extend_from_slice(b",\"properties\":");
        self.properties.write(out);
        out.push(b'}');
    }

    /// Lower bound of the bytes of its JSON.
    #[must_use]
    pub fn least_size(&self) -> usize {
        self.properties
            .iter()
            .map(|(name, value)| name.len() + value.least_size())
            .sum()
    }

    /// Whether the event is the span of a turn rather than of a tool call.
    #[must_use]
    pub fn is_turn(&self) -> bool {
        let kind = self.properties.get(names::SPAN_TYPE);
        self.name == EventName::Span && kind.and_then(Json::as_str) == Some("turn")
    }
}
