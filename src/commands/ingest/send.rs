//! `ingest`: stores what is new of the sessions, sends it, and gives a receipt for each.

use std::time::Duration;

use crate::commands::sending::{Effort, Report, Sending};
use crate::commands::status::receipt;
use crate::commands::{Exit, flush, short};
use crate::config::Config;
use crate::events::Progress;
use crate::host::Host;
use crate::outbox::Receipt;
use crate::pipeline::Stored;
use crate::sources::{Found, claude_code};
use crate::ui;

/// How long a person waits for a destination that is busy or in trouble.
const EFFORT: Effort = Effort {
    patience: Duration::from_mins(1),
    asked: true,
};

pub(super) fn run(sessions: &[Found], config: &Config, host: &Host) -> anyhow::Result<Exit> {
    let sending = Sending::open(host, config)?;
    let mut pipeline = sending.pipeline();
    let mut report = Report::default();
    let mut handled = Vec::new();
    let mut is_complete = true;
    for found in sessions {
        let stored = sending.store(&mut pipeline, found, None);
        if let Ok(stored) = &stored {
            let known = report.warnings.len();
            is_complete &= report.note(stored, &found.path);
            report.warnings[known..].iter().for_each(ui::say);
        }
        match stored {
            Ok(Stored::Nothing) => ui::say(format_args!("nothing in {}", found.path.display())),
            Ok(Stored::OptedOut(reason)) => {
                let id = claude_code::session_id(&found.path);
                ui::say(format_args!("{} is left alone: {reason}", short(&id)));
            }
            Ok(Stored::Unchanged) => handled.push((found, None)),
            Ok(Stored::Session { progress, .. }) => handled.push((found, Some(progress))),
            Err(error) => {
                let error = format!("{error:#}");
                ui::say(&error);
                report.error.get_or_insert(error);
            }
        }
    }
    sending.announce()?;
    let drained = sending.drain(EFFORT, &mut |_| ())?;
    let mut total = Receipt::default();
    for (found, progress) in handled {
        let id = claude_code::session_id(&found.path);
        let of_session = sending.outbox().receipt(found.agent.as_str(), &id)?;
        let note = match progress {
            None => " (nothing new)",
            Some(Progress::Running) => " (still running; the rest follows when it ends)",
            Some(Progress::Ended) => "",
        };
        ui::print(format_args!(
            "{}  {}{note}",
            short(&id),
            receipt(of_session)
        ))?;
        total.waiting += of_session.waiting;
        total.parked += of_session.parked;
    }
    flush::say(&drained);
    is_complete &= report.error.is_none();
    report.error = report.error.or(drained.last_error);
    sending.log("ingest", None, drained.sent, report);
    let complete = is_complete && total.waiting == 0 && total.parked == 0;
    Ok(if complete {
        Exit::Done
    } else {
        Exit::Incomplete
    })
}
