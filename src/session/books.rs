//! Reconciles a session with the agent's books, its own token totals.
//!
//! Some agents keep token totals by model. They include calls that are in no line of the transcript
//! (compaction, titles, classifiers): the totals of a statement, minus the usage accounted for
//! until then, is the usage of these calls. Totals run from the session's start, so a line with a
//! wrong time may move usage between statements but does not change the sum. Books that a later run
//! began anew are compared with what was accounted for since they began.

use std::collections::BTreeMap;
use std::mem;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::usage::Usage;

/// Usage by model.
pub type ByModel = BTreeMap<String, Usage>;

/// One record of the books, as the agent wrote it: totals since the books were begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// When the books were begun. A killed run leaves no statement, and the next run begins new
    /// books.
    pub since: Option<DateTime<Utc>>,
    /// When the statement was written. It includes everything used since the books were begun.
    pub at: DateTime<Utc>,
    /// Usage since the books were begun.
    pub used: ByModel,
}

/// Usage that is in the books but in no line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unlisted {
    /// Index of the statement in the session that shows it, from 0.
    pub statement: u64,
    /// When that statement was written.
    pub at: DateTime<Utc>,
    /// The model.
    pub model: String,
    /// Its usage.
    pub usage: Usage,
}

/// The state of the reconciliation when the session was last read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// Number of statements.
    pub statements: u64,
    /// When the last statement was written.
    pub stated_at: Option<DateTime<Utc>>,
    /// When its books were begun.
    pub since: Option<DateTime<Utc>>,
    /// Usage in lines until the last statement, plus unlisted usage.
    pub accounted: ByModel,
    /// The part of `accounted` that is in the books of earlier runs.
    pub closed: ByModel,
    /// Usage in lines after the last statement.
    pub pending: ByModel,
    /// When the last line of `pending` was written.
    pub pending_until: Option<DateTime<Utc>>,
    /// Whether the session began as a copy of another.
    #[serde(default)]
    pub inherits: bool,
}

/// The result of a reconciliation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Usage that no line shows.
    pub unlisted: Vec<Unlisted>,
    /// Statements that are below the usage in lines: something was counted that the agent does not
    /// know of.
    pub exceeded: u64,
    /// The state after the last statement.
    pub balance: Balance,
}

impl Balance {
    /// Processes `statements` in order. `listed` is the usage in lines: completion time of the
    /// response, model, usage. A session that `inherits` began as a copy of another and took over
    /// its books, so the first statement only sets the starting point.
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
            found.balance.open(statement);
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
    /// Begins new books if the statement's were begun after the last statement: they do not include
    /// what was accounted for until then.
    fn open(&mut self, statement: &Statement) {
        let is_anew = statement.since > self.stated_at && self.stated_at.is_some();
        if is_anew {
            self.closed.clone_from(&self.accounted);
        }
        if is_anew || self.stated_at.is_none() {
            self.since = statement.since;
        }
        self.stated_at = Some(statement.at);
    }

    /// The accounted usage that a statement must include. A statement of an earlier run's books
    /// that was written late may include any usage, so it is compared with everything accounted
    /// for, and nothing is counted twice.
    fn expected(&self, statement: &Statement) -> ByModel {
        let mut expected = self.accounted.clone();
        if statement.since >= self.since {
            for (model, closed) in &self.closed {
                if let Some(sum) = expected.get_mut(model) {
                    *sum = sum.minus(*closed);
                }
            }
        }
        expected
    }

    /// Counts usage since the last statement as included in this one, unless its books were begun
    /// later.
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
        let mut expected = balance.expected(statement);
        // The books attribute a search to the model that searched, the lines to the one that asked
        // for it.
        let mut searches = searches(&statement.used).saturating_sub(searches(&expected));
        for (model, used) in &statement.used {
            let accounted = expected.get(model).copied().unwrap_or_default();
            let mut usage = used.beyond(accounted);
            usage.web_searches = usage.web_searches.min(searches);
            searches -= usage.web_searches;
            if usage == Usage::default() {
                continue;
            }
            add(&mut balance.accounted, model, usage);
            add(&mut expected, model, usage);
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
        self.exceeded += u64::from(!expected.iter().all(is_in_books));
        balance.statements += 1;
    }
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

#[cfg(test)]
mod tests;
