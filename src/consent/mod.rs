//! What the user agreed to: which projects are left alone, how private their sessions are, and
//! where sessions may go.
//!
//! A repository can set any environment variable in its committed settings. None of them may
//! send a session to a place that the user did not choose, nor make what is sent less private
//! than the user wants it. Everything here takes the side of not sending: what cannot be read
//! stops, what cannot be compared is not the user's, and what git does not call the user's own
//! came with the repository.

mod beginning;
mod environment;
mod files;
mod hidden;
mod judgement;
mod opt_out;
mod owner;
mod project;
mod trust;

pub(crate) use beginning::{Moment, forget_beginning};
pub use environment::{Caller, Environment};
pub(crate) use environment::{Overruled, StopScope, Stopped};
pub(crate) use hidden::{Hidden, UnknownValue};
pub(crate) use judgement::Judgement;
pub(crate) use opt_out::opted_out;
pub use project::RulesFile;
pub(crate) use project::{ProjectPrivacy, Verdict, shares_destination};
pub(crate) use trust::{Trust, TrustError};
