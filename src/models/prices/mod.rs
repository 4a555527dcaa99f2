//! List prices of models, and costs of calls by them.
//!
//! PostHog prices tokens by the model's name. It does not consider speed, tier or region of a call
//! (`costs/` of its ingestion), so events have a cost of this program's only if a call was billed at
//! other than standard rates ([`rates`]). What people see on this machine has all costs by the same
//! table ([`listed`]).
//!
//! The table, its date and its sources: `docs/prices.md`.

mod table;

use chrono::NaiveDate;

use crate::session::{Cost, Parameters, Usage};
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
    let is_batch = parameters.service_tier.as_deref() == Some("batch");
    let is_in_the_us = parameters.region.as_deref() == Some("us");
    if !(is_fast || is_batch || is_in_the_us) {
        return Rates::Standard;
    }
    let Some(price) = table::find(model, None).filter(|price| price.maker == ANTHROPIC) else {
        return Rates::Unknown;
    };
    let Some(speed) = (if is_fast { price.fast } else { Some(1.0) }) else {
        return Rates::Unknown;
    };
    let region = if is_in_the_us { price.in_the_us } else { 1.0 };
    let tier = if is_batch { BATCH } else { 1.0 };
    let cost = price.cost(usage, speed * tier * region);
    cost.map_or(Rates::Unknown, Rates::Special)
}

/// The cost of a call on a day in dollars by list price, at standard rates; `None` if the model is
/// not in the table.
#[must_use]
pub fn listed(model: &str, usage: &Usage, day: NaiveDate) -> Option<f64> {
    let price = table::find(model, Some(day))?;
    Some(price.cost(usage, 1.0)?.total)
}

impl Price {
    fn cost(&self, usage: &Usage, multiple: f64) -> Option<Cost> {
        let rate = self.rate(usage.input + usage.cache_read + usage.cache_write)?;
        let input = tokens(usage.input) * rate.input
            + tokens(usage.cache_read) * rate.cache_read
            + tokens(usage.cache_write_usual()) * rate.cache_write
            + tokens(usage.cache_write_long) * rate.cache_write_long;
        let output = tokens(usage.output) * rate.output;
        let [input, output] = [input, output].map(|cost| in_dollars(cost * multiple));
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
        ] {
            assert_eq!(
                billed(model, speed, tier, geo),
                expected,
                "{model} {speed} {tier} {geo}"
            );
        }
    }
}
