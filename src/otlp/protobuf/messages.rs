//! The messages within a request.

use super::reader::{Field, Malformed, Reader};
use crate::otlp::MAX_DEPTH;
use crate::otlp::ids::Given;
use crate::otlp::intake::{Intake, LinkDraft, SpanDraft};
use crate::otlp::model::{LogRecord, Resource, Scope, SpanEvent, SpanKind, Status, StatusCode};
use crate::otlp::value::{Attributes, Value};

/// Reads all fields of a message: each arm handles one number and type. A known number with another
/// type is counted, unknown numbers are skipped.
macro_rules! fields {
    ($message:ident, $intake:ident, {
        $($number:literal, $kind:ident($field:pat) => $take:expr,)+
    }) => {
        while let Some((number, field)) = $message.next()? {
            match (number, field) {
                $(($number, Field::$kind($field)) => $take,)+
                (number, _) if [$($number),+].contains(&number) => $intake.unreadable_field(),
                _ => {}
            }
        }
    };
}

pub(super) fn resource(
    mut message: Reader<'_>,
    to: &mut Resource,
    intake: &mut Intake,
) -> Result<(), Malformed> {
    fields!(message, intake, {
        1, Message(it) => attribute(it, &mut to.attributes, MAX_DEPTH, intake)?,
    });
    Ok(())
}

pub(super) fn scope(
    mut message: Reader<'_>,
    to: &mut Scope,
    intake: &mut Intake,
) -> Result<(), Malformed> {
    fields!(message, intake, {
        1, Message(it) => to.name = it.text(),
        2, Message(it) => to.version = it.text(),
        3, Message(it) => attribute(it, &mut to.attributes, MAX_DEPTH, intake)?,
    });
    Ok(())
}

/// Adds a span to the telemetry, or counts that it is malformed.
pub(super) fn add_span(message: Reader<'_>, intake: &mut Intake) {
    let begun = intake.begin();
    match span(message, intake) {
        Ok(draft) => intake.add_span(begun, draft),
        Err(_) => intake.malformed_span(begun),
    }
}

fn span(mut message: Reader<'_>, intake: &mut Intake) -> Result<SpanDraft, Malformed> {
    let mut draft = SpanDraft::new(intake);
    let to = &mut draft.span;
    fields!(message, intake, {
        1, Message(it) => draft.trace_id = Given::from_slice(it.bytes()),
        2, Message(it) => draft.span_id = Given::from_slice(it.bytes()),
        4, Message(it) => draft.parent_span_id = Given::from_slice(it.bytes()),
        5, Message(it) => to.name = it.text(),
        6, Number(it) => to.kind = SpanKind::of_number(enumerated(it)),
        7, Fixed64(it) => to.start = it,
        8, Fixed64(it) => to.end = it,
        9, Message(it) => attribute(it, &mut to.attributes, MAX_DEPTH, intake)?,
        10, Number(it) => to.dropped_attributes = truncated(it),
        11, Message(it) => {
            let event = event(it, intake)?;
            intake.push(&mut to.events, event);
        },
        12, Number(it) => to.dropped_events = truncated(it),
        13, Message(it) => {
            let link = link(it, intake)?;
            intake.add_link(to, link);
        },
        15, Message(it) => status(it, &mut to.status, intake)?,
        16, Fixed32(it) => to.flags = it,
    });
    Ok(draft)
}

fn event(mut message: Reader<'_>, intake: &mut Intake) -> Result<SpanEvent, Malformed> {
    let mut event = SpanEvent::default();
    fields!(message, intake, {
        1, Fixed64(it) => event.time = it,
        2, Message(it) => event.name = it.text(),
        3, Message(it) => attribute(it, &mut event.attributes, MAX_DEPTH, intake)?,
    });
    Ok(event)
}

fn link(mut message: Reader<'_>, intake: &mut Intake) -> Result<LinkDraft, Malformed> {
    let mut link = LinkDraft::default();
    fields!(message, intake, {
        1, Message(it) => link.trace_id = Given::from_slice(it.bytes()),
        2, Message(it) => link.span_id = Given::from_slice(it.bytes()),
        4, Message(it) => attribute(it, &mut link.attributes, MAX_DEPTH, intake)?,
    });
    Ok(link)
}

fn status(mut message: Reader<'_>, to: &mut Status, intake: &mut Intake) -> Result<(), Malformed> {
    fields!(message, intake, {
        2, Message(it) => to.message = it.text(),
        3, Number(it) => to.code = StatusCode::of_number(enumerated(it)),
    });
    Ok(())
}

/// Adds a log record to the telemetry, or counts that it is malformed.
pub(super) fn add_log(message: Reader<'_>, intake: &mut Intake) {
    let begun = intake.begin();
    match log(message, intake) {
        Ok(log) => intake.add_log(begun, log),
        Err(_) => intake.malformed_log(begun),
    }
}

fn log(mut message: Reader<'_>, intake: &mut Intake) -> Result<LogRecord, Malformed> {
    let mut log = LogRecord::default();
    fields!(message, intake, {
        1, Fixed64(it) => log.time = it,
        2, Number(it) => log.severity = enumerated(it),
        3, Message(it) => log.severity_text = it.text(),
        5, Message(it) => value(it, &mut log.body, MAX_DEPTH, intake)?,
        6, Message(it) => attribute(it, &mut log.attributes, MAX_DEPTH, intake)?,
        7, Number(it) => log.dropped_attributes = truncated(it),
        8, Fixed32(it) => log.flags = it,
        9, Message(it) => log.trace_id = Given::from_slice(it.bytes()).id(),
        10, Message(it) => log.span_id = Given::from_slice(it.bytes()).id(),
        11, Fixed64(it) => log.observed = it,
        12, Message(it) => log.event_name = it.text(),
    });
    Ok(log)
}

/// `KeyValue`. `depth` is the number of levels of values that may still be nested.
fn attribute(
    mut message: Reader<'_>,
    to: &mut Attributes,
    depth: usize,
    intake: &mut Intake,
) -> Result<(), Malformed> {
    let (mut key, mut given) = (String::new(), Value::Null);
    fields!(message, intake, {
        1, Message(it) => key = it.text(),
        2, Message(it) => value(it, &mut given, depth, intake)?,
    });
    intake.push_attribute(to, key, given);
    Ok(())
}

/// `AnyValue`. Two parts of one list are joined.
fn value(
    mut message: Reader<'_>,
    to: &mut Value,
    depth: usize,
    intake: &mut Intake,
) -> Result<(), Malformed> {
    if depth == 0 {
        intake.cut_value();
        return Ok(());
    }
    fields!(message, intake, {
        1, Message(it) => *to = Value::Text(it.text()),
        2, Number(it) => *to = Value::Bool(it != 0),
        3, Number(it) => *to = Value::Int(it.cast_signed()),
        4, Fixed64(it) => *to = Value::Double(f64::from_bits(it)),
        5, Message(it) => array(it, to, depth - 1, intake)?,
        6, Message(it) => map(it, to, depth - 1, intake)?,
        7, Message(it) => *to = Value::Bytes(it.bytes().len() as u64),
    });
    Ok(())
}

fn array(
    mut message: Reader<'_>,
    to: &mut Value,
    depth: usize,
    intake: &mut Intake,
) -> Result<(), Malformed> {
    let mut items = match std::mem::take(to) {
        Value::Array(items) => items,
        _ => Vec::new(),
    };
    fields!(message, intake, {
        1, Message(it) => {
            let mut item = Value::Null;
            value(it, &mut item, depth, intake)?;
            intake.push(&mut items, item);
        },
    });
    *to = Value::Array(items);
    Ok(())
}

fn map(
    mut message: Reader<'_>,
    to: &mut Value,
    depth: usize,
    intake: &mut Intake,
) -> Result<(), Malformed> {
    let mut fields = match std::mem::take(to) {
        Value::Map(fields) => fields,
        _ => Attributes::default(),
    };
    fields!(message, intake, {
        1, Message(it) => attribute(it, &mut fields, depth, intake)?,
    });
    *to = Value::Map(fields);
    Ok(())
}

/// An enumerated number. Protobuf keeps the lower half of longer numbers.
fn enumerated(number: u64) -> i32 {
    truncated(number).cast_signed()
}

/// A number of 32 bits. Protobuf keeps the lower half of longer numbers.
fn truncated(number: u64) -> u32 {
    (number & u64::from(u32::MAX))
        .try_into()
        .unwrap_or(u32::MAX)
}
