//! `posthog-llma forget`: removes a session from the outbox and excludes it from sending.

use super::excluded::{self, Named};
use super::{Exit, refuse_inside_agent, select, short, typed, words};
use crate::cli;
use crate::consent::{Caller, Environment};
use crate::host::Host;
use crate::outbox::Cause;
use crate::ui;

pub(super) fn run(arguments: &cli::Forget, host: &Host) -> anyhow::Result<Exit> {
    // The command deletes waiting events, which a project must not cause.
    refuse_inside_agent(&typed(&host.arguments), host)?;
    let environment = Environment::of(host, Caller::of_command(host));
    let host = &environment.host;
    let found = select::one(Some(&arguments.session), host)?;
    let session = Named::of(&found);
    let withdrawal = excluded::exclude(&session, Cause::Forgotten, host)?;
    let deleted = if withdrawal.was_stored {
        "its project and its waiting events are deleted from the outbox, and "
    } else {
        ""
    };
    let (what, who) = if found.route().is_some() {
        ("trace", "neither serve nor ingest sends")
    } else {
        ("session", "neither hooks nor ingest send")
    };
    ui::say_in_lines(format_args!(
        "{what} {} is forgotten: {deleted}{who} it",
        short(&session.key)
    ));
    if found.route().is_some() {
        ui::say_in_lines("what was received of it stays in the inbox, redacted, until it expires");
    } else {
        ui::say_in_lines(format_args!(
            "its transcript is {}'s and stays: {}",
            session.agent.name(),
            words::path(&found.locator.path(), host)
        ));
    }
    excluded::say(&session, &withdrawal);
    Ok(Exit::Done)
}
