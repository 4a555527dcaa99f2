//! A terminal that runs a program unattended.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// Interval at which the screen is checked.
const POLL: Duration = Duration::from_millis(20);

pub(crate) struct Terminal {
    child: Child,
    keyboard: File,
    /// All output of the program; shown when a test fails.
    written: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Terminal {
    #[track_caller]
    pub(crate) fn open(mut command: Command) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
        let screen = openpt(flags).expect("there are terminals");
        grantpt(&screen).expect("it is ours");
        unlockpt(&screen).expect("it is ours");
        let name = ptsname(&screen, Vec::new()).expect("it has a name");
        let path = std::ffi::OsStr::from_bytes(name.as_bytes());
        let inside = OpenOptions::new().read(true).write(true).open(path);
        let inside = inside.expect("it can be opened");
        let stream = || Stdio::from(inside.try_clone().expect("a file can be shared"));
        let child = command.stdin(stream()).stdout(stream()).stderr(stream());
        let child = child.spawn().expect("the program can be started");
        // Read to its end, so that the writer never blocks.
        let mut screen = File::from(screen);
        let keyboard = screen.try_clone().expect("a file can be shared");
        let written = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&written);
        let reader = thread::spawn(move || {
            let mut piece = [0; 4096];
            // On a terminal that no process has open, reading fails instead of ending.
            while let Ok(length @ 1..) = screen.read(&mut piece) {
                let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
                log.extend_from_slice(&piece[..length]);
            }
        });
        Self {
            child,
            keyboard,
            written,
            reader: Some(reader),
        }
    }

    /// Presses keys.
    #[track_caller]
    pub(crate) fn press(&mut self, keys: &str) {
        let pressed = self.keyboard.write_all(keys.as_bytes());
        pressed.expect("the terminal is open");
    }

    /// Types a line.
    #[track_caller]
    pub(crate) fn enter(&mut self, line: &str) {
        self.press(line);
        self.wait_until_shown(Duration::from_secs(30), line);
        self.press("\r");
    }

    /// Waits until words without spaces are shown.
    #[track_caller]
    pub(crate) fn wait_until_shown(&self, patience: Duration, words: &str) {
        let start = Instant::now();
        while !self.shown().contains(words) {
            assert!(start.elapsed() < patience, "{words} is not shown");
            thread::sleep(POLL);
        }
    }

    /// The output so far, without escape sequences for cursor and colours.
    fn shown(&self) -> String {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let written = String::from_utf8_lossy(&written);
        let mut pieces = written.split("\x1b[");
        let first = pieces.next().unwrap_or_default().to_owned();
        pieces.fold(first, |shown, piece| {
            shown
                + piece
                    .split_once(|end: char| end.is_ascii_alphabetic())
                    .map_or("", |it| it.1)
        })
    }

    /// Asks the program to end, as a shutdown does, and waits for its end.
    #[track_caller]
    pub(crate) fn terminate(mut self) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::TERM).expect("it is running");
        self.child.wait().expect("it has ended");
    }
}

impl Drop for Terminal {
    #[expect(clippy::print_stderr, reason = "shown with the test that failed")]
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        if thread::panicking() {
            eprintln!("the terminal: {}", self.shown());
        }
    }
}
