//! The sessions that spans and log records name.
//!
//! Two questions need different answers. The session to show is the one that the most trustworthy
//! attribute states. A session that the user excluded, however, must be found under any name and in
//! any spelling, so that nothing of it is sent: see [`named`].
//!
//! # Facts
//!
//! Claude Code states its session to the provider within the user, and gateways repeat it:
//! `user_<hash of the machine>_account_<UUID or nothing>_session_<UUID>`, or an object in JSON with
//! `device_id`, `account_uuid` and `session_id` (requests of versions 2.0 and 2.1).

use memchr::memmem;
use serde_json::Value as Json;

use super::{Attribute, Attributes, Value};

/// Attributes with the session, the most trustworthy first. The part after `#` names a field of the
/// JSON in the attribute.
pub(crate) const NAMES: &[&str] = &[
    "$ai_session_id",
    "posthog.session_id",
    "ai.telemetry.metadata.$ai_session_id",
    "ai.telemetry.metadata.sessionId",
    "ai.telemetry.metadata.session_id",
    "ai.settings.context.$ai_session_id",
    "ai.settings.context.sessionId",
    "ai.settings.context.session_id",
    "gen_ai.conversation.id",
    "session.id",
    "langfuse.session.id",
    "traceloop.association.properties.session_id",
    "traceloop.association.properties.thread_id",
    "langsmith.trace.session_id",
    "langsmith.metadata.session_id",
    "langsmith.metadata.thread_id",
    "metadata#session_id",
    "metadata#thread_id",
    "conversation.id",
    "gcp.vertex.agent.session_id",
    "genkit:sessionId",
    "mlflow.trace.session",
];

/// Attributes with the user in which Claude Code states its session.
const USERS: [&str; 2] = ["user.id", "metadata.user_id"];

/// Parts of the names of attributes that name a session. Without the first letter, which some
/// emitters capitalise.
const OF_SESSIONS: [&str; 3] = ["ession", "hread", "onversation"];

/// Parts of the names of attributes that may name a session among other facts.
const OF_OTHERS: [&str; 3] = ["user", "etadata", "ontext"];

/// Bytes of the longest text to search for ids: facts about a user or a request may be many, and
/// longer texts are content.
const LONGEST: usize = 64 << 10;

/// Bytes of the longest id.
const LONGEST_ID: usize = 200;

/// Bytes of a UUID in its usual spelling.
const UUID: usize = 36;

/// Prefix of the ids that OpenCode draws.
const OPENCODE: &str = "ses_";

/// The session to show: the one that the most trustworthy attribute states, or else the one that
/// Claude Code states within the user.
pub(crate) fn stated(attributes: &Attributes) -> Option<String> {
    let text = |name: &str| attributes.text(name).and_then(not_blank);
    let session = NAMES.iter().find_map(|name| match name.split_once('#') {
        None => text(name).map(str::to_owned),
        Some((name, field)) => in_json(attributes, name, field),
    });
    session.or_else(|| USERS.iter().find_map(|name| of_user(text(name)?)))
}

/// The session that Claude Code states within a user; `None` for any other user.
pub(crate) fn of_user(user: &str) -> Option<String> {
    if user.starts_with('{') {
        let user: Json = serde_json::from_str(user).ok()?;
        user.get("device_id")?;
        return Some(user.get("session_id")?.as_str()?.to_owned());
    }
    let (machine, session) = user.strip_prefix("user_")?.rsplit_once("_session_")?;
    let (hash, _account) = machine.split_once("_account_")?;
    let is_hash = hash.len() == 64 && hash.bytes().all(|it| it.is_ascii_hexdigit());
    (is_hash && is_uuid(session.as_bytes())).then(|| session.to_owned())
}

/// Ids, in lower case, of sessions that attributes name: whole values of attributes about sessions,
/// and ids as coding agents draw them within these and within facts about users.
pub(crate) fn named(attributes: &Attributes, found: &mut impl FnMut(String)) {
    for Attribute { key, value } in attributes {
        let is_of = |words: &[&str]| {
            let mut words = words.iter();
            words.any(|word| memmem::find(key.as_bytes(), word.as_bytes()).is_some())
        };
        if is_of(&OF_SESSIONS) {
            whole(value, found);
            drawn(value, found);
        } else if is_of(&OF_OTHERS) {
            drawn(value, found);
        }
    }
}

/// The values that may be ids as a whole.
fn whole(value: &Value, found: &mut impl FnMut(String)) {
    match value {
        Value::Text(text) => {
            let id = not_blank(text).filter(|it| it.len() <= LONGEST_ID);
            if let Some(id) = id {
                found(id.to_lowercase());
            }
        }
        Value::Array(values) => values.iter().for_each(|it| whole(it, found)),
        _ => {}
    }
}

/// The ids within values that coding agents draw: UUIDs, and those of OpenCode.
fn drawn(value: &Value, found: &mut impl FnMut(String)) {
    match value {
        Value::Text(text) if text.len() <= LONGEST => {
            let bytes = text.as_bytes();
            for (at, id) in bytes.windows(UUID).enumerate() {
                if id[8] == b'-' && is_uuid(id) {
                    found(text[at..at + UUID].to_lowercase());
                }
            }
            for (at, _) in text.match_indices(OPENCODE) {
                let rest = &text[at + OPENCODE.len()..];
                let end = rest.find(|it: char| !it.is_ascii_alphanumeric());
                let rest = &rest[..end.unwrap_or(rest.len())];
                if !rest.is_empty() {
                    found(format!("{OPENCODE}{rest}").to_lowercase());
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|it| drawn(it, found)),
        Value::Map(fields) => fields.iter().for_each(|it| drawn(&it.value, found)),
        _ => {}
    }
}

fn not_blank(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|it| !it.is_empty())
}

fn in_json(attributes: &Attributes, name: &str, field: &str) -> Option<String> {
    let text = attributes.text(name).filter(|it| it.starts_with('{'))?;
    let fields: Json = serde_json::from_str(text).ok()?;
    not_blank(fields.get(field)?.as_str()?).map(str::to_owned)
}

fn is_uuid(id: &[u8]) -> bool {
    id.len() == UUID
        && id.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0b1a2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";

    fn attributes(pairs: &[(&str, &str)]) -> Attributes {
        let pairs = pairs.iter();
        pairs.map(|(key, value)| (*key, (*value).into())).collect()
    }

    fn machine() -> String {
        "5".repeat(64)
    }

    #[test]
    fn the_most_trustworthy_name_is_stated_and_a_blank_one_is_none() {
        for (own, expected) in [
            (&[("session.id", "a"), ("$ai_session_id", "b")][..], "b"),
            (&[("session.id", " "), ("conversation.id", "c")], "c"),
            (&[("session.id", " a\n")], "a"),
            (&[("metadata", r#"{"thread_id":"t"}"#)], "t"),
        ] {
            assert_eq!(stated(&attributes(own)).as_deref(), Some(expected));
        }
        assert_eq!(stated(&attributes(&[("session", "a")])), None);
    }

    #[test]
    fn claude_code_states_its_session_within_the_user() {
        let machine = machine();
        for user in [
            format!("user_{machine}_account__session_{ID}"),
            format!("user_{machine}_account_{ID}_session_{ID}"),
            format!(r#"{{"device_id":"{machine}","account_uuid":"","session_id":"{ID}"}}"#),
        ] {
            assert_eq!(of_user(&user).as_deref(), Some(ID), "{user}");
            let stated = stated(&attributes(&[("user.id", &user)]));
            assert_eq!(stated.as_deref(), Some(ID), "{user}");
        }
        for user in ["ada", "user_1_account__session_2", r#"{"session_id":"s"}"#] {
            assert_eq!(of_user(user), None, "{user}");
        }
    }

    #[test]
    fn a_session_is_named_in_any_spelling() {
        let user = format!("user_{}_account__session_{ID}", machine());
        let json = format!(r#"{{"session_id":"{ID}"}}"#);
        for (key, value) in [
            ("session.id", ID),
            ("session_id", &ID.to_uppercase()),
            ("trace.metadata.sessionId", &format!(" {ID} ")),
            ("gen_ai.conversation.id", ID),
            ("user.id", &user),
            ("metadata.user_id", &json),
            ("ai.telemetry.metadata.origin", ID),
            ("langfuse.trace.metadata.threadId", ID),
        ] {
            let mut ids = Vec::new();
            named(&attributes(&[(key, value)]), &mut |id| ids.push(id));
            assert!(ids.contains(&ID.to_owned()), "{key}={value}: {ids:?}");
        }
        let facts = format!(
            r#"{{"notes":"{}","session_id":"{ID}"}}"#,
            "n".repeat(10_000)
        );
        let mut ids = Vec::new();
        named(&attributes(&[("metadata", &facts)]), &mut |id| ids.push(id));
        assert_eq!(ids, [ID]);
        let mut ids = Vec::new();
        let nested: Attributes = [("metadata", Value::Map(attributes(&[("of", ID)])))]
            .into_iter()
            .collect();
        named(&nested, &mut |id| ids.push(id));
        named(&attributes(&[("thread", "ses_0aB9")]), &mut |id| {
            ids.push(id);
        });
        assert_eq!(ids, [ID, "ses_0ab9", "ses_0ab9"]);
    }

    #[test]
    fn content_names_no_session() {
        for key in ["gen_ai.prompt", "gen_ai.response.id", "output.value"] {
            named(&attributes(&[(key, ID)]), &mut |id| panic!("{key}: {id}"));
        }
    }
}
