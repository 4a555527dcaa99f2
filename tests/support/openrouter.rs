//! A stand-in for OpenRouter's Broadcast: it keeps books of requests and delivers each one, as
//! documented, after the request has ended.

use std::fmt::Write as _;
use std::net::SocketAddr;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::receive::support::Client;

/// Nanoseconds at which the first request begins, and between two requests.
const BEGIN: u64 = 1_790_000_000_000_000_000;
const PAUSE: u64 = 10_000_000_000;
/// Number of attempts at a delivery that is to be repeated.
const TRIES: usize = 5;
/// Fields of `trace` with a meaning of their own.
const RESERVED: [&str; 5] = [
    "trace_id",
    "trace_name",
    "generation_name",
    "span_name",
    "parent_span_id",
];
/// Text in everything that must not leave the machine, or not reach the disk.
pub(crate) const PLANTED: &str = "planted";

/// The type of a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A webhook with this method.
    Webhook(&'static str),
    Collector,
}

/// The target of deliveries, as a user set it up.
#[derive(Clone, Debug)]
pub(crate) struct Destination {
    pub(crate) kind: Kind,
    pub(crate) address: SocketAddr,
    pub(crate) path: String,
    /// Further headers, such as `Authorization: Bearer …`.
    pub(crate) headers: Vec<String>,
    /// Whether prompt and completion are left out.
    pub(crate) privacy_mode: bool,
    /// Share of the sessions to deliver, 0 to 1.
    pub(crate) sampling_rate: f64,
}

/// A request of a caller, and its outcome.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) key_name: &'static str,
    pub(crate) session: Option<&'static str>,
    pub(crate) user: Option<&'static str>,
    /// The caller's field `trace`.
    pub(crate) trace: Map<String, Value>,
    pub(crate) model: &'static str,
    pub(crate) messages: Vec<Value>,
    pub(crate) completion: &'static str,
    pub(crate) calls: Vec<Value>,
    /// Tokens: input including cached, cached, output.
    pub(crate) tokens: (u64, u64, u64),
    /// Cost of input and output, in dollars.
    pub(crate) cost: (f64, f64),
    /// Provider and status of each attempt.
    pub(crate) attempts: Vec<(&'static str, i64)>,
    /// Whether the caller disconnected.
    pub(crate) is_cancelled: bool,
}

/// The sums that OpenRouter charged for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Books {
    pub(crate) requests: u64,
    pub(crate) input: u64,
    pub(crate) cached: u64,
    pub(crate) output: u64,
    pub(crate) cost: f64,
}

/// The stand-in.
pub(crate) struct OpenRouter {
    destinations: Vec<Destination>,
    pub(crate) books: Books,
    requests: u64,
    /// Status of each attempt at each delivery.
    pub(crate) statuses: Vec<u16>,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            key_name: "production",
            session: None,
            user: None,
            trace: Map::new(),
            model: "anthropic/claude-haiku-4.5",
            messages: vec![json!({ "role": "user", "content": "Hello" })],
            completion: "Hi.",
            calls: Vec::new(),
            tokens: (20, 0, 5),
            cost: (0.000_02, 0.000_025),
            attempts: vec![("Anthropic", 200)],
            is_cancelled: false,
        }
    }
}

impl Destination {
    pub(crate) fn webhook(address: SocketAddr, token: &str) -> Self {
        Self {
            kind: Kind::Webhook("POST"),
            address,
            path: "/openrouter".to_owned(),
            headers: vec![format!("Authorization: Bearer {token}")],
            privacy_mode: false,
            sampling_rate: 1.0,
        }
    }

    /// Posts a body; returns the status.
    fn deliver(&self, headers: &[&str], body: &Value) -> u16 {
        let method = match self.kind {
            Kind::Webhook(method) => method,
            Kind::Collector => "POST",
        };
        let mut all = vec!["Content-Type: application/json"];
        all.extend(headers);
        all.extend(self.headers.iter().map(String::as_str));
        let first = format!("{method} {}", self.path);
        let body = body.to_string();
        let mut client = Client::connect(self.address);
        client.ask(&first, &all, body.as_bytes()).status
    }

    /// "Test connection": the destination is saved only after an answer of success.
    pub(crate) fn test_connection(&self) -> u16 {
        match self.kind {
            Kind::Webhook(_) => {
                let body = json!({ "resourceSpans": [] });
                self.deliver(&["X-Test-Connection: true"], &body)
            }
            Kind::Collector => {
                let test = json!({
                    "traceId": format!("{:032x}", 1), "spanId": format!("{:016x}", 1),
                    "name": "openrouter-connection-test", "kind": 1,
                    "startTimeUnixNano": BEGIN.to_string(),
                    "endTimeUnixNano": (BEGIN + 1_000_000).to_string(),
                    "status": { "code": 1 }, "attributes": [],
                });
                self.deliver(&[], &delivery("test", &[test]))
            }
        }
    }

    /// "Send trace".
    pub(crate) fn send_trace(&self) -> u16 {
        let request = Request {
            completion: "This is a made-up answer.",
            ..Request::default()
        };
        let mut spans = request.spans("gen-1790000000-Test000000000000000x", 0, false);
        spans[0]["name"] = "Test Generation".into();
        let body = delivery("gen-1790000000-Test000000000000000x", &spans);
        self.deliver(&[], &body)
    }

    /// Whether a session is delivered, which is decided for the whole session.
    fn samples(&self, request: &Request, id: &str) -> bool {
        let by = request.session.unwrap_or(id);
        let drawn = f64::from(u32::from(digest(by)[0])) / 256.0;
        drawn < self.sampling_rate
    }
}

impl OpenRouter {
    pub(crate) fn delivering_to(destinations: impl IntoIterator<Item = Destination>) -> Self {
        Self {
            destinations: destinations.into_iter().collect(),
            books: Books::default(),
            requests: 0,
            statuses: Vec::new(),
        }
    }

    /// Answers a request, and delivers it everywhere. Returns its id, which the caller gets too.
    pub(crate) fn answer(&mut self, request: &Request) -> String {
        let (id, books) = (generation_id(self.requests), &mut self.books);
        books.requests += 1;
        if !request.is_cancelled {
            let (input, cached, output) = request.tokens;
            books.input += input;
            books.cached += cached;
            books.output += output;
            books.cost += request.cost.0 + request.cost.1;
        }
        let start = self.requests;
        self.requests += 1;
        for destination in &self.destinations {
            if !destination.samples(request, &id) {
                continue;
            }
            let spans = request.spans(&id, start, destination.privacy_mode);
            let body = delivery(&id, &spans);
            for _ in 0..TRIES {
                let status = destination.deliver(&[], &body);
                self.statuses.push(status);
                if ![429, 502, 503, 504].contains(&status) {
                    break;
                }
            }
        }
        id
    }
}

impl Request {
    /// The delivery of a request, as the first of all or a later one.
    pub(crate) fn delivery(&self, number: u64) -> Value {
        let id = generation_id(number);
        delivery(&id, &self.spans(&id, number, false))
    }

    /// The spans of a delivery: the call, its attempts, and how it was written.
    fn spans(&self, id: &str, number: u64, is_private: bool) -> Vec<Value> {
        let start = BEGIN + number * PAUSE;
        let of_trace = self.trace.get("trace_id").and_then(Value::as_str);
        let trace_id = hex(of_trace.unwrap_or(id), 32);
        let root_id = hex(id, 16);
        let span = |name: &str, key: &str, parent: Option<&str>, times: (u64, u64), attributes| {
            let mut span = json!({
                "traceId": trace_id, "spanId": hex(key, 16), "name": name, "kind": 2,
                "startTimeUnixNano": (start + times.0 * 1_000_000).to_string(),
                "endTimeUnixNano": (start + times.1 * 1_000_000).to_string(),
                "status": { "code": 1 }, "attributes": attributes_of(attributes),
            });
            if let Some(parent) = parent {
                span["parentSpanId"] = parent.into();
            }
            span
        };
        let name = self.trace.get("generation_name").and_then(Value::as_str);
        let name = name.unwrap_or("LLM Generation");
        let above = self.trace.get("parent_span_id").and_then(Value::as_str);
        let mut root = span(name, id, above, (0, 3_000), self.attributes(id, is_private));
        root["kind"] = 3.into();
        if self.is_cancelled {
            root["status"] = json!({ "code": 2, "message": "The client has disconnected" });
        }
        let mut spans = vec![root];
        for (place, (provider, status)) in self.attempts.iter().enumerate() {
            let key = format!("{id}:attempt-{place}");
            let name = format!("provider attempt {}: {provider}", place + 1);
            let attributes = json!({
                "span.type": "span", "gen_ai.operation.name": "chat", "gen_ai.response.id": key,
                "span.metadata.attempt_index": place, "span.metadata.status_code": status,
                "span.metadata.is_byok": false, "span.metadata.endpoint_id": PLANTED,
                "span.metadata.model_permaslug": self.model,
            });
            let mut attempt = span(&name, &key, Some(&root_id), (0, 700), attributes);
            if *status >= 400 {
                attempt["status"] = json!({ "code": 2, "message": format!("HTTP {status}") });
            }
            spans.push(attempt);
        }
        if !self.is_cancelled {
            let key = format!("{id}:generation");
            let attributes = json!({
                "span.type": "span", "gen_ai.operation.name": "chat", "gen_ai.response.id": key,
            });
            spans.push(span(
                "generation",
                &key,
                Some(&root_id),
                (700, 2_990),
                attributes,
            ));
        }
        spans
    }

    fn attributes(&self, id: &str, is_private: bool) -> Value {
        let vendor = self.model.split('/').next().unwrap_or_default();
        let last = self.attempts.last().map_or("", |(provider, _)| provider);
        let responses = json!([{ "id": PLANTED, "endpoint_id": PLANTED, "provider_name": last }]);
        let own = |name: &str| format!("trace.metadata.openrouter.{name}");
        let mut all = json!({
            "gen_ai.operation.name": "chat", "gen_ai.system": vendor, "gen_ai.provider.name": vendor,
            "gen_ai.request.model": self.model, "gen_ai.response.model": self.model,
            "gen_ai.response.id": id, "span.type": "generation",
            "trace.metadata.provider_responses": responses.to_string(),
            "span.metadata.provider_responses": responses.to_string(),
            own("source"): "openrouter", own("api_key_name"): self.key_name,
            own("entity_id"): PLANTED, own("creator_user_id"): PLANTED, own("user_id"): PLANTED,
            own("provider_name"): last, own("provider_slug"): last.to_lowercase(),
            own("first_token_ms"): 700.0,
            "trace.metadata.openrouter_generation.identity.app_id": PLANTED,
            "trace.name": self.trace.get("trace_name").cloned().unwrap_or("OpenRouter Request".into()),
            "span.level": if self.is_cancelled { "ERROR" } else { "DEFAULT" },
        });
        let fields = all.as_object_mut().expect("an object");
        let mut add = |name: &str, value: Value| drop(fields.insert(name.to_owned(), value));
        if let Some(session) = self.session {
            add("session.id", session.into());
        }
        if let Some(user) = self.user {
            add("user.id", user.into());
        }
        for (name, value) in &self.trace {
            if !RESERVED.contains(&name.as_str()) {
                let text = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                add(&format!("trace.metadata.{name}"), text.clone().into());
                add(&format!("span.metadata.{name}"), text.into());
            }
        }
        if self.is_cancelled {
            add("span.status_message", "The client has disconnected".into());
        } else {
            self.add_usage(&mut add);
        }
        if !is_private {
            self.add_content(&mut add);
        }
        all
    }

    fn add_usage(&self, add: &mut dyn FnMut(&str, Value)) {
        let ((input, cached, output), (of_input, of_output)) = (self.tokens, self.cost);
        for (name, value) in [
            ("input_tokens", json!(input)),
            ("output_tokens", json!(output)),
            ("total_tokens", json!(input + output)),
            ("input_tokens.cached", json!(cached)),
            ("input_tokens.cache_write", json!(0)),
            ("output_tokens.reasoning", json!(0)),
            ("input_cost", json!(of_input)),
            ("output_cost", json!(of_output)),
            ("total_cost", json!(of_input + of_output)),
        ] {
            add(&format!("gen_ai.usage.{name}"), value);
        }
        let reason = if self.calls.is_empty() {
            "stop"
        } else {
            "tool_calls"
        };
        add(
            "gen_ai.response.finish_reasons",
            json!([reason]).to_string().into(),
        );
        add("gen_ai.response.finish_reason", reason.into());
    }

    fn add_content(&self, add: &mut dyn FnMut(&str, Value)) {
        let prompt = json!({ "messages": self.messages }).to_string();
        let completion = json!({
            "completion": self.completion, "reasoning": null, "toolCalls": self.calls,
            "rawRequest": {
                "model": self.model, "temperature": 0.2, "_skin": "chat-completions",
                "messages": self.messages, "user": PLANTED, "session_id": PLANTED,
                "extra_headers": { "x-internal": PLANTED }, "tools": [{ "name": "stock" }],
            },
        });
        let completion = completion.to_string();
        for name in ["gen_ai.prompt", "span.input", "trace.input"] {
            add(name, prompt.clone().into());
        }
        for name in ["gen_ai.completion", "span.output", "trace.output"] {
            add(name, completion.clone().into());
        }
    }
}

/// Each span in a resource of its own.
fn delivery(id: &str, spans: &[Value]) -> Value {
    let resource = json!({ "service.name": "openrouter", "service.version": "1.0.0", "openrouter.trace.id": id });
    let spans = spans.iter().map(|span| {
        json!({
            "resource": { "attributes": attributes_of(resource.clone()) },
            "scopeSpans": [{ "scope": { "name": "openrouter" }, "spans": [span] }],
        })
    });
    json!({ "resourceSpans": spans.collect::<Vec<_>>() })
}

/// Attributes in JSON: unlike in most emitters, whole numbers are numbers.
fn attributes_of(attributes: Value) -> Value {
    let Value::Object(fields) = attributes else {
        return json!([]);
    };
    let value = |value: Value| match value {
        Value::String(text) => json!({ "stringValue": text }),
        Value::Bool(flag) => json!({ "boolValue": flag }),
        Value::Number(number) if number.is_f64() => json!({ "doubleValue": number }),
        other => json!({ "intValue": other }),
    };
    let fields = fields.into_iter();
    fields
        .map(|(key, it)| json!({ "key": key, "value": value(it) }))
        .collect()
}

pub(crate) fn generation_id(number: u64) -> String {
    format!("gen-{}-{:A>20}", 1_790_000_000 + number * 10, number)
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// The beginning of a digest, in hexadecimal digits.
pub(crate) fn hex(text: &str, digits: usize) -> String {
    let mut all = String::new();
    for byte in digest(text) {
        write!(all, "{byte:02x}").expect("a string takes it");
    }
    all.truncate(digits);
    all
}
