//! Access to every text of telemetry, for redaction.
//!
//! All structures are destructured without `..`: a new field does not compile before it is handled
//! here.

use std::collections::HashMap;
use std::sync::Arc;

use super::model::{LogRecord, Resource, Scope, Span, SpanEvent, SpanLink, Status, Telemetry};
use super::value::{Attribute, Attributes, Value};

/// The place of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// The name of a value.
    Key,
    /// A field of the protocol, such as the name of a span.
    Field(&'static str),
    /// A value with this name, or an item of a list with this name.
    Value(&'a str),
}

/// A visitor of the content of telemetry, which may change it.
pub trait Visitor {
    /// Visits a text.
    fn text(&mut self, place: Place<'_>, text: &mut String);

    /// Visits a named value as a whole, before the texts in it.
    fn value(&mut self, name: &str, value: &mut Value) {
        let _ = (name, value);
    }
}

type Each<'e> = &'e mut dyn Visitor;

/// A visitor of texts only.
struct Texts<'t>(&'t mut dyn FnMut(Place<'_>, &mut String));

impl Visitor for Texts<'_> {
    fn text(&mut self, place: Place<'_>, text: &mut String) {
        (self.0)(place, text);
    }
}

impl Telemetry {
    /// Passes every text of spans, log records, resources and scopes to `each`, which may change
    /// it. Shared values are visited once, and stay shared.
    pub fn for_each_text(&mut self, each: &mut dyn FnMut(Place<'_>, &mut String)) {
        self.visit(&mut Texts(each));
    }

    /// Passes every value and every text to a visitor; see [`Telemetry::for_each_text`].
    pub fn visit(&mut self, each: &mut dyn Visitor) {
        let Self {
            spans,
            logs,
            losses: _,
        } = self;
        let (mut resources, mut scopes) = (Changed::default(), Changed::default());
        for span in spans {
            resources.change(&mut span.resource, |it| resource(it, each));
            scopes.change(&mut span.scope, |it| scope(it, each));
            span_texts(span, each);
        }
        for log in logs {
            resources.change(&mut log.resource, |it| resource(it, each));
            scopes.change(&mut log.scope, |it| scope(it, each));
            log_texts(log, each);
        }
    }
}

/// Shared values before and after the change, by address before it. The old value is kept, so that
/// no other value gets its address.
struct Changed<T>(HashMap<*const T, [Arc<T>; 2]>);

impl<T> Default for Changed<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Clone> Changed<T> {
    fn change(&mut self, shared: &mut Arc<T>, change: impl FnOnce(&mut T)) {
        let [_, changed] = self.0.entry(Arc::as_ptr(shared)).or_insert_with(|| {
            let mut changed = T::clone(shared);
            change(&mut changed);
            [Arc::clone(shared), Arc::new(changed)]
        });
        shared.clone_from(changed);
    }
}

fn resource(resource: &mut Resource, each: Each<'_>) {
    let Resource { attributes } = resource;
    attributes_texts(attributes, each);
}

fn scope(scope: &mut Scope, each: Each<'_>) {
    let Scope {
        name,
        version,
        attributes,
    } = scope;
    each.text(Place::Field("scope.name"), name);
    each.text(Place::Field("scope.version"), version);
    attributes_texts(attributes, each);
}

fn span_texts(span: &mut Span, each: Each<'_>) {
    let Span {
        resource: _,
        scope: _,
        trace_id: _,
        span_id: _,
        parent_span_id: _,
        name,
        kind: _,
        start: _,
        end: _,
        attributes,
        events,
        links,
        status: Status { code: _, message },
        flags: _,
        dropped_attributes: _,
        dropped_events: _,
    } = span;
    each.text(Place::Field("name"), name);
    each.text(Place::Field("status.message"), message);
    attributes_texts(attributes, each);
    for SpanEvent {
        time: _,
        name,
        attributes,
    } in events
    {
        each.text(Place::Field("event.name"), name);
        attributes_texts(attributes, each);
    }
    for SpanLink {
        trace_id: _,
        span_id: _,
        attributes,
    } in links
    {
        attributes_texts(attributes, each);
    }
}

fn log_texts(log: &mut LogRecord, each: Each<'_>) {
    let LogRecord {
        resource: _,
        scope: _,
        trace_id: _,
        span_id: _,
        time: _,
        observed: _,
        severity: _,
        severity_text,
        event_name,
        body,
        attributes,
        flags: _,
        dropped_attributes: _,
    } = log;
    each.text(Place::Field("severity"), severity_text);
    each.text(Place::Field("event.name"), event_name);
    each.value("body", body);
    value_texts(Place::Field("body"), body, each);
    attributes_texts(attributes, each);
}

fn attributes_texts(Attributes(attributes): &mut Attributes, each: Each<'_>) {
    for Attribute { key, value } in attributes {
        // The value comes first, since its name may change.
        each.value(key, value);
        value_texts(Place::Value(key), value, each);
        each.text(Place::Key, key);
    }
}

fn value_texts(place: Place<'_>, value: &mut Value, each: Each<'_>) {
    match value {
        Value::Text(text) => each.text(place, text),
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| value_texts(place, item, each)),
        Value::Map(Attributes(fields)) => {
            for Attribute { key, value } in fields {
                value_texts(Place::Value(key), value, each);
                each.text(Place::Key, key);
            }
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Double(_) | Value::Bytes(_) => {}
    }
}
