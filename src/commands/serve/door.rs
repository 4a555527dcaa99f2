//! The addresses of the receiver, its tokens and its limits.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};

use crate::cli::Serve;
use crate::commands::WrongUse;
use crate::config::{self, Config};
use crate::receive::{Deliveries, Entry, Limits, Routes, Token};
use crate::ui;

/// Open files besides connections: databases, their logs, requests to PostHog.
const OTHER_FILES: usize = 100;
/// Header for the token besides `Authorization`, which some clients use for another token.
const HEADER: &str = "x-posthog-llma-token";

/// The tokens with their routes; without a token, every program on this machine may send.
pub(super) fn routes(
    arguments: &Serve,
    config: &Config,
    own: &config::Routes,
) -> Result<Routes, WrongUse> {
    let keys = &arguments.openrouter_key;
    let main = Entry {
        route: config.route.clone(),
        openrouter: Deliveries {
            keys: (!keys.is_empty()).then(|| keys.clone()),
            test_requests: arguments.openrouter_tests,
        },
    };
    let token = token(arguments, config)?;
    // A route without keys of its own accepts those of the option.
    let own_tokens = own.iter().map(|it| {
        let mut entry = it.entry.clone();
        entry.openrouter.keys = entry
            .openrouter
            .keys
            .or_else(|| main.openrouter.keys.clone());
        (it.token.clone(), entry)
    });
    let own_tokens: Vec<_> = own_tokens.collect();
    if token.is_none() && own.iter().next().is_none() {
        return Ok(Routes::open(main));
    }
    let main = token.map(|token| (token, main));
    let mut routes = Routes::with_tokens(main.into_iter().chain(own_tokens));
    let named = [&arguments.token_header, &own.token_header];
    let named = named.into_iter().flatten().map(String::as_str);
    for header in named.chain([HEADER]) {
        routes = routes.and_then(|routes| routes.in_header(header));
    }
    routes.map_err(|error| WrongUse(error.to_string()))
}

fn token(arguments: &Serve, config: &Config) -> Result<Option<Token>, WrongUse> {
    let Some(path) = &arguments.token_file else {
        return Ok(config.serve_token.clone());
    };
    let shown = path.display();
    let refused = |error: String| WrongUse(format!("--token-file {shown}: {error}"));
    let file = config::read_secret_file(path).map_err(|error| refused(error.to_string()))?;
    let token = Token::new(&file.text);
    let token = token.map_err(|error| refused(error.to_string()))?;
    if file.is_own && file.is_readable_by_others {
        ui::say_in_lines(format_args!(
            "others can read {shown}, which holds the token; chmod 600 {shown}"
        ));
    }
    Ok(Some(token))
}

/// The limits of requests, with fewer connections if the system allows few open files.
pub(super) fn limits() -> Limits {
    let usual = Limits::default();
    let files = open_files().saturating_sub(OTHER_FILES);
    Limits {
        connections: usual.connections.min(files.max(1)),
        ..usual
    }
}

/// Maximum number of open files, after asking the system for enough.
#[cfg(unix)]
fn open_files() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let wanted = Limits::default().connections + OTHER_FILES;
    let wanted = u64::try_from(wanted)
        .ok()
        .min(limit.maximum.or(Some(u64::MAX)));
    let Some(current) = limit.current else {
        return usize::MAX;
    };
    let more = wanted.filter(|wanted| *wanted > current);
    let raised = more.filter(|_| {
        let asked = Rlimit {
            current: more,
            ..limit
        };
        setrlimit(Resource::Nofile, asked).is_ok()
    });
    usize::try_from(raised.unwrap_or(current)).unwrap_or(usize::MAX)
}

#[cfg(not(unix))]
const fn open_files() -> usize {
    usize::MAX
}

/// Listens on an address, whose name may resolve to several.
pub(super) fn listen(address: &str, routes: &Routes) -> Result<Vec<TcpListener>, WrongUse> {
    let unknown = |error: &str| WrongUse(format!("--listen {address}: {error}"));
    let addresses: Vec<SocketAddr> = match address.to_socket_addrs() {
        Ok(addresses) => addresses.collect(),
        Err(error) if error.kind() == ErrorKind::InvalidInput => {
            return Err(unknown("use an address and a port, as in 127.0.0.1:4318"));
        }
        Err(error) => return Err(unknown(&error.to_string())),
    };
    if addresses.is_empty() {
        return Err(unknown("this name has no address"));
    }
    for address in &addresses {
        if !routes.need_token() && !address.ip().to_canonical().is_loopback() {
            return Err(WrongUse(format!(
                "{address} can be reached from other machines, which needs a token; use \
                 --token-file FILE or POSTHOG_LLMA_SERVE_TOKEN"
            )));
        }
    }
    let listen = |address: &SocketAddr| {
        TcpListener::bind(address).map_err(|error| cannot_listen(*address, &error))
    };
    addresses.iter().map(listen).collect()
}

fn cannot_listen(address: SocketAddr, error: &io::Error) -> WrongUse {
    let fix = match error.kind() {
        ErrorKind::AddrInUse => {
            "end the program that listens there, or choose another port with --listen"
        }
        ErrorKind::PermissionDenied => "choose a port above 1023 with --listen",
        _ => "choose an address of this machine with --listen",
    };
    WrongUse(format!("cannot listen on {address}: {error}; {fix}"))
}
