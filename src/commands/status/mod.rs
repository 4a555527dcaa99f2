//! `posthog-llma status`: is it on, where does it send, and how did the last sends go.

mod json;
mod text;

use super::agents::{self, OtherAgent};
use super::{Exit, sending};
use crate::cli;
use crate::config::{Config, Problem};
use crate::consent::{self, Caller, Environment, Trust};
use crate::host::Host;
use crate::outbox::{Exclusion, Exclusions, Outbox, Receipt, Status};
use crate::session::Agent;
use crate::ui;

/// What there is to show.
struct Picture {
    /// As Claude Code's hooks see it.
    host: Host,
    /// The same, judged.
    environment: Environment,
    config: Config,
    problems: Vec<Problem>,
    trust: Trust,
    /// What the user has to confirm before anything is sent from here.
    missing: Option<String>,
    /// Why this folder is left alone.
    left_alone: Option<String>,
    status: Status,
    /// Sessions that the user excluded, or why they are not known.
    excluded: Result<Vec<Exclusion>, String>,
    /// The agents besides Claude Code.
    others: Vec<OtherAgent>,
}

pub(super) fn run(arguments: &cli::Status, host: &Host) -> anyhow::Result<Exit> {
    let picture = Picture::take(host)?;
    if arguments.json {
        ui::print(format_args!("{:#}", json::of(&picture)))?;
    } else {
        ui::print(text::of(&picture))?;
    }
    Ok(Exit::Done)
}

impl Picture {
    fn take(host: &Host) -> anyhow::Result<Self> {
        let others = agents::look(host);
        let environment = Environment::of(host, Caller::Onlooker);
        let (config, problems) = Config::read(&environment);
        let outbox = match &config.state_dir {
            Some(directory) => Outbox::open_read_only(directory)?,
            None => None,
        };
        let chosen = sending::destination(&config);
        let host = environment.host.clone();
        let trust = sending::trust(&host)?;
        let cwd = host.cwd.as_ref();
        let excluded = config
            .state_dir
            .as_deref()
            .map(|it| Exclusions::of(it).all());
        let excluded = excluded.unwrap_or_else(|| Ok(Vec::new()));
        Ok(Self {
            missing: chosen.and_then(|destination| trust.missing(&destination)),
            left_alone: cwd.and_then(|cwd| consent::opted_out(cwd, &host)),
            status: outbox
                .map(|outbox| outbox.status())
                .transpose()?
                .unwrap_or_default(),
            excluded: excluded.map_err(|error| error.to_string()),
            host,
            environment,
            config,
            problems,
            trust,
            others,
        })
    }

    /// Whether hooks send sessions.
    fn is_on(&self) -> bool {
        let config = &self.config;
        config.is_on(Agent::ClaudeCode)
            && config.state_dir.is_some()
            && self.environment.stopped.is_none()
    }
}

/// A receipt in words: `1,206 of 1,206 acknowledged`.
pub(super) fn receipt(receipt: Receipt) -> String {
    let Receipt {
        events,
        acknowledged,
        waiting,
        parked,
        dropped,
        withdrawn,
    } = receipt;
    let mut text = format!(
        "{} of {} acknowledged",
        ui::number(acknowledged),
        ui::number(events)
    );
    for (number, what) in [
        (waiting, "waiting"),
        (parked, "refused"),
        (dropped, "dropped"),
        (withdrawn, "withdrawn"),
    ] {
        if number > 0 {
            text = format!("{text}, {} {what}", ui::number(number));
        }
    }
    text
}
