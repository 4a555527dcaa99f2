//! The files of Pi's sessions.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

use super::children;
use super::header::{header, id_in_name, is_jsonl, started_at};
use crate::host::Host;
use crate::paths;
use crate::sources::links::{self, Bounds};
use crate::sources::regular;
use crate::sources::walk::{Listing, Unreadable};
use crate::variables::Variable;

/// Bytes of the largest settings file to read; they have a few thousand.
const LARGEST_SETTINGS: u64 = 4 << 20;

/// Whether the file is a session of Pi.
#[must_use]
pub(crate) fn is_session(path: &Path) -> bool {
    is_jsonl(path) && matches!(header(path), Ok(Some(_)))
}

/// Whether a file is part of another session, as that of a subagent is, or only looks like a
/// session.
#[must_use]
pub(crate) fn is_part(path: &Path) -> bool {
    children::is_artifact(path) || children::parent(path).is_some()
}

/// The session that the extension names; `None` for a subagent's, which is sent with the one that
/// started it.
#[must_use]
pub(crate) fn named(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    (path.is_file() && !children::is_of_subagent(&path)).then_some(path)
}

/// The files of a session and its subagents.
#[must_use]
pub(crate) fn files(path: &Path) -> Vec<PathBuf> {
    children::looks(path)
}

/// The id of a session, from its header or else from its name.
#[must_use]
pub(crate) fn session_id(path: &Path) -> String {
    let said = header(path).ok().flatten().and_then(|header| header.id);
    said.unwrap_or_else(|| id_in_name(path))
}

/// The key of a session. Pi's own ids are UUIDs and unique; a user may give another id
/// (`--session-id`) to sessions of several projects, which began at different times.
pub(super) fn key_of(id: &str, started_at: Option<DateTime<Utc>>) -> String {
    let is_unique = uuid::Uuid::try_parse(id).is_ok();
    match started_at.filter(|_| !is_unique) {
        Some(at) => format!("{id}@{}", at.timestamp_millis()),
        None => id.to_owned(),
    }
}

/// See [`Session::key`](crate::session::Session::key).
#[must_use]
pub(crate) fn session_key(path: &Path) -> String {
    key_of(&session_id(path), started_at(path))
}

/// `PI_CODING_AGENT_SESSION_DIR`, else `sessionDir` in the user's settings, else `sessions` below
/// `PI_CODING_AGENT_DIR` or `~/.pi/agent`.
#[must_use]
pub(crate) fn sessions_dir(host: &Host) -> Option<PathBuf> {
    own_sessions_dir(host).or_else(|| Some(agent_dir(host)?.join("sessions")))
}

/// The folder of Pi's settings, and of everything else unless another variable names a folder.
pub(crate) fn agent_dir(host: &Host) -> Option<PathBuf> {
    let moved = host.path_variable(Variable::PiDir);
    let moved = moved.map(|path| as_path(path, host));
    moved.or_else(|| {
        host.home
            .as_ref()
            .map(|home| home.join(".pi").join("agent"))
    })
}

/// The sessions of the project in the current directory, by path.
#[must_use]
pub(crate) fn of_project(host: &Host) -> Listing<PathBuf> {
    let Some(cwd) = &host.cwd else {
        return Listing::default();
    };
    if let Some(own) = own_sessions_dir(host) {
        let is_here = |path: &PathBuf| {
            let header = header(path).ok().flatten().unwrap_or_default();
            let began = header.cwd.as_deref().map(Path::new);
            began.is_some_and(|began| paths::are_same(began, cwd))
        };
        let mut all = transcripts(&own, &Bounds::of(host));
        all.found.retain(is_here);
        return all;
    }
    let cwd = cwd.to_string_lossy();
    let name = cwd.strip_prefix(['/', '\\']).unwrap_or(&cwd);
    let name = format!("--{}--", name.replace(['/', '\\', ':'], "-"));
    let folder = sessions_dir(host).map(|sessions| sessions.join(name));
    folder.map_or_else(Listing::default, |folder| {
        transcripts(&folder, &Bounds::of(host))
    })
}

/// The folder that the user chose for sessions, which contains those of all projects.
fn own_sessions_dir(host: &Host) -> Option<PathBuf> {
    let named = host.path_variable(Variable::PiSessionDir);
    let named = named.or_else(|| session_dir_in(&agent_dir(host)?.join("settings.json")));
    let named = as_path(named?, host);
    // Pi resolves a relative path in the directory in which it is started.
    if named.is_absolute() {
        return Some(named);
    }
    let here = host.cwd.as_ref()?.join(named);
    here.is_dir().then_some(here)
}

/// `sessionDir` in the user's settings. That in a project's settings is ignored: a repository must
/// not choose folders to read.
fn session_dir_in(settings: &Path) -> Option<PathBuf> {
    let settings = regular::read_small(settings, LARGEST_SETTINGS).ok()?;
    let settings = String::from_utf8_lossy(&settings);
    // Pi parses them as JavaScript does: other fields cannot make them invalid.
    let fields: HashMap<String, &RawValue> =
        serde_json::from_str(settings.trim_start_matches('\u{feff}')).ok()?;
    let named: String = serde_json::from_str(fields.get("sessionDir")?.get()).ok()?;
    (!named.is_empty()).then(|| PathBuf::from(named))
}

/// Resolves `~` and `file:` URLs as Pi does in every setting of a folder (`normalizePath`, pi
/// 1.6.0).
fn as_path(named: PathBuf, host: &Host) -> PathBuf {
    if let (Ok(rest), Some(home)) = (named.strip_prefix("~"), &host.home) {
        return home.join(rest);
    }
    let url = named
        .to_str()
        .and_then(|named| named.strip_prefix("file://"));
    let path = url.map(|url| url.strip_prefix("localhost").unwrap_or(url));
    match path.filter(|path| path.starts_with('/')) {
        Some(path) => {
            let path = PathBuf::from(without_escapes(path));
            paths::native(&path).unwrap_or(path)
        }
        None => named,
    }
}

/// The path of a URL: `%20` is a space, and `?` or `#` ends it.
fn without_escapes(path: &str) -> String {
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| *first == b'%');
        let digits = digits.filter(|it| it.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.and_then(|it| std::str::from_utf8(it).ok());
        let escaped = digits.and_then(|it| u8::from_str_radix(it, 16).ok());
        bytes.push(escaped.unwrap_or(*first));
        rest = &after[if escaped.is_some() { 2 } else { 0 }..];
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Every session of this user, in no order.
#[must_use]
pub(crate) fn all(host: &Host) -> Listing<PathBuf> {
    let folder = sessions_dir(host);
    folder.map_or_else(Listing::default, |folder| {
        transcripts(&folder, &Bounds::of(host))
    })
}

/// Every session at or below `root`, in no order, without those of subagents, which are parts of
/// others. Links are followed within the bounds and the root.
fn transcripts(root: &Path, bounds: &Bounds) -> Listing<PathBuf> {
    let mut files = links::files(&[root.to_owned()], bounds, |_| true);
    (files.unreadable).retain(|left| left.may_hold(is_jsonl));
    let mut sessions = Listing {
        found: Vec::new(),
        unreadable: files.unreadable,
    };
    for path in files.found.into_iter().filter(|path| is_jsonl(path)) {
        match header(&path) {
            Ok(Some(_)) if is_part(&path) => {}
            Ok(Some(_)) => sessions.found.push(path),
            Ok(None) => {}
            Err(error) => sessions.unreadable.extend(Unreadable::of(&path, &error)),
        }
    }
    sessions
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;

    /// Paths of Windows begin with a drive.
    #[cfg(unix)]
    #[test]
    fn the_folder_of_sessions_is_the_one_that_pi_uses() {
        let mut host = Host::bare(Utc::now);
        assert_eq!(sessions_dir(&host), None);
        host.home = Some(PathBuf::from("/home/ada"));
        for (name, value, expected) in [
            ("UNSET", "", "/home/ada/.pi/agent/sessions"),
            ("PI_CODING_AGENT_DIR", "/pi", "/pi/sessions"),
            ("PI_CODING_AGENT_DIR", "~/pi", "/home/ada/pi/sessions"),
            ("PI_CODING_AGENT_SESSION_DIR", "/all", "/all"),
            ("PI_CODING_AGENT_SESSION_DIR", "~/all", "/home/ada/all"),
            ("PI_CODING_AGENT_SESSION_DIR", "file:///a%20b", "/a b"),
            ("PI_CODING_AGENT_DIR", "file:///pi", "/pi/sessions"),
        ] {
            let found = sessions_dir(&host.clone().with(name, value));
            assert_eq!(found, Some(PathBuf::from(expected)), "{name}={value}");
        }
    }

    #[cfg(windows)]
    #[test]
    fn the_folder_of_sessions_may_be_on_any_drive() {
        let mut host = Host::bare(Utc::now);
        host.home = Some(PathBuf::from(r"C:\Users\ada"));
        for (name, value, expected) in [
            ("PI_CODING_AGENT_SESSION_DIR", r"D:\all", r"D:\all"),
            ("PI_CODING_AGENT_SESSION_DIR", r"~\all", r"C:\Users\ada\all"),
            ("PI_CODING_AGENT_SESSION_DIR", "file:///D:/a%20b", r"D:\a b"),
            ("PI_CODING_AGENT_DIR", r"D:\pi", r"D:\pi\sessions"),
        ] {
            let found = sessions_dir(&host.clone().with(name, value));
            assert_eq!(found, Some(PathBuf::from(expected)), "{name}={value}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_settings_name_the_folder_of_sessions_if_no_variable_does() {
        let home = tempfile::tempdir().unwrap();
        let mut host = Host::bare(Utc::now);
        host.home = Some(home.path().to_owned());
        let usual = home.path().join(".pi/agent/sessions");
        std::fs::create_dir_all(home.path().join(".pi/agent")).unwrap();
        std::fs::create_dir_all(home.path().join("project/all")).unwrap();
        host.cwd = Some(home.path().join("project"));
        for (settings, expected) in [
            (r#"{"sessionDir":"/all"}"#, PathBuf::from("/all")),
            (r#"{"sessionDir":"~/all"}"#, home.path().join("all")),
            (
                r#"{"sessionDir":"file:///a%20b%C3%A9%zz?x#y"}"#,
                "/a b\u{e9}%zz".into(),
            ),
            (r#"{"sessionDir":"file://localhost/all"}"#, "/all".into()),
            ("\u{feff}{\"sessionDir\":\"/all\"}", "/all".into()),
            (
                r#"{"sessionDir":"/old","sessionDir":"/all"}"#,
                "/all".into(),
            ),
            (
                r#"{"x":1e999,"y":"\ud800","sessionDir":"/all"}"#,
                "/all".into(),
            ),
            (r#"{"sessionDir":"all"}"#, home.path().join("project/all")),
            (r#"{"sessionDir":"missing"}"#, usual.clone()),
            (r#"{"sessionDir":""}"#, usual.clone()),
            (r#"{"sessionDir":7}"#, usual.clone()),
            ("{", usual.clone()),
        ] {
            std::fs::write(home.path().join(".pi/agent/settings.json"), settings).unwrap();
            assert_eq!(sessions_dir(&host), Some(expected), "{settings}");
            let moved = host
                .clone()
                .with("PI_CODING_AGENT_SESSION_DIR", "/elsewhere");
            assert_eq!(sessions_dir(&moved), Some(PathBuf::from("/elsewhere")));
        }
    }

    #[test]
    fn the_id_follows_the_time_in_a_file_name() {
        for (name, id) in [
            ("2026-11-21T00-26-47-847Z_multi-1.jsonl", "multi-1"),
            ("2026-11-21T00-26-47-847Z_a_b.jsonl", "a_b"),
            ("alone.jsonl", "alone"),
        ] {
            assert_eq!(id_in_name(Path::new(name)), id);
        }
    }
}
