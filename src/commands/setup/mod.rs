//! `posthog-llma setup`: asks where sessions go, tries it, and writes it into the settings of
//! Claude Code.

mod answers;
mod place;
mod trial;

use super::{Exit, WrongUse, refuse_inside_agent, sending, words};
use crate::cli;
use crate::consent;
use crate::host::Host;
use crate::integrations::claude_code::in_force::InForce;
use crate::integrations::claude_code::plugin::{self, PLUGIN, Plugin};
use crate::integrations::claude_code::settings::edit::SettingsFile;
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
        return remove(&place, &file, host);
    }
    if let Some(objection) = place.objection(host) {
        return Err(WrongUse(objection).into());
    }
    let answers = Answers::collect(arguments, host)?;
    if let Err(reason) = trial::send(&answers, host)? {
        let path = words::path(&place.file, host);
        say(&format!("the test trace did not get there: {reason}"));
        say(&format!("nothing was saved: {path} is as it was"));
        return Ok(Exit::Incomplete);
    }
    confirm_host(&answers, host)?;
    let variables = [
        (KEY, answers.api_key.secret()),
        (HOST, answers.endpoint.base()),
        (ENABLED, "true"),
    ];
    write(&place, &variables, host)?;
    for warning in place.warnings(&variables, host) {
        say(&format!("but {warning}"));
    }
    what_now(&place, host);
    Ok(Exit::Done)
}

/// The user has just named the host here, in a terminal: that is the confirmation.
fn confirm_host(answers: &Answers, host: &Host) -> anyhow::Result<()> {
    let endpoint = &answers.endpoint;
    if !endpoint.is_posthog_cloud() && !endpoint.is_loopback() {
        sending::own_trust(host)?.confirm_host(endpoint)?;
        say(&format!("sessions may go to {}", endpoint.base()));
    }
    Ok(())
}

fn write(place: &Place, variables: &[(&str, &str)], host: &Host) -> anyhow::Result<()> {
    let path = words::path(&place.file, host);
    // Read again: Claude Code may have written it while the user was thinking.
    let file = SettingsFile::open(&place.file)?;
    let Some(text) = file.with(variables) else {
        say(&format!("{path} said so already"));
        return Ok(());
    };
    let copy = file.back_up(host.now())?;
    file.save(&text)?;
    say(&format!("wrote {KEY}, {HOST} and {ENABLED} to {path}"));
    if let Some(copy) = copy {
        let copy = words::path(&copy, host);
        say(&format!("as it was before: {copy}"));
    }
    Ok(())
}

/// What the user can expect now, and what still is in the way.
fn what_now(place: &Place, host: &Host) {
    let here = if place.is_project {
        " in this project"
    } else {
        ""
    };
    if is_called(host) {
        say(&format!(
            "sessions that you start{here} from now on are sent when they end; \
             posthog-llma status shows it, posthog-llma ingest sends earlier ones"
        ));
    } else {
        say(&format!(
            "Claude Code does not call this program yet: claude plugin install {PLUGIN}"
        ));
    }
    let cwd = host.cwd.as_ref();
    if let Some(reason) = cwd.and_then(|cwd| consent::opted_out(cwd, host)) {
        say(&format!("but not those of this folder: {reason}"));
    }
}

/// Whether there is a hook that calls this program.
fn is_called(host: &Host) -> bool {
    let has_plugin = matches!(Plugin::installed(host), Ok(Some(_)));
    has_plugin || plugin::own_hook(&InForce::read(host)).is_some()
}

fn remove(place: &Place, file: &SettingsFile, host: &Host) -> anyhow::Result<Exit> {
    let path = words::path(&place.file, host);
    let Some(text) = file.without(&[KEY, HOST, ENABLED]) else {
        say(&format!("{path} says nothing of posthog-llma"));
        return Ok(Exit::Done);
    };
    if file.is_ours(&text) {
        file.delete()?;
        say(&format!("removed {path}: there was nothing else in it"));
    } else {
        file.save(&text)?;
        say(&format!("removed {KEY}, {HOST} and {ENABLED} from {path}"));
    }
    say("what waits is kept for another setup; a host that was confirmed stays confirmed");
    Ok(Exit::Done)
}

/// Speaks in lines of a terminal.
fn say(text: &str) {
    ui::say(words::entry("", 0, text));
}
