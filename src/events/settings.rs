//! What the user decided about events.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::DistinctId;

/// Everything the mapping needs to know besides the session.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Decisions that stay what they were when the session was first sent.
    pub frozen: Frozen,
    /// No content, only numbers and names of tools and models.
    pub privacy: bool,
    /// Name of the agent in PostHog, instead of the project's.
    pub agent_name: Option<String>,
    /// `$ai_purpose`.
    pub purpose: Option<String>,
    /// The user's own properties; none begins with `$`.
    pub custom: Map<String, Value>,
    /// `owner/name` of the repository, by working directory.
    pub repositories: BTreeMap<String, String>,
}

/// Decisions that must not change under a session: with others, its events would be others, and
/// PostHog would show them twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frozen {
    /// Who did it.
    pub distinct_id: DistinctId,
    /// Whether that is a person, or only stands for the session.
    pub is_person: bool,
    /// What a trace is.
    pub grouping: Grouping,
    /// Whether turns are spans of their own (with session grouping).
    pub turn_spans: bool,
    /// Name of the project.
    pub project_name: Option<String>,
}

/// What a trace is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grouping {
    /// The whole session.
    #[default]
    Session,
    /// One prompt and what was done for it.
    Message,
}
