//! The state of a scan: secrets found ahead of its position, and detectors that need not run again.

use std::cell::Cell;
use std::collections::VecDeque;

use crate::redact::names::keys::KnownNames;
use crate::redact::rules::Rule;
use crate::redact::rules::matching::Secret;
use crate::redact::syntax::programs::Program;
use crate::redact::text::repetition::Repetition;

/// The state of one scan.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) pending: Pending,
    pub(crate) reached: Reached,
    pub(crate) names: KnownNames,
    pub(crate) barren: Barren,
    pub(crate) repetition: Repetition,
    /// Programs whose arguments were read, and the positions up to which they were.
    called: Vec<(&'static Program, usize)>,
}

/// Secrets found ahead of the position of the scan, from left to right: cells of a table, fields of
/// an object, arguments of a command.
#[derive(Default)]
pub(crate) struct Pending(VecDeque<Secret>);

impl Pending {
    /// Forgets secrets that begin before `from`.
    pub(crate) fn restart(&mut self, from: usize) {
        while self.0.front().is_some_and(|it| it.start < from) {
            self.0.pop_front();
        }
    }

    pub(crate) fn first(&self) -> Option<Secret> {
        self.0.front().copied()
    }

    fn add(&mut self, found: impl Iterator<Item = Secret>) {
        self.0.extend(found);
        self.0.make_contiguous().sort_by_key(|it| it.start);
    }

    fn cover(&self, at: usize) -> bool {
        let mut begun = self.0.iter().take_while(|it| it.start <= at);
        begun.any(|it| at < it.end)
    }
}

impl Memory {
    /// Whether the last detector ran to its end, within the text that repetitions compare.
    pub(crate) fn is_complete(&self) -> bool {
        !self.reached.partial.take() && self.pending.0.is_empty()
    }

    /// Adds secrets that lie ahead of the position of the scan.
    pub(crate) fn announce(&mut self, found: impl Iterator<Item = Secret>) {
        self.pending.add(found);
    }

    /// Remembers that the arguments of a program were read up to `end`. The same name before that
    /// position is an argument itself.
    pub(crate) fn call(&mut self, program: &'static Program, end: usize) {
        self.called
            .retain(|(other, _)| !std::ptr::eq(*other, program));
        self.called.push((program, end));
    }

    pub(crate) fn is_argument(&self, program: &'static Program, at: usize) -> bool {
        let mut called = self.called.iter();
        let is_argument = called.any(|(other, end)| std::ptr::eq(*other, program) && at < *end);
        self.reached
            .partial
            .set(self.reached.partial.get() | is_argument);
        is_argument
    }

    /// Whether the position is inside a secret found ahead.
    pub(crate) fn is_announced(&self, at: usize) -> bool {
        self.pending.cover(at)
    }
}

/// Long runs in which a rule did not match. Hostile text of nothing but its anchor would otherwise
/// be read to its end from each of them.
#[derive(Default)]
pub(crate) struct Barren(Vec<(&'static Rule, usize)>);

impl Barren {
    const LONG: usize = 1024;

    pub(crate) fn covers(&self, rule: &'static Rule, at: usize) -> bool {
        self.0
            .iter()
            .any(|(other, end)| std::ptr::eq(*other, rule) && at < *end)
    }

    pub(crate) fn remember(&mut self, rule: &'static Rule, at: usize, reached: usize) {
        if reached > at + Self::LONG {
            self.0.retain(|(other, _)| !std::ptr::eq(*other, rule));
            self.0.push((rule, reached));
        }
    }
}

/// The position up to which each kind of look read far and found nothing. Hostile text of nothing
/// but beginnings would otherwise be read to its end from each of them.
#[derive(Default)]
pub(crate) struct Reached {
    far: [usize; 7],
    /// A look was skipped, or read farther than repetitions compare.
    partial: Cell<bool>,
}

/// Looks that may read far.
#[derive(Clone, Copy)]
pub(crate) enum Look {
    Value,
    Json,
    Table,
    Command,
    Hash,
    Call,
    Statement,
}

impl Reached {
    const LONG: usize = 128;

    pub(crate) fn covers(&self, look: Look, at: usize) -> bool {
        let covered = at < self.far[look as usize];
        if covered {
            self.partial.set(true);
        }
        covered
    }

    pub(crate) fn remember(&mut self, look: Look, at: usize, reached: usize) {
        if reached > at + Self::LONG {
            self.far[look as usize] = reached;
        }
        if Repetition::is_beyond(at, reached) {
            self.partial.set(true);
        }
    }
}
