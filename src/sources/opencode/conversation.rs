//! One conversation: the messages of a session in order, with prompts, answers and tool calls. That
//! of a subagent is part of the tool call that started it.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::archive::Archive;
use super::content::{self, moment};
use super::record::{PartRecord, Record};
use super::steps::{Step, steps};
use super::tools;
use super::wire::{self, Info, Part, PartKind};
use crate::session::{
    Block, CacheCounts, CallKind, Circumstances, Generation, Incidents, InputScope, Message,
    Oddities, OutputCount, Parameters, Role, Subagent, Timing, Wanted,
};
use crate::sources::lenient::read_text;
use crate::sources::output_count::output_count;

/// Levels of subagents to read.
const DEEPEST: usize = 8;

/// A call of a model, and the index of its prompt.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) prompt: Option<usize>,
    pub(super) generation: Generation,
}

/// A prompt of the user.
#[derive(Debug)]
pub(super) struct Prompt {
    pub(super) id: String,
    pub(super) text: String,
    pub(super) at: DateTime<Utc>,
    pub(super) circumstances: Arc<Circumstances>,
}

/// The state of a conversation while it is read.
#[derive(Debug)]
pub(super) struct Conversation<'a> {
    archive: &'a Archive,
    wanted: Wanted,
    depth: usize,
    /// Start of the session, before which everything was copied from the one it was forked from.
    pub(super) began: DateTime<Utc>,
    circumstances: Arc<Circumstances>,
    pub(super) prompts: Vec<Prompt>,
    pub(super) calls: Vec<Call>,
    /// Subagents that no tool call started, with the index of the prompt before them.
    pub(super) stray: Vec<(Option<usize>, Subagent)>,
    pub(super) incidents: Vec<(Option<usize>, Incidents)>,
    pub(super) oddities: Oddities,
    /// Time of the last event.
    pub(super) ended_at: DateTime<Utc>,
    /// Index of the prompt that each message of the user belongs to.
    of_message: HashMap<String, Option<usize>>,
    /// Sessions of subagents that are part of a tool call.
    placed: Vec<String>,
    /// All messages, as the next call receives them.
    said: Vec<Arc<Message>>,
    /// The messages that no call received yet.
    fresh: Vec<Message>,
    /// Both, before messages that were taken back.
    before: Option<(Vec<Arc<Message>>, Vec<Message>)>,
    begins_anew: bool,
}

impl<'a> Conversation<'a> {
    /// Reads the messages of a session.
    pub(super) fn read(archive: &'a Archive, info: &Info, wanted: Wanted) -> io::Result<Self> {
        Self::at_depth(archive, info, wanted, 0)
    }

    fn at_depth(
        archive: &'a Archive,
        info: &Info,
        wanted: Wanted,
        depth: usize,
    ) -> io::Result<Self> {
        let id = info.id.as_deref().unwrap_or_default();
        let began = moment(info.time.created).unwrap_or_default();
        let mut conversation = Self {
            archive,
            wanted,
            depth,
            began,
            circumstances: Arc::new(Circumstances {
                cwd: info.directory.clone(),
                agent_version: info.version.clone(),
                persona: info.agent.clone(),
                ..Circumstances::default()
            }),
            prompts: Vec::new(),
            calls: Vec::new(),
            stray: Vec::new(),
            incidents: Vec::new(),
            oddities: Oddities::default(),
            ended_at: began,
            of_message: HashMap::new(),
            placed: Vec::new(),
            said: Vec::new(),
            fresh: Vec::new(),
            before: None,
            begins_anew: false,
        };
        for record in archive.messages(id)? {
            conversation.record(&record)?;
        }
        conversation.strays(id)?;
        Ok(conversation)
    }

    fn record(&mut self, record: &Record) -> io::Result<()> {
        let message = Some(&record.data).filter(|data| data.starts_with('{'));
        let message = message.and_then(|data| read_text(data));
        let Some(message): Option<wire::Message> = message else {
            self.oddities.malformed_lines += 1;
            return Ok(());
        };
        let mut parts: Vec<(&PartRecord, Part<'_>)> = Vec::with_capacity(record.parts.len());
        for part in &record.parts {
            match read_text(&part.data) {
                Some(read) => parts.push((part, read)),
                None => self.oddities.malformed_lines += 1,
            }
        }
        let at = moment(message.time.created).or_else(|| moment(Some(record.created)));
        let at = at.unwrap_or(self.ended_at);
        self.happened(at);
        self.go_back(record.is_taken_back);
        match &message.role {
            Some(wire::Role::User) => self.user(record, &message, &parts, at),
            Some(wire::Role::Assistant) => self.answer(record, &message, &parts, at)?,
            Some(wire::Role::Other(role)) => self.unknown(&format!("message {role}")),
            None => self.unknown("message (none)"),
        }
        Ok(())
    }

    /// Removes messages that were taken back from the input of later calls.
    fn go_back(&mut self, is_taken_back: bool) {
        if is_taken_back {
            let before = (&self.said, &self.fresh);
            self.before
                .get_or_insert_with(|| (before.0.clone(), before.1.clone()));
        } else if let Some((said, fresh)) = self.before.take() {
            self.said = said;
            self.fresh = fresh;
        }
    }

    fn happened(&mut self, at: DateTime<Utc>) {
        self.ended_at = self.ended_at.max(at);
    }

    fn unknown(&mut self, kind: &str) {
        let unknown = &mut self.oddities.unknown_types;
        *unknown.entry(kind.to_owned()).or_default() += 1;
    }

    fn user(
        &mut self,
        record: &Record,
        message: &wire::Message,
        parts: &[(&PartRecord, Part<'_>)],
        at: DateTime<Utc>,
    ) {
        let current = self.prompts.len().checked_sub(1);
        let is_compaction =
            |(_, part): &(&PartRecord, Part<'_>)| part.kind == Some(PartKind::Compaction);
        if parts.iter().any(is_compaction) {
            let incidents = Incidents {
                compactions: 1,
                ..Incidents::default()
            };
            self.incidents.push((current, incidents));
            self.of_message.insert(record.id.clone(), current);
            return;
        }
        let typed = parts.iter().filter(|(_, it)| it.synthetic != Some(true));
        let typed: Vec<&str> = typed
            .filter_map(|(_, it)| it.text.as_deref().or(it.prompt.as_deref()))
            .collect();
        let content = parts.iter().filter_map(|(_, it)| content::of_user(it));
        let content: Vec<Block> = content.collect();
        // Images alone are a prompt too; texts that OpenCode adds are not.
        let is_synthetic = |part: &Part<'_>| part.synthetic == Some(true);
        let is_prompt = !parts.iter().all(|(_, part)| is_synthetic(part));
        let prompt = if is_prompt || parts.is_empty() {
            self.prompts.push(Prompt {
                id: record.id.clone(),
                text: content::without_quotes(&typed.join("\n")).into_owned(),
                at,
                circumstances: self.circumstances_of(message),
            });
            Some(self.prompts.len() - 1)
        } else {
            current
        };
        self.of_message.insert(record.id.clone(), prompt);
        if !content.is_empty() {
            self.say(Role::User, content);
        }
    }

    /// Adds a message that the next call receives.
    fn say(&mut self, role: Role, content: Vec<Block>) {
        if !matches!(self.wanted, Wanted::Everything(_)) {
            return;
        }
        let message = Message { role, content };
        if self.wanted.inputs() == Some(InputScope::Full) {
            self.said.push(Arc::new(message.clone()));
        }
        if role == Role::User {
            self.fresh.push(message);
        }
    }

    fn answer(
        &mut self,
        record: &Record,
        message: &wire::Message,
        parts: &[(&PartRecord, Part<'_>)],
        at: DateTime<Utc>,
    ) -> io::Result<()> {
        for (_, part) in parts {
            match &part.kind {
                Some(PartKind::Other(kind)) => self.unknown(&format!("part {kind}")),
                Some(PartKind::File) => self.unknown("part file"),
                Some(PartKind::Subtask) => self.unknown("part subtask"),
                None => self.unknown("part (none)"),
                _ => {}
            }
        }
        let asked = message
            .parent_id
            .as_ref()
            .and_then(|id| self.of_message.get(id));
        let prompt = asked.copied().unwrap_or(self.prompts.len().checked_sub(1));
        let aborted = message.error.as_ref().is_some_and(content::is_abort);
        if aborted {
            let incidents = Incidents {
                interruptions: 1,
                ..Incidents::default()
            };
            self.incidents.push((prompt, incidents));
        }
        let is_summary = message.summary == Some(true);
        let steps = steps(message, parts, at);
        if steps.is_empty() {
            self.of_user_command(parts);
        }
        for (number, step) in steps.into_iter().enumerate() {
            let id = match number {
                0 => record.id.clone(),
                number => format!("{}/{number}", record.id),
            };
            let generation = self.generation(id, message, step, record.is_copy)?;
            if is_summary {
                self.summed_up(prompt, generation);
            } else {
                self.calls.push(Call { prompt, generation });
            }
        }
        Ok(())
    }

    /// Adds a shell command that the user ran, which is input of the next prompt.
    fn of_user_command(&mut self, parts: &[(&PartRecord, Part<'_>)]) {
        for (_, part) in parts {
            let Some(state) = &part.state else { continue };
            let command = state.input.as_ref().and_then(|it| it["command"].as_str());
            let command = command.unwrap_or_default();
            let output = state.output.as_deref().unwrap_or_default();
            self.say(
                Role::User,
                vec![Block::Report(format!("$ {command}\n{output}"))],
            );
        }
    }

    /// Adds a summary, which replaces all messages before it.
    fn summed_up(&mut self, prompt: Option<usize>, generation: Generation) {
        self.said.clear();
        self.fresh.clear();
        let summary = generation.output.iter().cloned().map(Block::as_report);
        self.say(Role::User, summary.collect());
        self.begins_anew = true;
        let agent = Subagent {
            id: generation.id.clone(),
            kind: Some("compaction".to_owned()),
            is_internal: true,
            generations: vec![generation],
        };
        self.stray.push((prompt, agent));
    }

    fn generation(
        &mut self,
        id: String,
        message: &wire::Message,
        step: Step<'_, '_>,
        is_copy: bool,
    ) -> io::Result<Generation> {
        let is_copy = is_copy || step.started_at < self.began;
        let circumstances = self.circumstances_of(message);
        let whole_input = self.wanted.inputs() == Some(InputScope::Full);
        let whole_input = whole_input.then(|| self.said.clone());
        let input = std::mem::take(&mut self.fresh);
        let output = self.output(&step, &circumstances, is_copy)?;
        self.happened(step.ended_at);
        let mut generation = Generation {
            id,
            request: None,
            kind: CallKind::Chat,
            response: None,
            traced: None,
            cache_counts: CacheCounts::Apart,
            is_copy,
            model: message.model_id.clone(),
            provider: message.provider_id.clone(),
            usage: content::usage(step.tokens),
            cost: content::cost(step.cost),
            started_at: step.started_at,
            // A message is created before OpenCode prepares the call and before it waits to make it
            // again, and a step starts when its answer does: no time is that of the request.
            timing: Timing::Unknown,
            first_token_at: None,
            ended_at: step.ended_at,
            retries: step.retries,
            stop_reason: step.stop_reason,
            input,
            whole_input,
            begins_anew: std::mem::take(&mut self.begins_anew),
            setup: None,
            output,
            parameters: Parameters {
                effort: content::effort(message),
                ..Parameters::default()
            },
            error: step.error,
            label: None,
            output_count: OutputCount::Final,
            usage_report: step.usage_report,
            complete: step.is_complete,
            circumstances,
        };
        generation.output_count = output_count(&generation);
        Ok(generation)
    }

    /// The blocks of a response, which later calls receive with the results of its tools.
    fn output(
        &mut self,
        step: &Step<'_, '_>,
        circumstances: &Arc<Circumstances>,
        is_copy: bool,
    ) -> io::Result<Vec<Block>> {
        let mut output = Vec::with_capacity(step.parts.len());
        let mut results = Vec::new();
        for (row, part) in &step.parts {
            match part.kind {
                Some(PartKind::Text) => output.extend(content::text(part, Block::Text)),
                Some(PartKind::Reasoning) => output.extend(content::text(part, Block::Thinking)),
                Some(PartKind::Tool) => {
                    let mut call = tools::call(row, part, step.ended_at, circumstances);
                    if !is_copy {
                        call.subagents = self.subagents(part)?;
                    }
                    if let Some(result) = &call.result {
                        self.happened(result.returned_at);
                        results.push(Block::ToolResult {
                            call_id: call.id.clone(),
                            result: Arc::clone(result),
                        });
                    }
                    output.push(Block::ToolCall(Box::new(call)));
                }
                _ => {}
            }
        }
        if !output.is_empty() {
            self.say(Role::Assistant, output.clone());
        }
        if !results.is_empty() {
            self.say(Role::User, results);
        }
        Ok(output)
    }

    fn circumstances_of(&self, message: &wire::Message) -> Arc<Circumstances> {
        let usual = &self.circumstances;
        let cwd = message.path.as_ref().and_then(|path| path.cwd.as_ref());
        let persona = message.agent.as_ref().or(message.mode.as_ref());
        let own = Circumstances {
            cwd: cwd.or(usual.cwd.as_ref()).cloned(),
            persona: persona.or(usual.persona.as_ref()).cloned(),
            ..(**usual).clone()
        };
        if own == **usual {
            Arc::clone(usual)
        } else {
            Arc::new(own)
        }
    }

    /// The subagent that a tool call started.
    fn subagents(&mut self, part: &Part<'_>) -> io::Result<Vec<Subagent>> {
        let metadata = part.state.as_ref().and_then(|it| it.metadata.as_ref());
        let Some(id) = metadata.and_then(|it| it.session_id.clone()) else {
            return Ok(Vec::new());
        };
        if self.placed.contains(&id) {
            return Ok(Vec::new());
        }
        let found = self.subagent(&id)?;
        self.placed.push(id);
        Ok(found.into_iter().collect())
    }

    fn subagent(&mut self, id: &str) -> io::Result<Option<Subagent>> {
        let info = self.archive.info(id)?;
        let Some(info) = info.filter(|_| self.depth < DEEPEST) else {
            return Ok(None);
        };
        let child = Self::at_depth(self.archive, &info, self.wanted, self.depth + 1)?;
        self.happened(child.ended_at);
        self.oddities.malformed_lines += child.oddities.malformed_lines;
        for (kind, count) in child.oddities.unknown_types {
            *self.oddities.unknown_types.entry(kind).or_default() += count;
        }
        let mut generations: Vec<Generation> = child
            .calls
            .into_iter()
            .map(|call| call.generation)
            .collect();
        let stray = child.stray.into_iter();
        generations.extend(stray.flat_map(|(_, agent)| agent.generations));
        generations.sort_by_key(|generation| generation.started_at);
        let works_as = generations
            .first()
            .and_then(|it| it.circumstances.persona.clone());
        Ok((!generations.is_empty()).then_some(Subagent {
            id: id.to_owned(),
            kind: info.agent.or(works_as),
            is_internal: false,
            generations,
        }))
    }

    /// Adds subagents without a tool call, such as those of a command.
    fn strays(&mut self, id: &str) -> io::Result<()> {
        for child in self.archive.children(id)? {
            if self.placed.contains(&child) {
                continue;
            }
            if let Some(agent) = self.subagent(&child)? {
                let began = agent.generations[0].started_at;
                let before = self.prompts.iter().rposition(|prompt| prompt.at <= began);
                self.stray.push((before, agent));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
