//! Token counts of calls: as properties, and back from them.

use serde_json::Value;

use super::names;
use super::properties::Properties;
use crate::session::{CacheCounts, MediaTokens, Totals, Usage};

impl Properties<'_> {
    /// Sets the token counts of a call.
    pub(super) fn usage(&mut self, usage: Usage, counts: CacheCounts, model: Option<&str>) {
        let input = usage.input_as(counts);
        self.insert(names::INPUT_TOKENS, input);
        self.insert(names::OUTPUT_TOKENS, output_tokens(usage, model));
        self.insert(names::TOTAL_TOKENS, input + usage.output);
        self.insert_some(names::REASONING_TOKENS, usage.reasoning);
        self.media(names::MEDIA_INPUT_TOKENS, usage.media_input);
        self.media(names::MEDIA_OUTPUT_TOKENS, usage.media_output);
        self.insert(names::CACHE_READ_TOKENS, usage.cache_read);
        self.insert(names::CACHE_WRITE_TOKENS, usage.cache_write);
        self.insert(names::CACHE_WRITE_5M_TOKENS, usage.cache_write_usual());
        self.insert(names::CACHE_WRITE_1H_TOKENS, usage.cache_write_long);
        self.insert(names::CACHE_IS_EXCLUSIVE, counts == CacheCounts::Apart);
        self.count(names::WEB_SEARCH_COUNT, usage.web_searches);
        self.count(names::WEB_FETCH_COUNT, usage.web_fetches);
    }

    fn media(&mut self, names: [&'static str; 3], tokens: MediaTokens) {
        let MediaTokens {
            audio,
            image,
            video,
        } = tokens;
        for (name, tokens) in names.into_iter().zip([audio, image, video]) {
            self.count(name, tokens);
        }
    }
}

/// The usage stated by the properties of a call, the reverse of setting them. `value` looks up a
/// property.
pub(crate) fn usage_of(value: &dyn Fn(&str) -> Option<Value>) -> Usage {
    let number = |name: &str| value(name).as_ref().and_then(Value::as_u64);
    let count = |name: &str| number(name).unwrap_or(0);
    let (cache_read, cache_write) = (
        count(names::CACHE_READ_TOKENS),
        count(names::CACHE_WRITE_TOKENS),
    );
    let is_included = value(names::CACHE_IS_EXCLUSIVE) == Some(Value::Bool(false));
    let cached = if is_included {
        cache_read + cache_write
    } else {
        0
    };
    let media = |names: [&str; 3]| {
        let [audio, image, video] = names.map(count);
        MediaTokens {
            audio,
            image,
            video,
        }
    };
    let reasoning = number(names::REASONING_TOKENS);
    let model = value(names::MODEL);
    let is_added = model
        .as_ref()
        .and_then(Value::as_str)
        .is_some_and(is_reasoning_added);
    let added = reasoning.filter(|_| is_added);
    Usage {
        input: count(names::INPUT_TOKENS).saturating_sub(cached),
        output: count(names::OUTPUT_TOKENS) + added.unwrap_or(0),
        reasoning,
        cache_read,
        cache_write,
        cache_write_long: count(names::CACHE_WRITE_1H_TOKENS).min(cache_write),
        media_input: media(names::MEDIA_INPUT_TOKENS),
        media_output: media(names::MEDIA_OUTPUT_TOKENS),
        web_searches: count(names::WEB_SEARCH_COUNT),
        web_fetches: count(names::WEB_FETCH_COUNT),
    }
}

/// Models whose reasoning tokens PostHog itself adds to the output when it computes costs
/// (`output-costs.ts` of its ingestion).
const REASONING_IS_ADDED: [&str; 2] = ["gemini-2.5-", "gemini-3"];

pub(crate) fn is_reasoning_added(model: &str) -> bool {
    let model = model.to_lowercase();
    REASONING_IS_ADDED.iter().any(|it| model.starts_with(it))
}

fn output_tokens(usage: Usage, model: Option<&str>) -> u64 {
    let is_added = model.is_some_and(is_reasoning_added);
    let added = usage.reasoning.filter(|_| is_added);
    usage.output.saturating_sub(added.unwrap_or(0))
}

/// The sum of the output tokens of the generations.
pub(super) fn total_output_tokens(totals: &Totals) -> u64 {
    let by_model = totals.reasoning.iter();
    let added = by_model.filter(|(model, _)| is_reasoning_added(model));
    totals
        .output
        .saturating_sub(added.map(|(_, tokens)| tokens).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_read_back_as_it_was_set() {
        let usage = Usage {
            input: 10,
            output: 50,
            reasoning: Some(20),
            cache_read: 1000,
            cache_write: 300,
            cache_write_long: 100,
            media_input: MediaTokens {
                audio: 3,
                image: 2,
                video: 1,
            },
            media_output: MediaTokens {
                image: 30,
                ..MediaTokens::default()
            },
            web_searches: 2,
            web_fetches: 1,
        };
        for model in ["claude-sonnet-5", "gemini-3-pro"] {
            for counts in [CacheCounts::Apart, CacheCounts::Included] {
                let mut properties = Properties::default();
                properties.insert(names::MODEL, model);
                properties.usage(usage, counts, Some(model));
                let value = |name: &str| properties.get(name).map(|it| it.clone().into_value());
                assert_eq!(usage_of(&value), usage, "{model} {counts:?}");
            }
        }
    }
}
