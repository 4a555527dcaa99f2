//! The head of an opened session.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::StatusCode;

use super::answer::Failure;
use super::catalogue::Listed;
use super::contract::{DeliveryState, Links, ReceiptOf, Session};
use super::glanced::{Glanced, Projects};
use super::numbers;
use super::question::Question;
use super::service::Service;
use crate::outbox::{Outbox, Receipt};
use crate::posthog::links;
use crate::sources::SessionRef;
use crate::transport::Endpoint;

/// Time to wait for the numbers of a session: enough for most, so that the head does not change
/// later.
const PATIENCE: Duration = Duration::from_millis(300);

impl Service {
    /// The head of a session.
    pub(super) fn session(&self, question: &Question) -> Result<Session, Failure> {
        self.catalogue.asked();
        let key = question.need("session")?;
        let transcripts = self.transcripts(question)?;
        self.catalogue.hurry(key);
        let listed = self.listed(key).unwrap_or_else(|| {
            let glanced = transcripts
                .last()
                .map(|it| Glanced::of(it, &Projects::default(), &self.here));
            Listed::new(transcripts.clone(), Arc::new(glanced.unwrap_or_default()))
        });
        let found = transcripts.last().ok_or_else(|| {
            let fix = "the list has those that are: posthog-llma view";
            Failure::new(
                StatusCode::NOT_FOUND,
                "this session is not on this machine",
                fix,
            )
        })?;
        let session_key = key.split_once('/').map_or(key, |(_, session)| session);
        let receipt = self.receipt(found, session_key);
        Ok(self.head(key, &listed, found, receipt))
    }

    /// A session of the list, with its numbers if they are ready in time.
    fn listed(&self, key: &str) -> Option<Listed> {
        let since = Instant::now();
        let mut state = self.catalogue.lock();
        loop {
            let listed = state.sessions.get(key)?;
            let left = PATIENCE.saturating_sub(since.elapsed());
            let is_done = listed.numbers.is_some() || listed.refused.is_some();
            if is_done || left.is_zero() {
                return Some(listed.clone());
            }
            state = self.catalogue.wait(state, left);
        }
    }

    fn receipt(&self, found: &SessionRef, session: &str) -> Option<(Receipt, Option<String>)> {
        let directory = self.here.config.state_dir.as_deref()?;
        let outbox = Outbox::open_read_only(directory).ok()??;
        let agent = found.agent.as_str();
        let receipt = outbox.receipt(agent, session).ok()?;
        Some((receipt, outbox.recipient(agent, session).ok()?))
    }

    /// The head of a session outside any list, for a file, without the state of its delivery.
    pub(super) fn alone(&self, key: &str, found: &SessionRef) -> Session {
        let pipeline = self.here.numbers.pipeline();
        let glanced = Glanced::of(found, &Projects::default(), &self.here);
        let mut listed = Listed::new(vec![found.clone()], Arc::new(glanced));
        let numbers = numbers::read(&self.here, &pipeline, std::slice::from_ref(found), None);
        listed.numbers = numbers.ok().map(Arc::new);
        self.head(key, &listed, found, None)
    }

    fn head(
        &self,
        key: &str,
        listed: &Listed,
        found: &SessionRef,
        sent: Option<(Receipt, Option<String>)>,
    ) -> Session {
        let here = &self.here;
        let mut row = listed.row(key);
        let record = self.record(key);
        let built = record.lock();
        row.running |= built.is_running;
        if let Some(facts) = &mut row.facts
            && built.generation > 0
            && !built.is_building
        {
            facts.secrets = Some(built.secrets());
        }
        let left_alone = listed
            .left_alone
            .clone()
            .or_else(|| built.left_alone.clone());
        if left_alone.is_some() {
            row.delivery = DeliveryState::LeftAlone;
        }
        let (receipt, recipient) = sent.unwrap_or_default();
        let unreadable = built.unreadable.iter().cloned();
        let failure = built
            .failure
            .clone()
            .map(|reason| here.unreadable(&found.locator, reason));
        let numbers = listed.numbers.as_deref();
        let folder = numbers
            .and_then(|it| it.folder.clone())
            .or_else(|| built.folder.clone());
        Session {
            folder: folder.map(|it| here.redacted(here.host.short_path(Path::new(&it)))),
            agent_version: numbers.and_then(|it| it.usage.version().map(str::to_owned)),
            notes: notes(listed, left_alone.as_deref(), &receipt, row.running),
            posthog: links_of(here, recipient.as_deref()),
            receipt: ReceiptOf {
                acknowledged: receipt.acknowledged,
                waiting: receipt.waiting,
                refused: receipt.parked,
                dropped: receipt.dropped,
                withdrawn: receipt.withdrawn,
            },
            unreadable: unreadable.chain(failure).collect(),
            row,
        }
    }
}

/// Why none of a session's events are sent, or why they have less content than expected.
fn notes(
    listed: &Listed,
    left_alone: Option<&str>,
    receipt: &Receipt,
    is_running: bool,
) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(reason) = left_alone {
        let sent = if receipt.acknowledged > 0 {
            "Nothing more of it is sent"
        } else {
            "Nothing of it is or was sent"
        };
        notes.push(format!("{sent}: {reason}. Only you see it here."));
    } else if is_running {
        notes.push("It is still running: some of it is sent when it ends.".to_owned());
    }
    if let Some(unreadable) = &listed.unreadable {
        notes.push(format!("It cannot be read: {}.", unreadable.reason));
    }
    notes
}

/// Addresses of PostHog's pages: where the session was sent, or else where the settings point.
fn links_of(here: &super::here::Here, recipient: Option<&str>) -> Option<Links> {
    let destination = &here.config.destination;
    let of_settings = destination
        .endpoint
        .clone()
        .filter(|_| destination.has_key());
    let sent = recipient.and_then(|host| Endpoint::parse(host).ok());
    let endpoint = sent.or(of_settings)?;
    Some(Links {
        trace: links::trace_template(&endpoint),
        span: links::span_template(&endpoint),
    })
}
