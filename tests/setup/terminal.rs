//! The questions at a terminal. `script` (util-linux) makes one.

use std::process::Command;

use crate::setup::Newcomer;
use crate::support::dialogue::Dialogue;
use crate::support::env::{API_KEY, PROGRAM};

/// The program at a terminal.
fn open(user: &Newcomer, arguments: &str) -> Dialogue {
    let mut command = Command::new("script");
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", user.env.home())
        .env("XDG_CONFIG_HOME", user.env.home().join(".config"))
        .env("TZ", "UTC")
        .current_dir(user.env.project());
    Dialogue::open(command, &format!("{PROGRAM} {arguments}"))
}

#[test]
fn it_asks_until_the_answers_can_be_used_and_the_key_is_never_shown() {
    let user = Newcomer::new();
    let mut terminal = open(&user, "setup");
    terminal
        .expect("[us]: ")
        .enter("http://posthog.example.com");
    terminal
        .expect("is not encrypted")
        .expect("[us]: ")
        .enter(&user.posthog.url());
    terminal.expect("not shown): ").enter("phx_a_personal_key");
    terminal
        .expect("is a personal API key")
        .expect("not shown): ")
        .enter(API_KEY);
    terminal.expect("wrote POSTHOG_API_KEY");
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(0), "{screen}");
    assert!(
        !screen.contains(API_KEY) && !screen.contains("a_personal_key"),
        "{screen}"
    );
    assert_eq!(user.variable("POSTHOG_API_KEY"), API_KEY);
}

#[test]
fn only_what_is_missing_is_asked_and_an_interruption_saves_nothing() {
    let user = Newcomer::new();
    // The shell of `script` then shows the state of the terminal.
    let arguments = format!(
        "setup --host {}; echo ended with $?; stty -a",
        user.posthog.url()
    );
    let mut terminal = open(&user, &arguments);
    terminal.expect("not shown): ").enter("\u{3}");
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(0), "{screen}");
    assert!(
        screen.contains("nothing was saved: interrupted"),
        "{screen}"
    );
    assert!(screen.contains("ended with 1"), "{screen}");
    let is_restored = screen.contains(" echo ") && screen.contains("isig ");
    assert!(is_restored && !screen.contains("-isig"), "{screen}");
    assert_eq!(user.posthog.count(), 0);
    assert!(!user.settings().exists());
}
