//! A program that asks at a terminal, with scripted answers. `script` (util-linux) provides the
//! terminal.

use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};

/// A program at a terminal, with all of its output.
pub(crate) struct Dialogue {
    child: Child,
    output: ChildStdout,
    screen: String,
    /// Bytes of the output that were expected already.
    seen: usize,
}

impl Dialogue {
    /// Runs a shell line at a terminal. `script` is that command, with environment and working
    /// directory.
    pub(crate) fn open(mut script: Command, line: &str) -> Self {
        let mut child = script
            .args(["-qefc", line, "/dev/null"])
            .env("SHELL", "/bin/sh")
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

    /// Waits until this text is on the screen.
    #[track_caller]
    pub(crate) fn expect(&mut self, text: &str) -> &mut Self {
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

    pub(crate) fn enter(&mut self, line: &str) -> &mut Self {
        let stdin = self.child.stdin.as_mut().expect("stdin is a pipe");
        stdin
            .write_all(format!("{line}\r").as_bytes())
            .expect("somebody reads");
        self
    }

    /// The exit code and the screen.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let mut rest = Vec::new();
        self.output
            .read_to_end(&mut rest)
            .expect("the screen can be read");
        self.screen += &String::from_utf8_lossy(&rest);
        let status = self.child.wait().expect("it can be waited for");
        (status.code(), self.screen)
    }
}
