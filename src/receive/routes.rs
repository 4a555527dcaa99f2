//! Tokens, and the routes that they give access to.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderName};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use thiserror::Error;

use super::entry::Entry;
use super::refusal::{Reason, Refusal};
use crate::inbox::Route;

/// The accepted tokens, with their routes.
#[derive(Debug, Clone)]
pub struct Routes(Doors);

#[derive(Debug, Clone)]
enum Doors {
    Open(Entry),
    Tokens {
        tokens: Vec<(Token, Entry)>,
        /// Headers that may contain a token, besides `Authorization`.
        headers: Vec<HeaderName>,
    },
}

/// A secret that clients send. Only its digest is kept.
#[derive(Clone)]
pub struct Token([u8; 32]);

/// Why tokens cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidRoutes {
    /// There are no tokens.
    #[error("there is no token")]
    None,
    /// Two routes have the same token.
    #[error("the routes {0} and {1} have the same token")]
    Same(Route, Route),
    /// The text is not a valid name of a header.
    #[error("{0:?} is no name of a header")]
    Header(String),
}

/// Why a text cannot be a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidToken {
    /// It is too short to be a secret.
    #[error("a token has at least {MIN_TOKEN} characters")]
    Short,
    /// No client can send it in a header.
    #[error("a token is one line of letters, digits and signs, without spaces")]
    Characters,
}

/// Minimum number of characters of a token: enough that a random one cannot be guessed.
const MIN_TOKEN: usize = 16;

impl Token {
    /// The token with this text, without spaces around it.
    ///
    /// # Errors
    /// When it is too short, or contains characters that no header can have.
    pub fn new(text: &str) -> Result<Self, InvalidToken> {
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.len() < MIN_TOKEN {
            return Err(InvalidToken::Short);
        }
        if !text.bytes().all(|it| it.is_ascii_graphic()) {
            return Err(InvalidToken::Characters);
        }
        Ok(Self::of(text.as_bytes()))
    }

    /// Digests are compared, so that timing reveals neither content nor length of a token.
    fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

/// Never shows the token.
impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token")
    }
}

impl Routes {
    /// Anybody who reaches the address may send: for loopback only.
    #[must_use]
    pub fn open(entry: impl Into<Entry>) -> Self {
        Self(Doors::Open(entry.into()))
    }

    /// Anybody with one of these tokens may send, by its route. A client sends the token as
    /// `Authorization: Bearer`, as the password of `Authorization: Basic` (like Langfuse's SDKs),
    /// or in the header of [`Routes::in_header`].
    ///
    /// # Errors
    /// When there are no tokens, or two routes have the same one.
    pub fn with_tokens(
        tokens: impl IntoIterator<Item = (Token, impl Into<Entry>)>,
    ) -> Result<Self, InvalidRoutes> {
        let tokens = tokens.into_iter();
        let tokens: Vec<(Token, Entry)> = tokens.map(|(it, entry)| (it, entry.into())).collect();
        if tokens.is_empty() {
            return Err(InvalidRoutes::None);
        }
        for (place, (token, entry)) in tokens.iter().enumerate() {
            let same = tokens[..place].iter().find(|(it, _)| it.0 == token.0);
            if let Some((_, other)) = same {
                let (other, route) = (other.route.clone(), entry.route.clone());
                return Err(InvalidRoutes::Same(other, route));
            }
        }
        let headers = Vec::new();
        Ok(Self(Doors::Tokens { tokens, headers }))
    }

    /// Also accepts the token in this header, besides those named before.
    ///
    /// # Errors
    /// When it is not a valid name of a header.
    pub fn in_header(mut self, name: &str) -> Result<Self, InvalidRoutes> {
        let parsed: Result<HeaderName, _> = name.parse();
        let parsed = parsed.map_err(|_| InvalidRoutes::Header(name.to_owned()))?;
        if let Doors::Tokens { headers, .. } = &mut self.0 {
            headers.push(parsed);
        }
        Ok(self)
    }

    /// Whether a token is required.
    #[must_use]
    pub const fn need_token(&self) -> bool {
        matches!(self.0, Doors::Tokens { .. })
    }

    /// The route of a request, and its accepted deliveries.
    pub(super) fn of(&self, headers: &HeaderMap) -> Result<Entry, Refusal> {
        let (tokens, also) = match &self.0 {
            Doors::Open(entry) => return Ok(entry.clone()),
            Doors::Tokens { tokens, headers } => (tokens, headers),
        };
        let given = given(headers, also);
        if given.is_empty() {
            return Err(Refusal::new(Reason::NoToken, "a token is needed"));
        }
        let found = given.iter().find_map(|token| matching(tokens, token));
        let wrong = || Refusal::new(Reason::WrongToken, "the token is wrong");
        found.cloned().ok_or_else(wrong)
    }
}

/// The entry of a token. Takes the same time for every token, valid or not.
fn matching<'a>(tokens: &'a [(Token, Entry)], given: &Token) -> Option<&'a Entry> {
    let none = u64::MAX;
    let mut found = none;
    for (place, (token, _)) in (0..).zip(tokens) {
        let is_same: Choice = token.0.ct_eq(&given.0);
        found.conditional_assign(&place, is_same);
    }
    let place = usize::try_from(found).ok()?;
    tokens.get(place).map(|(_, entry)| entry)
}

/// Every token of a request.
fn given(headers: &HeaderMap, also: &[HeaderName]) -> Vec<Token> {
    let named = also.iter().flat_map(|name| headers.get_all(name));
    let named = named.map(|value| Token::of(value.as_bytes().trim_ascii()));
    let authorized = headers.get_all(AUTHORIZATION).iter();
    named
        .chain(authorized.filter_map(|value| authorization(value.as_bytes())))
        .collect()
}

fn authorization(value: &[u8]) -> Option<Token> {
    let value = value.trim_ascii();
    let space = value.iter().position(|byte| *byte == b' ')?;
    let (scheme, rest) = (&value[..space], value[space..].trim_ascii());
    if scheme.eq_ignore_ascii_case(b"bearer") {
        return Some(Token::of(rest));
    }
    if scheme.eq_ignore_ascii_case(b"basic") {
        let pair = BASE64_STANDARD.decode(rest).ok()?;
        let colon = pair.iter().position(|byte| *byte == b':')?;
        return Some(Token::of(&pair[colon + 1..]));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_what_a_header_can_hold() {
        for (text, expected) in [
            (" first-team-0123456789\r\n", None),
            ("\u{feff}first-team-0123456789", None),
            ("short", Some(InvalidToken::Short)),
            ("first-team-0123\n456789", Some(InvalidToken::Characters)),
            ("first team 0123456789", Some(InvalidToken::Characters)),
            ("größer-als-sechzehn", Some(InvalidToken::Characters)),
        ] {
            assert_eq!(Token::new(text).err(), expected, "{text:?}");
        }
    }

    fn routes() -> Routes {
        let token = |text| Token::new(text).unwrap();
        let tokens = [
            (token("first-team-0123456789"), Route::new("first")),
            (token("second-team-0123456789"), Route::new("second")),
        ];
        let routes = Routes::with_tokens(tokens).unwrap();
        routes.in_header("X-Serve-Token").unwrap()
    }

    fn ask(headers: &[(&'static str, &str)]) -> Result<String, Reason> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let route = routes().of(&map);
        route
            .map(|it| it.route.name().to_owned())
            .map_err(|it| it.reason)
    }

    #[test]
    fn a_token_opens_its_own_route_however_it_is_sent() {
        let basic = BASE64_STANDARD.encode("pk-any:second-team-0123456789");
        for (header, value, route) in [
            ("authorization", "Bearer first-team-0123456789", "first"),
            (
                "authorization",
                "bearer   second-team-0123456789 ",
                "second",
            ),
            ("authorization", &format!("Basic {basic}"), "second"),
            ("x-serve-token", "first-team-0123456789", "first"),
        ] {
            assert_eq!(ask(&[(header, value)]), Ok(route.to_owned()), "{value}");
        }
        let both = [
            ("authorization", "Bearer phc_a_key_of_a_project"),
            ("x-serve-token", "second-team-0123456789"),
        ];
        assert_eq!(ask(&both), Ok("second".to_owned()));
    }

    #[test]
    fn whoever_has_no_token_or_a_wrong_one_is_told_which() {
        for (headers, reason) in [
            (&[][..], Reason::NoToken),
            (&[("authorization", "Digest x")], Reason::NoToken),
            (&[("authorization", "Bearer")], Reason::NoToken),
            (&[("authorization", "Basic !!!")], Reason::NoToken),
            (
                &[("authorization", "Bearer first-team-012345678")],
                Reason::WrongToken,
            ),
            (
                &[("authorization", "Bearer first-team-01234567890")],
                Reason::WrongToken,
            ),
            (&[("x-serve-token", "")], Reason::WrongToken),
            (&[("x-other", "first-team-0123456789")], Reason::NoToken),
        ] {
            assert_eq!(ask(headers), Err(reason), "{headers:?}");
        }
    }

    #[test]
    fn tokens_that_protect_nothing_are_refused() {
        assert!(Token::new("  short           ").is_err());
        assert!(Token::new("").is_err());
        let same = |route| {
            (
                Token::new("the-same-0123456789").unwrap(),
                Route::new(route),
            )
        };
        let error = Routes::with_tokens([same("a"), same("b")]).unwrap_err();
        assert_eq!(error.to_string(), "the routes a and b have the same token");
        let none: [(Token, Route); 0] = [];
        assert_eq!(Routes::with_tokens(none).unwrap_err(), InvalidRoutes::None);
        assert!(!format!("{:?}", routes()).contains("first-team"));
    }
}
