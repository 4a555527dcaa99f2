//! How long the hook at the end of a session waits for the process that stores and sends it.
//!
//! | the session was ended by | the hook returns |
//! |---|---|
//! | a person, on a machine that stays | when all is acknowledged, after 250 ms at most; at once if the destination cannot take it now |
//! | anything else, or the machine ends with the agent (a container, CI) | when all is acknowledged, at the latest at its budget |
//!
//! In all rows it returns after the first failed attempt, and the detached process continues.

use std::time::Duration;

use crate::cli::Wait;
use crate::config::WaitSetting;

/// Longest time for which a person waits. One request to PostHog takes 100 to 200 ms.
const BRIEFLY: Duration = Duration::from_millis(250);

/// Facts that decide how long the hook waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Circumstances {
    /// The user's setting.
    pub(super) setting: WaitSetting,
    /// Whether a person ended the session and waits.
    pub(super) is_attended: bool,
    /// Whether the processes of the machine end together with the agent.
    pub(super) ends_with_agent: bool,
}

/// The part of the work for which the hook waits.
pub(super) const fn what_for(circumstances: Circumstances) -> Wait {
    match circumstances {
        Circumstances {
            setting: WaitSetting::Never,
            ..
        } => Wait::Nothing,
        Circumstances {
            setting: WaitSetting::Auto,
            is_attended: true,
            ends_with_agent: false,
        } => Wait::Briefly,
        Circumstances { .. } => Wait::Sent,
    }
}

/// The longest wait, if the agent allows `budget`. Counts from the start of the hook.
pub(super) fn longest(wait: Wait, budget: Duration) -> Duration {
    match wait {
        Wait::Nothing => Duration::ZERO,
        Wait::Briefly => BRIEFLY.min(budget),
        Wait::Sent => budget,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_waits_briefly_and_a_machine_that_goes_away_until_all_is_sent() {
        use WaitSetting::{Auto, Never, Sent};
        for (setting, is_attended, ends_with_agent, expected, milliseconds) in [
            (Auto, true, false, Wait::Briefly, 250),
            (Auto, true, true, Wait::Sent, 1100),
            (Auto, false, false, Wait::Sent, 1100),
            (Auto, false, true, Wait::Sent, 1100),
            (Sent, true, false, Wait::Sent, 1100),
            (Sent, false, true, Wait::Sent, 1100),
            (Never, true, false, Wait::Nothing, 0),
            (Never, false, true, Wait::Nothing, 0),
        ] {
            let circumstances = Circumstances {
                setting,
                is_attended,
                ends_with_agent,
            };
            let wait = what_for(circumstances);
            assert_eq!(wait, expected, "{circumstances:?}");
            let longest = longest(wait, Duration::from_millis(1100));
            assert_eq!(longest.as_millis(), milliseconds, "{circumstances:?}");
        }
    }

    #[test]
    fn nothing_waits_longer_than_the_agent_does() {
        let budget = Duration::from_millis(100);
        for (wait, milliseconds) in [(Wait::Nothing, 0), (Wait::Briefly, 100), (Wait::Sent, 100)] {
            assert_eq!(longest(wait, budget).as_millis(), milliseconds, "{wait:?}");
        }
    }
}
