//! The HTTP side of `serve`: receives OpenTelemetry data, and answers when they are on disk.
//!
//! ```text
//! head ─► judge ─► body ─► expand ─► decode ─► redact ─► inbox ─► answer
//!         host, path, token,         (work: beside the          flushed
//!         type, length                connections' thread)
//! ```
//!
//! # Promises
//!
//! - An answer 200 means that everything except the losses it names is on disk, redacted. Nothing
//!   unredacted is written anywhere.
//! - Each refused request gets the reason, in words and in the form of the protocol, and is
//!   counted. 503 means that the client should try again, every other status that it should not.
//! - A client gets a bounded share of memory, time and connections ([`Limits`]), and none before
//!   its token was checked. A slow or idle client gives way to others.
//! - Without a token, only programs on this machine can send, and no web page in its browsers.

mod bodies;
mod body;
mod endpoint;
mod entry;
mod expand;
mod guard;
mod head;
mod limits;
mod refusal;
mod respond;
mod routes;
mod service;
mod traffic;
mod work;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::SystemTime;

use thiserror::Error;
use tokio::sync::Semaphore;

pub use entry::{Deliveries, Entry};
pub use limits::Limits;
pub use routes::{InvalidRoutes, InvalidToken, Routes, Token};
pub use traffic::{Traffic, TrafficCounts};

use crate::inbox::Inbox;
use crate::otlp::Telemetry;
use crate::redact::{Counts, Redacted, Redactor};
use crate::server;
pub use crate::server::{Served, Stop};
use bodies::Bodies;
use body::Budget;
use service::Service;
use work::Tools;

/// Replaces secrets in received data, on several threads at once.
pub trait Redact: Send + Sync {
    /// Redacts telemetry.
    fn telemetry(&self, telemetry: Telemetry) -> Redacted<Telemetry>;

    /// Redacts a name that appears in counts.
    fn name(&self, name: &str) -> String;
}

impl Redact for Redactor {
    fn telemetry(&self, telemetry: Telemetry) -> Redacted<Telemetry> {
        Self::telemetry(self, telemetry)
    }

    fn name(&self, name: &str) -> String {
        let redacted = self.text(name, &mut Counts::default());
        redacted.unwrap_or_else(|| name.to_owned())
    }
}

/// Returns the current time.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// Settings of a receiver.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The tokens, with their routes.
    pub routes: Routes,
    /// Limits of requests.
    pub limits: Limits,
}

/// Receives requests and stores them in an inbox.
#[derive(Clone)]
pub struct Receiver {
    inbox: Inbox,
    settings: Settings,
    redact: Arc<dyn Redact>,
    clock: Clock,
    traffic: Arc<Traffic>,
}

/// Why a receiver cannot listen.
#[derive(Debug, Error)]
pub enum ServeError {
    /// Other machines could send, and no token is set.
    #[error("{0} can be reached from other machines, which needs a token")]
    NoToken(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen")]
    Listen(#[from] io::Error),
}

impl Receiver {
    /// A receiver that is not listening yet.
    #[must_use]
    pub fn new(inbox: Inbox, settings: Settings, redact: Arc<dyn Redact>, clock: Clock) -> Self {
        Self {
            inbox,
            settings,
            redact,
            clock,
            traffic: Arc::default(),
        }
    }

    /// Counts of arrivals, updated while it serves.
    #[must_use]
    pub const fn traffic(&self) -> &Arc<Traffic> {
        &self.traffic
    }

    /// Serves on all listeners until `stop` is called. Then it accepts no more connections, answers
    /// the requests in flight within [`Limits::stop_time`], and returns. The inbox stays open.
    ///
    /// # Errors
    /// When a listener can be reached from other machines and no token is required, or when
    /// listening fails.
    pub fn serve(&self, listeners: Vec<TcpListener>, stop: &Stop) -> Result<Served, ServeError> {
        check(&listeners, &self.settings.routes)?;
        let bounds = self.settings.limits.bounds();
        let service = Arc::new(self.service());
        Ok(server::serve(service, bounds, listeners, stop)?)
    }

    fn service(&self) -> Service {
        let limits = self.settings.limits.clone();
        Service {
            routes: self.settings.routes.clone(),
            clock: Arc::clone(&self.clock),
            traffic: Arc::clone(&self.traffic),
            budget: Budget::new(limits.in_flight),
            bodies: Bodies::new(limits.stall),
            slots: Arc::new(Semaphore::new(limits.workers.max(1))),
            large: Arc::new(Semaphore::new(1)),
            tools: Tools {
                limits,
                redact: Arc::clone(&self.redact),
                inbox: self.inbox.clone(),
            },
        }
    }
}

/// Checks that other machines cannot send without a token.
fn check(listeners: &[TcpListener], routes: &Routes) -> Result<(), ServeError> {
    for listener in listeners {
        let address = listener.local_addr()?;
        if !routes.need_token() && !address.ip().to_canonical().is_loopback() {
            return Err(ServeError::NoToken(address));
        }
    }
    Ok(())
}
