//! Facts about `serve` and its inbox, for `status` and `doctor`.

use std::path::{Path, PathBuf};

use super::Trouble;
use crate::inbox::{self, Alone, Reader, Status};

/// The receiver of a state directory.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Received {
    /// Whether a process receives.
    pub(crate) is_running: bool,
    /// What the inbox holds and what came in.
    pub(crate) status: Result<Status, Trouble>,
    /// Damaged inboxes that were set aside.
    pub(crate) set_aside: Vec<PathBuf>,
}

impl Received {
    /// `None` when nothing was ever received.
    pub(crate) fn of(directory: &Path) -> Option<Self> {
        // What is wrong with the directory itself is told by others.
        if !inbox::is_there(directory) {
            return None;
        }
        let status = match Reader::open(directory) {
            Ok(None) => return None,
            Ok(Some(reader)) => reader.status(),
            Err(error) => Err(error),
        };
        Some(Self {
            is_running: Alone::is_taken(directory),
            status: status.map_err(Trouble::from),
            set_aside: inbox::set_aside(directory),
        })
    }
}
