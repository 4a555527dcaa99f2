//! The id that PostHog attributes an event to.

use serde::{Deserialize, Serialize};

use crate::session::Agent;

/// Maximum length that PostHog accepts, in bytes.
const LONGEST: usize = 200;

/// Placeholder ids. PostHog refuses them in any case of letters, together with the whole batch.
const ILLEGAL: [&str; 22] = [
    "anonymous",
    "guest",
    "null",
    "undefined",
    "none",
    "nil",
    "0",
    "nan",
    "true",
    "false",
    "id",
    "email",
    "user",
    "user_id",
    "userid",
    "distinct_id",
    "distinctid",
    "not_authenticated",
    "system",
    "[object object]",
    "device",
    "$device",
];

/// An id that PostHog accepts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DistinctId(String);

impl DistinctId {
    /// Validates an id by PostHog's rules.
    ///
    /// # Errors
    /// [`NotDistinct`] says why PostHog would refuse it.
    pub fn parse(id: &str) -> Result<Self, NotDistinct> {
        let id = id.trim();
        let is_illegal = ILLEGAL
            .iter()
            .any(|illegal| id.eq_ignore_ascii_case(illegal));
        match id.len() {
            0 => Err(NotDistinct::Empty),
            length if length > LONGEST => Err(NotDistinct::TooLong),
            _ if is_illegal => Err(NotDistinct::Nobody),
            _ => Ok(Self(id.to_owned())),
        }
    }

    /// The id of a session whose user is unknown.
    #[must_use]
    pub fn of_session(agent: Agent, session: &str) -> Self {
        Self::of_nobody(agent.as_str(), session)
    }

    /// The id of a session from `source` whose user is unknown.
    #[must_use]
    pub fn of_nobody(source: &str, session: &str) -> Self {
        Self::shortened(format!("{source}:{session}"))
    }

    /// An id in which `redact` replaced secrets. Without a user, the session id follows the name of
    /// the trace's maker, which announces no secret. A mark may be longer than the text it
    /// replaces.
    pub(crate) fn redacted(mut id: String, redact: impl FnOnce(String) -> String) -> Self {
        const SOURCES_OF_NOBODY: [&str; 2] = ["openrouter", "otel"];
        let start = match id.split_once(':') {
            Some((source, _)) if SOURCES_OF_NOBODY.contains(&source) => source.len() + 1,
            _ => 0,
        };
        let own = id.split_off(start);
        Self::shortened(id + &redact(own))
    }

    /// An id that is no placeholder, cut to the length that PostHog accepts.
    pub(crate) fn shortened(mut id: String) -> Self {
        while id.len() > LONGEST {
            id.pop();
        }
        Self(id)
    }

    /// The id itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for DistinctId {
    type Error = NotDistinct;

    fn try_from(id: String) -> Result<Self, NotDistinct> {
        Self::parse(&id)
    }
}

impl From<DistinctId> for String {
    fn from(id: DistinctId) -> Self {
        id.0
    }
}

/// Why PostHog would refuse an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotDistinct {
    /// The id is empty.
    #[error("is empty")]
    Empty,
    /// The id is longer than 200 bytes.
    #[error("is longer than 200 bytes")]
    TooLong,
    /// The id is a placeholder.
    #[error("is a placeholder that PostHog refuses; use an e-mail address or user name")]
    Nobody,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_and_impossible_ids_are_refused() {
        for (id, expected) in [
            ("ada@example.com", Ok("ada@example.com")),
            ("  ada ", Ok("ada")),
            ("", Err(NotDistinct::Empty)),
            ("Anonymous", Err(NotDistinct::Nobody)),
            ("NULL", Err(NotDistinct::Nobody)),
            (&"x".repeat(201), Err(NotDistinct::TooLong)),
        ] {
            let parsed = DistinctId::parse(id);
            assert_eq!(
                parsed.as_ref().map(DistinctId::as_str),
                expected.as_ref().copied(),
                "{id}"
            );
        }
    }

    #[test]
    fn a_session_always_has_an_id() {
        let long = "ä".repeat(300);
        assert!(
            DistinctId::parse(DistinctId::of_session(Agent::ClaudeCode, &long).as_str()).is_ok()
        );
    }
}
