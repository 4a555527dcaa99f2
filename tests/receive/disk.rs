//! The files of the inbox: permissions, a full disk, damage, newer formats.

use std::fs;

use posthog_llma::inbox::{self, Inbox, InboxError, Reader, Settings};
use rusqlite::Connection;

use crate::receive::support::made::{span, spans};
use crate::receive::support::{second, store};

#[cfg(unix)]
#[test]
fn folder_and_files_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("state/inbox");
    let inbox = Inbox::open(&directory, Settings::default()).unwrap();
    store(&inbox, &spans(&[span(1, 1, 0, "")]), second(0));
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    let files: Vec<_> = fs::read_dir(&directory)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(files.len() >= 4, "{files:?}");
    for file in files {
        assert_eq!(mode(&file.path()), 0o600, "{:?}", file.path());
    }
}

#[cfg(unix)]
#[test]
fn where_the_system_refuses_to_write_clients_are_told_to_come_again_and_nothing_is_lost() {
    use crate::receive::support::Client;
    use crate::receive::support::made::request;
    use crate::receive::support::process::Process;

    let directory = tempfile::tempdir().unwrap();
    let mut process = Process::start_with_quota(directory.path(), 1024);
    let mut random = fastrand::Rng::with_seed(1);
    let mut noise = || -> String { (0..20_000).map(|_| random.alphanumeric()).collect() };
    let mut client = Client::connect(process.address);
    let mut taken = 0;
    let refused = loop {
        let body = request(&[span(1, taken + 1, 0, &noise())]);
        let answer = client.post("/v1/traces", &body);
        match answer.status {
            200 => taken += 1,
            _ => break answer,
        }
        assert!(taken < 1000, "the disk is never full");
    };
    assert_eq!((refused.status, refused.header("retry-after")), (503, "10"));
    assert!(
        refused.text().contains("the disk cannot be written"),
        "{}",
        refused.text()
    );
    assert_eq!(client.ask("GET /health", &[], b"").status, 503);
    assert!(taken > 10);
    process.kill();

    // There is room again.
    let process = Process::start(directory.path());
    let mut client = Client::connect(process.address);
    let body = request(&[span(1, taken + 1, 0, &noise())]);
    assert_eq!(client.post("/v1/traces", &body).status, 200);
    let reader = Reader::open(directory.path()).unwrap().unwrap();
    let key = reader.traces(1).unwrap()[0].revision.key.clone();
    let spans = reader.read(&key).unwrap().unwrap().spans;
    assert_eq!(spans.len() as u64, taken + 1);
}

#[cfg(unix)]
#[test]
fn nothing_is_acknowledged_once_the_file_was_removed_or_replaced() {
    use crate::receive::support::delivery;

    type Change = fn(&std::path::Path);
    let changes: [Change; 3] = [
        |folder| fs::remove_file(inbox::database(folder)).unwrap(),
        |folder| fs::rename(folder, folder.with_extension("old")).unwrap(),
        |folder| {
            fs::remove_dir_all(folder).unwrap();
            drop(Inbox::open(folder, Settings::default()).unwrap());
        },
    ];
    for change in changes {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("state");
        let inbox = Inbox::open(&folder, Settings::default()).unwrap();
        store(&inbox, &spans(&[span(1, 1, 0, "")]), second(0));
        inbox.check_place().unwrap();
        change(&folder);
        let stored = inbox.store([delivery(&spans(&[span(1, 2, 0, "")]), second(1))]);
        let error = stored.unwrap_err();
        assert!(matches!(*error, InboxError::Gone { .. }), "{error}");
        assert!(inbox.check_place().is_err());
    }
}

#[test]
fn a_damaged_database_is_set_aside_as_it_was() {
    for damage in [&b""[..], b"no database", &[0; 8192]] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("inbox.db");
        fs::write(&path, damage).unwrap();
        let inbox = Inbox::open(directory.path(), Settings::default()).unwrap();
        store(&inbox, &spans(&[span(1, 1, 0, "")]), second(0));
        let aside = directory.path().join("inbox.db.corrupt-1");
        assert_eq!(
            inbox::set_aside(directory.path()),
            std::slice::from_ref(&aside)
        );
        assert_eq!(fs::read(&aside).unwrap(), damage);
    }
}

#[test]
fn a_page_that_is_damaged_is_found_when_it_is_read_and_the_database_set_aside_at_the_next_start() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("inbox.db");
    let open = || Inbox::open(directory.path(), Settings::default()).unwrap();
    let inbox = open();
    for trace in 1..200 {
        let text = format!("{trace} ").repeat(300);
        store(&inbox, &spans(&[span(trace, 1, 0, &text)]), second(0));
    }
    drop(inbox);
    let mut bytes = fs::read(&path).unwrap();
    // All but the first page, which describes the others.
    bytes[4096..].fill(0xab);
    fs::write(&path, &bytes).unwrap();
    let inbox = open();
    let error = inbox.reader().unwrap().traces(10).unwrap_err();
    assert!(matches!(error, InboxError::Damaged { .. }), "{error}");
    drop(inbox);
    let inbox = open();
    assert_eq!(inbox.reader().unwrap().traces(10).unwrap(), []);
    assert_eq!(inbox::set_aside(directory.path()).len(), 1);
}

#[test]
fn a_database_of_a_newer_program_is_an_error_and_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    drop(Inbox::open(directory.path(), Settings::default()).unwrap());
    let path = directory.path().join("inbox.db");
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    for error in [
        Inbox::open(directory.path(), Settings::default()).err(),
        Reader::open(directory.path()).err(),
    ] {
        let error = error.unwrap();
        assert!(
            matches!(error, InboxError::Newer { found: 99, .. }),
            "{error}"
        );
    }
}

#[test]
fn a_chunk_that_is_damaged_is_an_error_and_not_a_shorter_trace() {
    // Short ones are not compressed.
    for text in ["short".to_owned(), "long ".repeat(1000)] {
        let directory = tempfile::tempdir().unwrap();
        let inbox = Inbox::open(directory.path(), Settings::default()).unwrap();
        store(&inbox, &spans(&[span(1, 1, 0, &text)]), second(0));
        let reader = inbox.reader().unwrap();
        let key = reader.traces(1).unwrap()[0].revision.key.clone();
        let connection = Connection::open(directory.path().join("inbox.db")).unwrap();
        for damage in [
            "UPDATE chunks SET content = substr(content, 1, 20)",
            "UPDATE chunks SET content = x'789c030000000001'",
        ] {
            connection.execute(damage, []).unwrap();
            let error = reader.read(&key).unwrap_err();
            assert!(matches!(error, InboxError::Chunk { .. }), "{error}");
        }
    }
}

#[test]
fn before_anything_was_received_there_is_nothing_to_read() {
    let directory = tempfile::tempdir().unwrap();
    assert!(Reader::open(directory.path()).unwrap().is_none());
    assert!(
        Reader::open(&directory.path().join("missing"))
            .unwrap()
            .is_none()
    );
}
