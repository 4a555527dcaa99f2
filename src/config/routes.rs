//! `serve.toml`: routes for received data, each with its own token, project and privacy mode.
//!
//! The file is in the user's configuration folder, outside every repository, and readable by the
//! user alone. A route can ask for more privacy than the settings, and not for less.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Deserialize;
use thiserror::Error;

use super::secret_file::{self, SecretFileError, is_in_repository};
use super::{ApiKey, Config, DestinationSettings, KeySource};
use crate::files::{make_directory, private_file, remove, sync_directory};
use crate::host::Host;
use crate::inbox::Route;
use crate::posthog::{Namespace, Recording};
use crate::receive::{self, Deliveries, Entry, InvalidRoutes, Token};
use crate::transport::Endpoint;

const FILE: &str = "serve.toml";

/// File with the token that `setup --openrouter` creates.
const TOKEN_FILE: &str = "openrouter.token";
/// Random bytes of a token.
const TOKEN_BYTES: usize = 32;

/// Characters of the longest name of a route.
const LONGEST_NAME: usize = 40;

/// The routes of `serve.toml`; empty without the file.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    /// Another header for the tokens.
    pub(crate) token_header: Option<String>,
    routes: Vec<RouteSettings>,
}

/// A route, with the settings for its data.
#[derive(Debug)]
pub(crate) struct RouteSettings {
    /// The token of the route.
    pub(crate) token: Token,
    /// The route's name, and the deliveries it accepts.
    pub(crate) entry: Entry,
    /// The settings, with the changes of the route.
    pub(crate) config: Config,
}

/// Why `serve.toml` cannot be used. Never contains a token or a key.
#[derive(Debug, Error)]
pub(crate) enum RoutesError {
    /// A file cannot be read.
    #[error("cannot read {}: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        cause: io::Error,
    },
    /// Other users can replace a file.
    #[error("{path}, which holds tokens, {cause}; move it elsewhere", path = path.display())]
    Replaceable {
        /// The file.
        path: PathBuf,
        /// Whose it is, or where.
        cause: SecretFileError,
    },
    /// Other users can read a file.
    #[error("others can read {path}, which holds tokens; use chmod 600 {path}", path = path.display())]
    Open {
        /// The file.
        path: PathBuf,
    },
    /// The file is in a repository.
    #[error(
        "{} is in a git repository, and tokens do not belong there; keep the folder out of it, or set \
         XDG_CONFIG_HOME to another one",
        path.display()
    )]
    Committed {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be parsed.
    #[error("cannot read {}, line {line}: {problem}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The fault.
        problem: String,
    },
    /// The routes cannot be used together.
    #[error("{}: {cause}", path.display())]
    Together {
        /// The file.
        path: PathBuf,
        /// The conflict.
        cause: InvalidRoutes,
    },
    /// A route cannot be used.
    #[error("{}: route {name:?}: {problem}", path.display())]
    Route {
        /// The file.
        path: PathBuf,
        /// The name of the route.
        name: String,
        /// The fault and its remedy.
        problem: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    token_header: Option<String>,
    #[serde(default)]
    routes: BTreeMap<String, Table>,
}

/// A route as written in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    token: Option<String>,
    token_file: Option<PathBuf>,
    api_key: Option<String>,
    host: Option<String>,
    #[serde(default)]
    privacy_mode: bool,
    record_inputs: Option<bool>,
    record_outputs: Option<bool>,
    openrouter_keys: Option<Vec<String>>,
    #[serde(default)]
    openrouter_tests: bool,
}

impl Routes {
    /// The path of the file; `None` without a configuration folder.
    pub(crate) fn path(host: &Host) -> Option<PathBuf> {
        Some(folder(host)?.join(FILE))
    }

    /// Reads the routes. `config` are the settings that the routes change.
    ///
    /// # Errors
    /// When the file exists and cannot be used: then all of its routes are unknown.
    pub(crate) fn read(host: &Host, config: &Config) -> Result<Self, RoutesError> {
        let Some(path) = Self::path(host) else {
            return Ok(Self::default());
        };
        let Some(text) = private_text(&path)? else {
            return Ok(Self::default());
        };
        let content: Content = toml::from_str(&text).map_err(|error| {
            let place = error.span().map_or(0, |span| span.start);
            let before = text.get(..place).unwrap_or_default();
            RoutesError::Content {
                path: path.clone(),
                line: before.matches('\n').count() + 1,
                // The error's long form quotes the line, which may contain a token.
                problem: error.message().to_owned(),
            }
        })?;
        let route = |(name, table): (String, Table)| {
            let settings = table.settings(&name, &path, config);
            settings.map_err(|problem| match problem {
                Problem::Here(problem) => RoutesError::Route {
                    path: path.clone(),
                    name,
                    problem,
                },
                Problem::File(error) => error,
            })
        };
        let routes = Self {
            token_header: content.token_header,
            routes: content
                .routes
                .into_iter()
                .map(route)
                .collect::<Result<_, _>>()?,
        };
        match routes.check() {
            Ok(()) => Ok(routes),
            Err(cause) => Err(RoutesError::Together { path, cause }),
        }
    }

    /// Whether the receiver can tell the routes apart.
    fn check(&self) -> Result<(), InvalidRoutes> {
        if self.routes.is_empty() {
            return Ok(());
        }
        let tokens = self.routes.iter();
        let tokens = tokens.map(|it| (it.token.clone(), it.entry.clone()));
        let doors = receive::Routes::with_tokens(tokens)?;
        let header = self.token_header.as_deref();
        header.map_or(Ok(()), |header| doors.in_header(header).map(drop))
    }

    /// All routes.
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, RouteSettings> {
        self.routes.iter()
    }

    /// The settings of a route.
    pub(crate) fn config_of(&self, route: &Route) -> Option<&Config> {
        let mut routes = self.routes.iter();
        let found = routes.find(|it| it.entry.route == *route)?;
        Some(&found.config)
    }
}

/// The token for OpenRouter, and its file, which is created if missing.
///
/// # Errors
/// When the file cannot be used or created.
pub(crate) fn openrouter_token(host: &Host) -> anyhow::Result<(PathBuf, String)> {
    let folder = folder(host).context("there is no home directory to keep the token in")?;
    let path = folder.join(TOKEN_FILE);
    if let Some(token) = private_text(&path)? {
        let token = token.trim().to_owned();
        Token::new(&token).with_context(|| format!("cannot use {}", path.display()))?;
        return Ok((path, token));
    }
    let mut drawn = [0; TOKEN_BYTES];
    getrandom::fill(&mut drawn).context("cannot draw a token")?;
    let mut token = String::with_capacity(2 * TOKEN_BYTES);
    for byte in drawn {
        // Writing to a string cannot fail.
        let _ = write!(token, "{byte:02x}");
    }
    let failed = |cause| RoutesError::File {
        path: path.clone(),
        cause,
    };
    make_directory(&folder).map_err(failed)?;
    if is_in_repository(&path) {
        return Err(RoutesError::Committed { path }.into());
    }
    let mut file = private_file().open(&path).map_err(failed)?;
    let written = file.write_all(format!("{token}\n").as_bytes());
    written.and_then(|()| file.sync_all()).map_err(failed)?;
    sync_directory(&folder).map_err(failed)?;
    Ok((path, token))
}

/// Removes the token for OpenRouter, if there is one.
///
/// # Errors
/// When it cannot be removed.
pub(crate) fn remove_openrouter_token(host: &Host) -> Result<(), RoutesError> {
    let Some(folder) = folder(host) else {
        return Ok(());
    };
    let path = folder.join(TOKEN_FILE);
    remove(&path).map_err(|cause| RoutesError::File { path, cause })
}

/// The folder of this program's configuration.
fn folder(host: &Host) -> Option<PathBuf> {
    Some(host.config.as_ref()?.join(env!("CARGO_PKG_NAME")))
}

/// Why a route cannot be used.
enum Problem {
    Here(String),
    File(RoutesError),
}

impl From<String> for Problem {
    fn from(problem: String) -> Self {
        Self::Here(problem)
    }
}

impl From<RoutesError> for Problem {
    fn from(error: RoutesError) -> Self {
        Self::File(error)
    }
}

impl Table {
    fn settings(self, name: &str, path: &Path, config: &Config) -> Result<RouteSettings, Problem> {
        let route = route(name)?;
        let token = self.token(path)?;
        let destination = self.destination(&config.destination)?;
        let is_same = destination.complete() == config.destination.complete();
        let namespace = match destination.complete() {
            Some(own) if !is_same => Namespace::of_project(&own.host, &own.api_key),
            _ => config.namespace,
        };
        let mut config = Config {
            route: route.clone(),
            namespace,
            destination,
            ..config.clone()
        };
        config.events.recording = config.events.recording.and(self.recording());
        let keys = self.openrouter_keys;
        if keys.as_ref().is_some_and(Vec::is_empty) {
            let problem = "openrouter_keys is empty, so that nothing would be taken; name a key, or \
                           leave the line out";
            return Err(problem.to_owned().into());
        }
        Ok(RouteSettings {
            token,
            entry: Entry {
                route,
                openrouter: Deliveries {
                    keys,
                    test_requests: self.openrouter_tests,
                },
            },
            config,
        })
    }

    fn token(&self, path: &Path) -> Result<Token, Problem> {
        let parse = |text: &str| Token::new(text).map_err(|error| error.to_string());
        match (&self.token, &self.token_file) {
            (Some(token), None) => Ok(parse(token)?),
            (None, Some(file)) => {
                // A relative path begins at the folder of serve.toml.
                let file = path.parent().unwrap_or(Path::new("")).join(file);
                let text = private_text(&file)?;
                let text = text.ok_or_else(|| format!("{} is missing", file.display()))?;
                Ok(parse(&text)?)
            }
            (Some(_), Some(_)) => Err("has both token and token_file; keep one".to_owned().into()),
            (None, None) => Err("has no token; set token or token_file".to_owned().into()),
        }
    }

    /// The destination of the route, or else that of the settings. A destination that a project's
    /// settings chose is not used for received data.
    fn destination(&self, settings: &DestinationSettings) -> Result<DestinationSettings, String> {
        let api_key = match &self.api_key {
            Some(key) => ApiKey::of_project(key).map_err(|problem| format!("api_key {problem}"))?,
            None if self.host.is_some() => {
                return Err("has a host and no api_key; set the key of its project".to_owned());
            }
            None => return Ok(settings.clone()),
        };
        let endpoint = match &self.host {
            Some(host) => {
                let parsed = Endpoint::parse(host);
                Some(parsed.map_err(|error| format!("host cannot be used: {error}"))?)
            }
            None => settings.endpoint.clone(),
        };
        Ok(DestinationSettings {
            api_key: Some(api_key),
            key_source: Some(KeySource::Route),
            names_key: true,
            endpoint,
            endpoint_source: settings.endpoint_source.filter(|_| self.host.is_none()),
            chosen_by: None,
        })
    }

    fn recording(&self) -> Recording {
        let is_recorded = |setting: Option<bool>| setting.unwrap_or(true) && !self.privacy_mode;
        Recording::of(
            is_recorded(self.record_inputs),
            is_recorded(self.record_outputs),
        )
    }
}

/// A route with a name that can be part of a path.
fn route(name: &str) -> Result<Route, String> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let route = Route::new(name);
    if name.is_empty() || name.len() > LONGEST_NAME || !name.bytes().all(is_plain) {
        return Err(format!(
            "a name has up to {LONGEST_NAME} small letters, digits and hyphens"
        ));
    }
    if route.is_main() {
        let problem = "is the route of the settings themselves; choose another name, or use \
                       --token-file";
        return Err(problem.to_owned());
    }
    Ok(route)
}

/// The text of a file that only its owner can read and that is in no repository; `None` if there is
/// no such file.
fn private_text(path: &Path) -> Result<Option<String>, RoutesError> {
    let (here, path) = (path, path.to_owned());
    match secret_file::read_outside_repositories(here) {
        Ok(secret) if secret.is_readable_by_others => Err(RoutesError::Open { path }),
        Ok(secret) => Ok(Some(secret.text)),
        Err(SecretFileError::Missing) => Ok(None),
        Err(SecretFileError::Writable | SecretFileError::NoFile) => Err(RoutesError::Open { path }),
        Err(cause @ (SecretFileError::OfAnother | SecretFileError::InOpenFolder)) => {
            Err(RoutesError::Replaceable { path, cause })
        }
        Err(SecretFileError::Committed) => Err(RoutesError::Committed { path }),
        Err(SecretFileError::Unreadable { cause }) => Err(RoutesError::File { path, cause }),
    }
}

#[cfg(test)]
mod tests;
