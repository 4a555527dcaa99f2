//! The proof, by its type, that a value was redacted.

use super::{Counts, Redactor};
use crate::posthog::limits::{self, Limits};
use crate::posthog::{Event, Name, Written, names};

/// Properties with identities, which hold no content and by which PostHog joins events.
const IDENTITIES: [&str; 4] = [
    names::TRACE_ID,
    names::SESSION_ID,
    names::SPAN_ID,
    names::PARENT_ID,
];

/// A value of which every text was redacted. Only this module can construct one and the outbox
/// accepts nothing else, so code that would store or send unredacted text does not compile.
#[derive(Clone, Debug, PartialEq)]
pub struct Redacted<T>(T);

impl<T> Redacted<T> {
    /// Returns the redacted value.
    pub fn into_inner(self) -> T {
        self.0
    }

    /// A reference to the redacted value.
    pub const fn get(&self) -> &T {
        &self.0
    }

    /// Constructs a value that a test declares free of secrets.
    #[cfg(test)]
    pub(crate) const fn trusted(value: T) -> Self {
        Self(value)
    }
}

impl<T> Redacted<Option<T>> {
    /// The redacted value, if there is one.
    pub fn transpose(self) -> Option<Redacted<T>> {
        self.0.map(Redacted)
    }
}

impl Redacted<Event> {
    /// Serializes the event, shortened to its limits. Shortening follows redaction, so that no
    /// limit cuts a secret in half and hides it from the rules.
    #[must_use]
    pub fn written(self, limits: &Limits) -> Redacted<Written> {
        let written = self.0.written();
        if limits.allow(written.json.len()) {
            return Redacted(written);
        }
        Redacted(self.shortened(limits).0.written())
    }

    /// The event, shortened to its limits and not serialized.
    #[must_use]
    pub fn shortened(mut self, limits: &Limits) -> Self {
        limits::shorten(&mut self.0, limits);
        self
    }
}

impl Redactor {
    /// The result of `write`, which gets the function that replaces the secrets of a text and must
    /// apply it to every text.
    pub fn written<T>(
        &self,
        write: impl FnOnce(&mut dyn FnMut(String) -> String) -> T,
    ) -> Redacted<T> {
        Redacted(write(&mut |text| {
            let replaced = self.text(&text, &mut Counts::default());
            replaced.unwrap_or(text)
        }))
    }

    /// Replaces every secret in an event.
    pub fn event(&self, mut event: Event, counts: &mut Counts) -> Redacted<Event> {
        let mut secret_in_name = false;
        for (name, value) in event.properties.iter_mut() {
            match name {
                Name::Own(name) if IDENTITIES.contains(name) => {}
                // This program's own property names neither are nor announce secrets.
                Name::Own(_) => self.value(value, counts),
                Name::Custom(name) => secret_in_name |= self.field(name, None, value, counts),
            }
        }
        if secret_in_name {
            event.properties.rename(|name| self.text(name, counts));
        }
        Redacted(event)
    }
}
