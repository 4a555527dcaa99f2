//! Recognises prompts among `user` lines.

use std::borrow::Cow;

use super::wire::{Block, Content, Line, Origin};
use crate::session::{self, Trigger};
use crate::sources::lenient::{Text, payload};

/// Beginning of the text that Claude Code writes in the user's name after an interruption.
const INTERRUPTED: &str = "[Request interrupted by user";

/// Beginning of the message of another agent.
const TEAMMATE: &str = "<teammate-message";

/// A line that begins a turn.
pub(super) struct Prompt {
    pub(super) trigger: Trigger,
    pub(super) text: String,
}

/// The prompt in a `user` line; `None` for a tool result, output of a local command, context, or an
/// interruption.
pub(super) fn of_line(line: &Line<'_>, content: &Content<'_>) -> Option<Prompt> {
    if line.is_meta == Some(true) || line.is_compact_summary == Some(true) {
        return None;
    }
    let text = spoken_text(content)?;
    classify(&text, is_from_machine(line))
}

/// Whether a background task or another agent wrote a `user` line.
fn is_from_machine(line: &Line<'_>) -> bool {
    let origin: Option<Origin<'_>> = payload(line.origin);
    let origin = origin
        .as_ref()
        .and_then(|origin| origin.kind.as_ref())
        .map(Text::as_str);
    let turn_origin = line.turn_origin.as_ref().map(Text::as_str);
    matches!(
        origin,
        Some("task-notification" | "coordinator" | "peer" | "system")
    ) || turn_origin == Some("task_notification")
}

/// The prompt in an attachment, typed while the agent worked.
pub(super) fn of_queued(prompt: &Content<'_>, mode: Option<&str>) -> Option<Prompt> {
    if !matches!(mode, None | Some("prompt")) {
        return None;
    }
    classify(&spoken_text(prompt)?, false)
}

/// The prompt in a line of the queue; `None` for a message that no person wrote, which is in
/// another line, and for a command, which never reached the model.
pub(super) fn of_typed(text: &str) -> Option<Prompt> {
    let prompt = classify(text, false)?;
    let is_command = prompt.trigger != Trigger::Prompt || prompt.text.starts_with('/');
    (!is_command).then_some(prompt)
}

fn classify(text: &str, not_human: bool) -> Option<Prompt> {
    const NOTIFICATIONS: [&str; 2] = ["<task-notification", TEAMMATE];
    const NO_PROMPTS: [&str; 4] = ["<local-command-", "<bash-", "<system-reminder", INTERRUPTED];

    let text = text.trim();
    if not_human || NOTIFICATIONS.iter().any(|start| text.starts_with(start)) {
        let said = between(text, "<summary>", "</summary>").or_else(|| message(text));
        let said = said.map(str::trim).filter(|said| !said.is_empty());
        let text = said.unwrap_or("background task reported").to_owned();
        return Some(Prompt {
            trigger: Trigger::Notification,
            text,
        });
    }
    if NO_PROMPTS.iter().any(|start| text.starts_with(start)) {
        return None;
    }
    if text.starts_with("<command-name>") || text.starts_with("<command-message>") {
        let name = between(text, "<command-name>", "</command-name>")?.trim();
        let slash = if name.starts_with('/') { "" } else { "/" };
        let arguments = between(text, "<command-args>", "</command-args>")
            .unwrap_or("")
            .trim();
        let text = format!("{slash}{name} {arguments}").trim_end().to_owned();
        return Some(Prompt {
            trigger: Trigger::Command,
            text,
        });
    }
    Some(Prompt {
        trigger: Trigger::Prompt,
        text: text.to_owned(),
    })
}

/// Whether a whole `user` line repeats output. Records of requests do not state it.
pub(super) fn is_report(line: &Line<'_>) -> bool {
    line.is_compact_summary == Some(true) || is_from_machine(line)
}

/// Marks the texts of a message to the model that repeat output: all of them, or those with a known
/// beginning.
pub(super) fn with_reports(content: Vec<session::Block>, are_all: bool) -> Vec<session::Block> {
    let is_report = |block: &session::Block| match block {
        session::Block::Text(text) => are_all || repeats_answers(text),
        _ => false,
    };
    let mark = |block: session::Block| {
        if is_report(&block) {
            block.as_report()
        } else {
            block
        }
    };
    content.into_iter().map(mark).collect()
}

fn repeats_answers(text: &str) -> bool {
    const BEGINNINGS: [&str; 6] = [
        "<task-notification",
        TEAMMATE,
        "<bash-stdout",
        "<bash-stderr",
        "<local-command-std",
        "This session is being continued from a previous conversation",
    ];
    let text = text.trim_start();
    BEGINNINGS.iter().any(|start| text.starts_with(start))
}

/// The message of another agent, without its tags.
fn message(text: &str) -> Option<&str> {
    let Some(inside) = text.strip_prefix(TEAMMATE) else {
        return (!text.starts_with('<')).then_some(text);
    };
    between(inside, ">", "</teammate-message>")
}

/// The text of a message without tool results, followed by the kinds of its images and documents.
fn spoken_text<'a>(content: &'a Content<'_>) -> Option<Cow<'a, str>> {
    let blocks = match content {
        Content::Nothing => return None,
        Content::Text(text) => return Some(Cow::Borrowed(text)),
        Content::Blocks(blocks) => blocks,
    };
    let mut parts = Vec::new();
    let mut pictures = Vec::new();
    for block in blocks {
        match block {
            Block::ToolResult { .. } => return None,
            Block::Text(text) => {
                let text: Option<String> = payload(Some(text));
                parts.extend(text.filter(|text| !is_context(text)));
            }
            Block::Media { kind, .. } => pictures.push(format!("[{}]", kind.as_str())),
            Block::Thinking(_) | Block::ToolUse { .. } | Block::Other(_) => {}
        }
    }
    parts.append(&mut pictures);
    (!parts.is_empty()).then(|| Cow::Owned(parts.join("\n")))
}

/// Whether the message is from another agent.
pub(super) fn is_from_teammate(content: &Content<'_>) -> bool {
    only_text(content).is_some_and(|text| text.trim_start().starts_with(TEAMMATE))
}

/// Whether the user interrupted the agent here.
pub(super) fn is_interruption(content: &Content<'_>) -> bool {
    only_text(content).is_some_and(|text| text.starts_with(INTERRUPTED))
}

/// The text of a message that contains nothing else.
pub(super) fn only_text<'a>(content: &'a Content<'_>) -> Option<Cow<'a, str>> {
    match content {
        Content::Text(text) => Some(Cow::Borrowed(text)),
        Content::Blocks(blocks) => match blocks.as_slice() {
            [Block::Text(text)] => payload(Some(text)).map(|Text(text)| text),
            _ => None,
        },
        Content::Nothing => None,
    }
}

/// Whether a block contains context that the editor or the agent added to the prompt.
fn is_context(text: &str) -> bool {
    const CONTEXT: [(&str, &str); 2] =
        [("<ide_", ">"), ("<system-reminder>", "</system-reminder>")];
    let text = text.trim();
    let mut kinds = CONTEXT.iter();
    kinds.any(|(start, end)| text.starts_with(start) && text.ends_with(end))
}

/// The text between two marks.
pub(super) fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    rest.split_once(end).map(|(inner, _)| inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_what_a_person_typed() {
        let command = "<command-message>review</command-message>\n<command-name>/review</command-name>\n<command-args>src</command-args>";
        let notice = "<task-notification>\n<task-id>a1</task-id>\n<summary>Agent \"look\" done</summary>\n</task-notification>";
        for (text, expected) in [
            ("fix the test", Some((Trigger::Prompt, "fix the test"))),
            (
                "<div> is not closed",
                Some((Trigger::Prompt, "<div> is not closed")),
            ),
            (command, Some((Trigger::Command, "/review src"))),
            (
                "<command-name>/clear</command-name>",
                Some((Trigger::Command, "/clear")),
            ),
            (notice, Some((Trigger::Notification, "Agent \"look\" done"))),
            (
                "<teammate-message id=\"lead\">go</teammate-message>",
                Some((Trigger::Notification, "go")),
            ),
            ("<local-command-stdout>ok</local-command-stdout>", None),
            ("<bash-input>ls</bash-input>", None),
            ("<system-reminder>\nbe brief\n</system-reminder>", None),
            ("[Request interrupted by user for tool use]", None),
        ] {
            let prompt = classify(text, false).map(|prompt| (prompt.trigger, prompt.text));
            assert_eq!(
                prompt,
                expected.map(|(trigger, text)| (trigger, text.to_owned())),
                "{text}"
            );
        }
    }
}
