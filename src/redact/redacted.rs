//! The proof, by its type, that a value was redacted.

use std::borrow::Cow;

use serde_json::Value;

use super::known_texts::KnownTexts;
use super::names::keys;
use super::{Counts, Kind, Redactor, services};
use crate::otlp::{self, Place, Telemetry, Visitor};
use crate::posthog::limits::{self, Limits};
use crate::posthog::{DistinctId, Event, Identities, Json, Name, Written, names};

/// Properties with identities, which hold no content and by which PostHog joins events, unless an
/// application stated them.
const IDENTITIES: [&str; 4] = [
    names::TRACE_ID,
    names::SESSION_ID,
    names::SPAN_ID,
    names::PARENT_ID,
];

/// A value of which every text was redacted. Only this module can construct one and the outbox
/// accepts nothing else, so code that would store or send unredacted text does not compile.
#[derive(Clone, Debug, PartialEq)]
pub struct Redacted<T>(T);

impl<T> Redacted<T> {
    /// Returns the redacted value.
    pub fn into_inner(self) -> T {
        self.0
    }

    /// A reference to the redacted value.
    pub const fn get(&self) -> &T {
        &self.0
    }

    /// Constructs a value that a test declares free of secrets.
    #[cfg(test)]
    pub(crate) const fn trusted(value: T) -> Self {
        Self(value)
    }
}

impl<T> Redacted<Option<T>> {
    /// The redacted value, if there is one.
    pub fn transpose(self) -> Option<Redacted<T>> {
        self.0.map(Redacted)
    }
}

impl Redacted<Event<'_>> {
    /// Serializes the event, shortened to its limits. Shortening follows redaction, so that no
    /// limit cuts a secret in half and hides it from the rules.
    #[must_use]
    pub fn written(self, limits: &Limits) -> Redacted<Written> {
        // An event that is certainly too long is not written twice.
        if limits.allow(self.0.least_size()) {
            let written = self.0.written();
            if limits.allow(written.json.len()) {
                return Redacted(written);
            }
        }
        Redacted(self.shortened(limits).0.written())
    }

    /// The event, shortened to its limits and not serialized.
    #[must_use]
    pub fn shortened(mut self, limits: &Limits) -> Self {
        limits::shorten(&mut self.0, limits);
        self
    }
}

impl Redactor {
    /// The result of `write`, which gets the function that replaces the secrets of a text and must
    /// apply it to every text.
    pub fn written<T>(
        &self,
        write: impl FnOnce(&mut dyn FnMut(String) -> String) -> T,
    ) -> Redacted<T> {
        Redacted(write(&mut |text| {
            let replaced = self.text(&text, &mut Counts::default());
            replaced.unwrap_or(text)
        }))
    }

    /// Replaces every secret in an event. `known` are the texts of the session that were redacted
    /// for its earlier events.
    pub fn event<'a>(
        &self,
        mut event: Event<'a>,
        known: &mut KnownTexts<'a>,
        counts: &mut Counts,
    ) -> Redacted<Event<'a>> {
        let mut secret_in_name = false;
        let identities = event.identities;
        if identities == Identities::Stated {
            self.person(&mut event.distinct_id, counts);
        }
        for (name, value) in event.properties.iter_mut() {
            match name {
                Name::Own(names::SESSION_ID) if identities != Identities::Known => {
                    self.json(value, known, counts);
                }
                Name::Own(name) if IDENTITIES.contains(name) => {}
                // This program's own property names neither are nor announce secrets.
                Name::Own(_) => self.json(value, known, counts),
                Name::Custom(name) => {
                    let redact = |value: &mut Value| self.field(name, None, value, counts);
                    secret_in_name |= value.edit(redact);
                }
            }
        }
        if secret_in_name {
            event.properties.rename(|name| self.text(name, counts));
        }
        Redacted(event)
    }

    /// Replaces secrets in the id of a person. Equal ids stay equal.
    fn person(&self, id: &mut String, counts: &mut Counts) {
        let redact = |own: String| self.text(&own, counts).unwrap_or(own);
        *id = DistinctId::redacted(std::mem::take(id), redact).into();
    }

    /// Replaces every secret in spans and log records, before they reach the disk. Their events are
    /// redacted again, by the rules for whole structures.
    #[must_use]
    pub fn telemetry(&self, mut telemetry: Telemetry) -> Redacted<Telemetry> {
        telemetry.visit(&mut Spans(self));
        Redacted(telemetry)
    }

    fn json<'a>(&self, value: &mut Json<'a>, known: &mut KnownTexts<'a>, counts: &mut Counts) {
        match value {
            Json::Text(Cow::Borrowed(text)) => {
                let redacted = known.text(text, counts, |counts| self.text(text, counts));
                if let Some(redacted) = redacted {
                    *value = Json::from(redacted);
                }
            }
            Json::Text(Cow::Owned(text)) => {
                if let Some(redacted) = self.text(text, counts) {
                    *text = redacted;
                }
            }
            Json::Value(Cow::Borrowed(borrowed)) => {
                let redacted = known.value(borrowed, counts, |counts| {
                    let mut copy = (*borrowed).clone();
                    self.value(&mut copy, counts);
                    copy
                });
                if let Some(redacted) = redacted {
                    *value = Json::from(redacted);
                }
            }
            Json::Value(Cow::Owned(value)) => self.value(value, counts),
            Json::List(items) => items.iter_mut().for_each(|it| self.json(it, known, counts)),
            Json::Object(fields) => {
                let fields = fields.iter_mut();
                fields.for_each(|(_, field)| self.json(field, known, counts));
            }
        }
    }
}

/// Replaces secrets in spans and log records.
struct Spans<'r>(&'r Redactor);

impl Visitor for Spans<'_> {
    fn text(&mut self, place: Place<'_>, text: &mut String) {
        let kind = match place {
            Place::Value(key) => kind_under(key),
            Place::Key | Place::Field(_) => None,
        };
        let counts = &mut Counts::default();
        if let Some(kind) = kind {
            self.0.sensitive_text(kind, text, counts);
        } else if let Some(redacted) = self.0.text(text, counts) {
            *text = redacted;
        }
    }

    /// By the rules for JSON, which know lists of arguments and pairs of names and values.
    fn value(&mut self, name: &str, value: &mut otlp::Value) {
        let may_hold = match value {
            otlp::Value::Array(_) | otlp::Value::Map(_) => true,
            otlp::Value::Int(_) | otlp::Value::Double(_) => kind_under(name).is_some(),
            // Texts follow.
            otlp::Value::Text(_)
            | otlp::Value::Null
            | otlp::Value::Bool(_)
            | otlp::Value::Bytes(_) => false,
        };
        if !may_hold {
            return;
        }
        let before = Value::from(value.clone());
        let mut after = before.clone();
        self.0.field(name, None, &mut after, &mut Counts::default());
        if after != before {
            *value = after.into();
        }
    }
}

/// The kind of secret that a name announces.
fn kind_under(key: &str) -> Option<Kind> {
    keys::kind_of(key.as_bytes()).or_else(|| services::kind_of(key.as_bytes()))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::posthog::{EventName, Properties};
    use crate::redact::RedactionKey;

    const SECRET: &str = "export DB_PASSWORD=correct-horse-9";

    /// The values of an event with these, redacted, and the number of replacements.
    fn redacted(values: Vec<Json<'_>>) -> (Value, u64) {
        let redactor = Redactor::new(RedactionKey::new([7; 32]));
        let mut properties = Properties::default();
        properties.insert(names::INPUT, values);
        let event = Event {
            name: EventName::Generation,
            uuid: Uuid::nil(),
            distinct_id: "ada".to_owned(),
            identities: Identities::Known,
            timestamp: DateTime::UNIX_EPOCH,
            properties,
        };
        let mut counts = Counts::default();
        let event = redactor.event(event, &mut KnownTexts::default(), &mut counts);
        let value = event.get().properties.get(names::INPUT).cloned();
        (value.unwrap().into_value(), counts.total())
    }

    #[test]
    fn an_id_is_replaced_if_an_application_stated_it_and_stays_within_the_limit() {
        let redactor = Redactor::new(RedactionKey::new([7; 32]));
        for (identities, expected) in [
            (Identities::Known, [false, false]),
            (Identities::StatedSession, [false, true]),
            (Identities::Stated, [true, true]),
        ] {
            let secret = "DB_PASSWORD=horse-9 ".repeat(9);
            let mut properties = Properties::default();
            properties.insert(names::SESSION_ID, secret.clone());
            let event = Event {
                name: EventName::Span,
                uuid: Uuid::nil(),
                distinct_id: secret,
                identities,
                timestamp: DateTime::UNIX_EPOCH,
                properties,
            };
            let redact = || {
                let mut counts = Counts::default();
                redactor.event(event.clone(), &mut KnownTexts::default(), &mut counts)
            };
            let (one, two) = (redact().into_inner(), redact().into_inner());
            assert_eq!(one, two);
            let session = one.properties.get(names::SESSION_ID).and_then(Json::as_str);
            let ids = [one.distinct_id.as_str(), session.unwrap_or_default()];
            assert_eq!(ids.map(|it| !it.contains("horse")), expected);
            assert!(one.distinct_id.len() <= 200);
        }
    }

    #[test]
    fn a_text_is_replaced_and_counted_wherever_it_is() {
        let arguments = json!({ "command": SECRET });
        let (values, count) = redacted(vec![
            SECRET.into(),
            SECRET.into(),
            SECRET.to_owned().into(),
            (&arguments).into(),
            (&arguments).into(),
            "harmless".into(),
        ]);
        let text = values.to_string();
        assert!(
            !text.contains("horse") && text.contains("harmless"),
            "{text}"
        );
        assert_eq!(count, 5);
    }

    #[test]
    fn a_message_is_redacted_as_its_json_is() {
        let arguments = json!({ "password": "correct horse 9", "name": "API_KEY", "value": "x-9" });
        for text in [SECRET, "password", "API_KEY", "concealed", "httpOnly", "x"] {
            let call = [
                ("type", "function".into()),
                ("id", text.into()),
                (
                    "function",
                    Json::Object(vec![
                        ("name", text.into()),
                        ("arguments", (&arguments).into()),
                    ]),
                ),
            ];
            let part =
                |kind: &'static str| Json::Object(vec![("type", kind.into()), (kind, text.into())]);
            let messages = vec![
                Json::Object(vec![
                    ("role", "assistant".into()),
                    (
                        "content",
                        vec![part("text"), part("thinking"), Json::Object(call.into())].into(),
                    ),
                ]),
                Json::Object(vec![
                    ("role", "tool".into()),
                    ("tool_call_id", text.into()),
                    ("content", text.into()),
                ]),
            ];
            let plain: Vec<Value> = messages.iter().cloned().map(Json::into_value).collect();
            let expected = redacted(vec![Json::from(Value::from(plain))]);
            let (Value::Array(found), count) = redacted(messages) else {
                panic!("no list");
            };
            assert_eq!((json!([found]), count), expected, "{text}");
        }
    }

    /// The attributes as the inbox would store them.
    fn stored(attributes: Value) -> String {
        let otlp::Value::Map(attributes) = attributes.into() else {
            panic!("attributes have names");
        };
        let record = otlp::LogRecord {
            attributes,
            ..otlp::LogRecord::default()
        };
        let telemetry = Telemetry {
            logs: vec![record],
            ..Telemetry::default()
        };
        let redactor = Redactor::new(RedactionKey::new([7; 32]));
        format!(
            "{:?}",
            redactor.telemetry(telemetry).get().logs[0].attributes
        )
    }

    #[test]
    fn secrets_in_lists_and_maps_of_attributes_are_found_by_the_rules_for_structures() {
        let secret = "gT7pQ2xWmZ9kL4vR";
        for attributes in [
            json!({"arguments": ["mysql", "--password", secret]}),
            json!({"process.command_args": ["run", "--token", secret]}),
            json!({"headers": [["X-Api-Key", secret]]}),
            json!({"headers": [{"name": "X-Api-Key", "value": secret}]}),
            json!({"request": {"auth": {"password": secret}}}),
        ] {
            let shown = stored(attributes);
            assert!(!shown.contains(secret), "{shown}");
        }
        let shown = stored(
            json!({"password": 771_234_567_801_u64, "in": {"password": 771_234_567_801_u64}}),
        );
        assert!(!shown.contains("771234567801"), "{shown}");
    }

    #[test]
    fn numbers_and_lists_without_secrets_stay_as_they_are() {
        let attributes = json!({
            "gen_ai.usage.input_tokens": 1_234_567,
            "gen_ai.usage.cache_read_tokens": 12,
            "llm.token_count.prompt": 99,
            "gen_ai.request.max_tokens": 4_096,
            "finish_reasons": ["stop", "length"],
            "nested": {"count": 3, "share": 0.25},
        });
        let otlp::Value::Map(expected) = otlp::Value::from(attributes.clone()) else {
            panic!("attributes have names");
        };
        assert_eq!(stored(attributes), format!("{expected:?}"));
    }
}
