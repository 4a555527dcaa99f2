//! `posthog-llma ingest` as a backfill: the choice of sessions, the question before, and that
//! nothing is lost or sent twice when it stops half-way.

mod checkpoints;
mod choice;
mod collector;
mod content;
mod copies;
mod damage;
#[cfg(target_os = "linux")]
mod folders;
mod large;
#[cfg(unix)]
mod output;
mod places;
mod stopped;
mod strays;
mod words;
