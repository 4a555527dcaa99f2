//! Access control: only the browser of the person who started the program may ask, and no other
//! page in it.
//!
//! Any page that a person visits may send requests to servers on their machine, directly or through
//! a name that it resolves to loopback (DNS rebinding), and so may other users of the machine. So:
//!
//! | a request | needs |
//! |---|---|
//! | of any kind | `Host` to be the address of the page; `GET` |
//! | that a browser attributes to another site | is refused (`Sec-Fetch-Site`, `Origin`) |
//! | with the token in its address | the token: it becomes a cookie that only this page gets |
//! | all others | that cookie |

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use anyhow::anyhow;
use hyper::header::{COOKIE, HOST, HeaderMap, ORIGIN};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use subtle::ConstantTimeEq as _;

/// Random bytes of a token.
const BYTES: usize = 24;
/// Header with which browsers state the site that caused a request.
const SITE: &str = "sec-fetch-site";

/// The address of the page, and the secret that opens it.
pub(super) struct Door {
    /// The token that opens the page as often as the program runs.
    token: String,
    /// The token that opens it once.
    once: Mutex<Option<String>>,
    /// Values of `Host` that mean the page.
    hosts: Vec<String>,
    cookie: String,
}

/// The access that a request gets.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// The request is answered.
    Open,
    /// The request had the token, and gets this cookie.
    Cookie(String),
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    Host,
    Method,
    OtherSite,
    NoToken,
    WrongToken,
}

impl Door {
    /// A door with a new token.
    pub(super) fn new(address: SocketAddr) -> anyhow::Result<Self> {
        Ok(Self {
            token: random()?,
            once: Mutex::new(Some(random()?)),
            hosts: hosts_of(address),
            // Browsers send the cookies of a host to all of its ports.
            cookie: format!("posthog-llma-{}", address.port()),
        })
    }

    /// A door that refuses every request.
    pub(super) fn closed() -> Self {
        Self {
            token: String::new(),
            once: Mutex::new(None),
            hosts: Vec::new(),
            cookie: String::new(),
        }
    }

    /// Name of this run. It is no secret, since only a page that was let in receives it.
    pub(super) fn run(&self) -> &str {
        self.token.get(..8).unwrap_or_default()
    }

    fn host(&self) -> &str {
        self.hosts.first().map_or("", String::as_str)
    }

    /// The address that opens the page.
    pub(super) fn address(&self) -> String {
        format!("http://{}/?token={}", self.host(), self.token)
    }

    /// An address that opens the page once.
    pub(super) fn address_for_once(&self) -> String {
        let host = self.host();
        let once = self.once.lock().unwrap_or_else(PoisonError::into_inner);
        format!(
            "http://{host}/?token={}",
            once.as_deref().unwrap_or_default()
        )
    }

    /// Decides whether a request is answered.
    pub(super) fn judge(&self, parts: &Parts) -> Result<Entry, Refused> {
        if !self.is_own(parts) {
            return Err(Refused::Host);
        }
        if parts.method != Method::GET {
            return Err(Refused::Method);
        }
        if self.is_of_other_site(&parts.headers) {
            return Err(Refused::OtherSite);
        }
        if let Some(token) = token(parts) {
            return if self.opens(token) || self.opens_once(token) {
                let Self { cookie, token, .. } = self;
                let attributes = "HttpOnly; SameSite=Strict; Path=/";
                Ok(Entry::Cookie(format!("{cookie}={token}; {attributes}")))
            } else {
                Err(Refused::WrongToken)
            };
        }
        match self.cookie_of(&parts.headers) {
            Some(token) if self.opens(token) => Ok(Entry::Open),
            Some(_) => Err(Refused::WrongToken),
            None => Err(Refused::NoToken),
        }
    }

    fn is_own(&self, parts: &Parts) -> bool {
        let is_own = |host: &str| self.hosts.iter().any(|own| own == host);
        let mut hosts = parts.headers.get_all(HOST).iter();
        let host = (hosts.next(), hosts.next());
        let is_named = matches!(host, (Some(host), None) if host.to_str().is_ok_and(is_own));
        // A request to a proxy also names the host in its first line.
        let authority = parts.uri.authority();
        is_named && authority.is_none_or(|authority| is_own(authority.as_str()))
    }

    fn is_of_other_site(&self, headers: &HeaderMap) -> bool {
        let is_own = |value: &str| matches!(value, "same-origin" | "none");
        let is_origin = |value: &str| {
            let host = value.strip_prefix("http://");
            host.is_some_and(|host| self.hosts.iter().any(|own| own == host))
        };
        let mut sites = headers.get_all(SITE).iter();
        let mut origins = headers.get_all(ORIGIN).iter();
        sites.any(|it| !it.to_str().is_ok_and(is_own))
            || origins.any(|it| !it.to_str().is_ok_and(is_origin))
    }

    fn opens(&self, token: &str) -> bool {
        token.as_bytes().ct_eq(self.token.as_bytes()).into()
    }

    fn opens_once(&self, token: &str) -> bool {
        let mut once = self.once.lock().unwrap_or_else(PoisonError::into_inner);
        let opens = |once: &String| bool::from(token.as_bytes().ct_eq(once.as_bytes()));
        once.take_if(|once| opens(once)).is_some()
    }

    fn cookie_of<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        let cookies = headers.get_all(COOKIE).iter();
        let mut cookies = cookies
            .filter_map(|it| it.to_str().ok())
            .flat_map(|it| it.split(';'));
        cookies.find_map(|cookie| {
            let (name, value) = cookie.trim().split_once('=')?;
            (name == self.cookie).then_some(value)
        })
    }
}

fn random() -> anyhow::Result<String> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| anyhow!("no random bytes: {error}"))?;
    Ok(bytes.iter().fold(String::new(), |mut token, byte| {
        // Writing to a string cannot fail.
        let _ = write!(token, "{byte:02x}");
        token
    }))
}

/// The token in the address of a request.
fn token(parts: &Parts) -> Option<&str> {
    let mut fields = parts.uri.query()?.split('&');
    fields.find_map(|field| field.strip_prefix("token="))
}

impl Refused {
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::Host | Self::OtherSite => StatusCode::FORBIDDEN,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::NoToken | Self::WrongToken => StatusCode::UNAUTHORIZED,
        }
    }

    /// The reason, and the next step.
    pub(super) const fn words(self) -> [&'static str; 2] {
        const OPEN: &str = "open the address that posthog-llma view printed";
        match self {
            Self::Host => ["the request names another host", OPEN],
            Self::Method => ["this page is only read", "send GET"],
            Self::OtherSite => ["another site asked for this page", OPEN],
            Self::NoToken => ["this page needs a token", OPEN],
            Self::WrongToken => ["this token is of another run", OPEN],
        }
    }
}

/// Values of `Host` by which clients name an address. They leave out the usual port.
fn hosts_of(address: SocketAddr) -> Vec<String> {
    let port = address.port();
    let mut hosts = vec![address.to_string(), format!("localhost:{port}")];
    if port == 80 {
        let names: Vec<String> = hosts
            .iter()
            .filter_map(|it| it.strip_suffix(":80"))
            .map(str::to_owned)
            .collect();
        hosts.extend(names);
    }
    hosts
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    fn door() -> Door {
        Door::new(SocketAddr::from(([127, 0, 0, 1], 4040))).unwrap()
    }

    fn judged(
        door: &Door,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Entry, Refused> {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        door.judge(&parts)
    }

    #[test]
    fn a_token_becomes_a_cookie_and_the_cookie_opens() {
        let door = door();
        let own = ("host", "127.0.0.1:4040");
        let address = door.address();
        let path = address.strip_prefix("http://127.0.0.1:4040").unwrap();
        let Ok(Entry::Cookie(cookie)) = judged(&door, "GET", path, &[own]) else {
            panic!("no cookie");
        };
        assert!(
            cookie.ends_with("; HttpOnly; SameSite=Strict; Path=/"),
            "{cookie}"
        );
        let pair = cookie.split(';').next().unwrap();
        let several = format!("a=b; {pair}; c=d");
        for cookie in [pair, &several] {
            let entry = judged(&door, "GET", "/api/machine", &[own, ("cookie", cookie)]);
            assert_eq!(entry, Ok(Entry::Open));
        }
        let entry = judged(
            &door,
            "GET",
            "/",
            &[("host", "localhost:4040"), ("cookie", pair)],
        );
        assert_eq!(entry, Ok(Entry::Open));
    }

    #[test]
    fn the_usual_port_need_not_be_named() {
        let door = Door::new("127.0.0.1:80".parse().unwrap()).unwrap();
        let path = format!("/?token={}", door.token);
        for host in ["127.0.0.1", "127.0.0.1:80", "localhost"] {
            let entry = judged(&door, "GET", &path, &[("host", host)]);
            assert!(matches!(entry, Ok(Entry::Cookie(_))), "{host}");
        }
    }

    #[test]
    fn the_address_that_the_browser_is_given_opens_once() {
        let door = door();
        let own = ("host", "127.0.0.1:4040");
        let address = door.address_for_once();
        let path = address.strip_prefix("http://127.0.0.1:4040").unwrap();
        assert!(matches!(
            judged(&door, "GET", path, &[own]),
            Ok(Entry::Cookie(_))
        ));
        assert_eq!(judged(&door, "GET", path, &[own]), Err(Refused::WrongToken));
        let empty = "/?token=";
        assert_eq!(
            judged(&door, "GET", empty, &[own]),
            Err(Refused::WrongToken)
        );
    }

    const OWN: (&str, &str) = ("host", "127.0.0.1:4040");

    /// Method, path and headers of a request, and why it is refused.
    type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], Refused);

    #[track_caller]
    fn refuses(door: &Door, cases: &[Case<'_>]) {
        for (method, path, headers, expected) in cases {
            let entry = judged(door, method, path, headers);
            assert_eq!(entry, Err(*expected), "{method} {path} {headers:?}");
        }
    }

    #[test]
    fn a_wrong_token_or_none_is_refused() {
        let door = door();
        let cookie = format!("posthog-llma-4040={}", door.token);
        let wrong = format!("/?token={}0", door.token);
        let of_other_port = [OWN, ("cookie", "posthog-llma-1=0")];
        refuses(
            &door,
            &[
                ("GET", "/", &[OWN], Refused::NoToken),
                ("GET", "/", &of_other_port, Refused::NoToken),
                ("GET", "/?token=", &[OWN], Refused::WrongToken),
                (
                    "GET",
                    &wrong,
                    &[OWN, ("cookie", &cookie)],
                    Refused::WrongToken,
                ),
                (
                    "GET",
                    "/",
                    &[OWN, ("cookie", "posthog-llma-4040=0")],
                    Refused::WrongToken,
                ),
            ],
        );
    }

    #[test]
    fn another_name_or_method_is_refused() {
        let door = door();
        let cookie = format!("posthog-llma-4040={}", door.token);
        let cookie = ("cookie", cookie.as_str());
        let query = format!("/?token={}", door.token);
        let hosts = ["evil.example:4040", "127.0.0.1:4041", "127.0.0.1", ""];
        for host in hosts {
            let headers = [("host", host), cookie];
            refuses(&door, &[("GET", &query, &headers, Refused::Host)]);
        }
        refuses(
            &door,
            &[("GET", "http://evil.example/", &[OWN, cookie], Refused::Host)],
        );
        refuses(&door, &[("GET", "/", &[cookie], Refused::Host)]);
        refuses(&door, &[("GET", "/", &[OWN, OWN, cookie], Refused::Host)]);
        for method in ["POST", "HEAD", "PUT", "DELETE", "OPTIONS"] {
            refuses(&door, &[(method, "/", &[OWN, cookie], Refused::Method)]);
        }
    }

    #[test]
    fn what_another_site_caused_is_refused() {
        let door = door();
        let cookie = format!("posthog-llma-4040={}", door.token);
        let query = format!("/?token={}", door.token);
        for (name, value) in [
            (SITE, "cross-site"),
            (SITE, "same-site"),
            (SITE, "anything"),
            ("origin", "https://evil.example"),
            ("origin", "http://127.0.0.1:4041"),
            ("origin", "null"),
        ] {
            let headers = [OWN, ("cookie", &cookie), (name, value)];
            for path in ["/", "/api/machine", &query] {
                refuses(&door, &[("GET", path, &headers, Refused::OtherSite)]);
            }
        }
        let own = [
            OWN,
            ("cookie", cookie.as_str()),
            ("origin", "http://127.0.0.1:4040"),
        ];
        assert_eq!(judged(&door, "GET", "/", &own), Ok(Entry::Open));
    }
}
