//! The sessions that are open now.
//!
//! Recent versions of Claude Code write `sessions/<pid>.json` below their configuration folder
//! while a process has a session open, and remove it when the process exits. A process that was
//! killed leaves its file behind, so the process must exist too.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::host::Host;
use crate::sources::claude_code::places::{config_dir, config_dirs, config_dirs_of, is_of_cowork};

/// Open sessions, as far as known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Running {
    /// Unknown: this version of Claude Code does not record them.
    Unknown,
    /// These ids and no others.
    Sessions(HashSet<String>),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    pid: u32,
    session_id: String,
}

/// The sessions that are open, in all folders of Claude Code.
#[must_use]
pub fn running(host: &Host) -> Running {
    running_in_any(&config_dirs(host))
}

fn running_in_any(folders: &[PathBuf]) -> Running {
    let mut open = Running::Unknown;
    for config in folders {
        open = match (open, running_in(config)) {
            (Running::Sessions(mut some), Running::Sessions(others)) => {
                some.extend(others);
                Running::Sessions(some)
            }
            (Running::Unknown, others) => others,
            (some, Running::Unknown) => some,
        };
    }
    open
}

/// The sessions that are open in the Claude Code folder of a transcript. For a transcript outside
/// of such folders, the folder in force is read. For one of Cowork, nothing is known.
#[must_use]
pub fn running_beside(transcript: &Path, host: &Host) -> Running {
    if is_of_cowork(transcript) {
        return Running::Unknown;
    }
    let mut folders = config_dirs_of(transcript, host);
    if folders.is_empty() {
        folders.extend(config_dir(host));
    }
    running_in_any(&folders)
}

fn running_in(config: &Path) -> Running {
    let Ok(files) = fs::read_dir(config.join("sessions")) else {
        return Running::Unknown;
    };
    let entries = files.filter_map(|file| entry(&file.ok()?.path()));
    Running::Sessions(
        entries
            .filter(|entry| is_alive(entry.pid))
            .map(|entry| entry.session_id)
            .collect(),
    )
}

fn entry(path: &Path) -> Option<Entry> {
    if path.extension()? != "json" {
        return None;
    }
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Whether a process runs, as far as the system shows.
#[cfg(unix)]
#[must_use]
pub fn is_alive(pid: u32) -> bool {
    use rustix::io::Errno;
    use rustix::process::{Pid, test_kill_process};
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    // A process that may not be signalled exists.
    pid.is_some_and(|pid| !matches!(test_kill_process(pid), Err(Errno::SRCH)))
}

/// Whether a process runs, as far as the system shows.
#[cfg(windows)]
#[must_use]
pub fn is_alive(pid: u32) -> bool {
    use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};
    let pid = Pid::from_u32(pid);
    let which = ProcessesToUpdate::Some(&[pid]);
    let mut system = System::new();
    system.refresh_processes_specifics(which, true, ProcessRefreshKind::nothing());
    system.process(pid).is_some()
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;

    #[test]
    fn a_session_is_open_while_its_process_lives() {
        let home = tempfile::tempdir().unwrap();
        let mut host = Host::bare(Utc::now);
        host.home = Some(home.path().to_owned());
        assert_eq!(running(&host), Running::Unknown);

        let sessions = home.path().join(".claude/sessions");
        fs::create_dir_all(&sessions).unwrap();
        let living = std::process::id();
        // Prints how it is to be used, and ends.
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        let child = child.arg("--help").stdout(std::process::Stdio::null());
        let mut child = child.spawn().unwrap();
        let dead = child.id();
        child.wait().unwrap();
        for (pid, id) in [(living, "living"), (dead, "dead")] {
            let entry = format!(r#"{{"pid":{pid},"sessionId":"{id}","cwd":"/p"}}"#);
            fs::write(sessions.join(format!("{pid}.json")), entry).unwrap();
        }
        fs::write(sessions.join("1.key"), "{}").unwrap();
        assert_eq!(
            running(&host),
            Running::Sessions(HashSet::from(["living".to_owned()]))
        );
        for (transcript, knows) in [
            (".claude/projects/p/living.jsonl", true),
            ("copies/living.jsonl", true),
            // An older version, which does not record sessions.
            (".config/claude/projects/p/living.jsonl", false),
            (
                ".config/Claude/local-agent-mode-sessions/o/a/t/.claude/projects/p/1.jsonl",
                false,
            ),
        ] {
            let open = running_beside(&home.path().join(transcript), &host);
            assert_eq!(open != Running::Unknown, knows, "{transcript}");
        }
    }
}
