//! Which events of a session are stored already, for itself or for another one.

use std::collections::HashSet;

use uuid::Uuid;

use super::{Pipeline, delivered};
use crate::outbox::Outbox;
use crate::posthog::{self, Foreign, ids};
use crate::session::{Agent, Generation, Session};
use crate::sources;

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
        let delivered = self.join_delivered(session, outbox)?;
        let foreign = self.foreign(session, key, outbox)?;
        Ok(delivered.into_iter().chain(foreign).collect())
    }

    /// Lets the calls of a coding agent have the costs that OpenRouter delivered. Returns those whose
    /// deliveries were sent.
    fn join_delivered(
        &self,
        session: &mut Session,
        outbox: &Outbox,
    ) -> anyhow::Result<HashSet<Uuid>> {
        // Deliveries by other routes belong to other projects.
        if !self.config.namespace.is_of_settings() {
            return Ok(HashSet::new());
        }
        // A damaged inbox must not hold up sessions, so they go without these costs; doctor tells of the
        // inbox.
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
    fn foreign(&self, session: &Session, key: &str, outbox: &Outbox) -> anyhow::Result<Vec<Uuid>> {
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
