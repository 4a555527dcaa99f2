//! The proof, in the type system, that a value went through redaction.

use super::{Counts, Redactor};
use crate::posthog::limits::{self, Limits};
use crate::posthog::{Event, Name, Written, names};

/// Identities: they hold no content, and PostHog joins by them.
const IDENTITIES: [&str; 4] = [
    names::TRACE_ID,
    names::SESSION_ID,
    names::SPAN_ID,
    names::PARENT_ID,
];

/// A value whose every text went through [`Redactor`]. Only this module can make one, and the
/// outbox takes nothing else: unredacted text on its way to disk or network does not compile.
#[derive(Clone, Debug, PartialEq)]
pub struct Redacted<T>(T);

impl<T> Redacted<T> {
    /// The redacted value, for whoever keeps it.
    pub fn into_inner(self) -> T {
        self.0
    }

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

impl<T> Redacted<Option<T>> {
    /// The redacted value, where there is one.
    pub fn transpose(self) -> Option<Redacted<T>> {
        self.0.map(Redacted)
    }
}

impl Redacted<Event> {
    /// Writes the event, shortened where it is too long: only what is redacted is shortened, so
    /// that no limit can cut a secret in half and hide it from the rules.
    #[must_use]
    pub fn written(self, limits: &Limits) -> Redacted<Written> {
        let written = self.0.written();
        if limits.allow(written.json.len()) {
            return Redacted(written);
        }
        Redacted(self.shortened(limits).0.written())
    }

    /// The event as it is written, for whoever shows it.
    #[must_use]
    pub fn shortened(mut self, limits: &Limits) -> Self {
        limits::shorten(&mut self.0, limits);
        self
    }
}

impl Redactor {
    /// What `write` makes when the secrets in every text are replaced: it gets the function for that,
    /// and promises to leave no text out.
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
