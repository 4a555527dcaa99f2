"""Reads a trace with the classes that are generated from Perfetto's own schema.

Applies Perfetto's rule for slices of a track, that each ends before the one around it does, and
prints the slices, one JSON object each. Every field has to be known to the schema.
"""

import json
import sys
from pathlib import Path

from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import (
    Trace,
    TrackDescriptor,
    TrackEvent,
)

trace = Trace.FromString(Path(sys.argv[1]).read_bytes())
before = trace.ByteSize()
trace.DiscardUnknownFields()
assert trace.ByteSize() == before, "Perfetto does not know every field"

tracks: dict[int, TrackDescriptor] = {}
open_slices: dict[int, list[tuple[int, TrackEvent]]] = {}
time = 0
for packet in trace.packet:
    if packet.HasField("track_descriptor"):
        track = packet.track_descriptor
        assert track.uuid not in tracks
        assert not track.HasField("parent_uuid") or track.parent_uuid in tracks
        tracks[track.uuid] = track
    if not packet.HasField("track_event"):
        continue
    assert packet.timestamp >= time, "packets are in the order of time"
    time = packet.timestamp
    event = packet.track_event
    assert event.track_uuid in tracks
    stack = open_slices.setdefault(event.track_uuid, [])
    if event.type == TrackEvent.TYPE_SLICE_BEGIN:
        stack.append((time, event))
    elif event.type == TrackEvent.TYPE_SLICE_END:
        start, begun = stack.pop()
        details = {
            it.name: it.string_value if it.HasField("string_value") else it.uint_value
            for it in begun.debug_annotations
        }
        slice_ = {
            "name": begun.name,
            "categories": list(begun.categories),
            "start": start,
            "duration": time - start,
            "details": details,
        }
        print(json.dumps(slice_))
    else:
        assert event.type == TrackEvent.TYPE_COUNTER
        assert tracks[event.track_uuid].HasField("counter")
assert not any(open_slices.values()), "every slice ends"
