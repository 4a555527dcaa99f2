//! `setup --remove --purge`: removes everything that this program keeps on the machine.

use anyhow::Context;

use super::place::Place;
use super::say;
use crate::commands::{excluded, words};
use crate::config::{self, Routes};
use crate::consent::{Trust, forget_all_beginnings};
use crate::host::Host;
use crate::integrations::claude_code::settings::edit::SettingsFile;
use crate::outbox::{self, Outbox};
use crate::ui;

pub(super) fn run(place: &Place, host: &Host) -> anyhow::Result<()> {
    let copies = SettingsFile::open(&place.file)?.delete_copies()?;
    if copies > 0 {
        let copies = ui::count(copies as u64, "backup");
        let path = words::path(&place.file, host);
        say(&format!("removed {copies} of {path}"));
    }
    for directory in excluded::state_dirs(host)? {
        let was_there = directory.exists();
        // An unreadable outbox is removed too: nothing can be sent from it.
        let open = Outbox::open_read_only(&directory).ok().flatten();
        let waiting = open.map_or(0, |outbox| waiting(&outbox, host));
        let is_gone = outbox::purge(&directory)?;
        let path = words::path(&directory, host);
        if waiting > 0 {
            let events = ui::count(waiting, "event");
            say(&format!("{events} were not sent yet and are removed"));
        }
        if !is_gone {
            say(&format!(
                "removed the outbox from {path}; other files in it stay"
            ));
        } else if was_there {
            say(&format!("removed {path}"));
        }
    }
    forget_all_beginnings(host).context("cannot remove the notes of running sessions")?;
    config::remove_openrouter_token(host)?;
    if let Some(config) = &host.config {
        Trust::purge(&config.join(env!("CARGO_PKG_NAME")))?;
    }
    let own = Routes::path(host).filter(|it| it.exists());
    let own = own.map_or_else(String::new, |it| {
        format!(", and {}, which you wrote", words::path(&it, host))
    });
    say(&format!(
        "nothing of posthog-llma is left but the program and its plugins{own}"
    ));
    Ok(())
}

/// Number of waiting events, for all destinations; 0 if unknown.
fn waiting(outbox: &Outbox, host: &Host) -> u64 {
    let destinations = outbox.destinations_waiting(host.now(), true);
    let destinations = destinations.unwrap_or_default().into_iter();
    destinations
        .map(|it| outbox.waiting(it.id).unwrap_or(0))
        .sum()
}
