//! `posthog-llma view`: the local page over the real program, by requests and in a real browser.

mod browser;
mod door;
mod events;
mod file;
mod list;
mod privacy;
mod support;
