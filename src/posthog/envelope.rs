//! Properties that all events share.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::properties::Properties;
use super::settings::Settings;
use super::{Event, EventName, kinds};
use crate::session::{Agent, Circumstances, Session, Subagent};

/// The position of an event in the session.
#[derive(Clone, Copy)]
pub(super) struct Position<'a> {
    pub(super) trace: &'a str,
    pub(super) parent: &'a str,
    /// The prompt of the turn; empty if it is not recorded.
    pub(super) prompt: &'a str,
    /// Whether the conversation continues after the calls of this list.
    pub(super) continues: bool,
    /// The enclosing subagent, and its type or that of the subagent around it.
    pub(super) subagent: Option<&'a Subagent>,
    pub(super) kind: Option<&'a str>,
}

/// The parts of an event that differ by kind.
pub(super) struct Content<'a> {
    pub(super) name: EventName,
    pub(super) uuid: Uuid,
    pub(super) ended_at: DateTime<Utc>,
    /// `None` if the duration is unknown.
    pub(super) latency: Option<TimeDelta>,
    pub(super) circumstances: &'a Circumstances,
    pub(super) properties: Properties,
}

/// Builds an event of this session.
pub(super) fn event(
    session: &Session,
    settings: &Settings,
    position: Position<'_>,
    content: Content<'_>,
) -> Event {
    let Content {
        name,
        uuid,
        ended_at,
        latency,
        circumstances,
        properties,
    } = content;
    let uuid_text = uuid.to_string();
    let is_trace = name == EventName::Trace;
    let mut all = Properties::default();
    all.set("$ai_trace_id", position.trace);
    all.set("$ai_session_id", &session.key);
    all.set(
        "$ai_span_id",
        if is_trace { position.trace } else { &uuid_text },
    );
    all.set_some("$ai_parent_id", Some(position.parent).filter(|_| !is_trace));
    // PostHog adds the latency of a trace to that of its direct children.
    let length = if is_trace {
        "elapsed_seconds"
    } else {
        "$ai_latency"
    };
    all.set_some(length, latency.map(kinds::seconds));
    all.extend(properties);
    let project = settings.frozen.project_name.as_deref();
    all.set_some("$ai_project_name", project);
    let agent = settings.agent_name.as_deref().or(project);
    let agent = agent.map(|agent| match position.kind {
        Some(kind) => format!("{agent}/{kind}"),
        None => agent.to_owned(),
    });
    all.set_some("$ai_agent_name", agent);
    let subagent = position.subagent.map(|subagent| subagent.id.as_str());
    all.set_some("subagent_id", subagent);
    all.set_some("subagent_type", subagent.and(position.kind));
    all.set_some("$ai_purpose", settings.purpose.as_ref());
    all.set_some("$ai_git_branch", circumstances.git_branch.as_ref());
    let cwd = circumstances.cwd.as_deref();
    all.set_some(
        "$ai_git_repo",
        cwd.and_then(|cwd| settings.repositories.get(cwd)),
    );
    all.set_some("worktree", cwd.and_then(|cwd| settings.work_trees.get(cwd)));
    let framework = session.agent.as_str();
    all.set("$ai_framework", framework);
    let [version, entrypoint, persona] = own_names(session.agent);
    all.set_some(version, circumstances.agent_version.as_ref());
    all.set_some(entrypoint, circumstances.entrypoint.as_ref());
    all.set_some("permission_mode", circumstances.permission_mode.as_ref());
    all.set_some(persona, circumstances.persona.as_ref());
    for name in ["$ai_lib", "$lib"] {
        all.set(name, env!("CARGO_PKG_NAME"));
    }
    for name in ["$ai_lib_version", "$lib_version"] {
        all.set(name, env!("CARGO_PKG_VERSION"));
    }
    all.set("$geoip_disable", true);
    if !settings.frozen.is_person {
        all.set("$process_person_profile", false);
    }
    for (name, value) in &settings.custom {
        if !name.starts_with('$') {
            all.set(name.clone(), value);
        }
    }
    Event {
        name,
        uuid,
        distinct_id: settings.frozen.distinct_id.as_str().to_owned(),
        timestamp: ended_at,
        properties: all,
    }
}

/// Names of the agent-specific properties: version, entry point, persona.
const fn own_names(agent: Agent) -> [&'static str; 3] {
    match agent {
        Agent::ClaudeCode => [
            "claude_code_version",
            "claude_code_entrypoint",
            "claude_code_agent",
        ],
        Agent::Pi => ["pi_version", "pi_entrypoint", "pi_agent"],
        Agent::OpenCode => ["opencode_version", "opencode_entrypoint", "opencode_agent"],
    }
}
