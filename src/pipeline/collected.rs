//! A session, or a part of one, as it was read from its files.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use crate::consent::{ProjectPrivacy, Verdict};
use crate::outbox::Place;
use crate::paths;
use crate::posthog::Foreign;
use crate::session::{Generation, Recording, Session, SessionState};
use crate::sources::{Checkpoint, Reading, SessionRef, WorkTree};

/// A session, or a part of one, with the decisions about it.
#[derive(Debug)]
pub struct Collected {
    /// The session.
    pub session: Session,
    /// Whether it may still be written to.
    pub state: SessionState,
    /// Time of the last line of the whole session, also for a part.
    pub ended_at: DateTime<Utc>,
    /// Its events that another session owns.
    pub foreign: Foreign,
    /// The decision by the settings of the folders it worked in.
    pub(crate) verdict: Verdict,
    /// The folders that the whole session worked in, also for a part.
    pub(super) folders: Vec<String>,
    pub(super) found: SessionRef,
    pub(super) reading: Reading,
}

impl Collected {
    /// The checkpoint from which the next run continues, if its source keeps one.
    #[must_use]
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        self.reading.checkpoint(&self.session, &|it| self.owns(it))
    }

    /// The key of the session among those of its agent, by which the outbox knows it.
    #[must_use]
    pub fn key(&self) -> String {
        self.found.session_key()
    }

    /// Whether the lines show more usage than the agent's books, so that something was counted twice
    /// or should not have been counted.
    #[must_use]
    pub fn exceeds_books(&self) -> bool {
        self.session.reconcile(&|it| self.owns(it)).exceeded > 0
    }

    /// Whether a generation belongs to this session rather than to another one.
    #[must_use]
    pub fn owns(&self, generation: &Generation) -> bool {
        !self.foreign.has(self.session.agent, generation)
    }

    /// The linked work trees that the lines of the session mention.
    pub(super) fn work_trees(&self) -> Vec<WorkTree> {
        self.found.work_trees()
    }

    /// The facts that the user's later decisions about the session depend on.
    pub(super) fn place(&self) -> Place {
        // If a link is removed later, an exclusion behind it would not be found.
        let folders = self.folders.iter().map(Path::new);
        let spellings = folders.flat_map(paths::spellings);
        Place {
            transcript: self.found.locator.path(),
            folders: spellings
                .filter_map(|it| it.into_os_string().into_string().ok())
                .collect(),
            sessions: self.reading.named.clone(),
        }
    }

    /// Whether it begins at the start of the session.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.session.earlier.is_empty()
    }

    /// Whether the session has no prompt yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let session = &self.session;
        session.turns.is_empty() && session.earlier.is_empty() && !self.is_part()
    }

    /// Whether more of the session follows.
    #[must_use]
    pub const fn is_part(&self) -> bool {
        self.reading.is_part
    }

    /// Subagent transcripts that could not be read, with the reason.
    #[must_use]
    pub fn unreadable(&self) -> &[(PathBuf, String)] {
        &self.reading.unreadable
    }

    /// Transcripts of other sessions whose lines are repeated in this one. The repeated lines are
    /// left out here.
    #[must_use]
    pub fn others(&self) -> &[PathBuf] {
        &self.reading.others
    }

    /// The reason to leave the session alone: the settings of a folder that it worked in.
    #[must_use]
    pub fn opted_out(&self) -> Option<&str> {
        match &self.verdict {
            Verdict::LeftAlone(reason) | Verdict::Unclear(reason) => Some(reason),
            Verdict::Permitted(_) => None,
        }
    }

    /// Whether the settings of its folders certainly forbid sending it.
    pub(super) const fn is_left_alone(&self) -> bool {
        matches!(self.verdict, Verdict::LeftAlone(_))
    }

    /// The privacy that its folders ask for: no content if the session is to be left alone.
    pub(crate) fn privacy(&self) -> ProjectPrivacy {
        match &self.verdict {
            Verdict::Permitted(privacy) => privacy.clone(),
            Verdict::LeftAlone(_) | Verdict::Unclear(_) => ProjectPrivacy {
                recording: Recording::Nothing,
                rules: Vec::new(),
            },
        }
    }
}
