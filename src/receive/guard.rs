//! Protection of an open receiver on loopback against web pages.
//!
//! A page that a person visits may send requests to servers on their machine: directly to an
//! address of loopback, or through a name of its own that resolves there (DNS rebinding). Browsers
//! add `Origin` to requests of pages, and `Host` contains the name that the page used. If a token
//! is required, neither is checked: a reverse proxy may keep the public name in `Host`.

use std::net::IpAddr;

use hyper::Uri;
use hyper::header::{HOST, HeaderMap, ORIGIN};

use super::refusal::{Reason, Refusal};

/// Names by which containers reach the loopback of their machine. `.internal` is reserved, so no
/// page can have such a name.
const CONTAINERS: [&str; 3] = [
    "host.docker.internal",
    "host.containers.internal",
    "host.lima.internal",
];

/// Refuses requests that a web page may have sent.
pub(super) fn check(uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
    if headers.contains_key(ORIGIN) {
        let message = "web pages may not send here; use a token to allow it";
        return Err(Refusal::new(Reason::Origin, message));
    }
    let mut hosts = headers.get_all(HOST).iter();
    let host = (hosts.next(), hosts.next());
    // A request to a proxy names the host in its first line, which takes precedence.
    let is_own = match (uri.authority(), host) {
        (Some(authority), _) => is_this_machine(authority.as_str()),
        (None, (Some(host), None)) => host.to_str().is_ok_and(is_this_machine),
        (None, _) => false,
    };
    if is_own {
        return Ok(());
    }
    let message = "Host is not a name of this machine; use localhost, or a token";
    Err(Refusal::new(Reason::Host, message))
}

/// Whether a name, with or without a port, always means this machine.
fn is_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) if is_port(port) => address,
        Some(_) => return false,
        None => match host.find(':') {
            Some(colon) if is_port(&host[colon..]) => &host[..colon],
            Some(_) => return false,
            None => host,
        },
    };
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || CONTAINERS.contains(&name.as_str())
        || name
            .parse()
            .is_ok_and(|address: IpAddr| address.to_canonical().is_loopback())
}

/// Whether a text is empty or a colon with digits.
fn is_port(text: &str) -> bool {
    let digits = text.strip_prefix(':').unwrap_or(text);
    digits.len() <= 5
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && (text.is_empty() || text.starts_with(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_taken() {
        for host in [
            "localhost",
            "LOCALHOST:4318",
            "localhost.:4318",
            "app.localhost:4318",
            "127.0.0.1",
            "127.0.0.1:4318",
            "127.8.8.8:1",
            "[::1]",
            "[::1]:4318",
            "[::ffff:127.0.0.1]:4318",
            "host.docker.internal:4318",
        ] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in [
            "",
            "example.com",
            "example.com:4318",
            "localhost.example.com",
            "notlocalhost",
            "127.0.0.1.example.com",
            "10.0.0.1:4318",
            "[::2]:4318",
            "[::1",
            "[::1]x",
            "localhost:4318@example.com",
            "localhost:x",
            "docker.internal",
        ] {
            assert!(!is_this_machine(host), "{host}");
        }
    }
}
