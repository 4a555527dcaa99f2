//! Ownership of events that several sessions hold: the session that began first owns them.
//!
//! The owners go from session to session through a chain of channels, each used once. A map behind a
//! lock would need a number for the place of each session, a wake-up for the next, and a rule for a
//! thread that fails; the chain gives all three, since a channel ends with its sender. Both
//! take about 11 µs a session (100,000 sessions of 40 events, two threads, optimised build).

use std::collections::HashMap;
use std::iter;
use std::mem;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};

use uuid::Uuid;

use crate::posthog::{self, Foreign};
use crate::session::Session;

/// The owners of events, over the sessions of one run.
type Owners = HashMap<Uuid, Arc<str>>;

/// The permission of a session to claim events. Sessions are read in parallel but claim in order:
/// each gets the owners from the previous session and passes them to the next, at the latest when
/// it is dropped.
pub(super) struct Permit {
    /// `None` once they were received.
    before: Option<Receiver<Owners>>,
    owners: Option<Owners>,
    after: Sender<Owners>,
}

/// The permissions of all sessions, in order.
pub(super) fn permits() -> impl Iterator<Item = Permit> {
    let (first, mut last) = mpsc::channel();
    // The next permission has the receiver.
    let _ = first.send(Owners::new());
    iter::repeat_with(move || {
        let (after, next) = mpsc::channel();
        Permit {
            before: Some(mem::replace(&mut last, next)),
            owners: None,
            after,
        }
    })
}

impl Permit {
    /// Waits for the previous session, then claims all events without an owner. Returns the events
    /// that other sessions own.
    pub(super) fn claim(&mut self, session: &Session) -> Foreign {
        let claims = posthog::claims(session);
        let id: Arc<str> = session.key.as_str().into();
        let mut foreign = Vec::new();
        if let Some(owners) = self.owners() {
            let elsewhere = posthog::elsewhere(session).into_iter();
            let is_other = |it: &Uuid| owners.get(it).is_some_and(|owner| *owner != id);
            foreign.extend(elsewhere.filter(is_other));
            for claim in claims {
                let owner = owners.entry(claim).or_insert_with(|| Arc::clone(&id));
                if *owner != id {
                    foreign.push(claim);
                }
            }
            for (event, alias) in posthog::aliases(session) {
                if owners.get(&event) == Some(&id) {
                    owners.entry(alias).or_insert_with(|| Arc::clone(&id));
                }
            }
        }
        foreign.into_iter().collect()
    }

    /// The owners from the previous session; `None` if its thread failed, which ends the run.
    fn owners(&mut self) -> Option<&mut Owners> {
        if let Some(before) = self.before.take() {
            self.owners = before.recv().ok();
        }
        self.owners.as_mut()
    }

    /// Passes the owners to the next session.
    pub(super) fn pass(&mut self) {
        self.owners();
        if let Some(owners) = self.owners.take() {
            // The last session has no receiver.
            let _ = self.after.send(owners);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.pass();
    }
}
