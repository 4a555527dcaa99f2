//! Summary of the part of a session that was read before.
//!
//! It is small enough to be stored between two reads of the same session, so that the second read
//! costs only what is new.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::books::Balance;
use super::lineage::Lineage;
use super::oddities::Skipped;
use super::totals::Totals;
use super::tree::Generation;
use super::turn::Turn;
use crate::fingerprint;

/// Summary of the turns that were read before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earlier {
    /// When the session began.
    pub started_at: Option<DateTime<Utc>>,
    /// When the last line that was read was written.
    pub ended_at: Option<DateTime<Utc>>,
    /// The first prompt with text, and the name made from it.
    pub first_prompt: Option<String>,
    /// The title at that time.
    pub title: Option<String>,
    /// The sessions it was derived from and continued in.
    pub lineage: Lineage,
    /// Sums over the turns.
    pub totals: Totals,
    /// Working directories of the session.
    pub folders: BTreeSet<String>,
    /// Numbers of unusable lines.
    pub skipped: Skipped,
    /// State of the reconciliation with the agent's books.
    pub balance: Balance,
    responses: BTreeSet<u64>,
}

impl Earlier {
    /// Whether this response was already counted.
    #[must_use]
    pub fn knows(&self, response_id: &str) -> bool {
        !self.responses.is_empty() && self.responses.contains(&fingerprint_of(response_id))
    }

    /// Whether a turn with this identity was already read.
    #[must_use]
    pub fn knows_turn(&self, turn: &str) -> bool {
        self.knows(&of_turn(turn))
    }

    /// Whether nothing was read before.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.started_at.is_none()
    }

    /// Adds a turn to the summary. `ours` distinguishes the generations of this session from those
    /// copied from another.
    pub fn absorb(&mut self, turn: &Turn, ours: &dyn Fn(&Generation) -> bool) {
        if turn.is_shown(ours) {
            self.totals.add_turn(turn, ours);
        }
        self.folders
            .extend(turn.folders().into_iter().map(str::to_owned));
        let known = turn
            .all_generations()
            .into_iter()
            .map(|generation| fingerprint_of(&generation.id));
        self.responses.extend(known);
        self.responses.insert(fingerprint_of(&of_turn(&turn.id)));
    }
}

fn of_turn(id: &str) -> String {
    format!("turn\u{1e}{id}")
}

fn fingerprint_of(id: &str) -> u64 {
    fingerprint::of(&[id.as_bytes()])
}
