//! What happened between calls and their results, as far as times alone tell.

use chrono::{DateTime, TimeDelta, Utc};

use super::Permission;
use super::time::{Asks, NEGLIGIBLE, OwnTime, Sighting, ToolTime, Worked};

/// No person reads and answers a question faster.
const AT_ONCE: TimeDelta = TimeDelta::milliseconds(500);
/// By how much two clocks of one agent may differ.
const TOLERANCE: TimeDelta = TimeDelta::seconds(1);

/// The time from a call to its result.
#[derive(Clone, Debug)]
pub(super) struct Interval {
    called_at: DateTime<Utc>,
    /// When the tool began or a person was asked: not before this …
    pub(super) begins_after: DateTime<Utc>,
    /// … and not after this.
    pub(super) begins_by: DateTime<Utc>,
    /// When the result was there; `None` when there is none.
    pub(super) end: Option<DateTime<Utc>>,
    pub(super) asks: Asks,
    pub(super) permission: Option<Permission>,
    /// The tool's own part, as the agent measured it.
    pub(super) measured: Option<TimeDelta>,
    /// When the tool began, after any question.
    began_at: Option<DateTime<Utc>>,
    /// Whether an agent in the background made the call: what the main conversation records of its
    /// time says nothing of it.
    pub(super) is_background: bool,
}

/// A stretch of time of which the agent recorded how much of it was work.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    since: DateTime<Utc>,
    until: DateTime<Utc>,
    /// The rest of it.
    waited: TimeDelta,
}

/// The time of one call, and its part of a wait that is only known for several calls together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Time {
    pub(super) of_call: ToolTime,
    pub(super) shared_wait: TimeDelta,
}

/// Calls, each with what is known of its time.
#[derive(Debug)]
pub(super) struct Calls(Vec<(Interval, Time)>);

impl Interval {
    /// A call without a result.
    pub(super) const fn at(called_at: DateTime<Utc>) -> Self {
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
        }
    }

    /// Takes notice of lines between the call and its result.
    pub(super) fn see(&mut self, sighting: &Sighting) {
        let (start, end) = (self.called_at, self.end);
        let within = |at: &DateTime<Utc>| *at >= start && end.is_some_and(|end| *at <= end);
        if let Some(at) = sighting.waiting_at.filter(within) {
            self.begins_after = self.begins_after.max(at);
            self.begins_by = self.begins_by.max(at);
        }
        self.began_at = sighting.began_at.filter(within);
    }

    fn length(&self) -> TimeDelta {
        self.end
            .map_or(TimeDelta::zero(), |end| end - self.begins_after)
    }

    /// Whether it is known when the tool began or a person was asked.
    fn has_beginning(&self) -> bool {
        self.begins_by - self.begins_after <= NEGLIGIBLE
    }

    /// The tool's own part, where it is recorded.
    fn recorded(&self) -> Option<OwnTime> {
        let began = self.began_at.zip(self.end);
        let since = began.map(|(began, end)| OwnTime::Interval(end - began));
        self.measured.map(OwnTime::Measured).or(since)
    }

    /// What is left of the interval for waiting at most.
    fn room(&self) -> TimeDelta {
        let own = match self.recorded() {
            Some(OwnTime::Measured(time) | OwnTime::Interval(time)) => time,
            _ => TimeDelta::zero(),
        };
        (self.length() - own).max(TimeDelta::zero())
    }

    /// Whether a person may have been asked in it; where the agent recorded that, it is so.
    fn may_have_asked(&self) -> bool {
        let may = match self.permission {
            Some(Permission::Granted) => true,
            Some(Permission::Rule | Permission::Refused) => false,
            None => self.asks == Asks::Perhaps,
        };
        may && self.end.is_some() && self.room() > AT_ONCE
    }

    /// Whether all of it was waiting for a person.
    fn is_question(&self) -> bool {
        match self.permission {
            Some(Permission::Refused) => true,
            Some(Permission::Rule) => false,
            Some(Permission::Granted) | None => self.asks == Asks::Always,
        }
    }

    /// What the call alone tells.
    fn time(&self) -> ToolTime {
        if self.end.is_none() {
            return ToolTime::default();
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

    /// The own time of a tool of which it is known that nobody was asked.
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

    /// Whether what is recorded of it says something of this interval.
    fn holds(&self, interval: &Interval) -> bool {
        let ends = |end| end <= self.until + TOLERANCE;
        !interval.is_background
            && interval.called_at >= self.since
            && interval.end.is_some_and(ends)
    }

    /// How much of it lies in intervals that were waiting and nothing else.
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

    /// Uses what is recorded of a stretch: how long it was waited in all.
    pub(super) fn narrow(&mut self, stretch: &Stretch) {
        if stretch.waited < -TOLERANCE {
            // More work than time: it is that of something else too.
            return;
        }
        let inside = self.0.iter_mut().filter(|(it, _)| stretch.touches(it));
        let mut inside: Vec<_> = inside.collect();
        let asked = stretch.asked(inside.iter().map(|(it, _)| it));
        let rest = (stretch.waited - asked).max(TimeDelta::zero());
        inside.retain(|(it, _)| it.may_have_asked());
        let rooms = inside.iter().map(|(it, _)| it.room());
        let room = rooms.fold(TimeDelta::zero(), |sum, room| sum + room);
        let mut shared = rest;
        inside.retain(|(it, _)| stretch.holds(it));
        for (interval, time) in &mut inside {
            let others = room - interval.room();
            interval.narrow(time, rest, others);
            shared -= time.of_call.waited.unwrap_or_default();
        }
        for (_, time) in inside {
            if time.of_call.waited.is_none() {
                let mixed = time.of_call.mixed().unwrap_or_default();
                time.shared_wait = shared.clamp(TimeDelta::zero(), mixed);
                shared -= time.shared_wait;
            }
        }
    }

    /// The times, in the order of the calls.
    pub(super) fn times(self) -> Vec<Time> {
        self.0.into_iter().map(|(_, time)| time).collect()
    }
}

impl Interval {
    /// Uses that it was waited for `rest` in this interval and in others, which have room for
    /// `others` of it.
    fn narrow(&self, time: &mut Time, rest: TimeDelta, others: TimeDelta) {
        if time.of_call.waited.is_some() || !self.has_beginning() {
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
mod tests {
    use super::*;

    fn at(seconds: f64) -> DateTime<Utc> {
        DateTime::default() + time(seconds)
    }

    #[expect(clippy::cast_possible_truncation, reason = "seconds of these tests")]
    fn time(seconds: f64) -> TimeDelta {
        TimeDelta::milliseconds((seconds * 1000.0) as i64)
    }

    /// A call that was made at the first and returned at the second time.
    fn call(from: f64, to: f64) -> Interval {
        let mut interval = Interval::at(at(from));
        interval.end = Some(at(to));
        interval
    }

    fn asked(asks: Asks, interval: Interval) -> Interval {
        Interval { asks, ..interval }
    }

    fn decided(permission: Permission, interval: Interval) -> Interval {
        Interval {
            permission: Some(permission),
            ..interval
        }
    }

    fn measured(seconds: f64, interval: Interval) -> Interval {
        Interval {
            measured: Some(time(seconds)),
            ..interval
        }
    }

    fn began(seconds: f64, mut interval: Interval) -> Interval {
        interval.see(&Sighting {
            waiting_at: None,
            began_at: Some(at(seconds)),
        });
        interval
    }

    /// Behind a call of which it is not known whether it ran beside this one.
    fn behind(seconds: f64, interval: Interval) -> Interval {
        Interval {
            begins_by: at(seconds),
            ..interval
        }
    }

    /// A time as `own`, `mixed` and `waited` in seconds.
    fn shown(time: ToolTime) -> [Option<f64>; 3] {
        #[expect(clippy::cast_precision_loss, reason = "seconds of these tests")]
        let seconds = |time: TimeDelta| time.num_milliseconds() as f64 / 1000.0;
        [time.latency(), time.mixed(), time.waited].map(|time| time.map(seconds))
    }

    #[test]
    fn a_tool_has_the_time_in_which_nothing_else_can_have_happened() {
        use Asks::{Always, Never};
        use Permission::{Granted, Refused, Rule};
        for (name, interval, expected) in [
            ("no result", Interval::at(at(0.0)), [None, None, None]),
            ("short", call(0.0, 1.9), [Some(1.9), None, None]),
            ("long", call(0.0, 2.1), [None, Some(2.1), None]),
            (
                "never asks",
                asked(Never, call(0.0, 90.0)),
                [Some(90.0), None, None],
            ),
            (
                "by rule",
                decided(Rule, call(0.0, 90.0)),
                [Some(90.0), None, Some(0.0)],
            ),
            (
                "granted",
                decided(Granted, call(0.0, 7.0)),
                [None, Some(7.0), None],
            ),
            (
                "granted at once",
                decided(Granted, call(0.0, 1.0)),
                [None, Some(1.0), None],
            ),
            (
                "refused",
                decided(Refused, call(0.0, 7.0)),
                [Some(0.0), None, Some(7.0)],
            ),
            (
                "a question",
                asked(Always, call(0.0, 7.0)),
                [Some(0.0), None, Some(7.0)],
            ),
            (
                "a question that nobody was asked",
                decided(Rule, asked(Always, call(0.0, 0.1))),
                [Some(0.1), None, Some(0.0)],
            ),
            (
                "measured",
                measured(3.0, call(0.0, 90.0)),
                [Some(3.0), None, None],
            ),
            (
                "measured and granted",
                decided(Granted, measured(3.0, call(0.0, 90.0))),
                [Some(3.0), None, Some(87.0)],
            ),
            (
                "measured, by rule",
                decided(Rule, measured(3.0, call(0.0, 90.0))),
                [Some(3.0), None, Some(0.0)],
            ),
            (
                "seen to begin",
                began(60.0, call(0.0, 90.0)),
                [Some(30.0), None, None],
            ),
            (
                "seen to begin before it was called",
                began(-5.0, call(0.0, 90.0)),
                [None, Some(90.0), None],
            ),
            (
                "behind another call, perhaps",
                behind(60.0, asked(Never, call(0.0, 90.0))),
                [None, Some(90.0), None],
            ),
        ] {
            assert_eq!(shown(interval.time()), expected, "{name}");
        }
    }

    /// The times of calls in a stretch from 0 to 100 s, of which so many seconds were waiting.
    fn in_stretch(waited: f64, intervals: &[Interval]) -> (Vec<[Option<f64>; 3]>, f64) {
        let mut calls = Calls::of(intervals.to_vec());
        calls.narrow(&Stretch::of(&Worked {
            since: at(0.0),
            until: at(100.0),
            worked: time(100.0 - waited),
        }));
        let times = calls.times();
        let shared = times.iter().map(|time| time.shared_wait);
        let shared = shared.fold(TimeDelta::zero(), |sum, wait| sum + wait);
        #[expect(clippy::cast_precision_loss, reason = "seconds of these tests")]
        let shared = shared.num_milliseconds() as f64 / 1000.0;
        let times = times.into_iter().map(|time| shown(time.of_call));
        (times.collect(), shared)
    }

    #[test]
    fn what_an_agent_recorded_of_its_work_tells_who_was_waited_for() {
        use Asks::{Always, Never};
        use Permission::{Granted, Refused};
        let [one, other] = [call(10.0, 50.0), call(60.0, 90.0)];
        let unknown = |seconds| [None, Some(seconds), None];
        for (name, waited, intervals, expected, shared) in [
            (
                "nobody",
                0.3,
                vec![one.clone()],
                vec![[Some(40.0), None, None]],
                0.0,
            ),
            (
                "for the only call that can have asked",
                30.0,
                vec![one.clone(), asked(Never, other.clone())],
                vec![[Some(10.0), None, Some(30.0)], [Some(30.0), None, None]],
                0.0,
            ),
            (
                "for one of two",
                30.0,
                vec![one.clone(), other.clone()],
                vec![unknown(40.0), unknown(30.0)],
                30.0,
            ),
            (
                "for two, nearly all of the time",
                69.0,
                vec![one.clone(), other.clone()],
                vec![[Some(1.0), None, Some(39.0)], [Some(1.0), None, Some(29.0)]],
                0.0,
            ),
            (
                "for a question, and nothing else",
                30.0,
                vec![one.clone(), asked(Always, other.clone())],
                vec![[Some(40.0), None, None], [Some(0.0), None, Some(30.0)]],
                0.0,
            ),
            (
                "for two questions at the same time",
                30.0,
                vec![
                    one.clone(),
                    asked(Always, other.clone()),
                    decided(Refused, other.clone()),
                ],
                vec![
                    [Some(40.0), None, None],
                    [Some(0.0), None, Some(30.0)],
                    [Some(0.0), None, Some(30.0)],
                ],
                0.0,
            ),
            (
                "for a call that was granted at once",
                1.0,
                vec![decided(Granted, one.clone())],
                vec![[Some(39.0), None, Some(1.0)]],
                0.0,
            ),
            (
                "for a tool whose time was measured",
                30.0,
                vec![measured(8.0, one.clone())],
                vec![[Some(8.0), None, Some(30.0)]],
                0.0,
            ),
            (
                "for something that no call shows",
                60.0,
                vec![one.clone()],
                vec![unknown(40.0)],
                40.0,
            ),
            (
                "less than nothing: it was not recorded of these calls",
                -5.0,
                vec![one.clone()],
                vec![unknown(40.0)],
                0.0,
            ),
            (
                "not in the background",
                0.0,
                vec![Interval {
                    is_background: true,
                    ..one.clone()
                }],
                vec![unknown(40.0)],
                0.0,
            ),
            (
                "perhaps in the background",
                30.0,
                vec![
                    one.clone(),
                    Interval {
                        is_background: true,
                        ..other.clone()
                    },
                ],
                vec![unknown(40.0), unknown(30.0)],
                30.0,
            ),
            (
                "not in what is partly outside",
                0.3,
                vec![call(-10.0, 50.0)],
                vec![unknown(60.0)],
                0.0,
            ),
        ] {
            assert_eq!(in_stretch(waited, &intervals), (expected, shared), "{name}");
        }
    }
}
