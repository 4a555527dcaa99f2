//! Checks a session against the agent's own books.
//!
//! Some agents keep sums of what they used, by model. Calls that are in no line of the transcript
//! (compaction, titles, classifiers) are in the books all the same: what a statement says, less what
//! was accounted for until then, is what these calls used. Sums run from the session's start, so
//! that a line with a wrong time may shift what is found, but not its total; books that a later run
//! begins anew are held against what was accounted for since they began.

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
    /// When; everything used since they were begun is in it.
    pub at: DateTime<Utc>,
    /// What was used since they were begun.
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
    /// When the last one was written.
    pub stated_at: Option<DateTime<Utc>>,
    /// Since when its books were kept.
    pub since: Option<DateTime<Utc>>,
    /// What lines have shown until then, and what was found in the books besides.
    pub accounted: ByModel,
    /// The part of it that is in the books of earlier runs.
    pub closed: ByModel,
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
    /// Books that were begun after the last statement was written hold nothing of what was
    /// accounted for until then.
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

    /// What of the accounted usage a statement must hold. One of an earlier run's books, written
    /// late, may hold anything: by all that was accounted for nothing is counted twice.
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
        let mut expected = balance.expected(statement);
        // The books name the model that searched, the lines the one that asked for it.
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
mod tests;
