//! Reads `assistant` lines: parts of responses, and failed calls.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::assembly::{Origin, ResponsePart, Thread};
use super::content::{self, LineFacts, blocks, call_error, provider_of, usage};
use super::line_reader::LineReader;
use super::paths::AgentFile;
use super::requests::Answer;
use super::times;
use super::wire::{self, Line};
use crate::models;
use crate::session::{Parameters, Retries};
use crate::sources::lenient::{Text, payload};

impl LineReader {
    /// Reads an `assistant` line.
    pub(super) fn assistant(
        &mut self,
        line: &Line<'_>,
        at: DateTime<Utc>,
        agent: Option<&AgentFile>,
    ) {
        self.surroundings.note(line);
        let Some(message) = &line.message else {
            self.assembler.oddities().responses_without_message += 1;
            return;
        };
        let is_error = line.is_api_error_message == Some(true);
        if !is_error && message.is_synthetic() {
            return;
        }
        let thread = self.thread_of(line, agent);
        if thread == Thread::Main {
            self.queued_prompts(line);
        }
        self.times.answered(line);
        self.note_agent_kind(line, &thread);
        let part = self.part(line, message, at, thread);
        self.assembler.response(part);
    }

    /// The part of a response in a line.
    fn part(
        &mut self,
        line: &Line<'_>,
        message: &wire::Message<'_>,
        at: DateTime<Utc>,
        thread: Thread,
    ) -> ResponsePart {
        let is_error = line.is_api_error_message == Some(true);
        let facts = LineFacts::of(line, at, self.surroundings.current(), self.keeps_content);
        let content = blocks(&message.content, &facts);
        self.agents.note_calls(&content);
        let asked = self.requests.answer(&Answer {
            line,
            is_error,
            at,
            circumstances: self.surroundings.current(),
            blocks: &content,
        });
        let (parent_at, retries) = self.attempted(line, is_error);
        let raw_usage: Option<wire::Usage<'_>> = payload(message.usage());
        let origin = origin_of(line, message);
        let response_id = origin.response.as_deref().unwrap_or_default();
        let models = Models::of(line, message, asked.model.as_deref());
        let reason = message.stop_reason.as_ref().filter(|_| !is_error);
        let is_timed = asked.at.is_some();
        let setup = asked.setup;
        ResponsePart {
            thread,
            provider: provider_of(response_id, models.answered.as_deref()),
            usage: usage(raw_usage.as_ref()),
            requested_at: asked.at.or(parent_at),
            began_at: asked.at.and_then(|_| times::streamed_since(line, at)),
            at,
            is_untimed: times::of_line(line).is_none(),
            advisors: content::advisors(raw_usage.as_ref(), response_id),
            retries,
            stop_reason: reason.map(|reason| models::stop_reason(reason.as_str())),
            error: is_error.then(|| call_error(line, &content)),
            given: asked.given,
            setup: setup.or_else(|| self.snapshot.setup.clone().filter(|_| !is_timed)),
            blocks: if is_error { Vec::new() } else { content },
            unkept: content::unkept(&message.content, &facts),
            parameters: Parameters {
                requested_model: models.requested,
                ..billed(asked.parameters, line, raw_usage.unwrap_or_default())
            },
            model: models.answered,
            origin,
            circumstances: Arc::clone(self.surroundings.current()),
        }
    }

    /// The time of the request according to the chain of lines, and the failed attempts before it.
    fn attempted(&self, line: &Line<'_>, is_error: bool) -> (Option<DateTime<Utc>>, Retries) {
        let parent = line.parent_uuid.as_ref().map(Text::as_str);
        let failed = self.attempts.before(parent);
        // A call that failed finally began with its first attempt, a successful one with its last.
        let made_at = match failed.filter(|_| is_error) {
            Some(failed) => Some(failed.began_at),
            None => self.times.of(parent),
        };
        let retries = failed.map(|failed| failed.retries);
        (made_at, retries.unwrap_or_default())
    }

    /// Stores the type of an agent, if the line states it.
    fn note_agent_kind(&mut self, line: &Line<'_>, thread: &Thread) {
        if let (Thread::Agent(id), Some(kind)) = (thread, &line.attribution_agent) {
            self.assembler
                .agent(id, Some(kind.as_str().to_owned()), None);
        }
    }
}

/// The models that a line names.
struct Models {
    /// The model that answered, or should have answered.
    answered: Option<String>,
    /// The requested model, if it is another one.
    requested: Option<String>,
}

impl Models {
    /// `asked` is the model in the recorded request.
    fn of(line: &Line<'_>, message: &wire::Message<'_>, asked: Option<&str>) -> Self {
        let named = model_of(message);
        let is_synthetic = message.is_synthetic();
        let requested = line.requested_model.as_ref().map(Text::as_str);
        let requested = requested.or(asked.filter(|_| is_synthetic));
        let answered = if is_synthetic { requested } else { named };
        Self {
            answered: answered.map(str::to_owned),
            requested: requested
                .filter(|requested| answered != Some(*requested))
                .map(str::to_owned),
        }
    }
}

/// The model in a message; an empty name is none.
fn model_of<'a>(message: &'a wire::Message<'_>) -> Option<&'a str> {
    let model = message.model.as_ref().map(Text::as_str);
    model.filter(|model| !model.is_empty())
}

/// The parameters of the request, completed from the line and its usage.
fn billed(mut asked: Parameters, line: &Line<'_>, usage: wire::Usage<'_>) -> Parameters {
    if let Some(effort) = &line.effort {
        let effort = || effort.as_str().to_owned();
        asked.effort.get_or_insert_with(effort);
    }
    let place = usage.inference_geo.map(|place| place.0.into_owned());
    Parameters {
        service_tier: usage.service_tier.map(|tier| tier.0.into_owned()),
        speed: usage.speed.map(|speed| speed.0.into_owned()),
        region: place.filter(|place| !matches!(place.as_str(), "" | "not_available")),
        ..asked
    }
}

/// The ids that identify a response. Empty ids are none.
fn origin_of(line: &Line<'_>, message: &wire::Message<'_>) -> Origin {
    let text = |text: &Option<Text<'_>>| {
        let text = text.as_ref().map(Text::as_str);
        text.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    Origin {
        response: text(&message.id),
        request: text(&line.request_id),
        line: text(&line.uuid),
        parent: text(&line.parent_uuid),
        is_of_agent: line.is_api_error_message == Some(true),
    }
}
