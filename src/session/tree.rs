//! Model calls, messages, tool calls and subagents: types that contain each other.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::call::{CallError, CallKind, Parameters, Retries, StopReason, Timing};
use super::circumstances::Circumstances;
use super::operation::Traced;
use super::time::{Asks, Background, Order, ToolTime};
use super::usage::{CacheCounts, Cost, OutputCount, Usage, UsageReport};
use super::work::{Permission, Work};

/// One message of a conversation.
#[derive(Clone, Debug)]
pub struct Message {
    /// The author.
    pub role: Role,
    /// The content.
    pub content: Vec<Block>,
}

/// The author of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The user, and the tools on the user's behalf.
    User,
    /// The model.
    Assistant,
    /// The agent itself.
    System,
}

/// A block of a message.
#[derive(Clone, Debug)]
pub enum Block {
    /// Plain text.
    Text(String),
    /// A text for the model in which the agent repeats output: a summary of the conversation, the
    /// report of a background task, the output of a command that the user ran. It counts as both
    /// input and output.
    Report(String),
    /// Thinking of the model, if readable.
    Thinking(String),
    /// A tool call, with its result.
    ToolCall(Box<ToolCall>),
    /// A tool result, as the model received it.
    ToolResult {
        /// Id of the call.
        call_id: String,
        /// The result, shared with the call.
        result: Arc<ToolResult>,
    },
    /// An image or document. Its bytes are never kept.
    Media {
        /// `image` or `document`.
        kind: String,
        /// Media type, if recorded.
        media_type: Option<String>,
        /// Decoded size in bytes, if the content is inline.
        bytes: u64,
    },
    /// A value with a structure, such as the result of a tool.
    Json(Value),
    /// Any other block, as it is in the transcript.
    Other(Value),
}

/// One response of a model, or one failed call.
#[derive(Clone, Debug)]
pub struct Generation {
    /// The provider's id of the response, or a substitute that is unique without one. It identifies
    /// the response in all files that hold a copy.
    pub id: String,
    /// The provider's id of the request, which both the transcript of an agent and its own
    /// telemetry contain.
    pub request: Option<String>,
    /// The provider's id of the response, which other reports of the call contain too. For a call
    /// of a trace, only if it was drawn at random, since doubles of providers give all responses
    /// the same id.
    pub response: Option<String>,
    /// Its kind.
    pub kind: CallKind,
    /// The ids and the name that the application gave to it.
    pub traced: Option<Traced>,
    /// Whether the agent says that this is a copy of another session's generation.
    pub is_copy: bool,
    /// The model of the response; `None` if no model answered.
    pub model: Option<String>,
    /// The provider that ran the model, if known.
    pub provider: Option<String>,
    /// Token counts as reported.
    pub usage: Usage,
    /// How the input tokens were reported.
    pub cache_counts: CacheCounts,
    /// Cost, if the agent computed one.
    pub cost: Option<Cost>,
    /// When the request was sent, as precisely as known. Calls are sorted by it.
    pub started_at: DateTime<Utc>,
    /// Whether `started_at` to `ended_at` is the duration of the call.
    pub timing: Timing,
    /// When the first token arrived, if known.
    pub first_token_at: Option<DateTime<Utc>>,
    /// When the last part of the response arrived.
    pub ended_at: DateTime<Utc>,
    /// Failed attempts before this call.
    pub retries: Retries,
    /// Why the model stopped, if recorded.
    pub stop_reason: Option<StopReason>,
    /// The messages that this call added to the conversation.
    pub input: Vec<Message>,
    /// The complete input of the call, if requested and known.
    pub whole_input: Option<Vec<Arc<Message>>>,
    /// Whether earlier messages were summarised and dropped before this call.
    pub begins_anew: bool,
    /// System prompt and tools, if known.
    pub setup: Option<Arc<Setup>>,
    /// The response, in the order in which it was written.
    pub output: Vec<Block>,
    /// Known request parameters.
    pub parameters: Parameters,
    /// Set when the call failed.
    pub error: Option<CallError>,
    /// A label for a response outside the conversation itself.
    pub label: Option<&'static str>,
    /// Whether the output token count is final.
    pub output_count: OutputCount,
    /// Whether the response reported its usage.
    pub usage_report: UsageReport,
    /// False while the response may still be written.
    pub complete: bool,
    /// The circumstances of the call.
    pub circumstances: Arc<Circumstances>,
}

/// The setup of a call: everything in the request except messages and parameters.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The system prompt.
    pub system: Vec<Block>,
    /// The tools offered to the model, in the provider's format.
    pub tools: Vec<Value>,
}

/// One execution of a tool.
#[derive(Clone, Debug)]
pub struct ToolCall {
    /// The provider's id of the call. Not every provider makes it unique.
    pub id: String,
    /// The ids that the application gave to the execution of the tool, if reported.
    pub traced: Option<Traced>,
    /// Name of the tool.
    pub name: String,
    /// Arguments.
    pub input: Value,
    /// When the model had finished writing the call.
    pub called_at: DateTime<Utc>,
    /// Whether `called_at` is not recorded and is the time of what precedes the call.
    pub is_untimed: bool,
    /// Whether a person may be asked before it runs.
    pub asks: Asks,
    /// How it runs relative to other calls of the response.
    pub order: Order,
    /// The known parts of its time, once the session is assembled.
    pub time: ToolTime,
    /// The result; `None` if there is none.
    pub result: Option<Arc<ToolResult>>,
    /// The subagents that this call started.
    pub subagents: Vec<Subagent>,
    /// The circumstances of the call.
    pub circumstances: Arc<Circumstances>,
}

/// The result of a tool call.
#[derive(Clone, Debug)]
pub struct ToolResult {
    /// Its content.
    pub content: Vec<Block>,
    /// Whether the tool failed or was refused.
    pub is_error: bool,
    /// When the result arrived.
    pub returned_at: DateTime<Utc>,
    /// Whether `returned_at` is not recorded and is the time of what precedes the result.
    pub is_untimed: bool,
    /// Running time of the tool in milliseconds, if measured.
    pub duration_ms: Option<u64>,
    /// Who permitted the call, if recorded.
    pub permission: Option<Permission>,
    /// Whether the call started work that continues in the background.
    pub background: Background,
    /// Web searches that the tool ran.
    pub web_searches: u64,
    /// Its changes to files and repository.
    pub work: Work,
}

/// An agent started by a tool call, or by the coding agent for internal purposes.
#[derive(Clone, Debug)]
pub struct Subagent {
    /// The agent's own id.
    pub id: String,
    /// Its type (`general-purpose`, `compaction`, …).
    pub kind: Option<String>,
    /// Whether the coding agent started it for internal purposes, not through a tool call.
    pub is_internal: bool,
    /// Its model calls, by start.
    pub generations: Vec<Generation>,
}

impl Block {
    /// Turns a text to the model into a [`Block::Report`]; returns any other block unchanged.
    #[must_use]
    pub fn as_report(self) -> Self {
        match self {
            Self::Text(text) => Self::Report(text),
            other => other,
        }
    }
}

impl Generation {
    /// The usage plus the web searches run by its tools for the model, which only tool results
    /// report.
    #[must_use]
    pub fn billed(&self) -> Usage {
        let results = self.tool_calls().filter_map(|call| call.result.as_ref());
        let by_tools: u64 = results.map(|result| result.web_searches).sum();
        Usage {
            web_searches: self.usage.web_searches.max(by_tools),
            ..self.usage
        }
    }

    /// The tool calls of this response.
    pub fn tool_calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.output.iter().filter_map(|block| match block {
            Block::ToolCall(call) => Some(call.as_ref()),
            _ => None,
        })
    }
}

impl ToolCall {
    /// Whether the id was drawn at random, so that it identifies the call in every report. Doubles
    /// of models count up, or have a fixed text.
    #[must_use]
    pub fn has_drawn_id(&self) -> bool {
        const BEGINNINGS: [&str; 2] = ["toolu_", "call_"];
        const DRAWN: usize = 20;
        let mut beginnings = BEGINNINGS.iter();
        let Some(drawn) = beginnings.find_map(|it| self.id.strip_prefix(it)) else {
            return false;
        };
        let has = |kind: fn(&u8) -> bool| drawn.bytes().any(|it| kind(&it));
        drawn.len() >= DRAWN && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)
    }

    /// Whether its execution was not reported. Coding agents run all tools themselves, so a call
    /// without a result was cut off; an application need not report the execution of its tools.
    #[must_use]
    pub fn is_unreported(&self) -> bool {
        self.result.is_none() && self.circumstances.origin.is_some()
    }

    /// Whether later lines cannot change the call.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let result = self.result.as_ref();
        result.is_some_and(|result| result.has_ended()) && !self.time.is_open
    }

    /// Whether a person may have been asked before it ran.
    pub(super) fn asks(&self) -> Asks {
        match self.asks {
            Asks::Perhaps if self.circumstances.asks_nobody => Asks::Never,
            asks => asks,
        }
    }
}

impl ToolResult {
    /// Whether no work started by the call continues.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        !matches!(self.background, Background::Running(_))
    }
}
