//! `posthog-llma trust`: records that the user confirms a destination.

use super::{Exit, WrongUse, refuse_inside_agent, sending};
use crate::cli;
use crate::config::Config;
use crate::consent::{Caller, Environment, Trust};
use crate::host::Host;
use crate::transport::Endpoint;
use crate::ui;

pub(super) fn run(arguments: &cli::Trust, host: &Host) -> anyhow::Result<Exit> {
    refuse_inside_agent("trust", host)?;
    let mut trust = sending::own_trust(host)?;
    match &arguments.host {
        Some(address) => {
            let endpoint = Endpoint::parse(address).map_err(|error| WrongUse(error.to_string()))?;
            trust.confirm_host(&endpoint)?;
            ui::say(format_args!("sessions may go to {}", endpoint.base()));
        }
        None => project(&mut trust, host)?,
    }
    ui::say("waiting events are sent with the next session, or now with posthog-llma flush");
    Ok(Exit::Done)
}

/// Confirms the destination that the project's settings choose for Claude Code.
fn project(trust: &mut Trust, host: &Host) -> anyhow::Result<()> {
    let environment = Environment::of(host, Caller::Onlooker);
    if let Some(stopped) = &environment.stopped {
        return Err(WrongUse(stopped.reason()).into());
    }
    let (mut config, _) = Config::read(&environment);
    if config.destination.chosen_by.is_none() {
        let what = "the settings committed with this project choose no destination";
        return Err(WrongUse(what.to_owned()).into());
    }
    config.ask_for_key(&environment.host)?;
    let Some(project) = &config.destination.chosen_by else {
        return Ok(());
    };
    let Some(key) = &config.destination.api_key else {
        let what = "POSTHOG_API_KEY is not set here (the options of the plugin are known to its \
                    hooks alone): run posthog-llma setup first";
        return Err(WrongUse(what.to_owned()).into());
    };
    let Some(destination) = sending::destination(&config) else {
        let what = "POSTHOG_HOST cannot be read here: set it in your own settings.json";
        return Err(WrongUse(what.to_owned()).into());
    };
    trust.confirm_project(&destination)?;
    ui::say(format_args!(
        "sessions in {} may go to {} with key {}",
        project.display(),
        destination.host,
        key.masked(),
    ));
    Ok(())
}
