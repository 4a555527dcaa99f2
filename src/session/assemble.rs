//! Puts a session together from its lines, in the order in which they were written.
//!
//! A state machine without I/O. A source says what each line means; the assembler merges the
//! parts of a response by its id, whatever stands between them, gives every response to the
//! last prompt before it, joins results to their calls and subagents to the calls that started
//! them. One id is one response, however many files hold a copy of it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::mem;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::family::{Caller, Family};
use super::parts::{ResponsePart, Thread, TurnStart};
use super::responses::{Piece, Responses, Stand};
use super::results::Results;
use super::{
    Advice, Agent, Block, ByModel, Earlier, Generation, Incidents, Message, Oddities, Parameters,
    Retries, Session, Statement, Subagent, Timing, ToolCall, Trigger, Turn,
};

/// An agent that knows why a response stopped writes the rest of it at once, though not in one
/// piece.
const SURELY_WRITTEN: TimeDelta = TimeDelta::seconds(10);

/// See the module's documentation.
#[derive(Debug)]
pub struct Assembler {
    agent: Agent,
    earlier: Earlier,
    repeats_earlier: bool,
    span: Option<(DateTime<Utc>, DateTime<Utc>)>,
    title: Option<String>,
    is_closed: bool,
    is_cut_off: bool,
    turns: Vec<Turn>,
    before_turns: Incidents,
    /// How many turns had begun when the main conversation had its last response.
    answered: usize,
    /// Turns that hold responses seen before: history that was written again.
    repeated: HashSet<String>,
    drafts: Vec<Draft>,
    responses: Responses,
    threads: HashMap<Thread, ThreadState>,
    results: Results,
    agents: BTreeMap<String, AgentNote>,
    oddities: Oddities,
    statements: Vec<Statement>,
}

/// A response that is being put together.
#[derive(Debug)]
struct Draft {
    generation: Generation,
    thread: Thread,
    turn: usize,
    /// The calls of other models that it took.
    advisors: Vec<Advice>,
}

#[derive(Debug, Default)]
struct ThreadState {
    /// What was said since the last response began.
    pending: Vec<Message>,
    /// Whether what was said before that was summed up.
    begins_anew: bool,
    /// The response whose parts are being written.
    current: Option<usize>,
}

#[derive(Debug, Default)]
struct AgentNote {
    kind: Option<String>,
    call: Option<String>,
    /// The response that holds the call, where that is told.
    caller: Option<usize>,
    is_internal: bool,
}

impl Assembler {
    /// Begins a session, or goes on after the part that `earlier` sums up.
    #[must_use]
    pub fn new(agent: Agent, earlier: Earlier) -> Self {
        let title = earlier.title.clone();
        Self {
            agent,
            earlier,
            repeats_earlier: false,
            span: None,
            title,
            is_closed: false,
            is_cut_off: false,
            turns: Vec::new(),
            before_turns: Incidents::default(),
            answered: 0,
            repeated: HashSet::new(),
            drafts: Vec::new(),
            responses: Responses::default(),
            threads: HashMap::new(),
            results: Results::default(),
            agents: BTreeMap::new(),
            oddities: Oddities::default(),
            statements: Vec::new(),
        }
    }

    /// A line was written at this time, whatever it says. The first line begins the session.
    pub fn saw(&mut self, at: DateTime<Utc>) {
        self.span = Some(match self.span {
            None => (at, at),
            Some((first, last)) => (first, last.max(at)),
        });
    }

    /// The title of the session; the last one counts.
    pub fn title(&mut self, title: String) {
        self.title = Some(title);
    }

    /// The agent wrote that the session ended. What is said afterwards opens it again.
    pub const fn close(&mut self) {
        self.is_closed = true;
    }

    /// The last line of the main conversation is half a line.
    pub const fn cut_off(&mut self) {
        self.is_cut_off = true;
    }

    /// The agent wrote down what it used since it began to keep books.
    pub fn statement(&mut self, since: Option<DateTime<Utc>>, used: ByModel) {
        if let Some((_, at)) = self.span {
            self.statements.push(Statement { since, at, used });
        }
    }

    /// How many statements there were.
    #[must_use]
    pub const fn statements(&self) -> usize {
        self.statements.len()
    }

    /// Counts of what could not be used.
    pub const fn oddities(&mut self) -> &mut Oddities {
        &mut self.oddities
    }

    /// A prompt begins a turn, and its identity is the answer. A prompt that was seen before begins
    /// nothing; another one with the same identity is given one of its own.
    pub fn turn(&mut self, mut start: TurnStart) -> String {
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
        // Whether it is the same one, only a reading from the start can tell.
        self.repeats_earlier |= self.earlier.knows_turn(&start.id);
        let id = start.id.clone();
        let main = self.threads.get(&Thread::Main);
        if let Some(current) = main.and_then(|state| state.current) {
            self.drafts[current].generation.complete = true;
        }
        if !self.earlier.is_empty() {
            // It was counted when the turn before this one was read.
            self.before_turns = Incidents::default();
        }
        self.turns.push(Turn {
            id: start.id,
            trigger: start.trigger,
            prompt: start.prompt,
            started_at: start.at,
            ended_at: start.at,
            circumstances: start.circumstances,
            generations: Vec::new(),
            stray_subagents: Vec::new(),
            incidents: mem::take(&mut self.before_turns),
        });
        id
    }

    /// Something happened between the calls: it belongs to the turn that has begun. A copied
    /// session may begin with what happened before its first turn.
    pub fn incidents(&mut self) -> &mut Incidents {
        match self.turns.last_mut() {
            Some(turn) => &mut turn.incidents,
            None => &mut self.before_turns,
        }
    }

    /// How many turns have begun.
    #[must_use]
    pub const fn turns(&self) -> usize {
        self.turns.len()
    }

    /// Something was said to the model: a prompt, context, results of tools.
    pub fn input(&mut self, thread: Thread, message: Message) {
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

    /// What was said in a conversation so far is summed up for the next call.
    pub fn sum_up(&mut self, thread: &Thread) {
        self.threads.entry(thread.clone()).or_default().begins_anew = true;
    }

    /// Whether something was said in a conversation that no response has answered yet.
    #[must_use]
    pub fn is_waiting(&self, thread: &Thread) -> bool {
        let state = self.threads.get(thread);
        state.is_some_and(|state| !state.pending.is_empty())
    }

    /// The coding agent started this subagent for its own ends.
    pub fn internal_agent(&mut self, id: &str) {
        self.agents.entry(id.to_owned()).or_default().is_internal = true;
    }

    /// What is known of a subagent: its type, and the call that started it. The first word
    /// counts.
    pub fn agent(&mut self, id: &str, kind: Option<String>, call: Option<String>) {
        let caller = call.as_ref().and_then(|call| self.results.caller(call));
        let note = self.agents.entry(id.to_owned()).or_default();
        note.kind = note.kind.take().or(kind);
        if note.call.is_none() || note.call == call {
            note.caller = note.caller.or(caller);
            note.call = call.or_else(|| note.call.take());
        }
    }

    /// The time of the last line so far.
    #[must_use]
    pub fn last_seen(&self) -> Option<DateTime<Utc>> {
        self.span.map(|(_, last)| last)
    }

    /// Whether a response of the earlier part came up again: what is new in it cannot be told, and
    /// the session has to be read from its start.
    #[must_use]
    pub const fn repeats_earlier(&self) -> bool {
        self.repeats_earlier
    }

    /// A part of a response.
    pub fn response(&mut self, part: ResponsePart) {
        self.is_closed &= part.thread != Thread::Main;
        let state = self.threads.get(&part.thread);
        let drafts = &self.drafts;
        let repeats = |index: usize| {
            let known = &drafts[index].generation.output;
            let mut blocks = part.blocks.iter();
            blocks.all(|block| known.iter().any(|known| same_block(known, block)))
        };
        let stand = Stand {
            current: state.and_then(|state| state.current),
            is_waiting: state.is_some_and(|state| !state.pending.is_empty()),
            repeats: &repeats,
        };
        let piece = Piece::of(&part);
        if let Some(index) = self.responses.find(&piece, &stand) {
            self.responses.go_on(index, &piece);
            self.continue_response(index, part);
        } else {
            let name = self.responses.name(&piece);
            self.repeats_earlier |= self.earlier.knows(&name);
            self.responses.begin(&name, &piece);
            self.begin_response(name, part);
        }
    }

    fn begin_response(&mut self, id: String, part: ResponsePart) {
        let turn = self.turn_for(&id, &part);
        if part.thread == Thread::Main {
            self.answered = self.turns.len();
        }
        let index = self.drafts.len();
        let state = self.threads.entry(part.thread.clone()).or_default();
        let previous = state.current.replace(index);
        // What a failed call was given, the next one is given again.
        let input = if part.error.is_some() {
            state.pending.clone()
        } else {
            mem::take(&mut state.pending)
        };
        let begins_anew = mem::take(&mut state.begins_anew);
        if let Some(previous) = previous {
            self.drafts[previous].generation.complete = true;
        }
        self.drafts.push(Draft {
            turn,
            thread: part.thread,
            advisors: part.advisors,
            generation: Generation {
                id,
                is_copy: false,
                model: part.model,
                provider: part.provider.into(),
                usage: part.usage.unwrap_or_default(),
                cost: None,
                started_at: part.requested_at.unwrap_or(part.at).min(part.at),
                timing: if part.is_untimed || part.requested_at.is_none() {
                    Timing::Unknown
                } else {
                    Timing::Known
                },
                first_token_at: part
                    .began_at
                    .filter(|at| part.requested_at.is_some_and(|sent| sent <= *at)),
                ended_at: part.at,
                retries: part.retries,
                complete: part.error.is_some(),
                stop_reason: part.stop_reason,
                input,
                whole_input: None,
                begins_anew,
                setup: part.setup,
                output: part.blocks,
                parameters: part.parameters,
                lacks_usage: part.usage.is_none() && part.error.is_none(),
                label: None,
                error: part.error,
                circumstances: part.circumstances,
            },
        });
        self.note_calls(index);
        self.return_early_results(index);
        if let Some(mut given) = part.given {
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

    /// The result of a call can stand before the call: it answers this response and is input of
    /// the next one.
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
        let thread = self.threads.get(&part.thread);
        let known = &self.drafts[index].generation.output;
        let is_known = |block: &Block| known.iter().any(|known| same_block(known, block));
        // History that is written again repeats responses, at once or much later.
        let is_copy = thread.and_then(|state| state.current) != Some(index)
            || (!part.blocks.is_empty() && part.blocks.iter().all(is_known));
        let new: Vec<bool> = part.blocks.iter().map(|block| !is_known(block)).collect();
        if is_copy {
            self.is_repeated(&part.thread);
        }
        let generation = &mut self.drafts[index].generation;
        for (block, is_new) in part.blocks.into_iter().zip(new) {
            if is_new {
                generation.output.push(block);
            }
        }
        if let Some(usage) = part.usage
            && usage.output >= generation.usage.output
        {
            generation.usage = usage;
            generation.lacks_usage = false;
            self.drafts[index].advisors = part.advisors;
        }
        let generation = &mut self.drafts[index].generation;
        if !is_copy {
            generation.ended_at = generation.ended_at.max(part.at);
        }
        generation.stop_reason = part.stop_reason.or_else(|| generation.stop_reason.take());
        generation.model = generation.model.take().or(part.model);
        self.note_calls(index);
        if !is_copy {
            self.return_early_results(index);
        }
    }

    /// The lines before a repeated response are repetitions too, back to the response before it.
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

    /// The turn of a response is the last one that began before it, in the order of the file.
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

    /// The session as far as it was read. `None` when no line had a time: then there was nothing.
    #[must_use]
    pub fn finish(mut self, id: String) -> Option<Session> {
        let (started_at, ended_at) = self.span?;
        if self.earlier.is_empty() {
            self.oddities.results_without_call = self.results.without_call();
        }
        for draft in &mut self.drafts {
            let generation = &mut draft.generation;
            generation.complete |=
                generation.stop_reason.is_some() && generation.ended_at + SURELY_WRITTEN < ended_at;
        }
        let lacking = self.drafts.iter();
        let lacking = lacking.filter(|draft| draft.generation.lacks_usage);
        self.oddities.responses_without_usage = lacking.count() as u64;
        let mut family = self.join_results();
        self.attach_main(&mut family);
        self.attach_strays(family);
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
            is_closed: self.is_closed,
            is_cut_off: self.is_cut_off,
            title: self.title,
            turns: self.turns,
            statements: self.statements,
            earlier: self.earlier,
            goes_on: false,
            oddities: self.oddities,
        })
    }

    /// Gives every call its result and sorts the drafts of subagents out, by agent.
    fn join_results(&mut self) -> Family {
        let mut main = Vec::new();
        let mut agents: BTreeMap<String, Vec<Generation>> = BTreeMap::new();
        let mut names = Vec::new();
        for (index, mut draft) in mem::take(&mut self.drafts).into_iter().enumerate() {
            for block in &mut draft.generation.output {
                if let Block::ToolCall(call) = block {
                    call.result = self.results.of(index, &call.id).map(Arc::clone);
                }
            }
            names.push(draft.generation.id.clone());
            let generations = draft.advice().into_iter().chain([draft.generation]);
            match draft.thread {
                Thread::Main => main.extend(generations.map(|it| (draft.turn, it))),
                Thread::Agent(id) => agents.entry(id).or_default().extend(generations),
            }
        }
        let mut by_call: HashMap<Caller, Vec<Subagent>> = HashMap::new();
        let mut strays = Vec::new();
        for (id, generations) in agents {
            let note = self.agents.remove(&id).unwrap_or_default();
            let subagent = Subagent {
                id,
                kind: note.kind,
                is_internal: note.is_internal,
                generations,
            };
            match note.call {
                Some(call) => {
                    let response = note.caller.map(|index| names[index].clone());
                    let caller = Caller { call, response };
                    by_call.entry(caller).or_default().push(subagent);
                }
                None => strays.push(subagent),
            }
        }
        Family {
            main,
            by_call,
            strays,
        }
    }

    fn attach_main(&mut self, family: &mut Family) {
        for (turn, mut generation) in mem::take(&mut family.main) {
            family.adopt(&mut generation);
            let turn = &mut self.turns[turn];
            turn.ended_at = turn.ended_at.max(generation.ended_at);
            for call in generation.tool_calls() {
                if let Some(result) = &call.result {
                    turn.ended_at = turn.ended_at.max(result.returned_at);
                }
            }
            turn.generations.push(generation);
        }
    }

    /// Subagents whose call is in no line hang under the turn in which they began.
    fn attach_strays(&mut self, mut family: Family) {
        loop {
            let stray = match family.strays.pop() {
                Some(stray) => stray,
                None => match family.take_any() {
                    Some(orphan) => orphan,
                    None => break,
                },
            };
            let mut stray = stray;
            for generation in &mut stray.generations {
                family.adopt(generation);
            }
            let Some(first) = stray.generations.first() else {
                continue;
            };
            let turn = self
                .turns
                .iter()
                .rposition(|turn| turn.started_at <= first.started_at);
            if self.turns.is_empty() {
                self.turn(TurnStart {
                    id: stray.id.clone(),
                    trigger: Trigger::Unknown,
                    prompt: String::new(),
                    at: first.started_at,
                    circumstances: Arc::clone(&first.circumstances),
                });
            }
            let turn = &mut self.turns[turn.unwrap_or(0)];
            if stray.is_internal {
                let ends = stray
                    .generations
                    .iter()
                    .map(|generation| generation.ended_at);
                turn.ended_at = ends.fold(turn.ended_at, DateTime::max);
            }
            turn.stray_subagents.push(stray);
        }
        for turn in &mut self.turns {
            turn.stray_subagents.sort_by(|a, b| a.id.cmp(&b.id));
        }
    }
}

impl Draft {
    /// The calls of other models that the response took.
    fn advice(&self) -> Vec<Generation> {
        let generation = &self.generation;
        let each = self.advisors.iter().zip(1_u64..);
        let each = each.map(|(advice, number)| Generation {
            id: format!("{}\u{1e}advisor {number}", generation.id),
            model: advice.model.clone(),
            usage: advice.usage,
            first_token_at: None,
            retries: Retries::default(),
            stop_reason: Some("end_turn".to_owned()),
            input: Vec::new(),
            whole_input: None,
            begins_anew: false,
            setup: None,
            output: Vec::new(),
            parameters: Parameters::default(),
            label: Some("advisor"),
            lacks_usage: false,
            timing: Timing::Unknown,
            ..generation.clone()
        });
        each.collect()
    }
}

pub(super) fn same_block(a: &Block, b: &Block) -> bool {
    match (a, b) {
        (Block::ToolCall(a), Block::ToolCall(b)) => same_call(a, b),
        (Block::Text(a), Block::Text(b))
        | (Block::Report(a), Block::Report(b))
        | (Block::Thinking(a), Block::Thinking(b)) => a == b,
        (Block::Other(a), Block::Other(b)) => a == b,
        _ => false,
    }
}

fn same_call(a: &ToolCall, b: &ToolCall) -> bool {
    a.id == b.id
}
