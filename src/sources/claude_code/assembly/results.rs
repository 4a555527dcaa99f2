//! Assigns results to calls.
//!
//! Ids of calls are not always unique: many providers count anew in each turn or session. A result
//! belongs to the last call before it with its id, or else to the first one after it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::session::AGAIN;
use crate::session::ToolResult;

/// The calls so far, by index of their response and id, with their results.
#[derive(Debug, Default)]
pub(super) struct Results {
    /// Indices of the responses that contain a call with this id, in order.
    callers: HashMap<String, Vec<usize>>,
    joined: HashMap<usize, HashMap<String, Arc<ToolResult>>>,
    /// Results before their call.
    early: HashMap<String, Arc<ToolResult>>,
    /// Calls with a result before them.
    came_early: HashSet<(usize, String)>,
}

impl Results {
    /// Adds a call of a response.
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

    /// Adds a result. The first one of a call counts; later ones are copies.
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

    /// The first call with this id in a response that has no result.
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

    /// Index of the last response that contains a call with this id.
    pub(super) fn caller(&self, call: &str) -> Option<usize> {
        self.callers.get(call)?.last().copied()
    }

    /// The result of a call of a response.
    pub(super) fn of(&self, response: usize, call: &str) -> Option<&Arc<ToolResult>> {
        self.joined.get(&response)?.get(call)
    }

    /// The result of the last call with this id.
    pub(super) fn latest(&self, call: &str) -> Option<&Arc<ToolResult>> {
        let joined = self.caller(call).and_then(|caller| self.of(caller, call));
        joined.or_else(|| self.early.get(call))
    }

    /// Whether the result of a call came before it.
    pub(super) fn came_early(&self, response: usize, call: &str) -> bool {
        !self.came_early.is_empty() && self.came_early.contains(&(response, call.to_owned()))
    }

    /// Number of results without a call.
    pub(super) fn without_call(&self) -> u64 {
        self.early.len() as u64
    }
}
