//! The content of messages: a string, or blocks. It is parsed once, in place; values that may be
//! long stay raw until they are wanted.

use std::borrow::Cow;

use serde::de::SeqAccess;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::sources::lenient::{Fields, Kind, Known, Text, known, payload};

/// `content` of a message or of a tool result.
#[derive(Debug, Default)]
pub(super) enum Content<'a> {
    /// Neither text nor blocks.
    #[default]
    Nothing,
    Text(Cow<'a, str>),
    Blocks(Vec<Block<'a>>),
}

/// One block of content.
#[derive(Debug)]
pub(super) enum Block<'a> {
    Text(&'a RawValue),
    Thinking(&'a RawValue),
    ToolUse {
        id: Text<'a>,
        name: Text<'a>,
        input: Option<&'a RawValue>,
    },
    ToolResult {
        call_id: Text<'a>,
        is_error: bool,
        content: Option<&'a RawValue>,
    },
    /// An image or a document.
    Media {
        kind: Text<'a>,
        source: Option<&'a RawValue>,
    },
    /// A block of an unknown type, or one without the fields that its type requires.
    Other(Fields<'a>),
}

impl<'a> Fields<'a> {
    /// The value of the last field with this name.
    fn raw(&self, name: &str) -> Option<&'a RawValue> {
        let mut fields = self.0.iter().rev();
        fields.find(|(key, _)| key == name).map(|(_, raw)| *raw)
    }

    fn read<T: Deserialize<'a>>(&self, name: &str) -> Option<T> {
        payload(self.raw(name))
    }

    /// Reads an id. Gateways write numbers, or none.
    fn id(&self, name: &str) -> Text<'a> {
        let raw = self.raw(name).map(RawValue::get).unwrap_or_default();
        if raw.starts_with(|first: char| first.is_ascii_digit()) {
            return Text(Cow::Borrowed(raw));
        }
        self.read(name).unwrap_or_default()
    }

    /// The raw string of this name.
    fn string(&self, name: &str) -> Option<&'a RawValue> {
        self.raw(name).filter(|raw| raw.get().starts_with('"'))
    }

    /// The object as a value. Values that are nested too deeply are kept as text.
    pub(super) fn value(&self) -> Value {
        let fields = self.0.iter();
        let fields: Map<_, _> = fields
            .map(|(key, raw)| (key.as_ref().to_owned(), value(raw)))
            .collect();
        Value::Object(fields)
    }

    /// The block with these fields, if its type is known.
    fn known(&self) -> Option<Block<'a>> {
        let kind: Text<'_> = self.read("type")?;
        Some(match kind.as_str() {
            "text" => Block::Text(self.string("text")?),
            "thinking" => Block::Thinking(self.string("thinking")?),
            "tool_use" => Block::ToolUse {
                id: self.id("id"),
                name: self.read("name")?,
                input: self.raw("input"),
            },
            "tool_result" => Block::ToolResult {
                call_id: self.id("tool_use_id"),
                is_error: self.read("is_error").unwrap_or(false),
                content: self.raw("content"),
            },
            "image" | "document" => Block::Media {
                source: self.raw("source"),
                kind,
            },
            _ => return None,
        })
    }
}

/// Parses a value. One that is nested too deeply is kept as text.
pub(super) fn value(raw: &RawValue) -> Value {
    serde_json::from_str(raw.get()).unwrap_or_else(|_| Value::String(raw.get().to_owned()))
}

impl<'de: 'a, 'a> Kind<'de> for Content<'a> {
    fn of_str(text: &str) -> Option<Self> {
        Some(Self::Text(Cow::Owned(text.to_owned())))
    }

    fn of_borrowed_str(text: &'de str) -> Option<Self> {
        Some(Self::Text(Cow::Borrowed(text)))
    }

    /// Reads blocks. Items that are not objects are ignored.
    fn of_array<A: SeqAccess<'de>>(mut array: A) -> Result<Option<Self>, A::Error> {
        let mut blocks = Vec::with_capacity(1);
        while let Some(Known(fields)) = array.next_element::<Known<Fields<'_>>>()? {
            blocks.extend(fields.map(|fields| fields.known().unwrap_or(Block::Other(fields))));
        }
        Ok(Some(Self::Blocks(blocks)))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Content<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(known(deserializer)?.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_without_a_required_field_is_kept_unchanged() {
        for (json, expected) in [
            (r#"{"type":"text","text":"hi"}"#, None),
            (r#"{"text":"hi","type":"text"}"#, None),
            (
                r#"{"type":"text","text":["hi"]}"#,
                Some(r#"{"type":"text","text":["hi"]}"#),
            ),
            (r#"{"type":"tool_use","id":"a","name":"Bash"}"#, None),
            (r#"{"type":"tool_use","id":1,"name":"Bash"}"#, None),
            (r#"{"type":"tool_use","name":"Bash"}"#, None),
            (
                r#"{"type":"tool_use","id":"a"}"#,
                Some(r#"{"type":"tool_use","id":"a"}"#),
            ),
            (
                r#"{"type":"hologram","of":{"ada":1}}"#,
                Some(r#"{"type":"hologram","of":{"ada":1}}"#),
            ),
        ] {
            let content = format!("[{json}]");
            let Content::Blocks(blocks) = serde_json::from_str(&content).unwrap() else {
                panic!("no blocks in {json}");
            };
            let other = match blocks.as_slice() {
                [Block::Other(fields)] => Some(fields.value().to_string()),
                [_] => None,
                more => panic!("{} blocks in {json}", more.len()),
            };
            assert_eq!(other.as_deref(), expected, "{json}");
        }
    }

    #[test]
    fn a_value_of_any_other_type_is_no_content() {
        for json in ["null", "1", "-1", "0.5", "true", r#"{"type":"text"}"#] {
            let content: Content<'_> = serde_json::from_str(json).unwrap();
            assert!(matches!(content, Content::Nothing), "{json}");
        }
        let mixed: Content<'_> = serde_json::from_str(r#"["hi",1,null]"#).unwrap();
        assert!(matches!(mixed, Content::Blocks(blocks) if blocks.is_empty()));
    }
}
