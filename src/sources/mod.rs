//! Sessions as agents keep them on disk, read into the types of [`session`](crate::session). Nothing here
//! depends on PostHog.
//!
//! Each agent has a folder with an implementation of `source::Source`, and in `registry` a line of
//! `SOURCES` and an arm of `source()`. Nothing else names an agent.

mod checkpoint;
pub(crate) mod claude_code;
mod jsonl;
mod lenient;
mod links;
mod look;
mod opencode;
mod otlp;
mod output_count;
pub(crate) mod pi;
mod registry;
pub(crate) mod regular;
mod session_ref;
mod source;
pub(crate) mod times;
mod turns;
mod walk;
mod work_tree;

pub use checkpoint::Checkpoint;
pub use jsonl::holds_no_object;
pub use look::Look;
pub use otlp::OpenInbox;
pub use registry::{
    all, below, below_for, delivered, folder, holds_many, locate, named_by_plugin, of_agent,
    of_project, route_of_key, trace_of_key, work_tree_of,
};
pub use session_ref::{Glance, Locator, Reporter, SessionRef};
pub use source::{Ours, Reading, SessionFiles};
pub use walk::{Listing, Reason, Unreadable};
pub use work_tree::WorkTree;
