//! Which result answers which call.
//!
//! Not every provider takes care that no two calls have the same id: many begin to count anew with
//! each turn or session. A result answers the nearest call before it; where none has its id, the
//! first one after it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::session::AGAIN;
use crate::session::ToolResult;

/// The calls so far, each by the number of its response and its id, and what came back.
#[derive(Debug, Default)]
pub(super) struct Results {
    /// The responses that hold a call with this id, in their order.
    callers: HashMap<String, Vec<usize>>,
    joined: HashMap<usize, HashMap<String, Arc<ToolResult>>>,
    /// Results whose call was not found yet.
    early: HashMap<String, Arc<ToolResult>>,
    /// Calls whose result stood before them.
    came_early: HashSet<(usize, String)>,
}

impl Results {
    /// A response holds a call.
    pub(super) fn called(&mut self, response: usize, call: &str) {
        let callers = self.callers.entry(call.to_owned()).or_default();
        if callers.contains(&response) {
            return;
        }
        callers.push(response);
        if let Some(result) = self.early.remove(call) {
            self.join(response, call, result);
            self.came_early.insert((response, call.to_owned()));
        }
    }

    /// A result came back. The first one of a call counts; later ones are copies.
    pub(super) fn returned(&mut self, call: &str, result: &Arc<ToolResult>) {
        if let Some(response) = self.caller(call) {
            if let Some(call) = self.unanswered(response, call) {
                self.join(response, &call, Arc::clone(result));
            }
        } else {
            let early = self.early.entry(call.to_owned());
            early.or_insert_with(|| Arc::clone(result));
        }
    }

    /// The first call with this id in a response that nothing came back of.
    fn unanswered(&self, response: usize, call: &str) -> Option<String> {
        let mut call = call.to_owned();
        while self.caller(&call) == Some(response) {
            if self.of(response, &call).is_none() {
                return Some(call);
            }
            call.push(AGAIN);
        }
        None
    }

    fn join(&mut self, response: usize, call: &str, result: Arc<ToolResult>) {
        let joined = self.joined.entry(response).or_default();
        joined.insert(call.to_owned(), result);
    }

    /// The last response that holds a call with this id.
    pub(super) fn caller(&self, call: &str) -> Option<usize> {
        self.callers.get(call)?.last().copied()
    }

    /// What a call of a response gave back.
    pub(super) fn of(&self, response: usize, call: &str) -> Option<&Arc<ToolResult>> {
        self.joined.get(&response)?.get(call)
    }

    /// What the last call with this id gave back.
    pub(super) fn latest(&self, call: &str) -> Option<&Arc<ToolResult>> {
        let joined = self.caller(call).and_then(|caller| self.of(caller, call));
        joined.or_else(|| self.early.get(call))
    }

    /// Whether the result of a call stood before it.
    pub(super) fn came_early(&self, response: usize, call: &str) -> bool {
        !self.came_early.is_empty() && self.came_early.contains(&(response, call.to_owned()))
    }

    /// How many results belong to no call.
    pub(super) fn without_call(&self) -> u64 {
        self.early.len() as u64
    }
}
