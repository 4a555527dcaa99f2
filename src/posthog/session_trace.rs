//! Divides the turns of a session into traces.

use chrono::{DateTime, TimeDelta, Utc};

use crate::session::{Session, Turn};

/// One trace of a session (with session grouping): the whole session, or the turns without a long
/// silence between them.
pub(super) struct SessionTrace<'a> {
    pub(super) id: &'a str,
    /// The turns, with their indices in the session.
    pub(super) turns: Vec<(usize, &'a Turn)>,
}

impl<'a> SessionTrace<'a> {
    /// Divides a session into at least one trace. The first has the session's id, each later one
    /// the id of its first turn.
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
