//! `posthog-llma ingest`: sends past sessions, or shows what would be sent.

mod collector;
mod courier;
mod export;
mod list;
mod pieces;
mod plan;
mod preview;
mod send;
mod summary;

use std::path::{Path, PathBuf};

use self::collector::Collector;
use super::output::ExistingFile;
use super::select::{self, Filter};
use super::{Exit, WrongUse, program, read, refuse_inside_agent, settings, typed, words};
use crate::cli::Ingest;
use crate::config::Config;
use crate::host::Host;
use crate::paths;
use crate::sources::{self, Listing, SessionRef};
use crate::ui;

pub(super) fn run(arguments: &Ingest, host: &Host) -> anyhow::Result<Exit> {
    refuse_inside_agent(&typed(&host.arguments), host)?;
    go(arguments, Reach::Machine, host)
}

/// Sends all past sessions, for `setup`, which has asked for that.
pub(super) fn of_setup(host: &Host) -> anyhow::Result<Exit> {
    let arguments = Ingest {
        all: true,
        ..Ingest::default()
    };
    go(&arguments, Reach::Machine, host)
}

/// The verb of Claude Code's slash command. A model can also run it without being asked. Therefore
/// it only shows and sends sessions of the current project, which hooks would send anyway, and
/// writes no file.
pub(super) fn of_project(arguments: &Ingest, host: &Host) -> anyhow::Result<Exit> {
    let is_id = |session: &PathBuf| {
        let name = session.to_string_lossy();
        name.chars()
            .all(|it| it.is_ascii_alphanumeric() || "-_".contains(it))
    };
    let refused = [
        (arguments.all, "--all"),
        (arguments.yes, "--yes"),
        (arguments.output.is_some(), "--output"),
        (arguments.which.project.is_some(), "--project"),
        (arguments.otlp.is_some(), "--otlp"),
        (arguments.with_old_content, "--with-old-content"),
        (!arguments.sessions.iter().all(is_id), "a file or folder"),
    ];
    if let Some((_, what)) = refused.iter().find(|(is_there, _)| *is_there) {
        let typed = typed(host.arguments.get(1..).unwrap_or_default());
        return Err(WrongUse(format!(
            "inside Claude Code only sessions of this project are sent, and {what} is not taken, \
             since a project could have asked for it; run it yourself, in a terminal of your \
             own:\n  {} ingest {typed}",
            program(host)
        ))
        .into());
    }
    go(arguments, Reach::Project, host)
}

/// The sessions that can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// All sessions of this user.
    Machine,
    /// Sessions of the current project.
    Project,
}

impl Reach {
    fn sessions(self, host: &Host) -> Listing<SessionRef> {
        match self {
            Self::Machine => sources::all(host),
            Self::Project => self.of_here(host),
        }
    }

    /// Sessions of the current project.
    fn of_here(self, host: &Host) -> Listing<SessionRef> {
        let mut listing = sources::of_project(host);
        if self == Self::Project {
            // Claude Code keeps the sessions of `a/b` and `a-b` in one folder.
            listing.found.retain(|found| began_here(found, host));
        }
        listing
    }
}

/// Whether a session was started in the current folder.
fn began_here(found: &SessionRef, host: &Host) -> bool {
    let began = found.glance().cwd;
    let began = began.as_deref().map(Path::new);
    let pair = began.zip(host.cwd.as_deref());
    pair.is_some_and(|(began, here)| paths::are_same(began, here))
}

fn go(arguments: &Ingest, reach: Reach, host: &Host) -> anyhow::Result<Exit> {
    let filter = Filter::of(&arguments.which, host)?;
    if arguments.list {
        return list::run(reach.sessions(host), &filter);
    }
    let (host, mut config) = settings(host)?;
    let collector = arguments.otlp.as_deref();
    let collector = collector.map(|it| Collector::at(it, arguments.otlp_headers.as_deref()));
    let collector = collector.transpose()?;
    let is_for_posthog = arguments.output.is_none() && collector.is_none() && !arguments.dry_run;
    if is_for_posthog {
        let key = config.ask_for_key(&host);
        key.map_err(|problem| WrongUse(problem.to_string()))?;
    }
    let (host, config) = (&host, &config);
    if let Some(privacy) = words::privacy(config.events.recording).filter(|_| !is_for_posthog) {
        ui::say(privacy);
    }
    let chosen = chosen(arguments, &filter, reach, host)?;
    let listed = select::told(&chosen.unreadable);
    let sessions = read::in_order(chosen.found);
    if sessions.is_empty() {
        ui::say(if filter.is_open() {
            "no sessions were found"
        } else {
            "no session matches; `posthog-llma ingest --list` shows what there is"
        });
        return Ok(listed);
    }
    let exit = match &collector {
        Some(collector) => collector::run(collector, &sessions, config, host)?,
        None => handle(&sessions, arguments, config, host)?,
    };
    Ok(if exit == Exit::Done { listed } else { exit })
}

/// Writes the events to a file, counts them, or sends them.
fn handle(
    sessions: &[SessionRef],
    arguments: &Ingest,
    config: &Config,
    host: &Host,
) -> anyhow::Result<Exit> {
    if let Some(target) = &arguments.output {
        let existing = ExistingFile::of(arguments.force);
        return export::run(target, existing, sessions, config, host);
    }
    match &config.destination.api_key {
        _ if arguments.dry_run => preview::run(sessions, config, host),
        Some(_) => send::run(sessions, arguments, config, host),
        None => {
            ui::say("there is no POSTHOG_API_KEY (posthog-llma setup): this is what would be sent");
            preview::run(sessions, config, host)
        }
    }
}

fn chosen(
    arguments: &Ingest,
    filter: &Filter,
    reach: Reach,
    host: &Host,
) -> Result<Listing<SessionRef>, WrongUse> {
    let mut sessions = if !arguments.sessions.is_empty() {
        match reach {
            Reach::Machine => select::named(&arguments.sessions, host)?,
            Reach::Project => select::by_ids(&arguments.sessions, &reach.sessions(host))?,
        }
    } else if arguments.all || !filter.has_no_limits() {
        reach.sessions(host)
    } else {
        select::newest(reach.of_here(host), filter, host)?
    };
    sessions.found.retain(|session| filter.passes(session));
    Ok(sessions)
}
