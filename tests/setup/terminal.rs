//! The questions at a terminal. `script` (util-linux) makes one.

use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::Newcomer;
use crate::support::env::{API_KEY, PROGRAM};

/// The program at a terminal, and everything that stood on its screen.
struct Terminal {
    child: Child,
    output: ChildStdout,
    screen: String,
    /// How much of it was expected already.
    seen: usize,
}

impl Terminal {
    fn open(user: &Newcomer, arguments: &str) -> Self {
        let mut child = Command::new("script")
            .args(["-qefc", &format!("{PROGRAM} {arguments}"), "/dev/null"])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", user.env.home())
            .env("XDG_CONFIG_HOME", user.env.home().join(".config"))
            .env("SHELL", "/bin/sh")
            .env("TZ", "UTC")
            .current_dir(user.env.project())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("script of util-linux is installed");
        let output = child.stdout.take().expect("stdout is a pipe");
        let screen = String::new();
        Self {
            child,
            output,
            screen,
            seen: 0,
        }
    }

    /// Waits until this is on the screen.
    #[track_caller]
    fn expect(&mut self, text: &str) -> &mut Self {
        loop {
            if let Some(place) = self.screen[self.seen..].find(text) {
                self.seen += place + text.len();
                return self;
            }
            let mut bytes = [0; 4096];
            let read = self
                .output
                .read(&mut bytes)
                .expect("the screen can be read");
            assert!(read > 0, "no {text:?} on the screen:\n{}", self.screen);
            self.screen += &String::from_utf8_lossy(&bytes[..read]);
        }
    }

    fn enter(&mut self, line: &str) -> &mut Self {
        let stdin = self.child.stdin.as_mut().expect("stdin is a pipe");
        stdin
            .write_all(format!("{line}\r").as_bytes())
            .expect("somebody reads");
        self
    }

    /// The exit code and the screen.
    fn end(mut self) -> (Option<i32>, String) {
        let mut rest = Vec::new();
        self.output
            .read_to_end(&mut rest)
            .expect("the screen can be read");
        self.screen += &String::from_utf8_lossy(&rest);
        let status = self.child.wait().expect("it can be waited for");
        (status.code(), self.screen)
    }
}

#[test]
fn it_asks_until_the_answers_can_be_used_and_the_key_is_never_shown() {
    let user = Newcomer::new();
    let mut terminal = Terminal::open(&user, "setup");
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
    let mut terminal = Terminal::open(&user, &arguments);
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
