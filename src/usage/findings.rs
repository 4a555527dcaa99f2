//! Work that bought nothing, over many sessions.

use std::cmp::Reverse;

use serde::Serialize;

use super::session::SessionUsage;
use crate::session::FindingKind;

/// Number of sessions to show as examples.
const EXAMPLES: usize = 5;

/// All findings of a kind. Scripts and the local page rely on its JSON.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// The kind.
    pub kind: FindingKind,
    /// Its title, for people.
    pub title: &'static str,
    /// Number of occurrences.
    pub count: u64,
    /// Tokens spent on it.
    pub tokens: u64,
    /// Number of sessions.
    pub sessions: u64,
    /// The sessions in which it cost most tokens.
    pub examples: Vec<Example>,
}

/// The findings of a kind in a session.
#[derive(Clone, Debug, Serialize)]
pub struct Example {
    /// Key of the session on the page: agent and id.
    pub key: String,
    /// `$ai_span_id` of its trace.
    pub span: String,
    /// Text to show for it.
    pub text: String,
    /// Tokens.
    pub tokens: u64,
    /// `$ai_trace_id` of its trace, if it has only one.
    #[serde(skip)]
    pub(super) trace: Option<String>,
    /// Page of that trace in PostHog; omitted if the project is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// The kinds with occurrences, the costliest first.
pub(super) fn of(sessions: &[&SessionUsage]) -> Vec<Finding> {
    let kinds = FindingKind::ALL.into_iter();
    let mut findings: Vec<Finding> = kinds.map(|kind| of_kind(kind, sessions)).collect();
    findings.retain(|finding| finding.count > 0);
    findings.sort_by_key(|finding| Reverse(finding.tokens));
    findings
}

fn of_kind(kind: FindingKind, sessions: &[&SessionUsage]) -> Finding {
    let mut finding = Finding {
        kind,
        title: kind.title(),
        count: 0,
        tokens: 0,
        sessions: 0,
        examples: Vec::new(),
    };
    for session in sessions {
        let found = session.found(kind);
        if found.count == 0 {
            continue;
        }
        finding.count += found.count;
        finding.tokens += found.tokens;
        finding.sessions += 1;
        let id = session.id().unwrap_or_default();
        let project = session.project().unwrap_or("no project");
        finding.examples.push(Example {
            key: format!("{}/{id}", session.agent().as_str()),
            span: id.to_owned(),
            text: format!("{} in {project}", found.count),
            tokens: found.tokens,
            trace: session.trace().map(str::to_owned),
            url: None,
        });
    }
    finding.examples.sort_by_key(|it| Reverse(it.tokens));
    finding.examples.truncate(EXAMPLES);
    finding
}
