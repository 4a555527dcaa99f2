//! `posthog-llma run`: runs a command, and sends its sessions before it returns.
//!
//! In a container or in CI, an agent may be killed before its hook has sent anything, or have no
//! hooks at all. The command takes precedence: its streams and its exit status stay its own,
//! whatever happens to its sessions.

mod child;
mod sent;
mod sessions;

use std::path::Path;

use anyhow::Context;
use serde_json::json;

use super::output::{ExistingFile, Output};
use super::read::Audience;
use super::report::{self, Extent};
use super::{Exit, in_words, settings};
use crate::cli::Run;
use crate::host::Host;
use crate::sources::SessionRef;
use crate::ui;
use crate::usage::{By, Query, Usage};
use child::Ended;
use sent::Sent;
use sessions::Sessions;

/// Runs the command. Never fails, since the command takes precedence.
pub(super) fn run(arguments: &Run, host: &Host) -> Exit {
    let before = Sessions::now(host);
    let since = host.now();
    let ended = match child::run(&arguments.command) {
        Ok(ended) => ended,
        Err(error) => {
            let command = Path::new(&arguments.command[0]).display();
            ui::say(format_args!("error: cannot start {command}: {error}"));
            return Exit::OfCommand(child::NOT_STARTED);
        }
    };
    let own = before.changed(host);
    let after = After {
        arguments,
        host,
        ended,
    };
    let kept = after.of_sessions(own, since).unwrap_or_else(|error| {
        ui::say_in_lines(format_args!("error: {}", in_words(&error)));
        Exit::Incomplete
    });
    // If a budget is set, unknown usage is a failure too.
    let fails = ended == Ended::SUCCESS && arguments.fail_over.is_some();
    match kept {
        kept if fails && kept != Exit::Done => kept,
        _ => ended.exit(),
    }
}

/// The steps after the end of the command: find its sessions, send them, sum them up.
struct After<'a> {
    arguments: &'a Run,
    host: &'a Host,
    ended: Ended,
}

impl After<'_> {
    /// Sends the sessions of the command, and reports what they used since its start. Returns
    /// whether that is known and within the budget.
    fn of_sessions(
        &self,
        own: Vec<SessionRef>,
        since: chrono::DateTime<chrono::Utc>,
    ) -> anyhow::Result<Exit> {
        let (host, config) = &settings(self.host)?;
        let sent = sent::send(&own, config, host);
        let extent = Extent {
            audience: Audience::OwnerOfEnded,
            since: Some(since),
            has_person: false,
            has_findings: false,
        };
        let sessions = super::read::in_order(own);
        let (usages, read) = report::sums(&sessions, extent, config, host)?;
        let usage = Usage::of(
            &usages,
            Query {
                by: By::Model,
                since: None,
                until: None,
                now: host.now(),
            },
        );
        self.tell(&usage, &sessions, &sent)?;
        let kept = report::over(self.arguments.fail_over, &usage);
        Ok(if kept == Exit::Done { read } else { kept })
    }

    fn tell(&self, usage: &Usage, sessions: &[SessionRef], sent: &Sent) -> anyhow::Result<()> {
        let Some(file) = &self.arguments.usage_file else {
            let number = ui::count(sessions.len() as u64, "session");
            let used = report::summary(usage);
            ui::say(format_args!("posthog-llma: {number}, {used}; {sent}"));
            return Ok(());
        };
        let mut json = report::as_json(usage);
        let of_command = json!({
            "exit_status": self.ended.code(),
            "sessions": sessions.iter().map(SessionRef::session_id).collect::<Vec<_>>(),
            "sent": sent.as_json(),
        });
        json["command"] = of_command;
        let mut output = Output::open(file, ExistingFile::Replace)?;
        output.write(format!("{json:#}\n").as_bytes())?;
        output.finish().context("cannot write the usage")?;
        Ok(())
    }
}
