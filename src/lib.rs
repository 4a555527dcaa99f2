//! Turns coding-agent sessions into PostHog LLM analytics.
pub mod deliver;
pub mod events;
pub mod git;
pub mod host;
pub mod outbox;
pub mod redact;
pub mod session;
pub mod sources;
pub mod transport;
