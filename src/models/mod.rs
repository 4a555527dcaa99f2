//! Facts about models, by name: the model behind a cloud's name for it, its provider, its price.

mod names;
pub mod prices;

pub use names::{behind, provider};
