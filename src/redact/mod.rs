//! Replaces secrets in text and JSON.
//!
//! Owns what counts as a secret, by what gives it away:
//!
//! | what | where |
//! |---|---|
//! | its form, as services document it | `rules`, `format` |
//! | the name of a service, and letters that make no words | `services`, `random` |
//! | a name it is assigned to | `name`, `keys`, `qualifiers`; `assignment`, `assigned`, `separator`, `literal`, `lines`, `settings` |
//! | a name in a field, cell or line beside it | `json`, `pairs`, `tables`, `blocks`, `statements` |
//! | a header, a call or a command line | `headers`, `calls`, `commands`, `programs` |
//! | the form of a file, an address, a key block | `files`, `structures` |
//! | a sentence, a user before it, many words | `prose`, `phrases` |
//! | a line of a router's settings, a protocol that is typed | `devices`, `dialogues` |
//! | a rule of the user's own | `user_rules` |
//!
//! `values` and `placeholders` tell it from what only looks like one, with the lists of `words`. Promises:
//!
//! - Text without secrets is not copied.
//! - Redacting twice changes nothing: marks are left alone.
//! - Whatever goes in, valid UTF-8 comes out, and nothing panics.
//! - Examples, references and names of secrets stay readable; where a value
//!   could be either, it goes.
//! - In structured data, and in JSON inside text, a value under a documented
//!   name goes whatever it looks like.
//!
//! No file, no environment, no clock.

mod anchors;
mod arguments;
mod assigned;
mod assignment;
mod blocks;
mod calls;
mod characters;
mod checks;
mod commands;
#[cfg(test)]
mod contexts;
#[cfg(test)]
mod corpus;
mod detection;
mod detectors;
mod devices;
mod dialogues;
mod files;
mod find;
mod format;
#[cfg(test)]
mod formats;
mod headers;
mod json;
mod keys;
mod lines;
mod literal;
mod mark;
mod matching;
mod memory;
mod name;
mod near;
mod pairs;
mod phrases;
mod placeholders;
mod programs;
mod prose;
mod qualifiers;
mod random;
mod redacted;
mod repetition;
mod rules;
mod scan;
mod separator;
mod services;
mod settings;
mod statements;
mod structures;
mod tables;
mod taken;
#[cfg(test)]
mod tests;
mod user_rules;
mod values;
mod words;
mod work;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

pub use mark::RedactionKey;
pub use redacted::Redacted;
pub use user_rules::{UserRules, UserRulesError};

use keys::Kind;

/// A mark is shorter than most secrets, so that it may bring a name and a value within reach of
/// each other: what was redacted is read again, seldom more than once.
const PASSES: usize = 4;

/// Replaces secrets with marks such as `[redacted:github-pat:3f2a]`.
///
/// Cheap to create: what the built-in rules need is built on first use and
/// shared by all.
#[derive(Clone, Debug)]
pub struct Redactor {
    key: RedactionKey,
    user_rules: UserRules,
}

/// Replacements, by rule id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts(BTreeMap<Cow<'static, str>, u64>);

impl Counts {
    /// Nothing was replaced.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All replacements together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Rule ids and how often each replaced something, by id.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(id, count)| (id.as_ref(), *count))
    }

    /// Adds `count` replacements by a rule.
    pub fn add(&mut self, id: impl Into<Cow<'static, str>>, count: u64) {
        *self.0.entry(id.into()).or_default() += count;
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (id, count) in &other.0 {
            self.add(id.clone(), *count);
        }
    }
}

impl Redactor {
    /// With the built-in rules; `key` is random per installation and keys the
    /// hash in the marks.
    #[must_use]
    pub fn new(key: RedactionKey) -> Self {
        Self::with_user_rules(key, UserRules::default())
    }

    /// With rules of the user's own before the built-in ones.
    #[must_use]
    pub fn with_user_rules(key: RedactionKey, user_rules: UserRules) -> Self {
        Self { key, user_rules }
    }

    /// The text with its secrets replaced, or `None` when it has none.
    #[must_use]
    pub fn text(&self, text: &str, counts: &mut Counts) -> Option<String> {
        let mut from = 0;
        let own = std::iter::from_fn(|| {
            let (start, end, id) = self.user_rules.next(text, from)?;
            from = end;
            Some((start, end, Cow::Owned(id.to_owned())))
        });
        let own = self.replace(text, counts, own);
        let mut redacted = own;
        for _ in 0..PASSES {
            let text = redacted.as_deref().unwrap_or(text);
            let findings = scan::Findings::new(text.as_bytes())
                .map(|it| (it.start, it.end, Cow::Borrowed(it.id)));
            let known = self.replace(text, counts, findings);
            if known.is_none() {
                break;
            }
            redacted = known;
        }
        redacted
    }

    /// Replaces secrets in a JSON value: strings at any depth, whole values
    /// under sensitive keys, and keys that hold a secret themselves.
    pub fn value(&self, value: &mut Value, counts: &mut Counts) {
        match value {
            Value::String(text) => {
                if let Some(redacted) = self.text(text, counts) {
                    *text = redacted;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item, counts)),
            Value::Object(fields) => self.object(fields, counts),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn object(&self, fields: &mut Map<String, Value>, counts: &mut Counts) {
        let named = fields
            .iter()
            .filter(|(field, _)| pairs::names(field))
            .find_map(|(field, name)| pairs::announced(field.as_bytes(), name.as_str()?.as_bytes()))
            .or_else(|| {
                let mut cookie = pairs::COOKIE_FIELDS.iter();
                let mut confessing = pairs::CONFESSING_FIELDS.iter();
                (cookie.any(|it| fields.contains_key(*it))
                    || confessing.any(|it| fields.get(*it) == Some(&Value::Bool(true))))
                .then_some(Kind::Secret)
            });
        let mut secret_in_name = false;
        for (key, value) in fields.iter_mut() {
            let named = named.filter(|_| pairs::holds_value(key));
            secret_in_name |= self.field(key, named, value, counts);
        }
        if secret_in_name {
            self.names(fields, counts);
        }
    }

    /// Whether the name of a field holds a secret itself.
    fn is_secret_in(&self, name: &str) -> bool {
        scan::has_secret(name.as_bytes()) || self.user_rules.next(name, 0).is_some()
    }

    /// Replaces secrets in the names of fields.
    fn names(&self, fields: &mut Map<String, Value>, counts: &mut Counts) {
        let mut redacted = Map::new();
        for (name, value) in std::mem::take(fields) {
            let mut name = self.text(&name, counts).unwrap_or(name);
            // Two secrets may share a mark; no field is lost for it.
            while redacted.contains_key(&name) {
                name.push('\'');
            }
            redacted.insert(name, value);
        }
        *fields = redacted;
    }

    /// Replaces secrets in a value under a key; `named` is what the fields beside it announce.
    /// Answers whether the key holds a secret itself.
    fn field(
        &self,
        key: &str,
        named: Option<Kind>,
        value: &mut Value,
        counts: &mut Counts,
    ) -> bool {
        let of_service = || services::kind_of(key.as_bytes());
        match keys::kind_of(key.as_bytes()).or(named).or_else(of_service) {
            Some(kind) => self.sensitive(kind, value, counts),
            None => self.value(value, counts),
        }
        self.is_secret_in(key)
    }

    /// A value under a sensitive key: every text and number in it goes, and nothing of what only
    /// describes such a value in a schema.
    fn sensitive(&self, kind: Kind, value: &mut Value, counts: &mut Counts) {
        match value {
            Value::String(text) => self.sensitive_text(kind, text, counts),
            Value::Array(items) if values::is_documented(kind) => items
                .iter_mut()
                .for_each(|item| self.sensitive(kind, item, counts)),
            Value::Object(fields) if values::is_documented(kind) => {
                let schema = is_schema(fields);
                for (field, value) in fields.iter_mut() {
                    if schema && !json::holds_value(field.as_bytes()) {
                        self.value(value, counts);
                    } else {
                        self.sensitive(kind, value, counts);
                    }
                }
                if fields.keys().any(|name| self.is_secret_in(name)) {
                    self.names(fields, counts);
                }
            }
            Value::Number(number) if values::is_documented(kind) || is_pin(number) => {
                let mark = self.mark(kind.id(), &number.to_string(), counts);
                *value = Value::String(mark);
            }
            other => self.value(other, counts),
        }
    }

    fn sensitive_text(&self, kind: Kind, text: &mut String, counts: &mut Counts) {
        let scheme = headers::scheme_length(text.as_bytes()).unwrap_or(0);
        let kind = if scheme > 0 {
            Kind::Authorization
        } else {
            kind
        };
        let secret = &text[scheme..];
        if values::is_secret_field(kind, secret.as_bytes()) && !self.user_rules.allows(secret) {
            let id = detectors::format_of(secret.as_bytes()).unwrap_or(kind.id());
            let mark = self.mark(id, secret, counts);
            text.replace_range(scheme.., &mark);
        } else if let Some(redacted) = self.text(text, counts) {
            *text = redacted;
        }
    }

    fn mark(&self, id: &'static str, secret: &str, counts: &mut Counts) -> String {
        let mut mark = String::new();
        self.key.digest(secret).write(&mut mark, id);
        counts.add(id, 1);
        mark
    }

    /// Replaces what was found, from left to right.
    fn replace(
        &self,
        text: &str,
        counts: &mut Counts,
        found: impl Iterator<Item = (usize, usize, Cow<'static, str>)>,
    ) -> Option<String> {
        let mut redacted = None;
        let mut copied = 0;
        // A secret often stands in a text several times.
        let mut last = None;
        for (start, end, id) in found {
            let secret = &text[start..end];
            if self.user_rules.allows(secret) {
                continue;
            }
            let out = redacted.get_or_insert_with(|| String::with_capacity(text.len()));
            out.push_str(&text[copied..start]);
            let quote = json::quote_of_number(text, start, end).unwrap_or_default();
            out.push_str(quote);
            let digest = match last {
                Some((same, digest)) if same == secret => digest,
                _ => self.key.digest(secret),
            };
            last = Some((secret, digest));
            digest.write(out, &id);
            out.push_str(quote);
            counts.add(id, 1);
            copied = end;
        }
        redacted.map(|mut out: String| {
            out.push_str(&text[copied..]);
            out
        })
    }
}

/// A JSON schema of a value, as tools declare their inputs.
fn is_schema(fields: &Map<String, Value>) -> bool {
    fields
        .get("type")
        .and_then(Value::as_str)
        .is_some_and(|it| json::is_type(it.as_bytes()))
}

/// Four digits or more.
fn is_pin(number: &serde_json::Number) -> bool {
    number.as_u64().is_some_and(|number| number >= 1000)
}
