//! Turns coding-agent sessions into PostHog LLM analytics.
