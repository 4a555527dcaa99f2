//! Types that describe a session of an application that calls models, and the sums over it.
//!
//! A [`Session`] is a tree: turns hold generations, a generation's output holds tool calls, a tool
//! call may hold the subagents it started, and these hold generations again. Nothing here depends
//! on a file format, on the words or habits of a vendor, or on PostHog.
//!
//! [`Generation`], [`Usage`], [`ToolCall`] and [`Turn`] fit any application. [`Work`], [`Permission`],
//! [`Waits`] and most of [`Circumstances`] describe coding agents, which change files and ask a
//! person; an application that does neither leaves them empty. [`Operation`], [`Traced`] and
//! [`Origin`] describe instrumented applications, which name their own pieces of work and users.

mod agent;
mod books;
mod call;
mod circumstances;
mod earlier;
mod findings;
mod found;
mod input;
mod intervals;
mod lineage;
mod oddities;
mod offers;
mod operation;
mod origin;
mod recording;
mod root;
mod same;
mod settle;
mod time;
mod totals;
mod tree;
mod turn;
mod usage;
mod walk;
mod work;

pub use agent::Agent;
pub use books::{Balance, ByModel, Reconciled, Statement, Unlisted};
pub use call::{CallError, CallKind, Parameters, Retries, StopReason, Timing};
pub use circumstances::Circumstances;
pub use earlier::Earlier;
pub use findings::{FindingKind, Findings};
pub use found::Found;
pub use input::{InputScope, RequestMessages, Wanted};
pub use lineage::Lineage;
pub use oddities::{Oddities, Skipped};
pub use operation::{Operation, OperationKind, Report, Traced};
pub use origin::Origin;
pub use recording::Recording;
pub use root::{Session, SessionState};
pub(crate) use same::{AGAIN, same_block};
pub(crate) use settle::RecordedTimes;
pub use settle::{TaskReport, settle_times};
pub use time::{Asks, Background, Order, OwnTime, Sighting, ToolTime, Worked};
pub use totals::Totals;
pub use tree::{Block, Generation, Message, Role, Setup, Subagent, ToolCall, ToolResult};
pub use turn::{Trigger, Turn, Waits};
pub use usage::{CacheCounts, Cost, MediaTokens, OutputCount, Usage, UsageReport};
pub use work::{Incidents, Permission, Work};
