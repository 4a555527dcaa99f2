//! The content of a settings file, read as Claude Code reads it.
//!
//! Seen in version 2.1.332, which parses with the JSON of its JavaScript engine. Numbers beyond its
//! range, halves of surrogate pairs and any depth of nesting are accepted; comments and trailing
//! commas are not. A byte order mark and invalid UTF-8 are accepted. Of two properties with one
//! name the last counts. Every value in `env` is converted to text as in JavaScript: `["x"]`
//! becomes `x`.
//!
//! A parser that refused more than Claude Code does would miss settings that Claude Code applies.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use serde::Deserializer;
use serde::de::{DeserializeSeed, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};

use crate::sources::regular;

/// The plugin of this repository, as Claude Code names it.
pub const PLUGIN: &str = "posthog@posthog-llma";

/// Variables by name.
pub type Variables = BTreeMap<String, String>;

/// Bytes of the largest settings file. Usual ones have a few kilobytes.
const LARGEST: u64 = 4 << 20;

/// Levels of nesting that are read. Claude Code ignores deeper ones, and every setting read here is
/// within five.
const DEEPEST: usize = 64;

/// A settings file.
///
/// # Errors
/// The reason for which it cannot be read. The message contains a position and never the content.
pub fn read(file: &Path) -> Result<Map<String, Value>, String> {
    let bytes = regular::read_small(file, LARGEST).map_err(|error| error.to_string())?;
    let json = decoded(&bytes);
    let json = json.trim_start_matches('\u{feff}');
    if json.trim().is_empty() {
        return Ok(Map::new());
    }
    let no_object = |error: serde_json::Error| {
        let (line, column) = (error.line(), error.column());
        format!("it is no JSON object (line {line}, column {column})")
    };
    let settings: &RawValue = serde_json::from_str(json).map_err(no_object)?;
    match value(settings, 0) {
        Value::Object(settings) => Ok(settings),
        _ => Err("it is no JSON object".to_owned()),
    }
}

/// The text of a file: UTF-16 if it begins with the byte order mark of little endian, as
/// `PowerShell` writes, otherwise UTF-8. Claude Code reads no other form of UTF-16 (2.1.332).
fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    let Some(encoded) = bytes.strip_prefix(b"\xff\xfe") else {
        return String::from_utf8_lossy(bytes);
    };
    let units = encoded.chunks_exact(2);
    let units: Vec<u16> = units
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    Cow::Owned(String::from_utf16_lossy(&units))
}

/// Whether a file may exist. One that cannot be inspected may.
#[must_use]
pub fn may_exist(file: &Path) -> bool {
    let absent = [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory];
    fs::metadata(file).map_or_else(|error| !absent.contains(&error.kind()), |_| true)
}

/// The variables in the `env` block of settings.
#[must_use]
pub fn variables(settings: &Map<String, Value>) -> Variables {
    let env = settings.get("env").and_then(Value::as_object);
    env.into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), text(value)))
        .collect()
}

/// The options of the plugin in the user's own settings, by the variables in which its hooks see
/// them.
#[must_use]
pub fn options(settings: &Map<String, Value>) -> Variables {
    let plugins = settings.get("pluginConfigs");
    let plugin = plugins.and_then(|plugins| plugins.get(PLUGIN));
    let options = plugin.and_then(|plugin| plugin.get("options")?.as_object());
    let variable = |name: &str| format!("CLAUDE_PLUGIN_OPTION_{}", name.to_ascii_uppercase());
    options
        .into_iter()
        .flatten()
        .map(|(name, value)| (variable(name), text(value)))
        .collect()
}

/// A value as text, converted as in JavaScript, since Claude Code sets variables to that.
#[must_use]
pub fn text(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(is_true) => is_true.to_string(),
        Value::Number(number) => number_text(number),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items = items.iter().map(|item| match item {
                Value::Null => String::new(),
                item => text(item),
            });
            items.collect::<Vec<_>>().join(",")
        }
        Value::Object(_) => "[object Object]".to_owned(),
    }
}

/// A number as text. JavaScript has one type of number and writes whole ones without a point.
fn number_text(number: &Number) -> String {
    match number.as_f64() {
        Some(whole) if number.is_f64() && whole.fract() == 0.0 && whole.abs() < 1e15 => {
            format!("{whole:.0}").replace("-0", "0")
        }
        _ => number.to_string(),
    }
}

/// Parses well-formed JSON into a value, also if it exceeds what Rust's types can hold.
fn value(raw: &RawValue, depth: usize) -> Value {
    let json = raw.get();
    if depth > DEEPEST {
        return Value::Null;
    }
    match json.as_bytes().first() {
        Some(b'{') => Value::Object(fields(json, depth)),
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(json).unwrap_or_default();
            let items = items.into_iter().map(|item| value(item, depth + 1));
            Value::Array(items.collect())
        }
        Some(b'"') => Value::String(string(json)),
        // A number that is infinite in JavaScript stays text.
        _ => serde_json::from_str(json).unwrap_or_else(|_| Value::String(json.to_owned())),
    }
}

fn fields(json: &str, depth: usize) -> Map<String, Value> {
    let mut reader = serde_json::Deserializer::from_str(json);
    // It was parsed as a whole before, so it is valid.
    reader.deserialize_map(Fields { depth }).unwrap_or_default()
}

fn string(json: &str) -> String {
    let mut reader = serde_json::Deserializer::from_str(json);
    Text.deserialize(&mut reader).unwrap_or_default()
}

/// Text in which halves of surrogate pairs are replaced.
struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<String, D::Error> {
        // As bytes, serde_json accepts halves of surrogate pairs.
        reader.deserialize_bytes(self)
    }
}

impl Visitor<'_> for Text {
    type Value = String;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("text")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<String, E> {
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }

    fn visit_str<E>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }
}

struct Fields {
    depth: usize,
}

impl<'de> Visitor<'de> for Fields {
    type Value = Map<String, Value>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut read = Map::new();
        while let Some(name) = fields.next_key_seed(Text)? {
            let raw: &RawValue = fields.next_value()?;
            read.insert(name, value(raw, self.depth + 1));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &[u8]) -> Result<Map<String, Value>, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("settings.json");
        fs::write(&file, text).unwrap();
        read(&file)
    }

    fn nested(levels: usize) -> String {
        format!("{}{}", "[".repeat(levels), "]".repeat(levels))
    }

    #[test]
    fn every_form_that_claude_code_reads_is_read() {
        let deep = format!(r#"{{"x":{},"env":{{"A":"1"}}}}"#, nested(200));
        let deepest = format!(r#"{{"x":{},"env":{{"A":"1"}}}}"#, nested(200_000));
        for text in [
            &br#"{"env":{"A":"1"}}"#[..],
            b"\xef\xbb\xbf{\"env\":{\"A\":1}}",
            b"\xff\xfe{\0\"\0e\0n\0v\0\"\0:\0{\0\"\0A\0\"\0:\0\x31\0}\0}\0",
            br#"{"env":{},"env":{"A":"0","A":"1"}}"#,
            b"{\"x\":\"\xff\",\"env\":{\"A\":\"1\"}}",
            br#"{"x":1e999,"y":-1e999,"env":{"A":"1"}}"#,
            br#"{"x":"\ud800","env":{"A":"1"}}"#,
            br#"{"\udc00":{"\ud800":["\ud800"]},"env":{"A":"1"}}"#,
            br#"{"env":{"A":["1"]}}"#,
            br#"{"env":{"A":1.0}}"#,
            deep.as_bytes(),
            deepest.as_bytes(),
        ] {
            let read = read_text(text).map(|read| variables(&read));
            let expected = Variables::from([("A".to_owned(), "1".to_owned())]);
            let shown = text.escape_ascii().to_string();
            assert_eq!(read, Ok(expected), "{}", &shown[..shown.len().min(80)]);
        }
    }

    #[test]
    fn forms_that_claude_code_refuses_are_reported_without_their_content() {
        for text in [
            &br#"{"env":{"A":"secret"},}"#[..],
            br#"{"env":{"A":"secret"}} more"#,
            br#"{"env":{"A":"secret"}"#,
            b"// comment\n{}",
            b"{\"env\":{\"A\":\"sec\tret\"}}",
            b"{}\0",
            b"\xfe\xff\0{\0}",
            b"{\0}\0",
            b"\xff\xfe{\0",
            br#"["env"]"#,
            b"null",
        ] {
            let problem = read_text(text).expect_err(&text.escape_ascii().to_string());
            assert!(problem.starts_with("it is no JSON object"), "{problem}");
            assert!(!problem.contains("secret"), "{problem}");
        }
        assert_eq!(read_text(b" \n"), Ok(Map::new()));
    }

    #[test]
    fn values_become_text_as_in_javascript() {
        for (json, expected) in [
            ("\"x\"", "x"),
            ("true", "true"),
            ("null", "null"),
            ("0.0", "0"),
            ("-0", "0"),
            ("1.50", "1.5"),
            ("[\"https://x\"]", "https://x"),
            ("[1,null,[2,3]]", "1,,2,3"),
            ("{\"a\":1}", "[object Object]"),
            (r#""a\ud800b""#, "a\u{fffd}b"),
        ] {
            let settings = format!(r#"{{"env":{{"A":{json}}}}}"#);
            let read = variables(&read_text(settings.as_bytes()).unwrap());
            let text = read["A"].replace("\u{fffd}\u{fffd}\u{fffd}", "\u{fffd}");
            assert_eq!(text, expected, "{json}");
        }
    }
}
