//! One session: its turns and its books.

use chrono::{DateTime, Utc};

use super::agent::Agent;
use super::books::{Reconciled, Statement};
use super::call::Timing;
use super::earlier::Earlier;
use super::lineage::Lineage;
use super::oddities::{Oddities, Skipped};
use super::operation::Operation;
use super::tree::Generation;
use super::turn::{Trigger, Turn};
use super::usage::{Usage, UsageReport};

/// Whether a session may still be written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// The session ended: a tool call without a result will not get one.
    Ended,
    /// The session is still running: events that may change are not sent yet.
    Running,
}

/// One session, or the part of it that was written since it was last read.
#[derive(Clone, Debug)]
pub struct Session {
    /// The agent that wrote it.
    pub agent: Agent,
    /// The agent's own session id.
    pub id: String,
    /// A key that is unique among the agent's sessions: the id, unless users can give several
    /// sessions the same id.
    pub key: String,
    /// Time of the first line of the session, which later lines cannot change.
    pub started_at: DateTime<Utc>,
    /// Time of the last line that was read.
    pub ended_at: DateTime<Utc>,
    /// Whether its lines have times; without them, no duration is known.
    pub timing: Timing,
    /// Whether the agent recorded the end of the session, with nothing after it.
    pub is_closed: bool,
    /// Whether the last line is incomplete, because the agent was killed while it wrote.
    pub is_cut_off: bool,
    /// The title given by the user, otherwise the one given by the agent.
    pub title: Option<String>,
    /// Turns in the order they began. The prompt of the first may be in no line.
    pub turns: Vec<Turn>,
    /// The work that contains all other, if the application reported it.
    pub whole: Option<Operation>,
    /// The sessions it was derived from and continued in.
    pub lineage: Lineage,
    /// Statements of the agent's books, in order.
    pub statements: Vec<Statement>,
    /// Summary of the turns before the first of `turns`; empty if the session was read from its
    /// start.
    pub earlier: Earlier,
    /// Whether another part follows, so that the whole is not known yet.
    pub is_part: bool,
    /// Numbers of lines the reader could not use, by kind.
    pub oddities: Oddities,
}

impl Session {
    /// Numbers of unusable lines since the session began.
    #[must_use]
    pub fn skipped(&self) -> Skipped {
        self.earlier.skipped.plus(self.oddities.skipped())
    }

    /// Number of responses without reported usage since the session began.
    #[must_use]
    pub fn without_usage(&self) -> u64 {
        let generations = self.all_generations().into_iter();
        let new = generations.filter(|it| it.usage_report == UsageReport::Missing);
        self.earlier.totals.without_usage + new.count() as u64
    }

    /// Whether a turn began at `at` or later.
    #[must_use]
    pub fn has_turn_after(&self, at: DateTime<Utc>) -> bool {
        self.turns.iter().any(|turn| turn.started_at >= at)
    }

    /// Usage that is in the agent's books but in no line. `ours` distinguishes the generations of
    /// this session from those copied from another.
    #[must_use]
    pub fn reconcile(&self, ours: &dyn Fn(&Generation) -> bool) -> Reconciled {
        self.reconcile_until(&self.turns, self.statements.len(), ours)
    }

    /// As [`Session::reconcile`], for the first turns and the first statements only.
    #[must_use]
    pub fn reconcile_until(
        &self,
        turns: &[Turn],
        statements: usize,
        ours: &dyn Fn(&Generation) -> bool,
    ) -> Reconciled {
        let inherits = !self.all_generations().into_iter().all(ours);
        let statements = &self.statements[..statements.min(self.statements.len())];
        self.earlier
            .balance
            .clone()
            .reconcile(statements, listed(turns), inherits)
    }

    /// The first prompt that reached the model: the subject of the session. Commands that never
    /// reached it (`/clear`, `/help`) do not count.
    #[must_use]
    pub fn first_prompt(&self) -> Option<&str> {
        let earlier = self.earlier.first_prompt.as_deref();
        earlier.or_else(|| {
            let found = self.turns.iter().find(|turn| match turn.trigger {
                Trigger::Prompt => !turn.prompt.is_empty(),
                Trigger::Command => !turn.generations.is_empty(),
                Trigger::Notification | Trigger::Unknown => false,
            });
            found.map(|turn| turn.prompt.as_str())
        })
    }
}

/// Usage in lines: time, model and usage of each response.
fn listed(turns: &[Turn]) -> impl Iterator<Item = (DateTime<Utc>, &str, Usage)> {
    turns
        .iter()
        .flat_map(Turn::all_generations)
        .filter_map(|generation| {
            let model = generation
                .model
                .as_deref()
                .filter(|_| generation.error.is_none())?;
            Some((generation.ended_at, model, generation.billed()))
        })
}
