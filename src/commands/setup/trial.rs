//! Sends one test trace, and says what the answer proves and what it does not.

use anyhow::anyhow;
use uuid::Builder;

use super::answers::Answers;
use super::say;
use crate::commands::words;
use crate::deliver;
use crate::host::Host;
use crate::posthog::{Disposition, classify};
use crate::posthog::{TEST_TRACE, test_trace};
use crate::transport::{Answer, Lane, Transport, TransportSettings};
use crate::ui;

/// How much of an answer is shown, in columns.
const SHOWN: usize = 100;

/// Sends the test trace; the inner error is why it was not taken.
pub(super) fn send(answers: &Answers, host: &Host) -> anyhow::Result<Result<(), String>> {
    let Answers { endpoint, api_key } = answers;
    let (base, key) = (endpoint.base(), api_key.masked());
    say(&format!("sending a test trace to {base} with key {key}"));
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| anyhow!("no random bytes: {error}"))?;
    let now = host.now();
    let mut events = Vec::new();
    for event in test_trace(Builder::from_random_bytes(random).into_uuid(), now) {
        events.push(serde_json::to_vec(&event)?);
    }
    let body = deliver::body(api_key.secret(), events.iter().map(Vec::as_slice));
    let transport = Transport::new(TransportSettings::default());
    let mut lane = endpoint.first_lane();
    loop {
        let url = endpoint.url(lane);
        let outcome = transport.post(&url, &body);
        let problem = match classify(&outcome, host.now().into()) {
            Disposition::Accepted { quota_limited } => {
                if let Ok(answer) = &outcome {
                    ui::say(said(answer, answers));
                }
                explain(answers, quota_limited, &words::when(now, now));
                return Ok(Ok(()));
            }
            Disposition::NoSuchEndpoint { .. } if lane == Lane::Ai => {
                lane = Lane::Batch;
                continue;
            }
            Disposition::NoSuchEndpoint { status } => {
                format!("{url} answered {status}: that is no PostHog's address")
            }
            Disposition::TooLarge => format!("{url} answered 413 to two small events"),
            Disposition::Malformed { reason } => format!("the server answered 400: {reason}"),
            Disposition::Refused { reason, .. } => format!("the server answered {reason}"),
            Disposition::Retry { reason, .. } => reason,
            Disposition::NotPostHog { what } => what,
        };
        return Ok(Err(without_key(&problem, answers)));
    }
}

fn explain(answers: &Answers, quota_limited: bool, at: &str) {
    if quota_limited {
        say("the project is over its quota: PostHog takes events and may drop them");
    }
    say(
        "that proves the address and the form of the events, not that the key is your project's: \
         any key of the right form gets the same answer",
    );
    let app = answers.endpoint.app();
    say(&format!(
        "to see for yourself, open {app}/llm-analytics/traces and look for \"{TEST_TRACE}\", {at}"
    ));
}

/// What PostHog answered. Its JSON is written anew, so that nothing in it controls a terminal.
fn said(answer: &Answer, answers: &Answers) -> String {
    let body: Option<serde_json::Value> = serde_json::from_str(&answer.body).ok();
    let body = body.map_or_else(String::new, |body| without_key(&body.to_string(), answers));
    format!(
        "PostHog answered {}: {}",
        answer.status,
        ui::fit(&body, SHOWN)
    )
}

/// A server may say the key back to us.
fn without_key(text: &str, answers: &Answers) -> String {
    let key = &answers.api_key;
    text.replace(key.secret(), &key.masked())
}
