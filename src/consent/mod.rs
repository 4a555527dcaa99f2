//! The user's consent: which projects are excluded, how private their sessions are, and where
//! sessions may be sent.
//!
//! A repository can set any environment variable in its committed settings. It must never be able
//! to send a session to a destination that the user did not choose, or to make what is sent less
//! private than the user wants. Every decision here fails closed: a file that cannot be read stops
//! sending, a value that cannot be compared is not the user's, and a file that git does not report
//! as the user's own came with the repository.

mod beginning;
mod caller;
mod environment;
mod files;
mod hidden;
mod judgement;
mod opt_out;
mod owner;
mod project;
mod stopped;
mod trust;

pub(crate) use beginning::{Moment, forget_all_beginnings, forget_beginning};
pub use caller::Caller;
pub use environment::Environment;
pub(crate) use environment::Overruled;
pub(crate) use hidden::{Hidden, UnknownValue};
pub(crate) use judgement::Judgement;
pub(crate) use opt_out::opted_out;
pub use project::{Exceptions, RulesFile};
pub(crate) use project::{ProjectPrivacy, Verdict, shares_destination};
pub(crate) use stopped::{StopScope, Stopped};
pub(crate) use trust::{Trust, TrustError, Unconfirmed};
