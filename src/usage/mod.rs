//! Sums over events: of one session, and of many by time, model, project, branch, pull request,
//! session, agent, tool and user.
//!
//! [`SessionUsage`] takes the events of one session, [`Usage::of`] the sums of many. Both know events
//! alone, so that what is shown here is what PostHog gets. A call costs what its event states,
//! otherwise its list price; without either its cost is unknown, which is counted and never shown as
//! nothing.

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
