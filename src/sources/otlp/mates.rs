//! Facts from other traces of the same session: the conversation so far, and results of tools.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::archive::{Pieces, Trace};
use super::content::Request;
use super::history::History;
use crate::otlp::TraceId;
use crate::otlp::openrouter::is_delivery;
use crate::session::Block;

/// Number of later traces of a session to search for results of tools. In between, agents make
/// other requests, for a title or a summary.
pub(super) const LATER: usize = 8;

/// Number of earlier traces of a session whose conversations are known to a later one.
pub(super) const EARLIER: usize = 32;

impl<'a> Trace<'a> {
    /// The conversations of the earlier traces of the session.
    pub(super) fn history(&self) -> History {
        let (earlier, _) = self.session_mates();
        let recent = earlier.len().saturating_sub(EARLIER);
        History::after(self.requests_of(&earlier[recent..]))
    }

    /// The requests of the calls of the trace, by the spans of the calls.
    pub(super) fn own_requests(&self) -> HashMap<String, &'a Request> {
        let exchanges = self.pieces.exchanges().iter();
        let requests = exchanges.map(|(span, it)| (span.to_string(), &it.request));
        requests.collect()
    }

    /// The requests of the next traces of the session, one of which contains the results of tools.
    /// They are read on demand.
    pub(super) fn later_requests(&self) -> impl Iterator<Item = &'a Request> {
        let (_, later) = self.session_mates();
        self.requests_of(&later[..later.len().min(LATER)])
    }

    /// The earlier traces of the session with tool calls whose results this trace is the first to
    /// contain.
    pub(super) fn answered(&self) -> Vec<TraceId> {
        let own: HashSet<&str> = self.requests_of(&[self.id]).flat_map(results).collect();
        if own.is_empty() {
            return Vec::new();
        }
        let (earlier, _) = self.session_mates();
        let recent = earlier.len().saturating_sub(EARLIER);
        let mut open: HashMap<&str, TraceId> = HashMap::new();
        for id in &earlier[recent..] {
            for result in self.requests_of(&[*id]).flat_map(results) {
                open.remove(result);
            }
            let exchanges = self.archive.traces.get(id).map(Pieces::exchanges);
            let tools = exchanges
                .into_iter()
                .flatten()
                .flat_map(|(_, it)| it.tools());
            open.extend(tools.map(|call| (call.id.as_str(), *id)));
        }
        let answered = open.into_iter().filter(|(call, _)| own.contains(call));
        let answered: BTreeSet<TraceId> = answered.map(|(_, id)| id).collect();
        answered.into_iter().collect()
    }

    fn requests_of(&self, traces: &[TraceId]) -> impl Iterator<Item = &'a Request> {
        let pieces = traces.iter().filter_map(|id| self.archive.traces.get(id));
        let told = pieces.filter(|it| self.is_told_with(it));
        told.flat_map(Pieces::exchanges).map(|(_, it)| &it.request)
    }

    /// Whether a reader of this trace also reads the other: both were received, share a file, or
    /// are deliveries of OpenRouter, each of which has a file of its own.
    fn is_told_with(&self, other: &Pieces) -> bool {
        let is_of_openrouter = |it: &Pieces| it.spans.iter().any(is_delivery);
        let shares_file = self.pieces.files.iter().any(|it| other.files.contains(it));
        let are_deliveries = is_of_openrouter(self.pieces) && is_of_openrouter(other);
        self.archive.is_received || shares_file || are_deliveries
    }

    /// The traces of the same session before and after this one.
    fn session_mates(&self) -> (&'a [TraceId], &'a [TraceId]) {
        let mates = self
            .pieces
            .session
            .as_ref()
            .and_then(|it| self.archive.sessions.get(it));
        let mates = mates.map_or(&[][..], Vec::as_slice);
        match mates.iter().position(|id| *id == self.id) {
            Some(place) => (&mates[..place], &mates[place + 1..]),
            None => (&[], &[]),
        }
    }
}

/// The ids of the tool calls whose results a request contains.
fn results(request: &Request) -> impl Iterator<Item = &str> {
    let blocks = request.messages.iter().flat_map(|it| &it.content);
    blocks.filter_map(|block| match block {
        Block::ToolResult { call_id, .. } => Some(call_id.as_str()),
        _ => None,
    })
}
