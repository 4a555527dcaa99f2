//! Work that bought nothing, found by rule.
//!
//! Each rule prefers missing a case to naming a wrong one: everything it counts was certainly
//! repeated, or done in vain. `docs/findings.md` has the rules, and how often they were right.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::found::{BYTES_A_TOKEN, Found};
use super::offers::Offers;
use super::tree::{Block, Generation, ToolCall, ToolResult};
use super::turn::{Trigger, Turn};
use super::work::Permission;

/// Lifetime of a cache after its last use: the usual one, and the longer one that costs more.
const LIFETIME: TimeDelta = TimeDelta::minutes(5);
const LONG_LIFETIME: TimeDelta = TimeDelta::hours(1);
/// Smallest context whose loss counts, in tokens: providers do not cache less.
const SMALLEST_CONTEXT: u64 = 4_096;
/// Smallest context of a conversation whose growth up to a compaction counts, in tokens.
const LARGE_CONTEXT: u64 = 100_000;
/// Smallest content whose second reading counts, in bytes.
const SMALLEST_CONTENT: u64 = 400;
/// Names of the coding agents' tools that read a file, and of those that search or list files.
const READS: [&str; 1] = ["read"];
const LOOKS: [&str; 4] = ["grep", "glob", "ls", "find"];

/// A kind of waste.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// A tool was called again with the same input, and failed in the same way, though nothing else
    /// was done in between.
    RetriedTool,
    /// A file was read again, and its content was the same.
    RepeatedRead,
    /// A call sent the conversation again after a pause longer than the cache's lifetime.
    LostCache,
    /// A prompt ended with a failed call.
    FailedTurn,
    /// A conversation grew from call to call until it was compacted.
    GrownContext,
    /// A tool was offered with many calls and never used.
    UnusedTool,
}

impl FindingKind {
    /// All kinds.
    pub const ALL: [Self; 6] = [
        Self::RetriedTool,
        Self::RepeatedRead,
        Self::LostCache,
        Self::FailedTurn,
        Self::GrownContext,
        Self::UnusedTool,
    ];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RetriedTool => "retried_tool",
            Self::RepeatedRead => "repeated_read",
            Self::LostCache => "lost_cache",
            Self::FailedTurn => "failed_turn",
            Self::GrownContext => "grown_context",
            Self::UnusedTool => "unused_tool",
        }
    }

    /// Whether it is found in content: inputs and results of tools, or definitions of tools.
    #[must_use]
    pub const fn needs_content(self) -> bool {
        match self {
            Self::RetriedTool | Self::RepeatedRead | Self::UnusedTool => true,
            Self::LostCache | Self::FailedTurn | Self::GrownContext => false,
        }
    }

    /// Title of several findings of the kind, for people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::RetriedTool => "tools called again with the same input, which failed again",
            Self::RepeatedRead => "files read again that had not changed",
            Self::LostCache => "conversations sent again, since a pause outlasted the cache",
            Self::FailedTurn => "prompts that ended with a failed call",
            Self::GrownContext => "conversations that only grew until they were compacted",
            Self::UnusedTool => "tools that were offered with ten calls or more and never used",
        }
    }
}

/// The findings of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Findings {
    retried_tools: Found,
    repeated_reads: Found,
    lost_caches: Found,
    failed_turns: Found,
    grown_contexts: Found,
    offers: Offers,
    /// The last call of the main conversation.
    last: Option<LastCall>,
}

/// A call whose input may be in the cache when the next one is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct LastCall {
    ended_at: DateTime<Utc>,
    model: String,
    /// Tokens of its input, cached or not.
    context: u64,
    /// Whether the last write to the cache was for a longer lifetime.
    is_long: bool,
    /// Whether the context has only grown since the conversation began or was compacted.
    has_only_grown: bool,
}

/// The failed calls of a conversation since its last other work, and its reads.
#[derive(Default)]
struct Thread<'a> {
    failed: Vec<&'a ToolCall>,
    reads: Vec<&'a ToolCall>,
}

impl Findings {
    /// The findings of a kind.
    #[must_use]
    pub fn of(&self, kind: FindingKind) -> Found {
        match kind {
            FindingKind::RetriedTool => self.retried_tools,
            FindingKind::RepeatedRead => self.repeated_reads,
            FindingKind::LostCache => self.lost_caches,
            FindingKind::FailedTurn => self.failed_turns,
            FindingKind::GrownContext => self.grown_contexts,
            FindingKind::UnusedTool => self.offers.unused(),
        }
    }

    /// Adds the findings of the next turn, in the generations that `ours` accepts.
    pub(super) fn add_turn(&mut self, turn: &Turn, ours: &dyn Fn(&Generation) -> bool) {
        self.contexts(turn, ours);
        self.thread(&turn.generations, ours);
        let generations = turn.all_generations();
        let calls = generations.iter().flat_map(|it| it.tool_calls());
        let subagents = calls.flat_map(|call| &call.subagents);
        for subagent in subagents.chain(&turn.stray_subagents) {
            self.thread(&subagent.generations, ours);
        }
        for generation in generations.iter().filter(|it| ours(it)) {
            self.offers.add(generation);
        }
        let last = turn.generations.last();
        let failed = last.is_some_and(|last| last.error.is_some() && ours(last));
        if failed && turn.trigger == Trigger::Prompt {
            let tokens = generations.iter().filter(|it| ours(it));
            self.failed_turns.add(tokens.map(|it| all_tokens(it)).sum());
        }
    }

    /// Counts lost caches, and contexts that only grew, in the main conversation.
    fn contexts(&mut self, turn: &Turn, ours: &dyn Fn(&Generation) -> bool) {
        for generation in &turn.generations {
            let usage = generation.usage;
            let context = usage.input + usage.cache_read + usage.cache_write;
            let Some(model) = generation.model.clone().filter(|_| context > 0) else {
                continue;
            };
            let next = LastCall {
                ended_at: generation.ended_at,
                model,
                context,
                is_long: match (&self.last, usage.cache_write) {
                    (Some(last), 0) => last.is_long,
                    _ => usage.cache_write_long > 0,
                },
                has_only_grown: generation.begins_anew
                    || self
                        .last
                        .as_ref()
                        .is_none_or(|last| last.has_grown_to(context)),
            };
            if let Some(last) = self.last.as_ref().filter(|_| ours(generation)) {
                if let Some(lost) = last.lost(&next, generation) {
                    self.lost_caches.add(lost);
                }
                let is_large = last.context >= LARGE_CONTEXT;
                if generation.begins_anew && last.has_only_grown && is_large {
                    // The call that summarises the conversation reads all of it again.
                    self.grown_contexts.add(last.context);
                }
            }
            self.last = Some(next);
        }
    }

    /// Counts repeated tool calls of a conversation.
    fn thread(&mut self, generations: &[Generation], ours: &dyn Fn(&Generation) -> bool) {
        let mut thread = Thread::default();
        for generation in generations {
            if generation.begins_anew {
                thread = Thread::default();
            }
            for call in generation.tool_calls() {
                let [is_retried, is_read_again] = thread.repeats(call);
                if ours(generation) && is_retried {
                    let usage = generation.usage;
                    self.retried_tools
                        .add(usage.input + usage.cache_write + usage.output);
                }
                if ours(generation) && is_read_again {
                    let result = call.result.as_ref();
                    let bytes = result.map_or(0, |result| bytes(result));
                    self.repeated_reads.add(bytes / BYTES_A_TOKEN);
                }
            }
        }
    }
}

impl LastCall {
    /// Whether the conversation has only grown, up to the context of the next call.
    const fn has_grown_to(&self, context: u64) -> bool {
        self.has_only_grown && context >= self.context
    }

    /// Tokens that the next call sent again because the pause before it was longer than the cache's
    /// lifetime.
    fn lost(&self, next: &Self, generation: &Generation) -> Option<u64> {
        let usage = generation.usage;
        let lifetime = if self.is_long {
            LONG_LIFETIME
        } else {
            LIFETIME
        };
        let is_late = generation.started_at - self.ended_at > lifetime;
        let goes_on = !generation.begins_anew
            && self.model == next.model
            && self.context >= SMALLEST_CONTEXT
            && next.context >= self.context;
        let lost = self.context.saturating_sub(usage.cache_read);
        let is_lost = usage.cache_write >= lost && lost > self.context / 2;
        (is_late && goes_on && is_lost).then_some(lost)
    }
}

impl<'a> Thread<'a> {
    /// Adds a call. Returns whether it failed as before, and whether it repeats an earlier read.
    fn repeats(&mut self, call: &'a ToolCall) -> [bool; 2] {
        let Some(result) = &call.result else {
            return [false; 2];
        };
        let is_read = is_named(call, &READS);
        if let Some(path) = path(call).filter(|_| !is_read) {
            // Reading a file again after an edit, even a failed one, is reasonable.
            self.reads.retain(|read| self::path(read) != Some(path));
        }
        let is_again = |known: &&ToolCall| {
            let before = known.result.as_ref();
            is_same(known, call) && before.is_some_and(|it| has_same_content(it, result))
        };
        if result.is_error {
            // A refusal by a person is not a failure of the tool.
            let is_failure = result.permission != Some(Permission::Refused);
            let is_retried = is_failure && self.failed.iter().any(is_again);
            self.failed.extend(is_failure.then_some(call));
            return [is_retried, false];
        }
        let is_read_again =
            is_read && bytes(result) >= SMALLEST_CONTENT && self.reads.iter().any(is_again);
        if is_read {
            self.reads.push(call);
        } else if !is_named(call, &LOOKS) {
            // Other work may have removed the cause of a failure.
            self.failed.clear();
        }
        [false, is_read_again]
    }
}

/// The file in the input of a call.
fn path(call: &ToolCall) -> Option<&str> {
    let names = ["file_path", "filePath", "path"].into_iter();
    let mut paths = names.filter_map(|name| call.input.get(name)?.as_str());
    paths.next()
}

fn is_named(call: &ToolCall, names: &[&str]) -> bool {
    names
        .iter()
        .any(|name| call.name.eq_ignore_ascii_case(name))
}

/// Whether two calls have the same tool and the same, known input.
fn is_same(one: &ToolCall, other: &ToolCall) -> bool {
    let is_known = matches!(&one.input, Value::Object(input) if !input.is_empty());
    is_known && one.name == other.name && one.input == other.input
}

/// Whether two results have the same text.
fn has_same_content(one: &ToolResult, other: &ToolResult) -> bool {
    let mut texts = one.content.iter().zip(&other.content);
    let is_same = |(one, other): (&Block, &Block)| match (one, other) {
        (Block::Text(one), Block::Text(other)) => one == other && !one.is_empty(),
        (Block::Json(one), Block::Json(other)) => one == other,
        _ => false,
    };
    !one.content.is_empty() && one.content.len() == other.content.len() && texts.all(is_same)
}

fn bytes(result: &ToolResult) -> u64 {
    let texts = result.content.iter().map(|block| match block {
        Block::Text(text) => text.len() as u64,
        _ => 0,
    });
    texts.sum()
}

fn all_tokens(generation: &Generation) -> u64 {
    let usage = generation.usage;
    usage.input + usage.cache_read + usage.cache_write + usage.output
}
