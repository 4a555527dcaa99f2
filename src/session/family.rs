//! Brings subagents to the calls that started them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{Block, Circumstances, Generation, Subagent};

/// Generations and subagents on their way to their places in the tree.
pub(super) struct Family {
    pub(super) main: Vec<(usize, Generation)>,
    pub(super) by_call: HashMap<Caller, Vec<Subagent>>,
    pub(super) strays: Vec<Subagent>,
}

/// The call that started a subagent.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Caller {
    pub(super) call: String,
    /// The response that holds it, where more is told than the call's id.
    pub(super) response: Option<String>,
}

impl Family {
    /// Hangs the subagents under the calls of this generation, and theirs under them. Each is
    /// taken once, so that files which name each other as parents cannot make a circle.
    pub(super) fn adopt(&mut self, generation: &mut Generation) {
        for block in &mut generation.output {
            let Block::ToolCall(call) = block else {
                continue;
            };
            let mut subagents = self.take(&generation.id, &call.id);
            for subagent in &mut subagents {
                if let (Some(last), Some(result)) = (subagent.generations.last_mut(), &call.result)
                {
                    // A call that waits for its agent returns when the agent is done.
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

    /// The subagents of a call.
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

    /// A subagent whose call was promised and never found.
    pub(super) fn take_any(&mut self) -> Option<Subagent> {
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

/// A subagent works in the permission mode of the call that started it, and does not write it.
fn inherit(generation: &mut Generation, caller: &Circumstances) {
    let own = &generation.circumstances;
    if own.permission_mode.is_some() || caller.permission_mode.is_none() {
        return;
    }
    let inherited = Arc::new(Circumstances {
        permission_mode: caller.permission_mode.clone(),
        ..Circumstances::clone(own)
    });
    for block in &mut generation.output {
        if let Block::ToolCall(call) = block {
            call.circumstances = Arc::clone(&inherited);
        }
    }
    generation.circumstances = inherited;
}
