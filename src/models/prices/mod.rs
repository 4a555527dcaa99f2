//! List prices of models, and costs of calls by them.
//!
//! PostHog prices tokens by the model's name and ignores speed, tier and region of a call (`costs/`
//! of its ingestion). So an event has a cost of this program's only if its call was billed at other
//! than standard rates ([`rates`]). Costs shown on this machine all come from this table
//! ([`listed`]).
//!
//! The table, its date and its sources: `docs/prices.md`.

mod factors;
mod hours;
mod table;
mod tiers;

use chrono::{DateTime, Utc};

use crate::session::{Cost, Parameters, Usage};
use factors::Factors;
use table::Price;
pub use table::{DATE, SOURCE};

/// Price factor of a batch with Anthropic.
const BATCH: f64 = 0.5;

/// The maker whose speeds, batches and regions are known.
const ANTHROPIC: &str = "anthropic";

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
    let tier = parameters.service_tier.as_deref().unwrap_or_default();
    let is_batch = tier == "batch";
    let is_in_the_us = parameters.region.as_deref() == Some("us");
    let price = table::find(model, None);
    if let Some(price) = price.filter(|price| tiers::is_billed_apart(price.maker, tier)) {
        return in_tier(model, price, usage, tier);
    }
    if !(is_fast || is_batch || is_in_the_us) {
        return Rates::Standard;
    }
    let Some(price) = price.filter(|price| price.maker == ANTHROPIC) else {
        return Rates::Unknown;
    };
    let Some(speed) = (if is_fast { price.fast } else { Some(1.0) }) else {
        return Rates::Unknown;
    };
    let region = if is_in_the_us { price.in_the_us } else { 1.0 };
    let tier = if is_batch { BATCH } else { 1.0 };
    let cost = price.cost(usage, Factors::all(speed * tier * region));
    cost.map_or(Rates::Unknown, Rates::Special)
}

/// The rates of a tier with its own prices.
fn in_tier(model: &str, price: &Price, usage: &Usage, tier: &str) -> Rates {
    let factors = tiers::factors(model, tier, input_tokens(usage));
    let cost = factors.and_then(|factors| price.cost(usage, factors));
    cost.map_or(Rates::Unknown, Rates::Special)
}

/// The cost in USD of a call at a time, by list price at standard rates; `None` if the model is not
/// in the table.
#[must_use]
pub fn listed(model: &str, usage: &Usage, at: DateTime<Utc>) -> Option<f64> {
    let price = table::find(model, Some(at.date_naive()))?;
    Some(price.cost(usage, hours::factors(price, at))?.total)
}

const fn input_tokens(usage: &Usage) -> u64 {
    usage.input + usage.cache_read + usage.cache_write
}

impl Price {
    fn cost(&self, usage: &Usage, factors: Factors) -> Option<Cost> {
        let rate = self.rate(input_tokens(usage))?;
        let new = tokens(usage.input) * rate.input
            + tokens(usage.cache_write_usual()) * rate.cache_write
            + tokens(usage.cache_write_long) * rate.cache_write_long;
        let read = tokens(usage.cache_read) * rate.cache_read;
        let output = tokens(usage.output) * rate.output;
        let input = in_dollars(new * factors.tokens + read * factors.cache_read);
        let output = in_dollars(output * factors.tokens);
        let searches = tokens(usage.web_searches) * self.web_search;
        Some(Cost {
            total: rounded(input + output + searches),
            input: Some(input),
            output: Some(output),
        })
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
    use crate::session::MediaTokens;

    const NO_MEDIA: MediaTokens = MediaTokens {
        audio: 0,
        image: 0,
        video: 0,
    };
    const USAGE: Usage = Usage {
        input: 10,
        output: 50,
        reasoning: None,
        cache_read: 1000,
        cache_write: 300,
        cache_write_long: 100,
        media_input: NO_MEDIA,
        media_output: NO_MEDIA,
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
            ("gpt-5.6", ["", "default", ""], Rates::Standard),
            ("gpt-5.6", ["", "scale", ""], Rates::Standard),
            ("gpt-5-nano", ["", "priority", ""], Rates::Unknown),
            ("llama-4", ["", "flex", ""], Rates::Standard),
        ] {
            assert_eq!(
                billed(model, speed, tier, geo),
                expected,
                "{model} {speed} {tier} {geo}"
            );
        }
    }

    #[test]
    fn a_tier_has_its_own_price() {
        let usage = Usage {
            input: 100,
            output: 10,
            cache_read: 1000,
            ..Usage::default()
        };
        let cost = |model: &str, tier: &str| {
            let parameters = Parameters {
                service_tier: Some(tier.to_owned()),
                ..Parameters::default()
            };
            match rates(model, &usage, &parameters) {
                Rates::Special(cost) => Some(cost.total),
                Rates::Standard | Rates::Unknown => None,
            }
        };
        // gpt-5: $1.25, $10, $0.125 a million; gemini-2.5-flash: $0.3, $2.5, $0.03, and flex does not
        // discount cache reads.
        for (model, tier, expected) in [
            ("gpt-5", "priority", 0.0007),
            ("gpt-5", "flex", 0.000_175),
            ("gemini-2.5-flash", "flex", 0.000_057_5),
        ] {
            let cost = cost(model, tier).unwrap_or_default();
            assert!((cost - expected).abs() < 1e-12, "{model} {tier}: {cost}");
        }
    }
}
