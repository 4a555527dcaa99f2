//! Facts from the first lines of a transcript.

use std::path::Path;

use super::prompt;
use super::wire::Line;
use crate::sources::jsonl::{Lines, objects};

/// Facts about a session from the first lines of its transcript.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FirstFacts {
    pub(super) session: Option<String>,
    pub(super) timestamp: Option<String>,
    /// Whether it begins with the message of another agent.
    pub(super) is_teammate: bool,
}

pub(super) fn first_facts(path: &Path) -> Option<FirstFacts> {
    const ENOUGH_LINES: usize = 20;
    let mut lines = Lines::beginning(path).ok()?;
    let mut facts = FirstFacts::default();
    for _ in 0..ENOUGH_LINES {
        let Ok(Some(line)) = lines.next_line() else {
            break;
        };
        objects(&line.text(), |line: Line<'_>| {
            facts.session = facts
                .session
                .take()
                .or(line.session_id.map(|id| id.0.into_owned()));
            facts.timestamp = facts
                .timestamp
                .take()
                .or(line.timestamp.map(|at| at.0.into_owned()));
            let message = line.message.as_ref();
            facts.is_teammate |=
                message.is_some_and(|message| prompt::is_from_teammate(&message.content));
        });
        if facts.session.is_some() && facts.timestamp.is_some() {
            break;
        }
    }
    Some(facts)
}
