//! From received traces to stored events. The same for `serve`, which maps traces when they are
//! quiet, and `flush`, which maps all of them.

use std::collections::HashSet;

use super::in_words;
use super::sending::Sending;
use crate::config::Config;
use crate::inbox::{self, Attempts, Inbox, Quiet, Reader, Revision, Settings, Summary};
use crate::pipeline::Pipeline;
use crate::sources;
use crate::ui;

/// Traces to read about at a time. They are marked as mapped together.
const STEP: usize = 64;

/// Share of the outbox that received traces may fill: beyond its limit events are dropped, while the
/// inbox keeps traces.
const SHARE: u64 = 2;

/// How many times the bytes of a trace in the inbox, where it is compressed, its events may take.
const GROWTH: u64 = 16;

/// Maps received traces of one route.
pub(super) struct Mapping<'a> {
    sending: &'a Sending<'a>,
    pipeline: Pipeline<'a>,
    inbox: &'a Inbox,
    reader: Reader,
    /// The inbox as the source of traces: open as long as this is.
    traces: sources::OpenInbox,
    /// Traces during which processes ended.
    attempts: Attempts,
    /// Traces that cannot be read, in the state in which they are. They go on waiting.
    unreadable: HashSet<Revision>,
}

/// Which traces are mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// Those for which little is to be expected.
    Quiet,
    /// All.
    All,
}

/// Result of mapping some traces.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Step {
    /// Traces that were mapped.
    pub(super) mapped: usize,
    /// Why traces could not be read.
    pub(super) warnings: Vec<String>,
    /// Traces of those looked at for which there was no time or no room.
    pub(super) left: usize,
    /// Whether more of them may be mapped now.
    pub(super) is_more: bool,
}

/// Opens the inbox of the settings, and says what it set aside.
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
        // Their events are on disk before the inbox is told that they are.
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

    /// Whether the outbox has room for the events of a trace. What follows it stays in the inbox too.
    fn has_room(&self, trace: &Summary) -> anyhow::Result<bool> {
        let load = self.sending.load()?;
        let left = load.limit.saturating_sub(load.held);
        // A trace that is larger than the outbox is mapped when nothing else is lost by it.
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
        // Those that may end this process too come when all others are safe.
        traces.sort_by_key(|it| self.attempts.count(&it.revision.key));
        traces.truncate(STEP);
        let others = traces.partition_point(|it| self.attempts.count(&it.revision.key) == 0);
        traces.truncate(others.max(1));
        Ok(traces)
    }

    /// Returns which traces were mapped: all but the unreadable ones, and those for which there was no
    /// time or no room.
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

/// Whether an error is about one trace alone.
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
