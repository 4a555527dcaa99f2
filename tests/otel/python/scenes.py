"""Calls a model through the instrumentation of OpenLLMetry or OpenInference.

    scenes.py openllmetry|openinference MODEL RECEIVER
"""

import os
import sys

KIND, MODEL, RECEIVER = sys.argv[1:]
# Both are read when the libraries are loaded.
PRIVATE = {
    "openllmetry": {"TRACELOOP_TRACE_CONTENT": "false"},
    "openinference": {
        "OPENINFERENCE_HIDE_INPUTS": "true",
        "OPENINFERENCE_HIDE_OUTPUTS": "true",
    },
}

import openai  # noqa: E402
from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: E402
    OTLPSpanExporter,
)
from opentelemetry.sdk.resources import Resource  # noqa: E402
from opentelemetry.sdk.trace import TracerProvider  # noqa: E402
from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: E402

WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


def instrument(provider):
    if KIND == "openllmetry":
        from opentelemetry.instrumentation.openai import OpenAIInstrumentor
    else:
        from openinference.instrumentation.openai import OpenAIInstrumentor
    instrumentor = OpenAIInstrumentor()
    instrumentor.instrument(tracer_provider=provider)
    return instrumentor


def fails(client, prompt):
    try:
        ask(client, prompt)
    except openai.APIStatusError:
        return
    raise SystemExit(f"{prompt} should have failed")


def ask(client, prompt, **more):
    messages = [{"role": "user", "content": prompt}]
    return client.chat.completions.create(
        model="stand-in-1", messages=messages, **more
    )


def rounds(client, prompt):
    messages = [{"role": "user", "content": prompt}]
    more = {"model": "stand-in-1", "tools": [WEATHER]}
    answer = client.chat.completions.create(messages=messages, **more)
    (call,) = answer.choices[0].message.tool_calls
    messages += [
        {"role": "assistant", "content": None, "tool_calls": [call.model_dump()]},
        {"role": "tool", "tool_call_id": call.id, "content": '{"temperature": 7}'},
    ]
    client.chat.completions.create(messages=messages, **more)


def stream(client, prompt):
    more = {"tools": [WEATHER], "stream_options": {"include_usage": True}}
    for _ in ask(client, prompt, stream=True, **more):
        pass


provider = TracerProvider(
    resource=Resource.create({"service.name": "shop", "user.id": "customer-7"})
)
exporter = OTLPSpanExporter(endpoint=RECEIVER + "/v1/traces")
provider.add_span_processor(BatchSpanProcessor(exporter))
client = openai.OpenAI(base_url=MODEL, api_key="sk-fake", max_retries=0)

instrumentor = instrument(provider)
ask(client, "A fact?", temperature=0.5)
rounds(client, "TOOL: weather in Oslo?")
stream(client, "TOOL: weather in Oslo?")
shape = {"type": "json_schema", "json_schema": {"name": "pet", "schema": {}}}
ask(client, "A pet", response_format=shape)
client.embeddings.create(model="stand-in-embed", input=["hedgehog", "fox"])
fails(client, "FAIL429")
fails(client, "FAIL500")

instrumentor.uninstrument()
os.environ.update(PRIVATE[KIND])
instrument(provider)
ask(client, "PRIVATE?")
provider.shutdown()
