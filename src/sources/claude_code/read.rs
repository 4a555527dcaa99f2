//! Reads the files of a session, each byte once.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::super::jsonl::{self, Lines};
use super::content::{LineFacts, blocks, usage};
use super::paths::{AgentFile, SessionFiles};
use super::prompt::{self, Prompt};
use super::wire::{self, Line, payload};
use crate::session::{
    Agent, Assembler, Block, CallError, Circumstances, Earlier, Generation, Message, Parameters,
    ResponsePart, Role, Session, Thread, TurnStart,
};

/// Line types that hold nothing we use.
const IGNORED: &[&str] = &[
    "progress",
    "summary",
    "agent-name",
    "pr-link",
    "mode",
    "last-prompt",
    "queue-operation",
    "file-history-snapshot",
    "file-history-delta",
    "tools-used",
    "atis-latch",
    "bridge-session",
    "api-request-blob",
    "api-request-shape",
    "system",
];

/// How a reading went, besides the session that it found.
#[derive(Debug)]
pub struct Reading {
    /// The last turn and where it begins: from there a later reading goes on.
    last_turn: Option<(String, u64)>,
    guard: Option<u64>,
    agent_bytes: BTreeMap<String, u64>,
    permission_mode: Option<String>,
    /// Subagent transcripts that could not be read, with the reason.
    pub unreadable: Vec<(PathBuf, String)>,
}

/// Everything a later reading needs to go on where this one's last turn began. It is a
/// shortcut and never an authority: when it does not fit the file, the file is read whole.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Version of the program; another one may count otherwise.
    version: String,
    /// Where the last turn begins, in bytes.
    offset: u64,
    /// Fingerprint of the bytes before it.
    guard: u64,
    permission_mode: Option<String>,
    /// Sizes of the subagents' files that belong to earlier turns, in bytes.
    agent_bytes: BTreeMap<String, u64>,
    earlier: Earlier,
}

/// Reads a session, from its start or from where `checkpoint` left off. There is none when the
/// files hold no line with a time.
///
/// # Errors
/// When the transcript cannot be opened or read. Subagents that cannot be read are reported in
/// [`Reading::unreadable`] and cost nothing else.
pub fn read(
    files: &SessionFiles,
    checkpoint: Option<Checkpoint>,
) -> anyhow::Result<(Option<Session>, Reading)> {
    let checkpoint = checkpoint.filter(|checkpoint| checkpoint.fits(&files.transcript));
    let mut reader = Reader::new(checkpoint);
    reader
        .file(&files.transcript, reader.offset, None)
        .with_context(|| format!("cannot read {}", files.transcript.display()))?;
    let mut unreadable = Vec::new();
    for agent in &files.agents {
        if reader.settled_agents.get(&agent.id) == Some(&agent.bytes) {
            continue;
        }
        reader
            .assembler
            .agent(&agent.id, agent.kind.clone(), agent.call.clone());
        if let Err(error) = reader.file(&agent.path, 0, Some(agent)) {
            unreadable.push((agent.path.clone(), error.to_string()));
        }
    }
    let guarded = reader.last_turn.as_ref().map(|(_, offset)| *offset);
    let session = reader.assembler.finish(files.session_id.clone());
    let reading = Reading {
        guard: guarded.and_then(|offset| guard_before(&files.transcript, offset).ok()),
        last_turn: reader.last_turn,
        agent_bytes: files
            .agents
            .iter()
            .map(|agent| (agent.id.clone(), agent.bytes))
            .collect(),
        permission_mode: reader.mode_at_last_turn,
        unreadable,
    };
    Ok((session, reading))
}

impl Reading {
    /// What to keep so that the next reading costs only what is new. `ours` tells the
    /// generations of this session from those copied out of another. `None` when there is
    /// nothing to skip yet.
    #[must_use]
    pub fn checkpoint(
        &self,
        session: &Session,
        ours: &dyn Fn(&Generation) -> bool,
    ) -> Option<Checkpoint> {
        let (current, settled) = session.turns.split_last()?;
        let (last_turn, offset) = self.last_turn.as_ref()?;
        if *last_turn != current.id {
            return None;
        }
        let mut earlier = session.earlier.clone();
        earlier.started_at = Some(session.started_at);
        earlier.title.clone_from(&session.title);
        earlier.first_prompt = session.first_prompt();
        for turn in settled {
            earlier.absorb(turn, ours);
        }
        let mut agent_bytes = BTreeMap::new();
        let open: Vec<&str> = current
            .all_subagents()
            .iter()
            .map(|(_, subagent)| subagent.id.as_str())
            .collect();
        for (id, bytes) in &self.agent_bytes {
            if !open.contains(&id.as_str()) {
                agent_bytes.insert(id.clone(), *bytes);
            }
        }
        Some(Checkpoint {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            offset: *offset,
            guard: self.guard?,
            permission_mode: self.permission_mode.clone(),
            agent_bytes,
            earlier,
        })
    }
}

impl Checkpoint {
    fn fits(&self, transcript: &Path) -> bool {
        self.version == env!("CARGO_PKG_VERSION")
            && guard_before(transcript, self.offset).is_ok_and(|guard| guard == self.guard)
    }
}

/// Fingerprint of the last bytes before `offset`: a file that was written anew differs there.
fn guard_before(path: &Path, offset: u64) -> io::Result<u64> {
    use std::io::{Read, Seek, SeekFrom};
    const GUARDED: u64 = 4096;
    let mut file = std::fs::File::open(path)?;
    let length = offset.min(GUARDED);
    file.seek(SeekFrom::Start(offset - length))?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes)?;
    if (bytes.len() as u64) < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut hasher = DefaultHasher::new();
    (offset, bytes).hash(&mut hasher);
    Ok(hasher.finish())
}

struct Reader {
    assembler: Assembler,
    offset: u64,
    settled_agents: BTreeMap<String, u64>,
    /// The last turn and where it begins in the main transcript.
    last_turn: Option<(String, u64)>,
    mode_at_last_turn: Option<String>,
    permission_mode: Option<String>,
    circumstances: Arc<Circumstances>,
    has_custom_title: bool,
    /// When each line was written, by its uuid: a call begins when its chain parent was there.
    times: HashMap<String, DateTime<Utc>>,
    requests: HashMap<String, Request>,
    /// Roots of the side chains that version 1 kept inside the main file, by line.
    sidechains: HashMap<String, String>,
    /// Calls that may have started such a side chain, by their prompt.
    sidechain_calls: HashMap<String, Vec<String>>,
}

/// What an `api-request` line says.
struct Request {
    at: DateTime<Utc>,
    parameters: Parameters,
}

impl Reader {
    fn new(checkpoint: Option<Checkpoint>) -> Self {
        let (offset, settled_agents, permission_mode, earlier) = match checkpoint {
            Some(kept) => (
                kept.offset,
                kept.agent_bytes,
                kept.permission_mode,
                kept.earlier,
            ),
            None => (0, BTreeMap::new(), None, Earlier::default()),
        };
        Self {
            assembler: Assembler::new(Agent::ClaudeCode, earlier),
            offset,
            settled_agents,
            last_turn: None,
            mode_at_last_turn: None,
            permission_mode,
            circumstances: Arc::default(),
            has_custom_title: false,
            times: HashMap::new(),
            requests: HashMap::new(),
            sidechains: HashMap::new(),
            sidechain_calls: HashMap::new(),
        }
    }

    fn file(&mut self, path: &Path, offset: u64, agent: Option<&AgentFile>) -> io::Result<()> {
        let mut lines = Lines::open(path, offset)?;
        while let Some(line) = lines.next_line()? {
            let mut malformed =
                jsonl::objects(line.bytes, |object| self.line(&object, line.offset, agent));
            if malformed > 0 && std::str::from_utf8(line.bytes).is_err() {
                // A broken character must not cost the whole line.
                let mended = String::from_utf8_lossy(line.bytes);
                malformed = jsonl::objects(mended.as_bytes(), |object| {
                    self.line(&object, line.offset, agent);
                });
            }
            let is_being_written = !line.is_terminated;
            if !is_being_written {
                self.assembler.oddities().malformed_lines += malformed;
            }
        }
        Ok(())
    }

    fn line(&mut self, line: &Line<'_>, offset: u64, agent: Option<&AgentFile>) {
        let at = line
            .timestamp
            .as_ref()
            .and_then(|at| parse_time(at.as_str()));
        if let Some(at) = at {
            self.assembler.saw(at);
            if let Some(uuid) = &line.uuid {
                self.times.insert(uuid.as_str().to_owned(), at);
            }
        }
        match (line.kind.as_ref().map(wire::Text::as_str), at) {
            (Some("user"), Some(at)) => self.user(line, at, offset, agent),
            (Some("assistant"), Some(at)) => self.assistant(line, at, agent),
            (Some("attachment"), Some(at)) => self.attachment(line, at, offset, agent),
            (Some("api-request"), Some(at)) => self.request(line, at),
            // Written at exit, after everything else that counts.
            (Some("cost-state"), _) if agent.is_none() => self.assembler.close(),
            (Some("permission-mode"), _) => self.note_permission_mode(line),
            (Some("custom-title"), _) => self.title(line.custom_title.as_ref(), true),
            (Some("ai-title"), _) => self.title(line.ai_title.as_ref(), false),
            (Some(kind), _) if IGNORED.contains(&kind) => {}
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

    fn user(&mut self, line: &Line<'_>, at: DateTime<Utc>, offset: u64, agent: Option<&AgentFile>) {
        self.note_permission_mode(line);
        self.note_circumstances(line);
        let Some(message) = payload::<wire::Message<'_>>(line.message) else {
            return;
        };
        let thread = self.thread_of(line, agent, Some(&message));
        if thread == Thread::Main
            && let Some(prompt) = prompt::of_line(line, message.content)
        {
            self.begin_turn(line, prompt, at, offset);
        }
        let facts = LineFacts {
            at,
            circumstances: &self.circumstances,
            tool: &line.tool_use_result,
        };
        let content = blocks(message.content, &facts);
        self.link_subagent(line, &content);
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
        if attachment.kind.as_str() != "queued_command" {
            return;
        }
        self.note_circumstances(line);
        let mode = attachment.command_mode.as_ref().map(wire::Text::as_str);
        let thread = self.thread_of(line, agent, None);
        if thread == Thread::Main
            && let Some(prompt) = prompt::of_queued(attachment.prompt, mode)
        {
            self.begin_turn(line, prompt, at, offset);
        }
        let facts = LineFacts {
            at,
            circumstances: &self.circumstances,
            tool: &line.tool_use_result,
        };
        let content = blocks(attachment.prompt, &facts);
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

    fn begin_turn(&mut self, line: &Line<'_>, prompt: Prompt, at: DateTime<Utc>, offset: u64) {
        let Some(id) = &line.uuid else { return };
        let before = self.assembler.turns();
        self.assembler.turn(TurnStart {
            id: id.as_str().to_owned(),
            trigger: prompt.trigger,
            prompt: prompt.text,
            at,
            circumstances: Arc::clone(&self.circumstances),
        });
        if self.assembler.turns() > before {
            self.last_turn = Some((id.as_str().to_owned(), offset));
            self.mode_at_last_turn.clone_from(&self.permission_mode);
        }
    }

    fn assistant(&mut self, line: &Line<'_>, at: DateTime<Utc>, agent: Option<&AgentFile>) {
        self.note_circumstances(line);
        let Some(message) = payload::<wire::Message<'_>>(line.message) else {
            return;
        };
        let Some(id) = &message.id else { return };
        let model = message.model.as_ref().map(wire::Text::as_str);
        let is_synthetic = model == Some("<synthetic>");
        let is_error = line.is_api_error_message == Some(true);
        if is_synthetic && !is_error {
            return;
        }
        let thread = self.thread_of(line, agent, None);
        let facts = LineFacts {
            at,
            circumstances: &self.circumstances,
            tool: &line.tool_use_result,
        };
        let content = blocks(message.content, &facts);
        self.note_sidechain_calls(&content);
        let raw_usage: Option<wire::Usage<'_>> = payload(message.usage);
        let usage = usage(raw_usage.as_ref());
        if usage.is_none() {
            self.assembler.oddities().responses_without_usage += 1;
        }
        let request = line
            .request_ref
            .as_ref()
            .and_then(|id| self.requests.get(id.as_str()));
        let parent = line
            .parent_uuid
            .as_ref()
            .and_then(|id| self.times.get(id.as_str()));
        let mut parameters = request
            .map(|request| request.parameters.clone())
            .unwrap_or_default();
        if let Some(effort) = &line.effort {
            parameters
                .effort
                .get_or_insert_with(|| effort.as_str().to_owned());
        }
        let billed = raw_usage.unwrap_or_default();
        parameters.service_tier = billed.service_tier.map(|tier| tier.0.into_owned());
        parameters.speed = billed.speed.map(|speed| speed.0.into_owned());
        let requested = line.requested_model.as_ref().map(wire::Text::as_str);
        self.assembler.response(ResponsePart {
            thread,
            id: id.as_str().to_owned(),
            model: if is_synthetic { requested } else { model }.map(str::to_owned),
            provider: provider_of(id.as_str()),
            usage,
            requested_at: request.map(|request| request.at).or(parent.copied()),
            at,
            stop_reason: message
                .stop_reason
                .filter(|_| !is_error)
                .map(|reason| reason.0.into_owned()),
            error: is_error.then(|| call_error(line, &content)),
            blocks: if is_error { Vec::new() } else { content },
            parameters,
            circumstances: Arc::clone(&self.circumstances),
        });
    }

    fn request(&mut self, line: &Line<'_>, at: DateTime<Utc>) {
        let Some(id) = &line.id else { return };
        let params: wire::RequestParams = payload(line.params).unwrap_or_default();
        let parameters = Parameters {
            max_tokens: params.max_tokens,
            effort: params.output_config.and_then(|config| config.effort),
            thinking: params.thinking,
            ..Parameters::default()
        };
        self.requests
            .insert(id.as_str().to_owned(), Request { at, parameters });
    }

    /// The result of a call tells which agent the call started.
    fn link_subagent(&mut self, line: &Line<'_>, content: &[Block]) {
        let result = &line.tool_use_result;
        let call = content.iter().find_map(|block| match block {
            Block::ToolResult { call_id, .. } => Some(call_id.clone()),
            _ => None,
        });
        if let (Some(agent), Some(call)) = (&result.agent_id, call) {
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
        let parent = line
            .parent_uuid
            .as_ref()
            .and_then(|id| self.sidechains.get(id.as_str()));
        let uuid = line.uuid.as_ref().map_or("", wire::Text::as_str);
        let root = if let Some(root) = parent {
            root.clone()
        } else {
            let root = format!("sidechain-{uuid}");
            let call = message.and_then(|message| self.call_with_prompt(message));
            self.assembler.agent(&root, None, call);
            root
        };
        self.sidechains.insert(uuid.to_owned(), root.clone());
        Thread::Agent(root)
    }

    fn note_sidechain_calls(&mut self, content: &[Block]) {
        for block in content {
            if let Block::ToolCall(call) = block
                && matches!(call.name.as_str(), "Task" | "Agent")
                && let Some(prompt) = call.input.get("prompt").and_then(|prompt| prompt.as_str())
            {
                self.sidechain_calls
                    .entry(prompt.to_owned())
                    .or_default()
                    .push(call.id.clone());
            }
        }
    }

    fn call_with_prompt(&mut self, message: &wire::Message<'_>) -> Option<String> {
        let facts = LineFacts {
            at: DateTime::UNIX_EPOCH,
            circumstances: &self.circumstances,
            tool: &wire::ToolUseResult::default(),
        };
        let content = blocks(message.content, &facts);
        let [Block::Text(prompt)] = content.as_slice() else {
            return None;
        };
        let calls = self.sidechain_calls.get_mut(prompt)?;
        (!calls.is_empty()).then(|| calls.remove(0))
    }

    fn note_permission_mode(&mut self, line: &Line<'_>) {
        if let Some(mode) = &line.permission_mode {
            self.permission_mode = Some(mode.as_str().to_owned());
        }
    }

    fn title(&mut self, title: Option<&wire::Text<'_>>, is_custom: bool) {
        if let Some(title) = title
            && (is_custom || !self.has_custom_title)
        {
            self.has_custom_title |= is_custom;
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
        });
    }
}

/// A detached head is written as `HEAD`, no repository as nothing: neither is a branch.
fn is_branch(name: &str) -> bool {
    !name.is_empty() && name != "HEAD"
}

/// The clouds mark the ids of the responses they serve.
fn provider_of(response_id: &str) -> &'static str {
    if response_id.starts_with("msg_bdrk_") {
        "bedrock"
    } else if response_id.starts_with("msg_vrtx_") {
        "vertex"
    } else {
        "anthropic"
    }
}

fn call_error(line: &Line<'_>, content: &[Block]) -> CallError {
    let message = content.iter().find_map(|block| match block {
        Block::Text(text) => Some(text.clone()),
        _ => None,
    });
    CallError {
        kind: payload(line.error),
        message: message.unwrap_or_default(),
        status: payload(line.api_error_status),
    }
}

pub(super) fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text)
        .ok()
        .map(|at| at.with_timezone(&Utc))
}
