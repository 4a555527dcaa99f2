//! Results of a backfill: a line for each session, and a table.

use std::collections::{BTreeMap, HashMap};

use crate::commands::status::receipt;
use crate::commands::{Exit, short, words};
use crate::deliver::Drained;
use crate::outbox::{Outbox, Receipt};
use crate::posthog::retention::CONTENT_DAYS;
use crate::posthog::{Tally, links};
use crate::session::{Agent, SessionState};
use crate::sources::SessionRef;
use crate::transport::Endpoint;
use crate::ui;

/// Maximum number of sessions with a line each; more are only in the table.
pub(super) const FEW: usize = 20;

/// Column in which the reasons begin: behind the numbers.
const REASONS: usize = 29;

/// Counts of a backfill.
#[derive(Default)]
pub(super) struct Summary<'a> {
    /// Sessions whose events are known to the outbox.
    handled: Vec<Handled<'a>>,
    /// Further transcripts of sessions that were handled already.
    copies: u64,
    /// Position of each in `handled`, by agent and key.
    places: HashMap<(Agent, String), usize>,
    /// Totals of the events that were read.
    pub(super) tally: Tally,
    /// Sessions that were sent without their content.
    pub(super) without_content: u64,
    /// Number of files without a session.
    pub(super) empty: u64,
    /// Sessions that are to be left alone, by reason.
    pub(super) left_alone: BTreeMap<String, u64>,
    /// Sessions that could not be read.
    pub(super) unreadable: u64,
}

/// A session whose events are known to the outbox.
struct Handled<'a> {
    found: &'a SessionRef,
    /// The key of the session; see [`SessionRef::session_key`].
    key: String,
    /// Whether it is still running; `None` when there was nothing new.
    state: Option<SessionState>,
}

impl Handled<'_> {
    /// Page of the session's trace in PostHog; `None` where each turn is a trace, or nothing was
    /// acknowledged.
    fn page(&self, outbox: &Outbox) -> anyhow::Result<Option<String>> {
        let agent = self.found.agent.as_str();
        let host = outbox.recipient(agent, &self.key)?;
        let endpoint = host.and_then(|host| Endpoint::parse(&host).ok());
        let known = outbox.session(agent, &self.key)?;
        let frozen = known.and_then(|it| it.frozen().ok());
        let page = frozen.zip(endpoint);
        Ok(page.and_then(|(frozen, endpoint)| links::session(&endpoint, &frozen, &self.key)))
    }
}

impl<'a> Summary<'a> {
    /// Records that the events of a transcript are known to the outbox.
    pub(super) fn handle(&mut self, found: &'a SessionRef, state: Option<SessionState>) {
        let key = found.session_key();
        let known = self.places.get(&(found.agent, key.clone()));
        if let Some(known) = known.and_then(|place| self.handled.get_mut(*place)) {
            known.state = state.or(known.state);
            self.copies += 1;
            return;
        }
        let place = self.handled.len();
        self.places.insert((found.agent, key.clone()), place);
        self.handled.push(Handled { found, key, state });
    }

    /// Prints a line per session (of many, only for the first ones with refused events) and the
    /// table. Returns whether everything arrived.
    pub(super) fn print(
        &self,
        asked: usize,
        drained: &Drained,
        outbox: &Outbox,
    ) -> anyhow::Result<Exit> {
        let mut total = Receipt::default();
        let mut lines = 0;
        for handled in &self.handled {
            let of_session = outbox.receipt(handled.found.agent.as_str(), &handled.key)?;
            total.waiting += of_session.waiting;
            total.parked += of_session.parked;
            if asked <= FEW || (of_session.parked > 0 && lines < FEW) {
                lines += 1;
                let id = handled.found.session_id();
                let note = match handled.state {
                    None => " (nothing new)",
                    Some(SessionState::Running) => {
                        " (still running; the rest follows when it ends)"
                    }
                    Some(SessionState::Ended) => "",
                };
                let receipt = receipt(of_session);
                ui::print(format_args!("{}  {receipt}{note}", short(&id)))?;
                if let Some(page) = handled.page(outbox)? {
                    ui::print(format_args!("  {page}"))?;
                }
            }
        }
        if asked > 1 {
            ui::print(self.table(asked as u64, drained, total))?;
        }
        let is_complete = total.waiting == 0 && total.parked == 0;
        Ok(if is_complete {
            Exit::Done
        } else {
            Exit::Incomplete
        })
    }

    fn table(&self, asked: u64, drained: &Drained, total: Receipt) -> String {
        let asked = asked.saturating_sub(self.copies);
        let handled = self.handled.len() as u64;
        let unchanged = self.handled.iter().filter(|it| it.state.is_none());
        let unchanged = unchanged.count() as u64;
        let left_alone = self.left_alone.values().sum::<u64>();
        let pending = asked.saturating_sub(handled + left_alone + self.empty + self.unreadable);
        let sessions = [
            (handled - unchanged, "read".to_owned()),
            (unchanged, "nothing new".to_owned()),
            (self.empty, "without a session in it".to_owned()),
            (self.unreadable, "not readable".to_owned()),
            (pending, "not reached".to_owned()),
        ];
        let events = [
            (drained.sent, "acknowledged".to_owned()),
            (total.waiting, "waiting".to_owned()),
            (total.parked, "set aside".to_owned()),
        ];
        let tally = &self.tally;
        let mut rows = vec![row("sessions", asked, &parts(sessions))];
        // One line per reason, since each names a file.
        for (reason, number) in &self.left_alone {
            let reason = format!("{} left alone: {reason}", ui::number(*number));
            rows.push(words::entry("", REASONS, &reason));
        }
        rows.push(row("events", tally.events, &parts(events)));
        if tally.events == 0 {
            return rows.join("\n");
        }
        rows.extend([
            row("traces", tally.traces, ""),
            row("generations", tally.generations, ""),
            row("spans", tally.turns + tally.tools + tally.steps, &{
                let kinds = [
                    (tally.turns, "of turns".to_owned()),
                    (tally.tools, "of tools".to_owned()),
                    (tally.steps, "of other work".to_owned()),
                ];
                parts(kinds)
            }),
            row("tokens in", tally.input, ""),
            row("tokens out", tally.output, ""),
            row("cache read", tally.cache_read, "tokens"),
            row("cache written", tally.cache_write, "tokens"),
        ]);
        if self.without_content > 0 {
            let why = format!("sessions without content, older than {CONTENT_DAYS} days");
            rows.push(row("left out", self.without_content, &why));
        }
        rows.join("\n")
    }
}

fn row(name: &str, number: u64, what: &str) -> String {
    let row = format!("{name:<13}{:>14}  {what}", ui::number(number));
    row.trim_end().to_owned()
}

fn parts(parts: impl IntoIterator<Item = (u64, String)>) -> String {
    let some = parts.into_iter().filter(|(number, _)| *number > 0);
    let some = some.map(|(number, what)| format!("{} {what}", ui::number(number)));
    some.collect::<Vec<_>>().join(", ")
}
