//! Turns coding-agent sessions into PostHog LLM analytics.

pub mod redact;
