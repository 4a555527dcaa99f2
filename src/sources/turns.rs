//! Builds the turns of a session in which every call names its prompt.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::session::{self, Circumstances, Generation, Incidents, Subagent, Trigger, Turn};

/// One turn for each prompt, and one before them for calls without a prompt.
#[derive(Debug)]
pub(super) struct Turns {
    session: String,
    circumstances: Arc<Circumstances>,
    /// Start of the session, before which everything was copied from another one.
    copied_before: Option<DateTime<Utc>>,
    prompted: Vec<Turn>,
    without_prompt: Option<Turn>,
}

impl Turns {
    pub(super) fn new(
        session: &str,
        circumstances: &Arc<Circumstances>,
        copied_before: Option<DateTime<Utc>>,
    ) -> Self {
        Self {
            session: session.to_owned(),
            circumstances: Arc::clone(circumstances),
            copied_before,
            prompted: Vec::new(),
            without_prompt: None,
        }
    }

    /// Adds the turn of the next prompt. `id` identifies the prompt in every reading; without one,
    /// its time does.
    pub(super) fn prompt(&mut self, id: Option<String>, text: String, at: DateTime<Utc>) {
        let id = id.unwrap_or_else(|| self.id_of(at));
        let turn = self.turn(id, Trigger::Prompt, text, at);
        self.prompted.push(turn);
    }

    /// Sets the circumstances of the last prompt.
    pub(super) fn under(&mut self, circumstances: Arc<Circumstances>) {
        if let Some(turn) = self.prompted.last_mut() {
            turn.circumstances = circumstances;
        }
    }

    fn id_of(&self, at: DateTime<Utc>) -> String {
        let mut id = format!("{}:{}", self.session, at.timestamp_millis());
        while self.prompted.iter().any(|turn| turn.id == id) {
            id.push('+');
        }
        id
    }

    fn turn(&self, id: String, trigger: Trigger, prompt: String, at: DateTime<Utc>) -> Turn {
        Turn {
            id,
            trigger,
            prompt,
            started_at: at,
            ended_at: at,
            circumstances: Arc::clone(&self.circumstances),
            generations: Vec::new(),
            operations: Vec::new(),
            stray_subagents: Vec::new(),
            shared_wait: TimeDelta::zero(),
            incidents: Incidents::default(),
        }
    }

    fn of(&mut self, prompt: Option<usize>, at: DateTime<Utc>) -> &mut Turn {
        if let Some(prompt) = prompt {
            return &mut self.prompted[prompt];
        }
        let unknown = self.turn(self.id_of(at), Trigger::Unknown, String::new(), at);
        self.without_prompt.get_or_insert(unknown)
    }

    /// Adds a call that was made for the prompt with that number.
    pub(super) fn generation(&mut self, prompt: Option<usize>, generation: Generation) {
        let turn = self.of(prompt, generation.started_at);
        turn.ended_at = turn.ended_at.max(generation.ended_at);
        for call in generation.tool_calls() {
            if let Some(result) = &call.result {
                turn.ended_at = turn.ended_at.max(result.returned_at);
            }
        }
        turn.generations.push(generation);
    }

    /// Adds a subagent that no tool call started. It does not extend its turn: the user may have
    /// asked for it much later.
    pub(super) fn stray(&mut self, prompt: Option<usize>, agent: Subagent) {
        let Some(first) = agent.generations.first() else {
            return;
        };
        let at = first.started_at;
        self.of(prompt, at).stray_subagents.push(agent);
    }

    pub(super) fn incidents(&mut self, prompt: Option<usize>, found: &Incidents) {
        let turn = match prompt {
            Some(prompt) => self.prompted.get_mut(prompt),
            None => self.without_prompt.as_mut(),
        };
        if let Some(turn) = turn {
            turn.incidents.interruptions += found.interruptions;
            turn.incidents.compactions += found.compactions;
        }
    }

    /// The turns, with the times of their tool calls. A copied prompt without an answer belongs to
    /// the original session alone.
    pub(super) fn finish(self) -> Vec<Turn> {
        let is_copied = |turn: &Turn| {
            self.copied_before
                .is_some_and(|began| turn.started_at < began)
        };
        let is_own = |turn: &Turn| {
            let is_bare = turn.generations.is_empty() && turn.stray_subagents.is_empty();
            !(is_bare && is_copied(turn))
        };
        let turns = self.without_prompt.into_iter().chain(self.prompted);
        let mut turns: Vec<Turn> = turns.filter(is_own).collect();
        session::settle_times(&mut turns);
        turns
    }
}
