//! Price factors of service tiers: priority, flex and batch.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::factors::Factors;
use super::table::canonical;

/// Makers that bill by tier, so that a tier without a factor has an unknown price.
const MAKERS: [&str; 2] = ["openai", "google"];

/// Tiers with their own prices. Standard rates apply to `default` and `standard`, and to `scale`,
/// whose capacity is paid in advance.
const BILLED_APART: [&str; 3] = ["priority", "flex", "batch"];

/// Lines of comma-separated values; the first line names the columns.
const LIST: &str = include_str!("tiers.csv");

/// The tiers by model.
static TIERS: LazyLock<HashMap<&str, Vec<Tier>>> = LazyLock::new(|| {
    let mut tiers: HashMap<&str, Vec<Tier>> = HashMap::new();
    for (model, tier) in LIST.lines().skip(1).filter_map(row) {
        tiers.entry(model).or_default().push(tier);
    }
    tiers
});

/// The price of a tier of a model, relative to the standard one.
struct Tier {
    name: &'static str,
    factors: Factors,
    /// Largest number of input tokens of a call in this tier; above it, the model has no such tier.
    up_to: Option<u64>,
}

/// Whether calls of a maker's models in this tier are billed at other than standard rates.
pub(super) fn is_billed_apart(maker: &str, tier: &str) -> bool {
    MAKERS.contains(&maker) && BILLED_APART.contains(&tier)
}

/// The factors for a call with that many input tokens; `None` if they are not known.
pub(super) fn factors(model: &str, tier: &str, input_tokens: u64) -> Option<Factors> {
    let tiers = canonical(model).and_then(|model| TIERS.get(model))?;
    let tier = tiers.iter().find(|it| it.name == tier)?;
    let holds = tier.up_to.is_none_or(|most| input_tokens <= most);
    holds.then_some(tier.factors)
}

fn row(row: &'static str) -> Option<(&'static str, Tier)> {
    let mut cells = row.split(',').skip(1);
    let (model, name) = (cells.next()?, cells.next()?);
    let factors = Factors {
        tokens: cells.next()?.parse().ok()?,
        cache_read: cells.next()?.parse().ok()?,
    };
    let up_to = cells.next()?.parse().ok();
    let tier = Tier {
        name,
        factors,
        up_to,
    };
    Some((model, tier))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::prices::table;

    #[test]
    fn every_row_is_a_tier_of_a_model_with_a_price() {
        let mut rows = 0;
        for text in LIST.lines().skip(1) {
            rows += 1;
            let (model, tier) = row(text).expect(text);
            let maker = table::find(model, None).expect(text).maker;
            assert!(text.starts_with(&format!("{maker},")), "{text}");
            assert!(is_billed_apart(maker, tier.name), "{text}");
            assert_eq!(text.split(',').count(), 7, "{text}");
        }
        assert_eq!(TIERS.values().map(Vec::len).sum::<usize>(), rows);
    }

    #[test]
    fn a_tier_holds_up_to_its_limit() {
        let of = |model, tier, tokens| factors(model, tier, tokens).map(|it| it.tokens);
        for (model, tier, tokens, expected) in [
            ("gpt-5.5", "priority", 272_000, Some(2.5)),
            ("gpt-5.5-2026-04-23", "priority", 272_000, Some(2.5)),
            ("gpt-5.5", "priority", 272_001, None),
            ("gpt-5.5", "flex", 272_001, Some(0.5)),
            ("openai/gpt-5", "priority", 1, Some(2.0)),
            ("gpt-5-nano", "priority", 1, None),
            ("our-own", "flex", 1, None),
        ] {
            assert_eq!(of(model, tier, tokens), expected, "{model} {tier} {tokens}");
        }
    }
}
