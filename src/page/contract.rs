//! Types that cross between program and page; `ui/api.ts` describes each field.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::usage::Facts;

/// The last line of every streamed answer.
#[derive(Debug, Serialize)]
pub(super) struct EndLine {
    pub(super) end: End,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct End {
    pub(super) cursor: String,
    pub(super) reset: bool,
    pub(super) total: usize,
    pub(super) running: bool,
    pub(super) unreadable: Vec<Unreadable>,
}

/// A file that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Unreadable {
    pub(super) path: String,
    pub(super) reason: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Machine {
    pub(super) version: &'static str,
    pub(super) now: DateTime<Utc>,
    pub(super) agents: Vec<&'static str>,
    pub(super) projects: Vec<String>,
    pub(super) prices: PriceTable,
    pub(super) folder: Option<String>,
    pub(super) session: Option<String>,
}

/// The table of list prices.
#[derive(Debug, Serialize)]
pub(super) struct PriceTable {
    pub(super) date: &'static str,
    pub(super) source: &'static str,
}

/// Whether PostHog has the events of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum DeliveryState {
    Acknowledged,
    Waiting,
    Refused,
    Dropped,
    Never,
    LeftAlone,
}

/// A session in the list.
#[derive(Clone, Debug, Serialize)]
pub(super) struct SessionRow {
    pub(super) key: String,
    pub(super) agent: &'static str,
    pub(super) id: String,
    pub(super) title: Option<String>,
    pub(super) project: Option<String>,
    pub(super) worktree: Option<String>,
    pub(super) branch: Option<String>,
    pub(super) models: Vec<String>,
    pub(super) started_at: DateTime<Utc>,
    pub(super) ended_at: DateTime<Utc>,
    pub(super) bytes: u64,
    pub(super) running: bool,
    /// Whether the numbers are not known yet.
    pub(super) waiting: bool,
    pub(super) delivery: DeliveryState,
    pub(super) facts: Option<Facts>,
}

/// A session that was opened.
#[derive(Debug, Serialize)]
pub(super) struct Session {
    #[serde(flatten)]
    pub(super) row: SessionRow,
    pub(super) folder: Option<String>,
    pub(super) agent_version: Option<String>,
    pub(super) receipt: ReceiptOf,
    pub(super) notes: Vec<String>,
    pub(super) posthog: Option<Links>,
    pub(super) unreadable: Vec<Unreadable>,
}

/// Numbers of a session's events by state.
#[derive(Debug, Default, Serialize)]
pub(super) struct ReceiptOf {
    pub(super) acknowledged: u64,
    pub(super) waiting: u64,
    pub(super) refused: u64,
    pub(super) dropped: u64,
    pub(super) withdrawn: u64,
}

/// Addresses in PostHog, with `{trace}` and `{event}` as placeholders for ids.
#[derive(Debug, Serialize)]
pub(super) struct Links {
    pub(super) trace: String,
    pub(super) span: String,
}

/// The place where a search found its text.
#[derive(Debug, Serialize)]
pub(super) struct SearchHit<'a> {
    pub(super) key: &'a str,
    pub(super) span: &'a str,
    pub(super) text: String,
}

/// The first line of the data in a single file.
#[derive(Debug, Serialize)]
pub(super) struct Embedded {
    pub(super) machine: Machine,
    pub(super) session: Session,
}
