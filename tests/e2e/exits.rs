//! The wait of the hook for each way to end a session of the real Claude Code.

use super::claude::Claude;
use super::terminal::Terminal;
use super::{SOON, cli_or_skip};
use crate::support::posthog::{Fault, PostHog};
use crate::support::process::{Process, kill_all, wait_for};

/// The value of `--wait` with which the hook started the detached process.
fn waited_for(claude: &Claude) -> String {
    let state = claude.state();
    let arguments = wait_for("the hook was called", SOON, || {
        let process = Process::detached(&state)
            .into_iter()
            .map(Process::arguments);
        let mut ended = process.filter(|words| words.iter().any(|word| word == "collect"));
        ended.next_back()
    });
    let wait = arguments
        .iter()
        .find_map(|word| word.strip_prefix("--wait="));
    let wait = wait.unwrap_or_else(|| panic!("{arguments:?}")).to_owned();
    kill_all(&state);
    wait
}

/// A way to end a session at the prompt. The program may go on.
type Way = fn(&mut Terminal);

const AT_THE_PROMPT: [(&str, Way); 4] = [
    ("/exit", |terminal| terminal.enter("/exit")),
    ("/clear", |terminal| terminal.enter("/clear")),
    ("Ctrl-C twice", |terminal| twice(terminal, "\x03")),
    ("Ctrl-D twice", |terminal| twice(terminal, "\x04")),
];

fn twice(terminal: &mut Terminal, key: &str) {
    terminal.press(key);
    terminal.wait_until_shown(SOON, "again");
    terminal.press(key);
}

#[test]
fn a_person_who_ends_a_session_at_the_prompt_waits_briefly() {
    let Some(cli) = cli_or_skip() else { return };
    for (name, end) in AT_THE_PROMPT {
        let posthog = PostHog::start();
        let claude = Claude::with_plugin(&cli).sending_to(&posthog);
        posthog.set(Fault::NoAnswer);
        let mut terminal = claude.open(&["hello"]);
        claude.wait_for_line(SOON, |line| line["subtype"] == "turn_duration");
        end(&mut terminal);
        assert_eq!(waited_for(&claude), "briefly", "{name}");
    }
}

#[test]
fn a_terminal_that_is_gone_is_waited_for_until_the_session_is_sent() {
    let Some(cli) = cli_or_skip() else { return };
    let posthog = PostHog::start();
    let claude = Claude::with_plugin(&cli).sending_to(&posthog);
    posthog.set(Fault::NoAnswer);
    let terminal = claude.open(&["hello"]);
    claude.wait_for_line(SOON, |line| line["subtype"] == "turn_duration");
    terminal.terminate();
    assert_eq!(waited_for(&claude), "sent");
}

#[test]
fn a_session_without_a_terminal_is_waited_for_until_it_is_sent() {
    let Some(cli) = cli_or_skip() else { return };
    let posthog = PostHog::start();
    let claude = Claude::with_plugin(&cli).sending_to(&posthog);
    posthog.set(Fault::NoAnswer);
    claude.prompt("hello").success();
    assert_eq!(waited_for(&claude), "sent");
}
