//! Prompts that were typed while the agent worked.
//!
//! They wait in a queue, which lines record. A prompt that is taken out to reach the model at once
//! is in an attachment too; before 2.1.81 often nowhere else.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};

use super::wire::Line;
use crate::sources::lenient::{Text, payload};

/// The queue of prompts.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: VecDeque<String>,
    /// Prompts that reached the model, as far as no other line contains them.
    said: Vec<Said>,
}

/// A prompt that reached the model, with its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) text: String,
    pub(super) at: DateTime<Utc>,
}

impl Queue {
    /// Processes a `queue-operation` line.
    pub(super) fn happened(&mut self, line: &Line<'_>, at: DateTime<Utc>) {
        let text: Option<Text<'_>> = payload(line.content);
        let text = text.map(|text| text.0.into_owned());
        let named = text.clone().filter(|text| !text.trim().is_empty());
        match line.operation.as_ref().map(Text::as_str) {
            Some("enqueue") => self.waiting.push_back(text.unwrap_or_default()),
            // A line of its own records the prompt that was taken out.
            Some("dequeue") => {
                self.leave(named);
            }
            Some("remove") => {
                let text = self.leave(named);
                let text = text.filter(|text| !text.trim().is_empty());
                self.said.extend(text.map(|text| Said { text, at }));
            }
            // The prompts return to the person who typed them.
            Some("popAll") => self.waiting.clear(),
            _ => {}
        }
    }

    /// Removes the prompt that the line names from the queue, or else the oldest one. A named
    /// prompt counts even if no line put it into the queue.
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

    /// Removes a prompt that another line contains.
    pub(super) fn is_told(&mut self, text: &str) {
        self.said.retain(|said| said.text.trim() != text.trim());
    }

    /// Takes the prompts that no other line contains.
    pub(super) fn take(&mut self) -> Vec<Said> {
        std::mem::take(&mut self.said)
    }

    /// Whether nothing depends on lines that were read before.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.said.is_empty()
    }
}
