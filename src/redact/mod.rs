//! Replaces secrets in text and JSON.
//!
//! # Layers
//!
//! Each folder imports only those above it in this list:
//!
//! | folder | holds |
//! |---|---|
//! | `text` | sets of bytes, lists of words, lines, separators; the search for anchors |
//! | `names` | names that announce a secret, and the kind of value they announce |
//! | `values` | judgement of a value: secret, placeholder, word or code |
//! | `rules` | formats that services document, as data, and their match at an anchor |
//! | `syntax` | notations that hold a name and a value: assignments, JSON, tables, calls, command lines, prose |
//! | `scan` | table of all anchors, the detector of each, and the way through a text |
//!
//! # Promises
//!
//! - Text without secrets is not copied.
//! - Redacting twice changes nothing: marks are left alone.
//! - The result is valid UTF-8 and no input causes a panic.
//! - Examples, references and names of secrets stay readable; a value that could be either is
//!   replaced.
//! - In structured data, and in JSON inside text, every value under a documented name is replaced.
//!
//! This module reads no file, no environment and no clock.

mod known_texts;
mod mark;
mod names;
mod redacted;
mod rules;
mod scan;
mod services;
mod syntax;
#[cfg(test)]
mod tests;
mod text;
mod user_rules;
mod values;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

pub use known_texts::KnownTexts;
pub use mark::RedactionKey;
pub use redacted::Redacted;
pub use user_rules::{UserRules, UserRulesError};

use names::keys::Kind;

/// Largest number of scans of a text. A mark is shorter than most secrets and may bring a name and
/// a value within reach of each other, so redacted text is scanned again, seldom more than once.
const PASSES: usize = 4;

/// Replaces secrets with marks such as `[redacted:github-pat:3f2a]`.
///
/// Cheap to create: the tables of the built-in rules are built at first use and shared.
#[derive(Clone, Debug)]
pub struct Redactor {
    key: RedactionKey,
    user_rules: UserRules,
}

/// Replacements, by rule id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts(BTreeMap<Cow<'static, str>, u64>);

impl Counts {
    /// Whether nothing was replaced.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Number of replacements.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Rule ids with their numbers of replacements, sorted by id.
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

/// Bytes of a list of texts that is read as a whole. Lists of commands are shorter.
const LONGEST_LIST: usize = 4096;

impl Redactor {
    /// A redactor with the built-in rules. `key` is random per installation.
    #[must_use]
    pub fn new(key: RedactionKey) -> Self {
        Self::with_user_rules(key, UserRules::default())
    }

    /// A redactor with the user's rules before the built-in ones.
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
            let secrets = scan::Secrets::new(text.as_bytes())
                .map(|it| (it.start, it.end, Cow::Borrowed(it.id)));
            let known = self.replace(text, counts, secrets);
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
            Value::Array(items) => {
                for item in items.iter_mut() {
                    self.value(item, counts);
                }
                if let Some(redacted) = self.list(items, counts) {
                    *value = redacted;
                }
            }
            Value::Object(fields) => self.object(fields, counts),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Replaces secrets in a list of texts that are announced by the texts before them: arguments of a
    /// command, a name and its value. `None` when there are none.
    fn list(&self, items: &[Value], counts: &mut Counts) -> Option<Value> {
        let texts = items.iter().map(Value::as_str);
        let length = texts.map(|it| it.map(str::len)).sum::<Option<usize>>()?;
        if items.len() < 2 || length > LONGEST_LIST {
            return None;
        }
        let written = serde_json::to_string(items).ok()?;
        let redacted = self.text(&written, counts)?;
        // A mark needs no quotes, so the list is still one.
        Some(serde_json::from_str(&redacted).unwrap_or(Value::String(redacted)))
    }

    fn object(&self, fields: &mut Map<String, Value>, counts: &mut Counts) {
        let named = fields
            .iter()
            .filter(|(field, _)| syntax::pairs::names(field))
            .find_map(|(field, name)| {
                syntax::pairs::announced(field.as_bytes(), name.as_str()?.as_bytes())
            })
            .or_else(|| {
                let mut cookie = syntax::pairs::COOKIE_FIELDS.iter();
                let mut confessing = syntax::pairs::CONFESSING_FIELDS.iter();
                (cookie.any(|it| fields.contains_key(*it))
                    || confessing.any(|it| fields.get(*it) == Some(&Value::Bool(true))))
                .then_some(Kind::Secret)
            });
        let mut secret_in_name = false;
        for (key, value) in fields.iter_mut() {
            let named = named.filter(|_| syntax::pairs::holds_value(key));
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
            // Two secrets may have the same mark; both fields stay.
            while redacted.contains_key(&name) {
                name.push('\'');
            }
            redacted.insert(name, value);
        }
        *fields = redacted;
    }

    /// Replaces secrets in a value under a key; `named` is the kind that the fields beside it
    /// announce. Returns whether the key contains a secret itself.
    fn field(
        &self,
        key: &str,
        named: Option<Kind>,
        value: &mut Value,
        counts: &mut Counts,
    ) -> bool {
        let of_service = || services::kind_of(key.as_bytes());
        match names::keys::kind_of(key.as_bytes())
            .or(named)
            .or_else(of_service)
        {
            Some(kind) => self.sensitive(kind, value, counts),
            None => self.value(value, counts),
        }
        self.is_secret_in(key)
    }

    /// Replaces every text and number in a value under a sensitive key, except the descriptions of
    /// such a value in a schema.
    fn sensitive(&self, kind: Kind, value: &mut Value, counts: &mut Counts) {
        match value {
            Value::String(text) => self.sensitive_text(kind, text, counts),
            Value::Array(items) if values::is_documented(kind) => items
                .iter_mut()
                .for_each(|item| self.sensitive(kind, item, counts)),
            Value::Object(fields) if values::is_documented(kind) => {
                let schema = is_schema(fields);
                for (field, value) in fields.iter_mut() {
                    if schema && !syntax::json::holds_value(field.as_bytes()) {
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
        let scheme = syntax::headers::scheme_length(text.as_bytes()).unwrap_or(0);
        let kind = if scheme > 0 {
            Kind::Authorization
        } else {
            kind
        };
        let secret = &text[scheme..];
        if values::is_secret_field(kind, secret.as_bytes()) && !self.user_rules.allows(secret) {
            let id = scan::format_of(secret.as_bytes()).unwrap_or(kind.id());
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

    /// Replaces secrets, which come from left to right.
    fn replace(
        &self,
        text: &str,
        counts: &mut Counts,
        found: impl Iterator<Item = (usize, usize, Cow<'static, str>)>,
    ) -> Option<String> {
        let mut redacted = None;
        let mut copied = 0;
        // A text often repeats a secret.
        let mut last = None;
        for (start, end, id) in found {
            let secret = &text[start..end];
            if self.user_rules.allows(secret) {
                continue;
            }
            let out = redacted.get_or_insert_with(|| String::with_capacity(text.len()));
            out.push_str(&text[copied..start]);
            let quote = syntax::json::quote_of_number(text, start, end).unwrap_or_default();
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

/// Whether an object is a JSON schema, as tools declare their inputs.
fn is_schema(fields: &Map<String, Value>) -> bool {
    fields
        .get("type")
        .and_then(Value::as_str)
        .is_some_and(|it| syntax::json::is_type(it.as_bytes()))
}

/// Whether a number has four digits or more.
fn is_pin(number: &serde_json::Number) -> bool {
    number.as_u64().is_some_and(|number| number >= 1000)
}
