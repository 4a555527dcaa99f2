//! Queries for sums.

use std::str::FromStr;

use chrono::{DateTime, Local, Timelike, Utc};
use serde::Serialize;

use super::session::Hour;

/// A grouping of sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// The local day.
    Day,
    /// The week, which begins on Monday.
    Week,
    /// The month.
    Month,
    /// The model that answered.
    #[default]
    Model,
    /// The project of the session.
    Project,
    /// The branch at the time of the call.
    Branch,
    /// The pull requests of that branch.
    Pr,
    /// The session.
    Session,
    /// The agent.
    Agent,
    /// The tool.
    Tool,
    /// The person.
    User,
}

impl By {
    /// All groupings.
    pub const ALL: [Self; 11] = [
        Self::Day,
        Self::Week,
        Self::Month,
        Self::Model,
        Self::Project,
        Self::Branch,
        Self::Pr,
        Self::Session,
        Self::Agent,
        Self::Tool,
        Self::User,
    ];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Model => "model",
            Self::Project => "project",
            Self::Branch => "branch",
            Self::Pr => "pr",
            Self::Session => "session",
            Self::Agent => "agent",
            Self::Tool => "tool",
            Self::User => "user",
        }
    }

    /// Whether the groups are periods of time.
    #[must_use]
    pub const fn is_of_time(self) -> bool {
        matches!(self, Self::Day | Self::Week | Self::Month)
    }

    /// Whether turns belong to the groups. Groups by model or tool have the work of tool calls
    /// instead, since a turn may use several models and tools.
    pub(super) const fn is_of_turns(self) -> bool {
        !matches!(self, Self::Model | Self::Tool)
    }
}

impl FromStr for By {
    type Err = NoSuchGroup;

    fn from_str(name: &str) -> Result<Self, NoSuchGroup> {
        let mut all = Self::ALL.into_iter();
        all.find(|by| by.as_str() == name).ok_or(NoSuchGroup)
    }
}

/// A name that is not a grouping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sums are by day, week, month, model, project, branch, pr, session, agent, tool or user")]
pub struct NoSuchGroup;

/// A query for sums.
#[derive(Clone, Copy, Debug)]
pub struct Query {
    /// The grouping.
    pub by: By,
    /// Start of the period: earlier hours are excluded.
    pub since: Option<DateTime<Utc>>,
    /// End of the period: hours that begin then or later are excluded.
    pub until: Option<DateTime<Utc>>,
    /// The current time.
    pub now: DateTime<Utc>,
}

impl Query {
    /// Whether an hour is in the period.
    pub(super) fn has(&self, hour: Hour) -> bool {
        let in_local = |time: DateTime<Utc>| {
            let local = time.with_timezone(&Local);
            let hour = u8::try_from(local.hour()).unwrap_or(0);
            Hour {
                day: local.date_naive(),
                hour,
            }
        };
        self.since.is_none_or(|since| hour >= in_local(since))
            && self.until.is_none_or(|until| hour < in_local(until))
    }
}
