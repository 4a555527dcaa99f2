//! `posthog-llma status`: whether hooks send, the destination, and the results of the last sends.
//!
//! Unreadable parts are reported, and the others are shown.

mod json;
mod line;
mod receiver;
mod text;
mod unstored;

pub(super) use text::destination;

use super::Exit;
use crate::cli;
use crate::host::Host;
use crate::outbox::Receipt;
use crate::ui;
use crate::views::Machine;

pub(super) fn run(arguments: &cli::Status, host: &Host) -> anyhow::Result<Exit> {
    let machine = Machine::gather(host);
    if arguments.json {
        ui::print(format_args!("{:#}", json::of(&machine)))?;
    } else if arguments.short {
        ui::print(line::of(&machine))?;
        // Status lines of shells hide the output of a command that fails.
        return Ok(Exit::Done);
    } else {
        ui::print(text::of(&machine))?;
    }
    Ok(if machine.outbox.is_ok() && machine.trust.is_ok() {
        Exit::Done
    } else {
        Exit::Incomplete
    })
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
    if events == 0 {
        return "no events".to_owned();
    }
    let mut text = format!(
        "{} of {} acknowledged",
        ui::number(acknowledged),
        ui::number(events)
    );
    for (number, what) in [
        (waiting, "waiting"),
        (parked, "set aside"),
        (dropped, "dropped"),
        (withdrawn, "withdrawn"),
    ] {
        if number > 0 {
            text = format!("{text}, {} {what}", ui::number(number));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_without_events_has_no_share_of_them() {
        let of = |events, acknowledged| Receipt {
            events,
            acknowledged,
            waiting: events - acknowledged,
            ..Receipt::default()
        };
        assert_eq!(receipt(of(0, 0)), "no events");
        assert_eq!(receipt(of(1_206, 1_206)), "1,206 of 1,206 acknowledged");
        assert_eq!(receipt(of(3, 1)), "1 of 3 acknowledged, 2 waiting");
    }
}
