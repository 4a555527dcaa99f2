//! A response that is being assembled from its parts.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::parts::{Advice, ResponsePart, Thread};
use crate::session::{
    AGAIN, Block, CacheCounts, CallKind, Generation, Message, OutputCount, Parameters, Retries,
    StopReason, Timing, UsageReport, same_block,
};

/// A response that is being assembled from its parts.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) generation: Generation,
    pub(super) thread: Thread,
    /// Index of its turn.
    pub(super) turn: usize,
    /// Calls of other models within it.
    advisors: Vec<Advice>,
    /// See [`ResponsePart::unkept`].
    unkept: HashSet<u64>,
}

impl Draft {
    /// Begins a response with its first part. `input` are the messages since the response before
    /// it.
    pub(super) fn begin(
        id: String,
        turn: usize,
        input: Vec<Message>,
        begins_anew: bool,
        part: ResponsePart,
    ) -> Self {
        let began_at = part.requested_at.unwrap_or(part.at).min(part.at);
        let follows = |at: &DateTime<Utc>| part.requested_at.is_some_and(|sent| sent <= *at);
        let is_before = |sent: DateTime<Utc>| sent <= part.at;
        let is_timed = !part.is_untimed && part.requested_at.is_some_and(is_before);
        Self {
            turn,
            thread: part.thread,
            advisors: part.advisors,
            unkept: part.unkept.into_iter().collect(),
            generation: Generation {
                id,
                request: part.origin.request,
                kind: CallKind::Chat,
                response: part.origin.response,
                traced: None,
                cache_counts: CacheCounts::Apart,
                is_copy: false,
                model: part.model,
                provider: part.provider.map(str::to_owned),
                usage: part.usage.unwrap_or_default(),
                cost: None,
                started_at: began_at,
                timing: if is_timed {
                    Timing::Known
                } else {
                    Timing::Unknown
                },
                first_token_at: part.began_at.filter(follows),
                ended_at: part.at,
                retries: part.retries,
                complete: part.error.is_some(),
                stop_reason: part.stop_reason,
                input,
                whole_input: None,
                begins_anew,
                setup: part.setup,
                output: told_apart(part.blocks),
                parameters: part.parameters,
                output_count: OutputCount::Final,
                usage_report: match (&part.usage, &part.error) {
                    (None, None) => UsageReport::Missing,
                    _ => UsageReport::Present,
                },
                label: None,
                error: part.error,
                circumstances: part.circumstances,
            },
        }
    }

    /// Adds a part.
    pub(super) fn add_part(&mut self, part: ResponsePart, is_copy: bool) {
        let known = &self.generation.output;
        let is_new = |block: &Block| !known.iter().any(|known| same_block(known, block));
        // In a response that was written again only the ids of calls are the same.
        let is_known_by_name = |block: &Block| match block {
            Block::ToolCall(call) => {
                is_copy && self.generation.tool_calls().any(|it| it.id == call.id)
            }
            _ => false,
        };
        let new: Vec<Block> = part
            .blocks
            .into_iter()
            .filter(|block| is_new(block) && !is_known_by_name(block))
            .collect();
        self.unkept.extend(part.unkept);
        let generation = &mut self.generation;
        generation.output.extend(new);
        tell_calls_apart(&mut generation.output);
        if let Some(usage) = part.usage {
            let is_later = usage.output >= generation.usage.output;
            if !part.advisors.is_empty() && (is_later || self.advisors.is_empty()) {
                self.advisors = part.advisors;
            }
            generation.usage = generation.usage.completed_by(usage);
            generation.usage_report = UsageReport::Present;
        }
        if !is_copy {
            generation.ended_at = generation.ended_at.max(part.at);
        }
        generation.stop_reason = part.stop_reason.or_else(|| generation.stop_reason.take());
        generation.model = generation.model.take().or(part.model);
    }

    /// Whether the response contains all blocks of a part.
    pub(super) fn holds(&self, part: &ResponsePart) -> bool {
        let known = &self.generation.output;
        let is_known = |block: &Block| known.iter().any(|known| same_block(known, block));
        let has_text = |print: &u64| self.unkept.contains(print);
        part.blocks.iter().all(is_known) && part.unkept.iter().all(has_text)
    }

    /// The calls of other models within the response, as generations.
    pub(super) fn advice(&self) -> Vec<Generation> {
        let generation = &self.generation;
        let each = self.advisors.iter().zip(1_u64..);
        let each = each.map(|(advice, number)| Generation {
            id: format!("{}\u{1e}advisor {number}", generation.id),
            request: None,
            response: None,
            model: advice.model.clone(),
            provider: advice.provider.map(str::to_owned),
            usage: advice.usage,
            first_token_at: None,
            retries: Retries::default(),
            stop_reason: Some(StopReason::Finished),
            input: Vec::new(),
            whole_input: None,
            begins_anew: false,
            setup: None,
            output: Vec::new(),
            parameters: Parameters::default(),
            label: Some("advisor"),
            output_count: OutputCount::Final,
            usage_report: UsageReport::Present,
            timing: Timing::Unknown,
            ..generation.clone()
        });
        each.collect()
    }
}

fn told_apart(mut output: Vec<Block>) -> Vec<Block> {
    tell_calls_apart(&mut output);
    output
}

/// Gives every call of a response a unique id.
fn tell_calls_apart(output: &mut [Block]) {
    let mut ids = HashSet::new();
    for block in output {
        if let Block::ToolCall(call) = block {
            while !ids.insert(call.id.clone()) {
                call.id.push(AGAIN);
            }
        }
    }
}
