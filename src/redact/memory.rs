//! What one scan remembers: secrets announced ahead, and looks that need not be repeated.

use std::cell::Cell;
use std::collections::VecDeque;

use super::keys::KnownNames;
use super::matching::Finding;
use super::programs::Program;
use super::repetition::Repetition;
use super::rules::Rule;

/// The state of one scan.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) pending: Pending,
    pub(super) reached: Reached,
    pub(super) names: KnownNames,
    pub(super) barren: Barren,
    pub(super) repetition: Repetition,
    /// Programs whose arguments were read, and how far.
    called: Vec<(&'static Program, usize)>,
}

/// Secrets further on that something before them gave away: cells of a table, fields of an object,
/// arguments of a command. From left to right.
#[derive(Default)]
pub(super) struct Pending(VecDeque<Finding>);

impl Pending {
    /// Forgets what begins before `from`.
    pub(super) fn restart(&mut self, from: usize) {
        while self.0.front().is_some_and(|it| it.start < from) {
            self.0.pop_front();
        }
    }

    pub(super) fn first(&self) -> Option<Finding> {
        self.0.front().copied()
    }

    fn add(&mut self, found: impl Iterator<Item = Finding>) {
        self.0.extend(found);
        self.0.make_contiguous().sort_by_key(|it| it.start);
    }

    fn cover(&self, at: usize) -> bool {
        let mut begun = self.0.iter().take_while(|it| it.start <= at);
        begun.any(|it| at < it.end)
    }
}

impl Memory {
    /// Whether the last look went as far as it had to, and no farther than repetitions are compared.
    pub(super) fn is_complete(&self) -> bool {
        !self.reached.partial.take() && self.pending.0.is_empty()
    }

    /// These are secrets, too, but are not what the scan comes to next.
    pub(super) fn announce(&mut self, found: impl Iterator<Item = Finding>) {
        self.pending.add(found);
    }

    /// The arguments of this program were read as far as `end`: the same name among them is one of
    /// them, and no secret behind it is new.
    pub(super) fn call(&mut self, program: &'static Program, end: usize) {
        self.called
            .retain(|(other, _)| !std::ptr::eq(*other, program));
        self.called.push((program, end));
    }

    pub(super) fn is_argument(&self, program: &'static Program, at: usize) -> bool {
        let mut called = self.called.iter();
        let is_argument = called.any(|(other, end)| std::ptr::eq(*other, program) && at < *end);
        self.reached
            .partial
            .set(self.reached.partial.get() | is_argument);
        is_argument
    }

    /// Whether what stands at `at` is part of a secret that was announced.
    pub(super) fn is_announced(&self, at: usize) -> bool {
        self.pending.cover(at)
    }
}

/// Long runs that a rule followed in vain. A text of nothing but its anchor would
/// otherwise be followed to the end from every one of them.
#[derive(Default)]
pub(super) struct Barren(Vec<(&'static Rule, usize)>);

impl Barren {
    const LONG: usize = 1024;

    pub(super) fn covers(&self, rule: &'static Rule, at: usize) -> bool {
        self.0
            .iter()
            .any(|(other, end)| std::ptr::eq(*other, rule) && at < *end)
    }

    pub(super) fn remember(&mut self, rule: &'static Rule, at: usize, reached: usize) {
        if reached > at + Self::LONG {
            self.0.retain(|(other, _)| !std::ptr::eq(*other, rule));
            self.0.push((rule, reached));
        }
    }
}

/// How far each kind of look went in vain that went far. A text of nothing but beginnings would
/// otherwise be read to the end from every one of them.
#[derive(Default)]
pub(super) struct Reached {
    far: [usize; 7],
    /// A look was left out, or went farther than repetitions are compared.
    partial: Cell<bool>,
}

/// Looks that may go far.
#[derive(Clone, Copy)]
pub(super) enum Look {
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

    pub(super) fn covers(&self, look: Look, at: usize) -> bool {
        let covered = at < self.far[look as usize];
        if covered {
            self.partial.set(true);
        }
        covered
    }

    pub(super) fn remember(&mut self, look: Look, at: usize, reached: usize) {
        if reached > at + Self::LONG {
            self.far[look as usize] = reached;
        }
        if Repetition::is_beyond(at, reached) {
            self.partial.set(true);
        }
    }
}
