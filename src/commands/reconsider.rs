//! Waiting events follow the user's newest decision, not the one under which they were stored.
//!
//! Paused and forgotten sessions are withdrawn by the sender itself. Here are the decisions that
//! stand in a session's folder: a file or a setting that excludes it, and privacy settings. What
//! PostHog has accepted stays there.

use super::in_words;
use super::sending::Sending;
use crate::consent::Verdict;
use crate::session::Agent;
use crate::sources::{self, SessionRef};

impl Sending<'_> {
    /// Looks again at the sessions of which events wait, apart from those that this process has
    /// stored. Withdraws the events of sessions that are excluded now. Events for the destination of
    /// the settings that have more content than is to be sent now are withdrawn and stored anew.
    ///
    /// Reads the beginning of each such transcript, and the settings of the folder that it names.
    /// Events of sessions without a transcript keep waiting.
    ///
    /// Returns the reasons why sessions could not be stored anew: they are stored when they are read
    /// again.
    ///
    /// # Errors
    /// When the outbox cannot be read or written. Then nothing may be sent.
    pub(super) fn reconsider(&self) -> anyhow::Result<Vec<String>> {
        let own = self.own_number()?;
        let mut warnings = Vec::new();
        for (agent, key, destination) in self.outbox().sessions_waiting()? {
            let agent = Agent::ALL.into_iter().find(|it| it.as_str() == agent);
            let Some(agent) = agent.filter(|agent| !self.has_stored(*agent, &key)) else {
                continue;
            };
            let path = sources::locate(agent, &key, self.host());
            if let Some(found) = path.and_then(|path| SessionRef::at(&path))
                && self.withdraws(&found, &key, own == Some(destination))?
            {
                let stored = self.store(&self.pipeline(), &found, None);
                warnings.extend(stored.err().map(|error| in_words(&error)));
            }
        }
        Ok(warnings)
    }

    /// Withdraws the events of a session that may not be sent any more. Returns whether they are to
    /// be stored anew. The privacy settings here apply to events for the destination of the settings
    /// alone: others are of another shell or project.
    fn withdraws(&self, found: &SessionRef, key: &str, is_own: bool) -> anyhow::Result<bool> {
        let (outbox, agent) = (self.outbox(), found.agent.as_str());
        let folder = found.glance().cwd;
        let stays = match Verdict::of(folder.as_deref(), &found.locator.path(), self.host()) {
            Verdict::LeftAlone(_) => false,
            Verdict::Permitted(_) if !is_own => true,
            Verdict::Permitted(privacy) => {
                let recording = self.recording().and(privacy.recording);
                outbox.allows(agent, key, recording)?
            }
        };
        if !stays {
            outbox.withdraw(agent, key, self.host().now())?;
        }
        Ok(!stays && is_own)
    }
}
