//! Facts that several commands show, gathered once. Nothing here prints.

mod agents;
pub(crate) mod json;
mod machine;
mod prospect;
mod receiver;
mod switched;
mod telling;
mod trouble;

pub(crate) use agents::OtherAgent;
pub(crate) use machine::{Machine, Switch, changed};
pub(crate) use prospect::{Prospect, largest_event};
pub(crate) use receiver::Received;
pub(crate) use switched::Switched;
pub(crate) use telling::telling;
pub(crate) use trouble::Trouble;
