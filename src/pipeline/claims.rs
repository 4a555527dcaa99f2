//! Which events of a session are stored already, for itself or for another one.

use std::collections::HashSet;

use uuid::Uuid;

use super::Pipeline;
use crate::outbox::Outbox;
use crate::posthog::{self, Foreign};
use crate::session::Session;

impl Pipeline<'_> {
    /// Lets a session be what was stored of it, and returns the events that the outbox stored for
    /// another session. `key` is that of the session.
    pub(super) fn claim(
        &self,
        session: &mut Session,
        key: &str,
        outbox: &Outbox,
    ) -> anyhow::Result<Foreign> {
        self.resume(session, key, outbox)?;
        self.foreign(session, key, outbox)
    }

    /// Calls of a trace keep the identities with which they were stored. If something that was stored
    /// is not there any more, the totals of the trace would be too low, so they stay as they are.
    fn resume(&self, session: &mut Session, key: &str, outbox: &Outbox) -> anyhow::Result<()> {
        if session.whole.is_none() {
            return Ok(());
        }
        let stored = outbox.receipt(session.agent.as_str(), key)?.events;
        if stored == 0 {
            return Ok(());
        }
        let owners = self.owners(posthog::identities(session), outbox)?;
        let own = owners.into_iter().filter(|(_, owner)| owner == key);
        let own: HashSet<Uuid> = own.map(|(event, _)| event).collect();
        posthog::keep_identities(session, &|event| own.contains(&event));
        session.is_part = stored > own.len() as u64;
        Ok(())
    }

    /// The events of a session that the outbox stored for another session.
    fn foreign(&self, session: &Session, key: &str, outbox: &Outbox) -> anyhow::Result<Foreign> {
        let mut events = posthog::claims(session);
        events.extend(posthog::elsewhere(session));
        let owners = self.owners(events, outbox)?.into_iter();
        let foreign = owners.filter(|(_, owner)| owner != key);
        Ok(foreign.map(|(event, _)| event).collect())
    }

    /// Those of the events that are stored, with the keys of the sessions that own them.
    fn owners(&self, events: Vec<Uuid>, outbox: &Outbox) -> anyhow::Result<Vec<(Uuid, String)>> {
        let namespace = self.config.namespace;
        let owners = outbox.owners(events.iter().map(|it| namespace.id(*it)))?;
        let owned = events.into_iter().filter_map(|event| {
            let (_, owner) = owners.get(&namespace.id(event))?;
            Some((event, owner.clone()))
        });
        Ok(owned.collect())
    }
}
