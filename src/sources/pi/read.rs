//! Reads the files of a session.

use std::collections::HashMap;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use chrono::{DateTime, Utc};

use super::children::{self, Name};
use super::content;
use super::conversation::{Conversation, DEEPEST, Facts, Run, Written, is_paid};
use super::header::{Header, header, id_in_name};
use super::paths::key_of;
use super::tree::{EntryIndex, Says, State, said};
use super::wire::{self, EntryKind, Line, payload};
use crate::session::{
    Agent, Block, Circumstances, Earlier, Generation, Incidents, InputScope, Lineage, Oddities,
    Role, Session, StopReason, Subagent, Timing, Wanted,
};
use crate::sources::jsonl::{self, Lines};
use crate::sources::times::parse_time;
use crate::sources::turns::Turns;

/// Reads a session; `None` when no entry has a time. `wanted` says which content to keep.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn read(transcript: &Path, wanted: Wanted) -> anyhow::Result<Option<Session>> {
    let context = || format!("cannot read {}", transcript.display());
    let header = header(transcript)
        .with_context(context)?
        .unwrap_or_default();
    let facts = facts(&header, wanted);
    let mut reader = Reader::new(&facts);
    reader.file(transcript).with_context(context)?;
    reader.subagents(transcript, wanted, 0);
    let id = header.id.clone();
    let id = id.unwrap_or_else(|| id_in_name(transcript));
    Ok(reader.finish(id, &header))
}

fn facts(header: &Header, wanted: Wanted) -> Facts {
    Facts {
        circumstances: Arc::new(Circumstances {
            cwd: header.cwd.clone(),
            ..Circumstances::default()
        }),
        copied_before: header.started_at.filter(|_| header.parent.is_some()),
        wants_whole_input: wanted.inputs() == Some(InputScope::Full),
    }
}

/// A subagent with its own file.
struct Child {
    file: PathBuf,
    /// The name of its session.
    name: Name,
    subagent: Subagent,
}

/// The part of an entry that was in the file before.
enum Repeat {
    Nothing,
    /// The id.
    Id,
    /// The whole entry.
    Entry,
}

struct Reader<'a> {
    facts: &'a Facts,
    conversation: Conversation<'a>,
    /// Subagents that no tool call started, with the index of the prompt before them.
    stray: Vec<(Option<usize>, Subagent)>,
    incidents: Vec<(Option<usize>, Incidents)>,
    span: Option<(DateTime<Utc>, DateTime<Utc>)>,
    title: Option<String>,
    is_cut_off: bool,
    oddities: Oddities,
    /// Time and length of each entry, by id.
    entries: HashMap<String, (Option<String>, usize)>,
}

impl<'a> Reader<'a> {
    fn new(facts: &'a Facts) -> Self {
        Self {
            facts,
            conversation: Conversation::new(facts),
            stray: Vec::new(),
            incidents: Vec::new(),
            span: None,
            title: None,
            is_cut_off: false,
            oddities: Oddities::default(),
            entries: HashMap::new(),
        }
    }

    fn file(&mut self, path: &Path) -> std::io::Result<()> {
        let mut lines = Lines::open(path, 0)?;
        while let Some(line) = lines.next_line()? {
            let is_being_written = !line.is_terminated;
            let malformed = jsonl::objects(&line.text(), |line: Line<'_>| self.line(&line));
            if !is_being_written {
                self.oddities.malformed_lines += malformed;
            } else if malformed > 0 {
                self.is_cut_off = true;
            }
        }
        Ok(())
    }

    fn line(&mut self, line: &Line<'_>) {
        let at = line.timestamp.as_deref().and_then(parse_time);
        if let Some(at) = at {
            self.span = Some(match self.span {
                None => (at, at),
                Some((first, last)) => (first, last.max(at)),
            });
        }
        if line.kind == Some(EntryKind::Session) {
            return;
        }
        let is_other = match self.repeats(line) {
            Repeat::Entry => return,
            Repeat::Id => true,
            Repeat::Nothing => false,
        };
        let tree = &self.conversation.tree;
        // The first version wrote entries without ids, each following the one before.
        let parent = match (&line.id, &line.parent_id) {
            (None, _) => tree.last(),
            (Some(_), parent) => parent.as_deref().and_then(|parent| tree.find(parent)),
        };
        let numbered = format!("#{}", tree.last().map_or(0, |place| place + 1));
        let id = line.id.as_deref().filter(|_| !is_other);
        let id = id.unwrap_or(&numbered);
        let Some(at) = at.or_else(|| Some(self.span?.1)) else {
            self.oddities.malformed_lines += 1;
            return;
        };
        self.entry(line, id, parent, at);
    }

    /// Compares an entry with the earlier one of the same id. A file of two copies of a session has
    /// each entry twice; an entry of another time or length was written under a used id.
    fn repeats(&mut self, line: &Line<'_>) -> Repeat {
        let Some(id) = &line.id else {
            return Repeat::Nothing;
        };
        let length = line.message.map_or(0, |message| message.get().len());
        let entry = (line.timestamp.clone(), length);
        match self.entries.get(id) {
            Some(known) if *known == entry => Repeat::Entry,
            Some(_) => Repeat::Id,
            None => {
                self.entries.insert(id.clone(), entry);
                Repeat::Nothing
            }
        }
    }

    fn entry(&mut self, line: &Line<'_>, id: &str, parent: Option<EntryIndex>, at: DateTime<Utc>) {
        let mut says = Says::Nothing;
        let mut change: Box<dyn FnOnce(&mut State)> = Box::new(|_| ());
        match &line.kind {
            Some(EntryKind::Message) => return self.message(line, id, parent, at),
            Some(EntryKind::Compaction) => return self.compaction(line, id, parent, at),
            Some(EntryKind::ModelChange) => {
                let (provider, model) = (line.provider.clone(), line.model_id.clone());
                change = Box::new(|state| {
                    state.provider = provider.map(Arc::from);
                    state.model = model.map(Arc::from);
                });
            }
            Some(EntryKind::ThinkingLevelChange) => {
                let level = line.thinking_level.clone();
                change = Box::new(|state| state.thinking_level = level.map(Arc::from));
            }
            Some(EntryKind::BranchSummary) => {
                self.summary("branch summary", line, id, parent, at);
                says = summary_of(line, None);
            }
            Some(EntryKind::Usage) => {
                let purpose = line.purpose.as_deref().unwrap_or("other").replace('_', " ");
                self.summary(&purpose, line, id, parent, at);
            }
            Some(EntryKind::CustomMessage) => {
                says = Says::Input(said(Role::User, content::blocks(line.content)));
            }
            Some(EntryKind::ContextEdit) => {
                says = line.target_id.clone().map_or(says, Says::Omission);
            }
            Some(EntryKind::SessionInfo) => {
                self.title = line.name.clone().filter(|name| !name.is_empty());
            }
            Some(EntryKind::Session | EntryKind::Custom | EntryKind::Label) => {}
            Some(EntryKind::Other(kind)) => self.unknown(kind, line, id, parent, at),
            None => self.unknown("(none)", line, id, parent, at),
        }
        self.conversation.tree.add(id, parent, says, change);
    }

    /// Counts an entry of an unknown type. The usage in it was paid for, whatever the entry is.
    fn unknown(
        &mut self,
        kind: &str,
        line: &Line<'_>,
        id: &str,
        parent: Option<EntryIndex>,
        at: DateTime<Utc>,
    ) {
        self.summary(kind, line, id, parent, at);
        let unknown = &mut self.oddities.unknown_types;
        *unknown.entry(kind.to_owned()).or_default() += 1;
    }

    fn compaction(
        &mut self,
        line: &Line<'_>,
        id: &str,
        parent: Option<EntryIndex>,
        at: DateTime<Utc>,
    ) {
        self.incident(parent, |incidents| incidents.compactions += 1);
        self.summary("compaction", line, id, parent, at);
        let kept = line.first_kept_entry_id.clone().unwrap_or_default();
        let says = summary_of(line, Some(kept));
        let message: Option<wire::Message<'_>> = payload(line.system_message);
        self.conversation.tree.add(id, parent, says, |state| {
            if let Some(message) = message {
                let content = content::blocks(message.content);
                state.instruct_anew(&message, &content);
            }
        });
    }

    fn message(
        &mut self,
        line: &Line<'_>,
        id: &str,
        parent: Option<EntryIndex>,
        at: DateTime<Utc>,
    ) {
        let message: wire::Message<'_> = payload(line.message).unwrap_or_default();
        if message.stop_reason == Some(wire::StopReason::Aborted) {
            self.incident(parent, |incidents| incidents.interruptions += 1);
        }
        let written = Written {
            by: at,
            is_exact: line.timestamp.is_some(),
        };
        let is_known = self.conversation.message(id, parent, &message, written);
        if !is_known {
            let role = match &message.role {
                Some(wire::Role::Other(role)) => role,
                _ => "(none)",
            };
            let unknown = &mut self.oddities.unknown_types;
            *unknown.entry(format!("message {role}")).or_default() += 1;
        }
    }

    fn incident(&mut self, parent: Option<EntryIndex>, note: impl FnOnce(&mut Incidents)) {
        let mut incidents = Incidents::default();
        note(&mut incidents);
        self.incidents
            .push((self.conversation.tree.prompt(parent), incidents));
    }

    /// Adds a call that Pi made for internal purposes, with its usage but without a duration.
    fn summary(
        &mut self,
        kind: &str,
        line: &Line<'_>,
        id: &str,
        parent: Option<EntryIndex>,
        at: DateTime<Utc>,
    ) {
        let Some(usage) = line.usage.as_ref().filter(|usage| is_paid(usage)) else {
            return;
        };
        let state = self.conversation.tree.state(parent);
        let model = line.model.as_deref().or(state.model.as_deref());
        let provider = line.provider.as_deref().or(state.provider.as_deref());
        let summary = line.summary.clone().map(Block::Text);
        let generation = Generation {
            id: format!("{}:{id}", at.timestamp_millis()),
            model: model.map(str::to_owned),
            provider: provider.map(str::to_owned),
            stop_reason: Some(StopReason::Finished),
            output: summary.into_iter().collect(),
            ..self.conversation.generation(at, at, usage)
        };
        let agent = Subagent {
            id: id.to_owned(),
            kind: Some(kind.to_owned()),
            is_internal: true,
            generations: vec![generation],
        };
        let prompt = self.conversation.tree.prompt(parent);
        self.stray.push((prompt, agent));
    }

    /// Reads the subagents with their own files, and adds each to the tool call that started it.
    /// One whose call is in no line is added to the prompt before it.
    fn subagents(&mut self, transcript: &Path, wanted: Wanted, depth: usize) {
        let runs = mem::take(&mut self.conversation.runs);
        let named = runs.iter().flat_map(|run| &run.agents);
        let named: Vec<&str> = named.filter_map(|(_, file)| file.as_deref()).collect();
        for file in children::of_session(transcript, &named) {
            let Some(child) = self.child(file, wanted, depth) else {
                continue;
            };
            match runs.iter().find(|run| child.is_of(run)) {
                Some(run) => self.hang(run, child),
                None => self.stray.push(self.beside(child)),
            }
        }
    }

    /// Reads a subagent; `None` if it made no call. Parts that cannot be read are counted.
    fn child(&mut self, file: PathBuf, wanted: Wanted, depth: usize) -> Option<Child> {
        if depth >= DEEPEST {
            return None;
        }
        let header = header(&file).ok().flatten()?;
        let facts = facts(&header, wanted);
        let mut reader = Reader::new(&facts);
        if reader.file(&file).is_err() {
            self.oddities.malformed_lines += 1;
        }
        reader.subagents(&file, wanted, depth + 1);
        let name = reader.title.as_deref().and_then(Name::parse);
        let name = name.unwrap_or_default();
        if let (Some((first, last)), Some((_, ended_at))) = (self.span, reader.span) {
            self.span = Some((first, last.max(ended_at)));
        }
        self.oddities.add(&reader.oddities);
        self.conversation.results_without_call += reader.conversation.results_without_call;
        self.conversation.answers_without_usage += reader.conversation.answers_without_usage;
        let calls = reader.conversation.calls.into_iter();
        let mut generations: Vec<Generation> = calls.map(|call| call.generation).collect();
        let strays = reader.stray.into_iter();
        generations.extend(strays.flat_map(|(_, agent)| agent.generations));
        // A fork of its parent begins with the parent's entries.
        generations.retain(|generation| !generation.is_copy);
        generations.sort_by_key(|generation| generation.started_at);
        let id = header.id.unwrap_or_else(|| id_in_name(&file));
        (!generations.is_empty()).then(|| Child {
            file,
            subagent: Subagent {
                id,
                kind: Some(name.agent.clone()).filter(|agent| !agent.is_empty()),
                is_internal: false,
                generations,
            },
            name,
        })
    }

    /// Adds a subagent to the tool call that started it, in place of the conversation in the tool's
    /// result, which is the same.
    fn hang(&mut self, run: &Run, child: Child) {
        let mut agents = run.agents.iter();
        let named = agents.find(|(_, file)| child.file_is(file.as_deref()));
        let kind = named.and_then(|(agent, _)| agent.clone());
        let mut subagent = child.subagent;
        subagent.kind = kind.or(subagent.kind);
        let output = &mut self.conversation.calls[run.call].generation.output;
        for block in output {
            if let Block::ToolCall(call) = block
                && call.id == run.tool
            {
                let with_messages = format!("{}/", call.id);
                call.subagents
                    .retain(|it| !it.id.starts_with(&with_messages));
                call.subagents.push(subagent);
                return;
            }
        }
    }

    /// A subagent with the index of the last prompt before it.
    fn beside(&self, child: Child) -> (Option<usize>, Subagent) {
        let began = child.subagent.generations[0].started_at;
        let prompts = &self.conversation.prompts;
        let before = prompts.iter().rposition(|prompt| prompt.at <= began);
        (before, child.subagent)
    }

    fn finish(mut self, id: String, header: &Header) -> Option<Session> {
        let (first, ended_at) = self.span?;
        self.oddities.results_without_call = self.conversation.results_without_call;
        self.oddities.responses_without_usage = self.conversation.answers_without_usage;
        let facts = self.facts;
        let key = key_of(&id, header.started_at);
        let mut turns = Turns::new(&key, &facts.circumstances, facts.copied_before);
        for prompt in self.conversation.prompts {
            turns.prompt(None, prompt.text, prompt.at);
        }
        for call in self.conversation.calls {
            turns.generation(call.prompt, call.generation);
        }
        for (prompt, agent) in self.stray {
            turns.stray(prompt, agent);
        }
        for (prompt, incidents) in self.incidents {
            turns.incidents(prompt, &incidents);
        }
        Some(Session {
            agent: Agent::Pi,
            key,
            started_at: header.started_at.unwrap_or(first),
            ended_at,
            timing: Timing::Known,
            is_closed: false,
            is_cut_off: self.is_cut_off,
            title: self.title,
            whole: None,
            lineage: Lineage::default(),
            turns: turns.finish(),
            statements: Vec::new(),
            earlier: Earlier::default(),
            is_part: false,
            oddities: self.oddities,
            id,
        })
    }
}

impl Child {
    fn is_of(&self, run: &Run) -> bool {
        let mut files = run.agents.iter().map(|(_, file)| file.as_deref());
        let folders = self.file.ancestors().filter_map(Path::file_name);
        let folders: Vec<_> = folders.filter_map(|name| name.to_str()).collect();
        let is_named = |id: &String| self.name.run == *id || folders.contains(&id.as_str());
        files.any(|file| self.file_is(file)) || run.ids.iter().any(is_named)
    }

    fn file_is(&self, written: Option<&str>) -> bool {
        written.is_some_and(|written| children::is_same_file(written, &self.file))
    }
}

fn summary_of(line: &Line<'_>, first_kept: Option<String>) -> Says {
    let text = line.summary.clone().unwrap_or_default();
    Says::Summary(said(Role::User, vec![Block::Report(text)]), first_kept)
}
