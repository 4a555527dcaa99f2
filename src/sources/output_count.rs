//! Output token counts that are not final.

use crate::session::{Generation, OutputCount};

/// Largest output token count that agents record when a stream begins.
const LARGEST_PLACEHOLDER: u64 = 10;

/// Whether the output token count of a response is final. Some versions of agents, and responses
/// that were aborted, keep the initial count of the stream and have no stop reason.
pub(super) fn output_count(generation: &Generation) -> OutputCount {
    let is_placeholder = generation.error.is_none()
        && generation.stop_reason.is_none()
        && generation.usage.output <= LARGEST_PLACEHOLDER;
    if is_placeholder {
        OutputCount::Placeholder
    } else {
        OutputCount::Final
    }
}
