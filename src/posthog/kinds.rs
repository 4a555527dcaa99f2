//! Properties specific to each kind of event.

use chrono::TimeDelta;

use super::Recording;
use super::conversation::GivenToCall;
use super::json::Json;
use super::properties::Properties;
use super::{chat, counts, names, operations, plain, titles, tool_error};
use crate::models;
use crate::models::prices::{self, Rates};
use crate::session::{
    Block, CacheCounts, CallError, CallKind, FindingKind, Findings, Generation, OutputCount, Role,
    Session, StopReason, Timing, ToolCall, Totals, Trigger, Turn, Unlisted, Usage, UsageReport,
    Waits, Work,
};

/// Span name of usage that is in the agent's books but in no line of the transcript.
const UNLISTED: &str = "background calls";

impl<'a> Properties<'a> {
    /// Sets content. Content that is not recorded becomes null, so that its absence is seen to be
    /// intended.
    fn content<T: Into<Json<'a>>>(
        &mut self,
        name: &'static str,
        is_recorded: bool,
        value: impl FnOnce() -> T,
    ) {
        let value = is_recorded.then(value);
        self.insert(name, value.map_or(Json::NULL, Into::into));
    }

    /// The cost, unless PostHog computes the same: as the agent reports it, otherwise at special rates.
    fn cost(&mut self, generation: &Generation, usage: Usage) {
        let rates = match &generation.model {
            Some(model) => prices::rates(&models::behind(model), &usage, &generation.parameters),
            None => Rates::Standard,
        };
        let cost = generation.cost.or(match rates {
            Rates::Special(cost) => Some(cost),
            Rates::Standard | Rates::Unknown => None,
        });
        if let Some(cost) = cost {
            self.insert_some(names::INPUT_COST, cost.input);
            self.insert_some(names::OUTPUT_COST, cost.output);
            self.insert(names::TOTAL_COST, cost.total);
            self.insert(names::HAS_OWN_COST, true);
        } else if rates == Rates::Unknown {
            self.insert(names::IS_COST_RELIABLE, false);
        }
    }

    /// Seconds of waiting for a person, and seconds that are neither that nor tool work.
    fn waits(&mut self, waits: Waits) {
        for (name, time) in [
            (names::WAITED, waits.waited),
            (names::UNATTRIBUTED, waits.unattributed),
        ] {
            let time = Some(time).filter(|time| *time > TimeDelta::zero());
            self.insert_some(name, time.map(seconds));
        }
    }

    /// Sets a count; zero is omitted.
    pub(super) fn count(&mut self, name: &'static str, number: u64) {
        self.insert_some(name, Some(number).filter(|number| *number > 0));
    }

    /// The model, by the name PostHog prices it by. If a cloud has another name for it, that is
    /// kept in a second property.
    fn model(&mut self, name: Option<&str>) {
        let Some(name) = name else { return };
        let model = models::behind(name);
        let other = Some(name).filter(|name| *name != model);
        self.insert_some(names::MODEL_NAME_AT_PROVIDER, other.map(str::to_owned));
        self.insert(names::MODEL, model.into_owned());
    }

    /// The tools called by a response. PostHog derives them from the content itself if that is
    /// sent in full. It joins names with commas, so commas in a name are replaced.
    fn called_tools(&mut self, generation: &Generation) {
        let names = generation.tool_calls();
        let names: Vec<_> = names.map(|call| call.name.replace(',', "_")).collect();
        if !names.is_empty() {
            self.insert(names::CALLED_TOOLS, names.join(","));
            self.insert(names::CALLED_TOOL_COUNT, names.len());
        }
    }

    fn list<'i>(&mut self, name: &'static str, items: impl IntoIterator<Item = &'i String>) {
        let items: Vec<String> = items.into_iter().cloned().collect();
        self.insert_some(name, Some(items).filter(|items| !items.is_empty()));
    }

    /// Changes to files and repository.
    fn work(&mut self, work: &Work) {
        self.count(names::LINES_ADDED, work.lines_added);
        self.count(names::LINES_REMOVED, work.lines_removed);
        self.list(names::COMMITS, &work.commits);
        self.list(names::PUSHED_BRANCHES, &work.pushed_branches);
        self.list(names::PULL_REQUESTS, &work.pull_requests);
    }

    /// Whether the operation failed. The text of an error may hold content; a documented error kind
    /// does not.
    pub(super) fn error(&mut self, error: Option<&'a CallError>, recording: Recording) {
        self.insert(names::IS_ERROR, error.is_some());
        if let Some(error) = error {
            let kind = error
                .kind
                .as_deref()
                .filter(|kind| plain::is_error_kind(kind));
            self.insert(
                names::ERROR,
                if recording.outputs() {
                    error.message.as_str()
                } else {
                    kind.unwrap_or("api_error")
                },
            );
            self.insert_some(names::HTTP_STATUS, error.status);
        }
    }

    /// Input and output of a turn, and its error if it failed.
    fn states(&mut self, turn: &'a Turn, recording: Recording) {
        let prompt = Some(&turn.prompt).filter(|prompt| !prompt.is_empty());
        let is_recorded = records_prompt(turn, recording);
        self.content(names::INPUT_STATE, is_recorded, || prompt);
        self.content(names::OUTPUT_STATE, recording.outputs(), || turn.answer());
        let last = turn.generations.last();
        self.error(
            last.and_then(|generation| generation.error.as_ref()),
            recording,
        );
    }

    /// Names a trace. The name is as private as the text it was made from.
    fn trace_name(&mut self, name: Option<String>) {
        if let Some(name) = name {
            self.insert(names::TRACE_NAME, name.clone());
            self.insert(names::SPAN_NAME, name);
        }
    }

    fn totals(&mut self, totals: &Totals) {
        self.insert(names::SUM_OF_INPUT_TOKENS, totals.input);
        self.insert(
            names::SUM_OF_OUTPUT_TOKENS,
            counts::total_output_tokens(totals),
        );
        self.insert(names::SUM_OF_CACHE_READ_TOKENS, totals.cache_read);
        self.insert(names::SUM_OF_CACHE_WRITE_TOKENS, totals.cache_write);
        self.insert(names::GENERATION_COUNT, totals.generations);
        self.insert(names::TOOL_CALL_COUNT, totals.tool_calls);
        self.insert(names::TURN_COUNT, totals.turns);
        self.insert(names::ERROR_COUNT, totals.errors);
        self.insert(names::TOOL_ERROR_COUNT, totals.tool_errors);
        self.list(names::USED_TOOLS, &totals.tools);
        self.count(
            names::UNFINISHED_TOOL_CALL_COUNT,
            totals.unfinished_tool_calls,
        );
        self.count(names::UNRELIABLE_OUTPUT_COUNT, totals.placeholders);
        self.count(names::RESPONSE_WITHOUT_USAGE_COUNT, totals.without_usage);
        self.count(names::INTERRUPTION_COUNT, totals.interruptions);
        self.count(names::COMPACTION_COUNT, totals.compactions);
        self.waits(totals.waits());
        self.count(names::COMMIT_COUNT, totals.work.commits.len() as u64);
        self.work(&totals.work);
        self.findings(&totals.findings);
    }

    /// Work that bought nothing: the kinds, and the number and tokens of each.
    fn findings(&mut self, findings: &Findings) {
        let all = FindingKind::ALL.map(|kind| (kind, findings.of(kind)));
        let found = all.into_iter().filter(|(_, found)| found.count > 0);
        let kinds: Vec<String> = found
            .clone()
            .map(|(kind, _)| kind.as_str().to_owned())
            .collect();
        self.list(names::FINDINGS, &kinds);
        self.count(
            names::FINDING_COUNT,
            found.clone().map(|(_, it)| it.count).sum(),
        );
        self.count(
            names::FINDING_TOKENS,
            found.clone().map(|(_, it)| it.tokens).sum(),
        );
        for (kind, found) in found {
            let [count, tokens] = names::of_finding(kind);
            self.count(count, found.count);
            self.count(tokens, found.tokens);
        }
    }
}

/// Whether the prompt of a turn is sent. The report of a background task repeats answers, so it is
/// sent only if outputs are recorded too.
pub(super) fn records_prompt(turn: &Turn, recording: Recording) -> bool {
    match turn.trigger {
        Trigger::Notification => recording == Recording::Full,
        Trigger::Prompt | Trigger::Command | Trigger::Unknown => recording.inputs(),
    }
}

/// The properties of a generation. `prompt` is that of the turn, empty if it is not recorded.
pub(super) fn of_generation<'a>(
    generation: &'a Generation,
    prompt: &'a str,
    given: GivenToCall<'a>,
    recording: Recording,
) -> Properties<'a> {
    let mut properties = Properties::default();
    properties.model(generation.model.as_deref());
    let provider = generation.provider.as_deref().unwrap_or("unknown");
    properties.insert(names::PROVIDER, provider);
    // A call that failed half way was still billed.
    let usage = generation.billed();
    if generation.error.is_none() || usage != Usage::default() {
        let counts = generation.cache_counts;
        properties.usage(usage, counts, generation.model.as_deref());
    }
    properties.cost(generation, usage);
    if generation.usage_report == UsageReport::Missing {
        properties.insert(names::IS_USAGE_KNOWN, false);
    }
    let name = generation.traced.as_ref().and_then(|it| it.name.as_deref());
    properties.insert_some(names::SPAN_NAME, generation.label.or(name));
    if generation.output_count == OutputCount::Placeholder {
        properties.insert(names::IS_OUTPUT_RELIABLE, false);
    }
    let reason = generation.stop_reason.as_ref().map(stop_reason);
    let reason = reason.map(|reason| match recording {
        Recording::Full => reason,
        _ => plain::stop_reason(reason),
    });
    properties.insert_some(names::STOP_REASON, reason);
    let first_token = generation
        .first_token_at
        .filter(|_| generation.timing == Timing::Known);
    let waited = first_token.map(|at| seconds(at - generation.started_at));
    properties.insert_some(names::TIME_TO_FIRST_TOKEN, waited);
    properties.count(names::RETRY_COUNT, generation.retries.count);
    properties.insert_some(names::RETRY_HTTP_STATUS, generation.retries.status);
    let requested = generation.parameters.requested_model.as_ref();
    properties.insert_some(names::REQUESTED_MODEL, requested);
    let parameters = parameters(generation, recording);
    properties.insert_some(
        names::MODEL_PARAMETERS,
        Some(parameters).filter(|it| !it.is_empty()),
    );
    // Every call has an input.
    let has_input = generation.traced.is_none() || !given.messages.is_empty();
    let is_input_recorded = recording.inputs() && has_input;
    properties.content(names::INPUT, is_input_recorded, || given.messages);
    properties.insert_some(names::OFFERED_TOOLS, given.tools);
    if generation.kind == CallKind::Chat {
        let is_recorded = recording.outputs() && has_output(generation, has_input);
        properties.content(names::OUTPUT_CHOICES, is_recorded, || {
            let output = &generation.output;
            chat::messages(Role::Assistant, output, recording)
        });
    }
    properties.called_tools(generation);
    let prompt = Some(prompt).filter(|prompt| !prompt.is_empty());
    properties.insert_some(names::USER_PROMPT, prompt);
    properties.error(generation.error.as_ref(), recording);
    properties
}

/// Whether the output of a call is recorded. An application may not record content: then the output
/// is null, while an empty list means an empty answer. Tool calls known only by their executions
/// are not content.
fn has_output(generation: &Generation, has_input: bool) -> bool {
    let is_told = |block: &Block| match block {
        Block::ToolCall(call) => call.traced.is_none() || !call.input.is_null(),
        _ => true,
    };
    let is_empty = generation.output.is_empty();
    generation.traced.is_none()
        || generation.error.is_some()
        || generation.output.iter().any(is_told)
        || has_input && is_empty
}

/// The properties of calls that only the agent's books show.
pub(super) fn of_unlisted<'a>(
    unlisted: &Unlisted,
    agent: &str,
    recording: Recording,
) -> Properties<'a> {
    let mut properties = Properties::default();
    properties.insert(
        names::SPAN_NAME,
        format!("{} {UNLISTED}", agent.replace('-', " ")),
    );
    properties.model(Some(&unlisted.model));
    let provider = models::provider(&unlisted.model).unwrap_or("unknown");
    properties.insert(names::PROVIDER, provider);
    properties.usage(unlisted.usage, CacheCounts::Apart, Some(&unlisted.model));
    properties.content(names::INPUT, recording.inputs(), || Json::List(Vec::new()));
    properties.content(names::OUTPUT_CHOICES, recording.outputs(), || {
        Json::List(Vec::new())
    });
    properties.insert(names::IS_ERROR, false);
    properties.insert(names::FROM_AGENT_BOOKS, true);
    properties
}

/// The properties of a tool call. `continues` says whether the conversation continued after it.
pub(super) fn of_tool(call: &ToolCall, continues: bool, recording: Recording) -> Properties<'_> {
    let mut properties = Properties::default();
    properties.insert(names::SPAN_NAME, &call.name);
    properties.insert(names::SPAN_TYPE, "tool");
    properties.insert(names::TOOL_CALL_ID, &call.id);
    properties.content(names::INPUT_STATE, recording.inputs(), || &call.input);
    let result = call.result.as_ref();
    properties.content(names::OUTPUT_STATE, recording.outputs(), || {
        // An application may report the execution of a tool without its result.
        let result = result.filter(|it| call.traced.is_none() || !it.content.is_empty());
        result.map(|result| chat::result(result, recording))
    });
    properties.insert(names::IS_ERROR, result.is_none_or(|result| result.is_error));
    match result {
        Some(result) if result.is_error => {
            let message = match chat::result(result, recording) {
                Json::Text(text) => tool_error::message(text),
                _ => "tool_error".into(),
            };
            properties.insert(names::ERROR, message);
        }
        Some(_) => {}
        None => {
            properties.insert(names::UNFINISHED, true);
            let why = if continues {
                "no result: none was written, though the session went on"
            } else {
                "no result: the session ended before the tool returned"
            };
            properties.insert(names::ERROR, why);
        }
    }
    let waited = call.time.waited.map(seconds);
    properties.insert_some(names::PERMISSION_WAIT, waited);
    properties.insert_some(names::ELAPSED, call.time.mixed().map(seconds));
    if let Some(result) = result {
        properties.work(&result.work);
    }
    properties
}

pub(super) fn of_turn(turn: &Turn, recording: Recording) -> Properties<'_> {
    let mut properties = Properties::default();
    let name = Some(titles::of_turn(&turn.prompt)).filter(|_| records_prompt(turn, recording));
    properties.insert_some(names::SPAN_NAME, name);
    properties.insert(names::SPAN_TYPE, "turn");
    properties.states(turn, recording);
    properties.count(names::INTERRUPTION_COUNT, turn.incidents.interruptions);
    properties.count(names::COMPACTION_COUNT, turn.incidents.compactions);
    properties.waits(turn.waits(&|_| true));
    properties.work(&turn.work());
    properties
}

/// The properties of a turn that is a trace of its own.
pub(super) fn of_turn_trace<'a>(
    turn: &'a Turn,
    totals: &Totals,
    recording: Recording,
) -> Properties<'a> {
    let mut properties = Properties::default();
    let name = titles::of_trace(&turn.prompt);
    let name = name.unwrap_or_else(|| titles::of_turn(&turn.prompt));
    properties.trace_name(Some(name).filter(|_| records_prompt(turn, recording)));
    properties.states(turn, recording);
    properties.totals(totals);
    properties
}

/// The properties of a session trace, or of a later trace of the session. `turns` are the turns of
/// this trace.
pub(super) fn of_session<'a>(
    session: &'a Session,
    turns: &[&'a Turn],
    is_first: bool,
    totals: &Totals,
    recording: Recording,
) -> Properties<'a> {
    let mut properties = Properties::default();
    let prompt = if is_first {
        session.first_prompt().filter(|_| recording.inputs())
    } else {
        let first = turns.first().filter(|turn| records_prompt(turn, recording));
        first.map(|turn| turn.prompt.as_str())
    };
    // The agent derives the title from prompts and answers.
    let title = session.title.as_ref();
    let title = title.filter(|_| recording == Recording::Full);
    let name = prompt.and_then(titles::of_trace);
    properties.trace_name(name.or_else(|| title.cloned()));
    if let Some(turn) = turns.last() {
        properties.states(turn, recording);
    }
    let answer = turns.iter().rev().find_map(|turn| turn.answer());
    properties.content(names::OUTPUT_STATE, recording.outputs(), || answer);
    properties.insert(names::INPUT_STATE, prompt);
    properties.insert_some(names::SESSION_TITLE, title);
    if let Some(whole) = &session.whole {
        operations::of_whole(&mut properties, whole, recording);
    }
    properties.totals(totals);
    if !is_first {
        return properties;
    }
    let skipped = session.skipped();
    properties.count(names::BROKEN_LINE_COUNT, skipped.broken);
    properties.count(names::UNKNOWN_LINE_COUNT, skipped.unknown);
    properties.count(names::OVERSIZED_LINE_COUNT, skipped.oversized);
    properties.count(names::UNTIMED_LINE_COUNT, skipped.untimed);
    properties.list(names::DERIVED_FROM_SESSIONS, &session.lineage.derived_from);
    let continued_in = session.lineage.continued_in.as_ref();
    properties.insert_some(names::CONTINUED_IN_SESSION, continued_in);
    if session.is_cut_off {
        properties.insert(names::CUT_OFF, true);
    }
    properties
}

/// Request parameters. If inputs are not recorded, only values that cannot hold content.
fn parameters(generation: &Generation, recording: Recording) -> Properties<'_> {
    let known = &generation.parameters;
    let mut parameters = Properties::default();
    parameters.insert_some("max_tokens", known.max_tokens);
    parameters.insert_some("effort", known.effort.as_ref());
    parameters.insert_some("thinking", known.thinking.as_ref());
    parameters.insert_some("service_tier", known.service_tier.as_ref());
    parameters.insert_some("speed", known.speed.as_ref());
    parameters.insert_some("inference_geo", known.region.as_ref());
    parameters.extend(Properties::from(known.others.clone()));
    if recording.inputs() {
        return parameters;
    }
    let values = parameters
        .into_iter()
        .map(|(name, value)| (name, value.into_value()));
    let plain = values.filter_map(plain::parameter);
    let mut parameters = Properties::default();
    parameters.extend(plain.map(|(name, value)| (name, value.into())));
    parameters
}

/// The name of a stop reason that PostHog uses for all providers.
fn stop_reason(reason: &StopReason) -> &str {
    match reason {
        StopReason::Finished => "stop",
        StopReason::ToolCalls => "tool_calls",
        StopReason::Length => "length",
        StopReason::Aborted => "aborted",
        StopReason::Other(reason) => reason,
    }
}

/// Seconds with microsecond precision. Negative durations, from a clock that was set back, count as
/// zero.
pub(super) fn seconds(time: TimeDelta) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "microseconds of a session fit 2^53"
    )]
    let microseconds = time.num_microseconds().unwrap_or(0).max(0) as f64;
    microseconds / 1_000_000.0
}
