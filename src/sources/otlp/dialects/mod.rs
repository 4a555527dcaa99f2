//! How emitters name things: tables, so that a new emitter is a line.
//!
//! `kinds` says which spans are what, `candidates` and `counts` under which attributes each fact
//! is found, the most trustworthy first. The remaining files hold what is special about one emitter.

pub(super) mod candidates;
pub(super) mod codex;
pub(super) mod counts;
pub(super) mod kinds;
pub(super) mod refusals;
