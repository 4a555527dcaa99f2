//! Puts a session together from its lines, in the order in which they were written.
//!
//! A state machine without I/O. The source says what each line means; the assembler merges the
//! parts of a response, whatever is between them, gives every response to the last prompt before
//! it, and adds results and subagents to their calls. One id is one response, however many files
//! contain a copy of it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::mem;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::draft::Draft;
use super::family::{AgentNote, Family};
use super::parts::{ResponsePart, Thread, TurnStart};
use super::responses::{PartFacts, Responses, ThreadFacts};
use super::results::Results;
use crate::session::{
    Agent, Block, ByModel, Earlier, Incidents, Lineage, Message, Oddities, RecordedTimes, Session,
    Sighting, Statement, TaskReport, Timing, Trigger, Turn, UsageReport, Worked,
};
use crate::sources::output_count::output_count;

/// Time after which a response with a stop reason is complete: the agent writes the rest of it at
/// once, though in several lines.
const SURELY_WRITTEN: TimeDelta = TimeDelta::seconds(10);

/// Assembles a session.
#[derive(Debug)]
pub(in crate::sources::claude_code) struct Assembler {
    agent: Agent,
    earlier: Earlier,
    repeats_earlier: bool,
    span: Option<(DateTime<Utc>, DateTime<Utc>)>,
    timing: Timing,
    title: Option<String>,
    lineage: Lineage,
    is_closed: bool,
    is_cut_off: bool,
    turns: Vec<Turn>,
    before_turns: Incidents,
    /// Number of turns at the last response of the main conversation.
    answered: usize,
    /// Turns with repeated responses: history that was written again.
    repeated: HashSet<String>,
    /// Turns that began between two parts of a response of an earlier turn.
    amid_response: HashSet<String>,
    drafts: Vec<Draft>,
    responses: Responses,
    threads: HashMap<Thread, ThreadState>,
    results: Results,
    agents: BTreeMap<String, AgentNote>,
    oddities: Oddities,
    statements: Vec<Statement>,
    recorded: RecordedTimes,
}

#[derive(Debug, Default)]
struct ThreadState {
    /// Messages since the last response began.
    pending: Vec<Message>,
    /// Whether the messages before these were summarised.
    begins_anew: bool,
    /// Index of the response that is being written.
    current: Option<usize>,
    /// Indices of the responses that may have more parts, including that one.
    open: Vec<usize>,
}

impl Assembler {
    /// Begins a session, or continues after the part that `earlier` summarises.
    #[must_use]
    pub(in crate::sources::claude_code) fn new(agent: Agent, earlier: Earlier) -> Self {
        let title = earlier.title.clone();
        let lineage = earlier.lineage.clone();
        Self {
            agent,
            earlier,
            repeats_earlier: false,
            span: None,
            timing: Timing::Known,
            title,
            lineage,
            is_closed: false,
            is_cut_off: false,
            turns: Vec::new(),
            before_turns: Incidents::default(),
            answered: 0,
            repeated: HashSet::new(),
            amid_response: HashSet::new(),
            drafts: Vec::new(),
            responses: Responses::default(),
            threads: HashMap::new(),
            results: Results::default(),
            agents: BTreeMap::new(),
            oddities: Oddities::default(),
            statements: Vec::new(),
            recorded: RecordedTimes::default(),
        }
    }

    /// Processes the time of a line. The first one begins the session.
    pub(in crate::sources::claude_code) fn saw(&mut self, at: DateTime<Utc>) {
        self.span = Some(match self.span {
            None => (at, at),
            Some((first, last)) => (first, last.max(at)),
        });
    }

    /// Sets the start of a session whose lines have no time so far, as well as it is known
    /// otherwise.
    pub(in crate::sources::claude_code) fn began_by(&mut self, at: Option<DateTime<Utc>>) {
        self.span = at.map(|at| (at, at));
        self.timing = Timing::Unknown;
    }

    /// Sets the title of the session; the last one counts.
    pub(in crate::sources::claude_code) fn title(&mut self, title: String) {
        self.title = Some(title);
    }

    /// The sessions that this one was derived from and continued in.
    pub(in crate::sources::claude_code) const fn lineage(&mut self) -> &mut Lineage {
        &mut self.lineage
    }

    /// Marks the session as ended. Later messages open it again.
    pub(in crate::sources::claude_code) const fn close(&mut self) {
        self.is_closed = true;
    }

    /// Marks the last line of the main conversation as incomplete.
    pub(in crate::sources::claude_code) const fn cut_off(&mut self) {
        self.is_cut_off = true;
    }

    /// Adds a statement of the agent's books.
    pub(in crate::sources::claude_code) fn statement(
        &mut self,
        since: Option<DateTime<Utc>>,
        used: ByModel,
    ) {
        if let Some((_, at)) = self.span {
            self.statements.push(Statement { since, at, used });
        }
    }

    /// Adds a record of the agent's working time.
    pub(in crate::sources::claude_code) fn worked(&mut self, worked: Worked) {
        self.recorded.worked.push(worked);
    }

    /// Sets the time since which the agent has been working, if a record of it may still follow.
    pub(in crate::sources::claude_code) const fn working_since(
        &mut self,
        since: Option<DateTime<Utc>>,
    ) {
        self.recorded.working_since = since;
    }

    /// Processes a line between a call and its result. The last value counts. Lines after the
    /// result are ignored: they may be read later than the call was sent.
    pub(in crate::sources::claude_code) fn sighted(&mut self, call: &str, sighting: Sighting) {
        if self.results.latest(call).is_some() {
            return;
        }
        let known = self.recorded.sightings.entry(call.to_owned()).or_default();
        known.waiting_at = sighting.waiting_at.or(known.waiting_at);
        known.began_at = sighting.began_at.or(known.began_at);
    }

    /// Adds the report of a background task. The first report counts.
    pub(in crate::sources::claude_code) fn task_ended(&mut self, report: TaskReport) {
        let reports = &mut self.recorded.reports;
        reports.entry(report.task.clone()).or_insert(report);
    }

    /// Number of statements.
    #[must_use]
    pub(in crate::sources::claude_code) const fn statements(&self) -> usize {
        self.statements.len()
    }

    /// Counts of unusable lines.
    pub(in crate::sources::claude_code) const fn oddities(&mut self) -> &mut Oddities {
        &mut self.oddities
    }

    /// Begins a turn with a prompt, and returns its identity. A repeated prompt begins nothing;
    /// another prompt with the same identity gets one of its own.
    pub(in crate::sources::claude_code) fn turn(&mut self, mut start: TurnStart) -> String {
        while let Some(known) = self.turns.iter().find(|turn| turn.id == start.id) {
            if known.started_at == start.at && known.prompt == start.prompt {
                return start.id;
            }
            if known.started_at == start.at || start.id.ends_with('+') {
                start.id.push('+');
            } else {
                start.id = format!("{}:{}+", start.id, start.at.timestamp_millis());
            }
        }
        // Only a reading from the start can show whether it is the same prompt.
        self.repeats_earlier |= self.earlier.knows_turn(&start.id);
        let id = start.id.clone();
        if !self.earlier.is_empty() {
            // They were counted with the turn before this one.
            self.before_turns = Incidents::default();
        }
        let mut turn = Turn::from(start);
        turn.incidents = mem::take(&mut self.before_turns);
        self.turns.push(turn);
        id
    }

    /// The incidents of the current turn. A copied session may begin with incidents before its
    /// first turn.
    pub(in crate::sources::claude_code) fn incidents(&mut self) -> &mut Incidents {
        match self.turns.last_mut() {
            Some(turn) => &mut turn.incidents,
            None => &mut self.before_turns,
        }
    }

    /// Number of turns.
    #[must_use]
    pub(in crate::sources::claude_code) const fn turns(&self) -> usize {
        self.turns.len()
    }

    /// Adds a message to the model: a prompt, context, or results of tools.
    pub(in crate::sources::claude_code) fn input(&mut self, thread: Thread, message: Message) {
        for block in &message.content {
            if let Block::ToolResult { call_id, result } = block {
                self.results.returned(call_id, result);
            }
        }
        self.is_closed &= thread != Thread::Main;
        self.threads
            .entry(thread)
            .or_default()
            .pending
            .push(message);
    }

    /// Marks the messages of a conversation so far as summarised for the next call.
    pub(in crate::sources::claude_code) fn sum_up(&mut self, thread: &Thread) {
        self.threads.entry(thread.clone()).or_default().begins_anew = true;
    }

    /// Whether a conversation has messages that no response has answered yet.
    #[must_use]
    pub(in crate::sources::claude_code) fn is_waiting(&self, thread: &Thread) -> bool {
        let state = self.threads.get(thread);
        state.is_some_and(|state| !state.pending.is_empty())
    }

    /// Marks a subagent as started by the coding agent for internal purposes.
    pub(in crate::sources::claude_code) fn internal_agent(&mut self, id: &str) {
        self.agents.entry(id.to_owned()).or_default().is_internal = true;
    }

    /// Adds the type of a subagent and the call that started it. The first value counts.
    pub(in crate::sources::claude_code) fn agent(
        &mut self,
        id: &str,
        kind: Option<String>,
        call: Option<String>,
    ) {
        let caller = call.as_ref().and_then(|call| self.results.caller(call));
        let note = self.agents.entry(id.to_owned()).or_default();
        note.kind = note.kind.take().or(kind);
        if note.call.is_none() || note.call == call {
            note.caller = note.caller.or(caller);
            note.call = call.or_else(|| note.call.take());
        }
    }

    /// Whether the call that started this subagent is known.
    #[must_use]
    pub(in crate::sources::claude_code) fn knows_caller(&self, agent: &str) -> bool {
        let note = self.agents.get(agent);
        note.is_some_and(|note| note.call.is_some())
    }

    /// Whether this call is known to have started a subagent.
    #[must_use]
    pub(in crate::sources::claude_code) fn has_agent(&self, call: &str) -> bool {
        let mut notes = self.agents.values();
        notes.any(|note| note.call.as_deref() == Some(call))
    }

    /// Time of the last line so far.
    #[must_use]
    pub(in crate::sources::claude_code) fn last_seen(&self) -> Option<DateTime<Utc>> {
        self.span.map(|(_, last)| last)
    }

    /// Whether a response of the earlier part was repeated: the new content of it cannot be
    /// determined, and the session has to be read from its start.
    #[must_use]
    pub(in crate::sources::claude_code) const fn repeats_earlier(&self) -> bool {
        self.repeats_earlier
    }

    /// Whether a turn began between two parts of a response of an earlier turn: a reading from there
    /// would take the later part for another response.
    #[must_use]
    pub(in crate::sources::claude_code) fn began_amid_response(&self, turn: &str) -> bool {
        self.amid_response.contains(turn)
    }

    /// Adds a part of a response.
    pub(in crate::sources::claude_code) fn response(&mut self, part: ResponsePart) {
        self.is_closed &= part.thread != Thread::Main;
        let state = self.threads.get(&part.thread);
        let drafts = &self.drafts;
        let repeats = |index: usize| drafts[index].holds(&part);
        let thread = ThreadFacts {
            current: state.and_then(|state| state.current),
            is_waiting: state.is_some_and(|state| !state.pending.is_empty()),
            repeats: &repeats,
        };
        let facts = PartFacts::of(&part, self.timing);
        if let Some(index) = self.responses.find(&facts, &thread) {
            self.responses.add_part(index, &facts);
            self.continue_response(index, part);
        } else {
            let name = self.responses.name(&facts);
            self.repeats_earlier |= self.earlier.knows(&name);
            self.responses.begin(&name, &facts);
            self.begin_response(name, part);
        }
    }

    fn begin_response(&mut self, id: String, mut part: ResponsePart) {
        let turn = self.turn_for(&id, &part);
        if part.thread == Thread::Main {
            self.answered = self.turns.len();
        }
        let index = self.drafts.len();
        let state = self.threads.entry(part.thread.clone()).or_default();
        state.current = Some(index);
        // A request after the last known part of a response shows that the response is complete.
        // Only then: two processes may write at once.
        let asked_at = part.requested_at;
        state.open.retain(|open| {
            let earlier = &mut self.drafts[*open].generation;
            earlier.complete |= asked_at.is_none_or(|asked| earlier.ended_at <= asked);
            !earlier.complete
        });
        state.open.push(index);
        // The next call receives the input of a failed one again.
        let input = if part.error.is_some() {
            state.pending.clone()
        } else {
            mem::take(&mut state.pending)
        };
        let begins_anew = mem::take(&mut state.begins_anew);
        let given = part.given.take();
        self.drafts
            .push(Draft::begin(id, turn, input, begins_anew, part));
        self.note_calls(index);
        self.return_early_results(index);
        if let Some(mut given) = given {
            given.share(&|call| self.results.latest(call));
            let generation = &mut self.drafts[index].generation;
            generation.input = given.new;
            generation.whole_input = given.whole;
        }
    }

    fn note_calls(&mut self, index: usize) {
        for call in self.drafts[index].generation.tool_calls() {
            self.results.called(index, &call.id);
        }
    }

    /// A result may come before its call: it answers this response and is input of the next one.
    fn return_early_results(&mut self, index: usize) {
        let Draft {
            generation, thread, ..
        } = &mut self.drafts[index];
        let answers = |block: &Block| match block {
            Block::ToolResult { call_id, .. } => self.results.came_early(index, call_id),
            _ => false,
        };
        let is_early = |message: &mut Message| message.content.iter().any(answers);
        let early: Vec<Message> = generation.input.extract_if(.., is_early).collect();
        if !early.is_empty() {
            let state = self.threads.entry(thread.clone()).or_default();
            state.pending.splice(0..0, early);
        }
    }

    fn continue_response(&mut self, index: usize, part: ResponsePart) {
        let state = self.threads.get(&part.thread);
        let is_current = state.and_then(|state| state.current) == Some(index);
        // History that is written again repeats responses, immediately or much later.
        let is_copy = !is_current || (!part.blocks.is_empty() && self.drafts[index].holds(&part));
        if is_copy {
            self.is_repeated(&part.thread);
        }
        if part.thread == Thread::Main {
            let since = self.turns.iter().skip(self.drafts[index].turn + 1);
            self.amid_response.extend(since.map(|turn| turn.id.clone()));
        }
        self.drafts[index].add_part(part, is_copy);
        self.note_calls(index);
        if !is_copy {
            self.return_early_results(index);
        }
    }

    /// Treats the lines before a repeated response, back to the response before it, as repetitions
    /// too.
    fn is_repeated(&mut self, thread: &Thread) {
        if let Some(state) = self.threads.get_mut(thread) {
            state.pending.clear();
        }
        if *thread == Thread::Main {
            let since = self.turns.iter().skip(self.answered);
            self.repeated.extend(since.map(|turn| turn.id.clone()));
            self.answered = self.turns.len();
        }
    }

    /// Index of the turn of a response: the last one that began before it, in the order of the
    /// file.
    fn turn_for(&mut self, id: &str, part: &ResponsePart) -> usize {
        if self.turns.is_empty() && part.thread == Thread::Main {
            self.turn(TurnStart {
                id: id.to_owned(),
                trigger: Trigger::Unknown,
                prompt: String::new(),
                at: part.requested_at.unwrap_or(part.at),
                circumstances: Arc::clone(&part.circumstances),
            });
        }
        self.turns.len().saturating_sub(1)
    }

    /// The session, as far as it was read; `None` when no line had a time.
    #[must_use]
    pub(in crate::sources::claude_code) fn finish(mut self, id: String) -> Option<Session> {
        let (started_at, ended_at) = self.span?;
        if self.earlier.is_empty() {
            self.oddities.results_without_call = self.results.without_call();
        }
        for draft in &mut self.drafts {
            let generation = &mut draft.generation;
            generation.complete |=
                generation.stop_reason.is_some() && generation.ended_at + SURELY_WRITTEN < ended_at;
            generation.output_count = output_count(generation);
        }
        let lacking = self.drafts.iter();
        let lacking = lacking.filter(|it| it.generation.usage_report == UsageReport::Missing);
        self.oddities.responses_without_usage = lacking.count() as u64;
        let drafts = mem::take(&mut self.drafts);
        let agents = mem::take(&mut self.agents);
        Family::of(drafts, &self.results, agents).join(&mut self.turns);
        self.recorded.settle(&mut self.turns);
        let repeated = mem::take(&mut self.repeated);
        self.turns.retain(|turn| {
            let is_empty = turn.generations.is_empty() && turn.stray_subagents.is_empty();
            !(is_empty && repeated.contains(&turn.id))
        });
        Some(Session {
            agent: self.agent,
            key: id.clone(),
            id,
            started_at: self.earlier.started_at.unwrap_or(started_at),
            ended_at: self
                .earlier
                .ended_at
                .map_or(ended_at, |earlier| earlier.max(ended_at)),
            timing: self.timing,
            is_closed: self.is_closed,
            is_cut_off: self.is_cut_off,
            title: self.title,
            whole: None,
            lineage: self.lineage,
            turns: self.turns,
            statements: self.statements,
            earlier: self.earlier,
            is_part: false,
            oddities: self.oddities,
        })
    }
}

#[cfg(test)]
mod tests;
