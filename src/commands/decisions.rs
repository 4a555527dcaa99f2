//! The user's newest decision about a session with waiting events: files and settings that exclude
//! it, and privacy settings. The sender itself withdraws paused and forgotten sessions.

use super::sending::{self, Sending};
use crate::consent::Verdict;
use crate::deliver::{self, Decision, HostClock};
use crate::outbox::{Cause, Exclusion, Place, StoredSession};
use crate::session::{Agent, Recording};
use crate::sources::{self, SessionRef};

impl Sending<'_> {
    /// The decision by the settings of the folders that the session worked in, and by the settings
    /// of this process, whatever the destination of the events.
    pub(super) fn decision(&self, session: &StoredSession) -> Decision {
        match self.excluded_by_name(session) {
            Ok(Some(exclusion)) if exclusion.cause == Cause::Forgotten => {
                return Decision::Withdrawn;
            }
            Ok(Some(exclusion)) => return Decision::Held(self.recording(), exclusion.reason()),
            Ok(None) => {}
            Err(error) => return Decision::Held(Recording::Nothing, error.to_string()),
        }
        let Some(place) = session.place.clone().or_else(|| self.found(session)) else {
            let why = "an earlier version stored it, and its transcript is not there";
            return Decision::Held(self.recording(), why.to_owned());
        };
        let recording = match self.recording_of(session) {
            Ok(recording) => recording,
            Err(why) => return Decision::Held(Recording::Nothing, why),
        };
        let folders = place.folders.iter().map(String::as_str);
        match Verdict::of_stored(folders, &place.transcript, self.host()) {
            Verdict::LeftAlone(_) => Decision::Withdrawn,
            Verdict::Unclear(reason) => Decision::Held(recording, reason),
            Verdict::Permitted(privacy) => Decision::Sent(recording.and(privacy.recording)),
        }
    }

    /// The exclusion of a session that a trace names: a coding agent's, whose calls a gateway, an
    /// application or the agent itself reports. `None` if there is none.
    fn excluded_by_name(&self, session: &StoredSession) -> anyhow::Result<Option<Exclusion>> {
        match &session.place {
            Some(place) => Ok(self.outbox().exclusions().of_named(&place.sessions)?),
            None => Ok(None),
        }
    }

    /// The content to send of a session, by the present settings of its route; the error is the
    /// reason to keep its events waiting.
    fn recording_of(&self, session: &StoredSession) -> Result<Recording, String> {
        let route = sources::route_of_key(&session.agent, &session.id);
        let Some(route) = route.filter(|it| !it.is_main()) else {
            return Ok(self.recording());
        };
        let routes = self.routes().as_ref().map_err(ToString::to_string)?;
        let config = routes.config_of(&route);
        let config = config.ok_or_else(|| format!("serve.toml has no route {route} any more"))?;
        Ok(config.events.recording)
    }

    /// Applies the newest decisions to all waiting events, including those that cannot be sent now.
    /// Returns messages about sessions whose events wait until the user's decision is clear.
    ///
    /// # Errors
    /// When the outbox cannot be read or written.
    pub(super) fn follow_decisions(&self) -> anyhow::Result<Vec<String>> {
        let decide = |session: &StoredSession| self.decision(session);
        let held = deliver::follow(self.outbox(), &HostClock(self.host()), &decide)?;
        Ok(sending::held(&held).collect())
    }

    /// The place of a session, from the transcript on disk.
    fn found(&self, session: &StoredSession) -> Option<Place> {
        let mut agents = Agent::ALL.into_iter();
        let agent = agents.find(|it| it.as_str() == session.agent)?;
        let transcript = sources::locate(agent, &session.id, self.host())?;
        let folder = SessionRef::at(&transcript)?.glance().cwd;
        Some(Place {
            transcript,
            folders: Vec::from_iter(folder),
            sessions: Vec::new(),
        })
    }
}
