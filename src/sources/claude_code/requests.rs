//! Records of requests, which recent versions write: messages, system prompt, tools and parameters.
//!
//! A request names its messages by hash, as a list: how many it keeps of an earlier request, and
//! which follow. The messages that a call added are those after the beginning which its list shares
//! with that of the call before. Records that are missing or damaged only cost the exact input of
//! that call.

use std::collections::{HashMap, HashSet};
use std::mem;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::content::{LineFacts, blocks};
use super::kinds::LineKind;
use super::lists::{List, Lists};
use super::messages::{MessageHash, Messages, Speaker, Spot};
use super::tool_result::ToolUseResult;
use super::wire::{self, Line};
use crate::session::{
    Block, Circumstances, InputScope, Message, Parameters, RequestMessages, Setup,
};
use crate::sources::lenient::{Text, payload};
use crate::sources::times::parse_time;

/// Parameters without content.
const OTHER_PARAMETERS: [&str; 6] = [
    "temperature",
    "top_p",
    "top_k",
    "betas",
    "context_management",
    "tool_choice",
];

/// The request records of the current file.
#[derive(Debug)]
pub(super) struct Requests {
    /// How much of the inputs to read; `None` when no content is wanted.
    scope: Option<InputScope>,
    messages: Messages,
    lists: Lists,
    known: HashMap<String, Request>,
    /// The last request, until it is answered.
    open: Option<String>,
    /// The last answered call: its request and its list of messages.
    answered: Option<(String, List)>,
    /// Whether a response with an unknown request followed it.
    is_unsure: bool,
    shapes: HashMap<String, Shape>,
    /// Ids of tool calls in responses.
    calls: HashSet<String>,
    /// Messages that were read, if the whole input of every call is wanted.
    cache: HashMap<MessageHash, Arc<Message>>,
    is_part: bool,
    lacks_earlier: bool,
}

#[derive(Debug)]
struct Request {
    at: DateTime<Utc>,
    parameters: Parameters,
    model: Option<String>,
    /// Its messages; `None` when the record is damaged.
    list: Option<List>,
    /// Number of messages that the record names itself.
    named: usize,
    shape: Option<String>,
    is_answered: bool,
}

#[derive(Debug)]
struct Shape {
    spot: Spot,
    setup: Option<Arc<Setup>>,
}

/// Facts about the request of a call.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// When it was sent, if the response names it.
    pub(super) at: Option<DateTime<Utc>>,
    pub(super) parameters: Parameters,
    /// The requested model.
    pub(super) model: Option<String>,
    /// Its messages; `None` when they have to be determined from the lines before.
    pub(super) given: Option<RequestMessages>,
    /// The system prompt and tools.
    pub(super) setup: Option<Arc<Setup>>,
}

/// An `assistant` line whose request is wanted.
pub(super) struct Answer<'a> {
    pub(super) line: &'a Line<'a>,
    pub(super) is_error: bool,
    pub(super) at: DateTime<Utc>,
    pub(super) circumstances: &'a Arc<Circumstances>,
    pub(super) blocks: &'a [Block],
}

/// The state of the records at a place, from which a later reading continues.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct RequestState {
    request: String,
    list: List,
    /// The first message of the list.
    first: Option<MessageHash>,
    /// The response to the request.
    answers: Vec<MessageHash>,
}

impl Requests {
    pub(super) fn new(scope: Option<InputScope>) -> Self {
        Self {
            scope,
            messages: Messages::default(),
            lists: Lists::default(),
            known: HashMap::new(),
            open: None,
            answered: None,
            is_unsure: false,
            shapes: HashMap::new(),
            calls: HashSet::new(),
            cache: HashMap::new(),
            is_part: false,
            lacks_earlier: false,
        }
    }

    /// Begins a file, from its start or from `place`.
    pub(super) fn begin(&mut self, path: &Path, is_part: bool, place: Option<&RequestState>) {
        *self = Self {
            messages: Messages::of(path),
            is_part,
            lacks_earlier: self.lacks_earlier,
            ..Self::new(self.scope)
        };
        if let Some(place) = place {
            self.answered = Some((place.request.clone(), place.list));
            if let Some(first) = place.first {
                self.lists.begins(place.list, first);
            }
            for answer in &place.answers {
                self.messages.answered(*answer);
            }
        }
    }

    /// Whether the part needs messages from before its start.
    pub(super) const fn lacks_earlier(&self) -> bool {
        self.lacks_earlier
    }

    /// The current state; `None` when the records do not determine it.
    pub(super) fn place(&mut self) -> Option<RequestState> {
        self.scope.filter(|_| !self.is_unsure)?;
        let nothing = || (String::new(), List::EMPTY);
        let (request, list) = self.answered.clone().unwrap_or_else(nothing);
        Some(RequestState {
            request,
            list,
            first: self.lists.beginning(list),
            answers: self.messages.answers(),
        })
    }

    /// Processes a line.
    pub(super) fn saw(&mut self, line: &Line<'_>, spot: Spot) {
        let hash = |text: &Option<Text<'_>>| MessageHash::parse(text.as_ref()?.as_str());
        match line.kind {
            LineKind::ApiRequest => self.request(line),
            _ if self.scope.is_none() => {}
            LineKind::User => self.messages.said(Speaker::User, spot),
            LineKind::Assistant => self.messages.said(speaker(line), spot),
            LineKind::ApiRequestBlob => {
                if let Some(hash) = hash(&line.hash) {
                    self.messages.written(hash, spot);
                }
            }
            LineKind::ApiRequestShape => {
                if let Some(hash) = &line.shape_hash {
                    let shape = Shape { spot, setup: None };
                    self.shapes.insert(hash.as_str().to_owned(), shape);
                }
            }
            _ => {}
        }
    }

    fn request(&mut self, line: &Line<'_>) {
        let at = line.timestamp.as_ref();
        let at = at.and_then(|at| parse_time(at.as_str()));
        let (Some(id), Some(at)) = (&line.id, at) else {
            return;
        };
        let (list, named) = match self.scope.and_then(|_| self.list(line)) {
            Some((list, named)) => (Some(list), named),
            None => (None, 0),
        };
        if self.scope.is_some() {
            self.messages.find_said();
        }
        let params: Map<String, Value> = payload(line.params).unwrap_or_default();
        let model = params.get("model").and_then(Value::as_str);
        let request = Request {
            at,
            model: model.map(str::to_owned),
            parameters: parameters(params),
            list,
            named,
            shape: line.shape_hash.as_ref().map(|it| it.as_str().to_owned()),
            is_answered: false,
        };
        self.known.insert(id.as_str().to_owned(), request);
        self.open = Some(id.as_str().to_owned());
    }

    /// The list of a request, and the number of messages that its line names.
    fn list(&mut self, line: &Line<'_>) -> Option<(List, usize)> {
        let tail: Vec<Text<'_>> = payload(line.tail)?;
        let beginning = match &line.base {
            None => List::EMPTY,
            Some(base) => {
                let keep: u32 = payload(line.keep)?;
                let keep = usize::try_from(keep).ok()?;
                let known = self.list_of(base.as_str());
                let known = known.and_then(|list| self.lists.first(list, keep));
                known.unwrap_or_else(|| List::unknown(keep, base.as_str()))
            }
        };
        let mut list = beginning;
        for hash in &tail {
            list = self
                .lists
                .extended(list, MessageHash::parse(hash.as_str())?);
        }
        Some((list, tail.len()))
    }

    fn list_of(&self, request: &str) -> Option<List> {
        match &self.answered {
            Some((answered, list)) if answered == request => Some(*list),
            _ => self.known.get(request)?.list,
        }
    }

    /// The request of a call. A failed call names none: its request is the last one before it.
    pub(super) fn answer(&mut self, answer: &Answer<'_>) -> Asked {
        let asked = self.asked(answer);
        self.is_unsure |= asked.is_none() && !answer.is_error;
        let calls = calls_of(answer.blocks).map(str::to_owned);
        self.calls.extend(calls);
        asked.unwrap_or_default()
    }

    fn asked(&mut self, answer: &Answer<'_>) -> Option<Asked> {
        let named = answer.line.request_ref.as_ref().map(Text::as_str);
        let failed = self.open.take_if(|_| answer.is_error);
        let id = named.map(str::to_owned).or(failed)?;
        let request = self.known.get_mut(&id)?;
        let is_new = !request.is_answered;
        request.is_answered = true;
        let mut asked = Asked {
            at: named.map(|_| request.at),
            // Needed by the first line of a response only.
            parameters: mem::take(&mut request.parameters),
            model: request.model.clone(),
            ..Asked::default()
        };
        let (list, tail, shape) = (request.list, request.named, request.shape.clone());
        if is_new && let Some(scope) = self.scope {
            asked.setup = shape.and_then(|shape| self.setup(&shape, answer));
            asked.given = list.and_then(|list| self.given(list, tail, scope, answer));
            // The next call receives the input of a failed one again.
            if !answer.is_error {
                self.is_unsure = list.is_none();
                if let Some(list) = list {
                    self.answered = Some((id, list));
                }
                self.messages.forget_said();
            }
        }
        self.open = None;
        Some(asked)
    }

    fn given(
        &mut self,
        list: List,
        tail: usize,
        scope: InputScope,
        answer: &Answer<'_>,
    ) -> Option<RequestMessages> {
        let Some(added) = self.added(list, tail) else {
            self.lacks_earlier |= self.is_part;
            return None;
        };
        let mut new = Vec::new();
        for hash in added {
            if self.messages.is_response(hash) {
                continue;
            }
            let Some(message) = self.messages.read(hash, &answer.facts()) else {
                self.lacks_earlier |= self.is_part;
                return None;
            };
            // A response may have been divided into other parts than its lines.
            let is_response = calls_of(&message.content).any(|id| self.calls.contains(id));
            if !message.content.is_empty() && !is_response {
                new.push(message);
            }
        }
        let whole = match scope {
            InputScope::New => None,
            InputScope::Full => self.whole(list, answer),
        };
        Some(RequestMessages { new, whole })
    }

    /// Messages of a request that the call before it did not have and that are not its response.
    fn added(&self, list: List, tail: usize) -> Option<Vec<MessageHash>> {
        let of_tail = || {
            let kept = self.lists.first(list, list.length() - tail)?;
            self.lists.since(list, kept)
        };
        let mut added = match &self.answered {
            Some((_, earlier)) if self.is_part => self.lists.since(list, *earlier),
            Some((_, earlier)) => self.lists.since(list, *earlier).or_else(of_tail),
            None if self.is_part => None,
            None => of_tail(),
        }?;
        if self.is_unsure {
            // A fork, an update, or a lost record: messages before the last response belong to
            // calls without records.
            let is_response = |hash: &MessageHash| self.messages.is_response(*hash);
            let old = added.iter().rposition(is_response);
            added.drain(..old.map_or(0, |last| last + 1));
        }
        Some(added)
    }

    /// All messages of a request.
    fn whole(&mut self, list: List, answer: &Answer<'_>) -> Option<Vec<Arc<Message>>> {
        let mut whole = Vec::new();
        for hash in self.lists.since(list, List::EMPTY)? {
            let known = self.cache.get(&hash).cloned();
            let read = || self.messages.read(hash, &answer.facts()).map(Arc::new);
            let message = known.or_else(read)?;
            self.cache.insert(hash, Arc::clone(&message));
            whole.push(message);
        }
        whole.retain(|message| !message.content.is_empty());
        Some(whole)
    }

    /// System prompt and tools; `None` when they were written before the part that is read.
    fn setup(&mut self, shape: &str, answer: &Answer<'_>) -> Option<Arc<Setup>> {
        let shape = self.shapes.get_mut(shape)?;
        if shape.setup.is_none() {
            let setup = self.messages.at(shape.spot, |object| {
                let line: Line<'_> = payload(Some(object))?;
                let shape: wire::Shape<'_> = payload(line.shape)?;
                Some(Setup {
                    system: blocks(&shape.system, &answer.facts()),
                    tools: payload(shape.tools).unwrap_or_default(),
                })
            });
            shape.setup = setup.map(Arc::new);
        }
        shape.setup.clone()
    }
}

impl Answer<'_> {
    fn facts(&self) -> LineFacts<'_> {
        static NO_TOOL: ToolUseResult = ToolUseResult::NONE;
        LineFacts {
            at: self.at,
            is_untimed: false,
            circumstances: self.circumstances,
            tool: &NO_TOOL,
            permission: None,
            keeps_content: true,
        }
    }
}

fn calls_of(blocks: &[Block]) -> impl Iterator<Item = &str> {
    blocks.iter().filter_map(|block| match block {
        Block::ToolCall(call) => Some(call.id.as_str()),
        _ => None,
    })
}

fn speaker(line: &Line<'_>) -> Speaker {
    let message = line.message.as_ref();
    let is_agent = |message: &wire::Message<'_>| message.model.is_none() || message.is_synthetic();
    if message.is_none_or(is_agent) {
        return Speaker::Agent;
    }
    let id = message.and_then(|message| message.id.as_ref());
    let id = [id, line.request_id.as_ref()].map(|id| id.map_or("", Text::as_str));
    Speaker::Model(id.join(" "))
}

/// The known parameters of a request.
fn parameters(mut sent: Map<String, Value>) -> Parameters {
    let config = sent.get("output_config");
    let effort = config.and_then(|config| config.get("effort"));
    let others = OTHER_PARAMETERS.iter().filter_map(|name| {
        let value = sent.get(*name)?;
        Some(((*name).to_owned(), value.clone()))
    });
    Parameters {
        max_tokens: sent.get("max_tokens").and_then(Value::as_u64),
        effort: effort.and_then(Value::as_str).map(str::to_owned),
        others: others.collect(),
        thinking: sent.remove("thinking"),
        ..Parameters::default()
    }
}
