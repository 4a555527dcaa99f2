//! The vocabulary of a coding session, whatever agent wrote it.
//!
//! A [`Session`] is a tree: turns hold generations, a generation's output holds tool calls, a
//! tool call may hold the subagents it started, and these hold generations again. Nothing here
//! knows a file format, a vendor's wire format or PostHog.

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
    /// All of them.
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

    /// The name as people write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClaudeCode => "Claude Code",
            Self::Pi => "Pi",
            Self::OpenCode => "OpenCode",
        }
    }
}

/// One session, or what is new of it since it was last read.
#[derive(Clone, Debug)]
pub struct Session {
    /// Who wrote it.
    pub agent: Agent,
    /// The agent's own session id.
    pub id: String,
    /// What tells the session from every other one of this agent: its id, but where users may give
    /// the same id to several.
    pub key: String,
    /// Time of the first line of the session, which no later line can change.
    pub started_at: DateTime<Utc>,
    /// Time of the last line that was read.
    pub ended_at: DateTime<Utc>,
    /// Whether its lines tell times: otherwise nothing is known of how long anything took.
    pub timing: Timing,
    /// Whether the agent wrote that the session ended, and nothing came after.
    pub is_closed: bool,
    /// Whether the last line is half a line: the agent was killed while it wrote.
    pub is_cut_off: bool,
    /// The title that the user or the agent gave it; the user's wins.
    pub title: Option<String>,
    /// Turns in the order they began. The first may belong to a prompt that is in no line.
    pub turns: Vec<Turn>,
    /// The sessions that it came from and that it went on in.
    pub lineage: Lineage,
    /// The agent's own books, as it wrote them down.
    pub statements: Vec<Statement>,
    /// What was read before the first of `turns`; empty when the session was read from its start.
    pub earlier: Earlier,
    /// Whether more of it follows in another part: then nothing can be said of the whole yet.
    pub goes_on: bool,
    /// What the reader met and could not use, by kind.
    pub oddities: Oddities,
}

/// A prompt and everything that was done for it.
#[derive(Clone, Debug)]
pub struct Turn {
    /// Identity of the prompt: survives resuming and forking.
    pub id: String,
    /// What started the turn.
    pub trigger: Trigger,
    /// The prompt's text, empty when the prompt is in no line.
    pub prompt: String,
    /// When the prompt was given.
    pub started_at: DateTime<Utc>,
    /// When the last thing done for it was done; background work may end later still.
    pub ended_at: DateTime<Utc>,
    /// Where and under what circumstances.
    pub circumstances: Arc<Circumstances>,
    /// The model calls of the main conversation, by start.
    pub generations: Vec<Generation>,
    /// Subagents whose starting call is in no file.
    pub stray_subagents: Vec<Subagent>,
    /// How long a person was waited for in calls that are known together only.
    pub shared_wait: TimeDelta,
    /// What happened besides.
    pub incidents: Incidents,
}

/// What started a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// A person typed or scripted it.
    Prompt,
    /// A command of the agent itself, which may never have reached the model.
    Command,
    /// A background task, another agent or a schedule spoke.
    Notification,
    /// The lines of the prompt were not found.
    Unknown,
}

/// What was true when a line was written; it changes inside a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Circumstances {
    /// Working directory.
    pub cwd: Option<String>,
    /// Branch that was checked out.
    pub git_branch: Option<String>,
    /// Version of the agent.
    pub agent_version: Option<String>,
    /// How the agent was started (`cli`, `sdk-cli`, …).
    pub entrypoint: Option<String>,
    /// The agent's permission mode.
    pub permission_mode: Option<String>,
    /// Whether the agent asks nobody for permission, in this mode or the way it was started.
    pub asks_nobody: bool,
    /// Name of the persona that the agent works as (`build` and `plan` in OpenCode), which decides
    /// its instructions and tools.
    pub persona: Option<String>,
}

/// One message of a conversation.
#[derive(Clone, Debug)]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub content: Vec<Block>,
}

/// Who says a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The user, and the tools on the user's behalf.
    User,
    /// The model.
    Assistant,
    /// The agent itself.
    System,
}

/// A piece of a message.
#[derive(Clone, Debug)]
pub enum Block {
    /// Plain text.
    Text(String),
    /// A text, said to the model, in which the agent repeats what was answered: a summary of the
    /// conversation, the report of a background task, the output of a command that the user ran.
    /// Both an input and an output.
    Report(String),
    /// What the model thought, where it is readable.
    Thinking(String),
    /// A call of a tool, with what came of it.
    ToolCall(Box<ToolCall>),
    /// The result of a tool, as the model got it.
    ToolResult {
        /// The call that this answers.
        call_id: String,
        /// The result, shared with the call.
        result: Arc<ToolResult>,
    },
    /// A picture or document; its bytes are never kept.
    Media {
        /// `image` or `document`.
        kind: String,
        /// Media type, where it is told.
        media_type: Option<String>,
        /// Size in bytes, decoded, where the content is inline.
        bytes: u64,
    },
    /// Anything else, as it stands in the transcript.
    Other(Value),
}

/// One execution of a tool.
#[derive(Clone, Debug)]
pub struct ToolCall {
    /// The provider's id of the call; not every provider takes care that no two are alike.
    pub id: String,
    /// Name of the tool.
    pub name: String,
    /// Arguments.
    pub input: Value,
    /// When the model had written the call.
    pub called_at: DateTime<Utc>,
    /// Whether that is not told, but only when what stands before it was.
    pub is_untimed: bool,
    /// Whether a person may be asked before it runs.
    pub asks: Asks,
    /// How it runs beside other calls of the response.
    pub order: Order,
    /// What is known of its time, once the session was put together.
    pub time: ToolTime,
    /// What came back; `None` when nothing did.
    pub result: Option<Arc<ToolResult>>,
    /// The subagents that this call started.
    pub subagents: Vec<Subagent>,
    /// Where and under what circumstances.
    pub circumstances: Arc<Circumstances>,
}

/// What a tool gave back.
#[derive(Clone, Debug)]
pub struct ToolResult {
    /// Its content.
    pub content: Vec<Block>,
    /// Whether the tool failed or was refused.
    pub is_error: bool,
    /// When the result was there.
    pub returned_at: DateTime<Utc>,
    /// Whether that is not told, but only when what stands before it was.
    pub is_untimed: bool,
    /// Time of the tool itself in milliseconds, where it was measured.
    pub duration_ms: Option<u64>,
    /// Who allowed it, where it is told.
    pub permission: Option<Permission>,
    /// Whether something goes on in the background that the call started.
    pub background: Background,
    /// Web searches that the tool ran.
    pub web_searches: u64,
    /// What it did to files and repository.
    pub work: Work,
}

/// An agent started by a tool call, or by the agent for its own ends.
#[derive(Clone, Debug)]
pub struct Subagent {
    /// The agent's own id.
    pub id: String,
    /// Its type (`general-purpose`, `compaction`, …).
    pub kind: Option<String>,
    /// Whether the coding agent started it for its own ends, so that no call of a tool did.
    pub is_internal: bool,
    /// Its model calls, by start.
    pub generations: Vec<Generation>,
}

impl Session {
    /// Lines that could not be used, since the session began.
    #[must_use]
    pub fn skipped(&self) -> Skipped {
        self.earlier.skipped.plus(self.oddities.skipped())
    }

    /// Responses that did not tell what they used, since the session began.
    #[must_use]
    pub fn without_usage(&self) -> u64 {
        let generations = self.all_generations().into_iter();
        let new = generations.filter(|it| it.usage_report == UsageReport::Missing);
        self.earlier.totals.without_usage + new.count() as u64
    }

    /// Whether a turn began at that time or later.
    #[must_use]
    pub fn has_turn_after(&self, at: DateTime<Utc>) -> bool {
        self.turns.iter().any(|turn| turn.started_at >= at)
    }

    /// What the agent's own books show and the lines do not. `ours` tells the generations of this
    /// session from those copied out of another.
    #[must_use]
    pub fn reconcile(&self, ours: &dyn Fn(&Generation) -> bool) -> Reconciled {
        self.reconcile_until(&self.turns, self.statements.len(), ours)
    }

    /// The same for the first turns and the first statements alone.
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

    /// The first prompt that set the model to work: what the session is about. A command that
    /// never reached the model (`/clear`, `/help`) is not it.
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
    /// A text of a message to the model as a [`Block::Report`]; any other block as it is.
    #[must_use]
    pub fn as_report(self) -> Self {
        match self {
            Self::Text(text) => Self::Report(text),
            other => other,
        }
    }
}

impl Turn {
    /// Whether there is anything to show: a command that never reached the model leaves nothing,
    /// unless it had the conversation compacted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.trigger != Trigger::Prompt
            && self.generations.is_empty()
            && self.stray_subagents.is_empty()
            && self.incidents.compactions == 0
    }

    /// Whether the turn is part of its session's trace: there is something in it, and not all of
    /// that was copied out of another session. `ours` tells the generations that were not.
    pub fn is_shown(&self, ours: &dyn Fn(&Generation) -> bool) -> bool {
        let generations = self.all_generations();
        !self.is_empty() && (generations.is_empty() || generations.into_iter().any(ours))
    }

    /// Whether nothing in the turn waits for more to be written: every response is complete,
    /// every call has its result, and every subagent its call.
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

    /// The last thing the model said to the user in this turn.
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

/// What the lines show of what was used.
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
