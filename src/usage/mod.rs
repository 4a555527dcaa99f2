//! Sums over events: of one session, and of many by time, model, project, branch, pull request,
//! session, agent, tool and user.
//!
//! [`SessionUsage`] sums the events of one session, [`Usage::of`] those of many. Both read only
//! events, so that the sums match PostHog's. The cost of a call is the one its event states, or
//! else its list price; without either it is unknown, which is counted and never shown as zero.

mod cost;
mod findings;
mod groups;
mod numbers;
mod properties;
mod pulls;
mod query;
mod report;
mod session;
mod sessions;

pub(crate) use cost::cost_of;
pub use findings::{Example, Finding};
pub use groups::Group;
pub use numbers::{Cost, CostSource, Facts, Numbers, Tokens};
pub use query::{By, NoSuchGroup, Query};
pub use report::{OfBranch, Unpriced, Usage};
pub use session::SessionUsage;
pub use sessions::OfSession;
