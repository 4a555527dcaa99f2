//! `posthog-llma serve` as a process: posted spans arrive at PostHog, once, whatever happens in
//! between.
#![expect(clippy::print_stdout, reason = "figures of the long test")]

mod begins;
mod excluded;
mod kill;
mod once;
mod openrouter;
mod routes;
mod same;
mod sends;
mod support;
