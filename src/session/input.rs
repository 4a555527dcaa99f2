//! The input of a call of a model.

use std::sync::Arc;

use super::recording::Recording;
use super::same::same_block;
use super::tree::{Block, Message, ToolResult};

/// The extent of the input that is sent with every call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InputScope {
    /// Only the messages that the call added.
    #[default]
    New,
    /// The complete input of the call.
    Full,
}

/// The content of a session to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// No content: numbers and names suffice.
    Numbers,
    /// All content except the exact inputs of calls.
    Outputs,
    /// All content, with this much of the inputs.
    Everything(InputScope),
}

impl Wanted {
    /// The extent of the inputs to read.
    #[must_use]
    pub const fn inputs(self) -> Option<InputScope> {
        match self {
            Self::Everything(scope) => Some(scope),
            Self::Numbers | Self::Outputs => None,
        }
    }

    /// The same without content that `recording` leaves out. Inputs are read together with outputs;
    /// unwanted outputs are removed later.
    #[must_use]
    pub const fn within(self, recording: Recording) -> Self {
        match (self, recording) {
            (_, Recording::Nothing)
            | (Self::Outputs, Recording::InputsOnly)
            | (Self::Numbers, _) => Self::Numbers,
            (_, Recording::OutputsOnly) => Self::Outputs,
            (wanted, Recording::Full | Recording::InputsOnly) => wanted,
        }
    }
}

/// The messages of a request, if the agent recorded them.
#[derive(Clone, Debug, Default)]
pub struct RequestMessages {
    /// The messages the call added, without the responses of earlier calls.
    pub new: Vec<Message>,
    /// All messages, if requested and known.
    pub whole: Option<Vec<Arc<Message>>>,
}

impl RequestMessages {
    /// Replaces tool results in the messages by the identical ones already known, so that each is
    /// kept in memory once.
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
