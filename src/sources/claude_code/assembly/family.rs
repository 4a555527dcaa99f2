//! Assigns subagents to the calls that started them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::draft::Draft;
use super::parts::{Thread, TurnStart};
use super::results::Results;
use crate::session::{Block, Circumstances, Generation, Subagent, Trigger, Turn};

/// Facts about a subagent, apart from its calls.
#[derive(Debug, Default)]
pub(super) struct AgentNote {
    pub(super) kind: Option<String>,
    pub(super) call: Option<String>,
    /// Index of the response that contains the call, if known.
    pub(super) caller: Option<usize>,
    pub(super) is_internal: bool,
}

/// Generations and subagents before they have a place in the tree.
pub(super) struct Family {
    /// Generations of the main conversation, each with the index of its turn.
    main: Vec<(usize, Generation)>,
    by_call: HashMap<Caller, Vec<Subagent>>,
    strays: Vec<Subagent>,
}

/// Key of the call that started a subagent.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Caller {
    call: String,
    /// Name of the response that contains it, if known.
    response: Option<String>,
}

impl Family {
    /// Adds results to calls, and separates the responses of subagents.
    pub(super) fn of(
        drafts: Vec<Draft>,
        results: &Results,
        mut notes: BTreeMap<String, AgentNote>,
    ) -> Self {
        let mut main = Vec::new();
        let mut agents: BTreeMap<String, Vec<Generation>> = BTreeMap::new();
        let mut names = Vec::new();
        for (index, mut draft) in drafts.into_iter().enumerate() {
            for block in &mut draft.generation.output {
                if let Block::ToolCall(call) = block {
                    call.result = results.of(index, &call.id).map(Arc::clone);
                }
            }
            names.push(draft.generation.id.clone());
            let generations = draft.advice().into_iter().chain([draft.generation]);
            match draft.thread {
                Thread::Main => main.extend(generations.map(|it| (draft.turn, it))),
                Thread::Agent(id) => agents.entry(id).or_default().extend(generations),
            }
        }
        let mut by_call: HashMap<Caller, Vec<Subagent>> = HashMap::new();
        let mut strays = Vec::new();
        for (id, generations) in agents {
            let note = notes.remove(&id).unwrap_or_default();
            let subagent = Subagent {
                id,
                kind: note.kind,
                is_internal: note.is_internal,
                generations,
            };
            match note.call {
                Some(call) => {
                    let response = note.caller.map(|index| names[index].clone());
                    let caller = Caller { call, response };
                    by_call.entry(caller).or_default().push(subagent);
                }
                None => strays.push(subagent),
            }
        }
        Self {
            main,
            by_call,
            strays,
        }
    }

    /// Adds everything to its turn.
    pub(super) fn join(mut self, turns: &mut Vec<Turn>) {
        for (turn, mut generation) in std::mem::take(&mut self.main) {
            self.adopt(&mut generation);
            let turn = &mut turns[turn];
            turn.ended_at = turn.ended_at.max(generation.ended_at);
            for call in generation.tool_calls() {
                if let Some(result) = &call.result {
                    turn.ended_at = turn.ended_at.max(result.returned_at);
                }
            }
            turn.generations.push(generation);
        }
        while let Some(mut stray) = self.strays.pop().or_else(|| self.take_any()) {
            for generation in &mut stray.generations {
                self.adopt(generation);
            }
            stray.join(turns);
        }
        for turn in turns {
            turn.stray_subagents.sort_by(|a, b| a.id.cmp(&b.id));
        }
    }

    /// Adds subagents to the calls of this generation, and their subagents to their calls. Each is
    /// taken once, so that files which name each other as parents cannot form a cycle.
    fn adopt(&mut self, generation: &mut Generation) {
        for block in &mut generation.output {
            let Block::ToolCall(call) = block else {
                continue;
            };
            let mut subagents = self.take(&generation.id, &call.id);
            for subagent in &mut subagents {
                if let (Some(last), Some(result)) = (subagent.generations.last_mut(), &call.result)
                {
                    // A call that waits for its agent returns when the agent has ended.
                    last.complete |= last.ended_at <= result.returned_at;
                }
                for generation in &mut subagent.generations {
                    inherit(generation, &call.circumstances);
                    self.adopt(generation);
                }
            }
            call.subagents.append(&mut subagents);
        }
    }

    /// Takes the subagents of a call.
    fn take(&mut self, response: &str, call: &str) -> Vec<Subagent> {
        if self.by_call.is_empty() {
            return Vec::new();
        }
        let responses = [Some(response.to_owned()), None];
        let callers = responses.map(|response| Caller {
            call: call.to_owned(),
            response,
        });
        let taken = callers.iter().filter_map(|it| self.by_call.remove(it));
        let mut subagents: Vec<Subagent> = taken.flatten().collect();
        subagents.sort_by(|a, b| a.id.cmp(&b.id));
        subagents
    }

    /// Takes a subagent whose call is in no line.
    fn take_any(&mut self) -> Option<Subagent> {
        let nested: HashSet<&str> = self
            .by_call
            .values()
            .flatten()
            .flat_map(|subagent| &subagent.generations)
            .flat_map(Generation::tool_calls)
            .map(|call| call.id.as_str())
            .collect();
        let outermost = self
            .by_call
            .keys()
            .filter(|caller| !nested.contains(caller.call.as_str()))
            .min();
        let call = outermost.or_else(|| self.by_call.keys().min())?.clone();
        let mut subagents = self.by_call.remove(&call)?;
        let first = subagents.pop();
        self.strays.extend(subagents);
        first
    }
}

impl Subagent {
    /// Adds a subagent whose call is in no line to the turn in which it began.
    fn join(self, turns: &mut Vec<Turn>) {
        let Some(first) = self.generations.first() else {
            return;
        };
        let began = |turn: &Turn| turn.started_at <= first.started_at;
        let turn = turns.iter().rposition(began).unwrap_or(0);
        if turns.is_empty() {
            turns.push(Turn::from(TurnStart {
                id: self.id.clone(),
                trigger: Trigger::Unknown,
                prompt: String::new(),
                at: first.started_at,
                circumstances: Arc::clone(&first.circumstances),
            }));
        }
        let turn = &mut turns[turn];
        if self.is_internal {
            let ends = self.generations.iter().map(|it| it.ended_at);
            turn.ended_at = ends.fold(turn.ended_at, DateTime::<Utc>::max);
        }
        turn.stray_subagents.push(self);
    }
}

/// Sets the permission mode of a subagent's call: that of the call which started the subagent,
/// since its own lines do not state it.
fn inherit(generation: &mut Generation, caller: &Circumstances) {
    let own = &generation.circumstances;
    if own.permission_mode.is_some() || caller.permission_mode.is_none() {
        return;
    }
    let inherited = Arc::new(Circumstances {
        permission_mode: caller.permission_mode.clone(),
        asks_nobody: own.asks_nobody || caller.asks_nobody,
        ..Circumstances::clone(own)
    });
    for block in &mut generation.output {
        if let Block::ToolCall(call) = block {
            call.circumstances = Arc::clone(&inherited);
        }
    }
    generation.circumstances = inherited;
}
