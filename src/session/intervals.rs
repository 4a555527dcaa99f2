//! Derives the times of tool calls from the times of calls and results alone.

use chrono::{DateTime, TimeDelta, Utc};

use super::time::{Asks, Background, NEGLIGIBLE, Order, OwnTime, Sighting, ToolTime, Worked};
use super::tree::ToolCall;
use super::work::Permission;

/// Time shorter than any person takes to read and answer a question.
const AT_ONCE: TimeDelta = TimeDelta::milliseconds(500);
/// Maximum difference between two clocks of one agent.
const TOLERANCE: TimeDelta = TimeDelta::seconds(1);

/// Longest plausible time of a tool.
const LONGEST: TimeDelta = TimeDelta::days(31);

/// The interval from a call to its result.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interval {
    called_at: DateTime<Utc>,
    /// Earliest time at which the tool began or a person was asked.
    pub(super) begins_after: DateTime<Utc>,
    /// Latest time at which the tool began or a person was asked.
    pub(super) begins_by: DateTime<Utc>,
    /// When the result arrived; `None` without a result.
    pub(super) end: Option<DateTime<Utc>>,
    pub(super) asks: Asks,
    pub(super) permission: Option<Permission>,
    /// The tool's own time, as measured by the agent.
    pub(super) measured: Option<TimeDelta>,
    /// When the tool began, after any question.
    began_at: Option<DateTime<Utc>>,
    /// Whether a background agent made the call. The recorded times of the main conversation do not
    /// apply to it.
    pub(super) is_background: bool,
    /// Whether its beginning or end is unknown.
    pub(super) is_untimed: bool,
}

/// A period for which the agent recorded its working time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    since: DateTime<Utc>,
    until: DateTime<Utc>,
    /// The rest of the period.
    waited: TimeDelta,
}

/// The time of one call, and its part of a wait that is known only for several calls together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Time {
    pub(super) of_call: ToolTime,
    pub(super) shared_wait: TimeDelta,
}

/// Calls, each with the known parts of its time.
#[derive(Debug)]
pub(super) struct Calls(Vec<(Interval, Time)>);

impl Interval {
    /// The interval of a call; `before` are the earlier calls of the same response.
    pub(super) fn of(call: &ToolCall, before: &[&ToolCall]) -> Self {
        let mut interval = Self::at(call.called_at);
        let Some(result) = call.result.as_ref().filter(|it| it.has_ended()) else {
            return interval;
        };
        let end = result.returned_at.max(call.called_at);
        interval.end = Some(end);
        for earlier in before {
            let Some(returned) = &earlier.result else {
                continue;
            };
            let returned_at = returned.returned_at;
            if returned_at > end || returned.background != Background::No {
                continue;
            }
            let latest = interval.begins_by.max(returned_at);
            // Tools that need permission are not run in parallel with others.
            let was_asked = returned.permission.is_some_and(|it| it != Permission::Rule);
            let orders = [earlier.order, call.order];
            if orders.contains(&Order::Alone) || (earlier.order == Order::Unknown && was_asked) {
                interval.begins_after = interval.begins_after.max(returned_at);
                interval.begins_by = latest;
            } else if orders.contains(&Order::Unknown) {
                interval.begins_by = latest;
            }
        }
        interval.asks = call.asks();
        interval.permission = result.permission;
        let is_backwards = result.returned_at + TOLERANCE < call.called_at;
        interval.is_untimed = call.is_untimed || result.is_untimed || is_backwards;
        let measured = result.duration_ms.map(i64::try_from);
        interval.measured = measured
            .and_then(Result::ok)
            .and_then(TimeDelta::try_milliseconds)
            .filter(|measured| *measured <= interval.longest());
        interval
    }

    /// A call without a result.
    const fn at(called_at: DateTime<Utc>) -> Self {
        Self {
            called_at,
            begins_after: called_at,
            begins_by: called_at,
            end: None,
            asks: Asks::Perhaps,
            permission: None,
            measured: None,
            began_at: None,
            is_background: false,
            is_untimed: false,
        }
    }

    /// Uses lines seen between the call and its result.
    pub(super) fn see(&mut self, sighting: &Sighting) {
        let (start, end) = (self.called_at, self.end);
        let within = |at: &DateTime<Utc>| *at >= start && end.is_some_and(|end| *at <= end);
        if let Some(at) = sighting.waiting_at.filter(within) {
            self.begins_after = self.begins_after.max(at);
            self.begins_by = self.begins_by.max(at);
        }
        self.began_at = sighting.began_at.filter(within);
    }

    /// Upper limit of the tool's time. A measurement above it is wrong.
    pub(super) fn longest(&self) -> TimeDelta {
        match self.end.filter(|_| !self.is_untimed) {
            Some(end) => end - self.called_at + TOLERANCE,
            None => LONGEST,
        }
    }

    fn length(&self) -> TimeDelta {
        self.end
            .map_or(TimeDelta::zero(), |end| end - self.begins_after)
    }

    /// Whether the time at which the tool began or a person was asked is known.
    fn has_beginning(&self) -> bool {
        self.begins_by - self.begins_after <= NEGLIGIBLE
    }

    /// The tool's own time, if recorded.
    fn recorded(&self) -> Option<OwnTime> {
        let began = self.began_at.zip(self.end);
        let since = began.map(|(began, end)| OwnTime::Interval(end - began));
        self.measured.map(OwnTime::Measured).or(since)
    }

    /// Upper limit of the waiting time in the interval.
    fn room(&self) -> TimeDelta {
        let own = match self.recorded() {
            Some(OwnTime::Measured(time) | OwnTime::Interval(time)) => time,
            _ => TimeDelta::zero(),
        };
        (self.length() - own).max(TimeDelta::zero())
    }

    /// Whether a person may have been asked during the interval; certain if the agent recorded a
    /// granted permission.
    fn may_have_asked(&self) -> bool {
        let may = match self.permission {
            Some(Permission::Granted) => true,
            Some(Permission::Rule | Permission::Refused) => false,
            None => self.asks == Asks::Perhaps,
        };
        may && !self.is_untimed && self.end.is_some() && self.room() > AT_ONCE
    }

    /// Whether the whole interval was waiting for a person.
    fn is_question(&self) -> bool {
        match self.permission {
            Some(Permission::Refused) => true,
            Some(Permission::Rule) => false,
            Some(Permission::Granted) | None => self.asks == Asks::Always,
        }
    }

    /// The time as far as this call alone shows it.
    fn time(&self) -> ToolTime {
        if self.end.is_none() {
            return ToolTime::default();
        }
        if self.is_untimed {
            return ToolTime {
                own: self.measured.map(OwnTime::Measured).unwrap_or_default(),
                ..ToolTime::default()
            };
        }
        if self.is_question() {
            return ToolTime {
                own: OwnTime::Interval(TimeDelta::zero()),
                waited: Some(self.length()),
                is_open: false,
            };
        }
        let (own, waited) = match (self.recorded(), self.permission) {
            (Some(own), Some(Permission::Granted)) => (own, Some(self.room())),
            (Some(own), permission) => (own, permission.map(|_| TimeDelta::zero())),
            (None, Some(Permission::Granted)) => (OwnTime::Mixed(self.length()), None),
            (None, Some(_)) => (self.without_waiting(), Some(TimeDelta::zero())),
            (None, None) if self.asks == Asks::Never || self.length() <= NEGLIGIBLE => {
                (self.without_waiting(), None)
            }
            (None, None) => (OwnTime::Mixed(self.length()), None),
        };
        ToolTime {
            own,
            waited,
            is_open: false,
        }
    }

    /// The own time of a tool for which nobody was asked.
    fn without_waiting(&self) -> OwnTime {
        if self.has_beginning() {
            OwnTime::Interval(self.length())
        } else {
            OwnTime::Mixed(self.length())
        }
    }
}

impl Stretch {
    pub(super) fn of(worked: &Worked) -> Self {
        Self {
            since: worked.since,
            until: worked.until,
            waited: worked.until - worked.since - worked.worked,
        }
    }

    fn touches(&self, interval: &Interval) -> bool {
        interval.called_at < self.until && interval.end.is_some_and(|end| end > self.since)
    }

    /// Whether the recorded working time includes this interval.
    fn holds(&self, interval: &Interval) -> bool {
        let ends = |end| end <= self.until + TOLERANCE;
        !interval.is_background
            && interval.called_at >= self.since
            && interval.end.is_some_and(ends)
    }

    /// Time of the stretch covered by intervals that were only waiting.
    fn asked<'a>(&self, intervals: impl Iterator<Item = &'a Interval>) -> TimeDelta {
        let questions = intervals.filter(|it| it.is_question() && !it.is_background);
        let mut spans: Vec<_> = questions
            .filter_map(|it| Some((it.begins_after.max(self.since), it.end?.min(self.until))))
            .collect();
        spans.sort_unstable();
        let mut sum = TimeDelta::zero();
        let mut done = self.since;
        for (from, to) in spans {
            let from = from.max(done);
            sum += (to - from).max(TimeDelta::zero());
            done = done.max(to);
        }
        sum
    }
}

impl Calls {
    pub(super) fn of(intervals: Vec<Interval>) -> Self {
        let calls = intervals.into_iter().map(|interval| {
            let of_call = interval.time();
            let shared_wait = TimeDelta::zero();
            let time = Time {
                of_call,
                shared_wait,
            };
            (interval, time)
        });
        Self(calls.collect())
    }

    /// Uses recorded stretches: the waiting time in each of them.
    pub(super) fn narrow(&mut self, mut stretches: Vec<Stretch>) {
        stretches.sort_by_key(|stretch| stretch.since);
        let mut by_time: Vec<usize> = (0..self.0.len()).collect();
        by_time.sort_by_key(|index| self.0[*index].0.called_at);
        let mut later = by_time.into_iter().peekable();
        // Calls that the stretch touches, in order of time.
        let mut inside: Vec<usize> = Vec::new();
        for stretch in stretches {
            let begins = |index: &usize| self.0[*index].0.called_at < stretch.until;
            while let Some(index) = later.next_if(begins) {
                inside.push(index);
            }
            let ended = |index: &usize| self.0[*index].0.end.is_none_or(|end| end <= stretch.since);
            inside.retain(|index| !ended(index));
            let calls = inside.iter().copied();
            let touched = calls.filter(|index| stretch.touches(&self.0[*index].0));
            self.narrow_in(&stretch, touched.collect());
        }
    }

    fn narrow_in(&mut self, stretch: &Stretch, mut inside: Vec<usize>) {
        if stretch.waited < -TOLERANCE {
            // More work than time: the record includes other work.
            return;
        }
        let calls = &mut self.0;
        let asked = stretch.asked(inside.iter().map(|index| &calls[*index].0));
        let rest = (stretch.waited - asked).max(TimeDelta::zero());
        inside.retain(|index| calls[*index].0.may_have_asked());
        let rooms = inside.iter().map(|index| calls[*index].0.room());
        let room = rooms.fold(TimeDelta::zero(), |sum, room| sum + room);
        let mut shared = rest;
        inside.retain(|index| stretch.holds(&calls[*index].0));
        for index in &inside {
            let (interval, time) = &mut calls[*index];
            let others = room - interval.room();
            interval.narrow(time, rest, others);
            shared -= time.of_call.waited.unwrap_or_default();
        }
        for index in inside {
            let time = &mut calls[index].1;
            if time.of_call.waited.is_none() {
                let mixed = time.of_call.mixed().unwrap_or_default();
                time.shared_wait = shared.clamp(TimeDelta::zero(), mixed);
                shared -= time.shared_wait;
            }
        }
    }

    /// The times, in the order of the calls. Working time since `working_since` may still be
    /// recorded.
    pub(super) fn times(self, working_since: Option<DateTime<Utc>>) -> Vec<Time> {
        let calls = self.0.into_iter().map(|(interval, mut time)| {
            let is_new = working_since.is_some_and(|since| interval.called_at >= since);
            time.of_call.is_open = is_new && interval.can_be_narrowed(&time);
            time
        });
        calls.collect()
    }
}

impl Interval {
    /// Whether a known total waiting time would make this call's time more precise.
    fn can_be_narrowed(&self, time: &Time) -> bool {
        let is_unclear = time.of_call.mixed().is_some() || self.recorded().is_some();
        is_unclear && time.of_call.waited.is_none() && self.may_have_asked() && !self.is_background
    }

    /// Applies a waiting time of `rest`, shared by this interval and others, which have room for
    /// `others` of it.
    fn narrow(&self, time: &mut Time, rest: TimeDelta, others: TimeDelta) {
        if !self.can_be_narrowed(time) || !self.has_beginning() {
            return;
        }
        let room = self.room();
        if rest <= NEGLIGIBLE && self.permission.is_none() {
            if time.of_call.mixed().is_some() {
                time.of_call.own = OwnTime::Interval(self.length());
            }
            return;
        }
        let least = (rest - others).max(TimeDelta::zero());
        let most = rest.min(room);
        let is_certain = most - least <= NEGLIGIBLE && least - room <= TOLERANCE;
        if is_certain {
            let waited = least.min(room);
            time.of_call.waited = Some(waited);
            if time.of_call.mixed().is_some() {
                time.of_call.own = OwnTime::Interval(self.length() - waited);
            }
        }
    }
}

#[cfg(test)]
mod tests;
