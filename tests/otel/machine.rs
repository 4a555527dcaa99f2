//! A machine that runs an application, with a model, the receiver and PostHog.

use std::process::{Child, Command};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::env::{API_KEY, Run, TestEnv};
use crate::support::openai::{ARGUMENTS, Answered, Content, FIRST, OpenAi, REST, Usage};
use crate::support::posthog::PostHog;
use crate::support::process::Process;

/// Time limit on a busy machine: libraries take seconds to load, and a trace has to be quiet for 5
/// s.
const PATIENCE: Duration = Duration::from_mins(3);
/// The user of these calls.
const PERSON: &str = "customer-7";

pub(super) struct Machine {
    pub(super) posthog: PostHog,
    model: OpenAi,
    env: TestEnv,
    receiver: Child,
    address: String,
}

/// A fact that a library omits from the spans of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Omitted {
    Cached,
    Reasoning,
    /// The HTTP status of an error.
    Status,
    /// The model that answered; the library names the requested one.
    Model,
}

impl Machine {
    pub(super) fn new() -> Self {
        let (model, posthog) = (OpenAi::start(), PostHog::start());
        let env = TestEnv::new()
            .with("POSTHOG_API_KEY", API_KEY)
            .with("POSTHOG_HOST", posthog.url());
        let serve = env.command(["serve", "--listen", "127.0.0.1:0"]);
        let (receiver, ready) = serve.spawn_until_ready();
        let address = ready.strip_prefix("receiving on ");
        let address = address.and_then(|it| it.split(',').next());
        let address = address.unwrap_or_else(|| panic!("it says {ready:?}"));
        Self {
            address: address.to_owned(),
            posthog,
            model,
            env,
            receiver,
        }
    }

    /// Runs an application to its end, and waits until all its calls are at PostHog. The addresses
    /// of the model and the receiver are its last arguments.
    #[track_caller]
    pub(super) fn run(&mut self, application: Command) -> Vec<Answered> {
        let run: Run = self.env.other(application).patience(PATIENCE);
        let run = run.argument(self.model.url()).argument(&self.address);
        run.run().success();
        let answered = self.model.answered();
        self.posthog.wait_until(PATIENCE, |events| {
            events.iter().filter(|it| is_call(it)).count() >= answered.len()
        });
        Process(self.receiver.id()).signal(Signal::TERM);
        let ended = self.receiver.wait().expect("it ran");
        assert!(ended.success(), "the receiver ended with {ended}");
        // Also maps the traces that `serve` has not mapped yet, which may contain calls counted
        // twice.
        self.env.run(["flush"]).success();
        assert_eq!(self.posthog.duplicates(), Vec::<String>::new());
        answered
    }

    /// Checks that each call is exactly one event, with the figures of its answer.
    #[track_caller]
    pub(super) fn balanced(
        &self,
        answered: &[Answered],
        omitted: impl Fn(&Answered) -> &'static [Omitted],
    ) {
        let expected = answered.iter().map(|it| expected(it, omitted(it)));
        let sent = self.posthog.events();
        let sent = sent.iter().filter(|it| is_call(it)).map(row);
        assert_eq!(in_order(sent), in_order(expected));
    }

    /// Checks that every event belongs to the user, and that none contains private content.
    #[track_caller]
    pub(super) fn of_one_person_and_without_private_content(&self) {
        for event in self.posthog.events() {
            assert_eq!(event["distinct_id"], PERSON, "{event:#}");
            assert!(!event.to_string().contains("PRIVATE"), "{event:#}");
        }
    }

    /// Checks that only streams state the time of their first part, and that it is after the model
    /// sent it and before the rest.
    #[track_caller]
    pub(super) fn timed(&self, answered: &[Answered]) {
        let calls = self.posthog.named("$ai_generation").into_iter();
        let seconds = |event: &Value, name: &str| event["properties"][name].as_f64();
        let streams: Vec<_> = calls
            .filter_map(|it| {
                let first = seconds(&it, "$ai_time_to_first_token")?;
                Some((first, seconds(&it, "$ai_latency").unwrap_or_default()))
            })
            .collect();
        let expected = answered.iter().filter(|it| it.is_stream);
        assert_eq!(streams.len(), expected.count());
        for (first, whole) in streams {
            // A busy client is later than the model, never earlier; its timer may round.
            let (least, most) = (FIRST.as_secs_f64() - 0.002, whole);
            assert!((least..most).contains(&first), "{first} of {whole} s");
            assert!(whole >= (FIRST + REST).as_secs_f64() - 0.004, "{whole} s");
        }
    }

    /// Checks that each tool is below the call that asked for it, or below the trace if the call is
    /// private.
    #[track_caller]
    pub(super) fn tools_hang_under_their_calls(&self, answered: &[Answered]) {
        let mut tools = self.posthog.named("$ai_span");
        tools.retain(|it| it["properties"]["$ai_span_type"] == "tool");
        let calls = self.posthog.named("$ai_generation");
        let asked = answered.iter().filter_map(|it| match &it.content {
            Content::Call(id, _) => Some((id, it)),
            _ => None,
        });
        assert_eq!(tools.len(), asked.clone().count());
        for (id, answered) in asked {
            let tool = tools
                .iter()
                .find(|it| it["properties"]["$ai_tool_call_id"] == **id);
            let tool = &tool.unwrap_or_else(|| panic!("{id} is missing"))["properties"];
            let call = calls
                .iter()
                .find(|it| it["properties"]["$ai_input_tokens"] == answered.usage.input);
            let call = &call.expect("they are balanced")["properties"];
            let parent = &tool["$ai_parent_id"];
            // A private call is found by its time, if that leaves no doubt.
            let is_in_doubt = answered.is_private && *parent == call["$ai_trace_id"];
            assert!(*parent == call["$ai_span_id"] || is_in_doubt, "{tool:#}");
        }
    }

    /// Names of the traces, sorted.
    pub(super) fn traces(&self) -> Vec<String> {
        let traces = self.posthog.named("$ai_trace").into_iter();
        let names = traces.map(|it| {
            it["properties"]["$ai_span_name"]
                .as_str()
                .map(str::to_owned)
        });
        let mut names: Vec<_> = names.map(Option::unwrap_or_default).collect();
        names.sort();
        names
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // The receiver has ended already, unless a check failed.
        drop(self.receiver.kill());
        drop(self.receiver.wait());
    }
}

fn is_call(event: &Value) -> bool {
    ["$ai_generation", "$ai_embedding"]
        .iter()
        .any(|name| event["event"] == **name)
}

/// The figures of an event.
fn row(event: &Value) -> Value {
    let properties = &event["properties"];
    json!({
        "event": event["event"],
        "model": properties["$ai_model"],
        "is error": properties["$ai_is_error"],
        "status": properties["$ai_http_status"],
        "input": properties["$ai_input_tokens"],
        "output": properties["$ai_output_tokens"].as_u64().unwrap_or(0),
        "cached": properties["$ai_cache_read_input_tokens"].as_u64().unwrap_or(0),
        "reasoning": properties["$ai_reasoning_tokens"].as_u64().unwrap_or(0),
        "cached beside input": properties["$ai_cache_reporting_exclusive"] == true,
        "content": parts(&properties["$ai_output_choices"]),
    })
}

/// The figures that the event of an answer must have.
fn expected(answered: &Answered, omitted: &[Omitted]) -> Value {
    let Usage {
        input,
        output,
        cached,
        reasoning,
    } = answered.usage;
    let has = |detail| !omitted.contains(&detail);
    let failed = answered.status != 200;
    let model = if has(Omitted::Model) {
        &answered.model
    } else {
        &answered.asked
    };
    let arguments: Value = serde_json::from_str(ARGUMENTS).expect("they are JSON");
    let event = match answered.content {
        Content::Vectors => "$ai_embedding",
        _ => "$ai_generation",
    };
    let content = match &answered.content {
        _ if answered.is_private => vec![],
        Content::Text(text) | Content::Object(text) => {
            vec![json!({ "type": "text", "text": text })]
        }
        Content::Call(id, name) => {
            let function = json!({ "name": name, "arguments": arguments });
            vec![json!({ "type": "function", "id": id, "function": function })]
        }
        Content::Vectors | Content::Nothing => vec![],
    };
    json!({
        "event": event,
        "model": model,
        "is error": failed,
        "status": (failed && has(Omitted::Status)).then_some(answered.status),
        "input": (!failed).then_some(input),
        "output": output,
        "cached": if has(Omitted::Cached) { cached } else { 0 },
        "reasoning": if has(Omitted::Reasoning) { reasoning } else { 0 },
        "cached beside input": false,
        "content": content,
    })
}

/// Texts and tool calls of an output, without OpenInference's placeholder for private text.
fn parts(choices: &Value) -> Vec<Value> {
    let choices = choices.as_array().map(Vec::as_slice).unwrap_or_default();
    let contents = choices.iter().map(|it| &it["content"]);
    let mut parts = Vec::new();
    for content in contents {
        match content {
            Value::String(text) => parts.push(json!({ "type": "text", "text": text })),
            Value::Array(content) => parts.extend(content.iter().cloned()),
            _ => {}
        }
    }
    parts.retain(|it| it["text"] != "__REDACTED__");
    parts
}

fn in_order(rows: impl Iterator<Item = Value>) -> Vec<Value> {
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by_cached_key(|it| (it["input"].as_u64(), it["status"].as_u64(), it.to_string()));
    rows
}
