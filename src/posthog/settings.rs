//! What the user decided about events.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{DistinctId, InputScope};

/// Everything the mapping needs to know besides the session.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Decisions that stay what they were when the session was first sent.
    pub frozen: Frozen,
    /// How much content is sent.
    pub recording: Recording,
    /// How much of a conversation is sent with every call.
    pub input_scope: InputScope,
    /// Name of the agent in PostHog, instead of the project's.
    pub agent_name: Option<String>,
    /// `$ai_purpose`.
    pub purpose: Option<String>,
    /// The user's own properties; none begins with `$`.
    pub custom: Map<String, Value>,
    /// `owner/name` of the repository, by working directory.
    pub repositories: BTreeMap<String, String>,
    /// Name of the work tree, by working directory; none for the main one.
    pub work_trees: BTreeMap<String, String>,
}

/// How much content is sent. Names and error texts go with the content they are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Recording {
    /// All of it.
    #[default]
    Full,
    /// Prompts, and what tools are given.
    InputsOnly,
    /// Answers, and what tools give back.
    OutputsOnly,
    /// None: numbers, and names of tools and models.
    Nothing,
}

impl Recording {
    /// What remains when the user does not want inputs, or outputs, or either.
    #[must_use]
    pub const fn of(inputs: bool, outputs: bool) -> Self {
        match (inputs, outputs) {
            (true, true) => Self::Full,
            (true, false) => Self::InputsOnly,
            (false, true) => Self::OutputsOnly,
            (false, false) => Self::Nothing,
        }
    }

    /// Whether prompts, and what tools are given, are sent.
    #[must_use]
    pub const fn inputs(self) -> bool {
        matches!(self, Self::Full | Self::InputsOnly)
    }

    /// Whether answers, and what tools give back, are sent.
    #[must_use]
    pub const fn outputs(self) -> bool {
        matches!(self, Self::Full | Self::OutputsOnly)
    }
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
    /// Minutes of silence after which a session goes on as another trace (with session grouping).
    #[serde(default)]
    pub session_window: Option<u32>,
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
