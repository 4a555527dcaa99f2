//! From received traces to stored events. The same for `serve`, which maps traces when they are
//! quiet, and `flush`, which maps all of them.

use std::collections::HashSet;
use std::path::PathBuf;

use super::in_words;
use super::sending::Sending;
use crate::config::Config;
use crate::inbox::{self, Inbox, Quiet, Reader, Revision, Settings, Summary};
use crate::pipeline::Pipeline;
use crate::sources;
use crate::ui;

/// Traces to read about at a time. They are marked as mapped together.
const STEP: usize = 64;

/// Share of the outbox that received traces may fill: beyond its limit events are dropped, while the
/// inbox keeps traces.
const SHARE: u64 = 2;

/// Maps received traces of one route.
pub(super) struct Mapping<'a> {
    sending: &'a Sending<'a>,
    pipeline: Pipeline<'a>,
    inbox: &'a Inbox,
    reader: Reader,
    database: PathBuf,
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
            database: inbox::database(directory),
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
        if self.is_full()? {
            return Ok(done);
        }
        let traces = self.next(which)?;
        done.is_more = traces.len() == STEP;
        let mut mapped = Vec::new();
        for trace in traces {
            if stop() {
                break;
            }
            match self.map(&trace) {
                Ok(()) => mapped.push(trace.revision),
                Err(error) if is_of_trace(&error) => {
                    let id = trace.revision.key.trace_id;
                    let reason = in_words(&error);
                    done.warnings
                        .push(format!("cannot read trace {id}: {reason}"));
                    self.unreadable.insert(trace.revision);
                }
                Err(error) => return Err(error),
            }
        }
        done.mapped = mapped.len();
        if !mapped.is_empty() {
            let now = self.sending.host().now().into();
            self.inbox.mark_mapped(mapped, now)?;
        }
        Ok(done)
    }

    /// Whether the outbox holds so much that what follows stays in the inbox.
    fn is_full(&self) -> anyhow::Result<bool> {
        let load = self.sending.load()?;
        Ok(load.held >= load.limit / SHARE)
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
        traces.truncate(STEP);
        Ok(traces)
    }

    fn map(&self, trace: &Summary) -> anyhow::Result<()> {
        for found in sources::changed_with(&self.database, &trace.revision.key)? {
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
