//! Which turns of a session are one trace.

use chrono::{DateTime, TimeDelta, Utc};

use crate::session::{Session, Turn};

/// What is one trace of a session (with session grouping): all of it, or what was done without a
/// long silence in between.
pub(super) struct SessionTrace<'a> {
    pub(super) id: &'a str,
    /// With their places in the session.
    pub(super) turns: Vec<(usize, &'a Turn)>,
}

impl<'a> SessionTrace<'a> {
    /// There is always one. It has the session's id, each later one that of its first turn.
    pub(super) fn split(
        session: &'a Session,
        turns: impl Iterator<Item = (usize, &'a Turn)>,
        window: Option<u32>,
    ) -> Vec<Self> {
        let window = window.map(|minutes| TimeDelta::minutes(minutes.into()));
        let mut traces = vec![Self {
            id: &session.key,
            turns: Vec::new(),
        }];
        let mut active_until: Option<DateTime<Utc>> = None;
        for (index, turn) in turns {
            let silence = active_until.map(|until| turn.started_at - until);
            if silence > window && window.is_some() {
                traces.push(Self {
                    id: &turn.id,
                    turns: Vec::new(),
                });
            }
            if let Some(trace) = traces.last_mut() {
                trace.turns.push((index, turn));
            }
            active_until = active_until.max(Some(turn.ended_at));
        }
        traces
    }

    pub(super) fn turns(&self) -> impl Iterator<Item = &'a Turn> {
        self.turns.iter().map(|(_, turn)| *turn)
    }
}
