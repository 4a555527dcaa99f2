//! Unknown types in transcripts: their number, versions and shape, for the report of a changed
//! format. It contains names of fields and types of values, never a value, and of nested values not
//! even the names, since those may be file names or questions.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::kinds::LineKind;
use super::paths::SessionFiles;
use super::wire::SYNTHETIC;
use crate::sources::jsonl::{self, Lines};
use crate::sources::lenient::{Text, known, payload};

/// Types of content blocks that are read, or sent as text.
const BLOCKS: &[&str] = &[
    "text",
    "thinking",
    "redacted_thinking",
    "tool_use",
    "tool_result",
    "image",
    "document",
    "server_tool_use",
    "web_search_tool_result",
    "web_fetch_tool_result",
    "code_execution_tool_result",
    "advisor_tool_result",
    "fallback",
    "tool_reference",
];

/// Characters of the longest name of a field or a type that is shown.
const LONGEST_NAME: usize = 48;

/// Lines and blocks that the reader cannot use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unknown {
    /// Unknown types, by place and type: `line turbo`, `block hologram`.
    pub sightings: BTreeMap<String, Sighting>,
    /// Lines, or parts of lines, that are malformed or too long.
    pub broken: u64,
    /// Lines of responses without usage.
    pub without_usage: u64,
}

/// An unknown type and its shape.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sighting {
    /// Number of occurrences.
    pub count: u64,
    /// Versions of Claude Code that wrote it.
    pub versions: BTreeSet<String>,
    /// Its fields, each with the types of its values.
    pub fields: BTreeMap<String, BTreeSet<&'static str>>,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: LineKind<'a>,
    #[serde(borrow, default)]
    version: Option<&'a RawValue>,
    #[serde(borrow, default)]
    message: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "known")]
    model: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(borrow, default, rename = "type", deserialize_with = "known")]
    kind: Option<Text<'a>>,
}

impl Unknown {
    /// Adds the unknown types in the files of a session.
    ///
    /// # Errors
    /// When one of them cannot be read; results so far are kept.
    pub(crate) fn look(&mut self, files: &SessionFiles) -> io::Result<()> {
        let agents = files.agents.iter().map(|agent| &agent.path);
        for path in [&files.transcript].into_iter().chain(agents) {
            let mut lines = Lines::open(path, 0)?;
            while let Some(line) = lines.next_line()? {
                let malformed = jsonl::objects(&line.text(), |raw: &RawValue| self.line(raw));
                let is_being_written = !line.is_terminated;
                self.broken += if is_being_written { 0 } else { malformed };
                self.broken += u64::from(line.is_oversized);
            }
        }
        Ok(())
    }

    fn line(&mut self, raw: &RawValue) {
        let Some(line) = payload::<Line<'_>>(Some(raw)) else {
            return;
        };
        match &line.kind {
            LineKind::Other(kind) => {
                let kind = plain_name(Some(kind));
                self.met(format!("line {kind}"), raw, line.version);
            }
            LineKind::Missing => {
                self.met(format!("line {}", plain_name(None)), raw, line.version);
            }
            LineKind::User | LineKind::Assistant => self.message(&line),
            _ => {}
        }
    }

    fn message(&mut self, line: &Line<'_>) {
        let message: Option<Message<'_>> = payload(line.message);
        let model = message.as_ref().and_then(|message| message.model.as_ref());
        let is_synthetic = model.is_some_and(|model| model.as_str() == SYNTHETIC);
        let is_answer = line.kind == LineKind::Assistant && !is_synthetic;
        let usage = message.as_ref().and_then(|message| message.usage);
        let is_told = usage.is_some_and(|usage| usage.get().starts_with('{'));
        self.without_usage += u64::from(is_answer && !is_told);
        let content = message.and_then(|message| message.content);
        let blocks: Vec<&RawValue> = payload(content).unwrap_or_default();
        for block in blocks {
            self.block(block, line.version);
        }
    }

    fn block(&mut self, raw: &RawValue, version: Option<&RawValue>) {
        let block: Option<Block<'_>> = payload(Some(raw));
        let kind = block.and_then(|block| block.kind);
        let kind = plain_name(kind.as_ref());
        if !BLOCKS.contains(&kind) {
            self.met(format!("block {kind}"), raw, version);
        }
    }

    fn met(&mut self, what: String, raw: &RawValue, version: Option<&RawValue>) {
        let sighting = self.sightings.entry(what).or_default();
        sighting.count += 1;
        let version: Option<Text<'_>> = payload(version);
        let version = version.filter(|version| is_version(version.as_str()));
        sighting
            .versions
            .extend(version.map(|it| it.0.into_owned()));
        let fields: Map<String, Value> = payload(Some(raw)).unwrap_or_default();
        for (field, value) in &fields {
            let field = if is_name(field) { field } else { "(unusual)" };
            let kinds = sighting.fields.entry(field.to_owned()).or_default();
            kinds.insert(kind_of(value));
        }
    }
}

/// A name, if it has the form of one: anything else could be content.
fn plain_name<'a>(name: Option<&'a Text<'_>>) -> &'a str {
    match name.map(Text::as_str) {
        None => "(none)",
        Some(name) if is_name(name) => name,
        Some(_) => "(unusual)",
    }
}

fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() <= LONGEST_NAME
        && bytes
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn is_version(text: &str) -> bool {
    text.len() <= LONGEST_NAME
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
}

const fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use chrono::Utc;

    use super::*;
    use crate::host::Host;
    use crate::sources::claude_code::session_files;

    fn look(lines: &str) -> Unknown {
        let folder = tempfile::tempdir().unwrap();
        let transcript = folder.path().join("session.jsonl");
        fs::write(&transcript, lines).unwrap();
        let mut unknown = Unknown::default();
        let host = Host::bare(Utc::now);
        let files = session_files(&transcript, &host).unwrap();
        unknown.look(&files).unwrap();
        unknown
    }

    #[test]
    fn unknown_lines_and_blocks_are_reported_by_shape() {
        let unknown = look(concat!(
            r#"{"type":"user","message":{"content":"hello"}}"#,
            "\n",
            r#"{"type":"summary"}{"type":"turbo","version":"2.2.0","level":1,"by":{"ada":true}}"#,
            "\n",
            r#"{"type":"turbo","version":"2.2.1","level":"high"}"#,
            "\n",
            r#"{"type":"assistant","message":{"content":[{"type":"text"},{"type":"hologram"}]}}"#,
            "\n",
        ));
        let shown: Vec<String> = unknown
            .sightings
            .iter()
            .map(|(what, it)| format!("{what} {} {:?} {:?}", it.count, it.versions, it.fields))
            .collect();
        assert_eq!(
            shown,
            [
                r#"block hologram 1 {} {"type": {"string"}}"#.to_owned(),
                [
                    r#"line turbo 2 {"2.2.0", "2.2.1"} {"by": {"object"}, "#,
                    r#""level": {"number", "string"}, "type": {"string"}, "version": {"string"}}"#,
                ]
                .concat(),
            ]
        );
    }

    #[test]
    fn nothing_that_could_be_content_is_reported() {
        let word = "a secret plan";
        let line = |kind: &str, field: &str| {
            format!(r#"{{"type":"{kind}","version":"{word}","{field}":{{"{word}":"{word}"}}}}"#)
        };
        for lines in [
            line("turbo", "plans"),
            line("turbo", word),
            line(word, "plans"),
            format!(
                r#"{{"type":"user","message":{{"content":[{}]}}}}"#,
                line(word, word)
            ),
        ] {
            let unknown = look(&lines);
            assert_eq!(unknown.sightings.len(), 1, "{lines}");
            assert!(!format!("{unknown:?}").contains("secret"), "{unknown:?}");
        }
    }
}
