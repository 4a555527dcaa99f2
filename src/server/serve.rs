//! Listening, until it is told to stop.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::runtime;
use tokio::sync::watch;
use tokio::time::sleep;

use super::limits::Limits;
use super::refusal::Reason;
use super::routes::Routes;
use super::service::Service;

/// Tells a receiver to stop. Clones tell the same one.
#[derive(Debug, Clone)]
pub struct Stop(watch::Sender<bool>);

/// How a receiver ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Served {
    /// Requests that were cut off because they took too long to end. Their clients send them
    /// again.
    pub cut: usize,
}

/// Why a receiver cannot listen.
#[derive(Debug, Error)]
pub enum ServeError {
    /// Others than this machine could send, and no token is set.
    #[error("{0} can be reached from other machines, which needs a token")]
    NoToken(SocketAddr),
    /// It cannot listen there.
    #[error("cannot listen")]
    Listen(#[from] io::Error),
}

/// Time to wait when no connection can be taken, usually for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(50);
/// Bytes that a connection reads at a time, at most. It begins with 8 KiB.
const BUFFER: usize = 256 << 10;
/// The answer when all connections have requests.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n\
    connection: close\r\ncontent-length: 0\r\n\r\n";

impl Stop {
    /// Nobody was told to stop yet.
    #[must_use]
    pub fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Tells to stop. May be called from any thread, and more than once.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }

    async fn stopped(&self) {
        // The sender lives as long as this.
        drop(self.0.subscribe().wait_for(|stopped| *stopped).await);
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether somebody else than this machine could send without a token.
pub(super) fn check(listeners: &[TcpListener], routes: &Routes) -> Result<(), ServeError> {
    for listener in listeners {
        let address = listener.local_addr()?;
        if !routes.need_token() && !address.ip().to_canonical().is_loopback() {
            return Err(ServeError::NoToken(address));
        }
    }
    Ok(())
}

/// Serves until it is told to stop.
pub(super) fn serve(
    service: Arc<Service>,
    listeners: Vec<TcpListener>,
    stop: &Stop,
) -> Result<Served, ServeError> {
    let limits = service.tools.limits.clone();
    let runtime = runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(limits.workers.max(1))
        .build()?;
    let served = runtime.block_on(run(service, listeners, stop));
    // What is worked on then belongs to requests that were cut off.
    runtime.shutdown_timeout(limits.stop_time);
    served
}

async fn run(
    service: Arc<Service>,
    listeners: Vec<TcpListener>,
    stop: &Stop,
) -> Result<Served, ServeError> {
    let mut tasks = Vec::new();
    for listener in listeners {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        tasks.push(tokio::spawn(accept(Arc::clone(&service), listener)));
    }
    stop.stopped().await;
    service.is_stopping.store(true, Ordering::Relaxed);
    for task in tasks {
        task.abort();
        // It ends by being aborted.
        drop(task.await);
    }
    let cut = service
        .connections
        .close(service.tools.limits.stop_time)
        .await;
    Ok(Served { cut })
}

async fn accept(service: Arc<Service>, listener: tokio::net::TcpListener) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) if service.connections.make_room() => connect(&service, stream),
            Ok((stream, _)) => {
                service.count(Reason::Connections);
                // Whoever does not get it finds the connection closed, and comes again as well.
                drop(stream.try_write(FULL));
            }
            Err(_) => {
                service.connections.close_oldest();
                sleep(PAUSE).await;
            }
        }
    }
}

fn connect(service: &Arc<Service>, stream: TcpStream) {
    // Answers are short, and each is written at once.
    drop(stream.set_nodelay(true));
    let id = service.connections.name();
    let opened = service.connections.opened(id);
    let on_connection = Arc::clone(service);
    let task = tokio::spawn(async move {
        let counts = Arc::clone(&on_connection);
        let each = service_fn(move |request| Arc::clone(&on_connection).answer(id, request));
        let connection =
            protocol(&counts.tools.limits).serve_connection(TokioIo::new(stream), each);
        if connection.await.is_err_and(|error| error.is_parse()) {
            counts.count(Reason::BadHead);
        }
        drop(opened);
    });
    // The task has not begun: this thread runs all of them.
    service.connections.add(id, task.abort_handle());
}

fn protocol(limits: &Limits) -> http1::Builder {
    let mut protocol = http1::Builder::new();
    protocol
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_buf_size(BUFFER)
        .max_headers(limits.headers)
        .max_header_size(limits.head)
        .half_close(true);
    protocol
}
