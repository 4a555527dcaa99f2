//! Lenient reading of JSON that agents wrote. A field of an unexpected type counts as missing, so
//! that a change of one field in another version does not cost the rest of its line.

mod fields;
mod kinds;
mod patient;

pub(super) use fields::{items, optional, payload, text_or_number};
pub(super) use kinds::{Fields, Kind, Known, Text, known, object};
pub(super) use patient::{read, read_text};
