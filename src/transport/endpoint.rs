//! The address of a PostHog instance: parsing it, and the URLs derived from it.

use std::net::IpAddr;

use ureq::http::Uri;
use ureq::http::uri::{Authority, Scheme};

/// Ingestion hosts of PostHog's own clouds, each with the host names of its app.
const CLOUDS: [(&str, &[&str]); 2] = [
    (
        "us.i.posthog.com",
        &["us.posthog.com", "app.posthog.com", "i.posthog.com"],
    ),
    ("eu.i.posthog.com", &["eu.posthog.com"]),
];

/// An ingestion endpoint of PostHog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// `/i/v0/ai/batch/`, for large AI events.
    Ai,
    /// `/batch/`, which every PostHog instance has.
    Batch,
}

impl Lane {
    /// The largest event that the lane accepts, in bytes of JSON. A larger one makes the server
    /// refuse its whole batch. The limit of `/batch/` is 983,040 bytes as the server counts them;
    /// the difference leaves room for fields that the server adds.
    #[must_use]
    pub const fn max_event_bytes(self) -> usize {
        match self {
            Self::Ai => 8 * 1024 * 1024,
            Self::Batch => 900_000,
        }
    }

    const fn path(self) -> &'static str {
        match self {
            Self::Ai => "/i/v0/ai/batch/",
            Self::Batch => "/batch/",
        }
    }
}

/// The base address of a PostHog instance: https, or http on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    base: String,
    kind: Kind,
    note: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    PostHogCloud,
    Loopback,
    Other,
}

/// Why a text is not a usable address of PostHog.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// The text is not a URL.
    #[error("{0:?} is not an address such as https://us.i.posthog.com")]
    Malformed(String),
    /// Sessions would be sent unencrypted.
    #[error("{0:?} is not encrypted: only https is used, except on this machine")]
    NotEncrypted(String),
    /// The address contains a user name or password, which would end up in logs.
    #[error("the address of {host} holds a user name or password, which logs would show")]
    Credentials {
        /// The host, without the credentials.
        host: String,
    },
}

impl Endpoint {
    /// Parses an address as users write it. A missing scheme means https, addresses of the app
    /// become those of ingestion, the path of a reverse proxy is kept.
    ///
    /// # Errors
    /// When it is no address, would not be encrypted, or contains credentials.
    pub fn parse(text: &str) -> Result<Self, EndpointError> {
        let text = text.trim();
        let malformed = || EndpointError::Malformed(text.to_owned());
        let complete = if text.contains("://") {
            text.to_owned()
        } else {
            format!("https://{text}")
        };
        if complete.contains('#') {
            return Err(malformed());
        }
        let uri: Uri = complete.parse().map_err(|_| malformed())?;
        let authority = uri.authority().ok_or_else(malformed)?;
        let host = authority.host().trim_end_matches('.').to_ascii_lowercase();
        if authority.as_str().contains('@') {
            return Err(EndpointError::Credentials { host });
        }
        if host.is_empty() || uri.query().is_some() {
            return Err(malformed());
        }
        let loopback = is_loopback(&host);
        let secure = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP && loopback => false,
            Some(scheme) if *scheme == Scheme::HTTP => {
                return Err(EndpointError::NotEncrypted(text.to_owned()));
            }
            _ => return Err(malformed()),
        };
        let port = port(authority, secure).ok_or_else(malformed)?;
        if port.is_empty()
            && let Some(cloud) = cloud(&host)
        {
            let changed = cloud != host || !uri.path().trim_matches('/').is_empty();
            return Ok(Self {
                base: format!("https://{cloud}"),
                kind: Kind::PostHogCloud,
                note: changed.then(|| format!("{text} takes no events: sending to {cloud}")),
            });
        }
        let scheme = if secure { "https" } else { "http" };
        let path = uri.path().trim_end_matches('/');
        Ok(Self {
            base: format!("{scheme}://{host}{port}{path}"),
            kind: if loopback {
                Kind::Loopback
            } else {
                Kind::Other
            },
            note: None,
        })
    }

    /// The address in normal form, without a trailing slash.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The address of the app that shows the sent events, without a trailing slash.
    #[must_use]
    pub fn app(&self) -> String {
        if self.is_posthog_cloud() {
            self.base.replacen(".i.", ".", 1)
        } else {
            self.base.clone()
        }
    }

    /// Whether it is one of PostHog's own clouds.
    #[must_use]
    pub fn is_posthog_cloud(&self) -> bool {
        self.kind == Kind::PostHogCloud
    }

    /// Whether it is on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.kind == Kind::Loopback
    }

    /// A note for the user if the address in use differs from the one they wrote.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// The lane to try first: only PostHog's own clouds are known to have the AI lane.
    #[must_use]
    pub fn first_lane(&self) -> Lane {
        if self.is_posthog_cloud() {
            Lane::Ai
        } else {
            Lane::Batch
        }
    }

    /// The URL for batches.
    #[must_use]
    pub fn url(&self, lane: Lane) -> String {
        format!("{}{}", self.base, lane.path())
    }
}

fn cloud(host: &str) -> Option<&'static str> {
    CLOUDS
        .iter()
        .find(|(cloud, aliases)| *cloud == host || aliases.contains(&host))
        .map(|(cloud, _)| *cloud)
}

pub(super) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

/// The port as written after the host: empty for the default port of the scheme, `None` if it is
/// not a number.
fn port(authority: &Authority, secure: bool) -> Option<String> {
    let own = if secure { 443 } else { 80 };
    match authority.as_str().strip_prefix(authority.host())? {
        "" => Some(String::new()),
        text => match text.strip_prefix(':')?.parse::<u16>().ok()? {
            port if port == own => Some(String::new()),
            port => Some(format!(":{port}")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(text: &str) -> String {
        Endpoint::parse(text).unwrap().base().to_owned()
    }

    #[test]
    fn an_address_is_written_one_way() {
        for (text, expected) in [
            ("https://us.i.posthog.com", "https://us.i.posthog.com"),
            ("us.i.posthog.com/", "https://us.i.posthog.com"),
            (" EU.I.PostHog.com. ", "https://eu.i.posthog.com"),
            ("https://us.i.posthog.com:443", "https://us.i.posthog.com"),
            ("https://us.posthog.com", "https://us.i.posthog.com"),
            ("app.posthog.com", "https://us.i.posthog.com"),
            (
                "https://eu.posthog.com/project/1",
                "https://eu.i.posthog.com",
            ),
            (
                "https://us.i.posthog.com/batch/",
                "https://us.i.posthog.com",
            ),
            ("t.example.com/ingest/", "https://t.example.com/ingest"),
            ("https://t.example.com:8443", "https://t.example.com:8443"),
            ("localhost:8000", "https://localhost:8000"),
            ("http://localhost:8000/", "http://localhost:8000"),
            ("http://127.0.0.1", "http://127.0.0.1"),
            ("http://[::1]:8000", "http://[::1]:8000"),
        ] {
            assert_eq!(base(text), expected, "{text}");
        }
    }

    #[test]
    fn the_app_has_an_address_of_its_own() {
        for (text, app) in [
            ("eu.i.posthog.com", "https://eu.posthog.com"),
            ("https://t.i.example.com", "https://t.i.example.com"),
        ] {
            assert_eq!(Endpoint::parse(text).unwrap().app(), app);
        }
    }

    #[test]
    fn only_a_changed_address_gives_a_note() {
        let note = |text| Endpoint::parse(text).unwrap().note().map(str::to_owned);
        assert_eq!(note("https://us.i.posthog.com/"), None);
        assert_eq!(note("https://t.example.com/ingest"), None);
        assert_eq!(
            note("https://us.posthog.com").unwrap(),
            "https://us.posthog.com takes no events: sending to us.i.posthog.com"
        );
    }

    #[test]
    fn only_posthogs_own_clouds_start_on_the_ai_lane() {
        for (text, cloud) in [
            ("https://us.i.posthog.com", true),
            ("https://eu.posthog.com", true),
            ("https://us.i.posthog.com:8443", false),
            ("https://us.i.posthog.com.example.com", false),
            ("https://evil-us.i.posthog.com", false),
            ("http://127.0.0.1:1", false),
        ] {
            let endpoint = Endpoint::parse(text).unwrap();
            assert_eq!(endpoint.is_posthog_cloud(), cloud, "{text}");
            assert_eq!(endpoint.first_lane() == Lane::Ai, cloud, "{text}");
        }
    }

    #[test]
    fn the_path_of_a_reverse_proxy_stays_in_front_of_the_lane() {
        let endpoint = Endpoint::parse("https://t.example.com/ingest").unwrap();
        assert_eq!(
            endpoint.url(Lane::Ai),
            "https://t.example.com/ingest/i/v0/ai/batch/"
        );
        assert_eq!(
            endpoint.url(Lane::Batch),
            "https://t.example.com/ingest/batch/"
        );
    }

    #[test]
    fn unencrypted_addresses_are_refused() {
        for text in [
            "http://us.i.posthog.com",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
            "http://10.0.0.1",
        ] {
            assert_eq!(
                Endpoint::parse(text),
                Err(EndpointError::NotEncrypted(text.to_owned()))
            );
        }
    }

    #[test]
    fn texts_that_are_no_addresses_are_errors() {
        for text in [
            "",
            "https://",
            "ftp://us.i.posthog.com",
            "https://exa mple.com",
            "https://example.com:port",
            "https://example.com?x=1",
            "https://example.com#x",
            "phc_key with spaces",
        ] {
            assert!(
                matches!(Endpoint::parse(text), Err(EndpointError::Malformed(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn credentials_are_refused_without_being_repeated() {
        let error = Endpoint::parse("https://user:secret@example.com").unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
