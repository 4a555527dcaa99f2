//! The reading order of sessions, so that each call is counted once and for the right session.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use crate::commands::short;
use crate::pipeline;
use crate::session::Agent;
use crate::sources::{Reporter, SessionRef};
use crate::ui;

/// The sessions in reading order, without traces that report other sessions among them.
pub(in crate::commands) fn in_order(sessions: Vec<SessionRef>) -> Vec<SessionRef> {
    without_reports(oldest_first(sessions))
}

/// Removes traces in which coding agents report other sessions among these.
fn without_reports(sessions: Vec<SessionRef>) -> Vec<SessionRef> {
    let is_trace = |it: &SessionRef| it.agent == Agent::Otlp;
    if sessions.iter().all(is_trace) {
        return sessions;
    }
    let own = sessions.iter().filter(|it| !is_trace(it));
    let own: HashSet<(Agent, String)> = own.map(|it| (it.agent, it.session_id())).collect();
    let is_reported = |found: &SessionRef| {
        let (agents, sessions) = match found.reporter()? {
            Reporter::Agent { agent, session } => (vec![agent], Vec::from_iter(session)),
            Reporter::Gateway { sessions } => (Agent::ALL.to_vec(), sessions),
        };
        let mut agents = agents.into_iter();
        agents.find(|agent| {
            let mut sessions = sessions.iter();
            sessions.any(|it| own.contains(&(*agent, it.clone())))
        })
    };
    let mut kept = sessions;
    kept.retain(|found| {
        let reported = is_reported(found);
        if let Some(agent) = reported {
            let id = short(&found.id);
            let reason = pipeline::transcribed(agent);
            ui::say(format_args!("{id} is left alone: {reason}"));
        }
        reported.is_none()
    });
    kept
}

/// Sorts by start, since the original of a copied session must be read before the copy. Transcripts
/// come before traces, which may report the same calls with less.
fn oldest_first(sessions: Vec<SessionRef>) -> Vec<SessionRef> {
    let mut dated: Vec<(Option<DateTime<Utc>>, SessionRef)> = sessions
        .into_iter()
        .map(|session| (session.started_at(), session))
        .collect();
    dated.sort_by(|(a_start, a), (b_start, b)| {
        let [a_kind, b_kind] = [a, b].map(|it| it.agent == Agent::Otlp);
        (a_kind, a_start, a.modified, a.locator.path()).cmp(&(
            b_kind,
            b_start,
            b.modified,
            b.locator.path(),
        ))
    });
    let sessions: Vec<SessionRef> = dated.into_iter().map(|(_, session)| session).collect();
    largest_last(&sessions)
}

/// Sorts the transcripts of one session among their positions by size, since the last one that is
/// read provides the sums of the session.
fn largest_last(sessions: &[SessionRef]) -> Vec<SessionRef> {
    let mut places: HashMap<_, Vec<usize>> = HashMap::new();
    for (place, found) in sessions.iter().enumerate() {
        let session = (found.agent, found.session_key());
        places.entry(session).or_default().push(place);
    }
    let mut order: Vec<usize> = (0..sessions.len()).collect();
    for places in places.values().filter(|places| places.len() > 1) {
        let mut by_size = places.clone();
        by_size.sort_by_key(|place| sessions[*place].bytes);
        for (place, from) in places.iter().zip(by_size) {
            order[*place] = from;
        }
    }
    let in_order = order.into_iter().map(|place| sessions[place].clone());
    in_order.collect()
}
