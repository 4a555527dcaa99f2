//! System prompt and tools from an attachment (2.1.270 and later), if there are no records of
//! requests.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::blocks::{Content, value};
use crate::session::{Block, Setup};
use crate::sources::lenient::{Text, known, payload};

/// `attachment` of type `prompt_snapshot`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PromptSnapshot<'a> {
    #[serde(borrow, default, deserialize_with = "known")]
    cli_prefix: Option<Text<'a>>,
    #[serde(borrow, default)]
    system_prompt: Option<&'a RawValue>,
    #[serde(borrow, default)]
    tools: Option<&'a RawValue>,
}

/// A tool in it.
#[derive(Deserialize)]
struct Tool<'a> {
    #[serde(borrow, default)]
    schema: Option<&'a RawValue>,
}

/// The text of an attachment, as the model received it.
#[derive(Debug, Deserialize)]
pub(super) struct Rendered<'a> {
    #[serde(borrow, default)]
    pub(super) content: Content<'a>,
}

/// The current snapshot: the last one before a call.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    raw: String,
    pub(super) setup: Option<Arc<Setup>>,
}

impl Snapshot {
    /// Stores a snapshot. One that equals the last is the same.
    pub(super) fn take(&mut self, raw: &RawValue) {
        if self.raw == raw.get() {
            return;
        }
        let Some(snapshot) = payload::<PromptSnapshot<'_>>(Some(raw)) else {
            return;
        };
        raw.get().clone_into(&mut self.raw);
        let sections: Vec<&RawValue> = payload(snapshot.system_prompt)
            .or_else(|| snapshot.system_prompt.map(|prompt| vec![prompt]))
            .unwrap_or_default();
        let sections = sections
            .into_iter()
            .filter_map(|it| payload::<Text<'_>>(Some(it)));
        let texts = snapshot.cli_prefix.into_iter().chain(sections);
        let tools: Vec<&RawValue> = payload(snapshot.tools).unwrap_or_default();
        let schema = |raw: &RawValue| {
            let tool: Option<Tool<'_>> = payload(Some(raw));
            tool.and_then(|tool| tool.schema)
                .map_or_else(|| value(raw), value)
        };
        self.setup = Some(Arc::new(Setup {
            system: texts.map(|text| Block::Text(text.0.into_owned())).collect(),
            tools: tools.into_iter().map(schema).collect::<Vec<Value>>(),
        }));
    }
}
