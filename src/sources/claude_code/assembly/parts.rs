//! Input of the `Assembler`.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::session::{
    Block, CallError, Circumstances, Incidents, Parameters, RequestMessages, Retries, Setup,
    StopReason, Trigger, Turn, Usage,
};

/// A conversation of a session: the main one, or that of a subagent.
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
    /// The trigger of the turn.
    pub trigger: Trigger,
    /// Text of the prompt.
    pub prompt: String,
    /// When the prompt was given.
    pub at: DateTime<Utc>,
    /// The circumstances of the line.
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
            operations: Vec::new(),
            stray_subagents: Vec::new(),
            shared_wait: TimeDelta::zero(),
            incidents: Incidents::default(),
        }
    }
}

/// Ids that identify the response of a part.
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
    /// Whether the agent made up the id of the response, because no provider answered.
    pub is_of_agent: bool,
}

/// A call of another model within a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Advice {
    /// The model.
    pub model: Option<String>,
    /// The provider that ran it, if known.
    pub provider: Option<&'static str>,
    /// Its usage.
    pub usage: Usage,
}

/// A part of a response, from one line.
#[derive(Clone, Debug)]
pub(crate) struct ResponsePart {
    /// The conversation.
    pub thread: Thread,
    /// Ids that identify the response.
    pub origin: Origin,
    /// The model, if one answered.
    pub model: Option<String>,
    /// The provider that ran the model, if known.
    pub provider: Option<&'static str>,
    /// Usage according to this line.
    pub usage: Option<Usage>,
    /// When the request was sent, if known.
    pub requested_at: Option<DateTime<Utc>>,
    /// When this part began to arrive, if known.
    pub began_at: Option<DateTime<Utc>>,
    /// When this part was complete.
    pub at: DateTime<Utc>,
    /// Whether `at` is not recorded and is the time of the line before.
    pub is_untimed: bool,
    /// Calls of other models within the response, which its usage does not include.
    pub advisors: Vec<Advice>,
    /// Failed attempts before this call.
    pub retries: Retries,
    /// Why the model stopped, if this line states it.
    pub stop_reason: Option<StopReason>,
    /// The messages of the request, if recorded.
    pub given: Option<RequestMessages>,
    /// System prompt and tools of the request, if known.
    pub setup: Option<Arc<Setup>>,
    /// The content.
    pub blocks: Vec<Block>,
    /// Fingerprints of the texts that are not kept because no content is wanted. They tell blocks
    /// apart whose texts are all empty here.
    pub unkept: Vec<u64>,
    /// Known request parameters.
    pub parameters: Parameters,
    /// Set when the call failed.
    pub error: Option<CallError>,
    /// The circumstances of the line.
    pub circumstances: Arc<Circumstances>,
}
