//! The circumstances of each line.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::kinds;
use super::wire::Line;
use crate::session::Circumstances;
use crate::sources::lenient::Text;

/// Settings that apply from a line on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Standing {
    /// The permission mode.
    permission_mode: Option<String>,
    /// The persona that the user chose (`claude --agent`).
    persona: Option<String>,
    /// The folder that the session was moved to (`/cd`).
    folder: Option<String>,
}

/// The current circumstances.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    pub(super) standing: Standing,
    current: Arc<Circumstances>,
}

impl Surroundings {
    pub(super) fn new(standing: Standing) -> Self {
        Self {
            standing,
            current: Arc::default(),
        }
    }

    /// The circumstances of the last line of the conversation.
    pub(super) const fn current(&self) -> &Arc<Circumstances> {
        &self.current
    }

    /// Begins the file of a subagent. It does not state the permission mode, which is that of the
    /// call that started the agent.
    pub(super) fn begin_agent(&mut self) {
        self.standing = Standing::default();
    }

    pub(super) fn note_permission_mode(&mut self, line: &Line<'_>) {
        if let Some(mode) = &line.permission_mode {
            self.standing.permission_mode = Some(mode.as_str().to_owned());
        }
    }

    /// Processes an `agent-setting` line.
    pub(super) fn note_persona(&mut self, line: &Line<'_>) {
        self.standing.persona = owned(line.agent_setting.as_ref());
    }

    /// Processes a `relocated` line.
    pub(super) fn note_folder(&mut self, line: &Line<'_>) {
        self.standing.folder = owned(line.relocated_cwd.as_ref());
    }

    /// Processes a line of the conversation. Lines with equal circumstances, as nearly all have,
    /// share one value.
    pub(super) fn note(&mut self, line: &Line<'_>) {
        let known = &self.current;
        let branch = line
            .git_branch
            .as_ref()
            .filter(|branch| is_branch(branch.as_str()));
        let cwd = line.cwd.as_ref().map(Text::as_str);
        let cwd = cwd.or(self.standing.folder.as_deref());
        if known.cwd.as_deref() == cwd
            && is_same(known.git_branch.as_ref(), branch)
            && is_same(known.agent_version.as_ref(), line.version.as_ref())
            && is_same(known.entrypoint.as_ref(), line.entrypoint.as_ref())
            && known.permission_mode == self.standing.permission_mode
            && known.persona == self.standing.persona
        {
            return;
        }
        self.current = Arc::new(Circumstances {
            cwd: cwd.map(str::to_owned),
            git_branch: owned(branch),
            agent_version: owned(line.version.as_ref()),
            entrypoint: owned(line.entrypoint.as_ref()),
            permission_mode: self.standing.permission_mode.clone(),
            asks_nobody: kinds::asks_nobody(
                self.standing.permission_mode.as_deref(),
                line.entrypoint.as_ref().map(Text::as_str),
            ),
            persona: self.standing.persona.clone(),
            origin: None,
        });
    }
}

fn is_same(known: Option<&String>, said: Option<&Text<'_>>) -> bool {
    known.map(String::as_str) == said.map(Text::as_str)
}

/// An owned copy of a text; an empty one counts as missing.
fn owned(text: Option<&Text<'_>>) -> Option<String> {
    let text = text.map(Text::as_str);
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Whether a name is a branch. `HEAD` is a detached head, and an empty name means no repository.
fn is_branch(name: &str) -> bool {
    !name.is_empty() && name != "HEAD"
}
