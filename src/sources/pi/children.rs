//! Files of subagents. The package `pi-subagents` runs a subagent as a separate Pi with a session
//! file, which is part of the session that started it.
//!
//! | written by | place of the file |
//! |---|---|
//! | 0.34 and later | `<stem of the parent's file>/<run>/run-<n>/session.jsonl` |
//! | 0.67, a fork of its parent | `<stem of the parent's file>/forks/<time>_<id>.jsonl` |
//! | 0.34, a fork of its parent | beside the parent's file, named in the result of the tool |
//!
//! A subagent may start subagents: their files are beside its own in the same way.

use std::fs;
use std::path::{Path, PathBuf};

use super::header::{header, is_jsonl};
use super::wire::{EntryKind, Line};
use crate::sources::jsonl::{Lines, objects};
use crate::sources::regular;
use crate::sources::walk;

/// Folder with copies of subagents' output. Some of them look like sessions.
const ARTIFACTS: &str = "subagent-artifacts";

/// Bytes at the beginning of a subagent's file in which to look for its name. A fork begins with
/// copied entries.
const NAME_IS_WITHIN: u64 = 4 << 20;

/// The name of a subagent's session: `subagent-<agent>-<run>-<number>`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) agent: String,
    /// Id of the run, which the tool result contains too.
    pub(super) run: String,
}

impl Name {
    /// Parses a name; `None` for one of another form.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (rest, number) = name.strip_prefix("subagent-")?.rsplit_once('-')?;
        if number.is_empty() || !number.bytes().all(|it| it.is_ascii_digit()) {
            return None;
        }
        let (agent, run) = with_uuid(rest).or_else(|| rest.rsplit_once('-'))?;
        let is_run = run.len() >= 8 && run.bytes().all(|it| it.is_ascii_hexdigit() || it == b'-');
        is_run.then(|| Self {
            agent: agent.to_owned(),
            run: run.to_owned(),
        })
    }
}

/// Splits an agent's name from the UUID after it.
fn with_uuid(text: &str) -> Option<(&str, &str)> {
    const UUID: usize = 36;
    let (agent, run) = text.split_at_checked(text.len().checked_sub(UUID)?)?;
    let agent = agent.strip_suffix('-')?;
    let is_uuid = uuid::Uuid::try_parse(run).is_ok();
    is_uuid.then_some((agent, run))
}

/// The folder beside a session's file that contains the files of its subagents.
fn folder_of(session: &Path) -> PathBuf {
    session.with_extension("")
}

/// The files below the session's own folder, including those of its subagents' subagents, by path.
pub(super) fn files_below(session: &Path) -> Vec<PathBuf> {
    let files = walk::files(&folder_of(session), |entry| entry.file_name() != ARTIFACTS);
    let sessions = files.found.into_iter().filter(|path| is_jsonl(path));
    sessions
        .filter(|path| matches!(header(path), Ok(Some(_))))
        .collect()
}

/// The files of a session's own subagents. `named` are the files in its tool results, by the paths
/// they had then.
pub(super) fn of_session(session: &Path, named: &[&str]) -> Vec<PathBuf> {
    let mut files = files_below(session);
    files.retain(|file| parent_by_place(file).as_deref() == Some(session));
    let beside = named.iter().filter_map(|named| {
        let file = session.with_file_name(last_part(named));
        let header = header(&file).ok().flatten()?;
        (file != session && header.parent_is(session)).then_some(file)
    });
    for file in beside {
        if !files.contains(&file) {
            files.push(file);
        }
    }
    files
}

/// The session that a subagent's file belongs to; `None` when it is a session of its own. A fork
/// beside its parent belongs to it if the parent says so; until then it is not read.
pub(super) fn parent(file: &Path) -> Option<PathBuf> {
    parent_by_place(file).or_else(|| {
        let parent = parent_by_name(file)?;
        let name = file.file_name()?.to_str()?;
        let says_so = regular::read(&parent).is_ok_and(|text| text.contains(name));
        says_so.then_some(parent)
    })
}

/// Whether another Pi, which may not have recorded it yet, started the one that writes this file.
pub(super) fn is_of_subagent(file: &Path) -> bool {
    parent_by_place(file)
        .or_else(|| parent_by_name(file))
        .is_some()
}

/// The session whose folder contains a file.
fn parent_by_place(file: &Path) -> Option<PathBuf> {
    let folders = file.ancestors().skip(1);
    let sessions = folders.map(|folder| {
        let mut name = folder.as_os_str().to_owned();
        name.push(".jsonl");
        PathBuf::from(name)
    });
    let mut sessions = sessions.filter(|session| session.is_file());
    sessions.find(|session| matches!(header(session), Ok(Some(_))))
}

/// The parent of a fork, if it is beside the fork and the fork has the name of a subagent's
/// session.
fn parent_by_name(file: &Path) -> Option<PathBuf> {
    let header = header(file).ok().flatten()?;
    let parent = file.with_file_name(last_part(header.parent.as_deref()?));
    let is_other = parent != file && parent.is_file();
    (is_other && name_in(file).is_some()).then_some(parent)
}

/// The name of a subagent's session, if the file has one.
fn name_in(file: &Path) -> Option<Name> {
    let mut lines = Lines::open(file, 0).ok()?;
    let mut name = None;
    while let Ok(Some(line)) = lines.next_line() {
        if name.is_some() || line.offset > NAME_IS_WITHIN {
            break;
        }
        objects(&line.text(), |line: Line<'_>| {
            let says = line
                .name
                .filter(|_| line.kind == Some(EntryKind::SessionInfo));
            name = name.take().or_else(|| Name::parse(&says?));
        });
    }
    name
}

/// Whether a file is a copy of a subagent's output.
pub(super) fn is_artifact(file: &Path) -> bool {
    let mut folders = file.components();
    folders.any(|folder| folder.as_os_str() == ARTIFACTS)
}

/// Whether a recorded path means this file, though both may have been moved: they have the same
/// end.
pub(super) fn is_same_file(written: &str, file: &Path) -> bool {
    const TELLING: usize = 3;
    let written = parts(written);
    let file = file.to_string_lossy();
    let ends = written.iter().rev().zip(parts(&file).into_iter().rev());
    ends.take(TELLING).all(|(a, b)| *a == b)
}

fn last_part(path: &str) -> &str {
    parts(path).pop().unwrap_or(path)
}

/// The names in a path of any system.
fn parts(path: &str) -> Vec<&str> {
    path.split(['/', '\\'])
        .filter(|it| !it.is_empty())
        .collect()
}

/// The files of a session and its subagents.
pub(super) fn looks(session: &Path) -> Vec<PathBuf> {
    let mut files = vec![session.to_owned()];
    if fs::symlink_metadata(folder_of(session)).is_ok_and(|it| it.is_dir()) {
        files.extend(files_below(session));
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_subagent_s_session_contains_agent_and_run() {
        for (name, expected) in [
            ("subagent-scout-030327b3-1", Some(("scout", "030327b3"))),
            (
                "subagent-code-scout-7b0fb833-5f88-4ecf-8998-a38c86744189-12",
                Some(("code-scout", "7b0fb833-5f88-4ecf-8998-a38c86744189")),
            ),
            ("subagent-scout-notes-1", None),
            ("subagent-scout-030327b3", None),
            ("notes about 030327b3-1", None),
        ] {
            let found = Name::parse(name);
            let found = found
                .as_ref()
                .map(|it| (it.agent.as_str(), it.run.as_str()));
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn a_file_is_known_by_the_end_of_its_path() {
        let file = Path::new("/tmp/copy/p_1/run/run-0/session.jsonl");
        for (written, is_same) in [
            ("/home/ada/.pi/p_1/run/run-0/session.jsonl", true),
            (r"C:\pi\p_1\run\run-0\session.jsonl", true),
            ("/home/ada/.pi/p_1/run/run-1/session.jsonl", false),
            ("/home/ada/.pi/p_1/other/run-0/session.jsonl", false),
        ] {
            assert_eq!(is_same_file(written, file), is_same, "{written}");
        }
    }
}
