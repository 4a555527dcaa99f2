//! Requests in protobuf.
//!
//! The fields of the body are read straight into the types of this program, in their order: there
//! is no tree of messages in between, and memory is bounded while reading. Field numbers are those
//! of `opentelemetry-proto`. As the format requires, a repeated message is merged, and unknown
//! fields are skipped. A known field of an unknown type is counted.

mod messages;
mod reader;
mod signal;
mod write;

use super::intake::Intake;
use super::{Limits, Signal, Telemetry};
use reader::{Field, Reader};

pub use reader::{Defect, Malformed};
pub(super) use signal::signal_of;
pub use write::request;

/// Decodes the body of a request.
///
/// # Errors
/// When the messages around spans or log records are malformed. A malformed span or record is
/// counted in [`Telemetry::losses`], and the others are kept.
pub fn decode(body: &[u8], signal: Signal, limits: &Limits) -> Result<Telemetry, Malformed> {
    let mut intake = Intake::new(limits);
    let mut request = Reader::new(body);
    while let Some((number, field)) = request.next()? {
        match (number, field) {
            (1, Field::Message(_)) if signal == Signal::Metrics => intake.metrics(),
            (1, Field::Message(group)) => group_of_resource(group, signal, &mut intake)?,
            (1, _) => intake.unreadable_field(),
            _ => {}
        }
    }
    Ok(intake.telemetry)
}

/// The number of spans that an `ExportTraceServiceResponse` reports as rejected, and the reason.
pub(super) fn rejected(body: &[u8]) -> Result<Option<(u64, String)>, Malformed> {
    let mut answer = Reader::new(body);
    let mut rejected = None;
    while let Some((number, field)) = answer.next()? {
        let (1, Field::Message(mut partial)) = (number, field) else {
            continue;
        };
        let (mut count, mut message) = (0, String::new());
        while let Some((number, field)) = partial.next()? {
            match (number, field) {
                (1, Field::Number(it)) => count = it,
                (2, Field::Message(it)) => message = it.text(),
                _ => {}
            }
        }
        rejected = (count > 0 || !message.is_empty()).then_some((count, message));
    }
    Ok(rejected)
}

/// `ResourceSpans` or `ResourceLogs`, which have the same numbers.
fn group_of_resource(
    mut group: Reader<'_>,
    signal: Signal,
    intake: &mut Intake,
) -> Result<(), Malformed> {
    let mark = intake.mark();
    let mut resource = super::Resource::default();
    while let Some((number, field)) = group.next()? {
        match (number, field) {
            (1, Field::Message(message)) => messages::resource(message, &mut resource, intake)?,
            // 1000 is the number before version 0.15 of the protocol.
            (2 | 1000, Field::Message(group)) => group_of_scope(group, signal, intake)?,
            (1 | 2 | 1000, _) => intake.unreadable_field(),
            _ => {}
        }
    }
    intake.set_resource(mark, resource);
    Ok(())
}

/// `ScopeSpans` or `ScopeLogs`, which have the same numbers.
fn group_of_scope(
    mut group: Reader<'_>,
    signal: Signal,
    intake: &mut Intake,
) -> Result<(), Malformed> {
    let mark = intake.mark();
    let mut scope = super::Scope::default();
    while let Some((number, field)) = group.next()? {
        match (number, field) {
            (1, Field::Message(message)) => messages::scope(message, &mut scope, intake)?,
            (2, Field::Message(message)) if signal == Signal::Traces => {
                messages::add_span(message, intake);
            }
            (2, Field::Message(message)) => messages::add_log(message, intake),
            (1 | 2, _) => intake.unreadable_field(),
            _ => {}
        }
    }
    intake.set_scope(mark, scope);
    Ok(())
}
