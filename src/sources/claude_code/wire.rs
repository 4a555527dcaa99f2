//! The lines as Claude Code writes them: only the fields that are used, borrowed where they can
//! be. Payloads stay raw until a line turns out to need them; everything else is skipped.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::tool_result::ToolUseResult;

/// A string that borrows from the line unless it holds escapes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl Text<'_> {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = deserializer.deserialize_any(TextVisitor)?;
        text.ok_or_else(|| D::Error::custom("no text"))
    }
}

/// A field that is text where we know it. Another version may write something else there: that
/// is as good as nothing, and no reason to lose the line.
fn text<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Text<'a>>, D::Error> {
    deserializer.deserialize_any(TextVisitor)
}

/// A field that is true or false where we know it.
fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    let raw: &RawValue = Deserialize::deserialize(deserializer)?;
    Ok(raw.get().parse().ok())
}

/// A field that is an object where we know it. Whatever else stands there is passed over.
fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    struct ObjectVisitor<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
        type Value = Option<T>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map)).map(Some)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok(None)
        }

        fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
            Ok(None)
        }
    }

    deserializer.deserialize_any(ObjectVisitor(PhantomData))
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Option<Text<'de>>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Some(Text(Cow::Borrowed(text))))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Text(Cow::Owned(text.to_owned()))))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

/// The envelope of a line.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Line<'a> {
    #[serde(borrow, default, deserialize_with = "text", rename = "type")]
    pub(super) kind: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) subtype: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) uuid: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) parent_uuid: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) session_id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) agent_id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) timestamp: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) cwd: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) git_branch: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) version: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) entrypoint: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) permission_mode: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) turn_origin: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) request_ref: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) effort: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) requested_model: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) custom_title: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) ai_title: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) attribution_agent: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) tool_denial_kind: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) pr_url: Option<Text<'a>>,
    #[serde(default)]
    pub(super) thinking_duration_ms: Number,
    #[serde(default)]
    pub(super) tool_input_stream_ms: Number,
    #[serde(borrow, default)]
    pub(super) permission_decision: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "flag")]
    pub(super) is_sidechain: Option<bool>,
    #[serde(default, deserialize_with = "flag")]
    pub(super) is_meta: Option<bool>,
    #[serde(default, deserialize_with = "flag")]
    pub(super) is_compact_summary: Option<bool>,
    #[serde(default, deserialize_with = "flag")]
    pub(super) is_api_error_message: Option<bool>,
    #[serde(default, deserialize_with = "flag")]
    pub(super) tool_denial_before_run: Option<bool>,
    #[serde(borrow, default)]
    pub(super) origin: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) error: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) api_error_status: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "object")]
    pub(super) message: Option<Message<'a>>,
    #[serde(default)]
    pub(super) tool_use_result: ToolUseResult,
    #[serde(borrow, default)]
    pub(super) attachment: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) model_usage: Option<&'a RawValue>,
    #[serde(default)]
    pub(super) start_time: Number,
    #[serde(borrow, default)]
    pub(super) params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) base: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) keep: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) tail: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) hash: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) shape_hash: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) shape: Option<&'a RawValue>,
}

/// Reads a payload; one of an unexpected shape is as good as none.
pub(super) fn payload<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Option<T> {
    serde_json::from_str(raw?.get()).ok()
}

/// `message` of a `user`, `assistant` or `api-request-blob` line.
#[derive(Debug, Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) role: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) model: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) stop_reason: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) usage: Option<&'a RawValue>,
}

/// `content` of a message or of a tool result: a string, or blocks.
#[derive(Debug)]
pub(super) enum Content<'a> {
    Text(&'a RawValue),
    Blocks(Vec<Block<'a>>),
}

/// One block, and the JSON that it stands in where it is none that we know.
#[derive(Debug)]
pub(super) enum Block<'a> {
    Known(ContentBlock<'a>),
    Other(&'a RawValue),
}

impl<'a> Content<'a> {
    pub(super) fn parse(raw: Option<&'a RawValue>) -> Option<Self> {
        let raw = raw?;
        match raw.get().as_bytes().first()? {
            b'"' => Some(Self::Text(raw)),
            b'[' => Some(Self::Blocks(blocks(raw))),
            _ => None,
        }
    }
}

/// Nearly always, all blocks are known, and one pass is enough.
fn blocks(raw: &RawValue) -> Vec<Block<'_>> {
    let known: Option<Vec<ContentBlock<'_>>> = payload(Some(raw));
    match known {
        Some(known) if known.iter().all(ContentBlock::is_known) => {
            known.into_iter().map(Block::Known).collect()
        }
        _ => {
            let raw: Vec<&RawValue> = payload(Some(raw)).unwrap_or_default();
            raw.into_iter().map(block).collect()
        }
    }
}

fn block(raw: &RawValue) -> Block<'_> {
    match payload::<ContentBlock<'_>>(Some(raw)) {
        Some(block) if block.is_known() => Block::Known(block),
        _ => Block::Other(raw),
    }
}

impl ContentBlock<'_> {
    pub(super) fn kind(&self) -> &str {
        self.kind.as_ref().map_or("", Text::as_str)
    }

    /// Whether it is of a kind that we know, and holds what that kind must hold.
    fn is_known(&self) -> bool {
        match self.kind() {
            "text" => self.text.is_some_and(is_text),
            "thinking" => self.thinking.is_some_and(is_text),
            "tool_use" => self.id.is_some() && self.name.is_some(),
            "tool_result" => self.tool_use_id.is_some(),
            "image" | "document" => true,
            _ => false,
        }
    }
}

fn is_text(raw: &RawValue) -> bool {
    raw.get().starts_with('"')
}

/// The fields of all content blocks together; which are there depends on `kind`. What may be
/// long stays raw until it is wanted.
#[derive(Debug, Deserialize)]
pub(super) struct ContentBlock<'a> {
    #[serde(borrow, default, deserialize_with = "text", rename = "type")]
    pub(super) kind: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) text: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) thinking: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) input: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) tool_use_id: Option<Text<'a>>,
    #[serde(default, deserialize_with = "flag")]
    pub(super) is_error: Option<bool>,
    #[serde(borrow, default)]
    pub(super) content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) source: Option<&'a RawValue>,
}

/// `source` of an image or document.
#[derive(Debug, Deserialize)]
pub(super) struct MediaSource<'a> {
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) media_type: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) data: Option<&'a RawValue>,
}

/// `usage` of a response. Numbers may be null.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Usage<'a> {
    #[serde(default)]
    pub(super) input_tokens: Count,
    #[serde(default)]
    pub(super) output_tokens: Count,
    #[serde(default)]
    pub(super) cache_read_input_tokens: Count,
    #[serde(default)]
    pub(super) cache_creation_input_tokens: Count,
    #[serde(default)]
    pub(super) cache_creation: Option<CacheCreation>,
    #[serde(default)]
    pub(super) server_tool_use: Option<ServerToolUse>,
    #[serde(default)]
    pub(super) output_tokens_details: Option<OutputDetails>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) service_tier: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) speed: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct CacheCreation {
    #[serde(default)]
    pub(super) ephemeral_5m_input_tokens: Count,
    #[serde(default)]
    pub(super) ephemeral_1h_input_tokens: Count,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct ServerToolUse {
    #[serde(default)]
    pub(super) web_search_requests: Count,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct OutputDetails {
    #[serde(default)]
    pub(super) thinking_tokens: Option<Count>,
}

/// No response has more tokens, and sums of so many still fit.
const MOST: f64 = 1e12;

/// A count that may be null, or of a kind we do not expect: then it counts nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count(pub(super) u64);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Number(number) = Number::deserialize(deserializer)?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "`as` saturates"
        )]
        Ok(Self(number.map_or(0, |number| number.min(MOST) as u64)))
    }
}

/// A number, or `None` for anything else that stands in its place. Counts of tokens and
/// milliseconds are far below the 2^53 up to which `f64` is exact.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Number(pub(super) Option<f64>);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberVisitor;
        #[expect(clippy::cast_precision_loss, reason = "see `Number`")]
        impl<'de> Visitor<'de> for NumberVisitor {
            type Value = Number;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a number")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Number, E> {
                Ok(Number(Some(number as f64)))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Number, E> {
                Ok(Number(Some(number as f64)))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Number, E> {
                Ok(Number(Some(number)))
            }

            fn visit_unit<E: Error>(self) -> Result<Number, E> {
                Ok(Number(None))
            }

            fn visit_bool<E: Error>(self, _: bool) -> Result<Number, E> {
                Ok(Number(None))
            }

            fn visit_str<E: Error>(self, _: &str) -> Result<Number, E> {
                Ok(Number(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Number, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Number(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Number, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Number(None))
            }
        }
        deserializer.deserialize_any(NumberVisitor)
    }
}

/// `attachment` of a line of that type.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Attachment<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(borrow, default)]
    pub(super) prompt: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) command_mode: Option<Text<'a>>,
}

/// `origin` of a user line.
#[derive(Debug, Deserialize)]
pub(super) struct Origin<'a> {
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) kind: Option<Text<'a>>,
}

/// `permissionDecision` of a line that holds a tool's result.
#[derive(Debug, Deserialize)]
pub(super) struct PermissionDecision<'a> {
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) decision: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(super) source: Option<Text<'a>>,
}

/// `error` of an attempt that failed.
#[derive(Debug, Default, Deserialize)]
pub(super) struct AttemptError {
    #[serde(default)]
    pub(super) status: Option<u16>,
}

/// `shape` of an `api-request-shape` line.
#[derive(Debug, Deserialize)]
pub(super) struct Shape<'a> {
    #[serde(borrow, default)]
    pub(super) system: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) tools: Option<&'a RawValue>,
}

/// `agent-<id>.meta.json`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AgentMeta {
    #[serde(default)]
    pub(super) agent_type: Option<String>,
    #[serde(default)]
    pub(super) tool_use_id: Option<String>,
}

/// `modelUsage` of a `cost-state` line.
pub(super) type Books = BTreeMap<String, ModelUsage>;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ModelUsage {
    #[serde(default)]
    pub(super) input_tokens: Count,
    #[serde(default)]
    pub(super) output_tokens: Count,
    #[serde(default)]
    pub(super) thinking_tokens: Count,
    #[serde(default)]
    pub(super) cache_read_input_tokens: Count,
    #[serde(default)]
    pub(super) cache_creation_input_tokens: Count,
    #[serde(default, rename = "cacheCreationEphemeral1hInputTokens")]
    pub(super) cache_creation_1h: Count,
    #[serde(default)]
    pub(super) web_search_requests: Count,
}
