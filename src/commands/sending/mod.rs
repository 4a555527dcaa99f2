//! The open outbox, the destination and the redactors, which all sending commands use.

mod drain;
mod run_log;

use std::cell::OnceCell;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;

use super::WrongUse;
use super::user_settings::UserSettings;
use crate::config::{Config, Routes, RoutesError};
use crate::consent::{Trust, Unconfirmed};
use crate::host::Host;
use crate::inbox::{self, Route};
use crate::outbox::{Destination, Endings, LeftOut, Load, Outbox};
use crate::pipeline::{self, KnownEvents, Pipeline, Read, Redactors, Stored};
use crate::posthog::Recording;
use crate::redact::{RedactionKey, Redactor};
use crate::session::SessionState;
use crate::sources::SessionRef;
use crate::views::largest_event;
pub(super) use drain::{Effort, Pauses, To, held};
pub(super) use run_log::Report;

/// The resources for storing sessions and sending them.
pub(super) struct Sending<'a> {
    host: &'a Host,
    config: &'a Config,
    outbox: Outbox,
    redactors: Redactors,
    destination: Option<Destination>,
    trust: Trust,
    largest_event: usize,
    settings: UserSettings,
    /// Read on first use: few processes send events that came by a route.
    routes: OnceCell<Result<Routes, RoutesError>>,
}

impl<'a> Sending<'a> {
    /// Opens the outbox. Without an API key, waiting events can be sent, but new ones cannot be
    /// stored.
    pub(super) fn open(config: &'a Config, host: &'a Host) -> anyhow::Result<Self> {
        let settings = UserSettings::now(host);
        let directory = directory(config)?;
        let mut outbox = Outbox::open(directory)?;
        if let Some(bytes) = config.max_outbox_bytes {
            outbox = outbox.limited_to(bytes);
        }
        let key = RedactionKey::new(outbox.redaction_key());
        let destination = destination(config);
        let largest_event = largest_event(config, destination.as_ref(), Some(&outbox))?;
        Ok(Self {
            host,
            config,
            outbox,
            redactors: Redactors::open(&config.rules, key)?,
            destination,
            trust: Trust::of_user(host)?,
            largest_event,
            settings,
            routes: OnceCell::new(),
        })
    }

    /// The routes of `serve.toml`.
    pub(super) fn routes(&self) -> &Result<Routes, RoutesError> {
        let read = || Routes::read(self.host, self.config);
        self.routes.get_or_init(read)
    }

    pub(super) const fn host(&self) -> &Host {
        self.host
    }

    /// The user's own settings when this process began.
    pub(super) const fn settings(&self) -> &UserSettings {
        &self.settings
    }

    /// The route whose sessions it stores.
    pub(super) const fn route(&self) -> &Route {
        &self.config.route
    }

    /// The content to send, by the user's settings.
    pub(super) const fn recording(&self) -> Recording {
        self.config.events.recording
    }

    pub(super) const fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Notes about sessions whose end a hook began to process.
    pub(super) fn endings(&self) -> Endings {
        Endings::of(self.outbox.directory())
    }

    /// Sessions that ran while sending was off.
    pub(super) fn left_out(&self) -> LeftOut {
        LeftOut::of(self.outbox.directory())
    }

    pub(super) fn pipeline(&self) -> Pipeline<'_> {
        let pipeline = Pipeline::new(self.config, &self.redactors, self.largest_event);
        if inbox::is_there(self.outbox.directory()) {
            pipeline.with_routes(self.routes_to_here())
        } else {
            pipeline
        }
    }

    /// The routes of `serve.toml` with the project of the settings. Empty if the file cannot be
    /// used, which `doctor` reports.
    fn routes_to_here(&self) -> Vec<Route> {
        let routes = self.routes().iter().flat_map(Routes::iter);
        let here = routes.filter(|it| it.config.namespace.is_of_settings());
        here.map(|it| it.entry.route.clone()).collect()
    }

    /// Size of the outbox, and its limit.
    pub(super) fn load(&self) -> anyhow::Result<Load> {
        Ok(self.outbox.load(self.destination()?)?)
    }

    /// The confirmation that the destination of the settings still needs; `None` if it needs none.
    pub(super) fn missing(&self) -> Option<String> {
        let missing = self.trust.missing(self.destination.as_ref()?);
        missing.as_ref().map(Unconfirmed::to_string)
    }

    /// The destination that the settings name.
    pub(super) fn destination(&self) -> anyhow::Result<&Destination> {
        let destination = self.destination.as_ref();
        destination.context("POSTHOG_API_KEY or POSTHOG_HOST is missing")
    }

    /// The redactor for received data.
    pub(super) const fn redactor(&self) -> &Arc<Redactor> {
        self.redactors.usual()
    }

    /// Whether the settings name a destination.
    pub(super) const fn has_destination(&self) -> bool {
        self.destination.is_some()
    }

    /// Stores the new events of a received trace. Its transcript is not remembered: there are too
    /// many traces.
    pub(super) fn store_received(
        &self,
        pipeline: &Pipeline<'_>,
        found: &SessionRef,
    ) -> anyhow::Result<Stored> {
        let state = Some(SessionState::Ended);
        pipeline.store(found, &self.outbox, self.destination()?, state, self.host)
    }

    /// Stores the new events of a session.
    pub(super) fn store(
        &self,
        pipeline: &Pipeline<'_>,
        found: &SessionRef,
        state: Option<SessionState>,
    ) -> anyhow::Result<Stored> {
        pipeline.store(found, &self.outbox, self.destination()?, state, self.host)
    }

    /// Stores a session whose first part was read. For `known` see [`Pipeline::store_read`].
    pub(super) fn store_read(
        &self,
        pipeline: &Pipeline<'_>,
        found: &SessionRef,
        read: Read,
        known: &mut KnownEvents,
    ) -> anyhow::Result<Stored> {
        let destination = self.destination()?;
        match pipeline.store_read(read, known, &self.outbox, destination, self.host) {
            Err(error) if pipeline::is_overtaken(&error) => self.store(pipeline, found, None),
            stored => stored,
        }
    }
}

/// The state directory.
pub(super) fn directory(config: &Config) -> Result<&Path, WrongUse> {
    config.state_dir.as_deref().ok_or_else(|| {
        WrongUse("there is no home directory; set POSTHOG_LLMA_STATE_DIR".to_owned())
    })
}

/// The destination that the settings name.
pub(super) fn destination(config: &Config) -> Option<Destination> {
    config.destination.complete()
}

/// The confirmations of the user, for adding one.
pub(super) fn own_trust(host: &Host) -> anyhow::Result<Trust> {
    let config = host.config.as_ref();
    let config = config.context("there is no home directory to remember it in")?;
    Ok(Trust::open(&config.join(env!("CARGO_PKG_NAME")))?)
}
