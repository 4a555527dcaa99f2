//! A receiver in a process that can be killed.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::SystemTime;

use super::server::redact;
use posthog_llma::inbox::{Inbox, Route, Settings as InboxSettings};
use posthog_llma::receive::{Limits, Receiver, Routes, Settings, Stop};

/// The folder of the inbox, for the process.
const DIRECTORY: &str = "OTLP_RECEIVE_TEST_DIRECTORY";
const READY: &str = "ready on ";

pub(crate) struct Process {
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Process {
    pub(crate) fn start(directory: &Path) -> Self {
        Self::start_by(Command::new(std::env::current_exe().unwrap()), directory)
    }

    /// Starts it with a limit on the size of files in kibibytes, as a quota sets one.
    #[cfg(unix)]
    pub(crate) fn start_with_quota(directory: &Path, kibibytes: usize) -> Self {
        let mut shell = Command::new("sh");
        // With the signal ignored, a write fails.
        let script = format!(
            "trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"",
            2 * kibibytes
        );
        shell
            .args(["-c", &script])
            .arg(std::env::current_exe().unwrap());
        Self::start_by(shell, directory)
    }

    fn start_by(mut command: Command, directory: &Path) -> Self {
        let mut child = command
            .args([
                "--exact",
                "receive::support::process::a_process_serves_when_it_is_told_where",
            ])
            .arg("--nocapture")
            .env(DIRECTORY, directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines.find_map(|line| {
            let line = line.unwrap();
            let (_, address) = line.split_once(READY)?;
            Some(address.parse().unwrap())
        });
        Self {
            address: address.unwrap(),
            child,
        }
    }

    /// Kills it at once.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn a_process_serves_when_it_is_told_where() {
    let Ok(directory) = std::env::var(DIRECTORY) else {
        return;
    };
    let inbox = Inbox::open(Path::new(&directory), InboxSettings::default()).unwrap();
    let settings = Settings {
        routes: Routes::open(Route::new("open")),
        limits: Limits::default(),
    };
    let clock = Arc::new(SystemTime::now);
    let receiver = Receiver::new(inbox.clone(), settings, redact(), clock);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("\n{READY}{}", listener.local_addr().unwrap());
    let stop = Stop::new();
    let until = stop.clone();
    std::thread::spawn(move || {
        drop(std::io::stdin().read_to_end(&mut Vec::new()));
        stop.stop();
    });
    receiver.serve(vec![listener], &until).unwrap();
    inbox.close().unwrap();
}
