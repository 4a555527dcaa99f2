//! The types that describe a coding session, independent of the agent.
//!
//! A [`Session`] is a tree: turns hold generations, a generation's output holds tool calls, a tool
//! call may hold the subagents it started, and these hold generations again. Nothing here depends
//! on a file format, a vendor's wire format or PostHog.

pub mod books;
mod earlier;
mod generation;
mod given;
mod intervals;
mod lineage;
mod oddities;
mod same;
mod time;
mod totals;
mod walk;
mod work;

pub use books::{Balance, ByModel, Reconciled, Statement, Unlisted};
pub use earlier::Earlier;
pub use generation::{
    CallError, Cost, Generation, Parameters, Retries, Timing, Usage, UsageReport,
};
pub use given::{Given, InputScope, Setup, Wanted};
pub use lineage::Lineage;
pub use oddities::{Oddities, Skipped};
pub(crate) use same::{AGAIN, same_block};
pub(crate) use time::Clock;
pub use time::{
    Asks, Background, Order, OwnTime, Sighting, TaskReport, ToolTime, Waits, Worked, settle_times,
};
pub use totals::Totals;
pub use work::{Incidents, Permission, Work};

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

/// The coding agents whose sessions can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Agent {
    /// Anthropic's Claude Code.
    ClaudeCode,
    /// Pi, by Earendil Works.
    Pi,
    /// OpenCode, by SST.
    OpenCode,
}

impl Agent {
    /// All agents.
    pub const ALL: [Self; 3] = [Self::ClaudeCode, Self::Pi, Self::OpenCode];

    /// The name in identities, in `$ai_framework` and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::Pi => "pi",
            Self::OpenCode => "opencode",
        }
    }

    /// The name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClaudeCode => "Claude Code",
            Self::Pi => "Pi",
            Self::OpenCode => "OpenCode",
        }
    }
}

/// Whether a session may still be written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// It ended: a tool call without a result will not get one.
    Ended,
    /// It is still running: what may change is not sent yet.
    Running,
}

/// One session, or the part of it that was written since it was last read.
#[derive(Clone, Debug)]
pub struct Session {
    /// The agent that wrote it.
    pub agent: Agent,
    /// The agent's own session id.
    pub id: String,
    /// A key that is unique among the agent's sessions: the id, unless users can give several
    /// sessions the same id.
    pub key: String,
    /// Time of the first line of the session, which later lines cannot change.
    pub started_at: DateTime<Utc>,
    /// Time of the last line that was read.
    pub ended_at: DateTime<Utc>,
    /// Whether its lines have times; without them, no duration is known.
    pub timing: Timing,
    /// Whether the agent recorded the end of the session, with nothing after it.
    pub is_closed: bool,
    /// Whether the last line is incomplete, because the agent was killed while it wrote.
    pub is_cut_off: bool,
    /// The title given by the user, otherwise the one given by the agent.
    pub title: Option<String>,
    /// Turns in the order they began. The prompt of the first may be in no line.
    pub turns: Vec<Turn>,
    /// The sessions it was derived from and continued in.
    pub lineage: Lineage,
    /// Statements of the agent's books, in order.
    pub statements: Vec<Statement>,
    /// Summary of the turns before the first of `turns`; empty if the session was read from its
    /// start.
    pub earlier: Earlier,
    /// Whether another part follows, so that the whole is not known yet.
    pub goes_on: bool,
    /// Numbers of lines the reader could not use, by kind.
    pub oddities: Oddities,
}

/// A prompt and the work done for it.
#[derive(Clone, Debug)]
pub struct Turn {
    /// Identity of the prompt; the same after resuming and forking.
    pub id: String,
    /// The trigger of the turn.
    pub trigger: Trigger,
    /// Text of the prompt; empty if it is in no line.
    pub prompt: String,
    /// When the prompt was given.
    pub started_at: DateTime<Utc>,
    /// When the last work for it ended; background work may end later.
    pub ended_at: DateTime<Utc>,
    /// The circumstances of the prompt.
    pub circumstances: Arc<Circumstances>,
    /// Generations of the main conversation, by start.
    pub generations: Vec<Generation>,
    /// Subagents whose starting call is in no file.
    pub stray_subagents: Vec<Subagent>,
    /// Waiting time for a person that is known only for several calls together.
    pub shared_wait: TimeDelta,
    /// Other events of the turn.
    pub incidents: Incidents,
}

/// The trigger of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// A prompt, typed by a person or sent by a script.
    Prompt,
    /// A command of the agent itself, which may not have reached the model.
    Command,
    /// A message of a background task, another agent or a schedule.
    Notification,
    /// The lines of the prompt were not found.
    Unknown,
}

/// The circumstances in which a line was written. They may change within a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Circumstances {
    /// Working directory.
    pub cwd: Option<String>,
    /// The checked-out branch.
    pub git_branch: Option<String>,
    /// The agent's version.
    pub agent_version: Option<String>,
    /// How the agent was started (`cli`, `sdk-cli`, …).
    pub entrypoint: Option<String>,
    /// The agent's permission mode.
    pub permission_mode: Option<String>,
    /// Whether the agent never asks for permission, because of this mode or the way it was started.
    pub asks_nobody: bool,
    /// Name of the agent's persona (`build` and `plan` in OpenCode), which selects instructions and
    /// tools.
    pub persona: Option<String>,
}

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
    /// Any other block, as it is in the transcript.
    Other(Value),
}

/// One execution of a tool.
#[derive(Clone, Debug)]
pub struct ToolCall {
    /// The provider's id of the call. Not every provider makes it unique.
    pub id: String,
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

impl Session {
    /// Numbers of unusable lines since the session began.
    #[must_use]
    pub fn skipped(&self) -> Skipped {
        self.earlier.skipped.plus(self.oddities.skipped())
    }

    /// Number of responses without reported usage since the session began.
    #[must_use]
    pub fn without_usage(&self) -> u64 {
        let generations = self.all_generations().into_iter();
        let new = generations.filter(|it| it.usage_report == UsageReport::Missing);
        self.earlier.totals.without_usage + new.count() as u64
    }

    /// Whether a turn began at `at` or later.
    #[must_use]
    pub fn has_turn_after(&self, at: DateTime<Utc>) -> bool {
        self.turns.iter().any(|turn| turn.started_at >= at)
    }

    /// Usage that is in the agent's books but in no line. `ours` tells the generations of this
    /// session from those copied from another.
    #[must_use]
    pub fn reconcile(&self, ours: &dyn Fn(&Generation) -> bool) -> Reconciled {
        self.reconcile_until(&self.turns, self.statements.len(), ours)
    }

    /// As [`Session::reconcile`], for the first turns and the first statements only.
    #[must_use]
    pub fn reconcile_until(
        &self,
        turns: &[Turn],
        statements: usize,
        ours: &dyn Fn(&Generation) -> bool,
    ) -> Reconciled {
        let inherits = !self.all_generations().into_iter().all(ours);
        let statements = &self.statements[..statements.min(self.statements.len())];
        self.earlier
            .balance
            .clone()
            .reconcile(statements, listed(turns), inherits)
    }

    /// The first prompt that reached the model: the subject of the session. Commands that never
    /// reached it (`/clear`, `/help`) do not count.
    #[must_use]
    pub fn first_prompt(&self) -> Option<String> {
        let earlier = self.earlier.first_prompt.clone();
        earlier.or_else(|| {
            let found = self.turns.iter().find(|turn| match turn.trigger {
                Trigger::Prompt => !turn.prompt.is_empty(),
                Trigger::Command => !turn.generations.is_empty(),
                Trigger::Notification | Trigger::Unknown => false,
            });
            found.map(|turn| turn.prompt.clone())
        })
    }
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

impl Turn {
    /// Whether the turn has nothing to show, as after a command that never reached the model,
    /// unless it compacted the conversation.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.trigger != Trigger::Prompt
            && self.generations.is_empty()
            && self.stray_subagents.is_empty()
            && self.incidents.compactions == 0
    }

    /// Whether the turn is part of its session's trace: it is not empty, and not entirely copied
    /// from another session. `ours` tells the generations that were not copied.
    pub fn is_shown(&self, ours: &dyn Fn(&Generation) -> bool) -> bool {
        let generations = self.all_generations();
        !self.is_empty() && (generations.is_empty() || generations.into_iter().any(ours))
    }

    /// Whether nothing in the turn is incomplete: every response is complete, every call has its
    /// result, and every subagent its call.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let is_settled = |generation: &Generation| {
            let mut calls = generation.tool_calls();
            generation.complete && calls.all(ToolCall::is_settled)
        };
        self.stray_subagents
            .iter()
            .all(|subagent| subagent.is_internal)
            && self.all_generations().into_iter().all(is_settled)
    }

    /// The last text of the model to the user in this turn.
    #[must_use]
    pub fn answer(&self) -> Option<&str> {
        let spoken = self.generations.iter().rev().flat_map(|generation| {
            generation
                .output
                .iter()
                .rev()
                .filter_map(|block| match block {
                    Block::Text(text) => Some(text.as_str()),
                    _ => None,
                })
        });
        spoken.into_iter().next()
    }
}

/// Usage in lines: time, model and usage of each response.
fn listed(turns: &[Turn]) -> impl Iterator<Item = (DateTime<Utc>, &str, Usage)> {
    turns
        .iter()
        .flat_map(Turn::all_generations)
        .filter_map(|generation| {
            let model = generation
                .model
                .as_deref()
                .filter(|_| generation.error.is_none())?;
            Some((
                generation.ended_at,
                books::name_of(model),
                generation.billed(),
            ))
        })
}
