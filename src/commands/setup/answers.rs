//! Destination, key and privacy mode: from the arguments, or else the environment, or else the
//! user.

use anyhow::Context;

use super::{HOST, Stopped, say};
use crate::cli::{self, Region};
use crate::commands::WrongUse;
use crate::config::{ApiKey, key_in_file, key_of_command};
use crate::host::Host;
use crate::transport::Endpoint;
use crate::ui;
use crate::variables::Variable;

/// Value of `--key` for reading the key from standard input, which neither the shell's history nor
/// the process list shows.
const FROM_STDIN: &str = "-";

/// A question whose answer the test trace can prove wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    Address,
    Key,
}

/// An answer and its origin.
struct Given<T> {
    value: T,
    /// Whether the user typed it, and can be asked again.
    is_typed: bool,
}

/// Answers to all questions of `setup`.
pub(super) struct Answers {
    endpoint: Given<Endpoint>,
    api_key: Given<ApiKey>,
    /// The variable for a file or command with the key, and its value; `None` if the key itself is
    /// stored.
    reference: Option<(Variable, String)>,
    /// Whether content stays on this machine; `None` if the user was not asked.
    pub(super) is_private: Option<bool>,
}

impl Answers {
    pub(super) fn collect(arguments: &cli::Setup, host: &Host) -> anyhow::Result<Self> {
        let endpoint = endpoint(arguments, host)?;
        note(&endpoint.value);
        let reference = reference(arguments, host)?;
        let api_key = match &reference {
            Some((variable, value)) => of_reference(*variable, value, host)?,
            None => api_key(arguments, host)?,
        };
        let is_private = if arguments.privacy_mode {
            Some(true)
        } else if endpoint.is_typed || api_key.is_typed {
            Some(ask_privacy()?)
        } else {
            None
        };
        Ok(Self {
            endpoint,
            api_key,
            reference,
            is_private,
        })
    }

    pub(super) const fn endpoint(&self) -> &Endpoint {
        &self.endpoint.value
    }

    pub(super) const fn api_key(&self) -> &ApiKey {
        &self.api_key.value
    }

    /// The variable to write for the key, and its value.
    pub(super) fn key_variable(&self) -> (Variable, &str) {
        match &self.reference {
            Some((variable, value)) => (*variable, value),
            None => (Variable::ApiKey, self.api_key().secret()),
        }
    }

    /// Asks one question again and keeps the other answers. Returns whether the user could be
    /// asked: answers from arguments or environment are not asked for.
    pub(super) fn ask_again(&mut self, question: Question) -> anyhow::Result<bool> {
        match question {
            Question::Address if self.endpoint.is_typed => {
                self.endpoint.value = ask_endpoint()?;
                note(&self.endpoint.value);
            }
            Question::Key if self.api_key.is_typed => self.api_key.value = ask_key()?,
            Question::Address | Question::Key => return Ok(false),
        }
        Ok(true)
    }
}

/// Prints the address that is used instead of the typed one.
fn note(endpoint: &Endpoint) {
    if let Some(note) = endpoint.note() {
        say(note);
    }
}

fn endpoint(arguments: &cli::Setup, host: &Host) -> anyhow::Result<Given<Endpoint>> {
    let from = |source: &str, text: &str| {
        let value = parse_host(text).map_err(|problem| WrongUse(format!("{source}: {problem}")));
        value.map(|value| Given {
            value,
            is_typed: false,
        })
    };
    let region = arguments.region.map(address);
    if let Some(given) = region.or(arguments.host.as_deref()) {
        return Ok(from("--host", given)?);
    }
    if let Some(given) = variable(Variable::PosthogHost, host)? {
        say(&format!("the address is that of {HOST}"));
        return Ok(from(HOST, given)?);
    }
    Ok(Given {
        value: ask_endpoint()?,
        is_typed: true,
    })
}

fn ask_endpoint() -> anyhow::Result<Endpoint> {
    ask(
        "PostHog region (us, eu), or the address of your own [us]: ",
        "no destination: use --region us, --region eu or --host ADDRESS, or set POSTHOG_HOST",
        ui::ask,
        |reply| match reply {
            "" => parse_host("us"),
            reply => parse_host(reply),
        },
    )
}

/// The file or command for the key: from the arguments, or else from the environment, where the key
/// itself takes precedence.
fn reference(arguments: &cli::Setup, host: &Host) -> Result<Option<(Variable, String)>, WrongUse> {
    let given = [
        (Variable::ApiKeyFile, &arguments.key_file),
        (Variable::ApiKeyCommand, &arguments.key_command),
    ];
    for (name, value) in given {
        if let Some(value) = value {
            return Ok(Some((name, value.trim().to_owned())));
        }
    }
    if arguments.key.is_some() || variable(Variable::ApiKey, host)?.is_some() {
        return Ok(None);
    }
    for (name, _) in given {
        if let Some(value) = variable(name, host)? {
            say(&format!("the key is that of {name}"));
            return Ok(Some((name, value.to_owned())));
        }
    }
    Ok(None)
}

/// The present key from a file or command.
fn of_reference(name: Variable, value: &str, host: &Host) -> Result<Given<ApiKey>, WrongUse> {
    let key = match name {
        Variable::ApiKeyFile => key_in_file(value, host).map(|(key, _)| key),
        _ => key_of_command(value, host),
    };
    let key = key.and_then(|key| {
        let key = ApiKey::of_project(key.secret());
        key.map_err(|problem| format!("gives a key that {problem}"))
    });
    let value = key.map_err(|problem| WrongUse(format!("{name} {problem}")))?;
    Ok(Given {
        value,
        is_typed: false,
    })
}

fn api_key(arguments: &cli::Setup, host: &Host) -> anyhow::Result<Given<ApiKey>> {
    let from = |source: &str, key: &str| {
        let value = ApiKey::of_project(key);
        let value = value.map_err(|problem| WrongUse(format!("{source} {problem}")));
        value.map(|value| Given {
            value,
            is_typed: false,
        })
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
                let name = Variable::ApiKey.name();
                say(&format!("the key is that of {name}"));
                return Ok(from(name, key)?);
            }
        }
    }
    Ok(Given {
        value: ask_key()?,
        is_typed: true,
    })
}

fn ask_key() -> anyhow::Result<ApiKey> {
    ask(
        "project API key (phc_…, from the project's settings; it is not shown): ",
        "no key: set POSTHOG_API_KEY, or give the key on standard input to --key -",
        ui::ask_secret,
        |key| ApiKey::of_project(key).map_err(|problem| format!("that {problem}")),
    )
}

fn ask_privacy() -> anyhow::Result<bool> {
    say(
        "PostHog gets prompts, answers, and the inputs and outputs of tools, secrets replaced. In \
         privacy mode it gets names, times, tokens and costs, and no content.",
    );
    ask(
        "privacy mode? [y/N] ",
        "use --privacy-mode",
        ui::ask,
        |reply| yes_or_no(reply, false),
    )
}

/// Parses the reply to a yes-or-no question. An empty one is the default.
pub(super) fn yes_or_no(reply: &str, default: bool) -> Result<bool, String> {
    match reply.to_ascii_lowercase().as_str() {
        "" => Ok(default),
        "n" | "no" => Ok(false),
        "y" | "yes" => Ok(true),
        _ => Err(format!("{reply:?} is neither yes nor no")),
    }
}

/// Asks until the reply is usable. Without a terminal, `otherwise` is the error.
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
        let reply = match asking(question) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {
                return Err(Stopped.into());
            }
            reply => reply.context("nothing was saved")?,
        };
        let reply = reply.ok_or_else(|| WrongUse("no answer: nothing was saved".to_owned()))?;
        match parse(reply.trim()) {
            Ok(answer) => return Ok(answer),
            Err(problem) => say(&problem),
        }
    }
}

/// Parses an address or the name of one of PostHog's clouds. Any other single word is refused,
/// since it would be a host of the local network.
fn parse_host(text: &str) -> Result<Endpoint, String> {
    let text = match text.to_ascii_lowercase().as_str() {
        "us" => address(Region::Us),
        "eu" => address(Region::Eu),
        "localhost" => text,
        _ if !text.contains(['.', ':']) => {
            return Err(format!(
                "{text:?} is neither a region (us, eu) nor an address such as \
                 https://posthog.example.com"
            ));
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_word_is_no_address() {
        for (text, base) in [
            ("us", Some("https://us.i.posthog.com")),
            ("EU", Some("https://eu.i.posthog.com")),
            ("posthog.example.com", Some("https://posthog.example.com")),
            ("https://posthog", Some("https://posthog")),
            ("localhost", Some("https://localhost")),
            ("[::1]", Some("https://[::1]")),
            ("asia", None),
            ("phc_0123456789", None),
            ("yes", None),
        ] {
            let endpoint = parse_host(text);
            let found = endpoint.as_ref().map(Endpoint::base).ok();
            assert_eq!(found, base, "{text}");
        }
    }
}
