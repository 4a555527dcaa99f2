//! The offers of setup: plugins of the agents on this machine, and past sessions.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use crate::setup::Newcomer;
use crate::setup::terminal::open_with_path;
use crate::support::env::{API_KEY, Outcome};
use crate::support::session::Session;

/// Installs stand-ins for agents that record their calls.
fn install(user: &Newcomer, names: &[&str]) -> String {
    for name in names {
        let script = format!("#!/bin/sh\necho \"{name} $*\" >> \"$HOME/calls\"\n");
        let path = user.env.write(format!("bin/{name}"), script);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it is ours");
    }
    format!("{}:/usr/bin:/bin", user.env.root().join("bin").display())
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
    let outcome = set_up(&user, "/usr/bin:/bin", &["--past-sessions"]).success();
    assert_eq!(user.posthog.events().len() as u64, 2 + session.events());
    let page = format!("/llm-analytics/traces/{}", session.id);
    outcome
        .complains("the newest session in PostHog:")
        .complains(&page);
}

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
    let program: PathBuf = user.env.root().join("bin/pi");
    fs::write(&program, "#!/bin/sh\nexit 7\n").expect("it is ours");
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
