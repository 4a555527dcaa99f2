//! OpenTelemetry: the decoders against independent ones, files against their contents, and the
//! events of traces.

mod answers;
mod captures;
mod complaints;
mod damage;
mod dialects;
mod emitters;
mod events;
mod every;
mod files;
mod gateway;
mod late;
mod limits;
mod losses;
mod losses_of_reports;
mod openrouter;
mod promises;
mod reviewed;
mod rules;
mod same;
mod stored;
pub(crate) mod support;
mod texts;
pub(crate) mod traces;
mod twice;
mod unknown;
