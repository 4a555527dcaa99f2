//! Brings subagents to the calls that started them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{Block, Circumstances, Generation, Subagent};

/// Generations and subagents on their way to their places in the tree.
pub(super) struct Family {
    pub(super) main: Vec<(usize, Generation)>,
    pub(super) by_call: HashMap<String, Vec<Subagent>>,
    pub(super) strays: Vec<Subagent>,
}

impl Family {
    /// Hangs the subagents under the calls of this generation, and theirs under them. Each is
    /// taken once, so that files which name each other as parents cannot make a circle.
    pub(super) fn adopt(&mut self, generation: &mut Generation) {
        for block in &mut generation.output {
            let Block::ToolCall(call) = block else {
                continue;
            };
            let Some(mut subagents) = self.by_call.remove(&call.id) else {
                continue;
            };
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
            call.subagents = subagents;
        }
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
            .filter(|call| !nested.contains(call.as_str()))
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
