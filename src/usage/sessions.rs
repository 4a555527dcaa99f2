//! Sessions as the groups of a report.

use std::collections::BTreeMap;

use super::query::By;
use super::session::SessionUsage;
use crate::session::Agent;

/// A session as a group.
#[derive(Clone, Debug)]
pub struct OfSession {
    /// The agent.
    pub agent: Agent,
    /// Name of the project.
    pub project: Option<String>,
    /// `$ai_trace_id` of its trace, if it has only one.
    pub(super) trace: Option<String>,
    /// Page of that trace in PostHog; `None` if the project is unknown.
    pub url: Option<String>,
}

/// The sessions by id, if the grouping is by session.
pub(super) fn of(sessions: &[&SessionUsage], by: By) -> BTreeMap<String, OfSession> {
    let sessions = sessions.iter().filter(|_| by == By::Session);
    let each = sessions.filter_map(|session| {
        let of_session = OfSession {
            agent: session.agent(),
            project: session.project().map(str::to_owned),
            trace: session.trace().map(str::to_owned),
            url: None,
        };
        Some((session.id()?.to_owned(), of_session))
    });
    each.collect()
}
