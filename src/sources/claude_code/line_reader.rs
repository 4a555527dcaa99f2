//! Reads the lines of a transcript in order.

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::agents::AgentNotes;
use super::assembly::{Assembler, Thread, TurnStart};
use super::attempts::Attempts;
use super::checkpoint::{Checkpoint, Mark};
use super::content::{self, LineFacts, blocks};
use super::glance;
use super::kinds::{AttachmentKind, LineKind, SystemKind};
use super::pace::Pace;
use super::paths::{AgentFile, SessionFiles};
use super::progress::ReportedAgents;
use super::prompt::{self, Prompt};
use super::queue::Queue;
use super::requests::Requests;
use super::snapshot::{Rendered, Snapshot};
use super::surroundings::Surroundings;
use super::times::{self, Times};
use super::wire::{self, Content, Line};
use crate::session::{Agent, Block, Message, Role, Session, Wanted};
use crate::sources::lenient::{Text, items, payload};

/// A reader that passes the facts in lines to the assembler.
pub(super) struct LineReader {
    pub(super) assembler: Assembler,
    pub(super) requests: Requests,
    pub(super) agents: AgentNotes,
    pub(super) reported: ReportedAgents,
    /// The place of every turn in the main transcript.
    pub(super) marks: Vec<Mark>,
    pub(super) has_custom_title: bool,
    session_id: String,
    /// The place of the first message that no response has answered yet.
    waiting: Option<Mark>,
    pub(super) surroundings: Surroundings,
    pub(super) times: Times,
    queue: Queue,
    pub(super) snapshot: Snapshot,
    pub(super) attempts: Attempts,
    pace: Pace,
    pub(super) keeps_content: bool,
    keeps_inputs: bool,
}

/// The place of a line.
#[derive(Clone, Copy)]
pub(super) struct LinePlace<'a> {
    /// The file, or that of the session that the line belongs to.
    pub(super) path: &'a Path,
    /// Offset in the main transcript, in bytes.
    pub(super) offset: u64,
    /// The subagent whose file it is.
    pub(super) agent: Option<&'a AgentFile>,
}

impl LineReader {
    /// Begins to read lines after `checkpoint`.
    pub(super) fn new(files: &SessionFiles, checkpoint: &Checkpoint, wanted: Wanted) -> Self {
        Self {
            assembler: Assembler::new(Agent::ClaudeCode, checkpoint.earlier.clone()),
            requests: Requests::new(wanted.inputs()),
            agents: AgentNotes::default(),
            reported: ReportedAgents::of(files),
            marks: Vec::new(),
            has_custom_title: checkpoint.has_custom_title,
            session_id: files.session_id.clone(),
            waiting: None,
            surroundings: Surroundings::new(checkpoint.standing.clone()),
            times: Times::new(checkpoint.last_time),
            queue: Queue::default(),
            snapshot: Snapshot::default(),
            attempts: Attempts::default(),
            pace: checkpoint.pace.clone(),
            keeps_content: wanted != Wanted::Numbers,
            keeps_inputs: wanted.inputs().is_some(),
        }
    }

    /// The session, as far as it was read.
    pub(super) fn finish(mut self) -> Option<Session> {
        let since = self.pace.working_since();
        self.assembler.working_since(since);
        self.assembler.finish(self.session_id)
    }

    /// Begins a file, of that agent or the main one.
    pub(super) fn begin_file(&mut self, agent: Option<&AgentFile>) {
        if agent.is_some() {
            self.surroundings.begin_agent();
            self.times.last_time = None;
        }
        self.snapshot = Snapshot::default();
    }

    /// Reads a line.
    pub(super) fn line(&mut self, line: &Line<'_>, place: LinePlace<'_>) {
        let LinePlace { offset, agent, .. } = place;
        let (at, is_copy) = self.time(line, place.path);
        if agent.is_none() && !is_copy {
            self.incidents(line);
        }
        match (&line.kind, at) {
            (LineKind::User, Some(at)) => self.user(line, at, offset, agent),
            (LineKind::Assistant, Some(at)) => self.assistant(line, at, agent),
            (LineKind::Attachment, Some(at)) => self.attachment(line, at, offset, agent),
            (LineKind::QueueOperation, Some(at)) if agent.is_none() => {
                self.queue.happened(line, at);
            }
            (LineKind::System, at) => self.system(line, at, agent),
            (LineKind::Progress, _) if agent.is_none() => self.progress(line, place),
            (LineKind::User, None) => self.unusable("user"),
            (LineKind::Assistant, None) => self.unusable("assistant"),
            (LineKind::Attachment, None) => self.unusable("attachment"),
            (LineKind::Other(kind), _) => self.unusable(kind.as_str()),
            (LineKind::Missing, _) => self.unusable("(none)"),
            _ if agent.is_none() => self.fact(line),
            _ => {}
        }
        if let Some(at) = at.filter(|_| !is_copy) {
            let assembler = &mut self.assembler;
            self.pace.note(line, at, agent.is_none(), assembler);
        }
    }

    /// Counts a line of an unknown type, or a line of a conversation without a time.
    fn unusable(&mut self, kind: &str) {
        let unknown = &mut self.assembler.oddities().unknown_types;
        *unknown.entry(kind.to_owned()).or_default() += 1;
    }

    /// The time of a line, and whether the line is a copy. A line of a conversation without a time
    /// gets that of the line before, and the first ones that of the first line with one. If all
    /// times are unreadable, that of the file is used; if no line has one, it is no session.
    fn time(&mut self, line: &Line<'_>, path: &Path) -> (Option<DateTime<Utc>>, bool) {
        let (at, is_copy) = self.times.note(line);
        if let Some(at) = at {
            self.assembler.saw(at);
        } else if is_said(line) {
            self.assembler.oddities().untimed_lines += 1;
            let last_time = &mut self.times.last_time;
            *last_time = last_time.or_else(|| glance::started_at(path));
            *last_time = last_time.or_else(|| self.assembler.last_seen());
            if last_time.is_none() && line.timestamp.is_some() {
                *last_time = glance::stored_at(path);
                self.assembler.began_by(*last_time);
            }
            return (*last_time, is_copy);
        }
        (at, is_copy)
    }

    /// Processes a line with a fact about the whole session.
    fn fact(&mut self, line: &Line<'_>) {
        match line.kind {
            // Written at exit, after everything else that counts.
            LineKind::CostState => self.books(line),
            LineKind::PermissionMode => self.surroundings.note_permission_mode(line),
            LineKind::AgentSetting => self.surroundings.note_persona(line),
            LineKind::Relocated => self.surroundings.note_folder(line),
            LineKind::PrLink => {
                let links = &mut self.assembler.incidents().pull_requests;
                links.extend(line.pr_url.as_ref().map(|it| it.as_str().to_owned()));
            }
            LineKind::CustomTitle => self.title(line.custom_title.as_ref(), true),
            LineKind::AiTitle => self.title(line.ai_title.as_ref(), false),
            LineKind::DerivedFrom => {
                let sessions: Vec<wire::Ancestor<'_>> = items(line.sessions);
                let ids = sessions.into_iter().filter_map(|origin| origin.id);
                let origins = &mut self.assembler.lineage().derived_from;
                origins.extend(ids.map(|id| id.0.into_owned()));
            }
            LineKind::ContinuedIn => {
                if let Some(id) = &line.continued_in_session_id {
                    self.assembler.lineage().continued_in = Some(id.as_str().to_owned());
                }
            }
            _ => {}
        }
    }

    /// Processes interruptions and compactions.
    fn incidents(&mut self, line: &Line<'_>) {
        match line.kind {
            LineKind::System if line.system_kind == Some(SystemKind::CompactBoundary) => {
                self.assembler.incidents().compactions += 1;
            }
            LineKind::User if line.is_sidechain != Some(true) => {
                let message = line.message.as_ref();
                if message.is_some_and(|message| prompt::is_interruption(&message.content)) {
                    self.assembler.incidents().interruptions += 1;
                }
            }
            _ => {}
        }
    }

    fn user(&mut self, line: &Line<'_>, at: DateTime<Utc>, offset: u64, agent: Option<&AgentFile>) {
        self.note_waiting(offset, agent);
        self.surroundings.note_permission_mode(line);
        self.surroundings.note(line);
        let Some(message) = &line.message else {
            return;
        };
        let thread = self.thread_of(line, agent);
        let content = self.blocks(line, at, &message.content, prompt::is_report(line));
        let mut results = content
            .iter()
            .filter(|block| matches!(block, Block::ToolResult { .. }));
        if results.next().is_none()
            && thread == Thread::Main
            && let Some(prompt) = prompt::of_line(line, &message.content)
        {
            self.queue.is_told(&prompt.text);
            self.begin_turn(line, prompt, at);
        }
        self.link_subagent(line, &content);
        if let Some(agent) = agent {
            self.agents
                .prompted(agent, &message.content, &mut self.assembler);
        }
        if line.is_compact_summary == Some(true) {
            self.assembler.sum_up(&thread);
        }
        self.say(thread, content);
    }

    fn attachment(
        &mut self,
        line: &Line<'_>,
        at: DateTime<Utc>,
        offset: u64,
        agent: Option<&AgentFile>,
    ) {
        let Some(attachment) = payload::<wire::Attachment<'_>>(line.attachment) else {
            return;
        };
        let is_prompt = attachment.kind == AttachmentKind::QueuedCommand;
        if attachment.kind == AttachmentKind::PromptSnapshot && self.keeps_inputs {
            if let Some(raw) = line.attachment {
                self.snapshot.take(raw);
            }
            return;
        }
        // The attachment as the model received it.
        let rendered: Vec<Rendered<'_>> = items(line.rendered);
        if !is_prompt && rendered.is_empty() {
            return;
        }
        self.note_waiting(offset, agent);
        self.surroundings.note(line);
        let thread = self.thread_of(line, agent);
        if !is_prompt {
            for Rendered { content } in &rendered {
                let content = self.blocks(line, at, content, false);
                self.say(thread.clone(), content);
            }
            return;
        }
        let mode = attachment.command_mode.as_ref().map(Text::as_str);
        if thread == Thread::Main
            && let Some(prompt) = prompt::of_queued(&attachment.prompt, mode)
        {
            self.queue.is_told(&prompt.text);
            self.begin_turn(line, prompt, at);
        }
        let is_typed = matches!(mode, None | Some("prompt"));
        let content = self.blocks(line, at, &attachment.prompt, !is_typed);
        self.say(thread, content);
    }

    /// Begins turns for prompts that only lines of the queue contain.
    pub(super) fn queued_prompts(&mut self, line: &Line<'_>) {
        for said in self.queue.take() {
            let Some(prompt) = prompt::of_typed(&said.text) else {
                continue;
            };
            let text = if self.keeps_content {
                said.text
            } else {
                String::new()
            };
            self.surroundings.note(line);
            self.assembler.turn(TurnStart {
                id: format!("{}:{}", self.session_id, said.at.timestamp_millis()),
                trigger: prompt.trigger,
                prompt: prompt.text,
                at: said.at,
                circumstances: Arc::clone(self.surroundings.current()),
            });
            self.say(Thread::Main, vec![Block::Text(text)]);
        }
    }

    fn blocks(
        &self,
        line: &Line<'_>,
        at: DateTime<Utc>,
        content: &Content<'_>,
        are_reports: bool,
    ) -> Vec<Block> {
        let facts = LineFacts::of(line, at, self.surroundings.current(), self.keeps_content);
        prompt::with_reports(blocks(content, &facts), are_reports)
    }

    /// Adds a message to the model.
    fn say(&mut self, thread: Thread, content: Vec<Block>) {
        if !content.is_empty() {
            let role = Role::User;
            self.assembler.input(thread, Message { role, content });
        }
    }

    pub(super) fn thread_of(&mut self, line: &Line<'_>, agent: Option<&AgentFile>) -> Thread {
        self.agents.thread_of(line, agent, &mut self.assembler)
    }

    /// Stores the place from which a later reading must continue to see everything that the next
    /// response answers: this line, unless a message is waiting already.
    fn note_waiting(&mut self, offset: u64, agent: Option<&AgentFile>) {
        if agent.is_none() && !self.assembler.is_waiting(&Thread::Main) {
            self.waiting = Some(Mark {
                turn: String::new(),
                offset,
                statements: self.assembler.statements(),
                skipped: self.assembler.oddities().skipped(),
                standing: self.surroundings.standing.clone(),
                last_time: self.times.last_time,
                pace: self.pace.clone(),
                place: None,
            });
        }
    }

    fn books(&mut self, line: &Line<'_>) {
        self.assembler.close();
        if let Some(used) = payload(line.model_usage).as_ref().and_then(content::books) {
            let since = line.start_time.and_then(times::whole_milliseconds);
            let since = since.and_then(|since| i64::try_from(since).ok());
            let since = since.and_then(DateTime::from_timestamp_millis);
            self.assembler.statement(since, used);
        }
    }

    fn begin_turn(&mut self, line: &Line<'_>, prompt: Prompt, at: DateTime<Utc>) {
        let uuid = line.uuid.as_ref().map(|id| id.as_str().to_owned());
        let unnamed = || format!("{}:{}", self.session_id, at.timestamp_millis());
        let before = self.assembler.turns();
        let id = self.assembler.turn(TurnStart {
            id: uuid.unwrap_or_else(unnamed),
            trigger: prompt.trigger,
            prompt: prompt.text,
            at,
            circumstances: Arc::clone(self.surroundings.current()),
        });
        if let Some(waiting) = &self.waiting
            && self.assembler.turns() > before
            && self.queue.is_empty()
        {
            self.marks.push(Mark {
                turn: id,
                place: self.requests.place(),
                ..waiting.clone()
            });
        }
    }

    fn system(&mut self, line: &Line<'_>, at: Option<DateTime<Utc>>, agent: Option<&AgentFile>) {
        if agent.is_none() && line.is_sidechain == Some(true) && line.agent_id.is_none() {
            // Later lines find their side chain through this one.
            self.thread_of(line, None);
        }
        if let Some(at) = at {
            let is_waiting = self.assembler.is_waiting(&Thread::Main);
            self.times.note_command(line, at, is_waiting);
            self.attempts.note(line, at, &self.times);
        }
    }

    /// Reads the message of a subagent that a `progress` line holds, if it is in no other file.
    fn progress(&mut self, line: &Line<'_>, place: LinePlace<'_>) {
        let Some(reported) = self.reported.message(line) else {
            return;
        };
        if let Some(call) = line
            .parent_tool_use_id
            .as_ref()
            .filter(|_| reported.is_first)
        {
            let call = call.as_str().to_owned();
            self.agents.ask_kind(&reported.agent, &call);
            self.assembler.agent(&reported.agent, None, Some(call));
        }
        self.line(&reported.message, place);
    }

    /// Stores the agent that a call started, from the result of the call.
    fn link_subagent(&mut self, line: &Line<'_>, content: &[Block]) {
        let result = &line.tool_use_result;
        let call = content.iter().find_map(|block| match block {
            Block::ToolResult { call_id, .. } => Some(call_id.clone()),
            _ => None,
        });
        if let (Some(agent), Some(call)) = (&result.agent_id, call) {
            if result.agent_type.is_none() {
                self.agents.ask_kind(agent, &call);
            }
            self.assembler
                .agent(agent, result.agent_type.clone(), Some(call));
        }
    }

    fn title(&mut self, title: Option<&Text<'_>>, is_custom: bool) {
        if let Some(title) = title
            && (is_custom || !self.has_custom_title)
        {
            self.has_custom_title |= is_custom;
            self.assembler.title(title.as_str().to_owned());
        }
    }
}

/// Whether a line belongs to the conversation of a session. Output of `claude -p` looks alike, but
/// has neither times nor the session's id.
fn is_said(line: &Line<'_>) -> bool {
    line.session_id.is_some() && line.kind.is_conversation()
}
