//! `posthog-llma ingest` as a backfill: which sessions are chosen, what is asked before, and that
//! nothing is lost or sent twice when it stops half-way.
//!
//! Linux only: signals are sent, and what is left behind is looked up in `/proc`.
#![cfg(target_os = "linux")]

mod checkpoints;
mod choice;
mod collector;
mod content;
mod copies;
mod folders;
mod large;
mod output;
mod places;
mod stopped;
mod strays;
mod words;
