//! One prompt and the work done for it.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::circumstances::Circumstances;
use super::operation::Operation;
use super::tree::{Block, Generation, Subagent, ToolCall};
use super::work::{Incidents, Work};

/// A prompt and the work done for it.
#[derive(Clone, Debug)]
pub struct Turn {
    /// Identity of the prompt; the same after resuming and forking.
    pub id: String,
    /// The trigger of the turn.
    pub trigger: Trigger,
    /// Text of the prompt; empty if it is in no line.
    pub prompt: String,
    /// When the prompt was given.
    pub started_at: DateTime<Utc>,
    /// When the last work for it ended; background work may end later.
    pub ended_at: DateTime<Utc>,
    /// The circumstances of the prompt.
    pub circumstances: Arc<Circumstances>,
    /// Generations of the main conversation, by start.
    pub generations: Vec<Generation>,
    /// Other work of an instrumented application, by start. Calls and operations name the work that
    /// contains them.
    pub operations: Vec<Operation>,
    /// Subagents whose starting call is in no file.
    pub stray_subagents: Vec<Subagent>,
    /// Waiting time for a person that is known only for several calls together.
    pub shared_wait: TimeDelta,
    /// Other events of the turn.
    pub incidents: Incidents,
}

/// The trigger of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// A prompt, typed by a person or sent by a script.
    Prompt,
    /// A command of the agent itself, which may not have reached the model.
    Command,
    /// A message of a background task, another agent or a schedule.
    Notification,
    /// The lines of the prompt were not found.
    Unknown,
}

/// Sums over the calls of a turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waits {
    /// Known time of waiting for a person.
    pub waited: TimeDelta,
    /// Time that is not known to be either waiting or tool work.
    pub unattributed: TimeDelta,
}

impl Turn {
    /// Whether the turn has nothing to show, as after a command that never reached the model,
    /// unless it compacted the conversation.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.trigger != Trigger::Prompt
            && self.generations.is_empty()
            && self.stray_subagents.is_empty()
            && self.incidents.compactions == 0
    }

    /// Whether the turn is part of its session's trace: it is not empty, and not entirely copied
    /// from another session. `ours` accepts the generations that were not copied.
    pub fn is_shown(&self, ours: &dyn Fn(&Generation) -> bool) -> bool {
        let generations = self.all_generations();
        !self.is_empty() && (generations.is_empty() || generations.into_iter().any(ours))
    }

    /// Whether nothing in the turn is incomplete: every response is complete, every call has its
    /// result, and every subagent its call.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let is_settled = |generation: &Generation| {
            let mut calls = generation.tool_calls();
            generation.complete && calls.all(ToolCall::is_settled)
        };
        self.stray_subagents
            .iter()
            .all(|subagent| subagent.is_internal)
            && self.all_generations().into_iter().all(is_settled)
    }

    /// The last text of the model to the user in this turn.
    #[must_use]
    pub fn answer(&self) -> Option<&str> {
        let spoken = self.generations.iter().rev().flat_map(|generation| {
            generation
                .output
                .iter()
                .rev()
                .filter_map(|block| match block {
                    Block::Text(text) => Some(text.as_str()),
                    _ => None,
                })
        });
        spoken.into_iter().next()
    }

    /// The waits of the turn, for the calls of the responses that `ours` accepts.
    #[must_use]
    pub fn waits(&self, ours: &dyn Fn(&Generation) -> bool) -> Waits {
        let mut waits = Waits::default();
        let generations = self.all_generations().into_iter().filter(|it| ours(it));
        for call in generations.flat_map(Generation::tool_calls) {
            waits.waited += call.time.waited.unwrap_or_default();
            waits.unattributed += call.time.mixed().unwrap_or_default();
        }
        let shared = self.shared_wait.min(waits.unattributed);
        waits.waited += shared;
        waits.unattributed -= shared;
        waits
    }

    /// Changes made by the turn's tools, including those of its subagents.
    #[must_use]
    pub fn work(&self) -> Work {
        let mut work = Work::default();
        work.link(&self.incidents);
        for generation in self.all_generations() {
            for result in generation
                .tool_calls()
                .filter_map(|call| call.result.as_ref())
            {
                work.add(&result.work);
            }
        }
        work
    }

    /// Working directories of the turn.
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
