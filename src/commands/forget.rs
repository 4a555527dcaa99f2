//! `posthog-llma forget`: what is kept of a session here is removed, and it is not sent again.

use super::excluded::{self, Named};
use super::{Exit, refuse_inside_agent, select, short, typed, words};
use crate::cli;
use crate::consent::{Caller, Environment};
use crate::host::Host;
use crate::outbox::Cause;
use crate::ui;

pub(super) fn run(arguments: &cli::Forget, host: &Host) -> anyhow::Result<Exit> {
    // It sends nothing, but what waits is gone, and that a project may not ask for.
    refuse_inside_agent(&typed(&host.arguments), host)?;
    let environment = Environment::of(host, Caller::of_command(host));
    let host = &environment.host;
    let found = select::one(Some(&arguments.session), host)?;
    let session = Named::of(&found);
    let withdrawal = excluded::exclude(&session, Cause::Forgotten, host)?;
    ui::say(format_args!(
        "session {} is forgotten: its project and its waiting events are deleted here, and neither \
         hooks nor ingest send it again",
        short(&session.key)
    ));
    ui::say(format_args!(
        "its transcript is {}'s and stays: {}",
        session.agent.name(),
        words::path(&found.locator.path(), host)
    ));
    excluded::say(&session, &withdrawal);
    Ok(Exit::Done)
}
