//! A receiver in a thread of the test.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::SystemTime;

use posthog_llma::inbox::{self, Inbox, Reader, Route, Status};
use posthog_llma::otlp::Telemetry;
use posthog_llma::receive::{
    Limits, Receiver, Redact, Routes, ServeError, Served, Settings, Stop, Token,
};
use posthog_llma::redact::{Redacted, RedactionKey, Redactor};
use tempfile::TempDir;

use super::Client;

/// A secret of a known form.
pub(crate) const SECRET: &str = concat!("gh", "p_", "16C7e42F292c6912E7710c838347Ae178B4a");

pub(crate) const TOKEN: &str = "token-of-the-tests";

/// A receiver that serves until it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) inbox: Inbox,
    directory: TempDir,
    stop: Stop,
    thread: Option<JoinHandle<Result<Served, ServeError>>>,
}

/// The setup of a receiver.
pub(crate) struct Setup {
    pub(crate) limits: Limits,
    pub(crate) routes: Routes,
    pub(crate) redact: Arc<dyn Redact>,
    pub(crate) inbox: inbox::Settings,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            routes: Routes::open(Route::new("open")),
            redact: redact(),
            inbox: inbox::Settings::default(),
        }
    }
}

/// Redacts as the program does.
pub(crate) fn redact() -> Arc<dyn Redact> {
    Arc::new(redactor())
}

/// Redacts as the program does, after a change of the telemetry.
pub(crate) struct After<F>(pub(crate) F);

impl<F: Fn(&Telemetry) + Send + Sync> Redact for After<F> {
    fn telemetry(&self, telemetry: Telemetry) -> Redacted<Telemetry> {
        let Self(first) = self;
        first(&telemetry);
        redactor().telemetry(telemetry)
    }

    fn name(&self, name: &str) -> String {
        redactor().name(name)
    }
}

pub(crate) fn redactor() -> Redactor {
    Redactor::new(RedactionKey::new([7; 32]))
}

/// Routes that require [`TOKEN`], which may also be in the header `X-Serve-Token`.
pub(crate) fn routes() -> Routes {
    let token = (Token::new(TOKEN).unwrap(), Route::new("team"));
    let routes = Routes::with_tokens([token]).unwrap();
    routes.in_header("X-Serve-Token").unwrap()
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(Setup::default())
    }

    pub(crate) fn with_limits(limits: Limits) -> Self {
        Self::with(Setup {
            limits,
            ..Setup::default()
        })
    }

    pub(crate) fn with(setup: Setup) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let inbox = Inbox::open(directory.path(), setup.inbox).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let settings = Settings {
            routes: setup.routes,
            limits: setup.limits,
        };
        let clock = Arc::new(SystemTime::now);
        let receiver = Receiver::new(inbox.clone(), settings, setup.redact, clock);
        let stop = Stop::new();
        let until = stop.clone();
        let thread = std::thread::spawn(move || receiver.serve(vec![listener], &until));
        Self {
            address,
            inbox,
            directory,
            stop,
            thread: Some(thread),
        }
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect(self.address)
    }

    pub(crate) fn reader(&self) -> Reader {
        self.inbox.reader().unwrap()
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Tells it to stop, without waiting.
    pub(crate) fn tell_to_stop(&self) {
        self.stop.stop();
    }

    /// Stops it and returns the result.
    pub(crate) fn stop(&mut self) -> Served {
        self.stop.stop();
        let thread = self.thread.take().unwrap();
        thread.join().unwrap().unwrap()
    }

    /// Names and numbers of the spans of a trace, in their order.
    pub(crate) fn spans(&self, trace: u128) -> Vec<String> {
        let reader = self.reader();
        let found = reader.find(&format!("{trace:032x}"), 9).unwrap();
        let spans = found.iter().flat_map(|it| {
            let received = reader.read(&it.revision.key).unwrap().unwrap();
            received.spans.into_iter().map(|span| span.name)
        });
        spans.collect()
    }

    /// Stops it and returns all counts, including the last request's.
    pub(crate) fn status(&mut self) -> Status {
        self.stop();
        let reader = self.reader();
        self.inbox.close().unwrap();
        reader.status().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            let served = thread.join();
            assert!(std::thread::panicking() || served.is_ok());
        }
    }
}
