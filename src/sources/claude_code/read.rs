//! Reads the files of a session, each byte once; what a request named is read again.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use chrono::{DateTime, Utc};

use super::super::jsonl::{self, Lines};
use super::agents::AgentNotes;
use super::checkpoint::{Checkpoint, Mark, Reading};
use super::content::{self, LineFacts, blocks, call_error, provider_of, usage};
use super::glance;
use super::kinds;
use super::messages::Spot;
use super::paths::{AgentFile, SessionFiles};
use super::prompt::{self, Prompt};
use super::queue::Queue;
use super::requests::{Answer, Requests};
use super::snapshot::{Rendered, Snapshot};
use super::times;
use super::wire::{self, Line, payload};
use crate::session::{
    Agent, Assembler, Block, Circumstances, InputScope, Message, Origin, ResponsePart, Retries,
    Role, Session, Thread, TurnStart, Wanted,
};

/// Reads a session, from its start or from where `checkpoint` left off. There is none when the
/// files hold no line with a time. `wanted` is what is kept of what was said. The reading may
/// stop after `most` bytes of the transcript, where a later one can go on.
///
/// # Errors
/// When the transcript cannot be opened or read. Subagents that cannot be read are reported in
/// [`Reading::unreadable`] and cost nothing else.
pub fn read(
    files: &SessionFiles,
    checkpoint: Option<Checkpoint>,
    wanted: Wanted,
    most: u64,
) -> anyhow::Result<(Option<Session>, Reading)> {
    let start = Checkpoint::default();
    if wanted.inputs() == Some(InputScope::Full) {
        return Ok(Reader::read(files, &start, wanted, u64::MAX)?.finish(files));
    }
    let checkpoint = checkpoint
        .filter(|checkpoint| checkpoint.fits(files))
        .unwrap_or_default();
    let mut reader = Reader::read(files, &checkpoint, wanted, most)?;
    if reader.assembler.repeats_earlier() || reader.requests.lacks_earlier() {
        reader = Reader::read(files, &start, wanted, u64::MAX)?;
    }
    Ok(reader.finish(files))
}

struct Reader {
    assembler: Assembler,
    reading: Reading,
    /// Where the reading of the transcript may stop.
    end: u64,
    /// Where that begins which no response has answered yet.
    waiting: Option<Mark>,
    permission_mode: Option<String>,
    circumstances: Arc<Circumstances>,
    session_id: String,
    /// When the last line was written that told.
    clock: Option<DateTime<Utc>>,
    /// When each line was written, by its uuid: a call begins when its chain parent was there.
    times: HashMap<String, DateTime<Utc>>,
    /// The last line of the model's.
    last_answer: Option<String>,
    queue: Queue,
    snapshot: Snapshot,
    /// Attempts that failed, by the line of the last of them.
    retries: HashMap<String, FailedAttempts>,
    requests: Requests,
    keeps_content: bool,
    keeps_inputs: bool,
    agents: AgentNotes,
}

/// Attempts at a call that failed, one after the other.
#[derive(Clone, Copy)]
struct FailedAttempts {
    /// When the first of them began.
    began_at: DateTime<Utc>,
    retries: Retries,
}

impl Reader {
    fn new(files: &SessionFiles, checkpoint: &Checkpoint, wanted: Wanted, most: u64) -> Self {
        Self {
            assembler: Assembler::new(Agent::ClaudeCode, checkpoint.earlier.clone()),
            reading: Reading::begin(files, checkpoint),
            end: checkpoint.offset.saturating_add(most),
            waiting: None,
            permission_mode: checkpoint.permission_mode.clone(),
            circumstances: Arc::default(),
            session_id: files.session_id.clone(),
            clock: checkpoint.clock,
            times: HashMap::new(),
            last_answer: None,
            queue: Queue::default(),
            snapshot: Snapshot::default(),
            retries: HashMap::new(),
            requests: Requests::new(wanted.inputs()),
            keeps_content: wanted != Wanted::Numbers,
            keeps_inputs: wanted.inputs().is_some(),
            agents: AgentNotes::default(),
        }
    }

    fn read(
        files: &SessionFiles,
        checkpoint: &Checkpoint,
        wanted: Wanted,
        most: u64,
    ) -> anyhow::Result<Self> {
        let mut reader = Self::new(files, checkpoint, wanted, most);
        let unlisted = files.unlisted.iter();
        let unlisted = unlisted.map(|it| (it.path.clone(), it.reason.clone()));
        reader.reading.unreadable.extend(unlisted);
        let open: Vec<&AgentFile> = files
            .agents
            .iter()
            .filter(|agent| !checkpoint.has_settled(agent))
            .collect();
        for agent in &open {
            reader.expect_agent(agent);
        }
        let is_part = checkpoint.offset > 0;
        let place = checkpoint.place.as_ref();
        reader.requests.begin(&files.transcript, is_part, place);
        reader
            .file(&files.transcript, checkpoint.offset, None)
            .with_context(|| format!("cannot read {}", files.transcript.display()))?;
        // Of the transcript: subagents may go on for longer.
        let end = reader.assembler.last_seen();
        for agent in open {
            // One that began later is started by what comes later.
            if reader.reading.is_part && agent.began_at > end {
                continue;
            }
            let before = reader.assembler.oddities().skipped();
            reader.requests.begin(&agent.path, false, None);
            if let Err(error) = reader.file(&agent.path, 0, Some(agent)) {
                let reason = (agent.path.clone(), error.to_string());
                reader.reading.unreadable.push(reason);
            }
            let skipped = reader.assembler.oddities().skipped().minus(before);
            reader.reading.note_agent(agent, skipped);
        }
        for (agent, kind) in reader.agents.kinds() {
            reader.assembler.agent(&agent, Some(kind), None);
        }
        for agent in &files.agents {
            let kind = agent.role.map(str::to_owned);
            reader.assembler.agent(&agent.id, kind, None);
        }
        Ok(reader)
    }

    fn finish(self, files: &SessionFiles) -> (Option<Session>, Reading) {
        let session = self.assembler.finish(files.session_id.clone());
        (session, self.reading)
    }

    /// What an agent's own file says about it counts more than what other lines say.
    fn expect_agent(&mut self, agent: &AgentFile) {
        self.assembler
            .agent(&agent.id, agent.kind.clone(), agent.call.clone());
        if agent.is_internal {
            self.assembler.internal_agent(&agent.id);
        }
        if let (None, Some(call)) = (&agent.kind, &agent.call) {
            self.agents.ask_kind(&agent.id, call);
        }
    }

    fn file(&mut self, path: &Path, offset: u64, agent: Option<&AgentFile>) -> io::Result<()> {
        if agent.is_some() {
            // Agents do not write their mode; it is the one of the call that started them.
            self.permission_mode = None;
            self.clock = None;
        }
        self.snapshot = Snapshot::default();
        let mut lines = Lines::open(path, offset)?;
        while let Some(line) = lines.next_line()? {
            if agent.is_none() && line.offset >= self.end {
                self.reading.is_part = true;
                break;
            }
            let text = line.text();
            self.assembler.oddities().oversized_lines += u64::from(line.is_oversized);
            let mut spot = Spot::of(&line);
            let malformed = jsonl::objects(&text, |object| {
                self.note_time(&object, path);
                self.line(&object, line.offset, agent);
                self.requests.saw(&object, spot);
                spot.before += 1;
            });
            let is_being_written = !line.is_terminated;
            if !is_being_written {
                self.assembler.oddities().malformed_lines += malformed;
            } else if malformed > 0 && agent.is_none() {
                self.assembler.cut_off();
            }
        }
        Ok(())
    }

    /// A line of the conversation without a time has that of the line before, and the first ones
    /// that of the first line with one.
    fn note_time(&mut self, line: &Line<'_>, path: &Path) {
        let at = time_of(line);
        self.clock = at.or(self.clock);
        if at.is_none() && is_said(line) {
            self.assembler.oddities().untimed_lines += 1;
            self.clock = self.clock.or_else(|| glance::started_at(path));
        }
    }

    fn line(&mut self, line: &Line<'_>, offset: u64, agent: Option<&AgentFile>) {
        let mut at = time_of(line);
        let mut is_copy = false;
        if let Some(at) = at {
            self.assembler.saw(at);
            if let Some(uuid) = &line.uuid {
                let before = self.times.insert(uuid.as_str().to_owned(), at);
                is_copy = before.is_some();
            }
        }
        if is_said(line) {
            at = at.or(self.clock);
        }
        if agent.is_none() && !is_copy {
            self.incidents(line);
        }
        match (line.kind.as_ref().map(wire::Text::as_str), at) {
            (Some("user"), Some(at)) => self.user(line, at, offset, agent),
            (Some("assistant"), Some(at)) => self.assistant(line, at, agent),
            (Some("attachment"), Some(at)) => self.attachment(line, at, offset, agent),
            // Written at exit, after everything else that counts.
            (Some("cost-state"), _) if agent.is_none() => self.books(line),
            (Some("permission-mode"), _) if agent.is_none() => self.note_permission_mode(line),
            (Some("queue-operation"), at) => {
                if let Some(at) = at.filter(|_| agent.is_none()) {
                    self.queue.happened(line, at);
                }
            }
            (Some("system"), at) => self.system(line, at, agent),
            (Some("pr-link"), _) if agent.is_none() => {
                if let Some(address) = &line.pr_url {
                    let links = &mut self.assembler.incidents().pull_requests;
                    links.insert(address.as_str().to_owned());
                }
            }
            (Some("custom-title"), _) => self.title(line.custom_title.as_ref(), true),
            (Some("ai-title"), _) => self.title(line.ai_title.as_ref(), false),
            (Some(kind), _) if kinds::IGNORED.contains(&kind) => {}
            (kind, _) => {
                let kind = kind.unwrap_or("(none)").to_owned();
                *self
                    .assembler
                    .oddities()
                    .unknown_types
                    .entry(kind)
                    .or_default() += 1;
            }
        }
    }

    /// What happens to the session between the calls.
    fn incidents(&mut self, line: &Line<'_>) {
        let is = |field: &Option<wire::Text<'_>>, value: &str| {
            field.as_ref().is_some_and(|field| field.as_str() == value)
        };
        if is(&line.kind, "system") && is(&line.subtype, "compact_boundary") {
            self.assembler.incidents().compactions += 1;
        }
        if is(&line.kind, "user") && line.is_sidechain != Some(true) {
            let message = line.message.as_ref();
            if message.is_some_and(|message| prompt::is_interruption(&message.content)) {
                self.assembler.incidents().interruptions += 1;
            }
        }
    }

    fn user(&mut self, line: &Line<'_>, at: DateTime<Utc>, offset: u64, agent: Option<&AgentFile>) {
        self.note_waiting(offset, agent);
        self.note_permission_mode(line);
        self.note_circumstances(line);
        let Some(message) = &line.message else {
            return;
        };
        let thread = self.thread_of(line, agent, Some(message));
        let facts = LineFacts::of(line, at, &self.circumstances, self.keeps_content);
        let content = blocks(&message.content, &facts);
        let content = prompt::with_reports(content, prompt::is_report(line));
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
        if line.is_compact_summary == Some(true) {
            self.assembler.sum_up(&thread);
        }
        if !content.is_empty() {
            self.assembler.input(
                thread,
                Message {
                    role: Role::User,
                    content,
                },
            );
        }
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
        match attachment.kind.as_str() {
            "queued_command" => {}
            "prompt_snapshot" if self.keeps_inputs => {
                if let Some(raw) = line.attachment {
                    self.snapshot.take(raw);
                }
                return;
            }
            _ => return self.reminder(line, at, offset, agent),
        }
        self.note_waiting(offset, agent);
        self.note_circumstances(line);
        let mode = attachment.command_mode.as_ref().map(wire::Text::as_str);
        let thread = self.thread_of(line, agent, None);
        if thread == Thread::Main
            && let Some(prompt) = prompt::of_queued(&attachment.prompt, mode)
        {
            self.queue.is_told(&prompt.text);
            self.begin_turn(line, prompt, at);
        }
        let facts = LineFacts::of(line, at, &self.circumstances, self.keeps_content);
        let is_typed = matches!(mode, None | Some("prompt"));
        let content = prompt::with_reports(blocks(&attachment.prompt, &facts), !is_typed);
        if !content.is_empty() {
            self.assembler.input(
                thread,
                Message {
                    role: Role::User,
                    content,
                },
            );
        }
    }

    /// What an attachment was rendered to, as the model saw it.
    fn reminder(
        &mut self,
        line: &Line<'_>,
        at: DateTime<Utc>,
        offset: u64,
        agent: Option<&AgentFile>,
    ) {
        let rendered: Vec<Rendered<'_>> = payload(line.rendered).unwrap_or_default();
        if rendered.is_empty() {
            return;
        }
        self.note_waiting(offset, agent);
        self.note_circumstances(line);
        let thread = self.thread_of(line, agent, None);
        let facts = LineFacts::of(line, at, &self.circumstances, self.keeps_content);
        for Rendered { content } in &rendered {
            let content = prompt::with_reports(blocks(content, &facts), false);
            let role = Role::User;
            self.assembler
                .input(thread.clone(), Message { role, content });
        }
    }

    /// Prompts that no line tells but those of the queue.
    fn queued_prompts(&mut self, line: &Line<'_>) {
        for said in self.queue.take() {
            let Some(prompt) = prompt::of_typed(&said.text) else {
                continue;
            };
            let text = if self.keeps_content {
                said.text
            } else {
                String::new()
            };
            self.note_circumstances(line);
            let id = format!("{}:{}", self.session_id, said.at.timestamp_millis());
            self.assembler.turn(TurnStart {
                id,
                trigger: prompt.trigger,
                prompt: prompt.text,
                at: said.at,
                circumstances: Arc::clone(&self.circumstances),
            });
            let content = vec![Block::Text(text)];
            let role = Role::User;
            self.assembler
                .input(Thread::Main, Message { role, content });
        }
    }

    /// Notes where a later reading must go on in order to see everything that the next response
    /// answers: at this line, unless something is waiting already.
    fn note_waiting(&mut self, offset: u64, agent: Option<&AgentFile>) {
        if agent.is_none() && !self.assembler.is_waiting(&Thread::Main) {
            self.waiting = Some(Mark {
                turn: String::new(),
                offset,
                statements: self.assembler.statements(),
                skipped: self.assembler.oddities().skipped(),
                permission_mode: self.permission_mode.clone(),
                clock: self.clock,
                place: None,
            });
        }
    }

    fn books(&mut self, line: &Line<'_>) {
        self.assembler.close();
        if let Some(used) = payload(line.model_usage).as_ref().and_then(content::books) {
            let since = line.start_time.0.and_then(content::whole_milliseconds);
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
            circumstances: Arc::clone(&self.circumstances),
        });
        if let Some(waiting) = &self.waiting
            && self.assembler.turns() > before
            && self.queue.is_empty()
        {
            self.reading.marks.push(Mark {
                turn: id,
                place: self.requests.place(),
                ..waiting.clone()
            });
        }
    }

    fn assistant(&mut self, line: &Line<'_>, at: DateTime<Utc>, agent: Option<&AgentFile>) {
        self.note_circumstances(line);
        let Some(message) = &line.message else {
            self.assembler.oddities().responses_without_message += 1;
            return;
        };
        let model = message.model.as_ref().map(wire::Text::as_str);
        let is_synthetic = model == Some("<synthetic>");
        let is_error = line.is_api_error_message == Some(true);
        if is_synthetic && !is_error {
            return;
        }
        let thread = self.thread_of(line, agent, None);
        if thread == Thread::Main {
            self.queued_prompts(line);
        }
        self.last_answer = line.uuid.as_ref().map(|uuid| uuid.as_str().to_owned());
        self.note_agent_kind(line, &thread);
        let facts = LineFacts::of(line, at, &self.circumstances, self.keeps_content);
        let content = blocks(&message.content, &facts);
        self.agents.note_calls(&content);
        let raw_usage: Option<wire::Usage<'_>> = payload(message.usage);
        let usage = usage(raw_usage.as_ref());
        let advisors = content::advisors(raw_usage.as_ref());
        let asked = self.requests.answer(&Answer {
            line,
            is_error,
            at,
            circumstances: &self.circumstances,
            blocks: &content,
        });
        let parent = line.parent_uuid.as_ref().map(wire::Text::as_str);
        let failed = parent.and_then(|parent| self.retries.get(parent));
        // What failed at last began with its first attempt; what did not, with its last.
        let parent_at = match failed.filter(|_| is_error) {
            Some(failed) => Some(failed.began_at),
            None => parent.and_then(|parent| self.times.get(parent).copied()),
        };
        let began_at = asked.at.and_then(|_| times::streamed_since(line, at));
        let mut parameters = asked.parameters;
        if let Some(effort) = &line.effort {
            parameters
                .effort
                .get_or_insert_with(|| effort.as_str().to_owned());
        }
        let billed = raw_usage.unwrap_or_default();
        parameters.service_tier = billed.service_tier.map(|tier| tier.0.into_owned());
        parameters.speed = billed.speed.map(|speed| speed.0.into_owned());
        let requested = line.requested_model.as_ref().map(wire::Text::as_str);
        let requested = requested.or(asked.model.as_deref().filter(|_| is_synthetic));
        parameters.requested_model = requested
            .filter(|requested| !is_synthetic && model != Some(*requested))
            .map(str::to_owned);
        let retries = failed.map(|failed| failed.retries).unwrap_or_default();
        let origin = origin_of(line, message);
        let provider = provider_of(origin.response.as_deref().unwrap_or_default());
        self.assembler.response(ResponsePart {
            thread,
            origin,
            model: if is_synthetic { requested } else { model }.map(str::to_owned),
            provider,
            usage,
            requested_at: asked.at.or(parent_at),
            began_at,
            at,
            is_untimed: time_of(line).is_none(),
            advisors,
            retries,
            stop_reason: message
                .stop_reason
                .as_ref()
                .filter(|_| !is_error)
                .map(|reason| reason.as_str().to_owned()),
            error: is_error.then(|| call_error(line, &content)),
            given: asked.given,
            setup: match asked.at {
                Some(_) => asked.setup,
                None => asked.setup.or_else(|| self.snapshot.setup.clone()),
            },
            blocks: if is_error { Vec::new() } else { content },
            parameters,
            circumstances: Arc::clone(&self.circumstances),
        });
    }

    /// Attempts that failed and were made again belong to the call that follows them.
    fn system(&mut self, line: &Line<'_>, at: Option<DateTime<Utc>>, agent: Option<&AgentFile>) {
        if agent.is_none() && line.is_sidechain == Some(true) && line.agent_id.is_none() {
            // Its children find their side chain through it.
            self.thread_of(line, None, None);
        }
        if let Some(at) = at {
            self.note_local_command(line, at);
        }
        let is_retry = line
            .subtype
            .as_ref()
            .is_some_and(|subtype| subtype.as_str() == "api_error");
        if let (true, Some(uuid), Some(at)) = (is_retry, &line.uuid, at) {
            let parent = line.parent_uuid.as_ref().map(wire::Text::as_str);
            let earlier = parent.and_then(|parent| self.retries.get(parent));
            let parent_at = parent.and_then(|parent| self.times.get(parent));
            let error: wire::AttemptError = payload(line.error).unwrap_or_default();
            let failed = FailedAttempts {
                began_at: earlier.map_or(*parent_at.unwrap_or(&at), |earlier| earlier.began_at),
                retries: Retries {
                    count: earlier.map_or(0, |earlier| earlier.retries.count) + 1,
                    status: error.status,
                },
            };
            self.retries.insert(uuid.as_str().to_owned(), failed);
        }
    }

    /// A command that the user typed while the model worked stands in the chain between a response
    /// and what it answers. The call did not wait for it.
    fn note_local_command(&mut self, line: &Line<'_>, at: DateTime<Utc>) {
        let is_local = line
            .subtype
            .as_ref()
            .is_some_and(|subtype| subtype.as_str() == "local_command");
        let (true, Some(uuid), Some(parent)) = (is_local, &line.uuid, &line.parent_uuid) else {
            return;
        };
        let is_answer = self.last_answer.as_deref() == Some(parent.as_str());
        if !is_answer
            && self.assembler.is_waiting(&Thread::Main)
            && let Some(asked_at) = self.times.get(parent.as_str()).copied()
        {
            let asked_at = asked_at.min(at);
            self.times.insert(uuid.as_str().to_owned(), asked_at);
        }
    }

    /// The result of a call tells which agent the call started.
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

    /// Whose conversation a line belongs to.
    fn thread_of(
        &mut self,
        line: &Line<'_>,
        agent: Option<&AgentFile>,
        message: Option<&wire::Message<'_>>,
    ) -> Thread {
        if let Some(agent) = agent {
            return Thread::Agent(agent.id.clone());
        }
        if line.is_sidechain != Some(true) {
            return Thread::Main;
        }
        if let Some(id) = &line.agent_id {
            return Thread::Agent(id.as_str().to_owned());
        }
        let uuid = line.uuid.as_ref().map_or("", wire::Text::as_str);
        let parent = line.parent_uuid.as_ref().map(wire::Text::as_str);
        let root = self.agents.sidechain(uuid, parent).unwrap_or_else(|| {
            let prompt = message.and_then(|message| prompt::only_text(&message.content));
            let (root, call) = self.agents.begin_sidechain(uuid, prompt.as_deref());
            self.assembler.agent(&root, None, call);
            root
        });
        Thread::Agent(root)
    }

    /// The lines of an agent may name its type.
    fn note_agent_kind(&mut self, line: &Line<'_>, thread: &Thread) {
        if let (Thread::Agent(id), Some(kind)) = (thread, &line.attribution_agent) {
            self.assembler
                .agent(id, Some(kind.as_str().to_owned()), None);
        }
    }

    fn note_permission_mode(&mut self, line: &Line<'_>) {
        if let Some(mode) = &line.permission_mode {
            self.permission_mode = Some(mode.as_str().to_owned());
        }
    }

    fn title(&mut self, title: Option<&wire::Text<'_>>, is_custom: bool) {
        if let Some(title) = title
            && (is_custom || !self.reading.has_custom_title)
        {
            self.reading.has_custom_title |= is_custom;
            self.assembler.title(title.as_str().to_owned());
        }
    }

    /// Lines that agree on all of these, as nearly all do, share one value.
    fn note_circumstances(&mut self, line: &Line<'_>) {
        fn same(known: Option<&String>, said: Option<&wire::Text<'_>>) -> bool {
            known.map(String::as_str) == said.map(wire::Text::as_str)
        }
        let known = &self.circumstances;
        let branch = line
            .git_branch
            .as_ref()
            .filter(|branch| is_branch(branch.as_str()));
        if same(known.cwd.as_ref(), line.cwd.as_ref())
            && same(known.git_branch.as_ref(), branch)
            && same(known.agent_version.as_ref(), line.version.as_ref())
            && same(known.entrypoint.as_ref(), line.entrypoint.as_ref())
            && known.permission_mode == self.permission_mode
        {
            return;
        }
        let text = |text: Option<&wire::Text<'_>>| text.map(|text| text.as_str().to_owned());
        self.circumstances = Arc::new(Circumstances {
            cwd: text(line.cwd.as_ref()),
            git_branch: text(branch),
            agent_version: text(line.version.as_ref()),
            entrypoint: text(line.entrypoint.as_ref()),
            permission_mode: self.permission_mode.clone(),
            persona: None,
        });
    }
}

fn time_of(line: &Line<'_>) -> Option<DateTime<Utc>> {
    times::parse_time(line.timestamp.as_ref()?.as_str())
}

/// Whether a line is one of a session's conversation. What `claude -p` prints looks alike, but has
/// neither times nor the session's id.
fn is_said(line: &Line<'_>) -> bool {
    let kind = line.kind.as_ref().map(wire::Text::as_str);
    line.session_id.is_some() && matches!(kind, Some("user" | "assistant" | "attachment"))
}

/// What tells a response apart. An empty id is none.
fn origin_of(line: &Line<'_>, message: &wire::Message<'_>) -> Origin {
    let text = |text: &Option<wire::Text<'_>>| {
        let text = text.as_ref().map(wire::Text::as_str);
        text.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    Origin {
        response: text(&message.id),
        request: text(&line.request_id),
        line: text(&line.uuid),
        parent: text(&line.parent_uuid),
        is_of_agent: line.is_api_error_message == Some(true),
    }
}

/// A detached head is written as `HEAD`, no repository as nothing: neither is a branch.
fn is_branch(name: &str) -> bool {
    !name.is_empty() && name != "HEAD"
}
