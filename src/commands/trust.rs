//! `posthog-llma trust`: the user confirms where sessions may go.

use super::{Exit, WrongUse, refuse_inside_agent, sending};
use crate::cli;
use crate::config::{ApiKey, Config};
use crate::consent::{self, Trust};
use crate::host::Host;
use crate::sources::claude_code::settings;
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
    ui::say("what waited for this goes with the next session, or now with posthog-llma flush");
    Ok(Exit::Done)
}

/// Confirms what the project's settings choose when Claude Code runs in it.
fn project(trust: &mut Trust, host: &Host) -> anyhow::Result<()> {
    let as_in_project = in_project(host);
    let committed = consent::committed(&as_in_project);
    let chosen = committed
        .as_ref()
        .filter(|committed| committed.decides_destination());
    let (config, _) = Config::from_host(&as_in_project);
    if chosen.is_some() && config.api_key.is_none() {
        let what = "POSTHOG_API_KEY is not set here (the options of the plugin are known to its \
                    hooks alone): run posthog-llma setup first";
        return Err(WrongUse(what.to_owned()).into());
    }
    let Some((committed, destination)) = chosen.zip(sending::destination(&config, chosen)) else {
        let what = "the settings committed with this project choose no destination";
        return Err(WrongUse(what.to_owned()).into());
    };
    trust.confirm_project(&destination)?;
    ui::say(format_args!(
        "sessions in {} may go to {} with key {}",
        committed.project.display(),
        destination.host,
        config
            .api_key
            .as_ref()
            .map(ApiKey::masked)
            .unwrap_or_default(),
    ));
    Ok(())
}

/// The host with the variables that Claude Code would set here.
fn in_project(host: &Host) -> Host {
    let mut variables = settings::of_user(host);
    if let Some(project) = host
        .cwd
        .as_ref()
        .and_then(|cwd| settings::of_project(cwd, host))
    {
        variables.extend(project.committed);
        variables.extend(project.local.into_iter().flat_map(|(_, set)| set));
    }
    variables
        .iter()
        .fold(host.clone(), |host, (name, value)| host.with(name, value))
}
