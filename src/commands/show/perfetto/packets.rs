//! The packets of a Perfetto trace. Field numbers are those of `perfetto_trace.proto`.

use super::{Shows, Slice, name};
use crate::commands::show::node::{Kind, Node};
use crate::protobuf::Message;

/// `TrackEvent.Type`.
const BEGIN: u64 = 1;
const END: u64 = 2;
const COUNTER: u64 = 4;
/// `TrackDescriptor.ChildTracksOrdering`: by rank.
const BY_RANK: u64 = 3;
/// `TrackDescriptor.SiblingMergeBehavior`: tracks with the same key are shown as one.
const BY_KEY: u64 = 3;
/// `BuiltinClock`: time of day, and Perfetto's own clock.
const TIME_OF_DAY: u64 = 1;
const SINCE_BOOT: u64 = 6;
/// Sequence id: all packets have the same writer.
const SEQUENCE: u64 = 1;

/// The id of a track.
#[derive(Clone, Copy)]
pub(super) struct Track(u64);

/// Packets that describe tracks, and timed packets.
#[derive(Default)]
pub(super) struct Packets {
    ids: u64,
    processes: u64,
    tracks: Vec<Message>,
    timed: Vec<(u64, Message)>,
}

impl Packets {
    /// Adds a process.
    pub(super) fn process(&mut self, name: &str) -> Track {
        self.processes += 1;
        let process = Message::new().number(1, self.processes).text(6, name);
        let track = self.id();
        self.describe(
            Message::new()
                .number(1, track)
                .message(3, &process)
                .number(11, BY_RANK),
        )
    }

    /// A key that joins tracks into one lane.
    pub(super) fn key(&mut self) -> Track {
        Track(self.id())
    }

    /// Adds a track of slices.
    pub(super) fn track(&mut self, name: &str, key: Track, rank: usize, process: Track) -> Track {
        let track = self.child(name, rank, process);
        self.describe(track.number(15, BY_KEY).text(16, &key.0.to_string()))
    }

    /// Adds a track of token counts.
    pub(super) fn counter(&mut self, name: &str, rank: usize, process: Track) -> Track {
        let track = self.child(name, rank, process);
        self.describe(track.message(8, &Message::new().text(6, "tokens")))
    }

    pub(super) fn begin(&mut self, track: Track, slice: &Slice<'_>) {
        let event = Message::new().number(9, BEGIN).number(11, track.0);
        let event = match slice.shows {
            Shows::Node(node) => node_fields(node, event),
            Shows::Wait(node) => {
                let event = event.text(22, "wait").text(23, "waiting for you");
                annotated(event, "tool", name(node))
            }
        };
        self.timed.push((slice.start, event));
    }

    pub(super) fn end(&mut self, track: Track, time: u64) {
        let event = Message::new().number(9, END).number(11, track.0);
        self.timed.push((time, event));
    }

    pub(super) fn count(&mut self, track: Track, time: u64, tokens: u64) {
        let event = Message::new().number(9, COUNTER).number(11, track.0);
        self.timed.push((time, event.number(30, tokens)));
    }

    /// The trace. Packets of the same time stay in the order in which they were added.
    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        self.timed.sort_by_key(|(time, _)| *time);
        let mut trace = Message::new();
        if let Some((time, _)) = self.timed.first() {
            let clock = |id| Message::new().number(1, id).number(2, *time);
            let clocks = Message::new()
                .message(1, &clock(SINCE_BOOT))
                .message(1, &clock(TIME_OF_DAY));
            let packet = Message::new().number(8, *time).message(6, &clocks);
            trace = trace.message(1, &packet.number(10, SEQUENCE));
        }
        for track in &self.tracks {
            let packet = Message::new().message(60, track).number(10, SEQUENCE);
            trace = trace.message(1, &packet);
        }
        for (time, event) in &self.timed {
            let packet = Message::new().number(8, *time).message(11, event);
            trace = trace.message(1, &packet.number(10, SEQUENCE));
        }
        trace.into_bytes()
    }

    fn child(&mut self, name: &str, rank: usize, process: Track) -> Message {
        let track = Message::new().number(1, self.id()).text(2, name);
        track.number(5, process.0).number(12, rank as u64)
    }

    /// Adds a track with the newest id.
    fn describe(&mut self, track: Message) -> Track {
        self.tracks.push(track);
        Track(self.ids)
    }

    fn id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }
}

/// Adds name, categories and details of a node to an event.
fn node_fields(node: &Node, event: Message) -> Message {
    let kind = match node.kind {
        Kind::Trace => "trace",
        Kind::Turn => "turn",
        Kind::Call => "call",
        Kind::Tool => "tool",
        Kind::Agent => "agent",
        Kind::Step => "step",
    };
    let mut event = event.text(22, kind).text(23, name(node));
    if node.is_error {
        event = event.text(22, "error");
    }
    let texts = [
        ("detail", node.detail.as_deref()),
        ("error", node.error.as_deref().filter(|_| node.is_error)),
        ("model", node.model.as_deref()),
        ("subagent", node.subagent.as_deref()),
        ("span id", Some(node.id.as_str())),
        ("PostHog", node.url.as_deref()),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            event = annotated(event, name, text);
        }
    }
    let tokens = node.tokens;
    let counts = [
        ("input tokens", tokens.input),
        ("output tokens", tokens.output),
        ("cache read tokens", tokens.cache_read),
        ("cache write tokens", tokens.cache_write),
    ];
    for (name, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        let annotation = Message::new().text(10, name).number(3, count);
        event = event.message(4, &annotation);
    }
    event
}

fn annotated(event: Message, name: &str, text: &str) -> Message {
    event.message(4, &Message::new().text(10, name).text(6, text))
}
