//! The working time of tools, and the time spent waiting for a person.
//!
//! Up to three things happen between a call and its result: calls of the same response that run
//! before it, a question to a person whether it may run, and the work of the tool itself. Agents
//! rarely record them separately. A tool gets a time only if nothing else can have happened in it;
//! times that cannot be separated are reported as such.

use chrono::{DateTime, TimeDelta, Utc};

/// The longest time attributed to a tool although a person may have been asked during it. Of 11,400
/// calls in public sessions, 64 % returned in less, after 0.2 s on average: at most 0.3 % of the
/// time of all calls can be attributed wrongly.
pub(super) const NEGLIGIBLE: TimeDelta = TimeDelta::seconds(2);

/// Whether work started by a call continues after its result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Background {
    /// The result ends the call.
    #[default]
    No,
    /// The work continues as the task with this id, whose end was not reported yet.
    Running(String),
    /// The work continued and its end was reported; the result is that of the task.
    Ended,
}

/// Whether a person may be asked before a tool runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Asks {
    /// Depends on settings that are not recorded.
    #[default]
    Perhaps,
    /// The agent runs it without asking.
    Never,
    /// The tool is itself a question to a person: all of its time is waiting.
    Always,
}

/// How a tool runs relative to other calls of the same response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Unknown.
    #[default]
    Unknown,
    /// After earlier calls and before later ones.
    Alone,
    /// In parallel with others of this kind.
    Together,
    /// In parallel with all others of the response; their results arrive together.
    Jointly,
}

/// The known parts of the time between a call and its result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ToolTime {
    /// The tool's own time.
    pub own: OwnTime,
    /// Time spent waiting for a person, if known.
    pub waited: Option<TimeDelta>,
    /// Whether later lines may change it.
    pub is_open: bool,
}

/// The working time of a tool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OwnTime {
    /// There is no result, or it came before the work was done.
    #[default]
    Unknown,
    /// The agent measured it.
    Measured(TimeDelta),
    /// From its beginning to its result, without any waiting.
    Interval(TimeDelta),
    /// Time of work and waiting together, which cannot be separated.
    Mixed(TimeDelta),
}

/// The agent's record of its working time from one prompt to the end of its work, without waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Worked {
    /// When the work began.
    pub since: DateTime<Utc>,
    /// When the work ended.
    pub until: DateTime<Utc>,
    /// The working time.
    pub worked: TimeDelta,
}

/// Information from lines between a call and its result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sighting {
    /// A time at which the tool had not begun.
    pub waiting_at: Option<DateTime<Utc>>,
    /// When the tool began.
    pub began_at: Option<DateTime<Utc>>,
}

impl ToolTime {
    /// Running time of the tool, if known.
    #[must_use]
    pub const fn latency(&self) -> Option<TimeDelta> {
        match self.own {
            OwnTime::Measured(time) | OwnTime::Interval(time) => Some(time),
            OwnTime::Unknown | OwnTime::Mixed(_) => None,
        }
    }

    /// Time of work and waiting together, if they cannot be separated.
    #[must_use]
    pub const fn mixed(&self) -> Option<TimeDelta> {
        match self.own {
            OwnTime::Mixed(time) => Some(time),
            OwnTime::Unknown | OwnTime::Measured(_) | OwnTime::Interval(_) => None,
        }
    }
}
