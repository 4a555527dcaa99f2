//! What agents keep on disk, read into the vocabulary of a session. Knows no PostHog.

pub mod claude_code;
pub mod jsonl;
