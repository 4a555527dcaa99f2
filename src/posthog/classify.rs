//! The meaning of an answer: a pure function, and the delay before the next attempt.

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};

use crate::transport::{Answer, PostError, http_date};

/// Longest delay that a server may ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(30);
/// Delay after the first failure. Doubles with each further one.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// Upper limit of the doubled delay.
const MAX_WAIT: Duration = Duration::from_secs(30);
/// Characters of a server's message that are kept.
const WORDS: usize = 300;

/// Names of the text for people in an error of PostHog, and of other servers.
const MESSAGES: [&str; 3] = ["detail", "message", "error"];

/// The next step for a batch after an attempt to send it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// PostHog accepted the batch.
    Accepted {
        /// The project is over its quota, so PostHog may have dropped the events after all.
        quota_limited: bool,
    },
    /// Send the same bytes again.
    Retry {
        /// The error.
        reason: String,
        /// The shortest delay.
        after: Duration,
    },
    /// The batch, or an event in it, is too large.
    TooLarge,
    /// An event in the batch is malformed.
    Malformed {
        /// The server's message.
        reason: String,
    },
    /// There is no such endpoint at this address.
    NoSuchEndpoint {
        /// 404 or 405.
        status: u16,
    },
    /// The server does not accept the batch from us, now or later.
    Refused {
        /// The status of the answer.
        status: u16,
        /// The meaning of the status, and what to change.
        reason: String,
    },
    /// The answer is not from PostHog, or its sender cannot prove to be.
    NotPostHog {
        /// A description of the answer.
        what: String,
    },
}

/// Decides what an answer means.
///
/// | answer | meaning |
/// |---|---|
/// | 200 with a JSON object | accepted |
/// | any other 2xx or 3xx, an invalid certificate | not PostHog |
/// | no answer, 408, 429, 500, 502, 503, 504 | retry |
/// | 400 | malformed |
/// | 404, 405 | no such endpoint |
/// | 413 | too large |
/// | anything else | refused |
#[must_use]
pub fn classify(outcome: &Result<Answer, PostError>, now: SystemTime) -> Disposition {
    let answer = match outcome {
        Ok(answer) => answer,
        Err(error @ (PostError::Certificate(_) | PostError::Unusable(_))) => {
            return Disposition::NotPostHog {
                what: format!("{error}; {}", error.fix()),
            };
        }
        Err(error) => {
            return Disposition::Retry {
                reason: error.to_string(),
                after: Duration::ZERO,
            };
        }
    };
    match answer.status {
        200 => match serde_json::from_str::<Map<String, Value>>(&answer.body) {
            Ok(body) => Disposition::Accepted {
                quota_limited: body.contains_key("quota_limited"),
            },
            Err(_) => Disposition::NotPostHog {
                what: format!(
                    "the answer is not from PostHog but from another server, such as a login page: {}",
                    words(&answer.body)
                ),
            },
        },
        408 | 429 | 500 | 502 | 503 | 504 => Disposition::Retry {
            reason: format!("the server answered {}", status(answer)),
            after: retry_after(answer.retry_after.as_deref(), now),
        },
        400 => Disposition::Malformed {
            reason: words(&answer.body),
        },
        404 | 405 => Disposition::NoSuchEndpoint {
            status: answer.status,
        },
        413 => Disposition::TooLarge,
        100..=399 => Disposition::NotPostHog {
            what: redirect(answer),
        },
        code => Disposition::Refused {
            status: code,
            reason: refusal(answer),
        },
    }
}

/// The reason of an answer that PostHog never gives.
fn redirect(answer: &Answer) -> String {
    let code = answer.status;
    match &answer.location {
        Some(location) => format!(
            "the server answered {code} and points to {}; redirects are not followed: set \
             POSTHOG_HOST to the right address",
            words(location)
        ),
        None => format!("the server answered {code}, which PostHog never does"),
    }
}

/// The reason of a refusal that only a person can change.
fn refusal(answer: &Answer) -> String {
    let status = status(answer);
    match answer.status {
        401 => format!("{status}; check POSTHOG_API_KEY"),
        402 => format!("{status}; the project is over its quota or unpaid"),
        407 => format!("{status}; the proxy wants a password"),
        _ => status,
    }
}

/// The delay before the next attempt. It doubles from half a second to 30 seconds with the number
/// of failed `attempts`, is spread by `jitter` (0 to 1) over the upper half of that, and is never
/// shorter than `at_least`, which comes from the server.
#[must_use]
pub fn backoff(attempts: u32, at_least: Duration, jitter: f64) -> Duration {
    let doublings = attempts.saturating_sub(1).min(16);
    let full = FIRST_WAIT.saturating_mul(1 << doublings).min(MAX_WAIT);
    spread(full, jitter).max(at_least)
}

/// A duration between half of `full` and `full`, by `jitter` (0 to 1).
#[must_use]
pub fn spread(full: Duration, jitter: f64) -> Duration {
    full.mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0)
}

/// The delay asked for by `Retry-After`, in seconds or as an HTTP date. An unreadable header counts
/// as no delay.
fn retry_after(header: Option<&str>, now: SystemTime) -> Duration {
    let Some(header) = header.map(str::trim) else {
        return Duration::ZERO;
    };
    let asked = match header.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => http_date(header)
            .and_then(|date| date.duration_since(now).ok())
            .unwrap_or_default(),
    };
    asked.min(MAX_RETRY_AFTER)
}

fn status(answer: &Answer) -> String {
    match words(&answer.body) {
        words if words.is_empty() => answer.status.to_string(),
        words => format!("{}: {words}", answer.status),
    }
}

/// The beginning of a server's message on one line, without control characters. Of JSON, it is the
/// text that is meant for people, if there is one; JSON without content says nothing.
fn words(body: &str) -> String {
    let json: Option<Value> = serde_json::from_str(body).ok();
    let text = match &json {
        Some(Value::Null) => "",
        Some(Value::String(text)) => text,
        Some(Value::Array(list)) if list.is_empty() => "",
        Some(Value::Object(map)) if map.is_empty() => "",
        Some(Value::Object(map)) => {
            let mut texts = MESSAGES.iter().filter_map(|name| map.get(*name)?.as_str());
            texts.next().unwrap_or(body)
        }
        _ => body,
    };
    let line: Vec<&str> = text
        .split(|letter: char| letter.is_whitespace() || letter.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    line.join(" ").chars().take(WORDS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status,
            retry_after: None,
            location: None,
            date: None,
            body: body.to_owned(),
        }
    }

    fn kind(disposition: &Disposition) -> &'static str {
        match disposition {
            Disposition::Accepted { .. } => "accepted",
            Disposition::Retry { .. } => "retry",
            Disposition::TooLarge => "too large",
            Disposition::Malformed { .. } => "malformed",
            Disposition::NoSuchEndpoint { .. } => "no such endpoint",
            Disposition::Refused { .. } => "refused",
            Disposition::NotPostHog { .. } => "not posthog",
        }
    }

    #[test]
    fn every_answer_has_one_meaning() {
        for (status, body, expected) in [
            (200, r#"{"status":"Ok"}"#, "accepted"),
            (200, "{}", "accepted"),
            (200, "", "not posthog"),
            (200, "1", "not posthog"),
            (200, "[]", "not posthog"),
            (200, "<html>", "not posthog"),
            (204, "", "not posthog"),
            (302, "", "not posthog"),
            (308, "", "not posthog"),
            (400, "no", "malformed"),
            (401, "", "refused"),
            (402, "", "refused"),
            (403, "", "refused"),
            (404, "", "no such endpoint"),
            (405, "", "no such endpoint"),
            (407, "", "refused"),
            (408, "", "retry"),
            (410, "", "refused"),
            (413, "", "too large"),
            (418, "", "refused"),
            (429, "", "retry"),
            (500, "", "retry"),
            (501, "", "refused"),
            (502, "", "retry"),
            (503, "", "retry"),
            (504, "", "retry"),
        ] {
            let disposition = classify(&Ok(answer(status, body)), NOW);
            assert_eq!(kind(&disposition), expected, "{status} {body}");
        }
    }

    #[test]
    fn no_answer_is_retried_and_a_bad_certificate_is_not() {
        let lost = classify(&Err(PostError::Connection("reset".into())), NOW);
        assert_eq!(kind(&lost), "retry");
        let bad = classify(&Err(PostError::Certificate("expired".into())), NOW);
        assert_eq!(kind(&bad), "not posthog");
    }

    #[test]
    fn a_project_over_its_quota_is_noticed() {
        let disposition = classify(&Ok(answer(200, r#"{"quota_limited":["events"]}"#)), NOW);
        let quota_limited = true;
        assert_eq!(disposition, Disposition::Accepted { quota_limited });
    }

    #[test]
    fn the_server_names_the_least_to_wait_up_to_a_limit() {
        for (header, seconds) in [
            ("7", 7),
            (" 7 ", 7),
            ("600", 30),
            ("Thu, 01 Jan 1970 00:00:09 GMT", 9),
            ("Thu, 01 Jan 1970 01:00:00 GMT", 30),
            ("Wed, 31 Dec 1969 23:59:00 GMT", 0),
            ("soon", 0),
            ("-1", 0),
        ] {
            let mut answer = answer(429, "");
            answer.retry_after = Some(header.to_owned());
            let Disposition::Retry { after, .. } = classify(&Ok(answer), NOW) else {
                panic!("429 is retried");
            };
            assert_eq!(after, Duration::from_secs(seconds), "{header}");
        }
    }

    #[test]
    fn waits_double_up_to_a_limit_and_are_spread() {
        let waits =
            |jitter| [1, 2, 3, 10, 99].map(|attempt| backoff(attempt, Duration::ZERO, jitter));
        assert_eq!(
            waits(1.0).map(|wait| wait.as_millis()),
            [500, 1000, 2000, 30_000, 30_000]
        );
        assert_eq!(
            waits(0.0).map(|wait| wait.as_millis()),
            [250, 500, 1000, 15_000, 15_000]
        );
        let at_least = Duration::from_secs(9);
        assert_eq!(backoff(1, at_least, 0.0), at_least);
    }

    #[test]
    fn of_an_answer_in_json_the_words_for_people_are_shown() {
        for (body, expected) in [
            ("busy", "the server answered 503: busy"),
            ("{}", "the server answered 503"),
            ("[]", "the server answered 503"),
            ("null", "the server answered 503"),
            ("\"busy\"", "the server answered 503: busy"),
            (
                r#"{"type":"server_error","detail":"try later"}"#,
                "the server answered 503: try later",
            ),
            (r#"{"error":"down"}"#, "the server answered 503: down"),
            (r#"{"code":7}"#, r#"the server answered 503: {"code":7}"#),
        ] {
            let Disposition::Retry { reason, .. } = classify(&Ok(answer(503, body)), NOW) else {
                panic!("503 is retried");
            };
            assert_eq!(reason, expected);
        }
    }

    #[test]
    fn a_refusal_names_the_setting_to_change() {
        let Disposition::Refused { reason, .. } =
            classify(&Ok(answer(401, "bad\n key\x1b[1m")), NOW)
        else {
            panic!("401 is a refusal");
        };
        assert_eq!(reason, "401: bad key [1m; check POSTHOG_API_KEY");
    }
}
