//! Mapping of received traces to stored events: `serve` maps quiet traces, `flush` all.

use std::collections::HashSet;

use super::in_words;
use super::sending::Sending;
use crate::config::Config;
use crate::inbox::{self, Attempts, Inbox, Quiet, Reader, Revision, Settings, Summary};
use crate::pipeline::Pipeline;
use crate::sources;
use crate::ui;

/// Number of traces to map at a time, and to mark as mapped together.
const STEP: usize = 64;

/// Divisor of the outbox's limit that gives the share of received traces. Beyond the limit, events
/// are dropped, while traces stay in the inbox.
const SHARE: u64 = 2;

/// Largest ratio of a trace's events in bytes to its compressed size in the inbox.
const GROWTH: u64 = 16;

/// Maps the received traces of one route.
pub(super) struct Mapping<'a> {
    sending: &'a Sending<'a>,
    pipeline: Pipeline<'a>,
    inbox: &'a Inbox,
    reader: Reader,
    /// The inbox as the source of traces, open during the mapping.
    traces: sources::OpenInbox,
    /// Unfinished attempts to read traces.
    attempts: Attempts,
    /// Traces that could not be read, with their revisions. They keep waiting.
    unreadable: HashSet<Revision>,
}

/// The choice of traces to map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// Quiet traces, which are probably complete.
    Quiet,
    /// All traces.
    All,
}

/// The result of one step.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Step {
    /// Number of traces that were mapped.
    pub(super) mapped: usize,
    /// Reasons why traces could not be read.
    pub(super) warnings: Vec<String>,
    /// Number of traces left for lack of time or room.
    pub(super) left: usize,
    /// Whether more traces may be mapped now.
    pub(super) is_more: bool,
}

/// Opens the inbox of the settings, and reports databases that it set aside.
pub(super) fn open(config: &Config) -> anyhow::Result<Inbox> {
    let directory = super::sending::directory(config)?;
    let before = inbox::set_aside(directory);
    let opened = Inbox::open(directory, Settings::clone(&config.inbox))?;
    for path in inbox::set_aside(directory) {
        if !before.contains(&path) {
            ui::say_in_lines(format_args!(
                "the inbox was damaged and is kept as {}: traces in it that were not sent yet are \
                 lost, and what comes now goes to a new one",
                path.display()
            ));
        }
    }
    Ok(opened)
}

impl<'a> Mapping<'a> {
    pub(super) fn new(sending: &'a Sending<'a>, inbox: &'a Inbox) -> anyhow::Result<Self> {
        let directory = sending.outbox().directory();
        Ok(Self {
            sending,
            pipeline: sending.pipeline(),
            inbox,
            reader: inbox.reader()?,
            traces: sources::OpenInbox::open(&inbox::database(directory))?,
            attempts: Attempts::of(directory, sending.route())?,
            unreadable: HashSet::new(),
        })
    }

    /// Maps some traces, the oldest first, until `stop`. If the process dies meanwhile, they are
    /// mapped again, to the same events.
    ///
    /// # Errors
    /// When the inbox cannot be read or marked, or the outbox cannot be written.
    pub(super) fn step(&mut self, which: Which, stop: &dyn Fn() -> bool) -> anyhow::Result<Step> {
        let mut done = Step::default();
        let traces = self.next(which)?;
        let found = traces.len();
        if traces.is_empty() {
            return Ok(done);
        }
        let outbox = self.sending.outbox();
        // The events are on disk before the inbox marks their traces as mapped.
        let mapped =
            outbox.durable_at_end(|| self.map_all(traces, which, stop, &mut done.warnings))??;
        done.mapped = mapped.len();
        done.left = found - done.mapped - done.warnings.len();
        done.is_more = found > 0 && done.mapped + done.warnings.len() == found;
        if !mapped.is_empty() {
            let now = self.sending.host().now().into();
            self.inbox.mark_mapped(mapped, now)?;
        }
        Ok(done)
    }

    /// Whether the outbox has room for the events of a trace. Otherwise the traces after it also
    /// stay in the inbox.
    fn has_room(&self, trace: &Summary) -> anyhow::Result<bool> {
        let load = self.sending.load()?;
        let left = load.limit.saturating_sub(load.held);
        // A trace larger than the outbox is mapped once the outbox is empty, so that no other event
        // is lost.
        let fits = load.held == 0 || trace.bytes.saturating_mul(GROWTH) < left;
        Ok(fits && load.held < load.limit / SHARE)
    }

    fn next(&self, which: Which) -> anyhow::Result<Vec<Summary>> {
        let limit = STEP + self.unreadable.len();
        let now = self.sending.host().now().into();
        let mut traces = match which {
            Which::Quiet => {
                let route = self.sending.route();
                self.reader.quiet(route, &Quiet::default(), now, limit)?
            }
            Which::All => self.reader.waiting(self.sending.route(), limit)?,
        };
        traces.retain(|it| !self.unreadable.contains(&it.revision));
        // Traces with unfinished attempts come last, when all others are safe.
        traces.sort_by_key(|it| self.attempts.count(&it.revision.key));
        traces.truncate(STEP);
        let others = traces.partition_point(|it| self.attempts.count(&it.revision.key) == 0);
        traces.truncate(others.max(1));
        Ok(traces)
    }

    /// Returns the mapped traces: all but unreadable ones, and those left for lack of time or room.
    fn map_all(
        &mut self,
        traces: Vec<Summary>,
        which: Which,
        stop: &dyn Fn() -> bool,
        warnings: &mut Vec<String>,
    ) -> anyhow::Result<Vec<Revision>> {
        let mut mapped = Vec::new();
        for trace in traces {
            if stop() || !self.has_room(&trace)? {
                break;
            }
            let key = trace.revision.key.clone();
            if which == Which::Quiet && self.attempts.is_given_up(&key) {
                let id = key.trace_id;
                warnings.push(format!(
                    "trace {id} is left out: processes ended while they read it; posthog-llma \
                     flush tries it again"
                ));
                self.unreadable.insert(trace.revision);
                continue;
            }
            self.attempts.begin(&key)?;
            let done = self.map(&trace);
            self.attempts.end(&key);
            match done {
                Ok(()) => mapped.push(trace.revision),
                Err(error) if is_of_trace(&error) => {
                    let id = trace.revision.key.trace_id;
                    let reason = in_words(&error);
                    warnings.push(format!("cannot read trace {id}: {reason}"));
                    self.unreadable.insert(trace.revision);
                }
                Err(error) => return Err(error),
            }
        }
        self.attempts.close()?;
        Ok(mapped)
    }

    fn map(&self, trace: &Summary) -> anyhow::Result<()> {
        for found in self.traces.changed_with(&trace.revision.key)? {
            self.sending.store_received(&self.pipeline, &found)?;
        }
        Ok(())
    }
}

/// Whether an error concerns a single trace.
fn is_of_trace(error: &anyhow::Error) -> bool {
    let is_chunk = |cause: &(dyn std::error::Error + 'static)| {
        let io = cause.downcast_ref::<std::io::Error>();
        let inner = io
            .and_then(|io| io.get_ref())
            .and_then(|it| it.downcast_ref());
        let inner = inner.or_else(|| cause.downcast_ref());
        matches!(inner, Some(inbox::InboxError::Chunk { .. }))
    };
    error.chain().any(is_chunk)
}
