//! Checks of the destination: whether events may go there, and whether PostHog would accept them.

use std::time::{Duration, SystemTime};

use serde_json::json;

use super::diagnosis::Diagnosis;
use crate::commands::words;
use crate::consent::Unconfirmed;
use crate::deliver;
use crate::host::Host;
use crate::posthog::{Disposition, classify};
use crate::transport::{Answer, Endpoint, PostError, Transport, TransportSettings};
use crate::variables::Variable;
use crate::views::Machine;

/// Timeout of the request to PostHog. A person waits for it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Tolerated error of the clock. Sessions still appear near their real time.
const CLOCK_ERROR: Duration = Duration::from_mins(5);

/// Variables that name a proxy for requests.
const PROXIES: [Variable; 6] = [
    Variable::HttpsProxy,
    Variable::HttpsProxyInSmall,
    Variable::AllProxy,
    Variable::AllProxyInSmall,
    Variable::HttpProxy,
    Variable::HttpProxyInSmall,
];

pub(super) fn check(machine: &Machine) -> Vec<Diagnosis> {
    let Some(endpoint) = &machine.config.destination.endpoint else {
        let fix = "correct POSTHOG_HOST, or remove it for PostHog's cloud in the United States";
        let found = "nowhere: POSTHOG_HOST cannot be read";
        return vec![Diagnosis::problem("host", found, fix)];
    };
    let (host, may_go) = trusted(machine, endpoint);
    let mut diagnoses = vec![host];
    match &machine.config.destination.api_key {
        Some(key) if may_go => diagnoses.extend(reach(endpoint, key.secret(), &machine.host)),
        Some(_) => diagnoses.push(Diagnosis::note(
            "network",
            "not tried before it is confirmed",
        )),
        None => diagnoses.push(Diagnosis::note("network", "not tried without a key")),
    }
    diagnoses
}

/// Whether the user confirmed the host.
fn trusted(machine: &Machine, endpoint: &Endpoint) -> (Diagnosis, bool) {
    const CHECK: &str = "host";
    let base = endpoint.base();
    let details = json!({ "host": base });
    let trust = match &machine.trust {
        Ok(trust) => trust,
        Err(trouble) => return (Diagnosis::of(CHECK, trouble), false),
    };
    let destination = machine.destination();
    let missing = destination.and_then(|destination| trust.missing(&destination));
    if let Some(Unconfirmed { found, fix, .. }) = missing {
        return (Diagnosis::problem(CHECK, found, fix).with(details), false);
    }
    let what = if endpoint.is_posthog_cloud() {
        "PostHog's own"
    } else if endpoint.is_loopback() {
        "on this machine"
    } else {
        "confirmed by you"
    };
    let diagnosis = match endpoint.note() {
        Some(note) => Diagnosis::note(CHECK, note),
        None => Diagnosis::fine(CHECK, format!("{base}, {what}{}", by_plugin(machine))),
    };
    (diagnosis.with(details), true)
}

/// Network settings that are not environment variables of this program.
fn by_plugin(machine: &Machine) -> String {
    match machine.config.destination.endpoint_source {
        Some(source) if source.is_option() => format!(", by {}", source.described()),
        _ => String::new(),
    }
}

/// Sends a batch without events.
fn reach(endpoint: &Endpoint, key: &str, host: &Host) -> Vec<Diagnosis> {
    let transport = Transport::new(TransportSettings {
        answer: PATIENCE,
        whole: PATIENCE,
        ..TransportSettings::default()
    });
    let started = host.elapsed();
    let answer = deliver::probe(&transport, endpoint, key);
    let took = host.elapsed().saturating_sub(started);
    let now = SystemTime::from(host.now());
    let mut diagnoses = vec![network(endpoint, &answer, took, host, now)];
    if let Ok(answer) = &answer {
        diagnoses.extend(clock(answer, now));
    }
    diagnoses
}

fn network(
    endpoint: &Endpoint,
    outcome: &Result<Answer, PostError>,
    took: Duration,
    host: &Host,
    now: SystemTime,
) -> Diagnosis {
    const CHECK: &str = "network";
    let proxy = PROXIES
        .iter()
        .find(|variable| {
            !endpoint.is_loopback() && matches!(host.variable(**variable), Ok(Some(_)))
        })
        .map(|variable| variable.name());
    let details = json!({
        "status": outcome.as_ref().ok().map(|answer| answer.status),
        "proxy": proxy,
    });
    let diagnosis = match outcome {
        Err(error) => Diagnosis::problem(CHECK, error.to_string(), error.fix()),
        Ok(_) => answered(endpoint, &classify(outcome, now), took, proxy),
    };
    diagnosis.with(details)
}

/// The meaning of the answer to an empty batch.
fn answered(
    endpoint: &Endpoint,
    meaning: &Disposition,
    took: Duration,
    proxy: Option<&str>,
) -> Diagnosis {
    const CHECK: &str = "network";
    let base = endpoint.base();
    let problem = |found: String, fix: &str| Diagnosis::problem(CHECK, found, fix);
    let address = "check POSTHOG_HOST: events go to /batch/ below it";
    match meaning {
        // PostHog refuses the batch only for having no events.
        Disposition::Malformed { .. } | Disposition::Accepted { .. } => {
            let way = proxy.map_or_else(String::new, |name| format!(", by the proxy of {name}"));
            let took = words::duration(took);
            Diagnosis::fine(CHECK, format!("{base} answers in {took}{way}"))
        }
        Disposition::Retry { reason, .. } => {
            problem(reason.clone(), "try again later; until then events wait")
        }
        Disposition::NotPostHog { what } => problem(
            what.clone(),
            "log in to the network, or correct POSTHOG_HOST",
        ),
        Disposition::NoSuchEndpoint { status } => {
            problem(format!("{base} answers {status}"), address)
        }
        Disposition::TooLarge => problem(format!("{base} answers 413"), address),
        Disposition::Refused { reason, .. } => problem(
            format!("{base} refuses: {reason}"),
            "copy the project API key (phc_…) again, or ask who runs the server",
        ),
    }
}

/// Compares the clocks, since events carry the times of this machine.
fn clock(answer: &Answer, now: SystemTime) -> Option<Diagnosis> {
    const CHECK: &str = "clock";
    let theirs = answer.date?;
    let (error, direction) = match now.duration_since(theirs) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    let details = json!({ "seconds": error.as_secs() });
    Some(
        if error <= CLOCK_ERROR {
            Diagnosis::fine(CHECK, "agrees with the server's")
        } else {
            let found = format!("{} {direction} the server's", words::duration(error));
            let fix = "set the clock of this machine: sessions show up at the wrong time";
            Diagnosis::problem(CHECK, found, fix)
        }
        .with(details),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_minutes_off_is_told() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(24);
        let answer = |date| Answer {
            status: 400,
            retry_after: None,
            location: None,
            date,
            body: String::new(),
        };
        for (date, expected) in [
            (None, None),
            (Some(now), Some("agrees with the server's")),
            (
                Some(now - Duration::from_mins(4)),
                Some("agrees with the server's"),
            ),
            (
                Some(now - Duration::from_hours(3)),
                Some("3 h ahead of the server's"),
            ),
            (
                Some(now + Duration::from_mins(10)),
                Some("10 min behind the server's"),
            ),
        ] {
            let diagnosis = clock(&answer(date), now);
            assert_eq!(diagnosis.as_ref().map(|it| it.found.as_str()), expected);
        }
    }
}
