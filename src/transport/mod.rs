//! Bytes to a URL, and what the answer means. Nothing here has heard of an event.
//!
//! Promises: certificates are always checked, with the roots that the system trusts; no redirect
//! is followed; what goes to this machine goes through no proxy; every step has an end in time; an
//! answer can be as long as it likes, only its beginning is read.

mod endpoint;

use std::cell::OnceCell;
use std::io::{self, Read};
use std::time::{Duration, SystemTime};

use chrono::DateTime;
use ureq::config::Config;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Proxy};

pub use endpoint::{Endpoint, EndpointError, Lane};

/// As much of an answer as anybody wants to know; PostHog's have a few dozen bytes.
const MAX_ANSWER_BYTES: u64 = 64 * 1024;
/// How rustls begins every complaint about a certificate.
const CERTIFICATE: &str = "invalid peer certificate";
/// How the standard library reports a name without an address.
const LOOKUP: &str = "failed to lookup address";

/// How requests are made.
#[derive(Clone, Debug)]
pub struct TransportSettings {
    /// Our name for the server's logs.
    pub user_agent: String,
    /// For the address of the host.
    pub resolve: Duration,
    /// For the connection, TLS included. Longer than that only a network takes that will not work
    /// either.
    pub connect: Duration,
    /// For one write to get through: a connection that stands still for so long is dead.
    pub stall: Duration,
    /// For the answer to begin once everything is sent. PostHog answers in under a second; a
    /// loaded self-hosted one in a few.
    pub answer: Duration,
    /// For all of it. A full batch has about a megabyte when compressed: a minute for an uplink
    /// of 150 kbit/s, and the answer.
    pub whole: Duration,
}

impl Default for TransportSettings {
    fn default() -> Self {
        Self {
            user_agent: concat!("posthog-llma/", env!("CARGO_PKG_VERSION")).to_owned(),
            resolve: Duration::from_secs(5),
            connect: Duration::from_secs(5),
            stall: Duration::from_secs(15),
            answer: Duration::from_secs(30),
            whole: Duration::from_secs(90),
        }
    }
}

/// What a server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The `Retry-After` header.
    pub retry_after: Option<String>,
    /// The `Location` header.
    pub location: Option<String>,
    /// The server's time, by its `Date` header.
    pub date: Option<SystemTime>,
    /// The beginning of the body, at most 64 KiB, made valid UTF-8.
    pub body: String,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PostError {
    /// The host has no address: no network, or a misspelt name.
    #[error("cannot find the host {0}: is there a network, and is POSTHOG_HOST right?")]
    HostNotFound(String),
    /// Nothing there, or the connection broke.
    #[error("the connection failed: {0}")]
    Connection(String),
    /// It took too long.
    #[error("no answer in time ({0})")]
    Timeout(String),
    /// The server's certificate does not hold. Nothing was sent.
    #[error(
        "the server's certificate is not trusted ({0}): a network login page or an inspecting \
         proxy may stand in between; if it is your organisation's, add its root certificate to \
         the system's store (or name it in SSL_CERT_FILE)"
    )]
    Certificate(String),
    /// The proxy of the environment did not let us through.
    #[error("the proxy failed: {0}; check HTTPS_PROXY and NO_PROXY")]
    Proxy(String),
    /// The request cannot be made at all.
    #[error("cannot send: {0}")]
    Unusable(String),
}

/// The HTTP client. Making one is free: connections, certificates and proxy settings are read
/// with the first request.
#[derive(Debug)]
pub struct Transport {
    settings: TransportSettings,
    agent: OnceCell<Agent>,
}

impl Transport {
    /// A client that has done nothing yet.
    #[must_use]
    pub const fn new(settings: TransportSettings) -> Self {
        Self {
            settings,
            agent: OnceCell::new(),
        }
    }

    /// Posts gzipped JSON and reads the answer, whatever its status.
    ///
    /// # Errors
    /// When there is no complete answer. The server may have taken the bytes all the same.
    pub fn post(&self, url: &str, gzipped_json: &[u8]) -> Result<Answer, PostError> {
        let agent = self.agent.get_or_init(|| agent(&self.settings));
        let mut request = agent.post(url);
        if is_loopback(url) {
            // It is the one address that may be called in the clear.
            request = request.config().proxy(None).build();
        }
        let mut response = request
            .header("Content-Type", "application/json")
            .header("Content-Encoding", "gzip")
            .send(gzipped_json)
            .map_err(|error| explain(error, url))?;
        let header = |name| {
            let value = response.headers().get(name)?;
            Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let (retry_after, location) = (header("retry-after"), header("location"));
        let date = header("date").and_then(|date| http_date(&date));
        let mut body = Vec::new();
        response
            .body_mut()
            .as_reader()
            .take(MAX_ANSWER_BYTES)
            .read_to_end(&mut body)
            .map_err(|error| explain(error.into(), url))?;
        Ok(Answer {
            status: response.status().as_u16(),
            retry_after,
            location,
            date,
            body: String::from_utf8_lossy(&body).into_owned(),
        })
    }
}

/// Parses a date of a header, in the form that RFC 9110 has servers write; the two older forms of
/// RFC 850 and asctime count as no date.
pub(crate) fn http_date(text: &str) -> Option<SystemTime> {
    DateTime::parse_from_rfc2822(text)
        .ok()
        .map(SystemTime::from)
}

fn agent(settings: &TransportSettings) -> Agent {
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .build();
    Config::builder()
        .user_agent(&settings.user_agent)
        .tls_config(tls)
        .proxy(Proxy::try_from_env())
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_resolve(Some(settings.resolve))
        .timeout_connect(Some(settings.connect))
        .timeout_per_write(Some(settings.stall))
        .timeout_recv_response(Some(settings.answer))
        .timeout_recv_body(Some(settings.answer))
        .timeout_global(Some(settings.whole))
        .build()
        .new_agent()
}

fn host(url: &str) -> Option<String> {
    let uri: ureq::http::Uri = url.parse().ok()?;
    uri.host().map(str::to_owned)
}

fn is_loopback(url: &str) -> bool {
    host(url).is_some_and(|host| endpoint::is_loopback(&host))
}

fn explain(error: ureq::Error, url: &str) -> PostError {
    match error {
        ureq::Error::HostNotFound => PostError::HostNotFound(host(url).unwrap_or_default()),
        ureq::Error::Timeout(step) => PostError::Timeout(step.to_string()),
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::TimedOut => {
            PostError::Timeout(error.to_string())
        }
        ureq::Error::Io(error) => broken(error.to_string(), url),
        ureq::Error::Rustls(_) | ureq::Error::Tls(_) => PostError::Certificate(error.to_string()),
        ureq::Error::ConnectProxyFailed(_) | ureq::Error::InvalidProxyUrl => {
            PostError::Proxy(error.to_string())
        }
        ureq::Error::BadUri(_) | ureq::Error::Http(_) | ureq::Error::TlsRequired => {
            PostError::Unusable(error.to_string())
        }
        _ => PostError::Connection(error.to_string()),
    }
}

/// rustls and the resolver report through the connection, where only their words are left.
fn broken(what: String, url: &str) -> PostError {
    if let Some(start) = what.find(CERTIFICATE) {
        let reason = what[start + CERTIFICATE.len()..].trim_start_matches([':', ' ']);
        return PostError::Certificate(reason.to_owned());
    }
    if what.contains(LOOKUP) {
        return not_found(url);
    }
    PostError::Connection(what)
}

fn not_found(url: &str) -> PostError {
    PostError::HostNotFound(host(url).unwrap_or_default())
}
