//! `posthog-llma view`: sessions on a local page, or one of them as a file.

mod browser;
mod listen;

use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};

use super::output::{ExistingFile, Output};
use super::{Exit, excluded, refuse_inside_agent, select, settings, typed};
use crate::cli;
use crate::config::Config;
use crate::host::Host;
use crate::interrupt::Interrupt;
use crate::page::{OneFile, Page, Scope, one_file};
use crate::server::Stop;
use crate::sources;
use crate::ui;

/// Time between two checks whether the user stopped the program.
const NAP: Duration = Duration::from_millis(100);

pub(super) fn run(arguments: &cli::View, host: &Host) -> anyhow::Result<Exit> {
    // The address alone gives access to the sessions of every project.
    refuse_inside_agent(&typed(&host.arguments), host)?;
    let (host, config) = &settings(host)?;
    if let Some(target) = &arguments.html {
        return write(arguments, target, config, host);
    }
    let scope = scope(arguments, host)?;
    let listener = listen::listen(&arguments.listen)?;
    let interrupt = Interrupt::watch_of_service().context("cannot wait for signals")?;
    let page = Page::new(listener, config, host, scope)?;
    if let Some(note) = page.note() {
        ui::say_in_lines(note);
    }
    ui::print(page.address())?;
    ui::say("Ctrl-C ends it");
    if !arguments.no_open {
        browser::open(&page.address_for_once());
    }
    serve(page, &interrupt)?;
    Ok(Exit::Done)
}

/// Serves until the user ends it.
fn serve(page: Page, interrupt: &Interrupt) -> anyhow::Result<()> {
    let stop = &Stop::new();
    thread::scope(|scope| {
        let serving = scope.spawn(move || page.serve(stop));
        while !interrupt.is_set() && !serving.is_finished() {
            thread::sleep(NAP);
        }
        stop.stop();
        serving
            .join()
            .unwrap_or_else(|_| Err(anyhow::anyhow!("the page failed")))
    })
}

/// The sessions to show.
fn scope(arguments: &cli::View, host: &Host) -> anyhow::Result<Scope> {
    Ok(match &arguments.session {
        None => Scope::default(),
        Some(folder) if sources::holds_many(folder) => {
            let here = host.cwd.as_deref().unwrap_or(Path::new(""));
            Scope {
                folder: Some(here.join(folder)),
                session: None,
            }
        }
        session => Scope {
            folder: None,
            session: Some(select::one(session.as_ref(), host)?),
        },
    })
}

/// Writes one session to a file.
fn write(
    arguments: &cli::View,
    target: &Path,
    config: &Config,
    host: &Host,
) -> anyhow::Result<Exit> {
    let found = select::one(arguments.session.as_ref(), host)?;
    if let Some(exclusion) = excluded::exclusion(&found, config)? {
        let reason = exclusion.reason();
        bail!("no file is written of a session that is left alone: {reason}");
    }
    let existing = ExistingFile::of(arguments.force);
    // Before reading, so that a missing --force is reported at once.
    let mut output = Output::open(target, existing)?;
    let OneFile {
        html,
        events,
        secrets,
        unreadable,
        note,
    } = one_file(&found, config, host)?;
    output.write(html.as_bytes())?;
    let written = output.finish()?;
    if let Some(note) = note {
        ui::say_in_lines(note);
    }
    if let Some((path, bytes)) = written {
        ui::say(format_args!(
            "wrote {}: {}, {} replaced, {}",
            path.display(),
            ui::count(events as u64, "event"),
            ui::count(secrets, "secret"),
            ui::count(bytes, "byte"),
        ));
    }
    for line in &unreadable {
        ui::say(line);
    }
    Ok(if unreadable.is_empty() {
        Exit::Done
    } else {
        Exit::Incomplete
    })
}
