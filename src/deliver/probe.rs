//! Checks whether a destination would accept events, without sending one.

use super::body::body;
use crate::transport::{Answer, Endpoint, Lane, PostError, Transport};

/// Posts a batch without events. It is an ordinary request, so it meets the same obstacles as a
/// request with events. PostHog checks the form of the key, answers 400 ("request holds no event")
/// and stores nothing.
///
/// # Errors
/// When there is no complete answer.
pub fn probe(
    transport: &Transport,
    endpoint: &Endpoint,
    api_key: &str,
) -> Result<Answer, PostError> {
    let body = body(api_key, []);
    let lane = endpoint.first_lane();
    let answer = transport.post(&endpoint.url(lane), &body)?;
    if lane == Lane::Ai && matches!(answer.status, 404 | 405) {
        return transport.post(&endpoint.url(Lane::Batch), &body);
    }
    Ok(answer)
}
