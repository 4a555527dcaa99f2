//! `ingest --otlp`: the events as spans of OpenTelemetry, straight to a collector.
//!
//! The outbox records the events that one PostHog project has to get and has got, in its encoding;
//! none of this applies to a collector. So nothing is recorded: a failed request ends the command,
//! and the same command again sends the same spans, with the same ids.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::pieces::{Pieces, Stopped};
use crate::commands::read::{Audience, read_all};
use crate::commands::{self, Exit, WrongUse};
use crate::config::Config;
use crate::host::Host;
use crate::interrupt::Interrupt;
use crate::otlp::Encoding;
use crate::otlp::answer;
use crate::sources::SessionRef;
use crate::spans;
use crate::transport::{Endpoint, Request, Transport, TransportSettings};
use crate::ui;

/// Path of the protocol for spans.
const PATH: &str = "/v1/traces";
/// Statuses after which the protocol requires the same request to be repeated.
const SEND_AGAIN: [u16; 4] = [429, 502, 503, 504];
/// Pauses before the same request is repeated, unless the collector asks for longer ones.
const PAUSES: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];
/// Longest pause that a collector can ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Time between two checks whether the user stopped the program.
const NAP: Duration = Duration::from_millis(100);
/// Characters of an answer to show.
const SHOWN: usize = 200;

/// A collector, and the headers of its requests.
pub(super) struct Collector {
    url: String,
    headers: Vec<(String, String)>,
    transport: Transport,
    pauses: &'static [Duration],
}

impl Collector {
    /// The collector at an address, with the headers in a file.
    pub(super) fn at(address: &str, headers: Option<&Path>) -> Result<Self, WrongUse> {
        let endpoint = Endpoint::parse(address);
        let endpoint = endpoint.map_err(|error| WrongUse(format!("--otlp: {error}")))?;
        if endpoint.is_posthog_cloud() {
            return Err(WrongUse(
                "--otlp is for systems other than PostHog: ingest without it sends there"
                    .to_owned(),
            ));
        }
        let base = endpoint.base();
        Ok(Self {
            url: match base.strip_suffix(PATH) {
                Some(_) => base.to_owned(),
                None => format!("{base}{PATH}"),
            },
            headers: headers.map_or(Ok(Vec::new()), read_headers)?,
            transport: Transport::new(TransportSettings::default()),
            pauses: &PAUSES,
        })
    }

    /// Sends a request, and repeats it as long as the collector asks for that.
    fn send(&self, request: &[u8], interrupt: &Interrupt) -> anyhow::Result<()> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(request)?;
        let body = gzip.finish()?;
        let request = Request {
            url: &self.url,
            content_type: Encoding::Protobuf.content_type(),
            headers: &self.headers,
            gzipped: &body,
        };
        let mut pauses = self.pauses.iter();
        loop {
            let (answer, bytes) = self.transport.send(&request)?;
            if (200..300).contains(&answer.status) {
                return taken(&bytes);
            }
            let again = SEND_AGAIN.contains(&answer.status);
            match pauses.next().filter(|_| again) {
                Some(pause) => {
                    let asked = answer.retry_after.and_then(|it| it.parse().ok());
                    let asked = Duration::from_secs(asked.unwrap_or(0)).min(LONGEST_PAUSE);
                    wait(asked.max(*pause), interrupt)?;
                }
                None => bail!(
                    "it answered {}: {}",
                    answer.status,
                    ui::fit(answer.body.trim(), SHOWN)
                ),
            }
        }
    }
}

/// Checks from the answer that the collector accepted the whole request.
fn taken(bytes: &[u8]) -> anyhow::Result<()> {
    let rejected = answer::rejected(bytes);
    match rejected.context("its answer is not that of a collector: is the address right?")? {
        Some((0, message)) => {
            ui::say_in_lines(format_args!(
                "the collector says: {}",
                ui::fit(&message, SHOWN)
            ));
            Ok(())
        }
        Some((count, message)) => bail!(
            "it left out {}: {}",
            ui::count(count, "span"),
            ui::fit(&message, SHOWN)
        ),
        None => Ok(()),
    }
}

fn wait(time: Duration, interrupt: &Interrupt) -> Result<(), Stopped> {
    let end = Instant::now() + time;
    while Instant::now() < end {
        if interrupt.is_set() {
            return Err(Stopped);
        }
        thread::sleep(NAP);
    }
    Ok(())
}

/// The headers in a file with one per line: `Authorization: Basic …`.
fn read_headers(path: &Path) -> Result<Vec<(String, String)>, WrongUse> {
    let refused = |reason: &str| WrongUse(format!("--otlp-headers {}: {reason}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| refused(&error.to_string()))?;
    // Editors of Windows put a byte order mark before the text.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let lines = text.lines().enumerate();
    let lines = lines.filter(|(_, line)| !line.trim().is_empty());
    let headers = lines.map(|(index, line)| {
        let pair = line.split_once(':');
        let pair = pair.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
        let line = index + 1;
        pair.ok_or_else(|| refused(&format!("line {line} is not a name, a colon and a value")))
    });
    headers.collect()
}

pub(super) fn run(
    collector: &Collector,
    sessions: &[SessionRef],
    config: &Config,
    host: &Host,
) -> anyhow::Result<Exit> {
    let prospect = commands::prospect(config)?;
    let pipeline = prospect.pipeline();
    let interrupt = Interrupt::watch().context("cannot take note of Ctrl-C")?;
    let (mut sent, mut sessions_sent) = (0, 0);
    let read = read_all(
        sessions,
        Audience::PostHog,
        config,
        host,
        || Pieces::of(&prospect, &pipeline, spans::request),
        |piece| {
            if interrupt.is_set() {
                return Err(Stopped.into());
            }
            if piece.events == 0 {
                return Ok(());
            }
            let done = collector.send(&piece.bytes, &interrupt);
            done.with_context(|| format!("cannot send to {}", collector.url))?;
            sent += piece.events;
            sessions_sent += u64::from(piece.is_first);
            Ok(())
        },
    );
    let summary = format!(
        "sent {} of {} to {}",
        ui::count(sent, "span"),
        ui::count(sessions_sent, "session"),
        collector.url
    );
    match read {
        Ok(exit) => {
            ui::say(summary);
            Ok(exit)
        }
        Err(error) if error.is::<Stopped>() => {
            ui::say(format_args!("stopped: {summary}"));
            Ok(Exit::Stopped)
        }
        Err(error) => {
            ui::say(format_args!("{summary}; the same command sends all again"));
            Err(error)
        }
    }
}
