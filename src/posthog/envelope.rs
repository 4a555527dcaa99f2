//! Properties that all events share.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::json::Json;
use super::properties::Properties;
use super::settings::Settings;
use super::{Event, EventName, kinds, names};
use crate::session::{Agent, Circumstances, Session, Subagent};

/// The position of an event in the session.
#[derive(Clone, Copy)]
pub(super) struct Position<'p, 'a> {
    pub(super) trace: &'p str,
    pub(super) parent: &'p str,
    /// The prompt of the turn; empty if it is not recorded.
    pub(super) prompt: &'a str,
    /// Whether the conversation continues after the calls of this list.
    pub(super) continues: bool,
    /// The enclosing subagent, and its type or that of the subagent around it.
    pub(super) subagent: Option<&'a Subagent>,
    pub(super) kind: Option<&'a str>,
}

impl<'p> Position<'p, '_> {
    /// A position outside subagents, without a prompt.
    pub(super) const fn at(trace: &'p str, parent: &'p str) -> Self {
        Self {
            trace,
            parent,
            prompt: "",
            continues: false,
            subagent: None,
            kind: None,
        }
    }
}

/// The parts of an event that differ by kind.
pub(super) struct Content<'a> {
    pub(super) name: EventName,
    pub(super) uuid: Uuid,
    pub(super) ended_at: DateTime<Utc>,
    /// `None` if the duration is unknown.
    pub(super) latency: Option<TimeDelta>,
    pub(super) circumstances: &'a Circumstances,
    pub(super) properties: Properties<'a>,
}

/// Builds an event of this session.
pub(super) fn event<'a>(
    session: &'a Session,
    settings: &'a Settings,
    position: Position<'_, 'a>,
    content: Content<'a>,
) -> Event<'a> {
    let Content {
        name,
        uuid,
        ended_at,
        latency,
        circumstances,
        properties,
    } = content;
    let is_trace = name == EventName::Trace;
    let mut all = Properties::default();
    all.insert(names::TRACE_ID, position.trace.to_owned());
    all.insert(names::SESSION_ID, &session.key);
    all.insert(
        names::SPAN_ID,
        if is_trace {
            position.trace.to_owned()
        } else {
            uuid.to_string()
        },
    );
    all.insert_some(
        names::PARENT_ID,
        Some(position.parent.to_owned()).filter(|_| !is_trace),
    );
    // PostHog adds the latency of a trace to that of its direct children.
    let length = if is_trace {
        names::ELAPSED
    } else {
        names::LATENCY
    };
    all.insert_some(length, latency.map(kinds::seconds));
    all.extend(properties);
    describe(&mut all, session.agent, settings, position, circumstances);
    sign(&mut all, settings);
    Event {
        name,
        uuid,
        distinct_id: settings.frozen.distinct_id.as_str().to_owned(),
        timestamp: ended_at,
        properties: all,
    }
}

/// Sets the project, the agent, and the circumstances of the event.
fn describe<'a>(
    all: &mut Properties<'a>,
    agent: Agent,
    settings: &'a Settings,
    position: Position<'_, 'a>,
    circumstances: &'a Circumstances,
) {
    let project = settings.frozen.project_name.as_deref();
    all.insert_some(names::PROJECT_NAME, project);
    let name = settings.agent_name.as_deref().or(project);
    let name = name.map(|name| match position.kind {
        Some(kind) => Json::from(format!("{name}/{kind}")),
        None => Json::from(name),
    });
    all.insert_some(names::AGENT_NAME, name);
    let subagent = position.subagent.map(|subagent| subagent.id.as_str());
    all.insert_some(names::SUBAGENT_ID, subagent);
    all.insert_some(names::SUBAGENT_TYPE, subagent.and(position.kind));
    all.insert_some(names::PURPOSE, settings.purpose.as_ref());
    all.insert_some(names::GIT_BRANCH, circumstances.git_branch.as_ref());
    let cwd = circumstances.cwd.as_deref();
    all.insert_some(
        names::GIT_REPOSITORY,
        cwd.and_then(|cwd| settings.repositories.get(cwd)),
    );
    all.insert_some(
        names::WORK_TREE,
        cwd.and_then(|cwd| settings.work_trees.get(cwd)),
    );
    all.insert(names::FRAMEWORK, agent.as_str());
    let [version, entrypoint, persona] = names::of_agent(agent);
    all.insert_some(version, circumstances.agent_version.as_ref());
    all.insert_some(entrypoint, circumstances.entrypoint.as_ref());
    all.insert_some(
        names::PERMISSION_MODE,
        circumstances.permission_mode.as_ref(),
    );
    all.insert_some(persona, circumstances.persona.as_ref());
}

/// Sets this program's name and version, instructions to PostHog, and the user's own properties.
fn sign<'a>(all: &mut Properties<'a>, settings: &'a Settings) {
    for name in [names::AI_LIBRARY, names::LIBRARY] {
        all.insert(name, env!("CARGO_PKG_NAME"));
    }
    for name in [names::AI_LIBRARY_VERSION, names::LIBRARY_VERSION] {
        all.insert(name, env!("CARGO_PKG_VERSION"));
    }
    all.insert(names::NO_GEOIP, true);
    if !settings.frozen.is_person {
        all.insert(names::PERSON_PROFILE, false);
    }
    for (name, value) in &settings.custom {
        if !name.starts_with('$') {
            all.insert(name.clone(), value);
        }
    }
}
