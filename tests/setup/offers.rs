//! The offers of setup: plugins of the agents on this machine, and past sessions.

use std::fs;
use std::path::PathBuf;

use crate::setup::Newcomer;
#[cfg(target_os = "linux")]
use crate::setup::terminal::open_with_path;
use crate::support::env::{API_KEY, Outcome};
use crate::support::session::Session;

/// Installs a stand-in for an agent. On Windows, programs of npm are scripts such as `claude.cmd`.
fn install_one(user: &Newcomer, name: &str, script: &str) {
    if cfg!(windows) {
        user.env
            .write(format!("bin/{name}.cmd"), format!("@{script}\r\n"));
    } else {
        let script = format!("#!/bin/sh\n{script}\n");
        user.env.write_executable(format!("bin/{name}"), script);
    }
}

/// Installs stand-ins for agents that record their calls, and returns the search path.
fn install(user: &Newcomer, names: &[&str]) -> String {
    for name in names {
        let script = if cfg!(windows) {
            format!("echo {name} %*>>\"%USERPROFILE%\\calls\"")
        } else {
            format!("echo \"{name} $*\" >> \"$HOME/calls\"")
        };
        install_one(user, name, &script);
    }
    let own = user.env.root().join("bin");
    let paths = [own].into_iter().chain(system_path());
    let path = std::env::join_paths(paths).expect("no path has a separator");
    path.into_string().expect("it is text")
}

/// The folders of the system's programs, which hold no agent.
fn system_path() -> Vec<PathBuf> {
    let system = std::env::var_os("SystemRoot").map(|root| PathBuf::from(root).join("System32"));
    system.map_or_else(
        || vec!["/usr/bin".into(), "/bin".into()],
        |folder| vec![folder],
    )
}

/// The calls of the stand-ins, in their order.
fn calls(user: &Newcomer) -> Vec<String> {
    let calls = fs::read_to_string(user.env.home().join("calls")).unwrap_or_default();
    calls.lines().map(str::to_owned).collect()
}

fn set_up(user: &Newcomer, path: &str, more: &[&str]) -> Outcome {
    let url = user.posthog.url();
    let arguments = ["setup", "--host", &url, "--key", "-"];
    let run = user.env.command(arguments.iter().chain(more));
    let outcome = run.env("PATH", path).stdin(format!("{API_KEY}\n")).run();
    outcome.never_mentions(API_KEY)
}

const CLAUDE: [&str; 2] = [
    "claude plugin marketplace add posthog-llma/posthog-llma",
    "claude plugin install posthog@posthog-llma",
];
const OPENCODE: &str = "opencode plugin --global --force posthog-llma-opencode";
const PI: &str = "pi install npm:posthog-llma-pi";

#[test]
fn without_a_terminal_the_commands_are_named_and_nothing_is_done() {
    let user = Newcomer::new();
    let path = install(&user, &["claude", "opencode"]);
    Session::write(&user.env, 1, 1);
    let outcome = set_up(&user, &path, &[]).success();
    assert_eq!(calls(&user), Vec::<String>::new());
    // Only the events of the test.
    assert_eq!(user.posthog.events().len(), 2);
    outcome
        .complains(CLAUDE[0])
        .complains(CLAUDE[1])
        .complains(OPENCODE)
        .complains("1 past session (0 MB) are here; posthog-llma ingest --all sends them")
        .complains("open the trace");
}

#[test]
fn yes_installs_what_is_here_and_sends_no_past_session() {
    let user = Newcomer::new();
    let path = install(&user, &["claude", "pi"]);
    Session::write(&user.env, 1, 1);
    set_up(&user, &path, &["--yes"]).success();
    assert_eq!(calls(&user), [CLAUDE[0], CLAUDE[1], PI]);
    assert_eq!(user.posthog.events().len(), 2);
}

#[test]
fn past_sessions_are_sent_when_asked_for_and_the_newest_is_linked() {
    let user = Newcomer::new();
    let session = Session::write(&user.env, 1, 1);
    let path = install(&user, &[]);
    let outcome = set_up(&user, &path, &["--past-sessions"]).success();
    assert_eq!(user.posthog.events().len() as u64, 2 + session.events());
    let page = format!("/llm-analytics/traces/{}", session.id);
    outcome
        .complains("the newest session in PostHog:")
        .complains(&page);
}

#[cfg(target_os = "linux")]
#[test]
fn each_is_asked_for_by_itself_and_a_no_is_a_no() {
    let user = Newcomer::new();
    let path = install(&user, &["claude", "pi"]);
    let session = Session::write(&user.env, 1, 1);
    let mut terminal = open_with_path(&user, "setup", &path);
    terminal.expect("[us]: ").enter(&user.posthog.url());
    terminal.expect("not shown): ").enter(API_KEY);
    terminal.expect("privacy mode? [y/N] ").enter("");
    terminal.expect("wrote POSTHOG_API_KEY");
    terminal
        .expect("Claude Code is here")
        .expect("[Y/n] ")
        .enter("n");
    terminal
        .expect("Pi is here")
        .expect("[Y/n] ")
        .enter("perhaps");
    terminal
        .expect("neither yes nor no")
        .expect("[Y/n] ")
        .enter("");
    terminal.expect("send them now? [y/N] ").enter("yes");
    // A long address ends the line there.
    terminal.expect("the newest session in PostHog:");
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(0), "{screen}");
    assert!(screen.contains(CLAUDE[1]), "{screen}");
    assert_eq!(calls(&user), [PI]);
    assert_eq!(user.posthog.events().len() as u64, 2 + session.events());
}

#[cfg(target_os = "linux")]
#[test]
fn a_stop_at_an_offer_keeps_what_was_saved() {
    let user = Newcomer::new();
    let path = install(&user, &["claude"]);
    let mut terminal = open_with_path(&user, "setup; echo ended with $?", &path);
    terminal.expect("[us]: ").enter(&user.posthog.url());
    terminal.expect("not shown): ").enter(API_KEY);
    terminal.expect("privacy mode? [y/N] ").enter("");
    terminal.expect("[Y/n] ").enter("\u{3}");
    let (_, screen) = terminal.end();
    assert!(screen.contains("the settings are saved"), "{screen}");
    assert!(screen.contains("ended with 130"), "{screen}");
    assert_eq!(user.variable("POSTHOG_API_KEY"), API_KEY);
    assert_eq!(calls(&user), Vec::<String>::new());
}

#[test]
fn an_installation_that_fails_is_told() {
    let user = Newcomer::new();
    let path = install(&user, &["pi"]);
    install_one(&user, "pi", "exit 7");
    let outcome = set_up(&user, &path, &["--yes"]).code(1);
    outcome.complains("the plugin of Pi is not installed");
}

#[test]
fn nothing_is_offered_for_a_single_project_or_what_is_there_already() {
    let user = Newcomer::new();
    let path = install(&user, &["claude"]);
    user.install_plugin();
    set_up(&user, &path, &["--yes"]).success();
    assert_eq!(calls(&user), Vec::<String>::new());
}
