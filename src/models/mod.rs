//! What is known of models by their names: the model behind the name that a cloud gives it, who
//! runs or made it, and what it costs.

mod names;
pub mod prices;

pub use names::{behind, provider};
