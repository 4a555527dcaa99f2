//! Which blocks of a response are the same, though they stand in several places.

use super::tree::{Block, ToolCall};

/// Whether two blocks say the same.
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

/// Providers that count their calls may give two of one response the same id.
fn same_call(a: &ToolCall, b: &ToolCall) -> bool {
    let has_same_id = b.id.trim_end_matches(AGAIN) == a.id.trim_end_matches(AGAIN);
    let is_at_once = a.called_at == b.called_at && a.name == b.name;
    has_same_id && (is_drawn(&a.id) || is_at_once)
}

/// Whether an id is no count, but was drawn at random.
fn is_drawn(id: &str) -> bool {
    const SHORTEST: usize = 8;
    id.split(|part: char| !part.is_ascii_alphanumeric())
        .any(|run| run.len() >= SHORTEST && run.bytes().any(|byte| byte.is_ascii_digit()))
}

/// What is put behind the id of a call that another one of its response has already.
pub(crate) const AGAIN: char = '+';
