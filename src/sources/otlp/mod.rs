//! Traces of instrumented applications, received over OTLP or kept in files.
//!
//! Every application names things in its own way; `dialects` has the tables. One trace becomes one
//! session: its calls of models, the tools they asked for, and the agents and steps around them.
//!
//! ```text
//! files ─► archive ─► tree ─► twins ─► calls, tools ─► read ─► Session
//!          traces     what    one call  content, usage,
//!                     contains one      outcome, identity,
//!                     what    generation history
//! ```
//!
//! | file | what it knows |
//! |---|---|
//! | `archive` | which traces files hold |
//! | `received` | which traces were received |
//! | `loose` | which trace log records without one are about |
//! | `mates` | what traces of one session tell about each other |
//! | `dialects` | names of attributes, kinds of spans, what is special about an emitter |
//! | `facts` | how to look something up among attributes |
//! | `lenient` | JSON that strict readers refuse, and JSON that was cut off |
//! | `tree` | what contains what; which log records belong to which span |
//! | `twins` | which spans report the same call |
//! | `identity` | whom work was done for: the nearest span that says so |
//! | `content`, `messages`, `logs` | what was said, in every shape |
//! | `history` | what a call adds to its conversation |
//! | `usage`, `outcome` | tokens, costs, times, errors, reasons |
//! | `calls`, `tools` | the parts of the session |
//! | `asked` | which call asked for the execution of a tool |
//! | `read` | the session |

mod agents;
mod archive;
mod asked;
mod calls;
mod content;
mod dialects;
mod execution;
mod facts;
mod history;
mod identity;
mod lenient;
mod logs;
mod loose;
mod mates;
mod messages;
mod outcome;
mod parts;
mod read;
mod received;
mod source;
#[cfg(test)]
mod tests;
mod tools;
mod tree;
mod twins;
mod usage;
mod withheld;

pub use received::OpenInbox;
pub(super) use received::{delivered, route_of_key, sessions_named_in, trace_of_key};
pub(super) use source::Otlp;
