//! Times in lines other than those of the conversation: how long Claude Code worked for a prompt,
//! when a tool began, and when a background task ended. `README.md` says what each version writes.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::assembly::Assembler;
use super::kinds::{LineKind, SystemKind};
use super::prompt;
use super::times;
use super::wire::{self, Block, Content, Line};
use crate::session::{self, Sighting, TaskReport, Worked};
use crate::sources::lenient::{Text, known, payload};

/// The state of the recorded working time.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Pace {
    /// When the prompt was given that Claude Code is working for.
    since: Option<DateTime<Utc>>,
    /// Since when it has been working for it. The first prompt of a session may come after the
    /// first call.
    at_work: Option<DateTime<Utc>>,
    /// Whether a prompt was taken out of the queue meanwhile: it does not begin new work.
    is_dequeued: bool,
    /// Whether background agents were running at the last record of working time: the next record
    /// continues from there and begins before its prompt.
    has_background_agents: bool,
}

impl Pace {
    /// Since when Claude Code has been working, if it may still record for how long.
    pub(super) fn working_since(&self) -> Option<DateTime<Utc>> {
        self.since.filter(|_| !self.has_background_agents)
    }

    /// Processes a line. `is_main` says that it is in the main transcript.
    pub(super) fn note(
        &mut self,
        line: &Line<'_>,
        at: DateTime<Utc>,
        is_main: bool,
        assembler: &mut Assembler,
    ) {
        let is_main = is_main && line.is_sidechain != Some(true);
        match line.kind {
            LineKind::Progress => sighted(line, at, assembler),
            LineKind::User if is_main => self.said(line, at, assembler),
            LineKind::Assistant if is_main => {
                let content = line.message.as_ref().map(|message| &message.content);
                let is_call = |block: &Block<'_>| matches!(block, Block::ToolUse { .. });
                let is_call = content.is_some_and(|content| any(content, is_call));
                self.at_work = is_call.then(|| self.at_work.unwrap_or(at));
                self.is_dequeued = false;
            }
            LineKind::System if is_main => self.worked(line, at, assembler),
            LineKind::QueueOperation if is_main => {
                self.is_dequeued |= !is(line.operation.as_ref(), "enqueue");
                let text: Option<Text<'_>> = payload(line.content);
                if let Some(text) = text {
                    reported(text.as_str(), at, assembler);
                }
            }
            LineKind::Attachment => attached(line, at, assembler),
            _ => {}
        }
    }

    /// Processes a message to the model: results of tools, or a prompt.
    fn said(&mut self, line: &Line<'_>, at: DateTime<Utc>, assembler: &mut Assembler) {
        let Some(message) = &line.message else { return };
        let content = &message.content;
        if any(content, |block| matches!(block, Block::ToolResult { .. })) {
            self.at_work.get_or_insert(at);
            return;
        }
        if prompt::is_interruption(content) {
            // The work has ended, and no record of its time follows.
            *self = Self::default();
            return;
        }
        if let Some(text) = own_text(content) {
            reported(&text, at, assembler);
        }
        let is_queued = self.is_dequeued && self.at_work.is_some_and(|since| since < at);
        if !is_queued && prompt::of_line(line, content).is_some() {
            self.since = Some(at);
        }
    }

    /// Processes a `turn_duration` line. It contains the time since the prompt, without the time in
    /// which a question was shown to the user.
    fn worked(&mut self, line: &Line<'_>, at: DateTime<Utc>, assembler: &mut Assembler) {
        if line.system_kind != Some(SystemKind::TurnDuration) {
            return;
        }
        let worked = line.duration_ms.and_then(milliseconds);
        if let (Some(since), Some(worked), false) = (self.since, worked, self.has_background_agents)
        {
            assembler.worked(Worked {
                since,
                until: at,
                worked,
            });
        }
        *self = Self {
            has_background_agents: line
                .pending_background_agent_count
                .is_some_and(|count| count > 0),
            ..Self::default()
        };
    }
}

/// The `data` of a `progress` line, from a hook or a shell command.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Progress<'a> {
    #[serde(borrow, default, deserialize_with = "known", rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "known")]
    hook_event: Option<Text<'a>>,
    #[serde(default, deserialize_with = "known")]
    elapsed_time_seconds: Option<f64>,
}

/// Processes a `progress` line. Hooks before a tool run before anyone is asked; a command states
/// for how many seconds it has been running.
fn sighted(line: &Line<'_>, at: DateTime<Utc>, assembler: &mut Assembler) {
    let (Some(call), Some(progress)) =
        (&line.parent_tool_use_id, payload::<Progress<'_>>(line.data))
    else {
        return;
    };
    let mut sighting = Sighting::default();
    if is(progress.kind.as_ref(), "bash_progress") {
        let elapsed = progress.elapsed_time_seconds;
        let elapsed = elapsed.and_then(|seconds| milliseconds(seconds * 1000.0));
        sighting.began_at = elapsed.and_then(|elapsed| at.checked_sub_signed(elapsed));
    } else if is(progress.hook_event.as_ref(), "PreToolUse") {
        sighting.waiting_at = Some(at);
    }
    if sighting != Sighting::default() {
        assembler.sighted(call.as_str(), sighting);
    }
}

/// Processes the output of a hook, or a report that was given to the model while it worked.
fn attached(line: &Line<'_>, at: DateTime<Utc>, assembler: &mut Assembler) {
    let Some(attachment) = payload::<wire::Attachment<'_>>(line.attachment) else {
        return;
    };
    if let Some(text) = own_text(&attachment.prompt) {
        reported(&text, at, assembler);
    }
    if let Some(call) = &attachment.tool_use_id
        && is(attachment.hook_event.as_ref(), "PreToolUse")
    {
        let sighting = Sighting {
            waiting_at: Some(at),
            began_at: None,
        };
        assembler.sighted(call.as_str(), sighting);
    }
}

/// Processes a text that may report the end of a background task.
fn reported(text: &str, at: DateTime<Utc>, assembler: &mut Assembler) {
    if let Some(report) = report_of(text, at) {
        assembler.task_ended(report);
    }
}

fn report_of(text: &str, at: DateTime<Utc>) -> Option<TaskReport> {
    let text = text.trim();
    if !text.starts_with("<task-notification") {
        return None;
    }
    // The result may contain any text.
    let (before, rest) = text.split_once("<result>").unwrap_or((text, ""));
    let (result, after) = match rest.rsplit_once("</result>") {
        Some((result, after)) => (Some(result), after),
        None => (None, text),
    };
    let is_error = match prompt::between(before, "<status>", "</status>")? {
        "completed" => false,
        "failed" | "killed" | "stopped" | "error" => true,
        _ => return None,
    };
    let summary = prompt::between(before, "<summary>", "</summary>");
    let said = if is_error {
        summary.or(result)
    } else {
        result.or(summary)
    };
    let said = said.map(|said| session::Block::Text(said.trim().to_owned()));
    let duration = prompt::between(after, "<duration_ms>", "</duration_ms>");
    Some(TaskReport {
        task: prompt::between(before, "<task-id>", "</task-id>")?.to_owned(),
        at,
        is_error,
        duration_ms: duration.and_then(|it| it.trim().parse().ok()),
        content: said.into_iter().collect(),
    })
}

fn milliseconds(number: f64) -> Option<TimeDelta> {
    let whole = times::whole_milliseconds(number)?;
    TimeDelta::try_milliseconds(i64::try_from(whole).ok()?)
}

fn is(field: Option<&Text<'_>>, value: &str) -> bool {
    field.is_some_and(|field| field.as_str() == value)
}

fn any(content: &Content<'_>, is_meant: impl Fn(&Block<'_>) -> bool) -> bool {
    match content {
        Content::Blocks(blocks) => blocks.iter().any(is_meant),
        Content::Nothing | Content::Text(_) => false,
    }
}

/// The text of a message that contains nothing else.
fn own_text(content: &Content<'_>) -> Option<String> {
    prompt::only_text(content).map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_contains_the_end_of_a_task() {
        let report = |inside: &str| {
            let text = format!(
                "<task-notification>\n<task-id>a1</task-id>\n{inside}\n</task-notification>"
            );
            let report = report_of(&text, DateTime::default())?;
            let said = match report.content.as_slice() {
                [session::Block::Text(text)] => text.clone(),
                _ => String::new(),
            };
            Some((report.is_error, said, report.duration_ms))
        };
        for (inside, expected) in [
            (
                "<status>completed</status><summary>done</summary><result>All MIT.</result>\
                 <usage><duration_ms>736</duration_ms></usage>",
                Some((false, "All MIT.", Some(736))),
            ),
            (
                "<status>completed</status><summary>done</summary>",
                Some((false, "done", None)),
            ),
            (
                "<status>failed</status><summary>it failed</summary>",
                Some((true, "it failed", None)),
            ),
            (
                "<status>killed</status><summary>stopped</summary><result>so far</result>",
                Some((true, "stopped", None)),
            ),
            (
                "<status>completed</status><result><status>failed</status></result>\
                 <duration_ms>7</duration_ms></result><duration_ms>9</duration_ms>",
                Some((
                    false,
                    "<status>failed</status></result><duration_ms>7</duration_ms>",
                    Some(9),
                )),
            ),
            ("<status>running</status>", None),
            ("<summary>it came to rest</summary>", None),
        ] {
            let expected = expected.map(|(error, said, ms)| (error, said.to_owned(), ms));
            assert_eq!(report(inside), expected, "{inside}");
        }
        let quoted = "see <task-notification><task-id>a1</task-id><status>failed</status>";
        assert!(report_of(quoted, DateTime::default()).is_none());
    }
}
