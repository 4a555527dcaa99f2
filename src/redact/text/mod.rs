//! Bytes and words of a text: sets of bytes, literals, lines and separators. Nothing here knows
//! what a secret is.

pub(crate) mod anchors;
pub(crate) mod characters;
pub(crate) mod find;
pub(crate) mod format;
pub(crate) mod lines;
pub(crate) mod repetition;
pub(crate) mod separator;
pub(crate) mod words;
pub(crate) mod work;
