//! Facts about models and their providers: the model behind a cloud's name for it, its provider,
//! its price, and the provider's words for stop reasons.

mod names;
pub mod prices;
mod stop_reasons;

pub use names::{behind, provider};
pub use stop_reasons::stop_reason;
