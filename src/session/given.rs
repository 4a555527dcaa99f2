//! What a model was given with a call.

use std::sync::Arc;

use serde_json::Value;

use super::same::same_block;
use super::{Block, Message, ToolResult};

/// How much of a conversation is told with every call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InputScope {
    /// What the call added to it.
    #[default]
    New,
    /// All that the model was given.
    Full,
}

/// What is wanted of what was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Nothing: numbers and names are enough.
    Numbers,
    /// Everything but the exact inputs of calls.
    Outputs,
    /// Everything, and of inputs so much.
    Everything(InputScope),
}

impl Wanted {
    /// How much of the inputs of calls.
    #[must_use]
    pub const fn inputs(self) -> Option<InputScope> {
        match self {
            Self::Everything(scope) => Some(scope),
            Self::Numbers | Self::Outputs => None,
        }
    }

    /// The same without inputs, or without outputs. Inputs cannot be had without outputs: of those,
    /// what is not wanted is left out later.
    #[must_use]
    pub const fn less(self, no_inputs: bool, no_outputs: bool) -> Self {
        match (self, no_inputs, no_outputs) {
            (_, true, true) | (Self::Outputs, _, true) | (Self::Numbers, ..) => Self::Numbers,
            (_, true, false) => Self::Outputs,
            (wanted, false, _) => wanted,
        }
    }
}

/// The messages of a request, where the agent wrote them down.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// Those that the call added, without the responses of earlier calls.
    pub new: Vec<Message>,
    /// All of them, where they are wanted and known.
    pub whole: Option<Vec<Arc<Message>>>,
}

impl Given {
    /// A result that the model was given is, as a rule, the one that came back: kept once.
    pub(crate) fn share<'a>(&mut self, known: &dyn Fn(&str) -> Option<&'a Arc<ToolResult>>) {
        for block in self.new.iter_mut().flat_map(|it| &mut it.content) {
            if let Block::ToolResult { call_id, result } = block
                && let Some(known) = known(call_id)
                && is_same(known, result)
            {
                *result = Arc::clone(known);
            }
        }
    }
}

fn is_same(a: &ToolResult, b: &ToolResult) -> bool {
    let mut blocks = a.content.iter().zip(&b.content);
    a.is_error == b.is_error
        && a.content.len() == b.content.len()
        && blocks.all(|(a, b)| same_block(a, b))
}

/// What a call was set up with besides messages.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The system prompt.
    pub system: Vec<Block>,
    /// The tools that the model could call, in the provider's words.
    pub tools: Vec<Value>,
}
