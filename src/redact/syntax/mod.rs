//! Notations of secrets in text, one file each.
//!
//! Most functions get the text and the position of an anchor, and return the position of the
//! secret. Those that may read far also return the position up to which they read.

pub(crate) mod arguments;
pub(crate) mod assigned;
pub(crate) mod assignment;
pub(crate) mod blocks;
pub(crate) mod calls;
pub(crate) mod commands;
pub(crate) mod devices;
pub(crate) mod dialogues;
pub(crate) mod files;
pub(crate) mod headers;
pub(crate) mod json;
pub(crate) mod literal;
pub(crate) mod pairs;
pub(crate) mod phrases;
pub(crate) mod programs;
pub(crate) mod prose;
pub(crate) mod settings;
pub(crate) mod statements;
pub(crate) mod structures;
pub(crate) mod tables;
pub(crate) mod taken;
