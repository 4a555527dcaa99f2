//! Facts about `serve` and its inbox, for `status` and `doctor`.

use std::path::{Path, PathBuf};

use super::Trouble;
use crate::inbox::{self, Alone, Reader, Status};

/// The receiver of a state directory.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Received {
    /// Whether a receiver is running.
    pub(crate) is_running: bool,
    /// Contents of the inbox, and counts of arrivals.
    pub(crate) status: Result<Status, Trouble>,
    /// Damaged inboxes that were set aside.
    pub(crate) set_aside: Vec<PathBuf>,
}

impl Received {
    /// The facts; `None` when nothing was ever received.
    pub(crate) fn of(directory: &Path) -> Option<Self> {
        // Problems of the directory itself are reported elsewhere.
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
