//! Tools that a session offered to the model, and which of them were used.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::found::{BYTES_A_TOKEN, Found};
use super::tree::{Generation, Setup};

/// Number of calls with a tool's definition from which on an unused tool is a finding.
const ENOUGH_CALLS: u64 = 10;

/// The offered and the used tools, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Offers(BTreeMap<String, Offer>);

/// One tool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Offer {
    /// Number of model calls that included its definition.
    calls: u64,
    /// Estimated tokens of its definition in these calls.
    tokens: u64,
    /// Whether the model called it.
    is_used: bool,
}

impl Offers {
    /// Adds a call of the model.
    pub(super) fn add(&mut self, generation: &Generation) {
        for tool in definitions(generation.setup.as_deref()) {
            let offer = self.of(tool.name);
            offer.calls += 1;
            offer.tokens += tool.bytes / BYTES_A_TOKEN;
        }
        for call in generation.tool_calls() {
            self.of(&call.name).is_used = true;
        }
    }

    /// The tools that were never used.
    pub(super) fn unused(&self) -> Found {
        let mut found = Found::default();
        let is_unused = |offer: &&Offer| offer.calls >= ENOUGH_CALLS && !offer.is_used;
        for offer in self.0.values().filter(is_unused) {
            found.add(offer.tokens);
        }
        found
    }

    fn of(&mut self, name: &str) -> &mut Offer {
        self.0.entry(name.to_owned()).or_default()
    }
}

/// The definition of a tool.
struct Definition<'a> {
    name: &'a str,
    /// Bytes of its JSON.
    bytes: u64,
}

/// The definitions in a setup.
fn definitions(setup: Option<&Setup>) -> impl Iterator<Item = Definition<'_>> {
    let tools = setup.into_iter().flat_map(|setup| &setup.tools);
    tools.filter_map(|tool| {
        // Some formats put the definition into an object of its type.
        let definition = tool.get("function").unwrap_or(tool);
        // Tools of the provider have no schema here: their size is unknown. The definition of a
        // deferred tool is sent only after the model searched for it.
        let schemas = ["input_schema", "inputSchema", "parameters"];
        let has_schema = schemas.iter().any(|name| definition.get(name).is_some());
        let is_deferred = tool.get("defer_loading") == Some(&Value::Bool(true));
        let name = definition.get("name")?.as_str()?;
        (has_schema && !is_deferred).then(|| Definition {
            name,
            bytes: tool.to_string().len() as u64,
        })
    })
}
