//! How a session of Claude Code ended: whether a person waits for the hook, and whether every
//! process ends together with Claude Code.
//!
//! Observed with version 2.1.332, in a pseudo-terminal and without one:
//!
//! | ended by | `reason` | `CLAUDE_CODE_ENTRYPOINT` | `CLAUDE_CODE_SESSION_ATTENDED` |
//! |---|---|---|---|
//! | `/exit`, Ctrl-C twice, Ctrl-D twice | `prompt_input_exit` | `cli` | `1` |
//! | `/clear` | `clear` | `cli` | `1` |
//! | closed terminal (SIGHUP), SIGTERM | `other` | `cli` | `1` |
//! | `claude --bg`, then `claude stop` | `other` | `cli` | `0` |
//! | `claude -p`, also with `--input-format stream-json` | `other` | `sdk-cli` | `0` |
//! | an SDK | `other` | set by the SDK, such as `sdk-ts` | `0` |
//!
//! Claude Code waits for all `SessionEnd` hooks together as long as
//! `CLAUDE_CODE_SESSIONEND_HOOKS_TIMEOUT_MS` says, otherwise 1.5 seconds, or the longest `timeout`
//! of a `SessionEnd` hook in a settings file if that is more; then it kills them. It runs each hook
//! in a session of its own (`setsid`) without a terminal. It does not wait for a hook with `async`,
//! nor for processes that a hook leaves behind, and ends neither.

use std::fs;

use crate::host::Host;
use crate::variables::Variable;

/// Values of `reason` when a person ended the session at the prompt. The last one is of versions
/// before 2.1.332.
const BY_A_PERSON: [&str; 5] = [
    "prompt_input_exit",
    "clear",
    "resume",
    "logout",
    "bypass_permissions_disabled",
];

/// The entrypoint of Claude Code in a terminal.
const TERMINAL: &str = "cli";

/// Whether a person ended the session at the prompt, and waits. `false` when in doubt.
#[must_use]
pub fn is_attended(reason: Option<&str>, host: &Host) -> bool {
    let told = |variable| host.variable(variable).ok().flatten();
    let is_by_a_person = reason.is_some_and(|reason| BY_A_PERSON.contains(&reason));
    // Both variables are missing in older versions.
    let in_terminal = told(Variable::ClaudeEntrypoint).is_none_or(|entry| entry == TERMINAL);
    is_by_a_person && in_terminal && told(Variable::ClaudeAttended) != Some("0")
}

/// Whether all processes on the machine end when Claude Code does: it is the main process of a
/// container (or of a service), or was started by the main process. A container that Claude Code
/// was started in later (`docker exec`, a development container) goes on.
#[must_use]
pub fn is_main_process(host: &Host) -> bool {
    let pid = host.variable(Variable::ClaudePid).ok().flatten();
    let pid: Option<u32> = pid.and_then(|pid| pid.parse().ok());
    pid.is_some_and(|pid| pid == 1 || parent(pid) == Some(1))
}

/// The parent of a process, if `/proc` shows it.
fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat);
    // The name in parentheses may contain anything; after it: state, parent.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;

    #[test]
    fn a_person_waits_only_where_one_ended_the_session_at_the_prompt() {
        let cli = Some("cli");
        for (reason, entrypoint, attended, expected) in [
            (Some("prompt_input_exit"), cli, Some("1"), true),
            (Some("clear"), cli, Some("1"), true),
            (Some("logout"), cli, Some("1"), true),
            // Versions that set fewer variables.
            (Some("prompt_input_exit"), cli, None, true),
            (Some("prompt_input_exit"), None, None, true),
            // A closed terminal, and a machine that is shut down.
            (Some("other"), cli, Some("1"), false),
            (None, cli, Some("1"), false),
            (Some("of a later version"), cli, Some("1"), false),
            // In the background, without a terminal, of an SDK or another program.
            (Some("prompt_input_exit"), cli, Some("0"), false),
            (Some("other"), Some("sdk-cli"), Some("0"), false),
            (Some("clear"), Some("sdk-cli"), None, false),
            (Some("prompt_input_exit"), Some("sdk-ts"), Some("0"), false),
            (
                Some("prompt_input_exit"),
                Some("claude-vscode"),
                None,
                false,
            ),
        ] {
            let mut host = Host::bare(Utc::now);
            for (variable, value) in [
                (Variable::ClaudeEntrypoint, entrypoint),
                (Variable::ClaudeAttended, attended),
            ] {
                if let Some(value) = value {
                    host.set(variable, value);
                }
            }
            let case = (reason, entrypoint, attended);
            assert_eq!(is_attended(reason, &host), expected, "{case:?}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_main_process_of_a_machine_is_its_first_or_a_child_of_that() {
        let own = std::process::id();
        assert_eq!(parent(own), Some(std::os::unix::process::parent_id()));
        for (pid, expected) in [
            ("1", true),
            ("", false),
            ("x", false),
            ("4294967295", false),
        ] {
            let host = Host::bare(Utc::now).with(Variable::ClaudePid.name(), pid);
            assert_eq!(is_main_process(&host), expected, "{pid}");
        }
        let child = std::process::Command::new("sleep").arg("60").spawn();
        let mut child = child.unwrap();
        let pid = child.id().to_string();
        let host = Host::bare(Utc::now).with(Variable::ClaudePid.name(), &pid);
        assert_eq!(is_main_process(&host), own == 1);
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
