//! Requests in JSON, as emitters really write them.
//!
//! The specification is strict (proto3 JSON with hexadecimal ids and enumerations as numbers);
//! emitters, converters and people are not. This reader also accepts:
//!
//! - whole numbers as numbers or digits, doubles also as `"NaN"` and `"Infinity"`
//! - what is no JSON and has a meaning all the same: `NaN`, `1e400`, control characters, half a
//!   character; see `mend`
//! - names of fields in camel case or snake case, enumerations as numbers or names
//! - ids in hexadecimal of any case or in base64
//! - `null` for everything, `{}` for a value
//! - `instrumentationLibrarySpans`, as the protocol had it before version 0.15
//! - spans as the JavaScript SDK writes them: attributes as an object, times as pairs of seconds
//!   and nanoseconds, kinds counted from 0
//!
//! Unknown fields are skipped without an allocation, whatever their depth. A field of an unexpected
//! type is counted, and treated as missing.

mod mend;
mod messages;
mod request;
mod scalars;
mod take;
mod values;

use std::borrow::Cow;

use serde_json::Deserializer;
use thiserror::Error;

pub(super) use self::mend::mended;
use self::request::{Line, Part, PartTake, Request};
use self::take::DeserializeSeed;
use super::intake::Intake;
use super::{Limits, Telemetry};

/// A body that is not a JSON request.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidJson {
    /// The text does not follow the grammar of JSON.
    #[error("{reason}")]
    Syntax {
        /// A description of the fault, with line and column.
        reason: String,
        /// The line, counted from 1.
        line: u64,
        /// The column in bytes, counted from 1; 0 before the first character of a line.
        column: u64,
        /// Whether the text ends too early.
        is_cut: bool,
    },
    /// The text is JSON, but not an object.
    #[error("not a JSON object")]
    NoObject,
}

/// Decodes the body of a request for any signal. An empty body is an empty request.
///
/// # Errors
/// When it is not a JSON object. Faults within the object are counted in [`Telemetry::losses`].
pub fn decode(body: &[u8], limits: &Limits) -> Result<Telemetry, InvalidJson> {
    let text = text_of(body);
    if text.trim_ascii().is_empty() {
        return Ok(Telemetry::default());
    }
    decode_part::<Request>(&text, limits)
}

/// Decodes a line with a single span or metric, as GitHub Copilot's file exporter writes them.
///
/// # Errors
/// As [`decode`].
pub(super) fn decode_line(line: &[u8], limits: &Limits) -> Result<Telemetry, InvalidJson> {
    decode_part::<Line>(&text_of(line), limits)
}

/// The body as text, without a byte order mark. Invalid bytes are replaced.
fn text_of(body: &[u8]) -> Cow<'_, str> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    // Validating is several times faster than replacing.
    match str::from_utf8(body) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(body),
    }
}

fn decode_part<P: Part>(text: &str, limits: &Limits) -> Result<Telemetry, InvalidJson> {
    read_part::<P>(text, limits).or_else(|error| match mended(text) {
        Some(mended) => read_part::<P>(&mended, limits),
        None => Err(error),
    })
}

fn read_part<P: Part>(text: &str, limits: &Limits) -> Result<Telemetry, InvalidJson> {
    let mut intake = Intake::new(limits);
    let mut deserializer = Deserializer::from_str(text);
    // Values have a depth limit of their own, and skipping needs no stack.
    deserializer.disable_recursion_limit();
    let is_object = PartTake::<P>::new(&mut intake).deserialize(&mut deserializer)?;
    deserializer.end()?;
    if is_object {
        Ok(intake.telemetry)
    } else {
        Err(InvalidJson::NoObject)
    }
}

impl From<serde_json::Error> for InvalidJson {
    fn from(error: serde_json::Error) -> Self {
        Self::Syntax {
            line: error.line() as u64,
            column: error.column() as u64,
            is_cut: error.is_eof(),
            reason: error.to_string(),
        }
    }
}
