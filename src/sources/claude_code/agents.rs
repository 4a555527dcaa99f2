//! Facts about subagents from lines of the main conversation.

use std::collections::{HashMap, HashSet};

use super::assembly::{Assembler, Thread};
use super::kinds::{LineKind, is_agent_tool};
use super::paths::AgentFile;
use super::prompt;
use super::wire::{Content, Line};
use crate::session::Block;
use crate::sources::lenient::Text;

#[derive(Debug, Default)]
pub(super) struct AgentNotes {
    /// Roots of the side chains that version 1 kept in the main file, by line.
    sidechains: HashMap<String, String>,
    /// Calls that may have started an agent, by their prompts.
    calls: HashMap<String, Vec<String>>,
    /// Agents with their own file whose first prompt was read.
    prompted: HashSet<String>,
    /// Requested types of agents, by call.
    kinds: HashMap<String, String>,
    /// Agents whose type only their call states, with the call, and with the type if known.
    unnamed: Vec<(String, String, Option<String>)>,
}

impl AgentNotes {
    /// Stores the calls that start agents.
    pub(super) fn note_calls(&mut self, content: &[Block]) {
        for block in content {
            let Block::ToolCall(call) = block else {
                continue;
            };
            if !is_agent_tool(&call.name) {
                continue;
            }
            let argument = |name: &str| call.input.get(name).and_then(|value| value.as_str());
            if let Some(kind) = argument("subagent_type") {
                self.kinds.insert(call.id.clone(), kind.to_owned());
            }
            if let Some(prompt) = argument("prompt") {
                let calls = self.calls.entry(prompt.to_owned()).or_default();
                if !calls.contains(&call.id) {
                    calls.push(call.id.clone());
                }
            }
        }
    }

    /// The conversation that a line belongs to; `agent` is that of the file.
    pub(super) fn thread_of(
        &mut self,
        line: &Line<'_>,
        agent: Option<&AgentFile>,
        assembler: &mut Assembler,
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
        let uuid = line.uuid.as_ref().map_or("", Text::as_str);
        let parent = line.parent_uuid.as_ref().map(Text::as_str);
        let root = self.sidechain(uuid, parent).unwrap_or_else(|| {
            let is_user = line.kind == LineKind::User;
            let message = line.message.as_ref().filter(|_| is_user);
            let prompt = message.and_then(|message| prompt::only_text(&message.content));
            let (root, call) = self.begin_sidechain(uuid, prompt.as_deref());
            assembler.agent(&root, None, call);
            root
        });
        Thread::Agent(root)
    }

    /// The side chain of a line, if its parent line is in one.
    fn sidechain(&mut self, line: &str, parent: Option<&str>) -> Option<String> {
        let root = self.sidechains.get(parent?)?.clone();
        self.sidechains.insert(line.to_owned(), root.clone());
        Some(root)
    }

    /// Begins a side chain, and returns its name and the call with the same prompt.
    fn begin_sidechain(&mut self, line: &str, prompt: Option<&str>) -> (String, Option<String>) {
        let root = format!("sidechain-{line}");
        self.sidechains.insert(line.to_owned(), root.clone());
        let call = prompt.and_then(|prompt| self.call_with(prompt, |_| false));
        if let Some(call) = &call {
            self.ask_kind(&root, call);
        }
        (root, call)
    }

    /// Takes the first call with this prompt that `is_taken` does not reject.
    fn call_with(&mut self, prompt: &str, is_taken: impl Fn(&str) -> bool) -> Option<String> {
        let calls = self.calls.get_mut(prompt)?;
        let free = calls.iter().position(|call| !is_taken(call))?;
        Some(calls.remove(free))
    }

    /// Processes the first prompt of an agent with its own file. If nothing else names the call
    /// that started the agent, it is the one with the same prompt.
    pub(super) fn prompted(
        &mut self,
        agent: &AgentFile,
        content: &Content<'_>,
        assembler: &mut Assembler,
    ) {
        if agent.is_internal || !self.prompted.insert(agent.id.clone()) {
            return;
        }
        if assembler.knows_caller(&agent.id) {
            return;
        }
        let prompt = prompt::only_text(content);
        let is_taken = |call: &str| assembler.has_agent(call);
        if let Some(call) = prompt.and_then(|prompt| self.call_with(&prompt, is_taken)) {
            self.ask_kind(&agent.id, &call);
            assembler.agent(&agent.id, None, Some(call));
        }
    }

    /// Remembers that only its call can state the type of an agent.
    pub(super) fn ask_kind(&mut self, agent: &str, call: &str) {
        // A later call may have the same id.
        let kind = self.kinds.get(call).cloned();
        self.unnamed.push((agent.to_owned(), call.to_owned(), kind));
    }

    /// The requested types, by agent.
    pub(super) fn kinds(&self) -> Vec<(String, String)> {
        let known = self.unnamed.iter().filter_map(|(agent, call, kind)| {
            let kind = kind.as_ref().or_else(|| self.kinds.get(call))?;
            Some((agent.clone(), kind.clone()))
        });
        known.collect()
    }
}
