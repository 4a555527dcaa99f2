//! A conversation as the tree that Pi keeps: every entry names the one it follows, and continuing
//! from an earlier entry begins a branch. The input of a call is on the path from its answer to the
//! root.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::wire;
use crate::session::{Block, Message, Role, Setup};

/// Index of an entry in the tree.
pub(super) type EntryIndex = usize;

/// The entries of one conversation.
#[derive(Debug, Default)]
pub(super) struct Tree {
    entries: Vec<Entry>,
    by_id: HashMap<String, EntryIndex>,
}

#[derive(Debug)]
struct Entry {
    parent: Option<EntryIndex>,
    says: Says,
    /// Index of the last prompt before it.
    prompt: Option<usize>,
    state: State,
}

/// The content of an entry for those that follow it.
#[derive(Clone, Debug)]
pub(super) enum Says {
    /// Nothing that a model receives.
    Nothing,
    /// The prompt with this index.
    Prompt(usize, Arc<Message>),
    /// Any other message to the model.
    Input(Arc<Message>),
    /// The call with this index, with its answer; `None` when it failed and was dropped.
    Answer(usize, Option<Arc<Message>>),
    /// A summary of the messages before it, except those since an entry.
    Summary(Arc<Message>, Option<String>),
    /// An entry is omitted from here on.
    Omission(String),
}

/// Settings that apply from an entry on, until another one changes them.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) provider: Option<Arc<str>>,
    pub(super) model: Option<Arc<str>>,
    pub(super) thinking_level: Option<Arc<str>>,
    instructions: Arc<Instructions>,
    pub(super) setup: Option<Arc<Setup>>,
}

/// System prompt and tools: each system message changes some of them.
#[derive(Clone, Debug, Default, PartialEq)]
struct Instructions {
    content: Vec<String>,
    sections: Map<String, Value>,
    tools: Vec<Value>,
}

impl Tree {
    /// Adds an entry after `parent`. `change` sets what else applies from it on.
    pub(super) fn add(
        &mut self,
        id: &str,
        parent: Option<EntryIndex>,
        says: Says,
        change: impl FnOnce(&mut State),
    ) {
        let before = parent.map(|place| &self.entries[place]);
        let mut state = before.map_or_else(State::default, |entry| entry.state.clone());
        change(&mut state);
        let prompt = match &says {
            Says::Prompt(number, _) => Some(*number),
            _ => before.and_then(|entry| entry.prompt),
        };
        let place = self.entries.len();
        self.by_id.insert(id.to_owned(), place);
        self.entries.push(Entry {
            parent,
            says,
            prompt,
            state,
        });
    }

    pub(super) fn find(&self, id: &str) -> Option<EntryIndex> {
        self.by_id.get(id).copied()
    }

    /// The entry added last.
    pub(super) fn last(&self) -> Option<EntryIndex> {
        self.entries.len().checked_sub(1)
    }

    /// Index of the last prompt before an entry that follows this one.
    pub(super) fn prompt(&self, place: Option<EntryIndex>) -> Option<usize> {
        self.entries[place?].prompt
    }

    pub(super) fn state(&self, place: Option<EntryIndex>) -> State {
        place.map_or_else(State::default, |place| self.entries[place].state.clone())
    }

    /// The path from here to the root.
    fn way(&self, from: Option<EntryIndex>) -> impl Iterator<Item = (EntryIndex, &Entry)> {
        let mut next = from;
        std::iter::from_fn(move || {
            let place = next?;
            let entry = &self.entries[place];
            next = entry.parent;
            Some((place, entry))
        })
    }

    /// Indices of the calls on the path to the root, the last first.
    pub(super) fn answers(&self, from: Option<EntryIndex>) -> impl Iterator<Item = usize> {
        self.way(from).filter_map(|(_, entry)| match entry.says {
            Says::Answer(number, _) => Some(number),
            _ => None,
        })
    }

    /// The messages since the last answer that counts.
    pub(super) fn new_input(&self, from: Option<EntryIndex>) -> Vec<Message> {
        let mut input: Vec<Message> = self
            .way(from)
            .map_while(|(_, entry)| match &entry.says {
                Says::Answer(_, Some(_)) => None,
                Says::Prompt(_, said) | Says::Input(said) | Says::Summary(said, _) => {
                    Some(Some(Message::clone(said)))
                }
                Says::Nothing | Says::Omission(_) | Says::Answer(_, None) => Some(None),
            })
            .flatten()
            .collect();
        input.reverse();
        input
    }

    /// The whole input of a call.
    pub(super) fn whole_input(&self, from: Option<EntryIndex>) -> Vec<Arc<Message>> {
        let mut input = Vec::new();
        let mut omitted = HashSet::new();
        let mut summary = None;
        for (place, entry) in self.way(from) {
            let said = match &entry.says {
                Says::Omission(id) => {
                    omitted.extend(self.find(id));
                    None
                }
                Says::Summary(said, first_kept) if first_kept.is_some() && summary.is_none() => {
                    summary = Some(Arc::clone(said));
                    let kept = first_kept.as_ref().and_then(|id| self.find(id));
                    match kept {
                        Some(kept) if kept < place => omitted.extend(0..kept),
                        _ => break,
                    }
                    None
                }
                Says::Nothing | Says::Answer(_, None) | Says::Summary(_, Some(_)) => None,
                Says::Prompt(_, said)
                | Says::Input(said)
                | Says::Answer(_, Some(said))
                | Says::Summary(said, None) => Some(said),
            };
            input.extend(said.filter(|_| !omitted.contains(&place)).map(Arc::clone));
        }
        input.extend(summary);
        input.reverse();
        input
    }
}

impl State {
    /// Applies a system message, which changes what it names and keeps the rest.
    pub(super) fn instruct(&mut self, message: &wire::Message<'_>, content: &[Block]) {
        let mut instructions = Instructions::clone(&self.instructions);
        let texts = content.iter().filter_map(|block| match block {
            Block::Text(text) if !text.is_empty() => Some(text.clone()),
            _ => None,
        });
        let texts: Vec<String> = texts.collect();
        if !texts.is_empty() {
            instructions.content = texts;
        }
        for (name, text) in message.sections.iter().flatten() {
            match text {
                Value::Null => drop(instructions.sections.shift_remove(name)),
                text => drop(instructions.sections.insert(name.clone(), text.clone())),
            }
        }
        let name_of = |tool: &Value| tool.get("name").cloned();
        let changed = message.tools_removed.iter().chain(&message.tools_added);
        let changed: Vec<_> = changed.flatten().map(name_of).collect();
        instructions
            .tools
            .retain(|tool| !changed.contains(&name_of(tool)));
        let added = message.tools_added.iter().flatten();
        instructions.tools.extend(added.cloned());
        if instructions != *self.instructions {
            self.setup = Some(Arc::new(instructions.as_setup()));
            self.instructions = Arc::new(instructions);
        }
    }

    /// Applies the system message of a summary, which replaces all earlier instructions.
    pub(super) fn instruct_anew(&mut self, message: &wire::Message<'_>, content: &[Block]) {
        let known = std::mem::take(self);
        let mut anew = Self {
            provider: known.provider.clone(),
            model: known.model.clone(),
            thinking_level: known.thinking_level.clone(),
            ..Self::default()
        };
        anew.instruct(message, content);
        *self = if anew.instructions == known.instructions {
            known
        } else {
            anew
        };
    }
}

impl Instructions {
    fn as_setup(&self) -> Setup {
        let sections = self.sections.values().filter_map(Value::as_str);
        let texts = self.content.iter().map(String::as_str).chain(sections);
        Setup {
            system: texts.map(|text| Block::Text(text.to_owned())).collect(),
            tools: self.tools.clone(),
        }
    }
}

/// A message, shared by all inputs that contain it.
pub(super) fn said(role: Role, content: Vec<Block>) -> Arc<Message> {
    Arc::new(Message { role, content })
}
