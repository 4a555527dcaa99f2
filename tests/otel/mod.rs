//! Applications instrumented with the real libraries, from their calls of a model to the events at
//! the double: PostHog gets the answers of the model, according to the stand-in's books.
//!
//! `npm ci --prefix tests/otel/npm` installs the AI SDKs. `POSTHOG_LLMA_OTEL_PYTHON` names a Python
//! that has `tests/otel/python/requirements.txt`. Without them these tests pass and say so.

#![cfg(target_os = "linux")]

mod machine;
mod python;
mod vercel;
