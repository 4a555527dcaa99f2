//! Prompts that were typed while the agent worked.
//!
//! They wait in a queue, of which lines tell. What is taken out of it to be said to the model at
//! once stands in an attachment too; before 2.1.81 often nowhere else.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};

use super::wire::Line;
use crate::sources::lenient::{Text, payload};

/// See the module's documentation.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: VecDeque<String>,
    /// What was said to the model, as far as no other line told it.
    said: Vec<Said>,
}

/// A prompt that was said to the model, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) text: String,
    pub(super) at: DateTime<Utc>,
}

impl Queue {
    /// Takes notice of a `queue-operation` line.
    pub(super) fn happened(&mut self, line: &Line<'_>, at: DateTime<Utc>) {
        let text: Option<Text<'_>> = payload(line.content);
        let text = text.map(|text| text.0.into_owned());
        let named = text.clone().filter(|text| !text.trim().is_empty());
        match line.operation.as_ref().map(Text::as_str) {
            Some("enqueue") => self.waiting.push_back(text.unwrap_or_default()),
            // A line of its own follows.
            Some("dequeue") => {
                self.leave(named);
            }
            Some("remove") => {
                let text = self.leave(named);
                let text = text.filter(|text| !text.trim().is_empty());
                self.said.extend(text.map(|text| Said { text, at }));
            }
            // Given back to whoever typed it.
            Some("popAll") => self.waiting.clear(),
            _ => {}
        }
    }

    /// Takes the prompt out of the queue that the line names, else the one that waits longest. One
    /// that is named was said, even where no line told that it waited.
    fn leave(&mut self, named: Option<String>) -> Option<String> {
        let Some(named) = named else {
            return self.waiting.pop_front();
        };
        let is_named = |text: &String| text.trim() == named.trim();
        let place = self.waiting.iter().position(is_named);
        place
            .and_then(|place| self.waiting.remove(place))
            .or(Some(named))
    }

    /// Another line tells what was said.
    pub(super) fn is_told(&mut self, text: &str) {
        self.said.retain(|said| said.text.trim() != text.trim());
    }

    /// What was said, and no other line told.
    pub(super) fn take(&mut self) -> Vec<Said> {
        std::mem::take(&mut self.said)
    }

    /// Whether nothing depends on what was read before.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.said.is_empty()
    }
}
