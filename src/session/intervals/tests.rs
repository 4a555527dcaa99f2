use super::*;

fn at(seconds: f64) -> DateTime<Utc> {
    DateTime::default() + time(seconds)
}

#[expect(clippy::cast_possible_truncation, reason = "seconds of these tests")]
fn time(seconds: f64) -> TimeDelta {
    TimeDelta::milliseconds((seconds * 1000.0) as i64)
}

/// A call made at second `from` with a result at second `to`.
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

/// An interval after another call, of which it is unknown whether it ran in parallel.
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
fn a_call_without_records_has_the_time_in_which_nothing_else_can_have_happened() {
    use Asks::{Always, Never};
    use Permission::{Granted, Refused, Rule};
    let long = call(0.0, 90.0);
    for (name, interval, expected) in [
        ("no result", Interval::at(at(0.0)), [None, None, None]),
        ("short", call(0.0, 1.9), [Some(1.9), None, None]),
        ("long", call(0.0, 2.1), [None, Some(2.1), None]),
        ("never asks", asked(Never, long), [Some(90.0), None, None]),
        ("rule", decided(Rule, long), [Some(90.0), None, Some(0.0)]),
        ("granted", decided(Granted, long), [None, Some(90.0), None]),
        (
            "granted at once",
            decided(Granted, call(0.0, 1.0)),
            [None, Some(1.0), None],
        ),
        (
            "refused",
            decided(Refused, long),
            [Some(0.0), None, Some(90.0)],
        ),
        (
            "a question",
            asked(Always, long),
            [Some(0.0), None, Some(90.0)],
        ),
        (
            "a question that a rule answered",
            decided(Rule, asked(Always, call(0.0, 0.1))),
            [Some(0.1), None, Some(0.0)],
        ),
    ] {
        assert_eq!(shown(interval.time()), expected, "{name}");
    }
}

#[test]
fn a_measured_time_or_a_recorded_beginning_is_the_time_of_the_tool() {
    use Permission::{Granted, Rule};
    let long = call(0.0, 90.0);
    let three = measured(3.0, long);
    for (name, interval, expected) in [
        ("measured", three, [Some(3.0), None, None]),
        (
            "measured and granted",
            decided(Granted, three),
            [Some(3.0), None, Some(87.0)],
        ),
        (
            "measured, by rule",
            decided(Rule, three),
            [Some(3.0), None, Some(0.0)],
        ),
        ("began", began(60.0, long), [Some(30.0), None, None]),
        (
            "began before it was called",
            began(-5.0, long),
            [None, Some(90.0), None],
        ),
        (
            "after another call, perhaps",
            behind(60.0, asked(Asks::Never, long)),
            [None, Some(90.0), None],
        ),
    ] {
        assert_eq!(shown(interval.time()), expected, "{name}");
    }
}

/// The times of calls in a stretch from 0 to 100 s with `waited` seconds of waiting.
fn in_stretch(waited: f64, intervals: &[Interval]) -> (Vec<[Option<f64>; 3]>, f64) {
    let mut calls = Calls::of(intervals.to_vec());
    calls.narrow(vec![Stretch::of(&Worked {
        since: at(0.0),
        until: at(100.0),
        worked: time(100.0 - waited),
    })]);
    let times = calls.times(None);
    let shared = times.iter().map(|time| time.shared_wait);
    let shared = shared.fold(TimeDelta::zero(), |sum, wait| sum + wait);
    #[expect(clippy::cast_precision_loss, reason = "seconds of these tests")]
    let shared = shared.num_milliseconds() as f64 / 1000.0;
    let times = times.into_iter().map(|time| shown(time.of_call));
    (times.collect(), shared)
}

/// A time known only for several calls together, in seconds.
const fn unknown(seconds: f64) -> [Option<f64>; 3] {
    [None, Some(seconds), None]
}

#[test]
fn recorded_working_time_determines_the_waiting_time() {
    use Asks::{Always, Never};
    use Permission::{Granted, Refused};
    let [one, other] = [call(10.0, 50.0), call(60.0, 90.0)];
    let question = asked(Always, other);
    let of_question = [Some(0.0), None, Some(30.0)];
    for (name, waited, intervals, expected) in [
        ("nobody", 0.3, vec![one], vec![[Some(40.0), None, None]]),
        (
            "for the only call that can have asked",
            30.0,
            vec![one, asked(Never, other)],
            vec![[Some(10.0), None, Some(30.0)], [Some(30.0), None, None]],
        ),
        (
            "for two, nearly all of the time",
            69.0,
            vec![one, other],
            vec![[Some(1.0), None, Some(39.0)], [Some(1.0), None, Some(29.0)]],
        ),
        (
            "for a question, and nothing else",
            30.0,
            vec![one, question],
            vec![[Some(40.0), None, None], of_question],
        ),
        (
            "for two questions at the same time",
            30.0,
            vec![one, question, decided(Refused, other)],
            vec![[Some(40.0), None, None], of_question, of_question],
        ),
        (
            "for a call that was granted at once",
            1.0,
            vec![decided(Granted, one)],
            vec![[Some(39.0), None, Some(1.0)]],
        ),
        (
            "for a tool whose time was measured",
            30.0,
            vec![measured(8.0, one)],
            vec![[Some(8.0), None, Some(30.0)]],
        ),
    ] {
        assert_eq!(in_stretch(waited, &intervals), (expected, 0.0), "{name}");
    }
}

#[test]
fn times_that_cannot_be_separated_are_mixed() {
    let [one, other] = [call(10.0, 50.0), call(60.0, 90.0)];
    let in_background = |interval| Interval {
        is_background: true,
        ..interval
    };
    for (name, waited, intervals, expected, shared) in [
        (
            "one of two was asked for",
            30.0,
            vec![one, other],
            vec![unknown(40.0), unknown(30.0)],
            30.0,
        ),
        (
            "the wait was for something that no call shows",
            60.0,
            vec![one],
            vec![unknown(40.0)],
            40.0,
        ),
        (
            "more work than time: it was not recorded of these calls",
            -5.0,
            vec![one],
            vec![unknown(40.0)],
            0.0,
        ),
        (
            "nothing is recorded of agents in the background",
            0.0,
            vec![in_background(one)],
            vec![unknown(40.0)],
            0.0,
        ),
        (
            "an agent in the background may have asked",
            30.0,
            vec![one, in_background(other)],
            vec![unknown(40.0), unknown(30.0)],
            30.0,
        ),
        (
            "it began before what is recorded",
            0.3,
            vec![call(-10.0, 50.0)],
            vec![unknown(60.0)],
            0.0,
        ),
    ] {
        assert_eq!(in_stretch(waited, &intervals), (expected, shared), "{name}");
    }
}

#[test]
fn each_stretch_applies_to_the_calls_in_it() {
    let of = |since: f64, until: f64, waited: f64| {
        Stretch::of(&Worked {
            since: at(since),
            until: at(until),
            worked: time(until - since - waited),
        })
    };
    // Calls in an order other than that of their times.
    let mut calls = Calls::of(vec![
        call(210.0, 250.0),
        call(10.0, 50.0),
        call(110.0, 150.0),
    ]);
    calls.narrow(vec![of(200.0, 300.0, 30.0), of(0.0, 100.0, 0.0)]);
    let times = calls.times(Some(at(100.0)));
    let shown: Vec<_> = times.iter().map(|time| shown(time.of_call)).collect();
    let expected = [
        [Some(10.0), None, Some(30.0)],
        [Some(40.0), None, None],
        unknown(40.0),
    ];
    assert_eq!(shown, expected);
    let open = times.iter().map(|time| time.of_call.is_open);
    assert_eq!(open.collect::<Vec<_>>(), [false, false, true]);
}
