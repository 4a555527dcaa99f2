"""Reads a request to a collector with the parser of the protocol's own package.

Prints one JSON object for each span. Every field has to be known to the parser.
"""

import json
import sys
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)

request = ExportTraceServiceRequest.FromString(Path(sys.argv[1]).read_bytes())
before = request.ByteSize()
request.DiscardUnknownFields()
assert request.ByteSize() == before, "the protocol does not know every field"

for group in request.resource_spans:
    service = {it.key: it.value.string_value for it in group.resource.attributes}
    for scope in group.scope_spans:
        assert scope.scope.name == "posthog-llma"
        for span in scope.spans:
            assert len(span.trace_id) == 16
            assert len(span.span_id) == 8
            counts = {it.key: it.value for it in span.attributes}
            tokens = counts.get("gen_ai.usage.input_tokens")
            print(
                json.dumps(
                    {
                        "trace": span.trace_id.hex(),
                        "span": span.span_id.hex(),
                        "parent": span.parent_span_id.hex(),
                        "name": span.name,
                        "start": span.start_time_unix_nano,
                        "end": span.end_time_unix_nano,
                        "status": span.status.message,
                        "service": service.get("service.name"),
                        "attributes": len(counts),
                        "input tokens": tokens.int_value if tokens else None,
                    }
                )
            )
