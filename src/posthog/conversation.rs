//! The input of each call of one conversation, call after call.

use std::sync::Arc;

use super::json::Json;
use super::{InputScope, Recording, chat};
use crate::session::{Generation, Message, Role, Setup};

/// The state of a conversation after the calls that were mapped so far.
#[derive(Debug)]
pub(super) struct Conversation<'a> {
    scope: InputScope,
    recording: Recording,
    /// Setups already sent; an identical one is not sent again.
    sent: Vec<&'a Arc<Setup>>,
    /// The current system prompt; empty if unknown.
    system: Vec<Json<'a>>,
    /// New messages of a failed call, which the next call may be given again.
    failed: Vec<Json<'a>>,
    /// All messages so far; kept only if they are sent with every call.
    said: Vec<Json<'a>>,
}

/// The input of a call in PostHog's format. Empty if inputs are not recorded.
#[derive(Debug, Default)]
pub(super) struct GivenToCall<'a> {
    /// `$ai_input`.
    pub(super) messages: Vec<Json<'a>>,
    /// `$ai_tools`, if the set of offered tools changed.
    pub(super) tools: Option<Json<'a>>,
}

impl<'a> Conversation<'a> {
    pub(super) const fn new(scope: InputScope, recording: Recording) -> Self {
        Self {
            scope,
            recording,
            sent: Vec::new(),
            system: Vec::new(),
            failed: Vec::new(),
            said: Vec::new(),
        }
    }

    /// The input of the next call.
    pub(super) fn next(&mut self, generation: &'a Generation) -> GivenToCall<'a> {
        if !self.recording.inputs() {
            return GivenToCall::default();
        }
        let setup = generation.setup.as_ref();
        let is_sent = |setup: &&Arc<Setup>| self.sent.iter().any(|sent| Arc::ptr_eq(sent, setup));
        let new = setup.filter(|setup| !is_sent(setup));
        self.sent.extend(new);
        let tools = new.map(|setup| &setup.tools);
        let tools = tools.filter(|tools| !tools.is_empty());
        let system = match self.scope {
            InputScope::New => new.map_or_else(Vec::new, |setup| self.system_of(setup)),
            InputScope::Full => {
                if let Some(setup) = setup {
                    self.system = self.system_of(setup);
                }
                self.system.clone()
            }
        };
        let messages = match self.scope {
            InputScope::New => self.messages(&mut generation.input.iter()),
            InputScope::Full => self.everything(generation),
        };
        GivenToCall {
            messages: system.into_iter().chain(messages).collect(),
            tools: tools.map(|tools| Json::List(tools.iter().map(Json::from).collect())),
        }
    }

    /// The complete input of a call: as the agent recorded it, otherwise the earlier messages
    /// followed by the new ones.
    fn everything(&mut self, generation: &'a Generation) -> Vec<Json<'a>> {
        if let Some(whole) = &generation.whole_input {
            self.said = self.messages(&mut whole.iter().map(Arc::as_ref));
        } else {
            if generation.begins_anew {
                self.said.clear();
            }
            let mut new = self.messages(&mut generation.input.iter());
            if new.starts_with(&self.failed) {
                new.drain(..self.failed.len());
            }
            self.failed.clear();
            if generation.error.is_some() {
                self.failed.clone_from(&new);
            }
            self.said.extend(new);
        }
        let given = self.said.clone();
        if generation.error.is_none() && generation.label.is_none() {
            let answer = chat::messages(Role::Assistant, &generation.output, self.recording);
            self.said.extend(answer);
        }
        given
    }

    fn messages(&self, messages: &mut dyn Iterator<Item = &'a Message>) -> Vec<Json<'a>> {
        messages
            .flat_map(|message| chat::messages(message.role, &message.content, self.recording))
            .collect()
    }

    fn system_of(&self, setup: &'a Setup) -> Vec<Json<'a>> {
        chat::messages(Role::System, &setup.system, self.recording)
    }
}
