//! JSON that strict readers refuse, in content.

use serde_json::json;

use crate::otlp::complaints::chat;
use crate::otlp::traces::{events_of, only, span};

/// Truncated conversations, each with the words of its last message.
fn ends() -> Vec<(&'static str, String, &'static str)> {
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    vec![
        (
            "half a character",
            r#"{"type":"text","text":"Hi \ud83d"}]}]"#.to_owned(),
            "Hi \u{fffd}",
        ),
        (
            "a number of Python",
            r#"{"type":"text","text":"Hi","score":NaN}]}]"#.to_owned(),
            "Hi",
        ),
        (
            "a number that is too large",
            r#"{"type":"text","text":"Hi","n":1e999}]}]"#.to_owned(),
            "Hi",
        ),
        (
            "lines that are not escaped",
            "{\"type\":\"text\",\"text\":\"Hi\n\"}]}]".to_owned(),
            "Hi\n",
        ),
        (
            "too many levels",
            format!(r#"{{"type":"text","text":"Hi","x":{deep}}}]}}]"#),
            "Hi",
        ),
        (
            "cut off by a limit",
            r#"{"type":"text","text":"Hi the"#.to_owned(),
            "Hi the [cut off]",
        ),
    ]
}

#[test]
fn messages_that_strict_readers_refuse_keep_their_authors_and_lose_no_words() {
    let pixels = json!({ "type": "Buffer", "data": vec![137; 400] });
    let rest = format!(r#"{{"role":"user","content":[{{"type":"image","image":{pixels}}},"#);
    let system = r#"[{"role":"system","content":"Be brief."},"#;
    for (case, end, words) in ends() {
        let prompt = format!("{system}{rest}{end}");
        let call = chat(&json!({ "ai.prompt.messages": prompt }));
        let events = events_of("x", &[span("1", "chat", (0, 9), &call)]);
        let found = only(&events, "$ai_generation");
        let input = found["$ai_input"].as_array().expect("messages");
        let roles: Vec<&str> = input.iter().filter_map(|it| it["role"].as_str()).collect();
        assert_eq!(roles[..2], ["system", "user"], "{case}");
        let text = json!({ "type": "text", "text": words });
        assert!(
            input[1]["content"]
                .as_array()
                .is_some_and(|it| it.contains(&text)),
            "{case}: {input:?}"
        );
        let sent = found.to_string();
        assert!(!sent.contains("137,137"), "{case}: {sent}");
    }
}
