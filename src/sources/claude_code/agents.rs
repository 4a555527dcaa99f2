//! What the lines tell about subagents that no file of their own tells.

use std::collections::HashMap;

use super::paths::AgentFile;
use super::prompt;
use super::wire::{Line, Text};
use crate::session::{Assembler, Block, Thread};

#[derive(Debug, Default)]
pub(super) struct AgentNotes {
    /// Roots of the side chains that version 1 kept inside the main file, by line.
    sidechains: HashMap<String, String>,
    /// Calls that may have started such a side chain, by their prompt.
    calls: HashMap<String, Vec<String>>,
    /// The type of agent that a call asked for, by call.
    kinds: HashMap<String, String>,
    /// Agents whose type is told by nothing but their call, and the type, where it is known.
    unnamed: Vec<(String, String, Option<String>)>,
}

impl AgentNotes {
    /// Notes the calls that start agents.
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

    /// Whose conversation a line belongs to; `agent` is that of the file.
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
            let is_user = line.kind.as_ref().map(Text::as_str) == Some("user");
            let message = line.message.as_ref().filter(|_| is_user);
            let prompt = message.and_then(|message| prompt::only_text(&message.content));
            let (root, call) = self.begin_sidechain(uuid, prompt.as_deref());
            assembler.agent(&root, None, call);
            root
        });
        Thread::Agent(root)
    }

    /// The side chain of a line whose chain parent is part of one.
    fn sidechain(&mut self, line: &str, parent: Option<&str>) -> Option<String> {
        let root = self.sidechains.get(parent?)?.clone();
        self.sidechains.insert(line.to_owned(), root.clone());
        Some(root)
    }

    /// A line begins a side chain: its name, and the call that has the same prompt.
    fn begin_sidechain(&mut self, line: &str, prompt: Option<&str>) -> (String, Option<String>) {
        let root = format!("sidechain-{line}");
        self.sidechains.insert(line.to_owned(), root.clone());
        let calls = prompt.and_then(|prompt| self.calls.get_mut(prompt));
        let call = calls.and_then(|calls| (!calls.is_empty()).then(|| calls.remove(0)));
        if let Some(call) = &call {
            self.ask_kind(&root, call);
        }
        (root, call)
    }

    /// Nobody wrote down of which type this agent is: its call may tell.
    pub(super) fn ask_kind(&mut self, agent: &str, call: &str) {
        // Another call may come to have the same id.
        let kind = self.kinds.get(call).cloned();
        self.unnamed.push((agent.to_owned(), call.to_owned(), kind));
    }

    /// The types that the calls asked for, by agent.
    pub(super) fn kinds(&self) -> Vec<(String, String)> {
        let known = self.unnamed.iter().filter_map(|(agent, call, kind)| {
            let kind = kind.as_ref().or_else(|| self.kinds.get(call))?;
            Some((agent.clone(), kind.clone()))
        });
        known.collect()
    }
}

/// The tool that starts a subagent, by its names in old and new versions.
pub(super) fn is_agent_tool(name: &str) -> bool {
    matches!(name, "Task" | "Agent")
}
