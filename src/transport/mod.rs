//! Posts bytes to a URL and returns the answer. Knows nothing about events.
//!
//! Promises: certificates are always verified against the system's trusted roots; no redirect is
//! followed; requests to this machine use no proxy; every step has a timeout; of an answer of any
//! length, only the beginning is read.

mod endpoint;

use std::cell::OnceCell;
use std::io::{self, Read};
use std::ops::RangeInclusive;
use std::time::{Duration, SystemTime};

use chrono::DateTime;
use ureq::config::Config;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Proxy};

pub use endpoint::{Endpoint, EndpointError, Lane};

/// Bytes of an answer that are read. PostHog's answers have a few dozen bytes.
const MAX_ANSWER_BYTES: u64 = 64 * 1024;
/// rustls' word for an answer that is not TLS.
const NO_TLS: &str = "InvalidContentType";
/// Prefix of rustls' error messages about certificates.
const CERTIFICATE: &str = "invalid peer certificate";
/// Prefix of the standard library's error message for a failed name lookup.
const LOOKUP: &str = "failed to lookup address";
/// Errors of Windows for a failed name lookup: `WSAHOST_NOT_FOUND`, `WSATRY_AGAIN`,
/// `WSANO_RECOVERY`, `WSANO_DATA`.
const LOOKUP_ON_WINDOWS: RangeInclusive<i32> = 11_001..=11_004;

/// Identification and timeouts of requests.
#[derive(Clone, Debug)]
pub struct TransportSettings {
    /// The `User-Agent` header.
    pub user_agent: String,
    /// Timeout of the name lookup.
    pub resolve: Duration,
    /// Timeout of the connection, including TLS. A network that needs longer will not work anyway.
    pub connect: Duration,
    /// Timeout of one write: a connection that makes no progress for this long is dead.
    pub stall: Duration,
    /// Timeout from the end of the request to the beginning of the answer. PostHog answers in under
    /// a second; a loaded self-hosted one in a few.
    pub answer: Duration,
    /// Timeout of the whole exchange. A full batch has about a megabyte when compressed: a minute
    /// for an uplink of 150 kbit/s, and the answer.
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

/// A request to a server.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The address.
    pub url: &'a str,
    /// The `Content-Type` header.
    pub content_type: &'static str,
    /// Names and values of further headers.
    pub headers: &'a [(String, String)],
    /// The body, compressed with gzip.
    pub gzipped: &'a [u8],
}

/// The answer of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The `Retry-After` header.
    pub retry_after: Option<String>,
    /// The `Location` header.
    pub location: Option<String>,
    /// The server's time, from its `Date` header.
    pub date: Option<SystemTime>,
    /// The beginning of the body, at most 64 KiB, with invalid UTF-8 replaced.
    pub body: String,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PostError {
    /// The name of the host does not resolve: no network, or a misspelt name.
    #[error("cannot find the host {0}")]
    HostNotFound(String),
    /// No server answers at the address, or the connection broke.
    #[error("the connection failed: {0}")]
    Connection(String),
    /// A timeout.
    #[error("no answer in time ({0})")]
    Timeout(String),
    /// The server's certificate does not hold. Nothing was sent.
    #[error("the server's certificate is not trusted: {0}")]
    Certificate(String),
    /// The proxy of the environment refused the request.
    #[error("the proxy failed: {0}")]
    Proxy(String),
    /// The request cannot be made at all.
    #[error("cannot send: {0}")]
    Unusable(String),
}

impl PostError {
    /// The next step for the user.
    #[must_use]
    pub const fn fix(&self) -> &'static str {
        match self {
            Self::HostNotFound(_) => "check the network, and POSTHOG_HOST",
            Self::Certificate(_) => {
                "log in to the network, or add your organisation's root certificate to the \
                 system's store (or name it in SSL_CERT_FILE)"
            }
            Self::Proxy(_) => "check HTTPS_PROXY and NO_PROXY",
            Self::Connection(_) | Self::Timeout(_) | Self::Unusable(_) => {
                "check for a firewall or proxy in between, and POSTHOG_HOST"
            }
        }
    }
}

/// The HTTP client. Creating one is cheap: certificates and proxy settings are read with the first
/// request.
#[derive(Debug)]
pub struct Transport {
    settings: TransportSettings,
    agent: OnceCell<Agent>,
}

impl Transport {
    /// A client without connections.
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
    /// When there is no complete answer. The server may have received the bytes nevertheless.
    pub fn post(&self, url: &str, gzipped_json: &[u8]) -> Result<Answer, PostError> {
        let request = Request {
            url,
            content_type: "application/json",
            headers: &[],
            gzipped: gzipped_json,
        };
        self.send(&request).map(|(answer, _)| answer)
    }

    /// Posts a request and reads the answer, whatever its status, and the bytes of its body.
    ///
    /// # Errors
    /// When there is no complete answer. The server may have received the bytes nevertheless.
    pub fn send(&self, request: &Request<'_>) -> Result<(Answer, Vec<u8>), PostError> {
        let url = request.url;
        let agent = self.agent.get_or_init(|| agent(&self.settings));
        let mut post = agent.post(url);
        if is_loopback(url) {
            // Only addresses on this machine may be called unencrypted, and they need no proxy.
            post = post.config().proxy(None).build();
        }
        for (name, value) in request.headers {
            post = post.header(name, value);
        }
        let mut response = post
            .header("Content-Type", request.content_type)
            .header("Content-Encoding", "gzip")
            .send(request.gzipped)
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
        let answer = Answer {
            status: response.status().as_u16(),
            retry_after,
            location,
            date,
            body: String::from_utf8_lossy(&body).into_owned(),
        };
        Ok((answer, body))
    }
}

/// Parses the date of a header, in the format that RFC 9110 requires of servers. The two older
/// formats of RFC 850 and asctime count as no date.
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
        ureq::Error::Io(error)
            if (error.raw_os_error()).is_some_and(|code| LOOKUP_ON_WINDOWS.contains(&code)) =>
        {
            not_found(url)
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

/// Finds the cause of a broken connection: rustls and the resolver report theirs only as text.
fn broken(what: String, url: &str) -> PostError {
    if let Some(start) = what.find(CERTIFICATE) {
        let reason = what[start + CERTIFICATE.len()..].trim_start_matches([':', ' ']);
        return PostError::Certificate(reason.to_owned());
    }
    if what.contains(LOOKUP) {
        return not_found(url);
    }
    if what.contains(NO_TLS) {
        let what = "the server answers without TLS, which https needs; is it an http address?";
        return PostError::Connection(what.to_owned());
    }
    PostError::Connection(what)
}

fn not_found(url: &str) -> PostError {
    PostError::HostNotFound(host(url).unwrap_or_default())
}
