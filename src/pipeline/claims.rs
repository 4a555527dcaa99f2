//! The events of a session that are already stored, for it or for another session.

use std::collections::HashSet;

use uuid::Uuid;

use super::{Pipeline, delivered};
use crate::outbox::Outbox;
use crate::posthog::{self, Foreign, ids};
use crate::session::{Agent, Generation, Session};
use crate::sources;

impl Pipeline<'_> {
    /// Restores the stored identities of a session's calls, and returns the events that the outbox
    /// stored for another session. `key` is the session's own.
    pub(super) fn claim(
        &self,
        session: &mut Session,
        key: &str,
        outbox: &Outbox,
    ) -> anyhow::Result<Foreign> {
        self.resume(session, key, outbox)?;
        let delivered = self.join_delivered(session, outbox)?;
        let foreign = self.foreign(session, key, outbox)?;
        Ok(delivered.into_iter().chain(foreign).collect())
    }

    /// Adds the costs that OpenRouter delivered to a coding agent's calls. Returns the identities
    /// of calls whose deliveries were sent.
    fn join_delivered(
        &self,
        session: &mut Session,
        outbox: &Outbox,
    ) -> anyhow::Result<HashSet<Uuid>> {
        // Deliveries by other routes belong to other projects.
        if !self.config.namespace.is_of_settings() {
            return Ok(HashSet::new());
        }
        // A damaged inbox must not hold up sessions, so they are sent without these costs; `doctor`
        // reports the inbox.
        let delivered = sources::delivered(session, outbox.directory(), &self.routes);
        let delivered = delivered.unwrap_or_default();
        if delivered.is_empty() {
            return Ok(HashSet::new());
        }
        let calls = delivered.iter().map(|it| ids::call(Agent::Otlp, it));
        let owned = self.owners(calls.collect(), outbox)?.into_iter();
        let sent: HashSet<Uuid> = owned.map(|(event, _)| event).collect();
        let is_sent = |call: &Generation| sent.contains(&ids::call(Agent::Otlp, call));
        Ok(delivered::join(session, &delivered, &is_sent))
    }

    /// Restores the identities under which calls of a trace were stored. If a stored event is
    /// missing now, the totals of the trace would be too low, so the stored ones stay.
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
    fn foreign(&self, session: &Session, key: &str, outbox: &Outbox) -> anyhow::Result<Vec<Uuid>> {
        let mut events = posthog::claims(session);
        events.extend(posthog::elsewhere(session));
        let owners = self.owners(events, outbox)?.into_iter();
        let foreign = owners.filter(|(_, owner)| owner != key);
        Ok(foreign.map(|(event, _)| event).collect())
    }

    /// The stored events among these, each with the key of the session that owns it.
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
