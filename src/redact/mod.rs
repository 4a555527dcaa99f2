//! Replaces secrets; the only way to a [`Redacted`] value.

mod redacted;

pub use redacted::Redacted;

/// Replaces secrets.
pub struct Redactor;
