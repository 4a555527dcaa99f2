use std::io::Write;

use serde_json::Value;

use super::buffers::USUAL;
use super::*;

fn parse(line: &str) -> (Vec<Value>, u64) {
    let mut found = Vec::new();
    let malformed = objects(line, |value| found.push(value));
    (found, malformed)
}

#[test]
fn objects_are_found_whole_glued_and_after_a_torn_one() {
    let whole = r#"{"type":"user","n":1}"#;
    for (line, objects, malformed) in [
        (whole.to_owned(), 1, 0),
        (String::new(), 0, 0),
        (format!("{whole}{whole}"), 2, 0),
        (
            format!(r#"{{"type":"user","text":"half a senten{whole}"#),
            1,
            1,
        ),
        (format!(r#"{{"type":"user","n":1{whole}"#), 1, 1),
        (r#"{"type":"user","text":"cut"#.to_owned(), 0, 1),
        ("// a comment".to_owned(), 0, 1),
        (format!("\0\0\0{whole}"), 1, 1),
        (format!("{whole}\0\0{whole}\0"), 2, 1),
        (format!(r#"{{"type":"us{}{whole}"#, "\0"), 1, 2),
        (format!("[1,2]{whole}"), 1, 1),
        (format!("[{whole},{whole}]"), 2, 0),
        (format!("[{whole},7]{whole}"), 2, 1),
        (format!("{whole},"), 1, 1),
        ("[]".to_owned(), 0, 1),
        (format!("\u{feff}{whole}"), 1, 0),
    ] {
        let (found, bad) = parse(&line);
        assert_eq!((found.len(), bad), (objects, malformed), "{line}");
    }
}

#[test]
fn halves_of_characters_are_replaced_and_whole_ones_kept() {
    for (escaped, expected) in [
        (r"\ud83d cut", "\u{fffd} cut"),
        (r"\uDE00 cut", "\u{fffd} cut"),
        (r"\ud83d\ud83d\ude00", "\u{fffd}😀"),
        (r"\ud83d\ude00 whole", "😀 whole"),
        (r"\\ud83d is no escape", r"\ud83d is no escape"),
        (r"\\\ud83d is one", "\\\u{fffd} is one"),
        (r"ä\nö\ud83d", "ä\nö\u{fffd}"),
    ] {
        let line = format!(r#"{{"text":"{escaped}"}}"#);
        let line = Line {
            offset: 0,
            bytes: line.as_bytes(),
            is_terminated: true,
            is_oversized: false,
        };
        let value: Value = serde_json::from_str(&line.text()).unwrap();
        assert_eq!(value["text"], expected, "{escaped}");
    }
}

#[test]
fn lines_know_their_offset_and_whether_they_are_finished() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"one\r\ntwo\n\nhal").unwrap();
    let mut lines = Lines::open(file.path(), 0).unwrap();
    let mut seen = Vec::new();
    while let Some(line) = lines.next_line().unwrap() {
        let text = String::from_utf8(line.bytes.to_vec()).unwrap();
        seen.push((line.offset, text, line.is_terminated));
    }
    let expected = [
        (0, "one", true),
        (5, "two", true),
        (9, "", true),
        (10, "hal", false),
    ];
    assert_eq!(
        seen,
        expected.map(|(offset, text, done)| (offset, text.to_owned(), done))
    );
}

/// Reads a file to its end, or to where it is given up.
fn read_all(path: &Path) -> io::Result<u64> {
    let mut lines = Lines::open(path, 0)?;
    let mut count = 0;
    while lines.next_line()?.is_some() {
        count += 1;
    }
    Ok(count)
}

#[test]
fn a_file_of_lines_that_are_nothing_is_given_up() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let most = usize::try_from(MOST_STRANGE).unwrap();
    for (line, ends_well) in [("{}\n", true), ("\n", false), ("no\n", false)] {
        file.as_file().set_len(0).unwrap();
        file.rewind().unwrap();
        file.write_all(line.repeat(most).as_bytes()).unwrap();
        assert_eq!(read_all(file.path()).unwrap(), MOST_STRANGE, "{line:?}");
        file.write_all(line.as_bytes()).unwrap();
        assert_eq!(read_all(file.path()).is_ok(), ends_well, "{line:?}");
    }
}

#[test]
fn a_file_that_is_one_endless_line_is_given_up() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"{}\n").unwrap();
    let skipped = MOST_SKIPPED - MOST_SKIPPED % LONGEST_LINE as u64;
    file.as_file().set_len(skipped).unwrap();
    assert_eq!(read_all(file.path()).unwrap(), 2);
    file.as_file().set_len(4 * MOST_SKIPPED).unwrap();
    let error = read_all(file.path()).unwrap_err().to_string();
    assert!(error.contains("its lines are too long"), "{error}");
}

#[test]
fn bytes_written_meanwhile_are_left_for_the_next_reading() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"{}\n").unwrap();
    let mut lines = Lines::open(file.path(), 0).unwrap();
    file.write_all(b"{}\n").unwrap();
    assert!(lines.next_line().unwrap().is_some());
    assert!(lines.next_line().unwrap().is_none());
    assert_eq!(read_all(file.path()).unwrap(), 2);
}

#[test]
fn a_line_may_be_longer_than_the_buffer() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let lengths = [10, USUAL - 12, 3 * USUAL, 0, USUAL - 1, USUAL, 7];
    for length in lengths {
        let line = "x".repeat(length);
        writeln!(file, "{line}").unwrap();
    }
    let mut lines = Lines::open(file.path(), 0).unwrap();
    let mut offset = 0;
    for length in lengths {
        let line = lines.next_line().unwrap().unwrap();
        assert_eq!((line.offset, line.bytes.len()), (offset, length));
        assert!(line.is_terminated && line.bytes.iter().all(|byte| *byte == b'x'));
        offset += length as u64 + 1;
    }
    assert!(lines.next_line().unwrap().is_none());
}

#[test]
fn a_directory_is_no_transcript() {
    assert!(Lines::open(Path::new("/"), 0).is_err());
}

#[test]
fn the_value_of_a_field_is_found_however_it_is_spaced() {
    for (text, expected) in [
        (r#"":"a-1","next":2"#, Some("a-1")),
        (r#"" : "a-1"}"#, Some("a-1")),
        (r#"":null}"#, None),
        (r#"":7}"#, None),
        (r#"":"a-1"#, None),
        // In a text, where quotes are escaped.
        (r#"\":\"a-1\""#, None),
    ] {
        let found = text_after(text.as_bytes());
        assert_eq!(found, expected.map(str::as_bytes), "{text}");
    }
}
