//! The proof, in the type system, that a value went through redaction.

/// A value whose every text went through [`Redactor`](super::Redactor). Only this module can
/// make one, and the outbox takes nothing else: unredacted text on its way to disk or network
/// does not compile.
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
