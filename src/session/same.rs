//! Compares blocks, of which a response may have copies in several places.

use super::tree::{Block, ToolCall};

/// Whether two blocks are the same.
pub(crate) fn same_block(a: &Block, b: &Block) -> bool {
    match (a, b) {
        (Block::ToolCall(a), Block::ToolCall(b)) => same_call(a, b),
        (Block::Text(a), Block::Text(b))
        | (Block::Report(a), Block::Report(b))
        | (Block::Thinking(a), Block::Thinking(b)) => a == b,
        (Block::Other(a), Block::Other(b)) => a == b,
        _ => false,
    }
}

/// Compares tool calls. Providers that count their calls may give two calls of one response the
/// same id.
fn same_call(a: &ToolCall, b: &ToolCall) -> bool {
    let has_same_id = b.id.trim_end_matches(AGAIN) == a.id.trim_end_matches(AGAIN);
    let is_at_once = a.called_at == b.called_at && a.name == b.name;
    has_same_id && (is_drawn(&a.id) || is_at_once)
}

/// Whether an id was drawn at random, and does not count.
fn is_drawn(id: &str) -> bool {
    const SHORTEST: usize = 8;
    id.split(|part: char| !part.is_ascii_alphanumeric())
        .any(|run| run.len() >= SHORTEST && run.bytes().any(|byte| byte.is_ascii_digit()))
}

/// Suffix of the id of a call that another call of its response has already.
pub(crate) const AGAIN: char = '+';
