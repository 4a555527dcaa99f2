//! `posthog-llma setup`: asks where sessions go, tries it, and writes it into the settings of
//! Claude Code.

mod answers;
mod place;
mod trial;

use super::{Exit, refuse_inside_agent, sending};
use crate::cli;
use crate::consent;
use crate::host::Host;
use crate::sources::claude_code::settings::edit::SettingsFile;
use crate::ui;
use answers::Answers;
use place::Place;

/// The variables that are written, and the only ones that are removed.
const KEY: &str = "POSTHOG_API_KEY";
const HOST: &str = "POSTHOG_HOST";
const ENABLED: &str = "POSTHOG_LLMA_CC_ENABLED";

pub(super) fn run(arguments: &cli::Setup, host: &Host) -> anyhow::Result<Exit> {
    refuse_inside_agent("setup", host)?;
    let place = Place::find(arguments.project, host)?;
    // Before anything is asked or sent: a file that cannot be changed is found out now.
    let file = SettingsFile::open(&place.file)?;
    if arguments.remove {
        return remove(&place, &file);
    }
    let answers = Answers::collect(arguments, host)?;
    if let Err(reason) = trial::send(&answers, host)? {
        ui::say(format_args!("the test trace did not get there: {reason}"));
        ui::say(format_args!(
            "nothing was saved: {} is as it was",
            place.file.display()
        ));
        return Ok(Exit::Incomplete);
    }
    confirm_host(&answers, host)?;
    write(&place, &answers, host)?;
    Ok(Exit::Done)
}

/// The user has just named the host here, in a terminal: that is the confirmation.
fn confirm_host(answers: &Answers, host: &Host) -> anyhow::Result<()> {
    let endpoint = &answers.endpoint;
    if !endpoint.is_posthog_cloud() && !endpoint.is_loopback() {
        sending::own_trust(host)?.confirm_host(endpoint)?;
        ui::say(format_args!("sessions may go to {}", endpoint.base()));
    }
    Ok(())
}

fn write(place: &Place, answers: &Answers, host: &Host) -> anyhow::Result<()> {
    let variables = [
        (KEY, answers.api_key.secret()),
        (HOST, answers.endpoint.base()),
        (ENABLED, "true"),
    ];
    // Read again: Claude Code may have written it while the user was thinking.
    let file = SettingsFile::open(&place.file)?;
    match file.with(&variables) {
        None => ui::say(format_args!("{} said so already", place.file.display())),
        Some(text) => {
            let copy = file.back_up(host.now())?;
            file.save(&text)?;
            ui::say(format_args!(
                "wrote {KEY}, {HOST} and {ENABLED} to {}",
                place.file.display()
            ));
            if let Some(copy) = copy {
                ui::say(format_args!("as it was before: {}", copy.display()));
            }
        }
    }
    for warning in place.warnings(&variables, host) {
        ui::say(format_args!("but {warning}"));
    }
    let of_project = if place.is_project {
        " in this project"
    } else {
        ""
    };
    ui::say(format_args!(
        "sessions that you start{of_project} from now on are sent when they end; \
         posthog-llma status shows it"
    ));
    if let Some(reason) = host
        .cwd
        .as_ref()
        .and_then(|cwd| consent::opted_out(cwd, host))
    {
        ui::say(format_args!("but not those of this folder: {reason}"));
    }
    Ok(())
}

fn remove(place: &Place, file: &SettingsFile) -> anyhow::Result<Exit> {
    let path = place.file.display();
    let Some(text) = file.without(&[KEY, HOST, ENABLED]) else {
        ui::say(format_args!("{path} says nothing of posthog-llma"));
        return Ok(Exit::Done);
    };
    if file.is_ours(&text) {
        file.delete()?;
        ui::say(format_args!("removed {path}: there was nothing else in it"));
    } else {
        file.save(&text)?;
        ui::say(format_args!(
            "removed {KEY}, {HOST} and {ENABLED} from {path}"
        ));
    }
    ui::say("what waits is kept for another setup; a host that was confirmed stays confirmed");
    Ok(Exit::Done)
}
