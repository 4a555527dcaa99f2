//! The detail of a tool call: a short text that distinguishes it from others.

use std::path::Path;

use serde_json::Value;

/// Names of tool inputs that distinguish a call, the best first.
const TELLING: [&str; 10] = [
    "command",
    "file_path",
    "notebook_path",
    "pattern",
    "query",
    "url",
    "description",
    "skill",
    "path",
    "prompt",
];

/// The detail of a tool call, from its input.
pub(crate) fn telling(input: &Value, cwd: Option<&Path>) -> Option<String> {
    let mut known = TELLING.iter().filter_map(|name| input.get(name)?.as_str());
    let text = known.next()?;
    let below = cwd.and_then(|cwd| Path::new(text).strip_prefix(cwd).ok());
    Some(below.map_or_else(|| text.to_owned(), |path| path.display().to_string()))
}
