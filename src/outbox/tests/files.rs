//! The files of the outbox: which are created, and how unexpected ones are handled.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::{at, claim_all, destination, enqueue, entry, event, incompressible, kept, open, spans};
use crate::outbox::{Outbox, OutboxError};
use crate::posthog::EventName;

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn reading_an_outbox_that_is_not_there_makes_none() {
    let directory = TempDir::new().unwrap();
    let state = directory.path().join("state");
    assert!(Outbox::open_read_only(&state).unwrap().is_none());
    assert!(!state.exists());
}

#[test]
#[cfg(unix)]
fn only_the_owner_can_read_what_is_stored() {
    use std::os::unix::fs::PermissionsExt;
    let directory = TempDir::new().unwrap();
    let state = directory.path().join("deep/state");
    let outbox = Outbox::open(&state).unwrap();
    enqueue(&outbox, "a", &spans(1..3), 0);
    let _lock = outbox.try_lock_sender(1).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&state), 0o700);
    let files = names(&state);
    assert!(files.contains(&"outbox.db-wal".to_owned()), "{files:?}");
    for file in files {
        assert_eq!(mode(&state.join(&file)), 0o600, "{file}");
    }
}

#[test]
fn a_damaged_database_is_set_aside_and_said_so() {
    for (number, damage) in [
        &b"no database at all, but long enough for a header"[..],
        b"",
    ]
    .into_iter()
    .enumerate()
    {
        let directory = TempDir::new().unwrap();
        enqueue(&open(&directory), "a", &spans(1..3), 0);
        fs::write(directory.path().join("outbox.db"), damage).unwrap();
        let read_only = Outbox::open_read_only(directory.path());
        assert!(read_only.is_err() || number == 1);
        let outbox = open(&directory);
        assert!(claim_all(&outbox).is_empty());
        let aside = directory.path().join("outbox.db.corrupt-1");
        assert_eq!(outbox.status().unwrap().set_aside, [aside.as_path()]);
        assert_eq!(fs::read(aside).unwrap(), damage);
    }
}

#[test]
fn a_page_damaged_in_the_middle_is_noticed_and_the_next_run_sets_the_file_aside() {
    let directory = TempDir::new().unwrap();
    let outbox = open(&directory);
    enqueue(&outbox, "a", &spans(1..2000), 0);
    drop(outbox);
    let path = directory.path().join("outbox.db");
    let mut bytes = fs::read(&path).unwrap();
    let half = bytes.len() / 2;
    bytes[half..].fill(0xAA);
    fs::write(&path, &bytes).unwrap();

    let outbox = open(&directory);
    let outcome = outbox.claim(1, usize::MAX, &BTreeSet::new());
    assert!(
        matches!(outcome, Err(OutboxError::Damaged { .. })),
        "{outcome:?}"
    );
    drop(outbox);
    let outbox = open(&directory);
    assert_eq!(outbox.status().unwrap().set_aside.len(), 1);
    assert_eq!(enqueue(&outbox, "a", &spans(1..2), 1).new, 1);
    assert!(!directory.path().join("outbox.db.suspect").exists());
}

#[test]
fn a_healthy_database_under_suspicion_stays() {
    let directory = TempDir::new().unwrap();
    enqueue(&open(&directory), "a", &spans(1..3), 0);
    fs::write(directory.path().join("outbox.db.suspect"), "").unwrap();
    let outbox = open(&directory);
    assert_eq!(claim_all(&outbox).len(), 2);
    assert!(!directory.path().join("outbox.db.suspect").exists());
}

#[test]
fn a_database_of_a_newer_version_is_left_untouched() {
    let directory = TempDir::new().unwrap();
    let outbox = open(&directory);
    outbox
        .connection
        .pragma_update(None, "user_version", 99)
        .unwrap();
    drop(outbox);
    let before = fs::read(directory.path().join("outbox.db")).unwrap();
    for outcome in [
        Outbox::open(directory.path()).map(Some),
        Outbox::open_read_only(directory.path()),
    ] {
        let error = outcome.unwrap_err();
        assert!(
            matches!(error, OutboxError::Newer { found: 99, .. }),
            "{error}"
        );
        assert_eq!(error.fix(), Some("update posthog-llma"));
    }
    assert_eq!(
        fs::read(directory.path().join("outbox.db")).unwrap(),
        before
    );
}

#[test]
fn a_creation_that_was_interrupted_is_begun_again() {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("outbox.db.new"), "half").unwrap();
    fs::write(directory.path().join("outbox.db.new-wal"), "half").unwrap();
    enqueue(&open(&directory), "a", &spans(1..3), 0);
    assert_eq!(
        names(directory.path()),
        ["outbox.db", "outbox.lock", "redaction.key"]
    );
}

#[test]
fn a_full_disk_is_an_error_that_stores_nothing_and_breaks_nothing() {
    let directory = TempDir::new().unwrap();
    let outbox = open(&directory);
    enqueue(&outbox, "a", &spans(1..3), 0);
    let pages: i64 = outbox
        .connection
        .pragma_query_value(None, "page_count", |row| row.get(0))
        .unwrap();
    let limit = |pages: i64| {
        outbox
            .connection
            .pragma_update_and_check(None, "max_page_count", pages + 4, |_| Ok(()))
            .unwrap();
    };
    limit(pages);
    let mut writer = outbox.begin(&entry("a"), &destination(), at(1)).unwrap();
    writer
        .push(event(EventName::Span, 9, &incompressible(9)))
        .unwrap();
    let outcome = writer.commit(Some(&kept(b"far")), [], &[]);
    assert!(
        matches!(outcome, Err(OutboxError::Full { .. })),
        "{outcome:?}"
    );
    assert_eq!(claim_all(&outbox).len(), 2);
    let session = outbox.session("claude-code", "a").unwrap().unwrap();
    assert_eq!(session.checkpoint, None);
    limit(i64::from(u32::MAX) - 8);
    let again = [event(EventName::Span, 9, &incompressible(9))];
    let again = enqueue(&outbox, "a", &again, 2);
    assert_eq!(again.new, 1);
}

#[test]
fn a_state_directory_that_cannot_be_is_a_clear_error() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Outbox::open(&file.join("state")).unwrap_err();
    assert!(matches!(error, OutboxError::Directory { .. }), "{error:?}");
    let fix = error.fix().unwrap_or_default();
    assert!(fix.contains("POSTHOG_LLMA_STATE_DIR"), "{fix}");
}

#[test]
#[cfg(unix)]
fn a_state_directory_that_may_not_be_written_is_a_clear_error() {
    use std::os::unix::fs::PermissionsExt;
    let directory = TempDir::new().unwrap();
    enqueue(&open(&directory), "a", &spans(1..3), 0);
    let allow = |file: u32, folder: u32| {
        let set = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        set(&directory.path().join("outbox.db"), file);
        set(directory.path(), folder);
    };
    allow(0o400, 0o500);
    let is_root = fs::write(directory.path().join("probe"), "").is_ok();
    let outcome = Outbox::open(directory.path()).and_then(|outbox| {
        outbox
            .begin(&entry("a"), &destination(), at(1))
            .map(|_batch| ())
    });
    let read = Outbox::open_read_only(directory.path());
    allow(0o600, 0o700);
    if !is_root {
        let error = read.unwrap_err();
        assert!(matches!(error, OutboxError::ReadOnly { .. }), "{error:?}");
        let error = outcome.unwrap_err();
        let expected = matches!(
            error,
            OutboxError::ReadOnly { .. } | OutboxError::Directory { .. }
        );
        assert!(expected, "{error:?}");
    }
    assert_eq!(claim_all(&open(&directory)).len(), 2);
}
