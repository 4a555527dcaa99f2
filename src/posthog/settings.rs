//! The user's decisions about events.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{DistinctId, InputScope, Recording};

/// All inputs of the mapping except the session.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Decisions frozen when the session was first sent.
    pub frozen: Frozen,
    /// How much content is sent.
    pub recording: Recording,
    /// How much of a conversation is sent with every call.
    pub input_scope: InputScope,
    /// Name of the agent in PostHog, instead of the project's name.
    pub agent_name: Option<String>,
    /// `$ai_purpose`.
    pub purpose: Option<String>,
    /// The user's own properties; no name begins with `$`.
    pub custom: Map<String, Value>,
    /// `owner/name` of the repository, by working directory.
    pub repositories: BTreeMap<String, String>,
    /// Name of the linked work tree, by working directory; no entry for the main one.
    pub work_trees: BTreeMap<String, String>,
}

/// Decisions that must not change during a session: otherwise its events would get other
/// identities, and PostHog would show them twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frozen {
    /// The id of the user.
    pub distinct_id: DistinctId,
    /// Whether the id is that of a person, or only stands for the session.
    pub is_person: bool,
    /// The extent of a trace.
    pub grouping: Grouping,
    /// Minutes of silence after which a session continues as another trace (with session grouping).
    #[serde(default)]
    pub session_window: Option<u32>,
    /// Whether turns are spans of their own (with session grouping).
    pub turn_spans: bool,
    /// Name of the project.
    pub project_name: Option<String>,
    /// Person and start of an application's trace; `None` for sessions of agents.
    #[serde(default)]
    pub trace: Option<FrozenTrace>,
}

/// Facts that the `$ai_trace` of an application's trace keeps when more of it arrives: to PostHog,
/// an event with another person or another day is a different one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrozenTrace {
    /// The id of the user, redacted.
    pub distinct_id: DistinctId,
    /// Whether the id is that of a person, or only stands for the session.
    pub is_person: bool,
    /// Start of the trace, as far as it was known.
    pub started_at: DateTime<Utc>,
}

#[cfg(test)]
impl Frozen {
    /// Default settings of a person and a project.
    pub(crate) fn of_project(name: &str) -> Self {
        Self {
            distinct_id: DistinctId::parse("ada@example.com").unwrap(),
            is_person: true,
            grouping: Grouping::Session,
            session_window: None,
            turn_spans: true,
            project_name: Some(name.to_owned()),
            trace: None,
        }
    }
}

/// The extent of a trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grouping {
    /// The whole session.
    #[default]
    Session,
    /// One prompt and the work for it.
    Message,
}
