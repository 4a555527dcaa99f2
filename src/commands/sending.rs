//! The parts shared by all sending commands: the open outbox, the destination, the transport.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, Utc};

use super::user_settings::UserSettings;
use super::{WrongUse, short, words};
use crate::config::{Config, Routes, RoutesError};
use crate::consent::{Trust, Unconfirmed};
use crate::deliver::{self, Clock, Drained, HostClock, Policy, Reasons};
use crate::host::Host;
use crate::inbox::{self, Route};
use crate::outbox::{Destination, DestinationRecord, Endings, Load, Outbox, Run, RunKind};
use crate::pipeline::{self, KnownEvents, Pipeline, Read, Redactors, Stored};
use crate::posthog::{Recording, limits};
use crate::redact::{Counts, RedactionKey, Redactor};
use crate::session::SessionState;
use crate::sources::SessionRef;
use crate::transport::{Transport, TransportSettings};
use crate::ui;
use crate::views::largest_event;

/// Why a drain stopped.
const CHANGED: &str = "your settings were changed meanwhile; the rest is sent under the new ones, \
                       by the next session or posthog-llma flush";

/// Maximum time between a request to stop and the stop.
const NAP: Duration = Duration::from_millis(100);

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

/// Destinations, patience and pauses of a drain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Effort {
    /// The destinations to send to.
    pub(super) to: To,
    /// Time after which a failing destination is left for later.
    pub(super) patience: Duration,
    /// Time after which a destination is left for later that another process sends to, or whose
    /// pause has not ended.
    pub(super) admission_wait: Duration,
    /// Whether the pauses between tries are kept.
    pub(super) pauses: Pauses,
}

/// The destinations that a drain sends to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum To {
    /// The one that the settings name.
    Own,
    /// All destinations, that of the settings first.
    All,
}

/// Whether the pauses between tries are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pauses {
    /// Wait as long as the destination or the backoff says.
    Kept,
    /// Try at once: a person asked to send now.
    Skipped,
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

    /// Number of waiting events, for all destinations.
    pub(super) fn waiting(&self) -> anyhow::Result<u64> {
        let destinations = self.outbox.destinations_waiting(self.host.now(), true)?;
        let mut waiting = 0;
        for record in destinations {
            waiting += self.outbox.waiting(record.id)?;
        }
        Ok(waiting)
    }

    /// Whether the destination of the settings accepts events now: it is confirmed, not left alone
    /// after a failure, and no other process is sending to it.
    ///
    /// The check takes the lock for a moment, which can make another process believe that this one
    /// sends. So only a process that sends waiting events afterwards may ask.
    pub(super) fn can_send_now(&self) -> anyhow::Result<bool> {
        let destination = self.destination()?;
        if !self.trust.permits(destination) {
            return Ok(false);
        }
        let now = self.host.now();
        let known = self.outbox.destinations_waiting(now, true)?;
        let record = known.iter().find(|it| it.destination == *destination);
        // A destination without waiting events is in no trouble.
        record.map_or(Ok(true), |record| {
            let is_due = record.not_before.is_none_or(|at| at <= now);
            Ok(is_due && self.outbox.try_lock_sender(record.id)?.is_some())
        })
    }

    /// Time of the next attempt to send; `None` when no event waits for a destination whose last
    /// failure may pass by itself.
    pub(super) fn next_attempt(&self) -> anyhow::Result<Option<DateTime<Utc>>> {
        let now = self.host.now();
        let waiting = self.outbox.destinations_waiting(now, true)?.into_iter();
        let due = waiting
            .filter(|record| deliver::may_pass(record) && self.trust.permits(&record.destination))
            .map(|record| record.not_before.unwrap_or(now));
        Ok(due.min())
    }

    /// Whether some waiting events may be sent now.
    pub(super) fn is_due(&self) -> anyhow::Result<bool> {
        let due = self.outbox.destinations_waiting(self.host.now(), false)?;
        let mut due = due.iter().map(|record| &record.destination);
        Ok(due.any(|destination| self.trust.permits(destination)))
    }

    /// Messages about the events that are about to be sent, one per destination.
    pub(super) fn announcements(&self) -> anyhow::Result<Vec<String>> {
        let destinations = self.outbox.destinations_waiting(self.host.now(), true)?;
        let announce = |record: &DestinationRecord| {
            let events = ui::count(self.outbox.waiting(record.id)?, "event");
            Ok(match self.trust.missing(&record.destination) {
                Some(missing) => format!("{events} wait: {missing}"),
                None => format!("sending {events} to {}", record.destination.host),
            })
        };
        destinations.iter().map(announce).collect()
    }

    /// The hosts that a drain would send to, and the number of events for them.
    pub(super) fn sendable(&self) -> anyhow::Result<(BTreeSet<String>, u64)> {
        let (mut hosts, mut events) = (BTreeSet::new(), 0);
        for record in self.outbox.destinations_waiting(self.host.now(), true)? {
            if self.trust.permits(&record.destination) {
                events += self.outbox.waiting(record.id)?;
                hosts.insert(record.destination.host);
            }
        }
        Ok((hosts, events))
    }

    /// Sends the waiting events, until `stop`.
    pub(super) fn drain(
        &self,
        effort: Effort,
        stop: &dyn Fn() -> bool,
        progress: &mut dyn FnMut(&Drained),
    ) -> anyhow::Result<Drained> {
        let transport = Transport::new(TransportSettings::default());
        let own = self.destination.as_ref();
        let stop = &|| stop() || self.settings.have_changed(self.host);
        let policy = Policy {
            patience: effort.patience,
            admission_wait: effort.admission_wait,
            first: own,
            ignore_backoff: effort.pauses == Pauses::Skipped,
            permits: &|destination| {
                (effort.to == To::All || own == Some(destination))
                    && self.trust.permits(destination)
            },
            decide: &|session| self.decision(session),
            clip: &limits::fit_json,
            stop,
        };
        let mut drained = deliver::drain(
            &self.outbox,
            &transport,
            &WakingClock {
                clock: HostClock(self.host),
                stop,
            },
            policy,
            progress,
        )?;
        if drained.waiting > 0 && self.settings.have_changed(self.host) {
            drained.last_error = Some(CHANGED.to_owned());
        }
        Ok(drained)
    }

    /// Redacts a message: it may quote a setting, which may hold a secret.
    fn without_secrets(&self, message: String) -> String {
        let redacted = self
            .redactors
            .usual()
            .text(&message, &mut Counts::default());
        redacted.unwrap_or(message)
    }

    /// Adds a run to the log. An error is ignored, since the log is the place to report errors.
    pub(super) fn log(&self, kind: RunKind, session: Option<String>, sent: u64, report: Report) {
        let _ = self
            .outbox
            .log_run(&self.entry(kind, session, sent, report));
    }

    /// Adds a run to the log before it sends, which may take minutes. Returns the number of the
    /// entry, for [`Sending::finish_log`].
    pub(super) fn log_unsent(
        &self,
        kind: RunKind,
        session: Option<String>,
        report: &Report,
    ) -> Option<i64> {
        let entry = self.entry(kind, session, 0, report.clone());
        self.outbox.log_run(&entry).ok()
    }

    /// Completes the entry that [`Sending::log_unsent`] made, or adds one if it could not.
    pub(super) fn finish_log(
        &self,
        number: Option<i64>,
        kind: RunKind,
        session: Option<String>,
        sent: u64,
        report: Report,
    ) {
        let entry = self.entry(kind, session, sent, report);
        let _ = match number {
            Some(number) => self.outbox.finish_run(number, &entry),
            None => self.outbox.log_run(&entry).map(drop),
        };
    }

    fn entry(&self, kind: RunKind, session: Option<String>, sent: u64, report: Report) -> Run {
        let warnings = report.warnings.into_iter();
        Run {
            at: self.host.now(),
            kind,
            session,
            duration_ms: u64::try_from(self.host.elapsed().as_millis()).unwrap_or(u64::MAX),
            sent,
            error: report.error.map(|error| self.without_secrets(error)),
            warnings: warnings.map(|it| self.without_secrets(it)).collect(),
        }
    }
}

/// A clock whose pauses end early when a stop is asked for.
struct WakingClock<'a> {
    clock: HostClock<'a>,
    stop: &'a dyn Fn() -> bool,
}

impl Clock for WakingClock<'_> {
    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    fn sleep(&self, duration: Duration) {
        let end = self.elapsed() + duration;
        while !(self.stop)() {
            match end.saturating_sub(self.elapsed()) {
                Duration::ZERO => break,
                left => self.clock.sleep(left.min(NAP)),
            }
        }
    }

    fn jitter(&self) -> f64 {
        self.clock.jitter()
    }
}

/// Errors and warnings of a run, for the log.
#[derive(Clone, Debug, Default)]
pub(super) struct Report {
    pub(super) error: Option<String>,
    pub(super) warnings: Vec<String>,
}

impl Report {
    /// Adds warnings about the events that a drain left waiting.
    pub(super) fn note_held(&mut self, drained: &Drained) {
        for warning in held(&drained.held) {
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
    }

    /// Adds warnings about a stored session. Returns whether all of it could be read.
    pub(super) fn note(&mut self, stored: &Stored, found: &SessionRef) -> bool {
        let Stored::Session {
            unreadable,
            exceeds_books,
            skipped,
            without_usage,
            ..
        } = stored
        else {
            return true;
        };
        for (path, reason) in unreadable {
            let warning = format!("cannot read {}: {reason}", path.display());
            self.warnings.push(warning);
        }
        let lost = skipped.broken + skipped.oversized;
        let id = short(&found.session_id());
        if lost > 0 {
            let lost = words::lost(lost, found.agent);
            self.warnings.push(format!("session {id}: {lost}"));
        }
        if *without_usage > 0 {
            let responses = ui::count(*without_usage, "response");
            let warning = format!("session {id}: {responses} reported no usage");
            self.warnings.push(warning);
        }
        if *exceeds_books {
            let id = short(&found.session_id());
            self.warnings.push(format!(
                "session {id}: its lines show more tokens than Claude Code's own totals"
            ));
        }
        unreadable.is_empty()
    }
}

/// Messages about the sessions whose events wait until the user's decision is clear.
pub(super) fn held(reasons: &Reasons) -> impl Iterator<Item = String> {
    reasons
        .iter()
        .map(|((_, id), reason)| format!("session {} waits: {reason}", short(id)))
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
