//! Where Pi keeps its sessions.

use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::super::jsonl::{Lines, objects};
use super::super::times::parse_time;
use super::super::walk::{self, Listing, Unreadable};
use super::wire::Line;
use crate::host::Host;
use crate::variables::Variable;

/// What the first line of a session says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) id: Option<String>,
    pub(super) started_at: Option<DateTime<Utc>>,
    pub(super) cwd: Option<String>,
    /// Whether the session began as a copy of another.
    pub(super) is_fork: bool,
}

/// The header of a session; `None` when the file does not begin with one.
pub(super) fn header(path: &Path) -> io::Result<Option<Header>> {
    let mut lines = Lines::beginning(path)?;
    let mut header = None;
    if let Some(line) = lines.next_line()? {
        objects(&line.text(), |line: Line<'_>| {
            if header.is_none() && line.kind.as_deref() == Some("session") {
                header = Some(Header {
                    started_at: line.timestamp.as_deref().and_then(parse_time),
                    is_fork: line.parent_session.or(line.branched_from).is_some(),
                    id: line.id,
                    cwd: line.cwd.filter(|cwd| !cwd.is_empty()),
                });
            }
        });
    }
    Ok(header)
}

/// Whether the file is a session of Pi.
#[must_use]
pub fn is_session(path: &Path) -> bool {
    is_jsonl(path) && matches!(header(path), Ok(Some(_)))
}

/// The id in a session's file name, `<time>_<id>.jsonl`.
#[must_use]
pub fn id_in_name(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let id = stem.split_once('_').map_or(&*stem, |(_, id)| id);
    id.to_owned()
}

/// The id of a session: what its header says, else what its name does.
#[must_use]
pub fn session_id(path: &Path) -> String {
    let said = header(path).ok().flatten().and_then(|header| header.id);
    said.unwrap_or_else(|| id_in_name(path))
}

/// `PI_CODING_AGENT_SESSION_DIR`, else `sessions` below `PI_CODING_AGENT_DIR` or `~/.pi/agent`.
#[must_use]
pub fn sessions_dir(host: &Host) -> Option<PathBuf> {
    own_sessions_dir(host).or_else(|| Some(agent_dir(host)?.join("sessions")))
}

/// Where Pi keeps its settings, and all else unless another variable says otherwise.
pub(super) fn agent_dir(host: &Host) -> Option<PathBuf> {
    let moved = host.path_variable(Variable::PiDir);
    let moved = moved.map(|path| from_home(path, host));
    moved.or_else(|| host.home.as_ref().map(|home| home.join(".pi/agent")))
}

/// The sessions of the project that the program runs in, in the order of their paths.
#[must_use]
pub fn of_project(host: &Host) -> Listing<PathBuf> {
    let Some(cwd) = &host.cwd else {
        return Listing::default();
    };
    let cwd = cwd.to_string_lossy().into_owned();
    if let Some(own) = own_sessions_dir(host) {
        let is_here = |path: &PathBuf| {
            let header = header(path).ok().flatten().unwrap_or_default();
            header.cwd.as_ref() == Some(&cwd)
        };
        let mut all = transcripts(&own);
        all.found.retain(is_here);
        return all;
    }
    let name = cwd.strip_prefix(['/', '\\']).unwrap_or(&cwd);
    let name = format!("--{}--", name.replace(['/', '\\', ':'], "-"));
    sessions_dir(host).map_or_else(Listing::default, |folder| transcripts(&folder.join(name)))
}

/// Sessions of all projects lie in it side by side.
fn own_sessions_dir(host: &Host) -> Option<PathBuf> {
    let own = host.path_variable(Variable::PiSessionDir)?;
    Some(from_home(own, host))
}

/// Pi takes `~` for the home directory in these variables, wherever they are set.
fn from_home(path: PathBuf, host: &Host) -> PathBuf {
    match (path.strip_prefix("~"), &host.home) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path,
    }
}

/// Every session at or below `root`, in the order of their paths. Symbolic links are not followed.
#[must_use]
pub fn transcripts(root: &Path) -> Listing<PathBuf> {
    let files = walk::files(root, |_| true);
    let mut sessions = Listing {
        found: Vec::new(),
        unreadable: files.unreadable,
    };
    for path in files.found.into_iter().filter(|path| is_jsonl(path)) {
        match header(&path) {
            Ok(Some(_)) => sessions.found.push(path),
            Ok(None) => {}
            Err(error) => sessions.unreadable.extend(Unreadable::of(&path, &error)),
        }
    }
    sessions
}

fn is_jsonl(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "jsonl")
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;

    #[test]
    fn sessions_lie_where_pi_keeps_them() {
        let mut host = Host::bare(Utc::now);
        assert_eq!(sessions_dir(&host), None);
        host.home = Some(PathBuf::from("/home/ada"));
        for (name, value, expected) in [
            ("UNSET", "", "/home/ada/.pi/agent/sessions"),
            ("PI_CODING_AGENT_DIR", "/pi", "/pi/sessions"),
            ("PI_CODING_AGENT_DIR", "~/pi", "/home/ada/pi/sessions"),
            ("PI_CODING_AGENT_SESSION_DIR", "/all", "/all"),
        ] {
            let found = sessions_dir(&host.clone().with(name, value));
            assert_eq!(found, Some(PathBuf::from(expected)), "{name}={value}");
        }
    }

    #[test]
    fn the_id_stands_behind_the_time_in_a_name() {
        for (name, id) in [
            ("2026-11-21T00-26-47-847Z_multi-1.jsonl", "multi-1"),
            ("2026-11-21T00-26-47-847Z_a_b.jsonl", "a_b"),
            ("alone.jsonl", "alone"),
        ] {
            assert_eq!(id_in_name(Path::new(name)), id);
        }
    }
}
