//! Sums over events: of one session, and of many by day, model, project, branch, agent and tool.
//!
//! [`SessionUsage`] takes the events of one session, [`Usage::of`] the sums of many. Both know events
//! alone, so that what is shown here is what PostHog gets. A call costs what its event states;
//! without a price, its cost is unknown, which is counted and never shown as nothing.

mod numbers;
mod properties;
mod report;
mod session;

pub use numbers::{Cost, CostSource, Facts, Numbers, Tokens};
pub use report::{By, NoSuchGroup, Query, Usage, UsageOf};
pub use session::SessionUsage;
