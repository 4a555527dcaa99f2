//! An event as a line for the page: whole, or its outline.

use std::borrow::Cow;
use std::fmt;
use std::io::Write as _;
use std::path::Path;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::record::Kind;
use crate::posthog::names;
use crate::session::{Agent, FindingKind};
use crate::usage::{CostSource, cost_of};
use crate::views::telling;

/// Properties in an outline besides those of findings: all that the page's tree, lanes and charts are
/// made of. A long session has many events, and its outline lies in the browser whole.
const OUTLINE: [&str; 24] = [
    names::TRACE_ID,
    names::SPAN_ID,
    names::PARENT_ID,
    names::SPAN_NAME,
    names::SPAN_TYPE,
    names::MODEL,
    names::STOP_REASON,
    names::IS_ERROR,
    names::ERROR,
    names::UNFINISHED,
    names::INPUT_TOKENS,
    names::OUTPUT_TOKENS,
    names::CACHE_READ_TOKENS,
    names::CACHE_WRITE_TOKENS,
    names::REASONING_TOKENS,
    names::LATENCY,
    names::TIME_TO_FIRST_TOKEN,
    names::ELAPSED,
    names::PERMISSION_WAIT,
    names::SUBAGENT_ID,
    names::SUBAGENT_TYPE,
    names::LINES_ADDED,
    names::LINES_REMOVED,
    names::COMPACTION_COUNT,
];
/// Bytes of the longest value to search for an event's detail. Longer values are rare and slow.
const LONGEST: usize = 256 << 10;
/// Characters of an event's detail.
const DETAIL: usize = 200;

/// The amount of an event in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    Outline,
    Full,
}

/// A line around an event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    pub(super) n: usize,
    pub(super) kind: Kind,
    pub(super) agent: Option<Agent>,
    /// The folder of the session, to shorten paths below it.
    pub(super) folder: Option<&'a str>,
    pub(super) view: View,
}

/// An event as it is sent.
#[derive(Deserialize)]
struct Sent<'a> {
    #[serde(borrow)]
    event: &'a RawValue,
    #[serde(borrow)]
    uuid: &'a RawValue,
    #[serde(borrow)]
    distinct_id: &'a RawValue,
    #[serde(borrow)]
    timestamp: &'a RawValue,
    #[serde(borrow)]
    properties: Properties<'a>,
}

/// Properties in their order, with unparsed values.
struct Properties<'a>(Vec<(Name<'a>, &'a RawValue)>);

/// A name of a property, borrowed unless it has escapes.
struct Name<'a>(Cow<'a, str>);

impl Line<'_> {
    /// Writes the line of an event.
    pub(super) fn write(&self, json: &[u8], out: &mut Vec<u8>) -> serde_json::Result<()> {
        let sent: Sent<'_> = serde_json::from_slice(json)?;
        // Writing to memory cannot fail.
        let _ = write!(out, "{{\"n\":{},\"event\":", self.n);
        match self.view {
            View::Full => out.extend_from_slice(json),
            View::Outline => sent.outline(out),
        }
        let _ = write!(out, ",\"bytes\":{}", json.len());
        if let Some(detail) = self.detail(&sent) {
            out.extend_from_slice(b",\"detail\":");
            serde_json::to_writer(&mut *out, &detail)?;
        }
        if let Some((usd, source)) = self.cost(&sent) {
            let _ = write!(out, ",\"cost\":{usd}");
            out.extend_from_slice(b",\"cost_source\":");
            serde_json::to_writer(&mut *out, &source)?;
        }
        out.push(b'}');
        Ok(())
    }

    /// A short text that distinguishes the event from others.
    fn detail(&self, sent: &Sent<'_>) -> Option<String> {
        let text = match self.kind {
            Kind::Tool | Kind::Change => {
                let input = sent.value(names::INPUT_STATE)?;
                telling(&input, self.folder.map(Path::new))?
            }
            Kind::Call => first_text(&sent.value(names::OUTPUT_CHOICES)?)?,
            Kind::Trace | Kind::Turn => return None,
        };
        let line: Vec<&str> = text.split_whitespace().collect();
        let line: String = line.join(" ").chars().take(DETAIL).collect();
        (!line.is_empty()).then_some(line)
    }

    fn cost(&self, sent: &Sent<'_>) -> Option<(f64, CostSource)> {
        if self.kind != Kind::Call {
            return None;
        }
        let at = serde_json::from_str(sent.timestamp.get()).ok()?;
        cost_of(&|name| sent.value(name), self.agent?, at)
    }
}

impl Sent<'_> {
    /// The value of a property, unless it exceeds [`LONGEST`].
    fn value(&self, name: &str) -> Option<Value> {
        let raw = self.raw(name)?.get();
        let is_short = raw.len() <= LONGEST;
        is_short.then(|| serde_json::from_str(raw).ok()).flatten()
    }

    fn raw(&self, name: &str) -> Option<&RawValue> {
        let mut properties = self.properties.0.iter();
        properties.find_map(|(known, raw)| (known.0 == name).then_some(*raw))
    }

    fn outline(&self, out: &mut Vec<u8>) {
        let fields = [
            ("{\"event\":", self.event),
            (",\"uuid\":", self.uuid),
            (",\"distinct_id\":", self.distinct_id),
            (",\"timestamp\":", self.timestamp),
        ];
        for (name, raw) in fields {
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(raw.get().as_bytes());
        }
        out.extend_from_slice(b",\"properties\":{");
        let kept = self.properties.0.iter();
        let kept = kept.filter(|(name, _)| is_in_outline(&name.0));
        for (index, (name, raw)) in kept.enumerate() {
            if index > 0 {
                out.push(b',');
            }
            // Writing a text to memory cannot fail.
            let _ = serde_json::to_writer(&mut *out, &name.0);
            out.push(b':');
            out.extend_from_slice(raw.get().as_bytes());
        }
        out.extend_from_slice(b"}}");
    }
}

fn is_in_outline(name: &str) -> bool {
    let mut of_findings = FindingKind::ALL.into_iter().flat_map(names::of_finding);
    OUTLINE.contains(&name) || of_findings.any(|it| it == name)
}

/// The first text of an answer.
fn first_text(choices: &Value) -> Option<String> {
    let choices = choices.as_array()?.iter();
    let mut contents = choices.filter_map(|choice| choice.get("content"));
    contents.find_map(|content| {
        if let Some(text) = content.as_str() {
            return Some(text.to_owned());
        }
        let mut parts = content.as_array()?.iter();
        parts.find_map(|part| {
            let is_text = part.get("type").and_then(Value::as_str) == Some("text");
            let text = part.get("text")?.as_str()?;
            (is_text && !text.trim().is_empty()).then(|| text.to_owned())
        })
    })
}

impl<'de: 'a, 'a> Deserialize<'de> for Properties<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Properties<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut properties = Vec::with_capacity(map.size_hint().unwrap_or(32));
                while let Some(property) = map.next_entry()? {
                    properties.push(property);
                }
                Ok(Properties(properties))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lines(event: &Value, kind: Kind) -> [Value; 2] {
        [View::Outline, View::Full].map(|view| {
            let line = Line {
                n: 7,
                kind,
                agent: Some(Agent::Pi),
                folder: Some("/home/ada/shop"),
                view,
            };
            let mut out = Vec::new();
            line.write(event.to_string().as_bytes(), &mut out).unwrap();
            serde_json::from_slice(&out).unwrap()
        })
    }

    #[test]
    fn an_outline_has_what_the_page_draws_and_no_content() {
        let event = json!({
            "event": "$ai_generation", "uuid": "u", "distinct_id": "d",
            "timestamp": "2026-11-28T12:00:00.000Z",
            "properties": {
                "$ai_model": "m", "$ai_input": [{}], "$ai_output_choices":
                [{ "content": [{ "type": "thinking", "thinking": "x" },
                               { "type": "text", "text": " hello\n there " }] }],
                "$ai_user_prompt": "p", "$ai_total_cost_usd": 0.25, "a \"b\"": [1, { "c": null }],
                "lost_cache_count": 2,
            },
        });
        let [outline, full] = lines(&event, Kind::Call);
        assert_eq!(full["event"], event);
        let mut drawn = event.clone();
        drawn["properties"] = json!({ "$ai_model": "m", "lost_cache_count": 2 });
        assert_eq!(outline["event"], drawn);
        for line in [&outline, &full] {
            assert_eq!(line["n"], 7);
            assert_eq!(line["bytes"], event.to_string().len());
            assert_eq!(line["detail"], "hello there");
            assert_eq!(
                (&line["cost"], &line["cost_source"]),
                (&json!(0.25), &json!("agent"))
            );
        }
    }

    /// The page's compiler refuses to read any other property of an outline.
    #[test]
    fn the_page_knows_the_same_outline() {
        let contract = include_str!("../../ui/api.ts");
        let (_, list) = contract.split_once("const OUTLINE = [").unwrap();
        let (list, _) = list.split_once(']').unwrap();
        let known = list.split('"').skip(1).step_by(2);
        let of_findings = FindingKind::ALL.into_iter().flat_map(names::of_finding);
        assert!(known.eq(OUTLINE.into_iter().chain(of_findings)));
    }

    #[test]
    fn a_tool_is_distinguished_by_its_input() {
        let event = json!({
            "event": "$ai_span", "uuid": "u", "distinct_id": "d", "timestamp": "t",
            "properties": { "$ai_input_state": { "file_path": "/home/ada/shop/src/a.rs" } },
        });
        let [outline, _] = lines(&event, Kind::Tool);
        assert_eq!(outline["detail"], "src/a.rs");
        assert_eq!(outline.get("cost"), None);
        assert_eq!(outline["event"]["properties"], json!({}));
    }
}
