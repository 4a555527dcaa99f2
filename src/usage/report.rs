//! Sums over many sessions.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::str::FromStr;

use chrono::{DateTime, Datelike, Days, Local, NaiveDate, Timelike, Utc};
use serde::Serialize;

use super::numbers::{Cost, Numbers, Tokens};
use super::session::{CallSums, CallsOf, Hour, SessionUsage};

/// Groups that are shown by name; the others are one.
const GROUPS: usize = 12;
/// Longest period in days that is shown by day, and by week.
const BY_DAY: i64 = 100;
const BY_WEEK: i64 = 400;

/// What sums are grouped by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// The model that answered.
    #[default]
    Model,
    /// The project of the session.
    Project,
    /// The branch at the time of the call.
    Branch,
    /// The agent.
    Agent,
}

impl FromStr for By {
    type Err = NoSuchGroup;

    fn from_str(name: &str) -> Result<Self, NoSuchGroup> {
        match name {
            "model" => Ok(Self::Model),
            "project" => Ok(Self::Project),
            "branch" => Ok(Self::Branch),
            "agent" => Ok(Self::Agent),
            _ => Err(NoSuchGroup),
        }
    }
}

/// Sums cannot be grouped by that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sums are by model, project, branch or agent")]
pub struct NoSuchGroup;

/// A question for sums.
#[derive(Clone, Copy, Debug)]
pub struct Query {
    /// What they are grouped by.
    pub by: By,
    /// Hours that begin earlier are left out.
    pub since: Option<DateTime<Utc>>,
    /// Hours that begin at that time or later are left out.
    pub until: Option<DateTime<Utc>>,
    /// The current time.
    pub now: DateTime<Utc>,
}

/// A session whose sums are added.
pub struct UsageOf<'a> {
    /// Its sums.
    pub usage: &'a SessionUsage,
}

/// Sums over sessions. Scripts and the local page rely on its JSON.
#[derive(Clone, Debug, Serialize)]
pub struct Usage {
    by: By,
    unit: Unit,
    buckets: Vec<NaiveDate>,
    total: Numbers,
    groups: Vec<Group>,
    /// By weekday, Monday first, and local hour.
    hours: Vec<Vec<HourOfWeek>>,
    tools: Vec<Tool>,
    branches: Vec<OfBranch>,
    /// No rule looks for waste yet.
    findings: [(); 0],
    unpriced: Vec<Unpriced>,
}

/// Length of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Unit {
    Day,
    Week,
    Month,
}

#[derive(Clone, Debug, Serialize)]
struct Group {
    name: Option<String>,
    total: Numbers,
    buckets: Vec<Bucket>,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Bucket {
    tokens: Tokens,
    cost: f64,
    calls: u64,
    worked: f64,
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

#[derive(Clone, Debug, Serialize)]
struct OfBranch {
    project: Option<String>,
    branch: Option<String>,
    pull_requests: BTreeSet<String>,
    numbers: Numbers,
}

#[derive(Clone, Debug, Serialize)]
struct Unpriced {
    model: Option<String>,
    calls: u64,
}

impl Unit {
    /// The unit by which a period of that many days has about a hundred buckets at most.
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

    /// All buckets from the one of the first day to the one of the last.
    fn buckets(self, first: NaiveDate, last: NaiveDate) -> Vec<NaiveDate> {
        let days = first.iter_days().take_while(|day| *day <= last);
        let mut buckets: Vec<NaiveDate> = days.map(|day| self.bucket(day)).collect();
        buckets.dedup();
        buckets
    }
}

impl Usage {
    /// The sums over the calls of these sessions in the wanted period. A session with at least one
    /// counts with its whole time, lines, commits and pull requests.
    #[must_use]
    pub fn of<'a>(sessions: impl IntoIterator<Item = UsageOf<'a>>, query: Query) -> Self {
        let sessions: Vec<UsageOf<'a>> = sessions.into_iter().collect();
        let today = query.now.with_timezone(&Local).date_naive();
        let calls = sessions.iter().flat_map(|it| it.usage.calls());
        let earliest = calls
            .map(|(of, _)| of.hour)
            .filter(|it| query.has(*it))
            .min();
        let first = earliest.map_or(today, |hour| hour.day);
        let first = query.since.map_or(first, |since| {
            since.with_timezone(&Local).date_naive().max(first)
        });
        let unit = Unit::of((today - first).num_days());
        let mut sums = Sums::new(query, unit, unit.buckets(first, today));
        for session in &sessions {
            sums.add(session);
        }
        sums.usage()
    }
}

impl Query {
    /// Whether an hour is in the period.
    fn has(&self, hour: Hour) -> bool {
        let in_local = |time: DateTime<Utc>| {
            let local = time.with_timezone(&Local);
            let hour = u8::try_from(local.hour()).unwrap_or(0);
            Hour {
                day: local.date_naive(),
                hour,
            }
        };
        self.since.is_none_or(|since| hour >= in_local(since))
            && self.until.is_none_or(|until| hour < in_local(until))
    }
}

/// Sums that are being made.
struct Sums {
    query: Query,
    unit: Unit,
    buckets: Vec<NaiveDate>,
    total: Numbers,
    groups: HashMap<Option<String>, Group>,
    hours: Vec<Vec<HourOfWeek>>,
    tools: BTreeMap<String, Tool>,
    branches: BTreeMap<(Option<String>, Option<String>), OfBranch>,
    unpriced: BTreeMap<Option<String>, u64>,
    pull_requests: BTreeSet<String>,
}

impl Sums {
    fn new(query: Query, unit: Unit, buckets: Vec<NaiveDate>) -> Self {
        Self {
            query,
            unit,
            buckets,
            total: Numbers::default(),
            groups: HashMap::new(),
            hours: vec![vec![HourOfWeek::default(); 24]; 7],
            tools: BTreeMap::new(),
            branches: BTreeMap::new(),
            unpriced: BTreeMap::new(),
            pull_requests: BTreeSet::new(),
        }
    }

    fn add(&mut self, session: &UsageOf<'_>) {
        let usage = session.usage;
        let query = self.query;
        let calls: Vec<_> = usage.calls().filter(|(of, _)| query.has(of.hour)).collect();
        if calls.is_empty() {
            return;
        }
        let facts = usage.facts();
        self.total.sessions += 1;
        self.total.worked += facts.worked;
        self.total.waited += facts.waited;
        self.total.lines_added += facts.lines_added;
        self.total.lines_removed += facts.lines_removed;
        self.total.commits += facts.commits;
        self.pull_requests
            .extend(facts.pull_requests.iter().cloned());
        let (mut groups, mut branches) = (HashSet::new(), BTreeSet::new());
        for (of, calls) in calls {
            let name = self.group(usage, of, calls);
            if groups.insert(name.clone())
                && let Some(group) = self.groups.get_mut(&name)
            {
                group.total.sessions += 1;
            }
            self.hour(of, calls);
            self.branch(usage, of, calls);
            branches.insert(of.branch.clone());
            if calls.cost.unknown > 0 {
                *self.unpriced.entry(of.model.clone()).or_default() += calls.cost.unknown;
            }
        }
        for branch in branches {
            let key = (usage.project().map(str::to_owned), branch);
            if let Some(branch) = self.branches.get_mut(&key) {
                branch.numbers.sessions += 1;
                branch.numbers.lines_added += facts.lines_added;
                branch.numbers.lines_removed += facts.lines_removed;
                branch
                    .pull_requests
                    .extend(facts.pull_requests.iter().cloned());
            }
        }
        self.tools(usage);
    }

    /// Adds calls to the total and to their group. Returns the group's name.
    fn group(&mut self, usage: &SessionUsage, of: &CallsOf, calls: &CallSums) -> Option<String> {
        let name = match self.query.by {
            By::Model => of.model.clone(),
            By::Project => usage.project().map(str::to_owned),
            By::Branch => of.branch.clone(),
            By::Agent => Some(usage.agent().as_str().to_owned()),
        };
        let length = self.buckets.len();
        let group = self.groups.entry(name.clone()).or_insert_with(|| Group {
            name: name.clone(),
            total: Numbers::default(),
            buckets: vec![Bucket::default(); length],
        });
        add(&mut self.total, calls);
        add(&mut group.total, calls);
        group.total.worked += calls.worked;
        let bucket = self.unit.bucket(of.hour.day);
        if let Ok(at) = self.buckets.binary_search(&bucket) {
            let bucket = &mut group.buckets[at];
            bucket.tokens += calls.tokens;
            bucket.cost += calls.cost.usd;
            bucket.calls += calls.calls;
            bucket.worked += calls.worked;
        }
        name
    }

    fn hour(&mut self, of: &CallsOf, calls: &CallSums) {
        let weekday = of.hour.day.weekday().num_days_from_monday() as usize;
        let cell = &mut self.hours[weekday][usize::from(of.hour.hour)];
        cell.calls += calls.calls;
        cell.tokens += calls.tokens.sum();
        cell.cost += calls.cost.usd;
        cell.worked += calls.worked;
    }

    fn branch(&mut self, usage: &SessionUsage, of: &CallsOf, calls: &CallSums) {
        let key = (usage.project().map(str::to_owned), of.branch.clone());
        let branch = self
            .branches
            .entry(key.clone())
            .or_insert_with(|| OfBranch {
                project: key.0,
                branch: key.1,
                pull_requests: BTreeSet::new(),
                numbers: Numbers::default(),
            });
        add(&mut branch.numbers, calls);
        branch.numbers.worked += calls.worked;
    }

    fn tools(&mut self, usage: &SessionUsage) {
        for (_, name, tools) in usage.tools().filter(|(hour, ..)| self.query.has(*hour)) {
            self.total.tools += tools.calls;
            self.total.failed_tools += tools.failed;
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
    }

    fn usage(mut self) -> Usage {
        self.total.pull_requests = self.pull_requests.len() as u64;
        let mut tools: Vec<Tool> = self.tools.into_values().collect();
        for tool in &mut tools {
            tool.times.sort_by(f64::total_cmp);
            tool.p50 = quantile(&tool.times, 50);
            tool.p95 = quantile(&tool.times, 95);
        }
        tools.sort_by_key(|tool| Reverse(tool.calls));
        let mut branches: Vec<OfBranch> = self.branches.into_values().collect();
        for branch in &mut branches {
            branch.numbers.pull_requests = branch.pull_requests.len() as u64;
        }
        branches.sort_by(|a, b| {
            order(&b.numbers)
                .partial_cmp(&order(&a.numbers))
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        let unpriced = self.unpriced.into_iter();
        let mut unpriced: Vec<Unpriced> = unpriced
            .map(|(model, calls)| Unpriced { model, calls })
            .collect();
        unpriced.sort_by_key(|it| Reverse(it.calls));
        Usage {
            by: self.query.by,
            unit: self.unit,
            groups: largest(self.groups.into_values().collect(), self.buckets.len()),
            buckets: self.buckets,
            total: self.total,
            hours: self.hours,
            tools,
            branches,
            findings: [],
            unpriced,
        }
    }
}

/// The largest groups, and the sum of the others.
fn largest(mut groups: Vec<Group>, buckets: usize) -> Vec<Group> {
    groups.sort_by(|a, b| {
        let by_size = order(&b.total).partial_cmp(&order(&a.total));
        by_size
            .unwrap_or(std::cmp::Ordering::Equal)
            .then_with(|| a.name.cmp(&b.name))
    });
    if groups.len() <= GROUPS + 1 {
        return groups;
    }
    let mut other = Group {
        name: Some("other".to_owned()),
        total: Numbers::default(),
        buckets: vec![Bucket::default(); buckets],
    };
    for group in groups.drain(GROUPS..) {
        let Numbers {
            sessions,
            worked,
            calls,
            failed_calls,
            tokens,
            cost,
            ..
        } = group.total;
        // A session with several of them counts for each.
        other.total.sessions += sessions;
        other.total.worked += worked;
        other.total.calls += calls;
        other.total.failed_calls += failed_calls;
        other.total.tokens += tokens;
        other.total.cost += cost;
        for (sum, bucket) in other.buckets.iter_mut().zip(group.buckets) {
            sum.tokens += bucket.tokens;
            sum.cost += bucket.cost;
            sum.calls += bucket.calls;
            sum.worked += bucket.worked;
        }
    }
    groups.push(other);
    groups
}

fn add(sum: &mut Numbers, calls: &CallSums) {
    sum.calls += calls.calls;
    sum.failed_calls += calls.failed;
    sum.tokens += calls.tokens;
    sum.cost += calls.cost;
}

/// Larger groups have larger values. Where nothing has a price, tokens decide.
const fn order(numbers: &Numbers) -> (f64, u64) {
    let Cost { usd, .. } = numbers.cost;
    (usd, numbers.tokens.sum())
}

/// The value that this percentage of the sorted times does not exceed.
fn quantile(sorted: &[f64], percent: usize) -> Option<f64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}
