//! Checks of the receiver: whether it runs, its refusals, and the waiting traces of its inbox.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::diagnosis::Diagnosis;
use crate::commands::words;
use crate::config::Routes;
use crate::inbox::{Fact, Route, Status, Tally};
use crate::ui;
use crate::views::Machine;

const CHECK: &str = "receiver";

/// Age from which waiting traces are shown. A trace without a root waits a minute.
const LONG: TimeDelta = TimeDelta::minutes(10);

/// Age up to which a refusal shows the present state.
const RECENT: TimeDelta = TimeDelta::days(1);

pub(super) fn check(machine: &Machine) -> Vec<Diagnosis> {
    let routes = Routes::read(&machine.host, &machine.config);
    let unusable = routes.as_ref().err().map(|error| {
        let fix = "mend it, then start posthog-llma serve again; until then its routes wait";
        Diagnosis::problem("routes", error.to_string(), fix)
    });
    let Some(received) = &machine.received else {
        return unusable.into_iter().collect();
    };
    let mut diagnoses = match &received.status {
        Ok(status) => of_status(status, received.is_running, machine),
        Err(trouble) => vec![Diagnosis::of(CHECK, trouble)],
    };
    diagnoses.extend(unusable);
    if let (Ok(status), Ok(routes)) = (&received.status, &routes) {
        let gone = status.waiting_by_route.iter();
        let gone = gone.filter(|(route, _)| !route.is_main() && routes.config_of(route).is_none());
        diagnoses.extend(gone.map(|(route, traces)| without_route(route, *traces)));
    }
    for path in &received.set_aside {
        let path = words::path(path, &machine.host);
        let found = format!("{path} was damaged and set aside: what waited in it is not sent");
        diagnoses.push(Diagnosis::advice(
            "inbox",
            found,
            "remove the file when it is of no use",
        ));
    }
    diagnoses
}

fn of_status(status: &Status, is_running: bool, machine: &Machine) -> Vec<Diagnosis> {
    let now = machine.host.now();
    let has_key = machine.config.destination.complete().is_some();
    let mut diagnoses = vec![running(status, is_running, now)];
    diagnoses.extend(waiting(status, is_running, has_key, now));
    let recent = status
        .tallies
        .iter()
        .filter(|it| it.fact == Fact::Refused && now - DateTime::<Utc>::from(it.last_at) <= RECENT);
    diagnoses.extend(recent.map(|tally| refused(tally, now)));
    diagnoses.extend(tests(status, now));
    let expired = status.count(Fact::Expired);
    if expired > 0 {
        let expired = ui::count(expired, "received trace");
        let found = format!("{expired} removed for their age, unsent");
        let fix = "give posthog-llma serve a POSTHOG_API_KEY, or set POSTHOG_LLMA_INBOX_DAYS";
        diagnoses.push(Diagnosis::advice("expired", found, fix));
    }
    diagnoses
}

fn without_route(route: &Route, traces: u64) -> Diagnosis {
    let traces = ui::count(traces, "received trace");
    let found = format!("{traces} came by route {route}, which serve.toml does not have");
    let fix = format!("add the route {route} again to send them; otherwise they expire");
    Diagnosis::problem("routes", found, &fix)
}

/// The last tests of the connection by OpenRouter, by route.
fn tests(status: &Status, now: DateTime<Utc>) -> impl Iterator<Item = Diagnosis> {
    let tests = status.tallies.iter();
    let tests = tests.filter(|it| it.fact == Fact::ConnectionTest);
    tests.map(move |tally| {
        let last = DateTime::<Utc>::from(tally.last_at);
        let when = words::when(last, now);
        let route = words::by_route(&tally.name);
        let found = format!("the last test of the connection{route} came {when}");
        let details = json!({ "last_test_at": last, "tests": tally.count, "route": tally.name });
        Diagnosis::fine("openrouter", found).with(details)
    })
}

fn running(status: &Status, is_running: bool, now: DateTime<Utc>) -> Diagnosis {
    let last = status.services.first();
    let details = json!({
        "running": is_running,
        "last_at": last.map(|it| DateTime::<Utc>::from(it.last_at)),
    });
    let last = last.map_or_else(String::new, |it| {
        format!(
            "; last from {:?} {}",
            it.service,
            words::when(it.last_at.into(), now)
        )
    });
    let diagnosis = match (is_running, last.is_empty()) {
        (true, false) => Diagnosis::fine(CHECK, format!("receives{last}")),
        (true, true) => Diagnosis::advice(
            CHECK,
            "receives, and nothing came yet",
            "point an exporter at it; PostHogTraceExporter of @posthog/ai 8 wants projectToken, \
             and with apiKey alone it sends nothing",
        ),
        (false, _) => Diagnosis::advice(
            CHECK,
            format!("does not run{last}"),
            "posthog-llma serve starts it",
        ),
    };
    diagnosis.with(details)
}

fn waiting(
    status: &Status,
    is_running: bool,
    has_key: bool,
    now: DateTime<Utc>,
) -> Option<Diagnosis> {
    let oldest = DateTime::<Utc>::from(status.waiting.oldest?);
    let traces = ui::count(status.waiting.traces, "received trace");
    let found = format!("{traces} waiting since {}", words::when(oldest, now));
    let details = json!({ "traces": status.waiting.traces, "oldest": oldest });
    let diagnosis = match (has_key, is_running) {
        (false, _) => Diagnosis::problem(
            "inbox",
            format!("{found}: there is no key"),
            "set POSTHOG_API_KEY, then posthog-llma flush",
        ),
        (true, _) if now - oldest < LONG => return None,
        (true, true) => {
            Diagnosis::problem("inbox", found, "look at what posthog-llma serve prints")
        }
        (true, false) => Diagnosis::advice("inbox", found, "posthog-llma flush sends them"),
    };
    Some(diagnosis.with(details))
}

fn refused(tally: &Tally, now: DateTime<Utc>) -> Diagnosis {
    let requests = ui::count(tally.count, "request");
    let last = words::when(tally.last_at.into(), now);
    let found = format!("{requests} refused: {}, last {last}", tally.name);
    let details = json!({ "reason": tally.name, "requests": tally.count });
    let advice = match tally.name.as_str() {
        "no token" | "wrong token" => "give the client the token of posthog-llma serve",
        "a Host that is not this machine" => "send to localhost, or use a token",
        "sent by a web page" => "send from a server, or use a token",
        "could not be stored" => "free some space, or raise POSTHOG_LLMA_MAX_INBOX_BYTES",
        "unknown path" => "send to /v1/traces, or to /i/v0/ai/otel",
        _ => "the client was told why",
    };
    Diagnosis::advice("not taken", found, advice).with(details)
}
