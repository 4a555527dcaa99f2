//! Where to, and with which key: from the arguments, else the environment, else the user.

use anyhow::Context;

use super::{HOST, KEY};
use crate::cli::{self, Region};
use crate::commands::WrongUse;
use crate::config::ApiKey;
use crate::host::Host;
use crate::transport::Endpoint;
use crate::ui;
use crate::variables::Variable;

/// Reads the key from standard input, where neither the shell's history nor the list of
/// processes shows it.
const FROM_STDIN: &str = "-";

/// What the user wants.
pub(super) struct Answers {
    pub(super) endpoint: Endpoint,
    pub(super) api_key: ApiKey,
}

impl Answers {
    pub(super) fn collect(arguments: &cli::Setup, host: &Host) -> anyhow::Result<Self> {
        let endpoint = endpoint(arguments, host)?;
        if let Some(note) = endpoint.note() {
            ui::say(note);
        }
        let api_key = api_key(arguments, host)?;
        Ok(Self { endpoint, api_key })
    }
}

fn endpoint(arguments: &cli::Setup, host: &Host) -> anyhow::Result<Endpoint> {
    let region = arguments.region.map(address);
    if let Some(given) = region.or(arguments.host.as_deref()) {
        return Ok(parse_host(given).map_err(|problem| WrongUse(format!("--host: {problem}")))?);
    }
    if let Some(given) = variable(Variable::PosthogHost, host)? {
        ui::say(format_args!("the address is that of {HOST}"));
        return Ok(parse_host(given).map_err(|problem| WrongUse(format!("{HOST}: {problem}")))?);
    }
    ask(
        "PostHog region (us, eu), or the address of your own [us]: ",
        "where to? use --region us, --region eu or --host ADDRESS, or set POSTHOG_HOST",
        ui::ask,
        |reply| match reply {
            "" => parse_host("us"),
            reply => parse_host(reply),
        },
    )
}

fn api_key(arguments: &cli::Setup, host: &Host) -> anyhow::Result<ApiKey> {
    let parse = |key: &str| ApiKey::parse(key).map_err(|problem| format!("that {problem}"));
    let from = |source: &str, key: &str| {
        ApiKey::parse(key).map_err(|problem| WrongUse(format!("{source} {problem}")))
    };
    match arguments.key.as_deref().map(str::trim) {
        Some(FROM_STDIN) if !ui::can_ask() => {
            let line = ui::read_line()?.unwrap_or_default();
            return Ok(from("standard input", line.trim())?);
        }
        Some(FROM_STDIN) => {}
        Some(key) => return Ok(from("--key", key)?),
        None => {
            if let Some(key) = variable(Variable::ApiKey, host)? {
                ui::say(format_args!("the key is that of {KEY}"));
                return Ok(from(KEY, key)?);
            }
        }
    }
    ask(
        "project API key (phc_…, from the project's settings; it is not shown): ",
        "which key? set POSTHOG_API_KEY, or give it on standard input to --key -",
        ui::ask_secret,
        parse,
    )
}

/// Asks until the reply can be used. Without anybody to ask, `otherwise` says what to do.
fn ask<T>(
    question: &str,
    otherwise: &str,
    asking: fn(&str) -> std::io::Result<Option<String>>,
    parse: impl Fn(&str) -> Result<T, String>,
) -> anyhow::Result<T> {
    if !ui::can_ask() {
        return Err(WrongUse(otherwise.to_owned()).into());
    }
    loop {
        let reply = asking(question).context("nothing was saved")?;
        let reply = reply.ok_or_else(|| WrongUse("no answer: nothing was saved".to_owned()))?;
        match parse(reply.trim()) {
            Ok(answer) => return Ok(answer),
            Err(problem) => ui::say(problem),
        }
    }
}

/// An address, or the name of one of PostHog's clouds.
fn parse_host(text: &str) -> Result<Endpoint, String> {
    let text = match text.to_ascii_lowercase().as_str() {
        "us" => address(Region::Us),
        "eu" => address(Region::Eu),
        _ => text,
    };
    Endpoint::parse(text).map_err(|error| error.to_string())
}

const fn address(region: Region) -> &'static str {
    match region {
        Region::Us => "https://us.i.posthog.com",
        Region::Eu => "https://eu.i.posthog.com",
    }
}

fn variable(variable: Variable, host: &Host) -> Result<Option<&str>, WrongUse> {
    host.variable(variable)
        .map_err(|problem| WrongUse(format!("{variable} {problem}")))
}
