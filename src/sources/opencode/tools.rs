//! Tool calls and their results.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::content;
use super::record::PartRecord;
use super::wire::{FileDiff, Part, State, ToolStatus};
use crate::session::{
    Asks, Background, Block, Circumstances, Order, ToolCall, ToolResult, ToolTime, Work,
};

/// The tool call in a part of a response that ended at `ended_at`, with its result if it has one.
pub(super) fn call(
    row: &PartRecord,
    part: &Part<'_>,
    ended_at: DateTime<Utc>,
    circumstances: &Arc<Circumstances>,
) -> ToolCall {
    let state = part.state.as_ref();
    let input = state.and_then(|it| it.input.clone()).unwrap_or(Value::Null);
    let time = state.map(|it| it.time).unwrap_or_default();
    let called_at = content::moment(time.start).or_else(|| content::moment(row.created));
    let called_at = called_at.unwrap_or(ended_at);
    let result = state.filter(|it| is_over(it)).map(|state| {
        let tool = part.tool.as_deref().unwrap_or_default();
        let (content, is_error) = output(tool, state);
        let duration = time.start.zip(time.end).map(|(start, end)| end - start);
        Arc::new(ToolResult {
            content,
            is_error,
            returned_at: content::moment(time.end)
                .unwrap_or(called_at)
                .max(called_at),
            is_untimed: content::moment(time.end).is_none(),
            duration_ms: duration.and_then(|it| u64::try_from(it).ok()),
            permission: None,
            background: Background::No,
            web_searches: 0,
            work: work(state),
        })
    });
    ToolCall {
        id: part.call_id.clone().unwrap_or_else(|| row.id.clone()),
        name: name(part, &input),
        input,
        called_at,
        is_untimed: content::moment(time.start).is_none(),
        traced: None,
        asks: asks_before(part.tool.as_deref().unwrap_or_default()),
        order: Order::Unknown,
        time: ToolTime::default(),
        result,
        subagents: Vec::new(),
        circumstances: Arc::clone(circumstances),
    }
}

/// Whether OpenCode asks before it runs this tool.
fn asks_before(tool: &str) -> Asks {
    match tool {
        "question" | "plan_exit" => Asks::Always,
        _ => Asks::Perhaps,
    }
}

/// Whether the tool has ended.
fn is_over(state: &State<'_>) -> bool {
    matches!(
        state.status,
        Some(ToolStatus::Completed | ToolStatus::Error)
    )
}

/// The output of a tool, and whether it failed. A failed or stopped command, and a tool that the
/// model may not use, count as failed, though OpenCode calls them completed.
fn output(name: &str, state: &State<'_>) -> (Vec<Block>, bool) {
    let exit = state.metadata.as_ref().and_then(|it| it.exit.as_ref());
    let is_error = state.status == Some(ToolStatus::Error)
        || exit.is_some_and(|exit| *exit != 0)
        || name == REFUSED;
    let text = state.error.clone().or_else(|| state.output.clone());
    let attached = state.attachments.as_deref().unwrap_or_default();
    let content = text.map(Block::Text).into_iter();
    let content = content.chain(attached.iter().map(content::media));
    (content.collect(), is_error)
}

/// The tool that OpenCode runs instead of one that does not exist or that the model may not use.
const REFUSED: &str = "invalid";

/// The name of the tool that the model asked for.
fn name(part: &Part<'_>, input: &Value) -> String {
    let name = part.tool.as_deref().unwrap_or("unknown");
    let wanted = input.get("tool").and_then(Value::as_str);
    let wanted = wanted.filter(|_| name == REFUSED);
    wanted.unwrap_or(name).to_owned()
}

fn work(state: &State<'_>) -> Work {
    let diff = state.metadata.as_ref().and_then(|it| it.file_diff);
    let FileDiff {
        additions,
        deletions,
    } = diff.unwrap_or_default();
    Work {
        lines_added: additions.unwrap_or(0),
        lines_removed: deletions.unwrap_or(0),
        ..Work::NONE
    }
}
