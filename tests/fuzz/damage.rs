//! Damage to the files of a session: on the way to disk, by another version, or on purpose.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::Value;

use super::sessions::{Files, SEEDS, lines_of};

/// Sessions of the fixtures, each with a few damages.
pub(crate) fn damaged_sessions() -> impl Strategy<Value = Files> {
    sessions_with(vec![
        What::DeleteLine,
        What::RepeatLine,
        What::MoveLine,
        What::BorrowLine,
        What::BorrowValue,
        What::BorrowValue,
        What::PutValue,
        What::PutValue,
        What::DeleteValue,
        What::CutLine,
        What::GlueLines,
        What::DeleteBytes,
        What::FlipBit,
        What::InsertBytes,
    ])
}

fn sessions_with(whats: Vec<What>) -> impl Strategy<Value = Files> {
    let damage = (select(whats), any::<[Index; 5]>());
    let damages = vec(damage, 0..8);
    (any::<Index>(), damages).prop_map(|(seed, damages)| {
        let mut files = seed.get(&SEEDS).clone();
        for (what, at) in &damages {
            what.happen(&mut files, at);
        }
        files
    })
}

#[derive(Clone, Copy, Debug)]
enum What {
    DeleteLine,
    RepeatLine,
    MoveLine,
    /// A line of another session.
    BorrowLine,
    /// A value of another line of the same session, from the same place in it.
    BorrowValue,
    PutValue,
    DeleteValue,
    CutLine,
    GlueLines,
    DeleteBytes,
    FlipBit,
    InsertBytes,
}

/// Bytes with a meaning in JSON, or that are not text.
const ODD_BYTES: [&[u8]; 12] = [
    b"\xff",
    b"\xed\xa0\x80",
    b"\0",
    b"\r",
    b"\n",
    b"\"",
    b"\\",
    b"\\ud83d",
    b"{",
    b"}",
    b"{\"",
    b",",
];

impl What {
    fn happen(self, files: &mut Files, at: &[Index; 5]) {
        let [file, line, other, place, odd] = *at;
        let path = file
            .get(&files.0.keys().cloned().collect::<Vec<_>>())
            .clone();
        let bytes = &files.0[&path];
        let mut lines: Vec<Vec<u8>> = lines_of(bytes).into_iter().map(<[u8]>::to_vec).collect();
        if lines.is_empty() {
            return;
        }
        let here = line.index(lines.len());
        let there = other.index(lines.len());
        match self {
            Self::DeleteLine => {
                lines.remove(here);
            }
            Self::RepeatLine => lines.insert(there, lines[here].clone()),
            Self::MoveLine => {
                let line = lines.remove(here);
                lines.insert(there.min(lines.len()), line);
            }
            Self::BorrowLine => {
                let session = other.get(&SEEDS);
                let from = place
                    .get(&session.0.values().collect::<Vec<_>>())
                    .as_slice();
                lines.insert(here, odd.get(&lines_of(from)).to_vec());
            }
            Self::BorrowValue => {
                let lender = serde_json::from_slice::<Value>(&lines[there]);
                edit(&mut lines[here], place, |pointer| {
                    let value = lender.ok()?.pointer(pointer)?.to_string();
                    Some(value)
                });
            }
            Self::PutValue => edit(&mut lines[here], place, |_| Some(odd_value(odd))),
            Self::DeleteValue => delete(&mut lines[here], place),
            Self::CutLine => {
                let length = place.index(lines[here].len());
                lines[here].truncate(length);
                lines[here].push(b'\n');
            }
            Self::GlueLines => {
                lines[here].pop();
            }
            Self::DeleteBytes => {
                let from = place.index(lines[here].len());
                let to = from + odd.index(lines[here].len() - from);
                lines[here].drain(from..to);
            }
            Self::FlipBit => {
                let byte = place.index(lines[here].len());
                lines[here][byte] ^= 1 << odd.index(8);
            }
            Self::InsertBytes => {
                let from = place.index(lines[here].len());
                lines[here].splice(from..from, odd.get(&ODD_BYTES).iter().copied());
            }
        }
        files.0.insert(path, lines.concat());
    }
}

/// Replaces a value of a line with the JSON that `put` makes of it.
fn edit(line: &mut Vec<u8>, place: Index, put: impl FnOnce(&str) -> Option<String>) {
    const HERE: &str = "\u{1}here\u{1}";
    let Some((mut value, pointer)) = parse(line, place) else {
        return;
    };
    let Some(json) = put(&pointer) else { return };
    *value.pointer_mut(&pointer).expect("it is there") = Value::from(HERE);
    // The value is edited as text, since JSON text may be invalid as a value.
    let text = value
        .to_string()
        .replacen(&Value::from(HERE).to_string(), &json, 1);
    *line = text.into_bytes();
    line.push(b'\n');
}

fn delete(line: &mut Vec<u8>, place: Index) {
    let Some((mut value, pointer)) = parse(line, place) else {
        return;
    };
    let Some((parent, name)) = pointer.rsplit_once('/') else {
        return;
    };
    match value.pointer_mut(parent) {
        Some(Value::Object(fields)) => {
            fields.shift_remove(name);
        }
        Some(Value::Array(items)) => {
            items.remove(name.parse().expect("an index"));
        }
        _ => {}
    }
    *line = value.to_string().into_bytes();
    line.push(b'\n');
}

fn parse(line: &[u8], place: Index) -> Option<(Value, String)> {
    let value: Value = serde_json::from_slice(line).ok()?;
    let mut pointers = Vec::new();
    collect(&value, String::new(), &mut pointers);
    let pointer = place.get(&pointers).clone();
    Some((value, pointer))
}

fn collect(value: &Value, at: String, pointers: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect(item, format!("{at}/{index}"), pointers);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                collect(field, format!("{at}/{name}"), pointers);
            }
        }
        _ => {}
    }
    pointers.push(at);
}

/// Unexpected JSON.
fn odd_value(which: Index) -> String {
    let plain = [
        "null",
        "true",
        "\"\"",
        "[]",
        "{}",
        "[null]",
        "-1",
        "0",
        "0.5",
        "1e308",
        "1e999",
        "-0.0",
        "18446744073709551615",
        "9223372036854775808",
        "99999999999999999999999",
        "\"0\"",
        r#""\ud83d""#,
        r#""\u0000""#,
        r#"{"a":1,"a":2}"#,
        r#"{"type":"text","text":null}"#,
        r#"[{"type":"tool_use","id":"toolu_1","name":"","input":null}]"#,
        r#"[{"type":"tool_result","tool_use_id":"toolu_1","content":[{"type":"tool_result"}]}]"#,
        r#""9999-12-31T23:59:59.999-14:00""#,
        r#""0000-01-01T00:00:00+14:00""#,
        r#""2026-02-30T00:00:00Z""#,
        r#""2016-12-31T23:59:60Z""#,
        r#""<synthetic>""#,
        r#""queued_command""#,
        r#""user""#,
        r#""assistant""#,
        r#""api_error""#,
        r#""Task""#,
        r#""../../../etc/passwd""#,
        r#""<a_b>""#,
    ];
    let long = [
        nested(100),
        nested(200),
        nested(20_000),
        format!("\"{}\"", "ä<a-b>\\n".repeat(5_000)),
        format!("[{}null]", "{},".repeat(5_000)),
        format!("\"{}\"", "\\u0001".repeat(10_000)),
    ];
    let index = which.index(plain.len() + long.len());
    match plain.get(index) {
        Some(text) => (*text).to_owned(),
        None => long[index - plain.len()].clone(),
    }
}

fn nested(depth: usize) -> String {
    "[".repeat(depth) + &"]".repeat(depth)
}
