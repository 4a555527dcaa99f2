//! Facts that several commands show, gathered once. Nothing here prints.

mod agents;
mod machine;
mod receiver;
mod trouble;

pub(crate) use agents::OtherAgent;
pub(crate) use machine::{Machine, Switch, changed};
pub(crate) use receiver::Received;
pub(crate) use trouble::Trouble;
