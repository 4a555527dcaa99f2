//! The test trace, and the explanation of PostHog's answer.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{anyhow, bail};
use uuid::{Builder, Uuid};

use super::answers::{Answers, Question};
use super::{Stopped, say};
use crate::deliver;
use crate::host::Host;
use crate::interrupt::Interrupt;
use crate::posthog::{Disposition, classify, test_trace};
use crate::transport::{Answer, Lane, PostError, Transport, TransportSettings};
use crate::ui;

/// Maximum width of the server's answer, in columns: it fits a terminal after its introduction.
const SHOWN: usize = 55;

/// Maximum time between Ctrl-C and the end of the wait for an answer.
const NAP: Duration = Duration::from_millis(100);

/// The reason why the test trace was not accepted.
pub(super) struct Failure {
    pub(super) reason: String,
    /// The question whose answer is probably wrong.
    pub(super) question: Question,
}

/// Sends the test trace, and returns its id; the inner error is the reason why it was not accepted.
///
/// # Errors
/// [`Stopped`] on Ctrl-C.
pub(super) fn send(
    answers: &Answers,
    host: &Host,
    interrupt: &Interrupt,
) -> anyhow::Result<Result<Uuid, Failure>> {
    let (endpoint, api_key) = (answers.endpoint(), answers.api_key());
    let (base, key) = (endpoint.base(), api_key.masked());
    say(&format!("sending a test trace to {base} with key {key}"));
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| anyhow!("no random bytes: {error}"))?;
    let now = host.now();
    let trace = Builder::from_random_bytes(random).into_uuid();
    let mut events = Vec::new();
    for event in test_trace(trace, now) {
        events.push(event.written().json);
    }
    let body = deliver::body(api_key.secret(), events.iter().map(Vec::as_slice));
    let mut lane = endpoint.first_lane();
    loop {
        let url = endpoint.url(lane);
        let outcome = post(&url, &body, interrupt)?;
        let (question, problem) = match classify(&outcome, host.now().into()) {
            Disposition::Accepted { quota_limited } => {
                if let Ok(answer) = &outcome {
                    say(&said(answer, answers));
                }
                explain(quota_limited);
                return Ok(Ok(trace));
            }
            Disposition::NoSuchEndpoint { .. } if lane == Lane::Ai => {
                lane = Lane::Batch;
                continue;
            }
            Disposition::NoSuchEndpoint { status } => {
                let what = format!("{url} answered {status}: this is not a PostHog address");
                (Question::Address, what)
            }
            Disposition::TooLarge => {
                let what = format!("{url} answered 413 to two small events");
                (Question::Address, what)
            }
            Disposition::Malformed { reason } => {
                let what = format!("the server answered 400: {reason}");
                (Question::Address, what)
            }
            Disposition::Refused { reason, .. } => {
                (Question::Key, format!("the server answered {reason}"))
            }
            Disposition::Retry { reason, .. } => (Question::Address, reason),
            Disposition::NotPostHog { what } => (Question::Address, what),
        };
        return Ok(Err(Failure {
            reason: without_key(&problem, answers),
            question,
        }));
    }
}

/// Posts on a separate thread, so that Ctrl-C does not wait for a server that does not answer.
fn post(
    url: &str,
    body: &[u8],
    interrupt: &Interrupt,
) -> anyhow::Result<Result<Answer, PostError>> {
    let (answers, answer) = mpsc::channel();
    let (url, body) = (url.to_owned(), body.to_owned());
    thread::spawn(move || {
        let transport = Transport::new(TransportSettings::default());
        // After Ctrl-C the receiver is gone.
        let _ = answers.send(transport.post(&url, &body));
    });
    loop {
        match answer.recv_timeout(NAP) {
            Ok(outcome) => return Ok(outcome),
            Err(RecvTimeoutError::Timeout) if interrupt.is_set() => return Err(Stopped.into()),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => bail!("sending ended by itself"),
        }
    }
}

fn explain(quota_limited: bool) {
    if quota_limited {
        say("the project is over its quota: PostHog takes events and may drop them");
    }
    say(
        "that proves the address and the form of the events, not that the key is your project's: \
         any key of the right form gets the same answer",
    );
}

/// PostHog's answer as one line. Its JSON is serialised again, so that no character in it controls
/// the terminal.
fn said(answer: &Answer, answers: &Answers) -> String {
    let body: Option<serde_json::Value> = serde_json::from_str(&answer.body).ok();
    let body = body.map_or_else(String::new, |body| without_key(&body.to_string(), answers));
    format!(
        "PostHog answered {}: {}",
        answer.status,
        ui::fit(&body, SHOWN)
    )
}

/// Masks the key, which the server may repeat.
fn without_key(text: &str, answers: &Answers) -> String {
    let key = answers.api_key();
    text.replace(key.secret(), &key.masked())
}
