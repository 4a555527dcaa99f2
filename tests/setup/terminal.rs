//! The questions at a terminal. `script` (util-linux) makes one.

use std::process::Command;

use crate::setup::Newcomer;
use crate::support::dialogue::Dialogue;
use crate::support::env::{API_KEY, PROGRAM};
use crate::support::posthog::Fault;

/// The program at a terminal, on a machine without agents.
fn open(user: &Newcomer, arguments: &str) -> Dialogue {
    open_with_path(user, arguments, "/usr/bin:/bin")
}

/// The program at a terminal, with the programs in these folders.
pub(super) fn open_with_path(user: &Newcomer, arguments: &str, path: &str) -> Dialogue {
    let mut command = Command::new("script");
    command
        .env_clear()
        .env("PATH", path)
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
    terminal.expect("privacy mode? [y/N] ").enter("");
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
    assert!(screen.contains("stopped: nothing was saved"), "{screen}");
    assert!(screen.contains("ended with 130"), "{screen}");
    let is_restored = screen.contains(" echo ") && screen.contains("isig ");
    assert!(is_restored && !screen.contains("-isig"), "{screen}");
    assert_eq!(user.posthog.count(), 0);
    assert!(!user.settings().exists());
}

#[test]
fn every_question_can_be_stopped_and_none_of_them_saves_anything() {
    let user = Newcomer::new();
    for answers in 0..3 {
        let mut terminal = open(&user, "setup; echo ended with $?");
        let questions = [
            ("[us]: ", user.posthog.url()),
            ("not shown): ", API_KEY.to_owned()),
            ("privacy mode? [y/N] ", String::new()),
        ];
        for (question, answer) in &questions[..answers] {
            terminal.expect(question).enter(answer);
        }
        terminal.expect(questions[answers].0).enter("\u{3}");
        let (_, screen) = terminal.end();
        assert!(screen.contains("stopped: nothing was saved"), "{screen}");
        assert!(screen.contains("ended with 130"), "{screen}");
    }
    assert_eq!(user.posthog.count(), 0);
    assert!(!user.settings().exists());
}

#[test]
fn only_the_answer_that_failed_is_asked_for_again() {
    let user = Newcomer::new();
    let mut terminal = open(&user, "setup");
    terminal.expect("[us]: ").enter("http://127.0.0.1:1");
    terminal.expect("not shown): ").enter(API_KEY);
    terminal.expect("privacy mode? [y/N] ").enter("yes");
    terminal
        .expect("the test trace did not get there")
        .expect("[us]: ")
        .enter(&user.posthog.url());
    terminal.expect("POSTHOG_LLMA_PRIVACY_MODE to");
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(0), "{screen}");
    assert_eq!(screen.matches("not shown): ").count(), 1, "{screen}");
    assert_eq!(user.variable("POSTHOG_API_KEY"), API_KEY);
    assert_eq!(user.variable("POSTHOG_LLMA_PRIVACY_MODE"), "true");
}

#[test]
fn a_key_that_posthog_refuses_is_asked_for_again() {
    let user = Newcomer::new();
    user.posthog.set(Fault::status(401));
    let mut terminal = open(&user, "setup");
    terminal.expect("[us]: ").enter(&user.posthog.url());
    terminal.expect("not shown): ").enter(API_KEY);
    terminal.expect("privacy mode? [y/N] ").enter("");
    terminal.expect("did not get there").expect("not shown): ");
    user.posthog.heal();
    terminal.enter(API_KEY).expect("wrote POSTHOG_API_KEY");
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(0), "{screen}");
    assert!(!screen.contains(API_KEY), "{screen}");
}

#[test]
fn what_is_said_fits_eighty_columns() {
    let user = Newcomer::new();
    let mut terminal = open(&user, "setup");
    terminal.expect("[us]: ").enter("asia");
    terminal.expect("neither a region").expect("[us]: ");
    terminal.enter(&user.posthog.url()).expect("not shown): ");
    terminal.enter("app.posthog.com").expect("begins with phc_");
    terminal.expect("not shown): ").enter(&API_KEY[..20]);
    terminal.expect("is cut off").expect("not shown): ");
    terminal.enter(API_KEY).expect("[y/N] ").enter("n");
    let (_, screen) = terminal.end();
    for line in screen.lines() {
        let is_one_word = !line.trim().contains(' ');
        assert!(line.chars().count() <= 80 || is_one_word, "{line}");
    }
}
