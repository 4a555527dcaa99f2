//! Which session owns an event that several hold: the one that began first.

use std::collections::HashMap;
use std::iter;
use std::mem;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};

use uuid::Uuid;

use crate::posthog::{self, Foreign};
use crate::session::Session;

/// Who owns what, over the sessions of one run.
type Owners = HashMap<Uuid, Arc<str>>;

/// A session's turn to claim. Sessions are read side by side, but claim one after the other: each
/// gets the owners from the one before and hands them to the next, at the latest when it is
/// dropped.
pub(super) struct Turn {
    /// `None` when they came.
    before: Option<Receiver<Owners>>,
    owners: Option<Owners>,
    after: Sender<Owners>,
}

/// The turns of all sessions, in order.
pub(super) fn turns() -> impl Iterator<Item = Turn> {
    let (first, mut last) = mpsc::channel();
    // Its receiver is in the next line's hands.
    let _ = first.send(Owners::new());
    iter::repeat_with(move || {
        let (after, next) = mpsc::channel();
        Turn {
            before: Some(mem::replace(&mut last, next)),
            owners: None,
            after,
        }
    })
}

impl Turn {
    /// Waits for the turn and claims for a session what nobody owns yet; the answer is what others
    /// own.
    pub(super) fn claim(&mut self, session: &Session) -> Foreign {
        let claims = posthog::claims(session);
        let id: Arc<str> = session.key.as_str().into();
        let mut foreign = Vec::new();
        if let Some(owners) = self.owners() {
            for claim in claims {
                let owner = owners.entry(claim).or_insert_with(|| Arc::clone(&id));
                if *owner != id {
                    foreign.push(claim);
                }
            }
        }
        foreign.into_iter().collect()
    }

    /// The owners from the session before; `None` when its thread failed, which ends the whole run.
    fn owners(&mut self) -> Option<&mut Owners> {
        if let Some(before) = self.before.take() {
            self.owners = before.recv().ok();
        }
        self.owners.as_mut()
    }

    /// Hands the owners to the next session.
    pub(super) fn pass(&mut self) {
        self.owners();
        if let Some(owners) = self.owners.take() {
            // The last one hands it to nobody.
            let _ = self.after.send(owners);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.pass();
    }
}
