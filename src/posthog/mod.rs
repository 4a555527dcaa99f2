//! PostHog's event contract: which events are sent, their names, properties and identities, and
//! what answers mean. Independent of files, agents' formats and the network.

mod chat;
mod classify;
mod conversation;
pub mod dashboard;
mod distinct_id;
mod envelope;
mod event;
mod foreign;
pub mod ids;
mod json;
mod kinds;
pub mod limits;
pub mod links;
mod map;
pub(crate) mod names;
mod operations;
mod plain;
mod properties;
mod resumed;
pub mod retention;
mod session_trace;
mod settings;
mod tally;
mod test_trace;
mod titles;
mod tool_error;
mod withhold;
mod write;

pub use crate::session::{InputScope, Recording, Wanted};
pub use classify::{Disposition, backoff, classify, spread};
pub use distinct_id::{DistinctId, NotDistinct};
pub use envelope::frozen_trace;
pub use event::{Event, EventName, Identities, Written};
pub use foreign::Foreign;
pub use ids::Namespace;
pub use json::Json;
pub(crate) use kinds::is_reasoning_added;
pub use map::{aliases, claims, elsewhere, map, turn_span};
pub use properties::{Name, Properties};
pub use resumed::{identities, keep_identities};
pub use settings::{Frozen, FrozenTrace, Grouping, Settings};
pub use tally::Tally;
pub use test_trace::{TEST_TRACE, test_trace};
pub(crate) use titles::of_trace as title;
pub use withhold::without_recording;
