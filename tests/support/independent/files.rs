//! The files of sessions, and their lines, for the independent count.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The files of a session: its transcript, then those of its subagents wherever a version kept
/// them.
pub(crate) fn files(transcript: &Path) -> Vec<PathBuf> {
    let mut files = vec![transcript.to_owned()];
    let beside = transcript.parent().expect("a file has a directory");
    for entry in fs::read_dir(beside).into_iter().flatten().flatten() {
        let is_agent = entry.file_name().to_string_lossy().starts_with("agent-");
        let path = entry.path();
        if is_agent && path != transcript && owner(&path) == owner(transcript) {
            files.push(path);
        }
    }
    files.extend(all_below(&transcript.with_extension("").join("subagents")));
    files
}

/// The files of all sessions at or below a folder, and those of subagents without a session: in a
/// folder that belongs to none, or beside none.
pub(crate) fn of_sessions(folder: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let all = all_below(folder);
    let is_agent = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("agent-") || path.iter().any(|part| part == "subagents")
    };
    let sessions = all.iter().filter(|path| !is_agent(path));
    let theirs: HashSet<PathBuf> = sessions.flat_map(|path| files(path)).collect();
    all.into_iter()
        .partition(|path| theirs.contains(path) || is_of_lost_session(path))
}

/// Whether a subagent is all that is left of a session: its folder is named after the session.
fn is_of_lost_session(agent: &Path) -> bool {
    let mut folders = agent.ancestors();
    let subagents = folders.find(|folder| folder.ends_with("subagents"));
    let Some(session) = subagents.and_then(Path::parent) else {
        return false;
    };
    let entries = fs::read_dir(session).into_iter().flatten().flatten();
    let mut paths = entries.map(|entry| entry.path());
    let is_jsonl = |path: PathBuf| path.extension().is_some_and(|kind| kind == "jsonl");
    !session.with_extension("jsonl").exists() && !paths.any(is_jsonl)
}

/// Every transcript at or below a folder, those of subagents included.
fn all_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "jsonl") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Characters beyond the first plane, which may be cut in half, are not counted.
pub(super) fn without_surrogates(text: &str) -> String {
    let mut parts = text.split("\\ud");
    let mut mended = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_surrogate = part.starts_with(|it: char| "89abcdefABCDEF".contains(it));
        mended += if is_surrogate { "\\uf" } else { "\\ud" };
        mended += part;
    }
    mended
}

/// Calls `each` with the objects of a file. A line may contain two, and a run of NUL bytes or half
/// of another object may precede one.
pub(super) fn for_each_line(path: &Path, mut each: impl FnMut(Value)) {
    let bytes = fs::read(path).expect("the transcript can be read");
    for line in String::from_utf8_lossy(&bytes).split('\n') {
        for piece in line.split('\0') {
            let whole = without_surrogates(piece);
            let mut piece = whole.as_bytes();
            let mut is_whole = true;
            while !piece.is_empty() {
                let mut objects = serde_json::Deserializer::from_slice(piece).into_iter();
                for object in objects.by_ref().map_while(Result::<Value, _>::ok) {
                    // An object inside a torn one does not name its session.
                    if is_whole || object["sessionId"].is_string() {
                        each(object);
                    }
                }
                is_whole = false;
                let rest = &piece[objects.byte_offset()..];
                let next = rest.iter().skip(1).position(|byte| *byte == b'{');
                piece = next.map_or(&[], |next| &rest[next + 1..]);
            }
        }
    }
}

/// The session of a transcript, by the first line that names one.
pub(super) fn owner(transcript: &Path) -> Option<String> {
    let mut owner = None;
    if transcript.is_file() {
        for_each_line(transcript, |line| {
            owner = owner.take().or(text(&line["sessionId"]).map(str::to_owned));
        });
    }
    owner
}

/// A text that is not empty.
pub(super) fn text(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.is_empty())
}
