//! A small HTTP/1.1 server on loopback. Its handlers see the head of a request before the body, so
//! that a double can also misbehave: reset, stay silent, answer late.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

const MAX_HEAD: usize = 64 * 1024;
const MAX_HEADERS: usize = 64;

/// Request line and headers.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
}

impl Head {
    /// The value of a header, whatever the case of its name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }
}

/// The value of a header, whatever the case of its name.
pub(crate) fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let (_, value) = headers
        .iter()
        .find(|(candidate, _)| candidate.eq_ignore_ascii_case(name))?;
    Some(value)
}

/// Treatment of the connection after a handler is done with a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    KeepAlive,
    Close,
    Reset,
}

type Handler = dyn Fn(&Head, &mut Connection) -> io::Result<Next> + Send + Sync;

/// A running server; dropping it closes its port and every connection.
pub(crate) struct Server {
    address: SocketAddr,
    handler: Arc<Handler>,
    running: Option<Running>,
}

struct Running {
    closing: Arc<Closing>,
    acceptor: JoinHandle<()>,
}

impl Server {
    pub(crate) fn start(
        handler: impl Fn(&Head, &mut Connection) -> io::Result<Next> + Send + Sync + 'static,
    ) -> Self {
        let mut server = Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            handler: Arc::new(handler),
            running: None,
        };
        server.listen();
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Closes the port and all connections: new ones are refused.
    pub(crate) fn stop(&mut self) {
        let Some(running) = self.running.take() else {
            return;
        };
        running.closing.close();
        // The acceptor waits in accept(); one connection wakes it up.
        drop(TcpStream::connect(self.address));
        running.acceptor.join().expect("the acceptor ends");
    }

    /// Opens the same port again.
    pub(crate) fn restart(&mut self) {
        self.stop();
        self.listen();
    }

    fn listen(&mut self) {
        let listener = bind(self.address);
        self.address = listener.local_addr().expect("the listener has an address");
        let closing = Arc::new(Closing::default());
        let handler = Arc::clone(&self.handler);
        let latch = Arc::clone(&closing);
        let acceptor = thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if latch.is_closed() {
                    return;
                }
                let Ok(ticket) = latch.watch(&stream) else {
                    continue;
                };
                let handler = Arc::clone(&handler);
                let closing = Arc::clone(&latch);
                thread::spawn(move || {
                    serve(stream, ticket, &closing, &*handler);
                });
            }
        });
        self.running = Some(Running { closing, acceptor });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Binds the address. A process that is being started holds its parent's listener for a moment, so
/// a port may still be in use just after it was closed.
fn bind(address: SocketAddr) -> TcpListener {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match TcpListener::bind(address) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(5));
            }
            outcome => return outcome.expect("a loopback port is free"),
        }
    }
}

fn serve(stream: TcpStream, ticket: u64, closing: &Arc<Closing>, handler: &Handler) {
    let mut connection = Connection {
        stream,
        pending: Vec::new(),
        body: Body::Length(0),
        closing: Arc::clone(closing),
    };
    while let Ok(Some(head)) = connection.read_head() {
        match handler(&head, &mut connection) {
            Ok(Next::KeepAlive) => {}
            Ok(Next::Reset) => {
                connection.close_with_reset();
                break;
            }
            Ok(Next::Close) | Err(_) => break,
        }
    }
    // The list holds the other handle: the socket closes when both are gone.
    closing.forget(ticket);
}

/// Signals that the server is going down, and closes the open connections.
#[derive(Default)]
struct Closing {
    state: Mutex<ClosingState>,
    closed: Condvar,
}

#[derive(Default)]
struct ClosingState {
    is_closed: bool,
    tickets: u64,
    streams: HashMap<u64, TcpStream>,
}

impl Closing {
    fn lock(&self) -> MutexGuard<'_, ClosingState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    fn watch(&self, stream: &TcpStream) -> io::Result<u64> {
        let stream = stream.try_clone()?;
        let mut state = self.lock();
        state.tickets += 1;
        let ticket = state.tickets;
        state.streams.insert(ticket, stream);
        Ok(ticket)
    }

    fn forget(&self, ticket: u64) {
        self.lock().streams.remove(&ticket);
    }

    fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        for (_, stream) in state.streams.drain() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        self.closed.notify_all();
    }

    fn wait(&self, patience: Duration) {
        drop(
            self.closed
                .wait_timeout_while(self.lock(), patience, |state| !state.is_closed),
        );
    }
}

enum Body {
    Length(usize),
    Chunked,
}

/// One connection: the body still to be read and the way back.
pub(crate) struct Connection {
    stream: TcpStream,
    pending: Vec<u8>,
    body: Body,
    closing: Arc<Closing>,
}

impl Connection {
    /// Waits without answering; ends early when the server goes down.
    pub(crate) fn stall(&self, patience: Duration) {
        self.closing.wait(patience);
    }

    /// Reads the body of the current request; more than `limit` bytes is an error.
    pub(crate) fn read_body(&mut self, limit: usize) -> io::Result<Vec<u8>> {
        match std::mem::replace(&mut self.body, Body::Length(0)) {
            Body::Length(length) if length > limit => Err(too_long()),
            Body::Length(length) => self.take(length),
            Body::Chunked => {
                let mut body = Vec::new();
                loop {
                    let line = self.take_line()?;
                    let size = line.split(';').next().unwrap_or_default().trim();
                    let size = usize::from_str_radix(size, 16).map_err(io::Error::other)?;
                    if body.len() + size > limit {
                        return Err(too_long());
                    }
                    if size == 0 {
                        while !self.take_line()?.is_empty() {}
                        return Ok(body);
                    }
                    body.extend(self.take(size)?);
                    self.take_line()?;
                }
            }
        }
    }

    /// Answers with a complete body and keeps the connection open.
    pub(crate) fn respond(
        &mut self,
        status: u16,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Next> {
        let length = body.len().to_string();
        let mut headers = headers.to_vec();
        headers.push(("content-length", &length));
        self.respond_head(status, &headers)?;
        self.write(body)?;
        Ok(Next::KeepAlive)
    }

    pub(crate) fn respond_head(&mut self, status: u16, headers: &[(&str, &str)]) -> io::Result<()> {
        let mut head = format!("HTTP/1.1 {status} -\r\n");
        for (name, value) in headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        head.push_str("\r\n");
        self.write(head.as_bytes())
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    fn read_head(&mut self) -> io::Result<Option<Head>> {
        loop {
            let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
            let mut request = httparse::Request::new(&mut headers);
            if let httparse::Status::Complete(length) =
                request.parse(&self.pending).map_err(io::Error::other)?
            {
                let head = Head {
                    method: request.method.unwrap_or_default().to_owned(),
                    path: request.path.unwrap_or_default().to_owned(),
                    headers: request
                        .headers
                        .iter()
                        .map(|header| {
                            let value = String::from_utf8_lossy(header.value);
                            (header.name.to_owned(), value.into_owned())
                        })
                        .collect(),
                };
                self.pending.drain(..length);
                self.expect_body(&head)?;
                return Ok(Some(head));
            }
            if self.pending.len() > MAX_HEAD || self.fill()? == 0 {
                return Ok(None);
            }
        }
    }

    fn expect_body(&mut self, head: &Head) -> io::Result<()> {
        let chunked = head
            .header("transfer-encoding")
            .is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"));
        self.body = if chunked {
            Body::Chunked
        } else {
            let length = head.header("content-length").unwrap_or("0");
            Body::Length(length.parse().map_err(io::Error::other)?)
        };
        if head.header("expect").is_some() {
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        Ok(())
    }

    fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.pending.len() < length {
            if self.fill()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let rest = self.pending.split_off(length);
        Ok(std::mem::replace(&mut self.pending, rest))
    }

    fn take_line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.pending.windows(2).position(|pair| pair == b"\r\n") {
                let mut line = self.take(end + 2)?;
                line.truncate(end);
                return String::from_utf8(line).map_err(io::Error::other);
            }
            if self.fill()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    fn fill(&mut self) -> io::Result<usize> {
        let mut buffer = [0; 16 * 1024];
        let length = self.stream.read(&mut buffer)?;
        self.pending.extend_from_slice(&buffer[..length]);
        Ok(length)
    }

    /// Makes the other side see a reset instead of an orderly end. Windows resets a connection
    /// that is closed with bytes unread.
    fn close_with_reset(&self) {
        #[cfg(unix)]
        let _ = rustix::net::sockopt::set_socket_linger(&self.stream, Some(Duration::ZERO));
        #[cfg(not(unix))]
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
    }
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, "the body is too long")
}
