//! The sessions of a command: those that changed while it ran.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::SystemTime;

use crate::commands::select::Filter;
use crate::host::Host;
use crate::session::Agent;
use crate::sources::{self, SessionRef};

/// Size and time of the sessions on this machine, at one moment.
pub(super) struct Sessions(HashMap<(PathBuf, String), (u64, SystemTime)>);

impl Sessions {
    pub(super) fn now(host: &Host) -> Self {
        let found = sources::all(host).found.into_iter();
        Self(found.map(|it| (name(&it), state(&it))).collect())
    }

    /// The sessions that are new or were written to since, and were started in the current folder
    /// or below: agents elsewhere do not belong to the command.
    pub(super) fn changed(&self, host: &Host) -> Vec<SessionRef> {
        let here = Filter::of_here(host);
        let found = sources::all(host).found.into_iter();
        found
            .filter(|it| it.agent != Agent::Otlp)
            .filter(|it| self.0.get(&name(it)) != Some(&state(it)))
            .filter(|it| here.passes(it))
            .collect()
    }
}

/// Path and id of a session, since a database contains many.
fn name(found: &SessionRef) -> (PathBuf, String) {
    (found.locator.path(), found.id.clone())
}

const fn state(found: &SessionRef) -> (u64, SystemTime) {
    (found.bytes, found.modified)
}
