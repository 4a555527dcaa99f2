//! The mapping thread and the sending thread.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use anyhow::anyhow;

use super::{NAP, Shared};
use crate::commands::in_words;
use crate::commands::mapping::{Mapping, Which};
use crate::commands::sending::{Effort, Pauses, Report, Sending, To};
use crate::commands::user_settings::UserSettings;
use crate::config::{Config, Routes};
use crate::deliver::Drained;
use crate::host::Host;
use crate::inbox::{Inbox, InboxError};
use crate::outbox::RunKind;
use crate::ui;

/// Pause between two searches for quiet traces, which are quiet for seconds before.
const LOOK: Duration = Duration::from_millis(500);
/// Pause after an error, such as a full disk or a database that another process has locked.
const PAUSE: Duration = Duration::from_secs(10);
/// Pause between two checks of the outbox when nothing was stored. Another process may have stored
/// events, or a destination in trouble may be due again.
const IDLE: Duration = Duration::from_secs(2);
/// Time between two removals of old traces.
const PRUNE: Duration = Duration::from_hours(1);

/// One attempt per destination that is due.
const EFFORT: Effort = Effort {
    to: To::All,
    patience: Duration::ZERO,
    admission_wait: Duration::ZERO,
    pauses: Pauses::Kept,
};

/// Maps quiet traces until the end.
pub(super) fn map(config: &Config, routes: &Routes, host: &Host, inbox: &Inbox, shared: &Shared) {
    let mut said = Said::default();
    while !shared.is_over() {
        match map_until_error(config, routes, host, inbox, shared) {
            Err(error) if is_final(&error) => shared.fail(error),
            Err(error) => {
                said.say(&in_words(&error));
                nap(PAUSE, shared);
            }
            Ok(()) => {}
        }
    }
}

fn map_until_error(
    config: &Config,
    routes: &Routes,
    host: &Host,
    inbox: &Inbox,
    shared: &Shared,
) -> anyhow::Result<()> {
    let configs = [config]
        .into_iter()
        .chain(routes.iter().map(|it| &it.config));
    let sendings: Vec<Sending<'_>> = configs
        .map(|config| Sending::open(config, host))
        .collect::<anyhow::Result<_>>()?;
    // Traces of a route without an API key wait in the inbox.
    let complete = sendings.iter().filter(|it| it.has_destination());
    let mut mappings: Vec<Mapping<'_>> = complete
        .map(|sending| Mapping::new(sending, inbox))
        .collect::<anyhow::Result<_>>()?;
    let mut prune_at = Duration::ZERO;
    while !shared.is_over() {
        if host.elapsed() >= prune_at {
            inbox.prune(host.now().into())?;
            prune_at = host.elapsed() + PRUNE;
        }
        let mut is_more = false;
        for mapping in &mut mappings {
            let step = mapping.step(Which::Quiet, &|| shared.is_over())?;
            step.warnings.iter().for_each(ui::say_in_lines);
            if step.mapped > 0 {
                shared.to_send.ring();
            }
            is_more |= step.is_more;
        }
        if !is_more {
            nap(LOOK, shared);
        }
    }
    Ok(())
}

/// Sends waiting events until the end, or until the user's settings differ from these.
pub(super) fn send(config: &Config, settings: &UserSettings, host: &Host, shared: &Shared) {
    let mut said = Said::default();
    while !shared.is_over() {
        if settings.have_changed(host) {
            shared.fail(anyhow!(
                "your settings were changed; start posthog-llma serve again to follow them"
            ));
        } else if let Err(error) = send_until_error(config, host, shared, &mut said, settings) {
            said.say(&in_words(&error));
            nap(PAUSE, shared);
        }
    }
}

fn send_until_error(
    config: &Config,
    host: &Host,
    shared: &Shared,
    said: &mut Said,
    settings: &UserSettings,
) -> anyhow::Result<()> {
    let sending = Sending::open(config, host)?;
    let entry = sending.log_unsent(RunKind::Serve, None, &Report::default());
    let mut sent = 0;
    while !shared.is_over() && !settings.have_changed(host) {
        if sending.is_due()? {
            let before = shared.sent.load(Ordering::Relaxed);
            let stop = || shared.is_over();
            let drained = sending.drain(EFFORT, &stop, &mut |now| {
                shared.sent.store(before + now.sent, Ordering::Relaxed);
            })?;
            sent += drained.sent;
            if let Some(error) = &drained.last_error {
                said.say(error);
            }
            if drained.sent > 0 || drained.last_error.is_some() {
                log(&sending, entry, sent, drained);
            }
        }
        shared.to_send.wait(IDLE);
    }
    Ok(())
}

/// Completes the entry of this process in the log of runs.
fn log(sending: &Sending<'_>, entry: Option<i64>, sent: u64, drained: Drained) {
    let mut report = Report::default();
    report.note_held(&drained);
    report.error = drained.last_error;
    sending.finish_log(entry, RunKind::Serve, None, sent, report);
}

/// The last error shown. The same error is not shown again until another one occurs.
#[derive(Default)]
struct Said(Option<String>);

impl Said {
    fn say(&mut self, error: &str) {
        if self.0.as_deref() != Some(error) {
            ui::say_in_lines(error);
            self.0 = Some(error.to_owned());
        }
    }
}

/// Whether no later attempt can succeed in this process.
fn is_final(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let shared = cause
            .downcast_ref()
            .map(|it: &std::sync::Arc<InboxError>| &**it);
        matches!(
            cause.downcast_ref().or(shared),
            Some(
                InboxError::Damaged { .. }
                    | InboxError::Newer { .. }
                    | InboxError::Gone { .. }
                    | InboxError::Closed
            )
        )
    })
}

fn nap(time: Duration, shared: &Shared) {
    let mut left = time;
    while !left.is_zero() && !shared.is_over() {
        let step = left.min(NAP);
        thread::sleep(step);
        left -= step;
    }
}
