//! Puts a session together from what its lines say.

mod assembler;
mod draft;
mod family;
mod parts;
mod responses;
mod results;

pub(super) use assembler::Assembler;
pub(super) use parts::{Advice, Origin, ResponsePart, Thread, TurnStart};
