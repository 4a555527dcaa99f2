//! Statistics of events, counted from the events themselves.

use std::ops::AddAssign;

use serde_json::Value;

use super::{Event, EventName, Json, names};

/// Numbers of events by kind, and the tokens of all generations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All events.
    pub events: u64,
    /// Sessions, or prompts with message grouping.
    pub traces: u64,
    /// Spans of turns.
    pub turns: u64,
    /// Responses, embeddings, and calls that failed.
    pub generations: u64,
    /// Spans of tool calls.
    pub tools: u64,
    /// Spans of other work of applications.
    pub steps: u64,
    /// Failed generations and tool calls. Turns and traces repeat their errors and are not counted.
    pub errors: u64,
    /// Input tokens outside the cache.
    pub input: u64,
    /// Output tokens.
    pub output: u64,
    /// Input tokens read from the cache.
    pub cache_read: u64,
    /// Input tokens written to the cache.
    pub cache_write: u64,
}

impl AddAssign<&Event<'_>> for Tally {
    fn add_assign(&mut self, event: &Event<'_>) {
        let get = |name: &str| event.properties.get(name).and_then(Json::as_value);
        let number = |name: &str| get(name).and_then(Value::as_u64).unwrap_or(0);
        self.events += 1;
        let failed = get(names::IS_ERROR).and_then(Value::as_bool) == Some(true);
        match event.name {
            EventName::Generation | EventName::Embedding => {
                self.generations += 1;
                self.input += number(names::INPUT_TOKENS);
                self.output += number(names::OUTPUT_TOKENS);
                self.cache_read += number(names::CACHE_READ_TOKENS);
                self.cache_write += number(names::CACHE_WRITE_TOKENS);
                self.errors += u64::from(failed);
            }
            EventName::Span if event.is_turn() => self.turns += 1,
            EventName::Span => {
                let kind = get(names::SPAN_TYPE).and_then(Value::as_str);
                let is_tool = kind.is_none_or(|kind| kind == "tool");
                self.tools += u64::from(is_tool);
                self.steps += u64::from(!is_tool);
                self.errors += u64::from(failed);
            }
            EventName::Trace => self.traces += 1,
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        let Self {
            events,
            traces,
            turns,
            generations,
            tools,
            steps,
            errors,
            input,
            output,
            cache_read,
            cache_write,
        } = other;
        self.events += events;
        self.traces += traces;
        self.turns += turns;
        self.generations += generations;
        self.tools += tools;
        self.steps += steps;
        self.errors += errors;
        self.input += input;
        self.output += output;
        self.cache_read += cache_read;
        self.cache_write += cache_write;
    }
}
