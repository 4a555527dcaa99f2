//! Groups of records, and their sums.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeSet;

use serde::Serialize;

use super::numbers::{Cost, Numbers, Tokens};
use super::query::By;
use super::session::{CallSums, Record, ToolSums, TurnSums};

/// Number of groups that the page shows by name; the others are added up.
const SHOWN: usize = 12;

/// The sums of a group. Scripts and the local page rely on its JSON.
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    /// Name of the group; `None` for records without one (no branch, no pull request, no person).
    pub name: Option<String>,
    /// The sums.
    pub total: Numbers,
    pub(super) buckets: Vec<Bucket>,
    /// Index of the session counted last.
    #[serde(skip)]
    session: Option<usize>,
    #[serde(skip)]
    pub(super) pull_requests: BTreeSet<String>,
}

/// The sums of a group in a bucket of time.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Bucket {
    tokens: Tokens,
    cost: f64,
    calls: u64,
    worked: f64,
}

impl Group {
    pub(super) fn new(name: Option<String>, buckets: usize) -> Self {
        Self {
            name,
            total: Numbers::default(),
            buckets: vec![Bucket::default(); buckets],
            session: None,
            pull_requests: BTreeSet::new(),
        }
    }

    /// Adds a record. The records of one session follow each other.
    pub(super) fn add(
        &mut self,
        session: usize,
        record: &Record<'_>,
        by: By,
        bucket: Option<usize>,
    ) {
        if self.session != Some(session) {
            self.session = Some(session);
            self.total.sessions += 1;
        }
        let worked = match record {
            Record::Calls(_, calls) => self.calls(calls, by, bucket),
            Record::Tools(_, _, tools) => self.tools(tools, by),
            Record::Turns(_, turns) => self.turns(turns, by),
        };
        self.total.worked += worked;
        if let Some(bucket) = bucket.and_then(|at| self.buckets.get_mut(at)) {
            bucket.worked += worked;
        }
    }

    fn calls(&mut self, calls: &CallSums, by: By, bucket: Option<usize>) -> f64 {
        let total = &mut self.total;
        total.calls += calls.calls;
        total.failed_calls += calls.failed;
        total.tokens += calls.tokens;
        total.cost += calls.cost;
        if let Some(bucket) = bucket.and_then(|at| self.buckets.get_mut(at)) {
            bucket.tokens += calls.tokens;
            bucket.cost += calls.cost.usd;
            bucket.calls += calls.calls;
        }
        if by == By::Model { calls.worked } else { 0.0 }
    }

    fn tools(&mut self, tools: &ToolSums, by: By) -> f64 {
        let total = &mut self.total;
        total.tools += tools.calls;
        total.failed_tools += tools.failed;
        if !by.is_of_turns() {
            total.waited += tools.waited;
            total.lines_added += tools.lines_added;
            total.lines_removed += tools.lines_removed;
            total.commits += tools.commits;
            self.pull_requests
                .extend(tools.pull_requests.iter().cloned());
        }
        if by == By::Tool {
            tools.times.iter().sum()
        } else {
            0.0
        }
    }

    fn turns(&mut self, turns: &TurnSums, by: By) -> f64 {
        if !by.is_of_turns() {
            return 0.0;
        }
        let total = &mut self.total;
        total.waited += turns.waited;
        total.lines_added += turns.lines_added;
        total.lines_removed += turns.lines_removed;
        total.commits += turns.commits;
        self.pull_requests
            .extend(turns.pull_requests.iter().cloned());
        turns.worked
    }

    /// Completes the sums after the last record.
    pub(super) fn finish(&mut self) {
        let total = &mut self.total;
        total.pull_requests = self.pull_requests.len() as u64;
        for seconds in [&mut total.worked, &mut total.waited] {
            // Rounded to the microsecond, so that sums do not depend on their order.
            *seconds = (*seconds * 1e6).round() / 1e6;
        }
    }

    /// Adds a group to the sum of the others. A session in several of them counts for each.
    fn merge(&mut self, other: Self) {
        let sum = &mut self.total;
        let Numbers {
            sessions,
            worked,
            waited,
            calls,
            failed_calls,
            tools,
            failed_tools,
            tokens,
            cost,
            lines_added,
            lines_removed,
            commits,
            pull_requests: _,
        } = other.total;
        sum.sessions += sessions;
        sum.worked += worked;
        sum.waited += waited;
        sum.calls += calls;
        sum.failed_calls += failed_calls;
        sum.tools += tools;
        sum.failed_tools += failed_tools;
        sum.tokens += tokens;
        sum.cost += cost;
        sum.lines_added += lines_added;
        sum.lines_removed += lines_removed;
        sum.commits += commits;
        self.pull_requests.extend(other.pull_requests);
        for (sum, bucket) in self.buckets.iter_mut().zip(other.buckets) {
            sum.tokens += bucket.tokens;
            sum.cost += bucket.cost;
            sum.calls += bucket.calls;
            sum.worked += bucket.worked;
        }
    }
}

/// The largest groups, and the sum of the others. `groups` is sorted.
pub(super) fn largest(mut groups: Vec<Group>) -> Vec<Group> {
    if groups.len() <= SHOWN + 1 {
        return groups;
    }
    let others = groups.split_off(SHOWN);
    let buckets = others.first().map_or(0, |it| it.buckets.len());
    let mut sum = Group::new(Some("other".to_owned()), buckets);
    for group in others {
        sum.merge(group);
    }
    sum.finish();
    groups.push(sum);
    groups
}

/// The order of groups: by time, otherwise the largest first.
pub(super) fn in_order(mut groups: Vec<Group>, by: By) -> Vec<Group> {
    groups.sort_by(|a, b| {
        let by_size = if by.is_of_time() {
            Ordering::Equal
        } else {
            larger_first(&a.total, &b.total)
        };
        by_size.then_with(|| a.name.cmp(&b.name))
    });
    groups
}

/// Compares by cost; without prices by tokens; without tokens by number of tool calls.
pub(super) fn larger_first(a: &Numbers, b: &Numbers) -> Ordering {
    let Cost { usd, .. } = a.cost;
    let by_cost = b.cost.usd.total_cmp(&usd);
    let size = |it: &Numbers| Reverse((it.tokens.sum(), it.tools));
    by_cost.then_with(|| size(a).cmp(&size(b)))
}
