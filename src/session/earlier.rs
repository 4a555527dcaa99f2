//! What is known of the part of a session that was read before.
//!
//! It is small enough to be kept between two ends of the same session, so that the second end
//! costs what is new and not what the session weighs.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Balance, Generation, Lineage, Skipped, Totals, Turn};
use crate::fingerprint;

/// The sum of what was read before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earlier {
    /// When the session began.
    pub started_at: Option<DateTime<Utc>>,
    /// When the last line of it was written.
    pub ended_at: Option<DateTime<Utc>>,
    /// First prompt that says something, and its first words as a name.
    pub first_prompt: Option<String>,
    /// Title at that time.
    pub title: Option<String>,
    /// The sessions that it came from and went on in.
    pub lineage: Lineage,
    /// Sums.
    pub totals: Totals,
    /// The folders that it worked in.
    pub folders: BTreeSet<String>,
    /// Lines that could not be used.
    pub skipped: Skipped,
    /// Where the agent's books stood.
    pub balance: Balance,
    responses: BTreeSet<u64>,
}

impl Earlier {
    /// Whether this response was counted before.
    #[must_use]
    pub fn knows(&self, response_id: &str) -> bool {
        !self.responses.is_empty() && self.responses.contains(&fingerprint_of(response_id))
    }

    /// Whether a turn with this identity was read before.
    #[must_use]
    pub fn knows_turn(&self, turn: &str) -> bool {
        self.knows(&of_turn(turn))
    }

    /// Whether anything was read before.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.started_at.is_none()
    }

    /// Moves a turn from what is new to what is known. `ours` tells the generations that belong
    /// to this session from those copied out of another.
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

impl Turn {
    /// The folders that it worked in.
    #[must_use]
    pub fn folders(&self) -> Vec<&str> {
        let generations = self.all_generations();
        let of_calls = generations
            .iter()
            .map(|generation| generation.circumstances.as_ref());
        let all = of_calls.chain([self.circumstances.as_ref()]);
        all.filter_map(|circumstances| circumstances.cwd.as_deref())
            .collect()
    }
}

fn fingerprint_of(id: &str) -> u64 {
    fingerprint::of(&[id.as_bytes()])
}
