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
//! | file | contents |
//! |---|---|
//! | `archive` | traces in files |
//! | `received` | traces in the inbox |
//! | `loose` | the traces of log records that name none |
//! | `mates` | facts from other traces of the session |
//! | `dialects` | names of attributes, kinds of spans, peculiarities of emitters |
//! | `facts` | finding a fact among attributes |
//! | `lenient` | JSON that strict readers refuse, and JSON that was cut off |
//! | `tree` | which span contains which, and the log records of each |
//! | `twins` | spans that report the same call |
//! | `identity` | user and application, from the nearest span that states them |
//! | `content`, `messages`, `logs` | messages in every shape |
//! | `history` | the messages that a call adds to its conversation |
//! | `usage`, `outcome` | tokens, costs, times, errors, reasons |
//! | `calls`, `tools` | the parts of the session |
//! | `asked` | the call that asked for the execution of a tool |
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
mod members;
mod messages;
mod named;
mod outcome;
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
pub(super) use received::{delivered, route_of_key, trace_of_key};
pub(super) use source::Otlp;
