//! The outer messages of a request, around spans and log records.

use std::marker::PhantomData;

use serde::de::{IgnoredAny, MapAccess, SeqAccess};

use super::messages::{self, One, WrittenSpan};
use super::scalars::{Text, next_name, skip};
use super::take::{Seed, Take};
use crate::otlp::intake::Intake;
use crate::otlp::model::{LogRecord, Resource, Scope};

/// An object whose content goes into the telemetry.
pub(super) trait Part {
    /// Reads the object.
    fn object<'de, A: MapAccess<'de>>(fields: A, intake: &mut Intake) -> Result<(), A::Error>;

    /// Counts a value that is not an object.
    fn other(intake: &mut Intake) {
        intake.unreadable_field();
    }
}

/// Reads one part, and returns whether it was an object.
pub(super) struct PartTake<'i, P> {
    intake: &'i mut Intake,
    part: PhantomData<P>,
}

impl<'i, P: Part> PartTake<'i, P> {
    pub(super) const fn new(intake: &'i mut Intake) -> Seed<Self> {
        Seed(Self {
            intake,
            part: PhantomData,
        })
    }
}

impl<'de, P: Part> Take<'de> for PartTake<'_, P> {
    type Output = bool;

    fn other(self) -> bool {
        P::other(self.intake);
        false
    }

    fn null(self) -> bool {
        false
    }

    fn object<A: MapAccess<'de>>(self, fields: A) -> Result<bool, A::Error> {
        P::object(fields, self.intake).map(|()| true)
    }
}

/// A list of parts.
struct Parts<'i, P> {
    intake: &'i mut Intake,
    part: PhantomData<P>,
}

impl<'i, P: Part> Parts<'i, P> {
    const fn new(intake: &'i mut Intake) -> Seed<Self> {
        Seed(Self {
            intake,
            part: PhantomData,
        })
    }
}

impl<'de, P: Part> Take<'de> for Parts<'_, P> {
    type Output = ();

    fn other(self) {
        self.intake.unreadable_field();
    }

    fn null(self) {}

    fn list<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items
            .next_element_seed(PartTake::<P>::new(self.intake))?
            .is_some()
        {}
        Ok(())
    }
}

/// A request for any of the three signals.
pub(super) struct Request;

impl Part for Request {
    fn object<'de, A: MapAccess<'de>>(mut fields: A, intake: &mut Intake) -> Result<(), A::Error> {
        while let Some(name) = next_name(&mut fields)? {
            match name.as_bytes() {
                b"resourceSpans" | b"resourceLogs" => {
                    fields.next_value_seed(Parts::<ResourceGroup>::new(intake))?;
                }
                b"resourceMetrics" => fields.next_value_seed(Parts::<Metrics>::new(intake))?,
                _ => skip(&mut fields)?,
            }
        }
        Ok(())
    }
}

/// `ResourceSpans` or `ResourceLogs`.
struct ResourceGroup;

impl Part for ResourceGroup {
    fn object<'de, A: MapAccess<'de>>(mut fields: A, intake: &mut Intake) -> Result<(), A::Error> {
        let mark = intake.mark();
        let mut resource = Resource::default();
        while let Some(name) = next_name(&mut fields)? {
            match name.as_bytes() {
                b"resource" => {
                    resource = fields
                        .next_value_seed(One::new(intake))?
                        .unwrap_or_default();
                }
                // Before version 0.15 of the protocol, scopes were called libraries.
                b"scopeSpans"
                | b"scopeLogs"
                | b"instrumentationLibrarySpans"
                | b"instrumentationLibraryLogs" => {
                    fields.next_value_seed(Parts::<ScopeGroup>::new(intake))?;
                }
                _ => skip(&mut fields)?,
            }
        }
        intake.set_resource(mark, resource);
        Ok(())
    }
}

/// `ScopeSpans` or `ScopeLogs`.
struct ScopeGroup;

impl Part for ScopeGroup {
    fn object<'de, A: MapAccess<'de>>(mut fields: A, intake: &mut Intake) -> Result<(), A::Error> {
        let mark = intake.mark();
        let mut scope = Scope::default();
        while let Some(name) = next_name(&mut fields)? {
            match name.as_bytes() {
                b"scope" | b"instrumentationLibrary" => {
                    scope = fields
                        .next_value_seed(One::new(intake))?
                        .unwrap_or_default();
                }
                b"spans" => fields.next_value_seed(Parts::<SpanPart>::new(intake))?,
                b"logRecords" | b"logs" => fields.next_value_seed(Parts::<LogPart>::new(intake))?,
                _ => skip(&mut fields)?,
            }
        }
        intake.set_scope(mark, scope);
        Ok(())
    }
}

/// A span in a list.
struct SpanPart;

impl Part for SpanPart {
    fn object<'de, A: MapAccess<'de>>(fields: A, intake: &mut Intake) -> Result<(), A::Error> {
        let begun = intake.begin();
        let span: WrittenSpan = messages::read(fields, intake)?;
        intake.add_span(begun, span.finish());
        Ok(())
    }

    fn other(intake: &mut Intake) {
        let begun = intake.begin();
        intake.malformed_span(begun);
    }
}

/// A log record in a list.
struct LogPart;

impl Part for LogPart {
    fn object<'de, A: MapAccess<'de>>(fields: A, intake: &mut Intake) -> Result<(), A::Error> {
        let begun = intake.begin();
        let log: LogRecord = messages::read(fields, intake)?;
        intake.add_log(begun, log);
        Ok(())
    }

    fn other(intake: &mut Intake) {
        let begun = intake.begin();
        intake.malformed_log(begun);
    }
}

/// `ResourceMetrics`, which are only counted.
struct Metrics;

impl Part for Metrics {
    fn object<'de, A: MapAccess<'de>>(mut fields: A, intake: &mut Intake) -> Result<(), A::Error> {
        while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        intake.metrics();
        Ok(())
    }
}

/// A line of a file with a span or metric, its resource and its scope.
pub(super) struct Line;

impl Part for Line {
    fn object<'de, A: MapAccess<'de>>(mut fields: A, intake: &mut Intake) -> Result<(), A::Error> {
        let mark = intake.mark();
        let begun = intake.begin();
        let mut span: WrittenSpan = messages::Message::new(intake);
        let (mut kind, mut resource, mut scope) = (String::new(), None, None);
        while let Some(name) = next_name(&mut fields)? {
            match name.as_bytes() {
                b"type" => kind = fields.next_value_seed(Seed(Text(intake)))?,
                b"resource" => resource = fields.next_value_seed(One::new(intake))?,
                b"instrumentationScope" => scope = fields.next_value_seed(One::new(intake))?,
                name => messages::Message::field(&mut span, name, &mut fields, intake)?,
            }
        }
        match kind.as_str() {
            "span" | "" => intake.add_span(begun, span.finish()),
            "metric" => intake.metrics(),
            _ => intake.unreadable_field(),
        }
        intake.set_resource(mark, resource.unwrap_or_default());
        intake.set_scope(mark, scope.unwrap_or_default());
        Ok(())
    }
}
