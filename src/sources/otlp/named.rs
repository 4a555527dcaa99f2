//! The sessions that a trace names, in any of its reports.

use std::collections::BTreeSet;

use super::archive::Trace;
use super::twins::Print;
use crate::otlp::{Attributes, Span, sessions};

impl Trace<'_> {
    /// Ids, in lower case, of the sessions that the trace names. Among them are those that only
    /// another trace names which reports the same calls, since the two are read as one: a gateway
    /// may know the session of a call that its application does not state.
    pub(super) fn named(&self) -> BTreeSet<String> {
        let mut named = BTreeSet::new();
        let mut read = |attributes: &Attributes| {
            sessions::named(attributes, &mut |id| {
                named.insert(id);
            });
        };
        let mut of_span = |span: &Span| {
            read(&span.attributes);
            read(&span.resource.attributes);
        };
        for span in &self.pieces.spans {
            of_span(span);
            if let Some(response) = Print::of(span).unique_response() {
                self.reporting(response).into_iter().for_each(&mut of_span);
            }
            self.asking(span.span_id).into_iter().for_each(&mut of_span);
        }
        for log in &self.pieces.logs {
            read(&log.attributes);
            read(&log.resource.attributes);
        }
        named
    }
}
