//! The signal of a protobuf request: spans, log records or metrics.
//!
//! The three share their outer messages, and a file does not name its signal. The first record
//! shows it: only a span has times of 8 bytes in fields 7 and 8, only a log record in 1 and 11.

use super::Signal;
use super::reader::{Defect, Field, Malformed, Reader};

/// Bytes that no request begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::otlp) struct NotARequest;

impl From<Malformed> for NotARequest {
    fn from(_: Malformed) -> Self {
        Self
    }
}

/// The signal of a request, from its beginning or all of it; `None` when it is empty.
pub(in crate::otlp) fn signal_of(beginning: &[u8]) -> Result<Option<Signal>, NotARequest> {
    let mut request = Reader::beginning(beginning);
    while let Some(field) = next(&mut request)? {
        let (1, Field::Message(group)) = field else {
            return Err(NotARequest);
        };
        if let Some(signal) = of_group(group)? {
            return Ok(Some(signal));
        }
    }
    Ok(None)
}

/// The next field of a message; `None` at the end, and where the bytes end within a number.
fn next<'a>(message: &mut Reader<'a>) -> Result<Option<(u32, Field<'a>)>, NotARequest> {
    match message.next() {
        Err(Malformed {
            defect: Defect::Truncated,
            ..
        }) if message.is_at_cut() => Ok(None),
        field => Ok(field?),
    }
}

/// `ResourceSpans`, `ResourceLogs` or `ResourceMetrics`.
fn of_group(mut group: Reader<'_>) -> Result<Option<Signal>, NotARequest> {
    while let Some(field) = next(&mut group)? {
        match field {
            (1, Field::Message(resource)) => {
                has_only_fields(resource, |number| number <= 3)?;
            }
            (2 | 1000, Field::Message(group)) => {
                if let Some(signal) = of_scope(group)? {
                    return Ok(Some(signal));
                }
            }
            // The address of a schema.
            (3, Field::Message(_)) => {}
            _ => return Err(NotARequest),
        }
    }
    Ok(None)
}

/// `ScopeSpans`, `ScopeLogs` or `ScopeMetrics`.
fn of_scope(mut group: Reader<'_>) -> Result<Option<Signal>, NotARequest> {
    while let Some(field) = next(&mut group)? {
        match field {
            (1, Field::Message(scope)) => has_only_fields(scope, |number| number <= 4)?,
            (2, Field::Message(record)) => return Ok(Some(of_record(record)?)),
            (3, Field::Message(_)) => {}
            _ => return Err(NotARequest),
        }
    }
    Ok(None)
}

fn has_only_fields(mut message: Reader<'_>, is_known: fn(u32) -> bool) -> Result<(), NotARequest> {
    while let Some((number, field)) = next(&mut message)? {
        if !is_known(number) || !matches!(field, Field::Message(_) | Field::Number(_)) {
            return Err(NotARequest);
        }
    }
    Ok(())
}

/// `Span`, `LogRecord` or `Metric`. A span without times still has its two ids at the beginning.
fn of_record(mut record: Reader<'_>) -> Result<Signal, NotARequest> {
    let (mut has_trace_id, mut has_span_id) = (false, false);
    while let Some(field) = next(&mut record)? {
        match field {
            (7 | 8, Field::Fixed64(_)) => return Ok(Signal::Traces),
            (1 | 11, Field::Fixed64(_)) | (2, Field::Number(_)) => return Ok(Signal::Logs),
            (1, Field::Message(it)) => has_trace_id = it.bytes().len() == 16,
            (2, Field::Message(it)) => has_span_id = it.bytes().len() == 8,
            // The body of a log record precedes its time of observation, and may be long.
            (5, Field::Message(_)) if !has_trace_id && record.is_at_cut() => {
                return Ok(Signal::Logs);
            }
            (1..=17, _) => {}
            _ => return Err(NotARequest),
        }
    }
    Ok(if has_trace_id && has_span_id {
        Signal::Traces
    } else {
        Signal::Metrics
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field of bytes.
    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).expect("a short message");
        [&[(number << 3) | 2, length], content].concat()
    }

    fn request(record: &[u8]) -> Vec<u8> {
        let attribute = field(1, &field(1, b"service.name"));
        let group = [field(1, &attribute), field(2, &field(2, record))].concat();
        field(1, &group)
    }

    #[test]
    fn the_first_record_tells_what_a_request_holds() {
        let time = |number: u8| [&[(number << 3) | 1][..], &[9; 8]].concat();
        let ids = [field(1, &[1; 16]), field(2, &[2; 8])].concat();
        let cases = [
            ([ids.clone(), time(7)].concat(), Signal::Traces),
            (ids, Signal::Traces),
            (time(1), Signal::Logs),
            (
                [field(5, &field(1, b"text")), time(11)].concat(),
                Signal::Logs,
            ),
            (
                [field(1, b"tokens"), field(7, b"")].concat(),
                Signal::Metrics,
            ),
        ];
        for (record, expected) in cases {
            let request = request(&record);
            assert_eq!(signal_of(&request), Ok(Some(expected)), "{record:?}");
            // Every beginning of a request is accepted.
            for end in 0..request.len() {
                assert!(
                    signal_of(&request[..end]).is_ok(),
                    "{end} bytes of {record:?}"
                );
            }
        }
    }

    #[test]
    fn a_text_is_no_request() {
        for text in [
            "\n# Title\n\ntext",
            "\n\n\n\n\nlines",
            "\n{\n",
            "text",
            "\0\0\0\0",
            "\x0aH\x0a",
        ] {
            let text = text.repeat(3);
            assert!(
                signal_of(text.as_bytes()) != Ok(Some(Signal::Traces)),
                "{text}"
            );
        }
        assert_eq!(signal_of(b"\n# Title\n\ntext"), Err(NotARequest));
    }
}
