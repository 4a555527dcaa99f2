//! The proof, in the type system, that a value went through redaction.

use super::{Counts, Redactor};
use crate::events::Event;
use crate::events::limits::{self, Limits};

/// Identities: they hold no content, and PostHog joins by them.
const IDENTITIES: [&str; 4] = [
    "$ai_trace_id",
    "$ai_session_id",
    "$ai_span_id",
    "$ai_parent_id",
];

/// A value whose every text went through [`Redactor`]. Only this module can make one, and the
/// outbox takes nothing else: unredacted text on its way to disk or network does not compile.
#[derive(Clone, Debug, PartialEq)]
pub struct Redacted<T>(T);

impl<T> Redacted<T> {
    /// Reads the redacted value.
    pub const fn get(&self) -> &T {
        &self.0
    }

    /// A value that a test declares free of secrets.
    #[cfg(test)]
    pub(crate) const fn trusted(value: T) -> Self {
        Self(value)
    }
}

impl Redacted<Event> {
    /// Shortens the event: only what is redacted is shortened, so that no limit can cut a secret
    /// in half and hide it from the rules.
    #[must_use]
    pub fn within(mut self, limits: &Limits) -> Self {
        limits::shorten(&mut self.0, limits);
        self
    }
}

impl Redactor {
    /// Replaces every secret in an event.
    pub fn event(&self, mut event: Event, counts: &mut Counts) -> Redacted<Event> {
        let identities = IDENTITIES.map(|name| event.properties.get(name).cloned());
        self.object(&mut event.properties, is_ours, counts);
        for (name, value) in IDENTITIES.into_iter().zip(identities) {
            if let Some(value) = value {
                event.properties.insert(name.to_owned(), value);
            }
        }
        Redacted(event)
    }
}

/// Whether a property has its name from this program: such a name neither is nor announces a
/// secret, and an event has dozens of them.
fn is_ours(name: &str) -> bool {
    name.starts_with("$ai_")
}
