//! Walks over the tree of a session.

use super::root::Session;
use super::tree::{Generation, Subagent};
use super::turn::Turn;

impl Session {
    /// Every generation at any depth, in tree order.
    #[must_use]
    pub fn all_generations(&self) -> Vec<&Generation> {
        self.turns.iter().flat_map(Turn::all_generations).collect()
    }
}

impl Turn {
    /// Every generation of the turn at any depth, in tree order.
    #[must_use]
    pub fn all_generations(&self) -> Vec<&Generation> {
        let mut walk = Walk::default();
        walk.turn(self);
        walk.generations
    }

    /// Every subagent of the turn at any depth, with the call that started it.
    #[must_use]
    pub fn all_subagents(&self) -> Vec<(Option<&str>, &Subagent)> {
        let mut walk = Walk::default();
        walk.turn(self);
        walk.subagents
    }
}

#[derive(Default)]
struct Walk<'a> {
    generations: Vec<&'a Generation>,
    subagents: Vec<(Option<&'a str>, &'a Subagent)>,
}

impl<'a> Walk<'a> {
    fn turn(&mut self, turn: &'a Turn) {
        self.generations(&turn.generations);
        for subagent in &turn.stray_subagents {
            self.subagent(None, subagent);
        }
    }

    fn generations(&mut self, generations: &'a [Generation]) {
        for generation in generations {
            self.generations.push(generation);
            for call in generation.tool_calls() {
                for subagent in &call.subagents {
                    self.subagent(Some(&call.id), subagent);
                }
            }
        }
    }

    fn subagent(&mut self, call: Option<&'a str>, subagent: &'a Subagent) {
        self.subagents.push((call, subagent));
        self.generations(&subagent.generations);
    }
}
