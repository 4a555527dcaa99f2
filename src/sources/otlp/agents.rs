//! Coding agents that report over OpenTelemetry what their own sessions hold too.

use super::dialects::candidates as names;
use super::dialects::kinds::{SpanKind, kind_of};
use crate::otlp::Span;
use crate::otlp::openrouter::is_delivery;
use crate::otlp::responses::is_drawn;
use crate::otlp::sessions::stated;
use crate::session::Agent;
use crate::sources::otlp::facts::Facts;
use crate::sources::session_ref::Reporter;

/// Beginnings of the names of scopes, names of services, and the agent.
const AGENTS: [(&str, &str, Agent); 2] = [
    (
        "com.anthropic.claude_code",
        "claude-code",
        Agent::ClaudeCode,
    ),
    ("opencode", "opencode", Agent::OpenCode),
];

/// The agent that made every call of these spans of a trace, or the gateway that delivered them. A
/// trace in which an application reports calls itself has neither.
pub(crate) fn reporter(spans: &[Span]) -> Option<Reporter> {
    if !spans.is_empty() && spans.iter().all(is_delivery) {
        let mut sessions: Vec<String> = Vec::new();
        for span in spans {
            let stated = stated(&span.attributes);
            sessions.extend(stated.filter(|it| !sessions.contains(it)));
        }
        return (!sessions.is_empty()).then_some(Reporter::Gateway { sessions });
    }
    let calls = spans
        .iter()
        .filter(|it| matches!(kind_of(it), SpanKind::Call(_)));
    let mut agents = calls.map(agent_of);
    let agent = match agents.next() {
        Some(first) => {
            let first = first?;
            agents.all(|it| it == Some(first)).then_some(first)?
        }
        // A prompt that was cancelled before its first call.
        None => spans.iter().find_map(agent_of)?,
    };
    let own = spans.iter().filter(|it| agent_of(it) == Some(agent));
    let mut sessions = own.filter_map(|it| Facts::of(&it.attributes).text(names::SESSION_OF_AGENT));
    Some(Reporter::Agent {
        agent,
        session: sessions.next(),
    })
}

/// The provider's id of a request of Claude Code, if each request has one of its own. Its transcripts
/// name it too.
pub(crate) fn request(span: &Span) -> Option<String> {
    if agent_of(span) != Some(Agent::ClaudeCode) {
        return None;
    }
    let id = Facts::of(&span.attributes).text(&["request_id", "gen_ai.response.id"])?;
    (id.starts_with("req_") && is_drawn(&id)).then_some(id)
}

fn agent_of(span: &Span) -> Option<Agent> {
    let service = span.resource.attributes.text("service.name");
    let is_of = |(scope, name, _): &&(&str, &str, Agent)| {
        span.scope.name.starts_with(scope) || service == Some(name)
    };
    AGENTS.iter().find(is_of).map(|(_, _, agent)| *agent)
}
