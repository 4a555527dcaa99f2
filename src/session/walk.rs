//! Walks over the tree of a session.

use super::root::Session;
use super::tree::{Block, Generation, Subagent};
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

impl Session {
    /// Changes every generation at any depth, in tree order.
    pub fn change_generations(&mut self, change: &mut dyn FnMut(&mut Generation)) {
        for turn in &mut self.turns {
            change_all(&mut turn.generations, change);
            for subagent in &mut turn.stray_subagents {
                change_all(&mut subagent.generations, change);
            }
        }
    }
}

fn change_all(generations: &mut [Generation], change: &mut dyn FnMut(&mut Generation)) {
    for generation in generations {
        change(generation);
        for block in &mut generation.output {
            if let Block::ToolCall(call) = block {
                for subagent in &mut call.subagents {
                    change_all(&mut subagent.generations, change);
                }
            }
        }
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
