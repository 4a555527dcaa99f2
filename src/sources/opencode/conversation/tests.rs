use std::path::Path;

use super::*;
use crate::sources::opencode::files::Files;

const PROMPT: &str = r#"{"role":"user","time":{"created":1790000000000}}"#;
const ANSWER: &str = r#"{"role":"assistant","parentID":"1","modelID":"gpt-5.6",
    "providerID":"openai","time":{"created":1790000001000}}"#;
const START: &str = r#"{"type":"step-start"}"#;
const FINISH: &str = r#"{"type":"step-finish","reason":"stop","tokens":{"input":10,"output":2}}"#;

/// The conversation of messages, each with its parts, whose ids count from 1.
fn conversation<'a>(archive: &'a Archive, messages: &[(&str, &[&str])]) -> Conversation<'a> {
    let wanted = Wanted::Everything(InputScope::New);
    let mut conversation = Conversation::read(archive, &Info::default(), wanted).unwrap();
    for (id, (message, parts)) in (1..).zip(messages) {
        let parts = parts.iter().map(|part| PartRecord {
            data: (*part).to_owned(),
            ..PartRecord::default()
        });
        let record = Record {
            id: id.to_string(),
            data: (*message).to_owned(),
            parts: parts.collect(),
            ..Record::default()
        };
        conversation.record(&record).unwrap();
    }
    conversation
}

fn empty() -> Archive {
    Archive::Files(Files::new(Path::new("missing")))
}

#[test]
fn an_answer_belongs_to_the_prompt_that_it_names_and_receives_it() {
    let archive = empty();
    let prompt = r#"{"type":"text","text":"1 + 1?"}"#;
    let messages: [(&str, &[&str]); 2] = [(PROMPT, &[prompt]), (ANSWER, &[START, FINISH])];
    let conversation = conversation(&archive, &messages);
    assert_eq!(conversation.prompts[0].text, "1 + 1?");
    assert_eq!(conversation.calls[0].prompt, Some(0));
    assert_eq!(conversation.calls[0].generation.input.len(), 1);
}

#[test]
fn each_step_of_an_answer_is_a_call() {
    let archive = empty();
    let conversation = conversation(&archive, &[(ANSWER, &[START, FINISH, START, FINISH])]);
    let ids = conversation
        .calls
        .iter()
        .map(|it| it.generation.id.as_str());
    assert_eq!(ids.collect::<Vec<_>>(), ["1", "1/1"]);
}

#[test]
fn a_summary_is_a_call_of_the_agent_itself_and_the_input_of_the_next_one() {
    let archive = empty();
    let summary = ANSWER.replace("\"role\"", "\"summary\":true,\"role\"");
    let text = r#"{"type":"text","text":"A shelf."}"#;
    let messages: [(&str, &[&str]); 2] = [
        (&summary, &[START, text, FINISH]),
        (ANSWER, &[START, FINISH]),
    ];
    let conversation = conversation(&archive, &messages);
    assert!(conversation.stray[0].1.is_internal);
    let next = &conversation.calls[0].generation;
    assert!(next.begins_anew);
    assert!(matches!(next.input[0].content[0], Block::Report(_)));
}

#[test]
fn unusable_messages_and_parts_are_counted() {
    let archive = empty();
    let messages: [(&str, &[&str]); 3] = [
        ("[]", &[]),
        (r#"{"role":"oracle"}"#, &["{"]),
        (ANSWER, &[r#"{"type":"hologram"}"#]),
    ];
    let oddities = conversation(&archive, &messages).oddities;
    assert_eq!(oddities.malformed_lines, 2);
    let unknown: Vec<&String> = oddities.unknown_types.keys().collect();
    assert_eq!(unknown, ["message oracle", "part hologram"]);
}
