//! Turns coding-agent sessions into PostHog LLM analytics.
pub mod cli;
pub mod commands;
pub mod config;
pub mod deliver;
pub mod detached;
pub mod events;
pub mod git;
pub mod host;
pub mod outbox;
pub mod pipeline;
pub mod redact;
pub mod session;
pub mod sources;
pub mod transport;
pub mod ui;
