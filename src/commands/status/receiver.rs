//! The lines of `status` about `serve`: services, spans and traces received.

use serde_json::{Value, json};

use chrono::{DateTime, Utc};

use crate::commands::words;
use crate::inbox::{Fact, ServiceStatus, Status};
use crate::ui;
use crate::views::{Machine, Received};

/// Number of services to show. The JSON has all.
const SHOWN: usize = 4;

/// The lines of the status, with their labels.
pub(super) fn lines(machine: &Machine) -> Vec<(&'static str, String)> {
    let Some(received) = &machine.received else {
        return Vec::new();
    };
    let state = if received.is_running {
        "receives"
    } else {
        "does not run; posthog-llma serve starts it"
    };
    let mut lines = vec![("serve", state.to_owned())];
    match &received.status {
        Ok(status) => lines.extend(of_status(status, machine.host.now())),
        Err(trouble) => lines.push(("inbox", trouble.to_string())),
    }
    for path in &received.set_aside {
        let path = words::path(path, &machine.host);
        lines.push(("inbox", format!("{path} was damaged and set aside")));
    }
    lines
}

fn of_status(status: &Status, now: DateTime<Utc>) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    let mut label = "from";
    for service in status.services.iter().take(SHOWN) {
        lines.push((label, of_service(service, now)));
        label = "";
    }
    if status.services.len() > SHOWN {
        lines.push((label, format!("and {} more", status.services.len() - SHOWN)));
    }
    let mut held = format!(
        "{} waiting to be read, {} kept, {} MB",
        ui::count(status.waiting.traces, "trace"),
        ui::number(status.mapped.traces),
        ui::number(status.bytes.div_ceil(1_000_000)),
    );
    let expired = status.count(Fact::Expired);
    if expired > 0 {
        let expired = ui::count(expired, "trace");
        held = format!("{held}; {expired} removed for their age, unsent");
    }
    lines.push(("inbox", held));
    for (fact, label) in [(Fact::Refused, "refused"), (Fact::KeptOut, "left out")] {
        let mut label = label;
        for tally in status.tallies.iter().filter(|it| it.fact == fact) {
            let requests = ui::count(tally.count, "request");
            let last = words::when(tally.last_at.into(), now);
            lines.push((label, format!("{requests}: {}, last {last}", tally.name)));
            label = "";
        }
    }
    lines.extend(of_tests(status, now).map(|line| ("tests", line)));
    lines
}

/// Numbers and times of the test requests from OpenRouter.
fn of_tests(status: &Status, now: DateTime<Utc>) -> impl Iterator<Item = String> {
    let kinds = [
        (Fact::ConnectionTest, "connection test"),
        (Fact::TestRequest, "test request"),
    ];
    kinds.into_iter().flat_map(move |(fact, what)| {
        let tallies = status.tallies.iter().filter(move |it| it.fact == fact);
        tallies.map(move |tally| {
            let tests = ui::count(tally.count, what);
            let last = words::when(tally.last_at.into(), now);
            let route = words::by_route(&tally.name);
            format!("{tests} by OpenRouter{route}, last {last}")
        })
    })
}

fn of_service(service: &ServiceStatus, now: DateTime<Utc>) -> String {
    let name = match service.service.as_str() {
        "" => "a service without a name",
        name => name,
    };
    let name = if service.route.is_main() {
        name.to_owned()
    } else {
        format!("{name} by route {}", service.route)
    };
    let logs = match service.logs {
        0 => String::new(),
        logs => format!(", {}", ui::count(logs, "log record")),
    };
    format!(
        "{name}: {}{logs} in {}, last {}",
        ui::count(service.spans, "span"),
        ui::count(service.deliveries, "request"),
        words::when(service.last_at.into(), now)
    )
}

/// The same for scripts; null if nothing was ever received.
pub(super) fn as_json(received: Option<&Received>) -> Value {
    let Some(received) = received else {
        return Value::Null;
    };
    let status = received.status.as_ref().ok();
    let services = status.map(|it| it.services.iter().map(service).collect::<Vec<_>>());
    json!({
        "running": received.is_running,
        "services": services,
        "waiting_traces": status.map(|it| it.waiting.traces),
        "waiting_since": status.and_then(|it| it.waiting.oldest).map(DateTime::<Utc>::from),
        "kept_traces": status.map(|it| it.mapped.traces),
        "bytes": status.map(|it| it.bytes),
        "expired_traces": status.map(|it| it.count(Fact::Expired)),
        "refused": status.map(|it| tallies(it, Fact::Refused)),
        "left_out": status.map(|it| tallies(it, Fact::LeftOut)),
        "kept_out": status.map(|it| tallies(it, Fact::KeptOut)),
        "connection_tests": status.map(|it| tests(it, Fact::ConnectionTest)),
        "test_requests": status.map(|it| tests(it, Fact::TestRequest)),
    })
}

fn service(service: &ServiceStatus) -> Value {
    json!({
        "service": service.service,
        "requests": service.deliveries,
        "spans": service.spans,
        "log_records": service.logs,
        "last_at": DateTime::<Utc>::from(service.last_at),
    })
}

fn tests(status: &Status, fact: Fact) -> Value {
    let last_at = status.last_at(fact).map(DateTime::<Utc>::from);
    json!({ "count": status.count(fact), "last_at": last_at })
}

fn tallies(status: &Status, fact: Fact) -> Vec<Value> {
    let tallies = status.tallies.iter().filter(|it| it.fact == fact);
    let tally = tallies.map(|it| {
        let last_at = DateTime::<Utc>::from(it.last_at);
        json!({ "reason": it.name, "count": it.count, "last_at": last_at })
    });
    tally.collect()
}
