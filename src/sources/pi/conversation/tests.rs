use super::*;

const ANSWER: &str = r#"{"role":"assistant","model":"gpt-5.6","provider":"openai","content":"Two.",
    "usage":{"input":10,"output":2},"stopReason":"stop","timestamp":1790000001000}"#;

fn facts() -> Facts {
    Facts {
        circumstances: Arc::default(),
        copied_before: None,
        wants_whole_input: false,
    }
}

/// Adds messages one after another, a second apart, and returns whether the role of the last is
/// known.
fn say(conversation: &mut Conversation<'_>, messages: &[&str]) -> bool {
    let mut is_known = true;
    for (second, message) in (1_790_000_001_i64..).zip(messages) {
        let message: wire::Message<'_> = serde_json::from_str(message).unwrap();
        let written = Written {
            by: DateTime::from_timestamp(second, 0).unwrap(),
            is_exact: true,
        };
        let parent = conversation.tree.last();
        is_known = conversation.message(&second.to_string(), parent, &message, written);
    }
    is_known
}

#[test]
fn an_answer_belongs_to_the_prompt_before_it_and_receives_it() {
    let facts = facts();
    let mut conversation = Conversation::new(&facts);
    say(
        &mut conversation,
        &[r#"{"role":"user","content":"1 + 1?"}"#, ANSWER],
    );
    assert_eq!(conversation.prompts[0].text, "1 + 1?");
    assert_eq!(conversation.calls[0].prompt, Some(0));
    assert_eq!(conversation.calls[0].generation.input.len(), 1);
}

#[test]
fn a_result_joins_the_call_that_waits_for_it() {
    let facts = facts();
    let mut conversation = Conversation::new(&facts);
    let call = r#"{"role":"assistant","content":[{"type":"toolCall","id":"c1","name":"ls"}]}"#;
    let result = r#"{"role":"toolResult","toolCallId":"c1","content":"a.txt"}"#;
    say(&mut conversation, &[call, result, result]);
    let calls = conversation.calls[0].generation.tool_calls();
    assert_eq!(calls.filter(|it| it.result.is_some()).count(), 1);
    assert_eq!(conversation.results_without_call, 1, "the second one");
}

#[test]
fn usage_of_an_unknown_role_counts_as_a_call() {
    let facts = facts();
    let mut conversation = Conversation::new(&facts);
    let oracle = r#"{"role":"oracle","usage":{"input":10,"output":2}}"#;
    assert!(!say(&mut conversation, &[oracle]));
    assert_eq!(conversation.calls.len(), 1);
}

#[test]
fn an_aborted_answer_without_content_and_usage_is_no_call() {
    let facts = facts();
    let mut conversation = Conversation::new(&facts);
    let aborted = r#"{"role":"assistant","stopReason":"aborted","content":[]}"#;
    assert!(say(&mut conversation, &[aborted]));
    assert!(conversation.calls.is_empty());
}

#[test]
fn answers_of_one_moment_have_identities_of_their_own() {
    let facts = facts();
    let mut conversation = Conversation::new(&facts);
    let answer = ANSWER.replace("gpt-5.6\"", "gpt-5.6\",\"responseId\":\"r1\"");
    say(&mut conversation, &[&answer, &answer]);
    let ids = conversation
        .calls
        .iter()
        .map(|it| it.generation.id.as_str());
    assert_eq!(
        ids.collect::<Vec<_>>(),
        ["1790000001000:r1", "1790000001000:r1+"]
    );
}

#[test]
fn an_answer_from_before_the_fork_is_a_copy() {
    let mut facts = facts();
    facts.copied_before = DateTime::from_timestamp(1_790_000_002, 0);
    let mut conversation = Conversation::new(&facts);
    say(&mut conversation, &[ANSWER]);
    assert!(conversation.calls[0].generation.is_copy);
}
