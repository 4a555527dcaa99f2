//! The tree as a trace for Perfetto (`ui.perfetto.dev`), in its own format.
//!
//! Each trace is a process with one lane per agent for its calls, tools and waits, one for the
//! turns, and one for the tokens of the context. In a track, Perfetto requires slices to contain
//! each other or not to overlap: tools that ran at the same time are on several tracks, which their
//! common key joins into one lane.
//!
//! Source: Perfetto's "Writing `TrackEvent` Protos Synthetically" and `perfetto_trace.proto`.

mod packets;

use std::cmp::Reverse;

use chrono::{DateTime, TimeDelta, Utc};

use super::node::{Kind, Node};
use packets::{Packets, Track};

/// The trace, as Perfetto opens it.
pub(super) fn write(traces: &[Node]) -> Vec<u8> {
    let mut packets = Packets::default();
    for trace in traces {
        let process = packets.process(name(trace));
        for (rank, lane) in lanes(trace).into_iter().enumerate() {
            lane.write(rank, process, &mut packets);
        }
    }
    packets.into_bytes()
}

/// A row of slices in Perfetto: the work of one agent, or the turns of a trace.
struct Lane<'a> {
    name: &'a str,
    slices: Vec<Slice<'a>>,
    /// Times of calls in nanoseconds since 1970, and the input tokens of each.
    context: Vec<(u64, u64)>,
}

/// A span of time in a lane.
struct Slice<'a> {
    /// Nanoseconds since 1970.
    start: u64,
    end: u64,
    shows: Shows<'a>,
}

/// The content of a slice.
#[derive(Clone, Copy)]
enum Shows<'a> {
    Node(&'a Node),
    /// The time in which a tool waited for a person.
    Wait(&'a Node),
}

/// The lanes of a trace: its turns, the agent, then each subagent, in the order in which they began.
fn lanes(trace: &Node) -> Vec<Lane<'_>> {
    let mut lanes = vec![Lane::new("turns"), Lane::new("agent")];
    let own = lanes.len() - 1;
    add(trace, own, &mut lanes);
    lanes.retain(|lane| !lane.slices.is_empty());
    lanes
}

/// Adds everything below a node to the lanes; `lane` did that work.
fn add<'a>(node: &'a Node, lane: usize, lanes: &mut Vec<Lane<'a>>) {
    for child in &node.children {
        let place = if child.kind == Kind::Turn { 0 } else { lane };
        lanes[place].add(child);
        if child.kind == Kind::Agent {
            lanes.push(Lane::new(name(child)));
            add(child, lanes.len() - 1, lanes);
        } else {
            add(child, lane, lanes);
        }
    }
}

impl<'a> Lane<'a> {
    const fn new(name: &'a str) -> Self {
        Self {
            name,
            slices: Vec::new(),
            context: Vec::new(),
        }
    }

    fn add(&mut self, node: &'a Node) {
        let start = nanoseconds(node.started_at);
        self.slices.push(Slice {
            start,
            end: nanoseconds(later(node.started_at, node.latency)),
            shows: Shows::Node(node),
        });
        if let Some(waited) = node.waited.filter(|seconds| *seconds > 0.0) {
            self.slices.push(Slice {
                start: nanoseconds(later(node.started_at, -waited)),
                end: start,
                shows: Shows::Wait(node),
            });
        }
        if node.kind == Kind::Call && node.tokens.sum() > 0 {
            let tokens = node.tokens.sum() - node.tokens.output;
            self.context.push((start, tokens));
        }
    }

    fn write(mut self, rank: usize, process: Track, packets: &mut Packets) {
        // Among slices that begin together, the longest comes first: it contains the others.
        self.slices.sort_by_key(|it| (it.start, Reverse(it.end)));
        let key = packets.key();
        let mut rows: Vec<Row<'_>> = Vec::new();
        for slice in &self.slices {
            let free = rows.iter_mut().position(|row| {
                row.end_before(slice.start, packets);
                row.has_room(slice)
            });
            let index = free.unwrap_or_else(|| {
                rows.push(Row {
                    track: packets.track(self.name, key, rank, process),
                    open: Vec::new(),
                });
                rows.len() - 1
            });
            packets.begin(rows[index].track, slice);
            rows[index].open.push(slice);
        }
        for row in &mut rows {
            row.end_before(u64::MAX, packets);
        }
        if !self.context.is_empty() {
            let name = format!("context of {}", self.name);
            let track = packets.counter(&name, rank, process);
            for (time, tokens) in self.context {
                packets.count(track, time, tokens);
            }
        }
    }
}

/// A track of a lane, with the slices that have not ended, each within the one before.
struct Row<'s> {
    track: Track,
    open: Vec<&'s Slice<'s>>,
}

impl Row<'_> {
    fn end_before(&mut self, time: u64, packets: &mut Packets) {
        while let Some(slice) = self.open.pop_if(|slice| slice.end <= time) {
            packets.end(self.track, slice.end);
        }
    }

    /// Whether a slice lies within the innermost open one.
    fn has_room(&self, slice: &Slice<'_>) -> bool {
        self.open.last().is_none_or(|open| slice.end <= open.end)
    }
}

/// Name of a node's kind: Perfetto sums up slices with equal names.
fn name(node: &Node) -> &str {
    let name = node.name.as_deref();
    let name = match node.kind {
        Kind::Trace => name.or(Some(&node.id)),
        Kind::Turn | Kind::Tool | Kind::Step => name,
        Kind::Call => node.model.as_deref(),
        Kind::Agent => node.subagent.as_deref().or(name),
    };
    name.unwrap_or(match node.kind {
        Kind::Trace => "trace",
        Kind::Turn => "turn",
        Kind::Call => "no answer",
        Kind::Tool => "tool",
        Kind::Agent => "subagent",
        Kind::Step => "step",
    })
}

/// The time some seconds later.
fn later(time: DateTime<Utc>, seconds: f64) -> DateTime<Utc> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "milliseconds of a session fit, and a float is clamped"
    )]
    let milliseconds = (seconds * 1000.0).round() as i64;
    let delta = TimeDelta::try_milliseconds(milliseconds);
    let later = delta.and_then(|delta| time.checked_add_signed(delta));
    later.unwrap_or(time)
}

/// Nanoseconds since 1970, within Perfetto's range.
fn nanoseconds(time: DateTime<Utc>) -> u64 {
    let milliseconds = u64::try_from(time.timestamp_millis()).unwrap_or(0);
    milliseconds.saturating_mul(1_000_000)
}
