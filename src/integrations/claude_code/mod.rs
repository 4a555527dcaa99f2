//! Claude Code's settings files, its plugin, the sessions that it has open, and how they end.

pub mod ending;
pub mod in_force;
pub mod marketplace;
pub mod plugin;
mod running;
pub mod settings;

pub use running::{Running, is_alive, running, running_beside};
