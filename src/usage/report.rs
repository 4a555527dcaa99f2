//! Sums over many sessions.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{Datelike, Days, Local, NaiveDate};
use serde::Serialize;

use super::findings::{self, Finding};
use super::groups::{self, Group, larger_first};
use super::numbers::Numbers;
use super::pulls::PullRequests;
use super::query::{By, Query};
use super::session::{CallSums, Of, Record, SessionUsage, ToolSums};
use super::sessions::{self, OfSession};

/// Longest periods, in days, to show by day and by week.
const BY_DAY: i64 = 100;
const BY_WEEK: i64 = 400;

/// Sums over sessions. The local page relies on its JSON.
#[derive(Clone, Debug, Serialize)]
pub struct Usage {
    by: By,
    unit: Unit,
    buckets: Vec<NaiveDate>,
    /// Sums over the period, counting each record once.
    pub total: Numbers,
    /// Groups by time, or else the largest first.
    pub groups: Vec<Group>,
    /// Sums by weekday, Monday first, and local hour.
    hours: Vec<Vec<HourOfWeek>>,
    tools: Vec<Tool>,
    /// Sums by branch, the largest first.
    pub branches: Vec<OfBranch>,
    /// Sessions by id, if the grouping is by session.
    #[serde(skip)]
    pub sessions: BTreeMap<String, OfSession>,
    /// Work that bought nothing, in the sessions with work in the period; the costliest kind first.
    pub findings: Vec<Finding>,
    /// Models without a price, the one with most calls first.
    pub unpriced: Vec<Unpriced>,
}

/// Length of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Unit {
    Day,
    Week,
    Month,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
struct HourOfWeek {
    calls: u64,
    tokens: u64,
    cost: f64,
    worked: f64,
}

#[derive(Clone, Debug, Serialize)]
struct Tool {
    name: String,
    calls: u64,
    failed: u64,
    p50: Option<f64>,
    p95: Option<f64>,
    waited: f64,
    #[serde(skip)]
    times: Vec<f64>,
}

/// Sums of a branch.
#[derive(Clone, Debug, Serialize)]
pub struct OfBranch {
    /// Name of the project.
    pub project: Option<String>,
    /// Name of the branch; `None` for work outside any.
    pub branch: Option<String>,
    /// Addresses of its pull requests.
    pub pull_requests: BTreeSet<String>,
    /// The sums.
    pub numbers: Numbers,
}

/// A model without a price.
#[derive(Clone, Debug, Serialize)]
pub struct Unpriced {
    /// Its name.
    pub model: Option<String>,
    /// Number of calls to it.
    pub calls: u64,
}

impl Unit {
    /// The unit for which a period of that many days has about a hundred buckets at most.
    const fn of(days: i64) -> Self {
        if days <= BY_DAY {
            Self::Day
        } else if days <= BY_WEEK {
            Self::Week
        } else {
            Self::Month
        }
    }

    /// The first day of the bucket of a day.
    fn bucket(self, day: NaiveDate) -> NaiveDate {
        let back = match self {
            Self::Day => 0,
            Self::Week => day.weekday().num_days_from_monday(),
            Self::Month => day.day0(),
        };
        day.checked_sub_days(Days::new(back.into())).unwrap_or(day)
    }

    /// All buckets from that of the first day to that of the last.
    fn buckets(self, first: NaiveDate, last: NaiveDate) -> Vec<NaiveDate> {
        let days = first.iter_days().take_while(|day| *day <= last);
        let mut buckets: Vec<NaiveDate> = days.map(|day| self.bucket(day)).collect();
        buckets.dedup();
        buckets
    }
}

impl Usage {
    /// The sums over the work of these sessions in the wanted period.
    #[must_use]
    pub fn of<'a>(sessions: impl IntoIterator<Item = &'a SessionUsage>, query: Query) -> Self {
        let sessions: Vec<&SessionUsage> = sessions.into_iter().collect();
        let today = query.now.with_timezone(&Local).date_naive();
        let records = sessions.iter().flat_map(|it| it.records());
        let hours = records.map(|record| record.of().hour);
        let earliest = hours.filter(|hour| query.has(*hour)).min();
        let first = earliest.map_or(today, |hour| hour.day);
        let unit = Unit::of((today - first).num_days());
        let mut sums = Sums::new(query, unit, unit.buckets(first, today));
        for (session, usage) in sessions.iter().enumerate() {
            sums.pull_requests.add(session, usage);
        }
        for (session, usage) in sessions.iter().enumerate() {
            sums.add(session, usage);
        }
        let in_period = |usage: &&SessionUsage| {
            let mut records = usage.records();
            records.any(|record| query.has(record.of().hour))
        };
        let in_period: Vec<&SessionUsage> = sessions.iter().copied().filter(in_period).collect();
        let findings = findings::of(&in_period);
        Self {
            findings,
            sessions: sessions::of(&in_period, query.by),
            ..sums.usage()
        }
    }

    /// The same with the sessions' pages in PostHog. `page` makes the address of a trace id.
    #[must_use]
    pub fn with_pages(mut self, page: &dyn Fn(&str) -> String) -> Self {
        let url = |trace: &Option<String>| trace.as_deref().map(page);
        for session in self.sessions.values_mut() {
            session.url = url(&session.trace);
        }
        let examples = self.findings.iter_mut().flat_map(|it| &mut it.examples);
        for example in examples {
            example.url = url(&example.trace);
        }
        self
    }

    /// The grouping of the sums.
    #[must_use]
    pub const fn by(&self) -> By {
        self.by
    }

    /// The same with few groups, for a chart.
    #[must_use]
    pub fn with_few_groups(mut self) -> Self {
        self.groups = groups::largest(self.groups);
        self
    }
}

/// A project and a branch.
type Branch = (Option<String>, Option<String>);

/// Sums under construction.
struct Sums<'a> {
    query: Query,
    unit: Unit,
    buckets: Vec<NaiveDate>,
    total: Group,
    groups: HashMap<Option<String>, Group>,
    hours: Vec<Vec<HourOfWeek>>,
    tools: BTreeMap<String, Tool>,
    branches: BTreeMap<Branch, Group>,
    unpriced: BTreeMap<Option<String>, u64>,
    pull_requests: PullRequests<'a>,
}

impl<'a> Sums<'a> {
    fn new(query: Query, unit: Unit, buckets: Vec<NaiveDate>) -> Self {
        Self {
            query,
            unit,
            buckets,
            total: Group::new(None, 0),
            groups: HashMap::new(),
            hours: vec![vec![HourOfWeek::default(); 24]; 7],
            tools: BTreeMap::new(),
            branches: BTreeMap::new(),
            unpriced: BTreeMap::new(),
            pull_requests: PullRequests::default(),
        }
    }

    fn add(&mut self, session: usize, usage: &'a SessionUsage) {
        let query = self.query;
        for record in usage.records() {
            let of = record.of();
            if !query.has(of.hour) {
                continue;
            }
            // Any grouping that turns belong to, so that every record counts.
            self.total.add(session, &record, By::Day, None);
            let key = (usage.project().map(str::to_owned), of.branch.clone());
            let branch = self.branches.entry(key);
            let branch = branch.or_insert_with(|| Group::new(None, 0));
            branch.add(session, &record, By::Branch, None);
            self.group(session, usage, &record);
            match record {
                Record::Calls(of, calls) => self.calls(of, calls),
                Record::Tools(_, name, tools) => self.tool(name, tools),
                Record::Turns(..) => {}
            }
        }
    }

    /// Adds a record to its groups.
    fn group(&mut self, session: usize, usage: &'a SessionUsage, record: &Record<'a>) {
        let length = self.buckets.len();
        let by = self.query.by;
        let bucket = self.unit.bucket(record.of().hour.day);
        let bucket = self.buckets.binary_search(&bucket).ok();
        for name in self.names(session, usage, record) {
            let group = self.groups.entry(name.clone());
            let group = group.or_insert_with(|| Group::new(name, length));
            group.add(session, record, by, bucket);
        }
    }

    /// The groups of a record: usually one; none if the grouping does not apply to it; several if
    /// its branch has several pull requests.
    fn names(
        &self,
        session: usize,
        usage: &'a SessionUsage,
        record: &Record<'a>,
    ) -> Vec<Option<String>> {
        let by = self.query.by;
        let of = record.of();
        let is_turn = matches!(record, Record::Turns(..));
        let one = match by {
            By::Day => Some(of.hour.day.to_string()),
            By::Week => Some(Unit::Week.bucket(of.hour.day).to_string()),
            By::Month => Some(of.hour.day.format("%Y-%m").to_string()),
            By::Model if is_turn => return Vec::new(),
            By::Model => of.model.clone(),
            By::Project => usage.project().map(str::to_owned),
            By::Branch => of.branch.clone(),
            By::Session => usage.id().map(str::to_owned),
            By::Agent => Some(usage.agent().as_str().to_owned()),
            By::User => of.user.clone(),
            By::Tool => match record {
                Record::Tools(_, name, _) => Some((*name).to_owned()),
                Record::Calls(..) | Record::Turns(..) => return Vec::new(),
            },
            By::Pr => {
                let found = self.pull_requests.of(session, usage, of.branch.as_deref());
                let found: Vec<_> = found.map(|it| Some(it.to_owned())).collect();
                return if found.is_empty() { vec![None] } else { found };
            }
        };
        vec![one]
    }

    fn calls(&mut self, of: &Of, calls: &CallSums) {
        if calls.cost.unknown > 0 {
            *self.unpriced.entry(of.model.clone()).or_default() += calls.cost.unknown;
        }
        let weekday = of.hour.day.weekday().num_days_from_monday() as usize;
        let cell = &mut self.hours[weekday][usize::from(of.hour.hour)];
        cell.calls += calls.calls;
        cell.tokens += calls.tokens.sum();
        cell.cost += calls.cost.usd;
        cell.worked += calls.worked;
    }

    fn tool(&mut self, name: &str, tools: &ToolSums) {
        let tool = self.tools.entry(name.to_owned()).or_insert_with(|| Tool {
            name: name.to_owned(),
            calls: 0,
            failed: 0,
            p50: None,
            p95: None,
            waited: 0.0,
            times: Vec::new(),
        });
        tool.calls += tools.calls;
        tool.failed += tools.failed;
        tool.waited += tools.waited;
        tool.times.extend(&tools.times);
    }

    fn usage(mut self) -> Usage {
        self.total.finish();
        let mut tools: Vec<Tool> = self.tools.into_values().collect();
        for tool in &mut tools {
            tool.times.sort_by(f64::total_cmp);
            tool.p50 = quantile(&tool.times, 50);
            tool.p95 = quantile(&tool.times, 95);
        }
        tools.sort_by_key(|tool| Reverse(tool.calls));
        let branches = self.branches.into_iter();
        let mut branches: Vec<OfBranch> = branches
            .map(|((project, branch), mut group)| {
                group.finish();
                OfBranch {
                    project,
                    branch,
                    pull_requests: group.pull_requests,
                    numbers: group.total,
                }
            })
            .collect();
        branches.sort_by(|a, b| larger_first(&a.numbers, &b.numbers));
        let unpriced = self.unpriced.into_iter();
        let mut unpriced: Vec<Unpriced> = unpriced
            .map(|(model, calls)| Unpriced { model, calls })
            .collect();
        unpriced.sort_by_key(|it| Reverse(it.calls));
        let mut groups: Vec<Group> = self.groups.into_values().collect();
        groups.iter_mut().for_each(Group::finish);
        Usage {
            by: self.query.by,
            unit: self.unit,
            groups: groups::in_order(groups, self.query.by),
            buckets: self.buckets,
            total: self.total.total,
            hours: self.hours,
            tools,
            branches,
            sessions: BTreeMap::new(),
            findings: Vec::new(),
            unpriced,
        }
    }
}

/// The smallest value that this percentage of the sorted times does not exceed.
fn quantile(sorted: &[f64], percent: usize) -> Option<f64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}
