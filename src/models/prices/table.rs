//! The table of list prices.

use std::collections::HashMap;
use std::sync::LazyLock;

use chrono::NaiveDate;

/// The day on which the prices were compared with their sources.
pub const DATE: &str = "2026-11-28";

/// The origin of the prices.
pub const SOURCE: &str = "public price pages";

/// Lines of comma-separated values; the first line names the columns.
const LIST: &str = include_str!("list.csv");

/// Further names of models, in the same form.
const ALIASES: &str = include_str!("aliases.csv");

/// The models of other names, by normalised name.
static OTHER_NAMES: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    let rows = ALIASES.lines().skip(1);
    rows.filter_map(|row| row.split_once(',')).collect()
});

/// The prices by normalised name. Nothing is parsed before the first price is needed.
static PRICES: LazyLock<HashMap<&str, Vec<Price>>> = LazyLock::new(|| {
    let mut prices: HashMap<&str, Vec<Price>> = HashMap::new();
    for row in LIST.lines().skip(1).filter_map(Row::of) {
        let of_model = prices.entry(row.model).or_default();
        match of_model.last_mut() {
            // A row with a threshold follows the one without.
            Some(price) if row.above > 0 => price.rates.push((row.above, row.rate)),
            _ => of_model.push(row.into()),
        }
    }
    prices
});

/// Dollars per million tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rate {
    pub(super) input: f64,
    pub(super) output: f64,
    pub(super) cache_read: f64,
    /// For cache writes with the provider's usual lifetime.
    pub(super) cache_write: f64,
    /// For cache writes with a longer lifetime.
    pub(super) cache_write_long: f64,
}

/// The prices of a model in a period.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Price {
    pub(super) maker: &'static str,
    /// The first and the last day of the period.
    days: [Option<NaiveDate>; 2],
    /// Rates, each with the number of input tokens above which it holds for the whole call, in
    /// ascending order.
    rates: Vec<(u64, Rate)>,
    /// Price factor of fast mode; `None` if there is none.
    pub(super) fast: Option<f64>,
    /// Price factor of inference in the United States only.
    pub(super) in_the_us: f64,
    /// Price of a web search, in USD.
    pub(super) web_search: f64,
}

/// A row of the list.
struct Row {
    maker: &'static str,
    model: &'static str,
    days: [Option<NaiveDate>; 2],
    above: u64,
    rate: Rate,
    /// Factors of fast mode and of the United States, and the price of a web search.
    rest: [Option<f64>; 3],
}

/// The prices of a model by its name, with or without maker, date and `latest`: those of a day, or
/// the latest.
pub(super) fn find(name: &str, day: Option<NaiveDate>) -> Option<&'static Price> {
    let prices = PRICES.get(canonical(name)?)?;
    let of_day = |day| prices.iter().find(|price| price.holds_on(day));
    day.and_then(of_day).or(prices.last())
}

/// The name of a model in the table.
pub(super) fn canonical(name: &str) -> Option<&'static str> {
    let name = normalised(name);
    let of = |name: &str| {
        let name = OTHER_NAMES.get(name).copied().unwrap_or(name);
        PRICES.get_key_value(name).map(|(model, _)| *model)
    };
    of(&name).or_else(|| of(without_version(&name)?))
}

impl Price {
    /// The first day of the period.
    pub(super) const fn from(&self) -> Option<NaiveDate> {
        let [from, _] = self.days;
        from
    }

    /// The rate for a call with that many input tokens, cached ones included.
    pub(super) fn rate(&self, input_tokens: u64) -> Option<Rate> {
        let mut rates = self.rates.iter().rev();
        rates.find_map(|(above, rate)| (input_tokens > *above || *above == 0).then_some(*rate))
    }

    fn holds_on(&self, day: NaiveDate) -> bool {
        let [from, until] = self.days;
        from.is_none_or(|from| from <= day) && until.is_none_or(|until| day <= until)
    }
}

impl From<Row> for Price {
    fn from(row: Row) -> Self {
        let [fast, in_the_us, web_search] = row.rest;
        Self {
            maker: row.maker,
            days: row.days,
            rates: vec![(row.above, row.rate)],
            fast,
            in_the_us: in_the_us.unwrap_or(1.0),
            web_search: web_search.unwrap_or(0.0),
        }
    }
}

impl Row {
    fn of(row: &'static str) -> Option<Self> {
        let mut cells = row.split(',');
        let (maker, model) = (cells.next()?, cells.next()?);
        let days = [cells.next()?.parse().ok(), cells.next()?.parse().ok()];
        let above = cells.next()?.parse().unwrap_or(0);
        let mut number = || cells.next()?.parse::<f64>().ok();
        let rate = Rate::of([number(), number(), number(), number(), number()])?;
        Some(Self {
            maker,
            model,
            days,
            above,
            rate,
            rest: [number(), number(), number()],
        })
    }
}

impl Rate {
    /// The rate with the prices of input, output, cache reads, cache writes and long cache writes,
    /// in USD per million tokens. A missing price is that of input.
    fn of(cells: [Option<f64>; 5]) -> Option<Self> {
        let [input, output, cache_read, cache_write, cache_write_long] = cells;
        let input = input?;
        let cache_write = cache_write.unwrap_or(input);
        Some(Self {
            input,
            output: output?,
            cache_read: cache_read.unwrap_or(input),
            cache_write,
            cache_write_long: cache_write_long.unwrap_or(cache_write),
        })
    }
}

/// A name as the table has it: without the maker or gateway before it, in lower case, with hyphens
/// for dots.
fn normalised(name: &str) -> String {
    let own = name.rsplit_once('/').map_or(name, |(_, own)| own);
    own.to_lowercase().replace('.', "-")
}

/// The name without the date of a version (`-20251101`, `-2025-11-01`) or `-latest`.
fn without_version(name: &str) -> Option<&str> {
    if let Some(model) = name.strip_suffix("-latest") {
        return Some(model);
    }
    let [short, long] = [9, 11].map(|length| {
        let at = name.len().checked_sub(length)?;
        name.split_at_checked(at)
    });
    let is_date = |date: &str, hyphens: usize| {
        let digits = date.bytes().filter(u8::is_ascii_digit).count();
        let found = date.bytes().filter(|byte| *byte == b'-').count();
        date.starts_with('-') && digits == 8 && found == hyphens
    };
    match (short, long) {
        (Some((model, date)), _) if is_date(date, 1) => Some(model),
        (_, Some((model, date))) if is_date(date, 3) => Some(model),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_a_price_and_no_model_has_two_at_a_time() {
        let head = LIST.lines().next().unwrap_or_default();
        let columns: Vec<&str> = head.split(',').collect();
        let mut rows = 0;
        for row in LIST.lines().skip(1) {
            rows += 1;
            for (cell, column) in row.split(',').zip(&columns) {
                let is_right = match *column {
                    "maker" | "model" => !cell.is_empty(),
                    "from" | "until" => cell.is_empty() || cell.parse::<NaiveDate>().is_ok(),
                    "above" => cell.is_empty() || cell.parse::<u64>().is_ok(),
                    "sources" => true,
                    _ => cell.is_empty() || cell.parse::<f64>().is_ok_and(|it| it >= 0.0),
                };
                assert!(is_right, "{column}: {row}");
            }
            assert_eq!(row.split(',').count(), columns.len(), "{row}");
            let parsed = Row::of(row).expect(row);
            assert_eq!(normalised(parsed.model), parsed.model, "{row}");
            assert!(parsed.rate.cache_read <= parsed.rate.input, "{row}");
            let has_source = !row.ends_with(',');
            assert!(has_source || parsed.above > 0, "{row}");
        }
        for (model, prices) in PRICES.iter() {
            for price in prices {
                assert!(price.rates.is_sorted_by_key(|(above, _)| *above), "{model}");
                assert_eq!(price.rates[0].0, 0, "{model}");
            }
            for pair in prices.windows(2) {
                let (until, from) = (pair[0].days[1], pair[1].days[0]);
                let next = until.and_then(|until| until.succ_opt());
                assert!(next.is_some() && next == from, "{model}");
            }
        }
        let rates: usize = PRICES.values().flatten().map(|it| it.rates.len()).sum();
        assert_eq!(rates, rows);
    }

    #[test]
    fn every_other_name_is_one_of_a_model_in_the_table() {
        for (alias, model) in OTHER_NAMES.iter() {
            assert_eq!(normalised(alias), *alias);
            assert!(PRICES.contains_key(model), "{alias}");
            assert!(!PRICES.contains_key(alias), "{alias}");
        }
        assert_eq!(OTHER_NAMES.len(), ALIASES.lines().count() - 1);
    }

    #[test]
    fn a_call_has_the_price_of_its_day_and_of_its_length() {
        let day = |text: &str| text.parse().ok();
        for (model, at, tokens, expected) in [
            ("claude-opus-4-6", day("2026-03-12"), 200_000, 5.0),
            ("claude-opus-4-6", day("2026-03-12"), 200_001, 10.0),
            ("claude-opus-4-6", day("2026-03-13"), 200_001, 5.0),
            ("claude-opus-4-6", None, 200_001, 5.0),
            ("qwen3-coder-plus", None, 1, 1.0),
            ("qwen3-coder-plus", None, 100_000, 1.8),
            ("qwen3-coder-plus", None, 1_000_000, 6.0),
        ] {
            let rate = find(model, at).and_then(|price| price.rate(tokens));
            assert_eq!(rate.map(|it| it.input), Some(expected), "{model} {tokens}");
        }
    }

    #[test]
    fn a_model_is_found_by_the_names_that_it_goes_by() {
        let opus = find("claude-opus-4-5", None);
        assert!(opus.is_some());
        for name in [
            "claude-opus-4-5-20251101",
            "claude-opus-4-5-2025-11-01",
            "claude-opus-4.5",
            "anthropic/claude-opus-4.5",
            "openrouter/anthropic/Claude-Opus-4.5",
            "claude-opus-4-5-latest",
        ] {
            assert_eq!(find(name, None), opus, "{name}");
        }
        for name in [
            "",
            "claude-opus-4-5-mini",
            "claude-opus-4-5-2025",
            "größer-als-ein-datum",
            "-20251101",
        ] {
            assert_eq!(find(name, None), None, "{name}");
        }
    }
}
