//! Checks a session against the agent's own books.
//!
//! Some agents keep sums of what they used, by model. Calls that are in no line of the transcript
//! (compaction, titles, classifiers) are in the books all the same: what a statement says, less what
//! was accounted for until then, is what these calls used. All sums run from the session's start, so
//! that a line with a wrong time may shift what is found, but not its total.

use std::collections::BTreeMap;
use std::mem;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Usage;

/// Usage by model.
pub type ByModel = BTreeMap<String, Usage>;

/// The books as the agent wrote them down, cumulative for the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Since when the agent kept them: a run that was killed is in no books, and the next one
    /// begins new ones.
    pub since: Option<DateTime<Utc>>,
    /// When; everything used until then is in it.
    pub at: DateTime<Utc>,
    /// What was used since the session began.
    pub used: ByModel,
}

/// Usage that is in the books and in no line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unlisted {
    /// Which statement of the session shows it, counted from 0.
    pub statement: u64,
    /// When that statement was written.
    pub at: DateTime<Utc>,
    /// The model that was used.
    pub model: String,
    /// What it used.
    pub usage: Usage,
}

/// Where the books stood when the session was read before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// How many statements there were.
    pub statements: u64,
    /// What lines have shown until then, and what was found in the books besides.
    pub accounted: ByModel,
    /// What lines have shown after it, and when the last of them was written.
    pub pending: ByModel,
    /// See `pending`.
    pub pending_until: Option<DateTime<Utc>>,
    /// Whether the session began as a copy of another.
    #[serde(default)]
    pub inherits: bool,
}

/// What the check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Usage that no line shows.
    pub unlisted: Vec<Unlisted>,
    /// Statements by which lines showed more than the books: something was counted that the
    /// agent does not know of.
    pub exceeded: u64,
    /// Where the books stand now.
    pub balance: Balance,
}

impl Balance {
    /// Goes through `statements` in their order. `listed` is what the lines show: when each
    /// response was complete, by which model, with which usage. A session that `inherits` began
    /// as a copy of another and took its books over: by its first statement nothing can be told
    /// apart.
    #[must_use]
    pub fn reconcile<'a>(
        self,
        statements: &[Statement],
        listed: impl IntoIterator<Item = (DateTime<Utc>, &'a str, Usage)>,
        inherits: bool,
    ) -> Reconciled {
        let mut listed: Vec<_> = listed.into_iter().collect();
        listed.sort_by_key(|(at, _, _)| *at);
        let mut listed = listed.into_iter().peekable();
        let mut found = Reconciled {
            balance: self,
            ..Reconciled::default()
        };
        found.balance.inherits |= inherits;
        for statement in statements {
            found.balance.book_pending(statement);
            while let Some((at, model, usage)) = listed.next_if(|(at, _, _)| *at <= statement.at) {
                if statement.begins_before(at) {
                    add(&mut found.balance.accounted, model, usage);
                }
            }
            found.settle(statement);
        }
        for (at, model, usage) in listed {
            add(&mut found.balance.pending, model, usage);
            found.balance.pending_until = found.balance.pending_until.max(Some(at));
        }
        found
    }
}

impl Balance {
    /// What was used since the last statement is in this one, unless it began later.
    fn book_pending(&mut self, statement: &Statement) {
        let pending = mem::take(&mut self.pending);
        let until = self.pending_until.take();
        if until.is_some_and(|until| statement.begins_before(until)) {
            for (model, usage) in pending {
                add(&mut self.accounted, &model, usage);
            }
        }
    }
}

impl Statement {
    fn begins_before(&self, at: DateTime<Utc>) -> bool {
        self.since.is_none_or(|since| since <= at)
    }
}

impl Reconciled {
    fn settle(&mut self, statement: &Statement) {
        let balance = &mut self.balance;
        let is_inherited = balance.inherits && balance.statements == 0;
        // The books name the model that searched, the lines the one that asked for it.
        let mut searches = searches(&statement.used).saturating_sub(searches(&balance.accounted));
        for (model, used) in &statement.used {
            let accounted = balance.accounted.get(model).copied().unwrap_or_default();
            let mut usage = used.beyond(accounted);
            usage.web_searches = usage.web_searches.min(searches);
            searches -= usage.web_searches;
            if usage == Usage::default() {
                continue;
            }
            add(&mut balance.accounted, model, usage);
            if !is_inherited {
                self.unlisted.push(Unlisted {
                    statement: balance.statements,
                    at: statement.at,
                    model: model.clone(),
                    usage,
                });
            }
        }
        let is_in_books = |(model, accounted): (&String, &Usage)| {
            let used = statement.used.get(model).copied().unwrap_or_default();
            let excess = Usage {
                web_searches: 0,
                web_fetches: 0,
                ..accounted.beyond(used)
            };
            excess == Usage::default()
        };
        self.exceeded += u64::from(!balance.accounted.iter().all(is_in_books));
        balance.statements += 1;
    }
}

/// The model, without the mark of a larger window that only the books have.
#[must_use]
pub fn name_of(model: &str) -> &str {
    model.split_once('[').map_or(model, |(name, _)| name)
}

fn searches(sums: &ByModel) -> u64 {
    sums.values().map(|usage| usage.web_searches).sum()
}

fn add(sums: &mut ByModel, model: &str, usage: Usage) {
    if let Some(sum) = sums.get_mut(model) {
        *sum = sum.plus(usage);
    } else {
        sums.insert(model.to_owned(), usage);
    }
}

impl Usage {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        self.with(other, u64::saturating_add)
    }

    /// What this has more than the other, count by count.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        self.with(other, u64::saturating_sub)
    }

    /// What two parts of one response tell together. The one with more output was written later
    /// and counts, but for what it leaves out.
    #[must_use]
    pub fn completed_by(self, other: Self) -> Self {
        let (earlier, later) = if other.output >= self.output {
            (self, other)
        } else {
            (other, self)
        };
        let whole = later.with(
            earlier,
            |later, earlier| if later == 0 { earlier } else { later },
        );
        let one_hour = whole.cache_write_1h.min(whole.cache_write);
        Self {
            reasoning: later.reasoning.or(earlier.reasoning),
            cache_write_5m: whole.cache_write - one_hour,
            cache_write_1h: one_hour,
            ..whole
        }
    }

    /// The same of books, in which how long the cache keeps what was written is told of a part at
    /// most: all that was written counts, and of what exceeds the other only so much is split.
    fn beyond(self, other: Self) -> Self {
        let usage = self.minus(other);
        let one_hour = usage.cache_write_1h.min(usage.cache_write);
        Self {
            cache_write_5m: usage.cache_write - one_hour,
            cache_write_1h: one_hour,
            ..usage
        }
    }

    fn with(self, other: Self, each: fn(u64, u64) -> u64) -> Self {
        let reasoning = each(self.reasoning.unwrap_or(0), other.reasoning.unwrap_or(0));
        let is_told = self.reasoning.or(other.reasoning).is_some() && reasoning > 0;
        Self {
            input: each(self.input, other.input),
            output: each(self.output, other.output),
            reasoning: is_told.then_some(reasoning),
            cache_read: each(self.cache_read, other.cache_read),
            cache_write: each(self.cache_write, other.cache_write),
            cache_write_5m: each(self.cache_write_5m, other.cache_write_5m),
            cache_write_1h: each(self.cache_write_1h, other.cache_write_1h),
            web_searches: each(self.web_searches, other.web_searches),
            web_fetches: each(self.web_fetches, other.web_fetches),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(number: u64) -> Usage {
        Usage {
            input: 12 * number,
            output: 321 * number,
            ..Usage::default()
        }
    }

    fn time(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn statement(second: i64, number: u64) -> Statement {
        Statement {
            since: None,
            at: time(second),
            used: ByModel::from([("opus".to_owned(), calls(number))]),
        }
    }

    fn listed(seconds: &[i64]) -> Vec<(DateTime<Utc>, &'static str, Usage)> {
        seconds
            .iter()
            .map(|second| (time(*second), "opus", calls(1)))
            .collect()
    }

    #[test]
    fn books_that_agree_show_nothing() {
        let found = Balance::default().reconcile(&[statement(10, 2)], listed(&[1, 2]), false);
        assert_eq!((found.unlisted, found.exceeded), (vec![], 0));
    }

    #[test]
    fn calls_in_no_line_belong_to_the_statement_by_which_they_appear() {
        let statements = [
            statement(10, 3),
            statement(20, 4),
            statement(30, 6),
            statement(40, 7),
        ];
        let found = Balance::default().reconcile(&statements, listed(&[1, 2, 3, 15, 35]), false);
        let expected = Unlisted {
            statement: 2,
            at: time(30),
            model: "opus".to_owned(),
            usage: calls(2),
        };
        assert_eq!((found.unlisted, found.exceeded), (vec![expected], 0));
    }

    #[test]
    fn a_session_read_in_two_parts_gives_the_same() {
        let statements = [
            statement(10, 3),
            statement(20, 4),
            statement(30, 6),
            statement(40, 8),
        ];
        let whole = Balance::default().reconcile(&statements, listed(&[1, 2, 3, 15, 35]), false);
        let first = Balance::default().reconcile(&statements[..2], listed(&[1, 2, 3, 15]), false);
        let second = first
            .balance
            .clone()
            .reconcile(&statements[2..], listed(&[35]), false);
        let parts = [first.unlisted, second.unlisted].concat();
        assert_eq!((parts, second.balance), (whole.unlisted, whole.balance));
    }

    #[test]
    fn a_fork_is_not_charged_for_what_it_inherited() {
        let statements = [statement(10, 5), statement(20, 7)];
        let found = Balance::default().reconcile(&statements, listed(&[1, 15]), true);
        assert_eq!(
            (found.unlisted.len(), found.unlisted[0].usage),
            (1, calls(1))
        );
    }

    #[test]
    fn a_fork_that_is_read_in_parts_inherited_what_its_first_part_shows() {
        let first = Balance::default().reconcile(&[], listed(&[1]), true);
        let second = first
            .balance
            .reconcile(&[statement(20, 7)], listed(&[15]), false);
        assert_eq!(second.unlisted, []);
    }

    #[test]
    fn a_search_counts_once_whichever_model_ran_it() {
        let searching = |usage| Usage {
            web_searches: 2,
            ..usage
        };
        let used = ByModel::from([
            ("haiku".to_owned(), searching(calls(1))),
            ("opus".to_owned(), calls(1)),
        ]);
        let statement = Statement {
            since: None,
            at: time(10),
            used,
        };
        let listed = [(time(1), "opus", searching(calls(1)))];
        let found = Balance::default().reconcile(&[statement], listed, false);
        let usages: Vec<Usage> = found.unlisted.iter().map(|it| it.usage).collect();
        assert_eq!((usages, found.exceeded), (vec![calls(1)], 0));
    }

    #[test]
    fn how_long_the_cache_keeps_what_was_written_needs_no_books() {
        let written = |all, one_hour| Usage {
            cache_write: all,
            cache_write_5m: all - one_hour,
            cache_write_1h: one_hour,
            ..calls(1)
        };
        for (in_line, in_books, beyond) in [
            (written(9149, 9149), written(9149, 0), None),
            (written(9149, 9149), written(9149, 100), None),
            (written(9149, 0), written(9149, 9149), None),
            (written(100, 100), written(300, 0), Some((200, 0))),
            (written(100, 100), written(300, 250), Some((50, 150))),
        ] {
            let statement = Statement {
                used: ByModel::from([("opus".to_owned(), in_books)]),
                ..statement(10, 1)
            };
            let found =
                Balance::default().reconcile(&[statement], [(time(1), "opus", in_line)], false);
            let split = |usage: Usage| (usage.cache_write_5m, usage.cache_write_1h);
            let split: Vec<_> = found.unlisted.iter().map(|it| split(it.usage)).collect();
            assert_eq!(split, Vec::from_iter(beyond), "{in_line:?} {in_books:?}");
            assert_eq!(found.exceeded, 0, "{in_line:?} {in_books:?}");
        }
    }

    #[test]
    fn parts_of_a_response_complete_each_other() {
        let written = |output, all, one_hour| Usage {
            output,
            cache_write: all,
            cache_write_5m: all - one_hour,
            cache_write_1h: one_hour,
            ..Usage::default()
        };
        let whole = Usage {
            input: 10,
            cache_read: 1000,
            ..written(50, 200, 200)
        };
        for (part, other) in [
            (whole, Usage::default()),
            (whole, written(50, 0, 0)),
            (whole, written(50, 200, 0)),
            (Usage { output: 5, ..whole }, written(50, 0, 0)),
            // The first of them is an estimate.
            (
                Usage {
                    input: 99,
                    ..written(5, 0, 0)
                },
                whole,
            ),
        ] {
            assert_eq!(part.completed_by(other), whole, "{part:?} {other:?}");
            if part.output != other.output {
                assert_eq!(other.completed_by(part), whole, "{part:?} {other:?}");
            }
        }
    }

    #[test]
    fn what_a_killed_run_used_is_in_no_books() {
        let statement = Statement {
            since: Some(time(5)),
            ..statement(10, 3)
        };
        let found = Balance::default().reconcile(&[statement], listed(&[1, 2, 8]), false);
        let usages: Vec<Usage> = found.unlisted.iter().map(|it| it.usage).collect();
        assert_eq!((usages, found.exceeded), (vec![calls(2)], 0));
    }

    #[test]
    fn lines_beyond_the_books_are_counted_and_nothing_is_invented() {
        let statements = [statement(10, 1), statement(20, 3), statement(30, 5)];
        let found = Balance::default().reconcile(&statements, listed(&[1, 2, 15]), false);
        let usages: Vec<Usage> = found.unlisted.iter().map(|it| it.usage).collect();
        assert_eq!((usages, found.exceeded), (vec![calls(2)], 1));
    }
}
