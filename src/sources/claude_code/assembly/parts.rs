//! What the lines of a session say, on its way into the `Assembler`.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::session::{
    Block, CallError, Circumstances, Incidents, Parameters, RequestMessages, Retries, Setup,
    StopReason, Trigger, Turn, Usage,
};

/// One line of conversation inside a session: the main one, or that of a subagent.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Thread {
    /// The conversation with the user.
    Main,
    /// A subagent, by its id.
    Agent(String),
}

/// The beginning of a turn.
#[derive(Clone, Debug)]
pub struct TurnStart {
    /// Identity of the prompt.
    pub id: String,
    /// What started it.
    pub trigger: Trigger,
    /// The prompt's text.
    pub prompt: String,
    /// When it was given.
    pub at: DateTime<Utc>,
    /// Where and under what circumstances.
    pub circumstances: Arc<Circumstances>,
}

impl From<TurnStart> for Turn {
    fn from(start: TurnStart) -> Self {
        Self {
            id: start.id,
            trigger: start.trigger,
            prompt: start.prompt,
            started_at: start.at,
            ended_at: start.at,
            circumstances: start.circumstances,
            generations: Vec::new(),
            stray_subagents: Vec::new(),
            shared_wait: TimeDelta::zero(),
            incidents: Incidents::default(),
        }
    }
}

/// What a part says of the response that it belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The provider's id of the response; `None` where there is none, or an empty one.
    pub response: Option<String>,
    /// The provider's id of the request.
    pub request: Option<String>,
    /// The id of the part itself.
    pub line: Option<String>,
    /// The id of the part or message that it follows.
    pub parent: Option<String>,
    /// Whether no provider answered, and the agent made the id of the response up.
    pub is_of_agent: bool,
}

/// A call of another model that a response took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Advice {
    /// Its model.
    pub model: Option<String>,
    /// Who ran it.
    pub provider: Option<&'static str>,
    /// What it used.
    pub usage: Usage,
}

/// A part of a response, as a line holds it.
#[derive(Clone, Debug)]
pub(crate) struct ResponsePart {
    /// Whose conversation it belongs to.
    pub thread: Thread,
    /// What tells the whole response apart.
    pub origin: Origin,
    /// Model, when one answered.
    pub model: Option<String>,
    /// Who ran the model.
    pub provider: Option<&'static str>,
    /// Usage as this line reports it.
    pub usage: Option<Usage>,
    /// When the request was sent, where it is known.
    pub requested_at: Option<DateTime<Utc>>,
    /// When this part began to arrive, where it is known.
    pub began_at: Option<DateTime<Utc>>,
    /// When this part was complete.
    pub at: DateTime<Utc>,
    /// Whether that is not told, but only when what stands before it was.
    pub is_untimed: bool,
    /// Calls of other models that the response took, which its usage does not contain.
    pub advisors: Vec<Advice>,
    /// Attempts at this call that failed before.
    pub retries: Retries,
    /// Why the model stopped, where this line knows.
    pub stop_reason: Option<StopReason>,
    /// What the model was given, where the agent wrote that down.
    pub given: Option<RequestMessages>,
    /// System prompt and tools of the request, where they are known.
    pub setup: Option<Arc<Setup>>,
    /// The content of this part.
    pub blocks: Vec<Block>,
    /// Request parameters that are known.
    pub parameters: Parameters,
    /// Set when the call failed.
    pub error: Option<CallError>,
    /// Where and under what circumstances.
    pub circumstances: Arc<Circumstances>,
}
