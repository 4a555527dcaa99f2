//! The files of Claude Code's sessions.

use std::cell::RefCell;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::beside::Beside;
use super::first_lines::{FirstFacts, first_facts};
use super::names::{agent_id, is_jsonl, is_transcript};
use super::neighbours::Neighbours;
use super::places::{config_dirs, projects_dirs};
use super::wire::AgentMeta;
use crate::host::Host;
use crate::sources::lenient;
use crate::sources::links::{self, Bounds};
use crate::sources::times::parse_time;
use crate::sources::walk::{self, Listing, Unreadable};

/// Bytes of the largest metadata file to read; they have a few hundred.
const LARGEST_META: u64 = 64 << 10;

/// Name of the folder of a session's subagents.
const SUBAGENTS: &str = "subagents";

/// Characters after which Claude Code cuts the names of project folders.
const LONGEST_SLUG: usize = 200;

/// The files of one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SessionFiles {
    /// The session's id, from its lines or else from the name of the transcript.
    pub session_id: String,
    /// The transcript of the main conversation.
    pub transcript: PathBuf,
    /// The transcripts of its subagents, the oldest first.
    pub agents: Vec<AgentFile>,
    /// Folders that may contain more of them and cannot be listed.
    pub unlisted: Vec<Unreadable>,
}

/// The transcript of a subagent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AgentFile {
    /// The path.
    pub path: PathBuf,
    /// The agent's id, as in the file's name.
    pub id: String,
    /// Its type, if recorded.
    pub kind: Option<String>,
    /// Its role, if its type is not recorded.
    pub role: Option<&'static str>,
    /// Whether Claude Code started it for internal purposes.
    pub is_internal: bool,
    /// The tool call that started it, if recorded.
    pub call: Option<String>,
    /// Time of its first line.
    pub began_at: Option<DateTime<Utc>>,
    /// Size in bytes.
    pub bytes: u64,
}

/// Every session of this user, in no order.
pub(in crate::sources) fn all(host: &Host) -> Listing<PathBuf> {
    let mut all = projects_dirs(host);
    let transcripts = transcripts(&all.found, &Bounds::of(host));
    all.found = transcripts.found;
    all.unreadable.extend(transcripts.unreadable);
    all
}

/// Every session of the project in the current directory.
pub(in crate::sources) fn of_project(host: &Host) -> Listing<PathBuf> {
    let Some(cwd) = &host.cwd else {
        return Listing::default();
    };
    let projects = config_dirs(host).into_iter().map(|it| it.join("projects"));
    let mut own: Listing<PathBuf> = Listing::default();
    for projects in projects {
        own.append(project_dir(cwd, &projects));
    }
    let found = transcripts(&own.found, &Bounds::of(host));
    own.found = found.found;
    own.unreadable.extend(found.unreadable);
    own
}

/// The transcript of the session of that id.
#[must_use]
pub(super) fn locate(id: &str, host: &Host) -> Option<PathBuf> {
    let is_id = |id: &str| {
        id.chars()
            .all(|it| it.is_ascii_alphanumeric() || "-_".contains(it))
    };
    if id.is_empty() || !is_id(id) {
        return None;
    }
    let name = format!("{id}.jsonl");
    let roots = projects_dirs(host).found;
    let bounds = Bounds::of(host).and(&roots);
    let projects = roots.iter().flat_map(|root| walk::entries(root).found);
    let candidates = projects.map(|project| project.join(&name));
    // If there are several, the most recently written one.
    candidates
        .filter(|path| dunce::canonicalize(path).is_ok_and(|real| bounds.hold(&real)))
        .filter_map(|path| {
            let meta = path.metadata().ok().filter(fs::Metadata::is_file)?;
            Some((meta.modified().ok()?, path))
        })
        .max()
        .map(|(_, path)| path)
}

/// The folder of a project, which exists if the project has sessions.
fn project_dir(cwd: &Path, projects: &Path) -> Listing<PathBuf> {
    let slug: String = cwd
        .to_string_lossy()
        .chars()
        .map(|character| {
            if character.is_ascii_alphanumeric() {
                character
            } else {
                '-'
            }
        })
        .collect();
    if slug.len() <= LONGEST_SLUG {
        return Listing {
            found: vec![projects.join(&slug)],
            unreadable: Vec::new(),
        };
    }
    // Longer names end in a hash that only Claude Code can compute.
    let mut entries = walk::entries(projects);
    entries.found.retain(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(&slug[..LONGEST_SLUG])
    });
    entries
}

/// Every transcript at or below `roots`, by path, and the first subagent's transcript of sessions
/// of which only subagents are left. Links are followed within the bounds and the roots.
pub(in crate::sources) fn transcripts(roots: &[PathBuf], bounds: &Bounds) -> Listing<PathBuf> {
    let subagents = RefCell::new(Vec::new());
    let mut files = links::files(roots, bounds, |folder| {
        let name = folder.file_name().unwrap_or_default();
        if name == SUBAGENTS {
            subagents.borrow_mut().push(folder.to_owned());
        }
        name != SUBAGENTS && name != "tool-results"
    });
    files.found.retain(|path| is_transcript(path));
    (files.unreadable).retain(|left| left.may_hold(is_jsonl));
    for folder in subagents.into_inner() {
        if is_left_alone(&folder) {
            let mut left = files_of_agents(&folder, &bounds.clone().and(roots));
            left.found
                .retain(|path| is_jsonl(path) && agent_id(path).is_some());
            left.found.truncate(1);
            files.append(left);
        }
    }
    files
}

/// Whether the session of the subagents in this folder is missing: the folder around it is named
/// after the session, and contains no transcript.
fn is_left_alone(subagents: &Path) -> bool {
    let Some(folder) = subagents.parent() else {
        return false;
    };
    let Some(session) = folder.file_name() else {
        return false;
    };
    let mut transcript = session.to_owned();
    transcript.push(".jsonl");
    let holds_transcript = || {
        walk::entries(folder)
            .found
            .iter()
            .any(|it| is_transcript(it))
    };
    !folder.with_file_name(transcript).exists() && !holds_transcript()
}

/// The folder of subagents without a session that this transcript represents.
fn left_alone(transcript: &Path) -> Option<&Path> {
    let mut folders = transcript.ancestors().skip(1);
    let folder = folders.find(|folder| folder.file_name().is_some_and(|it| it == SUBAGENTS))?;
    is_left_alone(folder).then_some(folder)
}

/// The id in the names of a session's files.
#[must_use]
pub(super) fn named(transcript: &Path) -> Option<String> {
    let of_subagents = left_alone(transcript).and_then(Path::parent);
    let name = of_subagents.and_then(Path::file_name);
    let name = name.or_else(|| transcript.file_stem())?;
    Some(name.to_string_lossy().into_owned())
}

/// The files of the session with this transcript. Its subagents are searched in folders of the user
/// and in that of the transcript, even behind links.
///
/// # Errors
/// When the transcript does not exist or is not a regular file. Subagents that cannot be read, and
/// folders that cannot be listed or lead elsewhere, are reported by the reader.
pub(crate) fn session_files(transcript: &Path, host: &Host) -> io::Result<SessionFiles> {
    if !fs::metadata(transcript)?.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "is not a regular file",
        ));
    }
    let alone = left_alone(transcript);
    let places = [Some(transcript.to_owned()), linked(transcript)];
    let places: Vec<PathBuf> = places.into_iter().flatten().collect();
    let named: Vec<PathBuf> = places
        .iter()
        .filter_map(|it| it.parent())
        .map(Path::to_owned)
        .collect();
    let bounds = Bounds::of(host).and(&named);
    let mut candidates = Listing::default();
    if let Some(folder) = alone {
        candidates.append(files_of_agents(folder, &bounds));
    } else {
        for transcript in places {
            let own = transcript.with_extension("").join(SUBAGENTS);
            candidates.append(files_of_agents(&own, &bounds));
        }
    }
    let mut agents: Vec<AgentFile> = Vec::new();
    let others = candidates.found.iter().filter(|path| *path != transcript);
    agents.extend(others.filter_map(|path| agent_file(path)));
    if alone.is_none() {
        let beside = siblings(transcript);
        agents.extend(beside.found);
        candidates.unreadable.extend(beside.unreadable);
    }
    // If two files contain the same lines, the shorter one was copied.
    agents.sort_by(|a, b| (a.began_at, a.bytes, &a.path).cmp(&(b.began_at, b.bytes, &b.path)));
    Ok(SessionFiles {
        session_id: session_id(transcript),
        transcript: transcript.to_owned(),
        agents,
        unlisted: candidates.unreadable,
    })
}

/// The files in a folder of subagents, unless it is outside the bounds.
fn files_of_agents(folder: &Path, bounds: &Bounds) -> Listing<PathBuf> {
    match dunce::canonicalize(folder) {
        Ok(real) if !bounds.hold(&real) => Listing {
            found: Vec::new(),
            unreadable: vec![Unreadable::leading_out(folder, real)],
        },
        _ => walk::files(folder, |_| true),
    }
}

/// The target of a transcript that is a symbolic link: its subagents may be there.
fn linked(transcript: &Path) -> Option<PathBuf> {
    let is_link = transcript.symlink_metadata().ok()?.is_symlink();
    is_link
        .then(|| dunce::canonicalize(transcript).ok())
        .flatten()
}

/// The id of a session, from its lines or else from the name of its transcript. If the first line
/// belongs to another session with a transcript near this one, the name counts.
#[must_use]
pub(super) fn session_id(transcript: &Path) -> String {
    let said = first_facts(transcript).and_then(|facts| facts.session);
    let named = named(transcript);
    let is_own =
        |said: &String| Some(said) == named.as_ref() || transcript_of(said, transcript).is_none();
    said.filter(is_own).or(named).unwrap_or_default()
}

/// The transcript of a session near another one: in the same folder, or else in another project of
/// the same folder of Claude Code.
pub(super) fn transcript_of(session: &str, near: &Path) -> Option<PathBuf> {
    let is_plain = session
        .bytes()
        .all(|it| it.is_ascii_alphanumeric() || it == b'-');
    if !is_plain || session.is_empty() {
        return None;
    }
    let name = format!("{session}.jsonl");
    let beside = near.with_file_name(&name);
    if beside.is_file() {
        return Some(beside);
    }
    let others = Neighbours::of(near);
    others.elsewhere(&name, near.parent()?).map(Path::to_owned)
}

/// The subagents in the session's own folder, where version 2.0 kept them; their first line names
/// their session.
fn siblings(transcript: &Path) -> Listing<AgentFile> {
    let Some(folder) = transcript.parent() else {
        return Listing::default();
    };
    let beside = Beside::of(folder);
    let mut files = Listing {
        found: Vec::new(),
        unreadable: beside.unreadable.clone(),
    };
    if !beside.by_session.is_empty() {
        let session = first_facts(transcript).and_then(|facts| facts.session);
        let own = session.and_then(|session| beside.by_session.get(&session));
        files.found = own
            .into_iter()
            .flatten()
            .filter_map(|it| agent_file(it))
            .collect();
    }
    files
}

fn agent_file(path: &Path) -> Option<AgentFile> {
    let id = agent_id(path).filter(|_| is_jsonl(path))?;
    let meta = read_meta(&path.with_extension("meta.json")).unwrap_or_default();
    let bytes = fs::metadata(path).map_or(0, |meta| meta.len());
    let facts = first_facts(path).unwrap_or_default();
    let internal = internal_kind(&id);
    let role = role(path, &facts);
    Some(AgentFile {
        path: path.to_owned(),
        id,
        kind: internal.map(str::to_owned).or(meta.agent_type),
        role,
        is_internal: internal.is_some(),
        call: meta.tool_use_id,
        began_at: facts.timestamp.as_deref().and_then(parse_time),
        bytes,
    })
}

/// The role of an agent: agents of a workflow are in a folder of that name, and a teammate is woken
/// by a message.
fn role(path: &Path, facts: &FirstFacts) -> Option<&'static str> {
    if path
        .components()
        .any(|part| part.as_os_str() == "workflows")
    {
        return Some("workflow");
    }
    facts.is_teammate.then_some("teammate")
}

/// The purpose of an internal agent, which is a prefix of its id.
fn internal_kind(id: &str) -> Option<&'static str> {
    const KINDS: [(&str, &str); 3] = [
        ("acompact-", "compaction"),
        ("aside_question-", "side question"),
        ("aprompt_suggestion-", "prompt suggestion"),
    ];
    KINDS
        .iter()
        .find(|(prefix, _)| id.starts_with(prefix))
        .map(|(_, kind)| *kind)
}

fn read_meta(path: &Path) -> Option<AgentMeta> {
    let meta = fs::symlink_metadata(path).ok()?;
    if !meta.is_file() || meta.len() > LARGEST_META {
        return None;
    }
    let text = String::from_utf8(fs::read(path).ok()?).ok()?;
    lenient::read_text(&text)
}
