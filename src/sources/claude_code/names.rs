//! Names of the files that Claude Code writes.

use std::path::Path;

/// Whether a file has the name of a session's transcript: neither a subagent's, nor that of the
/// record of Claude Desktop.
pub(super) fn is_transcript(path: &Path) -> bool {
    let is_record = path.file_name().is_some_and(|name| name == "audit.jsonl");
    is_jsonl(path) && agent_id(path).is_none() && !is_record
}

pub(super) fn is_jsonl(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "jsonl")
}

/// The id in `agent-<id>.jsonl`.
pub(super) fn agent_id(path: &Path) -> Option<String> {
    let stem = path.file_stem()?.to_str()?;
    stem.strip_prefix("agent-").map(str::to_owned)
}
