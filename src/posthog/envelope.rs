//! Properties that all events share.

use std::borrow::Cow;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::json::Json;
use super::properties::Properties;
use super::settings::{Frozen, FrozenTrace, Settings};
use super::{DistinctId, Event, EventName, Identities, kinds, names, operations};
use crate::session::{Agent, Circumstances, Origin, Session, Subagent, Traced};

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
    /// The ids that the application gave to the work.
    pub(super) traced: Option<&'a Traced>,
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
        traced,
        ended_at,
        latency,
        circumstances,
        properties,
    } = content;
    let origin = circumstances.origin.as_deref();
    let is_trace = name == EventName::Trace;
    let mut all = Properties::default();
    all.insert(names::TRACE_ID, position.trace.to_owned());
    match origin {
        Some(origin) => all.insert_some(names::SESSION_ID, origin.session.as_ref()),
        None => all.insert(names::SESSION_ID, &session.key),
    }
    if is_trace {
        all.insert(names::SPAN_ID, position.trace.to_owned());
    } else {
        let (span, parent) = span_and_parent(uuid, traced, position);
        all.insert(names::SPAN_ID, span);
        all.insert(names::PARENT_ID, parent);
    }
    // PostHog adds the latency of a trace to that of its direct children.
    let length = if is_trace {
        names::ELAPSED
    } else {
        names::LATENCY
    };
    all.insert_some(length, latency.map(kinds::seconds));
    all.extend(properties);
    describe(&mut all, session.agent, settings, position, circumstances);
    let kept = settings.frozen.trace.as_ref().filter(|_| is_trace);
    let person = || person(origin, session, &settings.frozen);
    let (distinct_id, is_person, identities) = kept.map_or_else(person, FrozenTrace::person);
    sign(&mut all, settings, is_person);
    if let Some(origin) = origin {
        operations::of_origin(&mut all, origin);
    }
    Event {
        name,
        uuid,
        distinct_id: distinct_id.into(),
        identities,
        timestamp: kept.map_or(ended_at, |it| it.started_at),
        properties: all,
    }
}

/// The ids of a piece of work and of the work that contains it: the application's own, if it gave
/// them any.
fn span_and_parent<'a>(
    uuid: Uuid,
    traced: Option<&'a Traced>,
    position: Position<'_, '_>,
) -> (Cow<'a, str>, Cow<'a, str>) {
    let Some(traced) = traced else {
        return (uuid.to_string().into(), position.parent.to_owned().into());
    };
    let parent = match &traced.parent {
        Some(parent) => parent.into(),
        None => position.trace.to_owned().into(),
    };
    (Cow::from(&traced.span), parent)
}

/// The id that the event is attributed to, whether it is a person's, and who stated it: the user
/// that the application names, or else that of the settings, or else the application's session.
fn person(
    origin: Option<&Origin>,
    session: &Session,
    frozen: &Frozen,
) -> (DistinctId, bool, Identities) {
    let of_settings = frozen.distinct_id.clone();
    let Some(origin) = origin else {
        return (of_settings, frozen.is_person, Identities::Known);
    };
    let named = origin.person.as_deref();
    match named.and_then(|id| DistinctId::parse(id).ok()) {
        Some(person) => (person, true, Identities::Stated),
        None if frozen.is_person => (of_settings, true, Identities::StatedSession),
        None => {
            let conversation = origin.session.as_deref().unwrap_or(&session.key);
            let source = match origin.framework.as_deref() {
                Some("openrouter") => "openrouter",
                _ => "otel",
            };
            let nobody = DistinctId::of_nobody(source, conversation);
            (nobody, false, Identities::Stated)
        }
    }
}

impl FrozenTrace {
    /// The person as for an event. The id was redacted when it was frozen.
    fn person(&self) -> (DistinctId, bool, Identities) {
        (
            self.distinct_id.clone(),
            self.is_person,
            Identities::StatedSession,
        )
    }
}

/// The facts that the trace of an application keeps, as far as they are known; `None` for the
/// session of an agent, whose person is that of the settings. `redact` replaces secrets in the
/// application's statements.
#[must_use]
pub fn frozen_trace(
    session: &Session,
    frozen: &Frozen,
    redact: impl FnOnce(String) -> String,
) -> Option<FrozenTrace> {
    let origin = session.whole.as_ref()?.circumstances.origin.as_deref();
    let (distinct_id, is_person, identities) = person(origin, session, frozen);
    let redacted = match identities {
        Identities::Stated => DistinctId::redacted(distinct_id.into(), redact),
        Identities::Known | Identities::StatedSession => distinct_id,
    };
    Some(FrozenTrace {
        distinct_id: redacted,
        is_person,
        started_at: session.started_at,
    })
}

/// Sets the project, the agent, and the circumstances of the event.
fn describe<'a>(
    all: &mut Properties<'a>,
    agent: Agent,
    settings: &'a Settings,
    position: Position<'_, 'a>,
    circumstances: &'a Circumstances,
) {
    let origin = circumstances.origin.as_deref();
    let project = settings.frozen.project_name.as_deref();
    let project = project.or_else(|| origin?.project.as_deref());
    all.insert_some(names::PROJECT_NAME, project);
    let own = origin.and_then(|it| it.agent.as_deref());
    let name = settings.agent_name.as_deref().or(own).or(project);
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
    let framework = origin.and_then(|it| it.framework.as_deref());
    all.insert(names::FRAMEWORK, framework.unwrap_or(agent.as_str()));
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
fn sign<'a>(all: &mut Properties<'a>, settings: &'a Settings, is_person: bool) {
    for name in [names::AI_LIBRARY, names::LIBRARY] {
        all.insert(name, env!("CARGO_PKG_NAME"));
    }
    for name in [names::AI_LIBRARY_VERSION, names::LIBRARY_VERSION] {
        all.insert(name, env!("CARGO_PKG_VERSION"));
    }
    all.insert(names::NO_GEOIP, true);
    if !is_person {
        all.insert(names::PERSON_PROFILE, false);
    }
    for (name, value) in &settings.custom {
        if !name.starts_with('$') {
            all.insert(name.clone(), value);
        }
    }
}
