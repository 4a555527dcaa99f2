//! Listening until the server is stopped.

use std::convert::Infallible;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::runtime;
use tokio::sync::watch;
use tokio::time::sleep;

use super::connections::Connections;
use super::{Bounds, Service, TurnedAway};

/// Stops a server. Clones stop the same one.
#[derive(Debug, Clone)]
pub struct Stop(watch::Sender<bool>);

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Served {
    /// Number of requests that were cut off because they took too long. Their clients repeat them.
    pub cut: usize,
}

/// State shared by all connections.
struct Shared<S> {
    service: Arc<S>,
    bounds: Bounds,
    connections: Arc<Connections>,
    is_stopping: AtomicBool,
}

impl<S: Service> Shared<S> {
    /// Makes room for one more connection: closes the one that has been idle longest, or aborts a
    /// stalled request. `false` if all connections have requests in progress.
    fn make_room(&self) -> bool {
        self.connections.make_room() || self.service.end_stalled()
    }
}

/// Time to wait when no connection can be accepted, usually for lack of file descriptors.
const PAUSE: Duration = Duration::from_millis(50);
/// Maximum bytes that a connection reads at a time. It begins with 8 KiB.
const BUFFER: usize = 256 << 10;
/// The answer when all connections have requests.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n\
    connection: close\r\ncontent-length: 0\r\n\r\n";

impl Stop {
    /// A signal that has not been given yet.
    #[must_use]
    pub fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Gives the signal. May be called from any thread, and more than once.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }

    async fn stopped(&self) {
        // The sender lives as long as `self`.
        drop(self.0.subscribe().wait_for(|stopped| *stopped).await);
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}

/// Serves until `stop` is called. Then it accepts no more connections, ends the requests in flight
/// within [`Bounds::stop_time`], and returns.
///
/// # Errors
/// When listening fails.
pub(crate) fn serve<S: Service>(
    service: Arc<S>,
    bounds: Bounds,
    listeners: Vec<TcpListener>,
    stop: &Stop,
) -> io::Result<Served> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(bounds.workers.max(1))
        .build()?;
    let shared = Arc::new(Shared {
        service,
        bounds,
        connections: Connections::new(bounds.connections),
        is_stopping: AtomicBool::new(false),
    });
    let served = runtime.block_on(run(shared, listeners, stop));
    // Blocking work that is left belongs to requests that were cut off.
    runtime.shutdown_timeout(bounds.stop_time);
    served
}

async fn run<S: Service>(
    shared: Arc<Shared<S>>,
    listeners: Vec<TcpListener>,
    stop: &Stop,
) -> io::Result<Served> {
    let mut tasks = Vec::new();
    for listener in listeners {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        tasks.push(tokio::spawn(accept(Arc::clone(&shared), listener)));
    }
    stop.stopped().await;
    shared.is_stopping.store(true, Ordering::Relaxed);
    for task in tasks {
        task.abort();
        // The task was aborted.
        drop(task.await);
    }
    let cut = shared.connections.close(shared.bounds.stop_time).await;
    Ok(Served { cut })
}

async fn accept<S: Service>(shared: Arc<Shared<S>>, listener: tokio::net::TcpListener) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) if shared.make_room() => connect(&shared, stream),
            Ok((stream, _)) => {
                shared.service.turned_away(TurnedAway::Connections);
                // A client that does not get this answer finds the connection closed, and tries
                // again too.
                drop(stream.try_write(FULL));
            }
            Err(_) => {
                shared.connections.close_oldest();
                sleep(PAUSE).await;
            }
        }
    }
}

fn connect<S: Service>(shared: &Arc<Shared<S>>, stream: TcpStream) {
    // Answers are short and written at once.
    drop(stream.set_nodelay(true));
    let id = shared.connections.name();
    let opened = shared.connections.opened(id);
    let on_connection = Arc::clone(shared);
    let task = tokio::spawn(async move {
        let each = service_fn(|request| {
            let shared = Arc::clone(&on_connection);
            async move {
                let _busy = shared.connections.busy(id);
                let mut answer = Arc::clone(&shared.service).answer(request).await;
                if shared.is_stopping.load(Ordering::Relaxed) {
                    let close = HeaderValue::from_static("close");
                    answer.headers_mut().insert(CONNECTION, close);
                }
                Ok::<_, Infallible>(answer)
            }
        });
        let connection =
            protocol(&on_connection.bounds).serve_connection(TokioIo::new(stream), each);
        if connection.await.is_err_and(|error| error.is_parse()) {
            on_connection.service.turned_away(TurnedAway::BadHead);
        }
        drop(opened);
    });
    // The task has not begun, since this thread runs all of them.
    shared.connections.add(id, task.abort_handle());
}

fn protocol(bounds: &Bounds) -> http1::Builder {
    let mut protocol = http1::Builder::new();
    protocol
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.head_time)
        .max_buf_size(BUFFER)
        .max_headers(bounds.headers)
        .max_header_size(bounds.head)
        .half_close(true);
    protocol
}
