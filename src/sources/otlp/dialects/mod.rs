//! Names that emitters use: tables, so that a new emitter is a line.
//!
//! `kinds` has the kinds of spans, `candidates` and `counts` the attributes of each fact, the most
//! trustworthy first. Each other file holds the peculiarities of one emitter.

pub(super) mod candidates;
pub(super) mod codex;
pub(super) mod counts;
pub(super) mod kinds;
pub(super) mod refusals;
