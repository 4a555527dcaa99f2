//! Messages of subagents in `progress` lines.
//!
//! Versions 2.1.14 to 2.1.63 wrote every message of a subagent twice: into its own file, and with
//! `data` of a `progress` line into the transcript of the session. Where the file is missing, as in
//! sessions that were copied without their folder, these lines alone record answers that were paid
//! for. The file is the better source: it alone has the last answer of a subagent.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::kinds::LineKind;
use super::paths::SessionFiles;
use super::wire::Line;
use crate::sources::lenient::{Text, known, payload};

/// `data` of a `progress` line about a subagent.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Progress<'a> {
    #[serde(borrow, default, deserialize_with = "known")]
    agent_id: Option<Text<'a>>,
    /// A line of the subagent, without the fields that it has in common with the `progress` line.
    #[serde(borrow, default)]
    message: Option<&'a RawValue>,
}

/// Subagents named by `progress` lines, and the facts read about each so far.
#[derive(Debug)]
pub(super) struct ReportedAgents {
    /// Ids of subagents with a file of their own.
    with_file: HashSet<String>,
    /// Id of the last message of each subagent without a file of its own.
    last_message: HashMap<String, Option<String>>,
}

/// A message of a subagent in a `progress` line.
pub(super) struct Reported<'a> {
    /// Id of the subagent.
    pub(super) agent: String,
    /// Whether it is its first message.
    pub(super) is_first: bool,
    pub(super) message: Line<'a>,
}

impl ReportedAgents {
    pub(super) fn of(files: &SessionFiles) -> Self {
        let ids = files.agents.iter().map(|agent| agent.id.clone());
        Self {
            with_file: ids.collect(),
            last_message: HashMap::new(),
        }
    }

    /// The message in a `progress` line of the main transcript, as a line of the subagent that it
    /// names; `None` for other progress, and for subagents with a file of their own.
    pub(super) fn message<'a>(&mut self, line: &Line<'a>) -> Option<Reported<'a>> {
        let progress: Progress<'a> = payload(line.data)?;
        let agent = progress.agent_id?.0.into_owned();
        if self.with_file.contains(&agent) {
            return None;
        }
        let mut message: Line<'a> = payload(progress.message)?;
        if !matches!(message.kind, LineKind::User | LineKind::Assistant) {
            return None;
        }
        complete(&mut message, line, &agent);
        let id = message.uuid.as_ref().map(|id| id.as_str().to_owned());
        let before = self.last_message.insert(agent.clone(), id);
        let is_first = before.is_none();
        let before = before.flatten().map(|id| Text(id.into()));
        message.parent_uuid = message.parent_uuid.or(before);
        Some(Reported {
            agent,
            is_first,
            message,
        })
    }
}

/// Adds the fields that only the `progress` line around a message has.
fn complete<'a>(message: &mut Line<'a>, around: &Line<'a>, agent: &str) {
    let copy = |own: &mut Option<Text<'a>>, outer: &Option<Text<'a>>| {
        *own = own.take().or_else(|| outer.clone());
    };
    copy(&mut message.timestamp, &around.timestamp);
    copy(&mut message.session_id, &around.session_id);
    copy(&mut message.cwd, &around.cwd);
    copy(&mut message.git_branch, &around.git_branch);
    copy(&mut message.version, &around.version);
    copy(&mut message.entrypoint, &around.entrypoint);
    message.is_sidechain = Some(true);
    message.agent_id = Some(Text(agent.to_owned().into()));
}
