//! One conversation: prompts, answers and tool results, each with its place in the tree. The main
//! one of a session consists of entries, that of a subagent of consecutive messages.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

use super::content;
use super::tree::{EntryIndex, Says, State, Tree, said};
use super::wire::{self, payload};
use crate::session::{
    Background, Block, CacheCounts, CallKind, Circumstances, Generation, Message, OutputCount,
    Parameters, Retries, Role, Subagent, Timing, ToolCall, ToolResult, Usage, UsageReport, Work,
};
use crate::sources::output_count::output_count;

/// Levels of subagents to read.
pub(super) const DEEPEST: usize = 8;

/// Facts that apply to a whole session.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) circumstances: Arc<Circumstances>,
    /// Start of a fork, before which everything was copied.
    pub(super) copied_before: Option<DateTime<Utc>>,
    /// Whether the whole input of every call is wanted.
    pub(super) wants_whole_input: bool,
}

/// A call of a model, and the index of its prompt.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) prompt: Option<usize>,
    pub(super) generation: Generation,
}

/// A prompt of the user.
#[derive(Debug)]
pub(super) struct Prompt {
    pub(super) text: String,
    pub(super) at: DateTime<Utc>,
}

/// The state of a conversation while it is read.
#[derive(Debug)]
pub(super) struct Conversation<'a> {
    facts: &'a Facts,
    depth: usize,
    pub(super) tree: Tree,
    pub(super) prompts: Vec<Prompt>,
    pub(super) calls: Vec<Call>,
    ids: HashSet<String>,
    /// Runs of subagents with their own files.
    pub(super) runs: Vec<Run>,
    pub(super) results_without_call: u64,
    pub(super) answers_without_usage: u64,
}

/// A run of subagents, from the tool result.
#[derive(Debug)]
pub(super) struct Run {
    /// Index of the call of the model that called the tool.
    pub(super) call: usize,
    /// Id of the tool call.
    pub(super) tool: String,
    /// Its ids: one, or two if it continues in the background.
    pub(super) ids: Vec<String>,
    /// Names of the agents, and their session files.
    pub(super) agents: Vec<(Option<String>, Option<String>)>,
}

/// Time of a message.
#[derive(Clone, Copy)]
pub(super) struct Written {
    /// Time of the entry, or of the next message.
    pub(super) by: DateTime<Utc>,
    /// Whether the message was complete at exactly that time, and not earlier.
    pub(super) is_exact: bool,
}

impl<'a> Conversation<'a> {
    pub(super) fn new(facts: &'a Facts) -> Self {
        Self::at_depth(facts, 0)
    }

    fn at_depth(facts: &'a Facts, depth: usize) -> Self {
        Self {
            facts,
            depth,
            tree: Tree::default(),
            prompts: Vec::new(),
            calls: Vec::new(),
            ids: HashSet::new(),
            runs: Vec::new(),
            results_without_call: 0,
            answers_without_usage: 0,
        }
    }

    /// Adds a message, and returns whether its role is known.
    pub(super) fn message(
        &mut self,
        id: &str,
        parent: Option<EntryIndex>,
        message: &wire::Message<'_>,
        written: Written,
    ) -> bool {
        let content = content::blocks(message.content);
        let unchanged = |_: &mut State| ();
        match &message.role {
            Some(wire::Role::User) => {
                self.prompts.push(Prompt {
                    text: content::text_of(&content),
                    at: content::time_of(message).unwrap_or(written.by),
                });
                let prompt = Says::Prompt(self.prompts.len() - 1, said(Role::User, content));
                self.tree.add(id, parent, prompt, unchanged);
            }
            Some(wire::Role::Assistant) => self.answer(id, parent, message, content, written),
            Some(wire::Role::ToolResult) => self.result(id, parent, message, content, written),
            Some(wire::Role::System) => {
                let instruct = |state: &mut State| state.instruct(message, &content);
                self.tree.add(id, parent, Says::Nothing, instruct);
            }
            Some(wire::Role::Custom | wire::Role::HookMessage) => {
                let input = Says::Input(said(Role::User, content));
                self.tree.add(id, parent, input, unchanged);
            }
            Some(wire::Role::BranchSummary | wire::Role::CompactionSummary) => {
                let summary = content.into_iter().map(Block::as_report);
                let input = Says::Input(said(Role::User, summary.collect()));
                self.tree.add(id, parent, input, unchanged);
            }
            Some(wire::Role::BashExecution) => {
                self.tree
                    .add(id, parent, of_user_command(message), unchanged);
            }
            // The usage was paid for, whatever the role is.
            _ if message.usage.as_ref().is_some_and(is_paid) => {
                self.answer(id, parent, message, content, written);
                return false;
            }
            _ => {
                self.tree.add(id, parent, Says::Nothing, unchanged);
                return false;
            }
        }
        true
    }

    fn answer(
        &mut self,
        id: &str,
        parent: Option<EntryIndex>,
        message: &wire::Message<'_>,
        mut output: Vec<Block>,
        written: Written,
    ) {
        let started_at = content::time_of(message)
            .unwrap_or(written.by)
            .min(written.by);
        let measured_end = content::measured_end(started_at, message);
        let ended_at = measured_end.unwrap_or(written.by);
        if content::is_no_call(message, &output, ended_at - started_at) {
            self.tree.add(id, parent, Says::Nothing, |_| ());
            return;
        }
        self.date_calls(&mut output, ended_at);
        self.answers_without_usage += u64::from(message.usage.is_none());
        let usage = message.usage.clone().unwrap_or_default();
        let state = self.tree.state(parent);
        let prompt = self.tree.prompt(parent);
        let mut generation = self.generation(started_at, ended_at, &usage);
        generation.id = self.identity(message, prompt, id, started_at);
        if message.timestamp.is_some() && (measured_end.is_some() || written.is_exact) {
            generation.timing = Timing::Known;
        }
        let asked = message.model.clone();
        generation.model = message.response_model.clone().or_else(|| asked.clone());
        generation.provider.clone_from(&message.provider);
        generation.response.clone_from(&message.response_id);
        generation.stop_reason = content::stop_reason(message);
        generation.error = content::call_error(message);
        generation.input = self.tree.new_input(parent);
        if self.facts.wants_whole_input {
            generation.whole_input = Some(self.tree.whole_input(parent));
        }
        let level = message.thinking_level.as_deref();
        generation.parameters = Parameters {
            requested_model: asked.filter(|asked| generation.model.as_ref() != Some(asked)),
            effort: level.or(state.thinking_level.as_deref()).map(str::to_owned),
            ..Parameters::default()
        };
        generation.setup = state.setup;
        let answer = generation
            .error
            .is_none()
            .then(|| said(Role::Assistant, output.clone()));
        generation.output = output;
        generation.output_count = output_count(&generation);
        let number = self.calls.len();
        self.calls.push(Call { prompt, generation });
        let model = message.model.clone();
        let provider = message.provider.clone();
        self.tree
            .add(id, parent, Says::Answer(number, answer), |state| {
                state.model = model.map(Arc::from).or_else(|| state.model.take());
                state.provider = provider.map(Arc::from).or_else(|| state.provider.take());
            });
    }

    /// Sets the time of the tool calls of an answer: when it was complete.
    fn date_calls(&self, output: &mut [Block], at: DateTime<Utc>) {
        for block in output {
            if let Block::ToolCall(call) = block {
                call.called_at = at;
                call.circumstances = Arc::clone(&self.facts.circumstances);
            }
        }
    }

    /// A call of which only times and usage are known.
    pub(super) fn generation(
        &self,
        started_at: DateTime<Utc>,
        ended_at: DateTime<Utc>,
        usage: &wire::Usage,
    ) -> Generation {
        Generation {
            id: String::new(),
            request: None,
            response: None,
            kind: CallKind::Chat,
            traced: None,
            cache_counts: CacheCounts::Apart,
            is_copy: self.facts.is_copied(started_at),
            model: None,
            provider: None,
            usage: content::usage(usage),
            cost: content::cost(usage),
            started_at,
            timing: Timing::Unknown,
            first_token_at: None,
            ended_at: ended_at.max(started_at),
            retries: Retries::default(),
            stop_reason: None,
            input: Vec::new(),
            whole_input: None,
            begins_anew: false,
            setup: None,
            output: Vec::new(),
            parameters: Parameters::default(),
            error: None,
            label: None,
            output_count: OutputCount::Final,
            usage_report: UsageReport::Present,
            // Pi writes an answer when it is complete.
            complete: true,
            circumstances: Arc::clone(&self.facts.circumstances),
        }
    }

    /// The identity of an answer, which is unique among all sessions and stays when Pi rewrites an
    /// old file with new entry ids: the time of the request, and the provider's id, which some
    /// providers repeat. A failed call has no such id: the time of the prompt is used.
    fn identity(
        &mut self,
        message: &wire::Message<'_>,
        prompt: Option<usize>,
        entry: &str,
        started_at: DateTime<Utc>,
    ) -> String {
        let prompt = prompt.filter(|_| self.depth == 0);
        let second = match (&message.response_id, prompt) {
            (Some(id), _) => id.clone(),
            (None, Some(prompt)) => self.prompts[prompt].at.timestamp_millis().to_string(),
            (None, None) => entry.to_owned(),
        };
        let mut id = format!("{}:{second}", started_at.timestamp_millis());
        while !self.ids.insert(id.clone()) {
            id.push('+');
        }
        id
    }

    fn result(
        &mut self,
        id: &str,
        parent: Option<EntryIndex>,
        message: &wire::Message<'_>,
        content: Vec<Block>,
        written: Written,
    ) {
        let Some(call_id) = message.tool_call_id.clone() else {
            self.results_without_call += 1;
            self.tree.add(id, parent, Says::Nothing, |_| ());
            return;
        };
        let returned_at = content::time_of(message).unwrap_or(written.by);
        let result = Arc::new(ToolResult {
            content,
            is_error: message.is_error == Some(true),
            returned_at,
            is_untimed: false,
            duration_ms: message.duration_ms,
            permission: None,
            background: Background::No,
            web_searches: 0,
            work: Work::NONE,
        });
        let subagents = self.subagents(&call_id, message, returned_at);
        let waiting = self.tree.answers(parent).find(|number| {
            let mut calls = self.calls[*number].generation.tool_calls();
            calls.any(|call| is_waiting(call, &call_id))
        });
        match waiting {
            Some(number) => {
                self.runs.extend(run_of(message, number, &call_id));
                let output = &mut self.calls[number].generation.output;
                if let Some(call) = waiting_call(output, &call_id) {
                    call.result = Some(Arc::clone(&result));
                    call.subagents = subagents;
                }
            }
            None => self.results_without_call += 1,
        }
        let block = Block::ToolResult { call_id, result };
        let input = Says::Input(said(Role::User, vec![block]));
        self.tree.add(id, parent, input, |_| ());
    }

    /// The conversations that the subagent tool keeps in the details of its result.
    fn subagents(
        &self,
        call: &str,
        message: &wire::Message<'_>,
        returned_at: DateTime<Utc>,
    ) -> Vec<Subagent> {
        let details = message.details.as_ref();
        let runs = details.and_then(|details| details.results.as_ref());
        let runs = runs.map_or(&[][..], Vec::as_slice).iter().enumerate();
        let runs = runs.filter(|_| self.depth < DEEPEST);
        runs.filter_map(|(number, run)| {
            self.subagent(&format!("{call}/{number}"), run, returned_at)
        })
        .collect()
    }

    fn subagent(
        &self,
        id: &str,
        run: &wire::SubagentRun<'_>,
        returned_at: DateTime<Utc>,
    ) -> Option<Subagent> {
        let raw: &[&RawValue] = run.messages.as_deref().unwrap_or_default();
        let messages = raw.iter().filter_map(|raw| payload(Some(raw)));
        let messages: Vec<wire::Message<'_>> = messages.collect();
        let mut child = Conversation::at_depth(self.facts, self.depth + 1);
        for (number, message) in messages.iter().enumerate() {
            // Messages state when they began: each was complete at the latest when the next one
            // began.
            let mut later = messages[number + 1..].iter();
            let next = later.find_map(content::time_of);
            let written = Written {
                by: next.unwrap_or(returned_at),
                is_exact: false,
            };
            let parent = child.tree.last();
            child.message(&format!("{id}/{number}"), parent, message, written);
        }
        let generations: Vec<Generation> = child
            .calls
            .into_iter()
            .map(|call| call.generation)
            .collect();
        (!generations.is_empty()).then(|| Subagent {
            id: id.to_owned(),
            kind: run.agent.clone(),
            is_internal: false,
            generations,
        })
    }
}

/// The run of subagents in a tool result.
fn run_of(message: &wire::Message<'_>, call: usize, tool: &str) -> Option<Run> {
    let details = message.details.as_ref()?;
    let results = details.results.iter().flatten();
    let agents: Vec<_> = results
        .map(|run| (run.agent.clone(), run.session_file.clone()))
        .collect();
    let ids = [&details.run_id, &details.async_id].into_iter().flatten();
    let ids: Vec<String> = ids.cloned().collect();
    let has_files = agents.iter().any(|(_, file)| file.is_some());
    (has_files || !ids.is_empty()).then(|| Run {
        call,
        tool: tool.to_owned(),
        ids,
        agents,
    })
}

impl Facts {
    /// Whether something of this time was copied into the file.
    pub(super) fn is_copied(&self, at: DateTime<Utc>) -> bool {
        self.copied_before.is_some_and(|began| at < began)
    }
}

fn is_waiting(call: &ToolCall, id: &str) -> bool {
    call.id == id && call.result.is_none()
}

fn waiting_call<'a>(output: &'a mut [Block], id: &str) -> Option<&'a mut ToolCall> {
    output.iter_mut().find_map(|block| match block {
        Block::ToolCall(call) if is_waiting(call, id) => Some(call.as_mut()),
        _ => None,
    })
}

/// A shell command that the user ran is part of the input, unless the user excluded it.
fn of_user_command(message: &wire::Message<'_>) -> Says {
    if message.exclude_from_context == Some(true) {
        return Says::Nothing;
    }
    let command = message.command.as_deref().unwrap_or_default();
    let output = message.output.as_deref().unwrap_or_default();
    let text = Block::Report(format!("$ {command}\n{output}"));
    Says::Input(Arc::new(Message {
        role: Role::User,
        content: vec![text],
    }))
}

/// Whether there is any usage or cost.
pub(super) fn is_paid(usage: &wire::Usage) -> bool {
    content::usage(usage) != Usage::default() || content::cost(usage).is_some()
}

#[cfg(test)]
mod tests;
