//! Transcript names for files that never end: the child gives up, and reports it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::process::{Process, wait_for};
use crate::support::scene::Scene;
use crate::support::session::Session;

/// Time limit of the child, on a machine that runs all tests at once.
const GIVES_UP: Duration = Duration::from_secs(15);

/// An endless file in place of a transcript, and the expected message.
struct Endless {
    what: &'static str,
    make: fn(&Path) -> PathBuf,
    said: &'static str,
}

const ENDLESS: [Endless; 7] = [
    Endless {
        what: "the kernel's messages, which wait for more",
        make: |_| PathBuf::from("/proc/kmsg"),
        said: "cannot read /proc/kmsg",
    },
    Endless {
        what: "a file without a size",
        make: |_| PathBuf::from("/proc/self/environ"),
        said: "it has no size",
    },
    Endless {
        what: "a pipe that nobody writes to",
        make: |path| {
            let made = Command::new("mkfifo").arg(path).status();
            assert!(made.expect("mkfifo is there").success());
            path.to_owned()
        },
        said: "is not a regular file",
    },
    Endless {
        what: "a device",
        make: |_| PathBuf::from("/dev/zero"),
        said: "is not a regular file",
    },
    Endless {
        what: "20 GB of nothing",
        make: |path| sparse(path, 20_000_000_000),
        said: "it is too large",
    },
    Endless {
        what: "5 GB of nothing",
        make: |path| sparse(path, 5_000_000_000),
        said: "its lines are too long",
    },
    Endless {
        what: "100 MB of line feeds",
        make: |path| {
            fs::write(path, vec![b'\n'; 100_000_000]).expect("writable");
            path.to_owned()
        },
        said: "most of its lines are not JSON objects",
    },
];

fn sparse(path: &Path, bytes: u64) -> PathBuf {
    let file = File::create(path).expect("writable");
    file.set_len(bytes).expect("files may have holes");
    path.to_owned()
}

#[test]
fn a_transcript_that_never_ends_is_given_up_and_the_next_one_is_sent() {
    for endless in ENDLESS {
        let scene = Scene::new();
        let mut session = Session::write(&scene.env, 1, 1);
        fs::remove_file(&session.path).expect("it is ours");
        session.path = (endless.make)(&session.path);
        scene.end(&session);
        wait_for(endless.what, GIVES_UP, || {
            Process::none(&scene.env.state()).then_some(())
        });
        let status = scene.status();
        let run = &status["runs"][0];
        let error = run["error"].as_str().unwrap_or_default();
        assert!(error.contains(endless.said), "{}: {run}", endless.what);
        let next = Session::write(&scene.env, 2, 1);
        scene.end(&next);
        scene.settle();
        scene.complete(&[&next]);
    }
}
