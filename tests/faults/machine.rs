//! Faults of the machine: a full disk, an unusable state directory, a damaged database. The hook
//! stays quiet, and sessions that could not be stored are sent later.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use crate::support::scene::Scene;
use crate::support::session::Session;

const TWO_HOURS: Duration = Duration::from_hours(2);

/// A machine that is switched on, with one session sent and another on disk.
fn scene_in_use() -> (Scene, Session, Session) {
    let scene = Scene::new();
    let (sent, next) = sent_and_next(&scene);
    (scene, sent, next)
}

fn sent_and_next(scene: &Scene) -> (Session, Session) {
    scene.start();
    let sent = Session::write(&scene.env, 1, 1);
    scene.end(&sent);
    scene.settle();
    scene.complete(&[&sent]);
    (sent, Session::write(&scene.env, 2, 30))
}

/// After the fault, the next session start sends the missed session.
#[track_caller]
fn made_up_for(scene: &Scene, sent: &Session, missed: &Session) {
    missed.age(TWO_HOURS);
    scene.start();
    scene.complete(&[sent, missed]);
}

/// Disks that are full or may not be written, and limits on the size of files.
#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::io::{self, Write as _};
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::{Path, PathBuf};
    use std::process::Command;

    use super::{made_up_for, scene_in_use, sent_and_next};
    use crate::support::scene::{CROWDED, Scene};

    /// A file system of its own over the state directory; gone when dropped.
    struct Disk(PathBuf);

    impl Disk {
        /// Mounts the file system; `None`, with a message on stderr, where tests may not mount.
        fn mount(path: &Path, options: &str) -> Option<Self> {
            let mount = ["-t", "tmpfs", "-o", options, "tmpfs"];
            let output = Command::new("mount").args(mount).arg(path).output();
            let mounted = output.is_ok_and(|output| output.status.success());
            if !mounted {
                // Written past the test harness, which hides the output of passing tests.
                let _ = io::stderr().write_all(b"skipped: only root can mount a small disk\n");
            }
            mounted.then(|| Self(path.to_owned()))
        }

        fn remount(&self, options: &str) {
            let options = format!("remount,{options}");
            let status = Command::new("mount")
                .args(["-o", &options])
                .arg(&self.0)
                .status();
            assert!(status.is_ok_and(|status| status.success()), "{options}");
        }
    }

    impl Drop for Disk {
        fn drop(&mut self) {
            let _ = Command::new("umount").arg("-l").arg(&self.0).status();
        }
    }

    #[test]
    fn a_full_disk_loses_nothing() {
        let scene = Scene::new();
        let state = scene.env.state();
        let Some(_disk) = Disk::mount(&state, "size=4m") else {
            return;
        };
        let (sent, next) = sent_and_next(&scene);
        let filler = state.join("filler");
        let mut file = fs::File::create(&filler).expect("there is room");
        while file.write_all(&[0; 4096]).is_ok() {}
        drop(file);
        scene.end(&next);
        scene.settle();
        // `status` reports no data of it, or that they cannot be read.
        let outcome = scene.env.run(["status", "--json"]);
        assert!(!outcome.stdout.contains(&next.id), "{}", outcome.report());
        let path = next.path.to_str().expect("it is UTF-8");
        scene
            .env
            .run(["ingest", path])
            .code(1)
            .complains("no space left");

        fs::remove_file(&filler).expect("it is ours");
        made_up_for(&scene, &sent, &next);
    }

    #[test]
    fn a_limit_on_the_size_of_files_loses_nothing() {
        // With the signal ignored, a write fails; without that, the process dies in it.
        for script in [
            r#"trap "" XFSZ; ulimit -f 64; exec "$@""#,
            r#"ulimit -f 64; exec "$@""#,
        ] {
            let (scene, sent, next) = scene_in_use();
            let hook = scene.env.through_shell(script, ["hook"]);
            let hook = hook.stdin(next.hook_input("SessionEnd")).run();
            hook.success().silent().within(CROWDED);
            scene.settle();
            let [events, acknowledged, ..] = scene.receipt(&next);
            assert_eq!(acknowledged, 0, "of {events}");
            made_up_for(&scene, &sent, &next);
        }
    }

    #[test]
    fn a_state_directory_that_may_not_be_written_loses_nothing() {
        let scene = Scene::new();
        let state = scene.env.state();
        let is_root = rustix::process::geteuid().is_root();
        let disk = is_root.then(|| Disk::mount(&state, "size=8m"));
        if matches!(disk, Some(None)) {
            return;
        }
        let (sent, next) = sent_and_next(&scene);
        let allow = |writing: bool| {
            if let Some(Some(disk)) = &disk {
                disk.remount(if writing { "rw" } else { "ro" });
            } else {
                let mode = if writing { 0o700 } else { 0o500 };
                let permissions = fs::Permissions::from_mode(mode);
                fs::set_permissions(&state, permissions).expect("it is ours");
            }
        };
        allow(false);
        scene.end(&next);
        scene.settle();
        let outcome = scene.env.run(["status", "--json"]);
        assert!(!outcome.stdout.contains(&next.id), "{}", outcome.report());
        let status = scene.env.run(["status"]);
        status
            .says("nothing is sent")
            .says("POSTHOG_LLMA_STATE_DIR");
        let doctor = scene.env.run(["doctor"]).code(1);
        doctor.says("make it writable or set POSTHOG_LLMA_STATE_DIR");
        let path = next.path.to_str().expect("it is UTF-8");
        let ingest = scene.env.run(["ingest", path]).code(1);
        ingest.complains("POSTHOG_LLMA_STATE_DIR");
        allow(true);
        made_up_for(&scene, &sent, &next);
    }
}

#[test]
fn a_file_in_the_place_of_the_state_directory_is_said() {
    let scene = Scene::new();
    let session = Session::write(&scene.env, 1, 1);
    let state = scene.env.state();
    fs::remove_dir(&state).expect("it is empty");
    fs::write(&state, "a file").expect("it is ours");
    scene.end(&session);
    scene.start();
    let status = scene.env.run(["status"]).code(1);
    status
        .says("nothing is sent")
        .says("on, by the environment");
    let path = session.path.to_str().expect("it is UTF-8");
    let ingest = scene.env.run(["ingest", path]).code(1);
    ingest.complains("POSTHOG_LLMA_STATE_DIR");
    assert_eq!(fs::read(&state).expect("it is there"), b"a file");

    fs::remove_file(&state).expect("it is ours");
    scene.env.run(["ingest", path]).success();
    scene.complete(&[&session]);
}

#[test]
fn a_damaged_database_is_set_aside_and_the_session_sent() {
    type Damage = fn(&Path);
    let table: [(&str, Damage); 3] = [
        ("garbage", |path| {
            fs::write(path, "x".repeat(100_000)).expect("it is ours");
        }),
        ("empty", |path| fs::write(path, "").expect("it is ours")),
        ("cut short", |path| {
            let file = fs::File::options().write(true).open(path);
            file.and_then(|file| file.set_len(5_000))
                .expect("it is ours");
        }),
    ];
    for (name, damage) in table {
        let scene = Scene::new();
        scene.start();
        let session = Session::write(&scene.env, 1, 3);
        let database = scene.env.state().join("outbox.db");
        damage(&database);
        scene.end(&session);
        scene.settle();
        let status = scene.status();
        if status["set_aside"].as_array().is_none_or(Vec::is_empty) {
            // The damage is found in the middle of the work, and the next run sets the database
            // aside.
            scene.end(&session);
            scene.settle();
        }
        let aside = scene.status()["set_aside"].to_string();
        assert!(aside.contains("outbox.db.corrupt-1"), "{name}: {aside}");
        scene.complete(&[&session]);
    }
}

#[test]
fn a_database_of_a_newer_version_is_left_alone() {
    let (scene, sent, next) = scene_in_use();
    let path = scene.env.state().join("outbox.db");
    let mark = |version: i64| {
        let database = Connection::open(&path).expect("it is there");
        let known = database.pragma_query_value(None, "user_version", |row| row.get(0));
        database
            .pragma_update(None, "user_version", version)
            .expect("it is ours");
        known.expect("it has one")
    };
    let known = mark(1_000);
    scene.end(&next);
    scene.settle();
    let status = scene.env.run(["status"]).code(1);
    status
        .says("newer posthog-llma")
        .says("update posthog-llma");
    scene.flush().code(1).complains("update posthog-llma");
    mark(known);
    made_up_for(&scene, &sent, &next);
}
