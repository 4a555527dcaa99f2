//! Arguments of `report`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

use super::{WHICH, Which};
use crate::usage::By;

/// Arguments of `report`.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("format").args(["json", "csv", "markdown"]))]
#[command(after_long_help = "Examples:
  posthog-llma report                      all sessions, by day
  posthog-llma report --by model --since 30d
  posthog-llma report --by branch --project .
  posthog-llma report --by pr --markdown   for a comment on a pull request
  posthog-llma report --findings --since 7d
                                           and what was done in vain
  posthog-llma report --since 24h --fail-over 20
                                           exit status 3 if they cost over $20

Cost is the list price of the tokens, as docs/prices.md has it, or what the agent itself stated. Calls \
of models without a price are counted and named, not estimated. A call of a branch with several pull \
requests is in the row of each, and once in the total.

Exit status: 0 done, 1 something could not be read, or it is unknown whether the budget was kept, 2 \
wrong use, 3 over the budget.")]
pub struct Report {
    /// Session ids, beginnings of ids, transcripts, or folders of transcripts
    ///
    /// Without any: all sessions of this user.
    #[arg(value_name = "SESSION", help_heading = WHICH)]
    pub(crate) sessions: Vec<PathBuf>,
    /// Which of them
    #[command(flatten)]
    pub(crate) which: Which,
    /// Group of sessions or calls that a row sums up
    #[arg(long, value_name = "GROUP", default_value = "day")]
    pub(crate) by: By,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// Print comma-separated values, one row a group
    #[arg(long)]
    pub(crate) csv: bool,
    /// Print a table in Markdown
    #[arg(long)]
    pub(crate) markdown: bool,
    /// Also look for work that bought nothing; reads the content of the sessions
    #[arg(long, conflicts_with_all = ["csv", "markdown"])]
    pub(crate) findings: bool,
    /// Exit with 3 if the sum is larger: 5 or $5 (dollars), 200k, 5M or 1000tokens
    #[arg(long, value_name = "BUDGET")]
    pub(crate) fail_over: Option<Budget>,
}

impl ValueEnum for By {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.as_str()))
    }
}

/// The most that sessions may use.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Budget {
    /// US dollars.
    Dollars(f64),
    /// Tokens of all kinds.
    Tokens(u64),
}

impl FromStr for Budget {
    type Err = NoBudget;

    fn from_str(text: &str) -> Result<Self, NoBudget> {
        let text = text.trim();
        let counted = text.strip_suffix("tokens").map(str::trim_end);
        let (digits, unit) = match counted.unwrap_or(text) {
            it if it.ends_with(['k', 'K']) => (&it[..it.len() - 1], Some(1e3)),
            it if it.ends_with('M') => (&it[..it.len() - 1], Some(1e6)),
            it if it.ends_with('G') => (&it[..it.len() - 1], Some(1e9)),
            it => (it, counted.map(|_| 1.0)),
        };
        let dollars = digits.strip_prefix('$').filter(|_| unit.is_none());
        let number = dollars.unwrap_or(digits);
        let is_number = number.starts_with(|first: char| first.is_ascii_digit() || first == '.');
        let number: f64 = number.parse().map_err(|_| NoBudget)?;
        if !is_number || !number.is_finite() {
            return Err(NoBudget);
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a float becomes the nearest whole number there is"
        )]
        let tokens = |unit: f64| Self::Tokens((number * unit).round() as u64);
        Ok(unit.map_or(Self::Dollars(number), tokens))
    }
}

/// The text is neither an amount of dollars nor a number of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("use 5 or $5 for dollars, 200k, 5M or 1000tokens for tokens")]
pub struct NoBudget;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_in_dollars_unless_it_counts_tokens() {
        for (typed, expected) in [
            ("5", Ok(Budget::Dollars(5.0))),
            ("$0.50", Ok(Budget::Dollars(0.5))),
            (".5", Ok(Budget::Dollars(0.5))),
            ("0", Ok(Budget::Dollars(0.0))),
            ("200k", Ok(Budget::Tokens(200_000))),
            ("1.5M", Ok(Budget::Tokens(1_500_000))),
            ("2G", Ok(Budget::Tokens(2_000_000_000))),
            ("1000tokens", Ok(Budget::Tokens(1000))),
            ("5M tokens", Ok(Budget::Tokens(5_000_000))),
            ("", Err(NoBudget)),
            ("-5", Err(NoBudget)),
            ("$5M", Err(NoBudget)),
            ("inf", Err(NoBudget)),
            ("1e999", Err(NoBudget)),
            ("five", Err(NoBudget)),
            ("5€", Err(NoBudget)),
        ] {
            assert_eq!(typed.parse(), expected, "{typed}");
        }
    }
}
