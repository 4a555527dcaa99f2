//! Compares blocks, of which a response may have copies in several places.

use super::tree::{Block, ToolCall};

/// Whether two blocks are the same.
pub(crate) fn same_block(a: &Block, b: &Block) -> bool {
    match (a, b) {
        (Block::ToolCall(a), Block::ToolCall(b)) => same_call(a, b),
        (Block::Text(a), Block::Text(b))
        | (Block::Report(a), Block::Report(b))
        | (Block::Thinking(a), Block::Thinking(b)) => a == b,
        (Block::Json(a), Block::Json(b)) | (Block::Other(a), Block::Other(b)) => a == b,
        // Only the size of an image is known, which two may share. A response contains no results.
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn equal_content_is_the_same_and_an_image_of_equal_size_need_not_be() {
        let image = Block::Media {
            kind: "image".to_owned(),
            media_type: None,
            bytes: 9,
        };
        for (block, is_same) in [
            (Block::Text("a".to_owned()), true),
            (Block::Thinking("a".to_owned()), true),
            (Block::Json(json!({ "a": [1] })), true),
            (Block::Other(json!({ "type": "x" })), true),
            (image, false),
        ] {
            assert_eq!(same_block(&block, &block.clone()), is_same, "{block:?}");
        }
        let [one, other] = [1, 2].map(|it| Block::Json(json!({ "a": it })));
        assert!(!same_block(&one, &other));
    }
}
