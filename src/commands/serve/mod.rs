//! `posthog-llma serve`: receives OpenTelemetry data from applications, maps them to events and
//! sends these.
//!
//! ```text
//! receiver ─► inbox ─► mapper ─► outbox ─► courier ─► PostHog
//! ```
//!
//! Receiver, mapper and courier are threads that wait for none of the others: however slow PostHog
//! or the mapping is, the receiver answers as fast as the disk.

mod bell;
mod door;
mod report;
mod workers;

use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Context;

use super::sending::{self, Sending};
use super::user_settings::UserSettings;
use super::{Exit, WrongUse, mapping, sending_settings};
use crate::cli;
use crate::config::{ApiKey, Config, RouteSettings, Routes};
use crate::host::Host;
use crate::inbox::{Alone, Inbox};
use crate::interrupt::Interrupt;
use crate::receive::{Receiver, Settings, Stop};
use crate::ui;
use bell::Bell;
use report::Report;

/// Longest time between a request to stop and the stop of a thread that waits.
const NAP: Duration = Duration::from_millis(100);

/// Time for a request to PostHog to end when this process is stopped. Without an answer, the next
/// process sends its events again, and PostHog recognises them.
const LAST_REQUEST: Duration = Duration::from_secs(5);

/// State shared by the threads.
#[derive(Default)]
struct Shared {
    /// Whether the threads should end.
    is_over: AtomicBool,
    /// The error that ends them; `None` if they were stopped.
    failure: Mutex<Option<anyhow::Error>>,
    /// Signals that there are events to send.
    to_send: Bell,
    /// Number of acknowledged events.
    sent: AtomicU64,
}

impl Shared {
    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.to_send.ring();
    }

    fn fail(&self, error: anyhow::Error) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert(error);
        self.end();
    }
}

pub(super) fn run(arguments: &cli::Serve, host: &Host) -> anyhow::Result<Exit> {
    let (host, config) = &sending_settings(host)?;
    // The settings at the start. A change of them ends this process.
    let before = UserSettings::now(host);
    let directory = sending::directory(config)?;
    let Some(_alone) = Alone::try_take(directory)? else {
        return Err(WrongUse(format!(
            "another posthog-llma serve receives for {}; end it, or set POSTHOG_LLMA_STATE_DIR to \
             another folder",
            directory.display()
        ))
        .into());
    };
    let own_routes = Routes::read(host, config).map_err(|error| WrongUse(error.to_string()))?;
    let routes = door::routes(arguments, config, &own_routes)?;
    let listeners = door::listen(&arguments.listen, &routes)?;
    let interrupt = Interrupt::watch_of_service().context("cannot wait for signals")?;
    let inbox = mapping::open(config)?;
    let settings = Settings {
        routes,
        limits: door::limits(),
    };
    let receiver = receiver(config, host, &inbox, settings)?;
    say_ready(config, &own_routes, host, &listeners)?;
    let served = serve(
        (config, &own_routes),
        &before,
        host,
        &inbox,
        &receiver,
        listeners,
        &interrupt,
    );
    // Closing also writes the counts of the last seconds.
    let closed = inbox.close();
    served?;
    closed?;
    ui::say("stopped by a signal; what was received is kept");
    Ok(Exit::Done)
}

fn receiver(
    config: &Config,
    host: &Host,
    inbox: &Inbox,
    settings: Settings,
) -> anyhow::Result<Receiver> {
    let redactor = Arc::clone(Sending::open(config, host)?.redactor());
    let host = host.clone();
    let clock = Arc::new(move || host.now().into());
    Ok(Receiver::new(inbox.clone(), settings, redactor, clock))
}

/// Receives, maps and sends until it is stopped, or until one of the threads fails.
fn serve(
    (config, routes): (&Config, &Routes),
    before: &UserSettings,
    host: &Host,
    inbox: &Inbox,
    receiver: &Receiver,
    listeners: Vec<TcpListener>,
    interrupt: &Interrupt,
) -> anyhow::Result<()> {
    let (shared, stop) = (&Arc::<Shared>::default(), &Stop::new());
    let sending = {
        let (config, host, shared) = (config.clone(), host.clone(), Arc::clone(shared));
        let before = before.clone();
        thread::spawn(move || workers::send(&config, &before, &host, &shared))
    };
    thread::scope(|scope| {
        let receiving = scope.spawn(move || {
            let served = receiver.serve(listeners, stop);
            if let Err(error) = served {
                shared.fail(error.into());
            }
        });
        scope.spawn(move || workers::map(config, routes, host, inbox, shared));
        let mut report = Report::new(host, receiver.traffic());
        while !interrupt.is_set() && !shared.is_over() {
            report.tell(shared.sent.load(Ordering::Relaxed));
            report.tell_failure();
            if let Err(gone) = inbox.check_place() {
                shared.fail(gone.into());
            }
            thread::sleep(NAP);
        }
        // Requests that are being received are answered before the other threads end.
        stop.stop();
        if receiving.join().is_err() {
            shared.fail(anyhow::anyhow!("the receiver failed"));
        }
        shared.end();
    });
    let until = host.elapsed() + LAST_REQUEST;
    while !sending.is_finished() && host.elapsed() < until {
        thread::sleep(NAP);
    }
    let mut failure = shared
        .failure
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    failure.take().map_or(Ok(()), Err)
}

/// Prints that clients can send, and the reason if nothing is sent to PostHog.
fn say_ready(
    config: &Config,
    routes: &Routes,
    host: &Host,
    listeners: &[TcpListener],
) -> anyhow::Result<()> {
    let addresses = listeners.iter().map(TcpListener::local_addr);
    let addresses: Vec<String> = addresses
        .map(|it| it.map(|it| format!("http://{it}")))
        .collect::<Result<_, _>>()?;
    let addresses = addresses.join(" and ");
    let sending = Sending::open(config, host)?;
    let (then, why) = match (sending::destination(config), sending.missing()) {
        (Some(destination), None) => (format!("sending to {}", destination.host), None),
        (Some(_), Some(missing)) => ("keeping what comes".to_owned(), Some(missing)),
        (None, _) => {
            let why = "POSTHOG_API_KEY is not set: what comes is kept and sent by the next \
                       posthog-llma serve or flush that has it";
            ("keeping what comes".to_owned(), Some(why.to_owned()))
        }
    };
    ui::print(format_args!("receiving on {addresses}, {then}"))?;
    if let Some(why) = why {
        ui::say_in_lines(why);
    }
    for route in routes.iter() {
        say_route(route, host)?;
    }
    Ok(())
}

/// Prints a line about a route with its own settings.
fn say_route(route: &RouteSettings, host: &Host) -> anyhow::Result<()> {
    let sending = Sending::open(&route.config, host)?;
    let name = &route.entry.route;
    let then = match (sending::destination(&route.config), sending.missing()) {
        (Some(destination), None) => {
            let key = route.config.destination.api_key.as_ref();
            let key = key.map_or_else(String::new, ApiKey::masked);
            format!("to {}, project {key}", destination.host)
        }
        (Some(_), Some(missing)) => format!("nowhere yet: {missing}"),
        (None, _) => "nowhere yet: it has no api_key in serve.toml".to_owned(),
    };
    ui::say_in_lines(format_args!("what comes by route {name} goes {then}"));
    Ok(())
}
