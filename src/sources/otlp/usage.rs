//! Tokens and costs of a call.

use super::dialects::candidates::Candidates;
use super::dialects::counts as names;
use super::facts::Facts;
use crate::session::{CacheCounts, Cost, MediaTokens, Usage, UsageReport};

/// Token counts of a call, and how they were reported.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tokens {
    pub(super) usage: Usage,
    pub(super) counts: CacheCounts,
    pub(super) report: UsageReport,
}

/// The tokens of a call. Today's conventions count cached tokens as input; older instrumentations
/// of Anthropic's interface pass on its counts, which exclude them. The numbers decide: a total is
/// at least as large as its parts.
pub(super) fn tokens(facts: &Facts<'_>) -> Tokens {
    let input = facts.count(names::INPUT_TOKENS);
    let output = facts.count(names::OUTPUT_TOKENS);
    let cache_read = facts.count(names::CACHE_READ).unwrap_or(0);
    let of_lifetimes = [names::CACHE_WRITE_5M, names::CACHE_WRITE_1H].map(|it| facts.count(it));
    let split = of_lifetimes[0]
        .unwrap_or(0)
        .saturating_add(of_lifetimes[1].unwrap_or(0));
    let cache_write = facts.count(names::CACHE_WRITE).unwrap_or(split);
    let cached = cache_read.saturating_add(cache_write);
    let whole = input.unwrap_or(0);
    let total = facts.count(names::TOTAL_TOKENS);
    let sum = whole
        .saturating_add(output.unwrap_or(0))
        .saturating_add(cached);
    let reasoning = facts.count(names::REASONING).filter(|it| *it > 0);
    let is_apart = cached > 0 && total == Some(sum) && reasoning != Some(cached);
    let counts = if whole >= cached && !is_apart {
        CacheCounts::Included
    } else {
        CacheCounts::Apart
    };
    // Gemini excludes thoughts from the output, which its total shows.
    let beside = reasoning.filter(|thoughts| {
        let input = match counts {
            CacheCounts::Included => whole,
            CacheCounts::Apart => whole.saturating_add(cached),
        };
        let sum = input.saturating_add(output.unwrap_or(0));
        total == Some(sum.saturating_add(*thoughts))
    });
    let output_in_all = output.map(|it| it.saturating_add(beside.unwrap_or(0)));
    let long = of_lifetimes[1]
        .filter(|_| split == cache_write)
        .unwrap_or(0);
    Tokens {
        usage: Usage {
            input: match counts {
                CacheCounts::Included => whole - cached,
                CacheCounts::Apart => whole,
            },
            output: output_in_all.unwrap_or(0),
            reasoning,
            cache_read,
            cache_write,
            cache_write_long: long,
            web_searches: facts.count(names::WEB_SEARCHES).unwrap_or(0),
            media_input: media(facts, &names::MEDIA_INPUT, whole.max(cached)),
            media_output: media(facts, &names::MEDIA_OUTPUT, output_in_all.unwrap_or(0)),
            ..Usage::default()
        },
        counts,
        report: if input.or(output).is_some() {
            UsageReport::Present
        } else {
            UsageReport::Missing
        },
    }
}

/// Tokens of sound, images and moving pictures among `all`. A part is not larger than the whole.
fn media(facts: &Facts<'_>, names: &[Candidates; 3], all: u64) -> MediaTokens {
    let part = |names| facts.count(names).filter(|it| *it <= all).unwrap_or(0);
    let [audio, image, video] = names.map(part);
    MediaTokens {
        audio,
        image,
        video,
    }
}

/// Highest plausible cost of a call, in USD. A larger number is a mistake, or in another unit.
const HIGHEST_COST: f64 = 1_000_000.0;

/// The cost of a call as billed, in USD. A free model costs 0.
pub(super) fn cost(facts: &Facts<'_>) -> Option<Cost> {
    cost_by(facts, false)
}

/// The cost of a call that OpenRouter billed, in USD: it is never a guess.
pub(super) fn cost_at_openrouter(facts: &Facts<'_>) -> Option<Cost> {
    cost_by(facts, true)
}

fn cost_by(facts: &Facts<'_>, is_billed: bool) -> Option<Cost> {
    let is_cost = |amount: &f64| (0.0..=HIGHEST_COST).contains(amount);
    let amount = |candidates| facts.number(candidates).filter(is_cost);
    let [input, output] = [names::INPUT_COST, names::OUTPUT_COST].map(amount);
    let parts = input
        .zip(output)
        .filter(|(input, output)| *input > 0.0 && *output > 0.0);
    let guessed = || amount(names::GUESSED_COST).filter(|cost| is_billed || *cost > 0.0);
    let sum = || parts.map(|(input, output)| input + output);
    Some(Cost {
        total: amount(names::TOTAL_COST).or_else(guessed).or_else(sum)?,
        input: parts.map(|(input, _)| input),
        output: parts.map(|(_, output)| output),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otlp::{Attributes, Value};

    fn attributes(pairs: &[(&str, Value)]) -> Attributes {
        pairs
            .iter()
            .map(|(key, value)| (*key, value.clone()))
            .collect()
    }

    #[test]
    fn cached_tokens_are_a_part_of_the_input_or_beside_it() {
        for (input, read, write, expected) in [
            (1020, 900, 100, (20, CacheCounts::Included)),
            (20, 900, 100, (20, CacheCounts::Apart)),
            (120, 0, 0, (120, CacheCounts::Included)),
        ] {
            let attributes = attributes(&[
                ("gen_ai.usage.input_tokens", Value::Int(input)),
                ("gen_ai.usage.cache_read.input_tokens", Value::Int(read)),
                (
                    "gen_ai.usage.cache_creation.input_tokens",
                    Value::Int(write),
                ),
            ]);
            let tokens = tokens(&Facts::of(&attributes));
            assert_eq!((tokens.usage.input, tokens.counts), expected, "{input}");
            let reported = u64::try_from(input).unwrap();
            assert_eq!(
                tokens.usage.input_as(tokens.counts),
                reported,
                "as it was reported"
            );
        }
    }

    #[test]
    fn thoughts_are_a_part_of_the_output_unless_the_total_says_otherwise() {
        for (total, expected) in [(162, 42), (150, 30), (0, 30)] {
            let attributes = attributes(&[
                ("input_token_count", Value::Int(120)),
                ("output_token_count", Value::Int(30)),
                ("cached_content_token_count", Value::Int(64)),
                ("thoughts_token_count", Value::Int(12)),
                ("total_token_count", Value::Int(total)),
            ]);
            let usage = tokens(&Facts::of(&attributes)).usage;
            assert_eq!(
                (usage.output, usage.reasoning),
                (expected, Some(12)),
                "{total}"
            );
        }
    }

    #[test]
    fn the_lifetimes_of_cache_writes_count_if_they_add_up() {
        for (long, expected) in [(40, 40), (41, 0)] {
            let attributes = attributes(&[
                ("gen_ai.usage.cache_write.input_tokens", Value::Int(100)),
                (
                    "anthropic.usage.cache_creation.ephemeral_5m_input_tokens",
                    Value::Int(60),
                ),
                (
                    "anthropic.usage.cache_creation.ephemeral_1h_input_tokens",
                    Value::Int(long),
                ),
            ]);
            let tokens = tokens(&Facts::of(&attributes));
            assert_eq!(tokens.usage.cache_write_long, expected);
        }
    }

    #[test]
    fn a_stated_cost_of_zero_is_a_fact_and_a_guessed_one_is_not() {
        let cost_of = |name: &str, dollars: f64| {
            let attributes = attributes(&[(name, Value::Double(dollars))]);
            cost(&Facts::of(&attributes)).map(|cost| cost.total)
        };
        assert_eq!(cost_of("gen_ai.usage.total_cost", 0.0), Some(0.0));
        assert_eq!(cost_of("gen_ai.usage.cost", 0.0), None);
        assert_eq!(cost_of("gen_ai.usage.cost", 0.5), Some(0.5));
        for impossible in [-1.0, 1e300, f64::INFINITY, f64::NAN] {
            assert_eq!(cost_of("gen_ai.usage.total_cost", impossible), None);
        }
    }
}
