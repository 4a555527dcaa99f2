//! Maps a session to events: one generation per response, one span per tool call and turn, one
//! trace per session or prompt.

use std::collections::HashSet;

use chrono::TimeDelta;
use uuid::Uuid;

use super::conversation::{Conversation, GivenToCall};
use super::envelope::{self, Content, Position};
use super::kinds;
use super::operations;
use super::session_trace::SessionTrace;
use super::settings::{Frozen, Grouping, Settings};
use super::{Event, EventName, Foreign, ids};
use crate::session::{
    CallKind, Circumstances, Generation, Operation, Session, SessionState, Subagent, Timing,
    ToolCall, Totals, Turn, Unlisted,
};

static UNKNOWN: Circumstances = Circumstances::UNKNOWN;

/// Passes the events of a session to `emit`, except those that are `foreign`.
pub fn map<'a>(
    session: &'a Session,
    settings: &'a Settings,
    state: SessionState,
    foreign: &Foreign,
    emit: &mut dyn FnMut(Event<'a>),
) {
    let mut mapper = Mapper {
        session,
        settings,
        state,
        foreign,
        tools: HashSet::new(),
        emit,
    };
    let mut conversation = mapper.conversation();
    let has_response = |turn: &Turn| !turn.generations.is_empty();
    let answered = session.turns.iter().rposition(has_response).unwrap_or(0);
    let turns = session.turns.iter().enumerate();
    let own = turns.filter(|(_, turn)| turn.is_shown(&|generation| mapper.owns(generation)));
    let traces = SessionTrace::split(session, own, settings.frozen.session_window);
    for trace in &traces {
        for (index, turn) in &trace.turns {
            mapper.turn(turn, trace.id, *index >= answered, &mut conversation);
        }
    }
    let books = session.reconcile(&|generation| mapper.owns(generation));
    let mut unlisted = books.unlisted;
    // While a session runs, lines may follow for calls that the books already count.
    unlisted.retain(|unlisted| state == SessionState::Ended || session.has_turn_after(unlisted.at));
    let own: Vec<&Turn> = traces.iter().flat_map(SessionTrace::turns).collect();
    for unlisted in &unlisted {
        mapper.unlisted(unlisted, &own);
    }
    let is_homeless = own.is_empty() && !unlisted.is_empty();
    let has_trace = match settings.frozen.grouping {
        Grouping::Session => is_homeless || !own.is_empty() || !session.earlier.is_empty(),
        Grouping::Message => is_homeless,
    };
    if has_trace && !session.is_part {
        let [first, later @ ..] = traces.as_slice() else {
            return;
        };
        mapper.session_trace(first, &unlisted, later.is_empty());
        for trace in later {
            mapper.session_trace(trace, &[], false);
        }
    }
}

/// All identities that a session claims, for looking up their owners.
#[must_use]
pub fn claims(session: &Session) -> Vec<Uuid> {
    let mut claims = Vec::new();
    let generations = session.all_generations();
    for generation in generations.into_iter().filter(|it| !it.is_copy) {
        claims.push(ids::call(session.agent, generation));
        claims.extend(ids::reported(session.agent, generation));
        claims.extend(
            generation
                .tool_calls()
                .map(|call| ids::tool_of(session.agent, &session.key, generation, call)),
        );
    }
    claims
}

/// The identities under which other sources report calls of a session: see [`ids::elsewhere`].
#[must_use]
pub fn elsewhere(session: &Session) -> Vec<Uuid> {
    let generations = session.all_generations().into_iter();
    generations
        .flat_map(|it| ids::elsewhere(session.agent, it))
        .collect()
}

/// Further identities of the calls of a session, each with the identity of its event: see
/// [`ids::aliases`].
#[must_use]
pub fn aliases(session: &Session) -> Vec<(Uuid, Uuid)> {
    let generations = session.all_generations().into_iter();
    let own = generations.filter(|it| !it.is_copy);
    own.flat_map(|it| {
        let event = ids::call(session.agent, it);
        ids::aliases(session.agent, it).map(move |alias| (event, alias))
    })
    .collect()
}

/// `$ai_span_id` of a turn, the parent of its calls. With session grouping and without spans of
/// turns, it is that of the trace.
#[must_use]
pub fn turn_span(session: &Session, turn: &Turn, frozen: &Frozen) -> String {
    parent_of(session, turn, frozen).unwrap_or_else(|| session.key.clone())
}

/// The span or trace of a turn; `None` if it has neither.
fn parent_of(session: &Session, turn: &Turn, frozen: &Frozen) -> Option<String> {
    match frozen.grouping {
        Grouping::Message => Some(turn.id.clone()),
        Grouping::Session if frozen.turn_spans => {
            Some(ids::turn(session.agent, &session.key, &turn.id).to_string())
        }
        Grouping::Session => None,
    }
}

struct Mapper<'a, 'm> {
    session: &'a Session,
    settings: &'a Settings,
    state: SessionState,
    foreign: &'m Foreign,
    /// Tool calls that already have a span: one call may be in two responses.
    tools: HashSet<Uuid>,
    emit: &'m mut dyn FnMut(Event<'a>),
}

impl<'a> Mapper<'a, '_> {
    fn owns(&self, generation: &Generation) -> bool {
        !generation.is_copy && !self.foreign.has(self.session.agent, generation)
    }

    /// A conversation before its first call.
    const fn conversation(&self) -> Conversation<'a> {
        Conversation::new(self.settings.input_scope, self.settings.recording)
    }

    /// Maps a turn. `session_trace` is the trace of the turn with session grouping.
    fn turn(
        &mut self,
        turn: &'a Turn,
        session_trace: &str,
        is_latest: bool,
        conversation: &mut Conversation<'a>,
    ) {
        let frozen = &self.settings.frozen;
        let trace = match frozen.grouping {
            Grouping::Message => turn.id.clone(),
            Grouping::Session => session_trace.to_owned(),
        };
        let parent = parent_of(self.session, turn, frozen).unwrap_or_else(|| trace.clone());
        let is_running = self.state == SessionState::Running;
        let may_grow = is_running && (is_latest || !turn.is_settled());
        // A prompt without an answer may turn out to be a repetition.
        let may_vanish = may_grow && turn.generations.is_empty();
        match frozen.grouping {
            Grouping::Message if !may_vanish => self.turn_trace(turn),
            Grouping::Session if frozen.turn_spans && !may_grow => {
                self.turn_span(turn, session_trace);
            }
            Grouping::Message | Grouping::Session => {}
        }
        let is_recorded = kinds::records_prompt(turn, self.settings.recording);
        let position = Position {
            trace: &trace,
            parent: &parent,
            prompt: if is_recorded { &turn.prompt } else { "" },
            continues: !is_latest,
            subagent: None,
            kind: None,
        };
        self.generations(&turn.generations, position, conversation);
        for operation in &turn.operations {
            self.operation(operation, position);
        }
        for subagent in &turn.stray_subagents {
            // The call of this subagent may still appear.
            if subagent.is_internal || !is_running {
                self.subagent(subagent, position);
            }
        }
    }

    fn subagent(&mut self, subagent: &'a Subagent, position: Position<'_, 'a>) {
        let kind = subagent.kind.as_deref().or(position.kind);
        self.generations(
            &subagent.generations,
            Position {
                continues: false,
                subagent: Some(subagent),
                kind,
                ..position
            },
            &mut self.conversation(),
        );
    }

    fn generations(
        &mut self,
        generations: &'a [Generation],
        position: Position<'_, 'a>,
        conversation: &mut Conversation<'a>,
    ) {
        let last = generations.len().saturating_sub(1);
        for (index, generation) in generations.iter().enumerate() {
            let continues = position.continues || index < last;
            let given = conversation.next(generation);
            let uuid = ids::call(self.session.agent, generation);
            let is_settled = generation.complete || self.state == SessionState::Ended;
            if is_settled && self.owns(generation) {
                self.generation(generation, uuid, given, position);
            }
            let id = match &generation.traced {
                Some(traced) => traced.span.clone(),
                None => uuid.to_string(),
            };
            let agent = self.session.agent;
            for call in generation.tool_calls() {
                if call.is_unreported() {
                    continue;
                }
                let is_settled = call.is_settled() || self.state == SessionState::Ended;
                let tool = ids::tool_of(agent, &self.session.key, generation, call);
                let is_own = !generation.is_copy
                    && !self.foreign.contains(tool)
                    && !self.foreign.is_reported_elsewhere(agent, generation);
                if is_settled && is_own && self.tools.insert(tool) {
                    self.tool(
                        call,
                        tool,
                        Position {
                            parent: &id,
                            continues,
                            ..position
                        },
                    );
                }
                // Without a result, another call may still prove to have started the subagent, and
                // the result may say how long its tools waited.
                let is_caller = call.result.is_some() || self.state == SessionState::Ended;
                let id = tool.to_string();
                for subagent in &call.subagents {
                    if is_caller || subagent.is_internal {
                        self.subagent(
                            subagent,
                            Position {
                                parent: &id,
                                ..position
                            },
                        );
                    }
                }
            }
        }
    }

    /// A duration, if the lines of the transcript have times.
    fn timed(&self, time: TimeDelta) -> Option<TimeDelta> {
        (self.session.timing == Timing::Known).then_some(time)
    }

    fn generation(
        &mut self,
        generation: &'a Generation,
        uuid: Uuid,
        given: GivenToCall<'a>,
        position: Position<'_, 'a>,
    ) {
        let recording = self.settings.recording;
        self.emit(
            position,
            Content {
                name: match generation.kind {
                    CallKind::Chat => EventName::Generation,
                    CallKind::Embedding => EventName::Embedding,
                },
                uuid,
                traced: generation.traced.as_ref(),
                ended_at: generation.ended_at,
                latency: match generation.timing {
                    Timing::Known => Some(generation.ended_at - generation.started_at),
                    Timing::Unknown => None,
                },
                circumstances: &generation.circumstances,
                properties: kinds::of_generation(generation, position.prompt, given, recording),
            },
        );
    }

    fn tool(&mut self, call: &'a ToolCall, uuid: Uuid, position: Position<'_, 'a>) {
        self.emit(
            position,
            Content {
                name: EventName::Span,
                uuid,
                traced: call.traced.as_ref(),
                ended_at: call
                    .result
                    .as_ref()
                    .map_or(call.called_at, |result| result.returned_at),
                latency: call.time.latency(),
                circumstances: &call.circumstances,
                properties: kinds::of_tool(call, position.continues, self.settings.recording),
            },
        );
    }

    fn operation(&mut self, operation: &'a Operation, position: Position<'_, 'a>) {
        let session = self.session;
        let length = operation.ended_at - operation.started_at;
        self.emit(
            position,
            Content {
                name: EventName::Span,
                uuid: ids::operation(session.agent, &session.key, &operation.traced.span),
                traced: Some(&operation.traced),
                ended_at: operation.ended_at,
                latency: (operation.timing == Timing::Known).then_some(length),
                circumstances: &operation.circumstances,
                properties: operations::of_operation(operation, self.settings.recording),
            },
        );
    }

    fn turn_span(&mut self, turn: &'a Turn, trace: &str) {
        let session = self.session.key.as_str();
        let position = Position::at(trace, trace);
        self.emit(
            position,
            Content {
                name: EventName::Span,
                uuid: ids::turn(self.session.agent, session, &turn.id),
                traced: None,
                ended_at: turn.ended_at,
                latency: self.timed(turn.ended_at - turn.started_at),
                circumstances: &turn.circumstances,
                properties: kinds::of_turn(turn, self.settings.recording),
            },
        );
    }

    fn turn_trace(&mut self, turn: &'a Turn) {
        let mut totals = Totals::default();
        totals.add_turn(turn, &|generation| self.owns(generation));
        let position = Position::at(&turn.id, "");
        self.emit(
            position,
            Content {
                name: EventName::Trace,
                uuid: ids::turn_trace(self.session.agent, &self.session.key, &turn.id),
                traced: None,
                ended_at: turn.started_at,
                latency: self.timed(turn.ended_at - turn.started_at),
                circumstances: &turn.circumstances,
                properties: kinds::of_turn_trace(turn, &totals, self.settings.recording),
            },
        );
    }

    /// The first trace of a session describes the session, later ones only their own turns.
    fn session_trace(&mut self, trace: &SessionTrace<'a>, unlisted: &[Unlisted], is_only: bool) {
        let session = self.session;
        let is_first = trace.id == session.key;
        let own: Vec<&'a Turn> = trace.turns().collect();
        let mut totals = session.earlier.totals.clone();
        for turn in &own {
            totals.add_turn(turn, &|generation| self.owns(generation));
        }
        for unlisted in unlisted {
            totals.add_unlisted(unlisted);
        }
        let position = Position::at(trace.id, "");
        let started_at = match own.first() {
            Some(turn) if !is_first => turn.started_at,
            _ => session.started_at,
        };
        let ended_at = own.iter().map(|turn| turn.ended_at).max();
        let ended_at = ended_at.filter(|_| !is_only).unwrap_or(session.ended_at);
        let uuid = if is_first {
            ids::session_trace(session.agent, &session.key)
        } else {
            ids::turn_trace(session.agent, &session.key, trace.id)
        };
        let recording = self.settings.recording;
        self.emit(
            position,
            Content {
                name: EventName::Trace,
                uuid,
                traced: None,
                ended_at: started_at,
                latency: self.timed(ended_at - started_at),
                circumstances: own.last().map_or(&UNKNOWN, |turn| &turn.circumstances),
                properties: kinds::of_session(session, &own, is_first, &totals, recording),
            },
        );
    }

    /// Usage that only the agent's books show belongs to the trace of the time it was recorded.
    fn unlisted(&mut self, unlisted: &Unlisted, own: &[&'a Turn]) {
        let session = self.session;
        let turn = own.iter().rev().find(|turn| turn.started_at <= unlisted.at);
        let turn = turn.or_else(|| own.first());
        let trace = match (self.settings.frozen.grouping, turn) {
            (Grouping::Message, Some(turn)) => &turn.id,
            _ => &session.key,
        };
        let (agent, statement) = (session.agent, unlisted.statement);
        self.emit(
            Position::at(trace, trace),
            Content {
                name: EventName::Generation,
                uuid: ids::unlisted(agent, &session.key, statement, &unlisted.model),
                traced: None,
                ended_at: unlisted.at,
                latency: None,
                circumstances: turn.map_or(&UNKNOWN, |turn| &turn.circumstances),
                properties: kinds::of_unlisted(unlisted, agent.as_str(), self.settings.recording),
            },
        );
    }

    fn emit(&mut self, position: Position<'_, 'a>, content: Content<'a>) {
        (self.emit)(envelope::event(
            self.session,
            self.settings,
            position,
            content,
        ));
    }
}

#[cfg(test)]
mod tests;
