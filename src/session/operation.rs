//! Work of an application other than calls of models: agents, steps of a workflow, searches.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::call::{CallError, Timing};
use super::circumstances::Circumstances;

/// The ids and the name that an application gave to a piece of its work. Events keep them, to match
/// the events that other programs send about the same trace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traced {
    /// Id of the work within its trace.
    pub span: String,
    /// Id of the work that contains it; `None` directly below the trace.
    pub parent: Option<String>,
    /// Name for people, chosen by programmers, so not content.
    pub name: Option<String>,
    /// Other reports of the same call. If one of them had arrived alone, it would have been the
    /// call.
    pub others: Vec<Report>,
}

/// A report of a call by one span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Id of the call according to this report alone.
    pub id: String,
    /// Id of the span within its trace.
    pub span: String,
}

/// Work that is neither a call of a model nor the execution of a tool that a known call asked for.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Its ids and its name.
    pub traced: Traced,
    /// Its kind.
    pub kind: OperationKind,
    /// Id of the tool call, for a tool.
    pub call_id: Option<String>,
    /// Its input; null if unknown.
    pub input: Value,
    /// Its result; null if unknown.
    pub output: Value,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// Whether both times are known.
    pub timing: Timing,
    /// Set when it failed.
    pub error: Option<CallError>,
    /// Its circumstances.
    pub circumstances: Arc<Circumstances>,
}

/// The kind of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperationKind {
    /// An agent, which calls models and tools.
    Agent,
    /// A workflow.
    Workflow,
    /// A step of a workflow, a chain.
    Chain,
    /// A search for documents.
    Retrieval,
    /// The ordering of documents.
    Rerank,
    /// A check of inputs or outputs.
    Guardrail,
    /// A tool, asked for by an unknown call.
    Tool,
    /// An attempt of a gateway to reach a provider.
    Attempt,
    /// Any other kind, in the application's words.
    Other(String),
}

impl OperationKind {
    /// The kind as a word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Agent => "agent",
            Self::Workflow => "workflow",
            Self::Chain => "chain",
            Self::Retrieval => "retrieval",
            Self::Rerank => "rerank",
            Self::Guardrail => "guardrail",
            Self::Tool => "tool",
            Self::Attempt => "attempt",
            Self::Other(word) => word,
        }
    }
}
