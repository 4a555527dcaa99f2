//! The messages that each call adds to its conversation.
//!
//! Emitters send the whole conversation with every call. Its events contain only new messages:
//! those after the messages of an earlier call, without the answer to that call, which has an event
//! already.

use std::sync::Arc;

use serde_json::Value as Json;

use super::content::Request;
use crate::fingerprint;
use crate::session::{Block, Message, Role, Setup};

/// The conversations of a trace, or of a session, so far.
#[derive(Debug, Default)]
pub(super) struct History {
    /// Fingerprints of the messages of each call.
    conversations: Vec<Vec<u64>>,
    setups: Vec<Known>,
}

/// A system prompt and tools that an earlier call had.
#[derive(Debug)]
struct Known {
    /// Fingerprint of the system prompt.
    system: u64,
    /// Fingerprint of the tools.
    tools: u64,
    /// `None` if they belong to an earlier trace.
    setup: Option<Arc<Setup>>,
}

/// New messages of a call, and its setup if it is new.
#[derive(Debug)]
pub(super) struct Added {
    pub(super) messages: Vec<Message>,
    pub(super) setup: Option<Arc<Setup>>,
}

/// Number of conversations to compare a call with: more than one trace runs in parallel.
const MOST: usize = 64;

impl History {
    /// The messages and setup that a call with this request adds. Answers to earlier calls, which
    /// the conversation repeats, are not among them.
    pub(super) fn add(&mut self, request: &Request) -> Added {
        let prints: Vec<u64> = request.messages.iter().map(print_of).collect();
        let known = self
            .conversations
            .iter()
            .filter(|it| prints.starts_with(it));
        let known = known.map(Vec::len).max().unwrap_or(0);
        let mut new = request.messages[known..].to_vec();
        if known > 0 {
            let answers = new
                .iter()
                .take_while(|it| it.role == Role::Assistant)
                .count();
            new.drain(..answers);
        }
        // A repeated request is a retry after a failure and adds no conversation; a request that
        // only repeats the answer before it adds nothing either. In both cases the last message is
        // shown.
        if !prints.is_empty() && !self.conversations.contains(&prints) {
            self.conversations.retain(|it| !prints.starts_with(it));
            self.conversations.push(prints);
            if self.conversations.len() > MOST {
                self.conversations.remove(0);
            }
        }
        if new.is_empty() {
            new.extend(request.messages.last().cloned());
        }
        Added {
            messages: new,
            setup: self.setup(request),
        }
    }

    /// The history of a session whose earlier traces had these requests.
    pub(super) fn after<'r>(requests: impl Iterator<Item = &'r Request>) -> Self {
        let mut history = Self::default();
        for request in requests {
            history.add(request);
        }
        for known in &mut history.setups {
            known.setup = None;
        }
        history
    }

    /// The setup of a call, shared with the calls that have the same one. `None` for one that an
    /// earlier trace sent, even if this request omits the tools.
    fn setup(&mut self, request: &Request) -> Option<Arc<Setup>> {
        if request.system.is_empty() && request.tools.is_empty() {
            return None;
        }
        let system: Vec<String> = request.system.iter().map(words_of).collect();
        let system = fingerprint::of(&[system.join("\u{1e}").as_bytes()]);
        let tools = Json::Array(request.tools.clone()).to_string();
        let tools = fingerprint::of(&[tools.as_bytes()]);
        let has_no_tools = request.tools.is_empty();
        let known = self.setups.iter().find(|it| {
            let is_same = it.tools == tools || has_no_tools && it.setup.is_none();
            it.system == system && is_same
        });
        if let Some(known) = known {
            return known.setup.clone();
        }
        let setup = Some(Arc::new(Setup {
            system: request.system.clone(),
            tools: request.tools.clone(),
        }));
        self.setups.push(Known {
            system,
            tools,
            setup: setup.clone(),
        });
        setup
    }
}

/// The fingerprint of a message, without thoughts: most emitters omit them when they repeat a
/// message.
fn print_of(message: &Message) -> u64 {
    let role = match message.role {
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::System => "system",
    };
    let said = message
        .content
        .iter()
        .filter(|it| !matches!(it, Block::Thinking(_)));
    let words: Vec<String> = said.map(words_of).collect();
    fingerprint::of(&[role.as_bytes(), words.join("\u{1e}").as_bytes()])
}

/// The part of a block that identifies it. For tool calls and results this is the id: an agent may
/// rewrite the rest when it repeats them.
fn words_of(block: &Block) -> String {
    match block {
        Block::Text(text) | Block::Report(text) | Block::Thinking(text) => text.trim().to_owned(),
        Block::ToolCall(call) if call.id.is_empty() => format!("call {} {}", call.name, call.input),
        Block::ToolCall(call) => format!("call {}", call.id),
        Block::ToolResult { call_id, result } if call_id.is_empty() => {
            let words: Vec<String> = result.content.iter().map(words_of).collect();
            format!("answer {}", words.join("\u{1e}"))
        }
        Block::ToolResult { call_id, .. } => format!("answer {call_id}"),
        Block::Media { kind, bytes, .. } => format!("{kind} {bytes}"),
        Block::Json(value) | Block::Other(value) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::otlp::messages;

    fn request(messages: &str) -> Request {
        let value = Json::String(messages.to_owned());
        Request {
            messages: messages::messages(value, Role::User).unwrap(),
            ..Request::default()
        }
    }

    fn roles(added: &Added) -> Vec<Role> {
        added.messages.iter().map(|it| it.role).collect()
    }

    #[test]
    fn of_a_conversation_that_is_sent_whole_only_what_is_new_stays() {
        let mut history = History::default();
        let first = r#"{"role":"user","content":"Weather in Oslo?"}"#;
        let call = r#"{"role":"assistant","content":[{"type":"tool-call","toolCallId":"a","toolName":"weather","input":{}}]}"#;
        let answer =
            r#"{"role":"tool","content":[{"type":"tool-result","toolCallId":"a","output":7}]}"#;
        let added = history.add(&request(&format!("[{first}]")));
        assert_eq!(roles(&added), [Role::User]);
        let added = history.add(&request(&format!("[{first},{call},{answer}]")));
        let [message] = &added.messages[..] else {
            panic!("{added:?}");
        };
        assert!(matches!(message.content[..], [Block::ToolResult { .. }]));
    }

    #[test]
    fn another_conversation_is_whole() {
        let mut history = History::default();
        history.add(&request(r#"[{"role":"user","content":"one"}]"#));
        let other = r#"[{"role":"user","content":"two"},{"role":"assistant","content":"2"},{"role":"user","content":"three"}]"#;
        assert_eq!(history.add(&request(other)).messages.len(), 3);
    }

    #[test]
    fn a_repeated_attempt_shows_what_it_asked() {
        let mut history = History::default();
        for _ in 0..2 {
            let added = history.add(&request(r#"[{"role":"user","content":"again"}]"#));
            assert_eq!(roles(&added), [Role::User]);
        }
    }

    #[test]
    fn a_setup_is_shared_by_the_calls_that_have_it() {
        let mut history = History::default();
        let with = |system: &str| Request {
            system: vec![Block::Text(system.to_owned())],
            ..Request::default()
        };
        let setups = ["brief", "brief", "long"].map(|it| history.add(&with(it)).setup.unwrap());
        assert!(Arc::ptr_eq(&setups[0], &setups[1]));
        assert!(!Arc::ptr_eq(&setups[0], &setups[2]));
    }
}
