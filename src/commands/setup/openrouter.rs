//! `posthog-llma setup --openrouter`: prints what to enter at OpenRouter so that its Broadcast
//! arrives here.

use std::path::Path;
use std::thread;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use ureq::http::Uri;

use super::say;
use crate::commands::{Exit, WrongUse, sending, settings, words};
use crate::config;
use crate::host::Host;
use crate::inbox::{Alone, Fact, Reader, Route, Tally};
use crate::interrupt::Interrupt;
use crate::ui::{self, Waiting};

/// Pause between two checks whether the test has arrived.
const LOOK: Duration = Duration::from_millis(200);

/// Path added to an address without one.
const PATH: &str = "/openrouter";

/// Placeholder for an address that the user did not name.
const UNKNOWN: &str = "https://ADDRESS";

pub(super) fn run(url: Option<&str>, host: &Host) -> anyhow::Result<Exit> {
    let (host, config) = &settings(host)?;
    let is_known = url.is_some();
    let url = url.map_or_else(|| Ok(format!("{UNKNOWN}{PATH}")), address)?;
    let directory = sending::directory(config)?;
    let interrupt = Interrupt::watch().context("cannot take note of Ctrl-C")?;
    let (file, token) = config::openrouter_token(host)?;
    let since = SystemTime::from(host.now());
    ui::print(format_args!(
        "at OpenRouter: Settings > Observability > Broadcast > Add destination > Webhook\n\
         URL      {url}\n\
         Method   POST\n\
         Headers  {{\"Authorization\":\"Bearer {token}\"}}"
    ))?;
    if !is_known {
        say("ADDRESS is the one by which OpenRouter reaches this machine, over https");
    }
    let file = words::path(&file, host);
    say(&format!("the token is kept in {file}"));
    if !Alone::is_taken(directory) {
        say(&format!(
            "nothing receives yet; start it in another terminal: posthog-llma serve --token-file {file}"
        ));
    }
    say("press Test Connection at OpenRouter; Ctrl-C ends the waiting, and the token stays");
    let waiting = Waiting::begin("the test of the connection");
    let came = wait(directory, since, &interrupt)?;
    drop(waiting);
    if !came {
        return Ok(Exit::Stopped);
    }
    say("the test of the connection came: save the destination");
    Ok(Exit::Done)
}

/// Whether a test arrived before Ctrl-C.
fn wait(directory: &Path, since: SystemTime, interrupt: &Interrupt) -> anyhow::Result<bool> {
    let mut has_told = false;
    while !interrupt.is_set() {
        if let Some(reader) = Reader::open(directory)? {
            let status = reader.status()?;
            let is_new = |it: &&Tally| it.last_at >= since;
            let mut new = status.tallies.iter().filter(is_new);
            // A test by another route had another token.
            if new
                .clone()
                .any(|it| it.fact == Fact::ConnectionTest && Route::new(&it.name).is_main())
            {
                return Ok(true);
            }
            if let Some(refused) = new.find(|it| it.fact == Fact::Refused && !has_told) {
                say(&format!("a request was refused: {}", refused.name));
                has_told = true;
            }
        }
        thread::sleep(LOOK);
    }
    Ok(false)
}

/// The address to enter. OpenRouter sends over the internet: without https, everybody on the way
/// could read the data and the token.
fn address(url: &str) -> Result<String, WrongUse> {
    const OF_THIS_MACHINE: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];
    let url = url.trim().trim_end_matches('/');
    let is_safe = |uri: &Uri| match (uri.scheme_str(), uri.host()) {
        (Some("https"), Some(host)) => !host.is_empty(),
        (Some("http"), Some(host)) => OF_THIS_MACHINE.contains(&host),
        _ => false,
    };
    let is_plain = |uri: &Uri| {
        let authority = uri.authority().map_or("", |it| it.as_str());
        let host = uri.host().unwrap_or_default();
        let is_name = host.starts_with('[')
            || host.split('.').all(|part| {
                let is_part = |it: char| it.is_alphanumeric() || it == '-';
                part.chars().all(is_part) && part.chars().any(char::is_alphanumeric)
            });
        let has_port = authority.len() > host.len();
        let is_port = !has_port || uri.port_u16().is_some_and(|it| it > 0);
        // A password in the address would be shown, and a fragment is never sent.
        is_name
            && is_port
            && !authority.contains('@')
            && !url.contains('#')
            && uri.query().is_none()
    };
    let uri = url.parse::<Uri>().ok();
    let Some(uri) = uri.filter(|it| is_safe(it) && is_plain(it)) else {
        let url = url.split_once('@').map_or(url, |(_, address)| address);
        return Err(WrongUse(format!(
            "--url {url}: use the https address by which OpenRouter reaches the receiver, as in \
             https://llma.example.com"
        )));
    };
    Ok(if uri.path() == "/" {
        format!("{url}{PATH}")
    } else {
        url.to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_that_openrouter_can_reach_safely() {
        for (url, expected) in [
            (
                "https://llma.example.com",
                Some("https://llma.example.com/openrouter"),
            ),
            (
                "https://llma.example.com/",
                Some("https://llma.example.com/openrouter"),
            ),
            (
                "https://example.com/llma/v1/traces",
                Some("https://example.com/llma/v1/traces"),
            ),
            (
                "http://127.0.0.1:4318",
                Some("http://127.0.0.1:4318/openrouter"),
            ),
            (
                "HTTPS://llma.example.com:8443",
                Some("HTTPS://llma.example.com:8443/openrouter"),
            ),
            ("http://llma.example.com", None),
            ("http://127.0.0.1.example.com", None),
            ("https://llma.example.com?a=b", None),
            ("llma.example.com", None),
            ("https://", None),
            ("https://a b", None),
            ("https://ada:secret@example.com", None),
            ("https://example.com/#part", None),
            ("https://example.com:0", None),
            ("https://example.com:99999", None),
            ("https://..", None),
            ("https://-", None),
            (
                "https://[2001:db8::1]:443",
                Some("https://[2001:db8::1]:443/openrouter"),
            ),
        ] {
            assert_eq!(address(url).ok().as_deref(), expected, "{url}");
        }
    }
}
