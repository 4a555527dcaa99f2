//! A session becomes PostHog events: what is sent, under which name, with which identity.

mod event;

pub use event::{Event, EventName};
