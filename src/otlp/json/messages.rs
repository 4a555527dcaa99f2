//! Messages within a request: spans, log records, and their parts.

use std::marker::PhantomData;

use serde::de::{MapAccess, SeqAccess};

use super::scalars::{Enumerated, IdTake, Small, Text, Time, next_name, skip};
use super::take::{Seed, Take};
use super::values::{AnyValue, Form, Named};
use crate::otlp::MAX_DEPTH;
use crate::otlp::intake::{Intake, LinkDraft, SpanDraft};
use crate::otlp::model::{LogRecord, Resource, Scope, SpanEvent, SpanKind, Status, StatusCode};

/// A message that is built from the fields of an object.
pub(super) trait Message: Sized {
    /// The message without any field.
    fn new(intake: &Intake) -> Self;

    /// Reads the value of the field `name`, or skips it.
    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        name: &[u8],
        fields: &mut A,
        intake: &mut Intake,
    ) -> Result<(), A::Error>;
}

/// Reads the remaining fields of an object into a message.
pub(super) fn read<'de, M: Message, A: MapAccess<'de>>(
    mut fields: A,
    intake: &mut Intake,
) -> Result<M, A::Error> {
    let mut message = M::new(intake);
    while let Some(name) = next_name(&mut fields)? {
        message.field(name.as_bytes(), &mut fields, intake)?;
    }
    Ok(message)
}

/// A message, if the value is an object.
pub(super) struct One<'i, M> {
    intake: &'i mut Intake,
    message: PhantomData<M>,
}

impl<'i, M: Message> One<'i, M> {
    pub(super) const fn new(intake: &'i mut Intake) -> Seed<Self> {
        Seed(Self {
            intake,
            message: PhantomData,
        })
    }
}

impl<'de, M: Message> Take<'de> for One<'_, M> {
    type Output = Option<M>;

    fn other(self) -> Option<M> {
        self.intake.unreadable_field();
        None
    }

    fn null(self) -> Option<M> {
        None
    }

    fn object<A: MapAccess<'de>>(self, fields: A) -> Result<Option<M>, A::Error> {
        read(fields, self.intake).map(Some)
    }
}

/// A list of messages.
struct Many<'i, M> {
    intake: &'i mut Intake,
    message: PhantomData<M>,
}

impl<'i, M: Message> Many<'i, M> {
    const fn new(intake: &'i mut Intake) -> Seed<Self> {
        Seed(Self {
            intake,
            message: PhantomData,
        })
    }
}

impl<'de, M: Message> Take<'de> for Many<'_, M> {
    type Output = Vec<M>;

    fn other(self) -> Vec<M> {
        self.intake.unreadable_field();
        Vec::new()
    }

    fn null(self) -> Vec<M> {
        Vec::new()
    }

    fn list<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<M>, A::Error> {
        let mut messages = Vec::new();
        while let Some(message) = items.next_element_seed(One::new(self.intake))? {
            if let Some(message) = message {
                self.intake.push(&mut messages, message);
            }
        }
        Ok(messages)
    }
}

/// A span as the emitter wrote it.
pub(super) struct WrittenSpan {
    pub(super) draft: SpanDraft,
    kind: i32,
    /// Whether times are pairs of seconds and nanoseconds, as in the JavaScript SDK.
    is_of_sdk: bool,
}

impl WrittenSpan {
    /// The span, with the values that depend on several fields.
    pub(super) fn finish(mut self) -> SpanDraft {
        // The SDK counts kinds from internal on; the protocol has a number for unspecified before
        // it.
        let kind = self.kind.saturating_add(i32::from(self.is_of_sdk));
        self.draft.span.kind = SpanKind::of_number(kind);
        self.draft
    }
}

impl Message for WrittenSpan {
    fn new(intake: &Intake) -> Self {
        Self {
            draft: SpanDraft::new(intake),
            kind: 0,
            is_of_sdk: false,
        }
    }

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        name: &[u8],
        fields: &mut A,
        intake: &mut Intake,
    ) -> Result<(), A::Error> {
        let span = &mut self.draft.span;
        match name {
            b"traceId" => self.draft.trace_id = fields.next_value_seed(Seed(IdTake(intake)))?,
            b"spanId" => self.draft.span_id = fields.next_value_seed(Seed(IdTake(intake)))?,
            b"parentSpanId" => {
                self.draft.parent_span_id = fields.next_value_seed(Seed(IdTake(intake)))?;
            }
            b"name" => span.name = fields.next_value_seed(Seed(Text(intake)))?,
            b"kind" => self.kind = fields.next_value_seed(Seed(kind(intake)))?,
            b"startTimeUnixNano" | b"startTime" => {
                let (time, is_pair) = fields.next_value_seed(Seed(Time(intake)))?;
                span.start = time;
                self.is_of_sdk |= is_pair;
            }
            b"endTimeUnixNano" | b"endTime" => {
                let (time, is_pair) = fields.next_value_seed(Seed(Time(intake)))?;
                span.end = time;
                self.is_of_sdk |= is_pair;
            }
            b"attributes" => span.attributes = fields.next_value_seed(Named::attributes(intake))?,
            b"events" => span.events = fields.next_value_seed(Many::new(intake))?,
            b"links" => {
                let links: Vec<LinkDraft> = fields.next_value_seed(Many::new(intake))?;
                for link in links {
                    intake.add_link(span, link);
                }
            }
            b"status" => {
                span.status = fields
                    .next_value_seed(One::new(intake))?
                    .unwrap_or_default();
            }
            b"flags" => span.flags = fields.next_value_seed(Seed(Small(intake)))?,
            b"droppedAttributesCount" => {
                span.dropped_attributes = fields.next_value_seed(Seed(Small(intake)))?;
            }
            b"droppedEventsCount" => {
                span.dropped_events = fields.next_value_seed(Seed(Small(intake)))?;
            }
            _ => skip(fields)?,
        }
        Ok(())
    }
}

const fn kind(intake: &mut Intake) -> Enumerated<'_> {
    const NAMES: &[&str] = &[
        "UNSPECIFIED",
        "INTERNAL",
        "SERVER",
        "CLIENT",
        "PRODUCER",
        "CONSUMER",
    ];
    Enumerated {
        intake,
        prefix: "SPAN_KIND_",
        names: NAMES,
    }
}

impl Message for LogRecord {
    fn new(_: &Intake) -> Self {
        Self::default()
    }

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        name: &[u8],
        fields: &mut A,
        intake: &mut Intake,
    ) -> Result<(), A::Error> {
        match name {
            b"traceId" => self.trace_id = fields.next_value_seed(Seed(IdTake(intake)))?.id(),
            b"spanId" => self.span_id = fields.next_value_seed(Seed(IdTake(intake)))?.id(),
            b"timeUnixNano" => self.time = fields.next_value_seed(Seed(Time(intake)))?.0,
            b"observedTimeUnixNano" => {
                self.observed = fields.next_value_seed(Seed(Time(intake)))?.0;
            }
            b"severityNumber" => self.severity = fields.next_value_seed(Seed(severity(intake)))?,
            b"severityText" => self.severity_text = fields.next_value_seed(Seed(Text(intake)))?,
            b"eventName" => self.event_name = fields.next_value_seed(Seed(Text(intake)))?,
            b"body" => {
                let body = AnyValue {
                    form: Form::Message,
                    depth: MAX_DEPTH,
                    intake,
                };
                self.body = fields.next_value_seed(Seed(body))?;
            }
            b"attributes" => self.attributes = fields.next_value_seed(Named::attributes(intake))?,
            b"flags" => self.flags = fields.next_value_seed(Seed(Small(intake)))?,
            b"droppedAttributesCount" => {
                self.dropped_attributes = fields.next_value_seed(Seed(Small(intake)))?;
            }
            _ => skip(fields)?,
        }
        Ok(())
    }
}

const fn severity(intake: &mut Intake) -> Enumerated<'_> {
    const NAMES: &[&str] = &[
        "UNSPECIFIED",
        "TRACE",
        "TRACE2",
        "TRACE3",
        "TRACE4",
        "DEBUG",
        "DEBUG2",
        "DEBUG3",
        "DEBUG4",
        "INFO",
        "INFO2",
        "INFO3",
        "INFO4",
        "WARN",
        "WARN2",
        "WARN3",
        "WARN4",
        "ERROR",
        "ERROR2",
        "ERROR3",
        "ERROR4",
        "FATAL",
        "FATAL2",
        "FATAL3",
        "FATAL4",
    ];
    Enumerated {
        intake,
        prefix: "SEVERITY_NUMBER_",
        names: NAMES,
    }
}

impl Message for SpanEvent {
    fn new(_: &Intake) -> Self {
        Self::default()
    }

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        name: &[u8],
        fields: &mut A,
        intake: &mut Intake,
    ) -> Result<(), A::Error> {
        match name {
            b"timeUnixNano" | b"time" => self.time = fields.next_value_seed(Seed(Time(intake)))?.0,
            b"name" => self.name = fields.next_value_seed(Seed(Text(intake)))?,
            b"attributes" => self.attributes = fields.next_value_seed(Named::attributes(intake))?,
            _ => skip(fields)?,
        }
        Ok(())
    }
}

impl Message for LinkDraft {
    fn new(_: &Intake) -> Self {
        Self::default()
    }

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        name: &[u8],
        fields: &mut A,
        intake: &mut Intake,
    ) -> Result<(), A::Error> {
        match name {
            b"traceId" => self.trace_id = fields.next_value_seed(Seed(IdTake(intake)))?,
            b"spanId" => self.span_id = fields.next_value_seed(Seed(IdTake(intake)))?,
            b"attributes" => self.attributes = fields.next_value_seed(Named::attributes(intake))?,
            _ => skip(fields)?,
        }
        Ok(())
    }
}

impl Message for Status {
    fn new(_: &Intake) -> Self {
        Self::default()
    }

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        name: &[u8],
        fields: &mut A,
        intake: &mut Intake,
    ) -> Result<(), A::Error> {
        match name {
            b"code" => {
                let names = &["UNSET", "OK", "ERROR"];
                let code = Enumerated {
                    intake,
                    prefix: "STATUS_CODE_",
                    names,
                };
                self.code = StatusCode::of_number(fields.next_value_seed(Seed(code))?);
            }
            b"message" => self.message = fields.next_value_seed(Seed(Text(intake)))?,
            _ => skip(fields)?,
        }
        Ok(())
    }
}

impl Message for Resource {
    fn new(_: &Intake) -> Self {
        Self::default()
    }

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        name: &[u8],
        fields: &mut A,
        intake: &mut Intake,
    ) -> Result<(), A::Error> {
        match name {
            b"attributes" => self.attributes = fields.next_value_seed(Named::attributes(intake))?,
            _ => skip(fields)?,
        }
        Ok(())
    }
}

impl Message for Scope {
    fn new(_: &Intake) -> Self {
        Self::default()
    }

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        name: &[u8],
        fields: &mut A,
        intake: &mut Intake,
    ) -> Result<(), A::Error> {
        match name {
            b"name" => self.name = fields.next_value_seed(Seed(Text(intake)))?,
            b"version" => self.version = fields.next_value_seed(Seed(Text(intake)))?,
            b"attributes" => self.attributes = fields.next_value_seed(Named::attributes(intake))?,
            _ => skip(fields)?,
        }
        Ok(())
    }
}
