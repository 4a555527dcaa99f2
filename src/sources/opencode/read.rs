//! Reads a session.

use std::io;

use anyhow::Context;

use super::archive::Address;
use super::content::moment;
use super::conversation::Conversation;
use crate::session::{Agent, Circumstances, Earlier, Lineage, Session, Timing, Wanted};
use crate::sources::turns::Turns;

/// Beginnings of the titles of sessions without messages.
const UNTITLED: [&str; 2] = ["New session - ", "Child session - "];

/// Reads a session with its subagents; `None` when it does not exist or has no time. `wanted` says
/// which content to keep.
///
/// # Errors
/// When the database or a file cannot be read.
pub(super) fn read(address: &Address, wanted: Wanted) -> anyhow::Result<Option<Session>> {
    let session = session(address, wanted);
    session.with_context(|| format!("cannot read {}", address.path.display()))
}

fn session(address: &Address, wanted: Wanted) -> io::Result<Option<Session>> {
    let archive = address.open()?;
    let Some(info) = archive.info(&address.id)? else {
        return Ok(None);
    };
    let Some(started_at) = moment(info.time.created) else {
        return Ok(None);
    };
    let conversation = Conversation::read(&archive, &info, wanted)?;
    let circumstances = Circumstances {
        cwd: info.directory.clone(),
        agent_version: info.version.clone(),
        persona: info.agent.clone(),
        ..Circumstances::default()
    };
    let began = Some(conversation.began);
    let mut turns = Turns::new(&address.id, &circumstances.into(), began);
    for prompt in conversation.prompts {
        turns.prompt(Some(prompt.id), prompt.text, prompt.at);
        turns.under(prompt.circumstances);
    }
    for call in conversation.calls {
        turns.generation(call.prompt, call.generation);
    }
    for (prompt, agent) in conversation.stray {
        turns.stray(prompt, agent);
    }
    for (prompt, incidents) in conversation.incidents {
        turns.incidents(prompt, &incidents);
    }
    let title = info.title.filter(|title| {
        let is_untitled = UNTITLED.iter().any(|words| title.starts_with(words));
        !title.is_empty() && !is_untitled
    });
    Ok(Some(Session {
        agent: Agent::OpenCode,
        id: address.id.clone(),
        key: address.id.clone(),
        started_at,
        ended_at: conversation.ended_at,
        timing: Timing::Known,
        is_closed: false,
        is_cut_off: false,
        title,
        whole: None,
        lineage: Lineage::default(),
        turns: turns.finish(),
        statements: Vec::new(),
        earlier: Earlier::default(),
        is_part: false,
        oddities: conversation.oddities,
    }))
}
