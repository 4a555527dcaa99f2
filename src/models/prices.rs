//! Costs of calls by list price, where PostHog would compute a wrong one.
//!
//! PostHog prices tokens by the model's name. It does not consider speed, tier or region of a call
//! (`costs/` of its ingestion), so the cost of a call that was billed at other than standard rates
//! is computed here.
//!
//! Prices are list prices of November 2026, as in
//! <https://platform.claude.com/docs/en/about-claude/pricing> and in
//! `model_prices_and_context_window` of `LiteLLM` 1.110.2.

use crate::session::{Cost, Parameters, Usage};

/// Dollars per million tokens.
struct Price {
    model: &'static str,
    input: f64,
    output: f64,
    cache_read: f64,
    /// Price factor of fast mode, for models that have one.
    fast: Option<f64>,
}

const fn price(model: &'static str, rates: [f64; 3], fast: Option<f64>) -> Price {
    let [input, output, cache_read] = rates;
    Price {
        model,
        input,
        output,
        cache_read,
        fast,
    }
}

const PRICES: [Price; 14] = [
    price("claude-haiku-4-5", [1.0, 5.0, 0.1], None),
    price("claude-sonnet-4-5", [3.0, 15.0, 0.3], None),
    price("claude-sonnet-4-6", [3.0, 15.0, 0.3], None),
    price("claude-sonnet-5", [2.0, 10.0, 0.2], None),
    price("claude-sonnet-5-5", [2.0, 10.0, 0.1], None),
    price("claude-opus-4-5", [5.0, 25.0, 0.5], None),
    price("claude-opus-4-6", [5.0, 25.0, 0.5], Some(6.0)),
    price("claude-opus-4-7", [5.0, 25.0, 0.5], Some(6.0)),
    price("claude-opus-4-8", [5.0, 25.0, 0.5], Some(2.0)),
    price("claude-opus-5", [5.0, 25.0, 0.5], Some(2.0)),
    price("claude-opus-5-5", [4.0, 20.0, 0.2], Some(2.0)),
    price("claude-fable-5", [10.0, 50.0, 1.0], None),
    price("claude-fable-5-1", [10.0, 50.0, 0.25], None),
    price("claude-mythos-5", [10.0, 50.0, 1.0], None),
];

/// Prices of cache writes as multiples of the input price: for five minutes and for an hour.
const CACHE_WRITES: [f64; 2] = [1.25, 2.0];

/// Price of one web search, in dollars.
const WEB_SEARCH: f64 = 0.01;

/// Price factor of a batch.
const BATCH: f64 = 0.5;

/// Price factor of inference in the United States only, for models from 4.6 on.
const IN_THE_US: f64 = 1.1;

/// Models without a regional price factor.
const SAME_EVERYWHERE: [&str; 3] = ["claude-haiku-4-5", "claude-sonnet-4-5", "claude-opus-4-5"];

/// The rates a call was billed at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rates {
    /// Standard rates, which PostHog computes from the model's name.
    Standard,
    /// Other rates that are known.
    Special(Cost),
    /// Other rates that are not known.
    Unknown,
}

/// The rates at which a call of `model` was billed.
#[must_use]
pub fn rates(model: &str, usage: &Usage, parameters: &Parameters) -> Rates {
    let is_fast = parameters.speed.as_deref() == Some("fast");
    let is_batch = parameters.service_tier.as_deref() == Some("batch");
    let is_in_the_us = parameters.region.as_deref() == Some("us");
    if !(is_fast || is_batch || is_in_the_us) {
        return Rates::Standard;
    }
    let Some(price) = PRICES.iter().find(|price| is_of(price.model, model)) else {
        return Rates::Unknown;
    };
    let Some(fast) = price.fast.or((!is_fast).then_some(1.0)) else {
        return Rates::Unknown;
    };
    let mut multiple = if is_fast { fast } else { 1.0 };
    if is_batch {
        multiple *= BATCH;
    }
    if is_in_the_us && !SAME_EVERYWHERE.contains(&price.model) {
        multiple *= IN_THE_US;
    }
    Rates::Special(price.cost(usage, multiple))
}

/// Whether `name` is the name of `model`, with or without the date of its version.
fn is_of(model: &str, name: &str) -> bool {
    let name = name
        .strip_prefix("anthropic/")
        .unwrap_or(name)
        .replace('.', "-");
    let version = name
        .strip_prefix(model)
        .map(|rest| rest.strip_prefix('-').unwrap_or(rest));
    version.is_some_and(|version| {
        let is_date = version.len() == 8 && version.bytes().all(|byte| byte.is_ascii_digit());
        is_date || version.is_empty()
    })
}

impl Price {
    fn cost(&self, usage: &Usage, multiple: f64) -> Cost {
        let [five_minutes, an_hour] = CACHE_WRITES.map(|times| times * self.input);
        let input = tokens(usage.input) * self.input
            + tokens(usage.cache_read) * self.cache_read
            + tokens(usage.cache_write_usual()) * five_minutes
            + tokens(usage.cache_write_long) * an_hour;
        let output = tokens(usage.output) * self.output;
        let [input, output] = [input, output].map(|cost| in_dollars(cost * multiple));
        let searches = tokens(usage.web_searches) * WEB_SEARCH;
        Cost {
            total: rounded(input + output + searches),
            input: Some(input),
            output: Some(output),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "tokens of a call fit 2^53")]
const fn tokens(count: u64) -> f64 {
    count as f64
}

/// Converts millionths of a dollar to dollars.
fn in_dollars(millionths: f64) -> f64 {
    rounded(millionths / 1e6)
}

/// Rounds to ten decimal places, to remove noise of floating-point arithmetic.
fn rounded(dollars: f64) -> f64 {
    (dollars * 1e10).round() / 1e10
}

#[cfg(test)]
mod tests {
    use super::*;

    const USAGE: Usage = Usage {
        input: 10,
        output: 50,
        reasoning: None,
        cache_read: 1000,
        cache_write: 300,
        cache_write_long: 100,
        web_searches: 2,
        web_fetches: 0,
    };

    fn billed(model: &str, speed: &str, tier: &str, geo: &str) -> Rates {
        let word = |word: &str| Some(word.to_owned()).filter(|word| !word.is_empty());
        let parameters = Parameters {
            speed: word(speed),
            service_tier: word(tier),
            region: word(geo),
            ..Parameters::default()
        };
        rates(model, &USAGE, &parameters)
    }

    #[test]
    fn only_a_call_at_other_rates_has_a_cost() {
        // 10 and 1000 read, 200 and 100 written: $0.00005 + 0.0005 + 0.00125 + 0.001; 50 tokens
        // of output: $0.00125; two searches: $0.02.
        let at = |times: f64| {
            Rates::Special(Cost {
                input: Some(rounded(0.0028 * times)),
                output: Some(rounded(0.00125 * times)),
                total: rounded(0.00405 * times + 0.02),
            })
        };
        for (model, [speed, tier, geo], expected) in [
            ("claude-opus-4-8", ["", "", ""], Rates::Standard),
            (
                "claude-opus-4-8",
                ["standard", "standard", "not_available"],
                Rates::Standard,
            ),
            (
                "claude-opus-4-8",
                ["standard", "priority", "global"],
                Rates::Standard,
            ),
            ("claude-opus-4-8", ["fast", "standard", ""], at(2.0)),
            ("claude-opus-4-8-20260601", ["fast", "", "us"], at(2.2)),
            ("anthropic/claude-opus-4.6", ["fast", "", ""], at(6.0)),
            ("claude-opus-5", ["", "batch", ""], at(0.5)),
            ("claude-opus-4-5", ["", "", "us"], at(1.0)),
            ("claude-opus-4-5", ["fast", "", ""], Rates::Unknown),
            ("claude-opus-9", ["fast", "", ""], Rates::Unknown),
            ("gpt-5.6", ["fast", "", ""], Rates::Unknown),
        ] {
            assert_eq!(
                billed(model, speed, tier, geo),
                expected,
                "{model} {speed} {tier} {geo}"
            );
        }
    }
}
