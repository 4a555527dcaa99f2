//! Costs of calls.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::numbers::CostSource;
use crate::models::prices;
use crate::posthog::{self, names};
use crate::session::Agent;

/// The cost of a call in USD: as its event states it, or else by list price. `None` if it is
/// unknown. `value` looks up a property of the event, `at` is the event's time.
pub(crate) fn cost_of(
    value: &dyn Fn(&str) -> Option<Value>,
    agent: Agent,
    at: DateTime<Utc>,
) -> Option<(f64, CostSource)> {
    let is_false = |name| value(name) == Some(Value::Bool(false));
    if let Some(usd) = value(names::TOTAL_COST).as_ref().and_then(Value::as_f64) {
        return Some((usd, CostSource::of(agent)));
    }
    // The call was billed at unknown rates, or its usage is unknown.
    if is_false(names::IS_COST_RELIABLE) || is_false(names::IS_USAGE_KNOWN) {
        return None;
    }
    let model = value(names::MODEL)?;
    let usd = prices::listed(model.as_str()?, &posthog::usage_of(value), at)?;
    Some((usd, CostSource::List))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_call_costs_what_its_event_states_and_otherwise_the_list_price() {
        let tokens = |model: &str| {
            json!({
                "$ai_model": model, "$ai_input_tokens": 1_000_000, "$ai_output_tokens": 100_000,
                "$ai_cache_read_input_tokens": 2_000_000,
                "$ai_cache_creation_input_tokens": 300_000,
                "$ai_cache_creation_1h_input_tokens": 100_000,
                "$ai_cache_reporting_exclusive": true,
            })
        };
        let with = |name: &str, value: Value| {
            let mut properties = tokens("claude-opus-4-5-20251101");
            properties[name] = value;
            properties
        };
        for (properties, agent, expected) in [
            // $5 + $2.50 + $1 + $1.25 + $1.
            (
                tokens("claude-opus-4-5-20251101"),
                Agent::ClaudeCode,
                Some((10.75, CostSource::List)),
            ),
            (
                tokens("claude-opus-4-5"),
                Agent::Pi,
                Some((10.75, CostSource::List)),
            ),
            (tokens("our-own"), Agent::ClaudeCode, None),
            (
                with("$ai_total_cost_usd", json!(0.25)),
                Agent::Pi,
                Some((0.25, CostSource::Agent)),
            ),
            (
                with("$ai_total_cost_usd", json!(0.25)),
                Agent::ClaudeCode,
                Some((0.25, CostSource::List)),
            ),
            (with("cost_reliable", json!(false)), Agent::ClaudeCode, None),
            (with("usage_known", json!(false)), Agent::ClaudeCode, None),
            (json!({}), Agent::Otlp, None),
        ] {
            let value = |name: &str| properties.get(name).cloned();
            assert_eq!(
                cost_of(&value, agent, DateTime::UNIX_EPOCH),
                expected,
                "{properties}"
            );
        }
    }
}
