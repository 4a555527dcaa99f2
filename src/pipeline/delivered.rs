//! Calls of a coding agent's session that OpenRouter delivered too: the transcript has their
//! content, and OpenRouter their costs.

use std::collections::{HashMap, HashSet};

use chrono::TimeDelta;
use uuid::Uuid;

use crate::posthog::ids;
use crate::session::{Generation, OutputCount, Session};

/// Largest difference between the ends of a call in its two reports: it covers clocks, and the
/// distance to OpenRouter's servers.
const NEAR: TimeDelta = TimeDelta::seconds(10);

/// Adds the facts that OpenRouter `delivered` to the calls of a session. Returns the identities of
/// calls whose delivery was sent already (`is_sent`): they are not sent again.
pub(super) fn join(
    session: &mut Session,
    delivered: &[Generation],
    is_sent: &dyn Fn(&Generation) -> bool,
) -> HashSet<Uuid> {
    let mut reports = Reports::of(delivered);
    let mut sent = HashSet::new();
    let agent = session.agent;
    session.change_generations(&mut |own| {
        let report = (!own.is_copy).then(|| reports.take(own)).flatten();
        let Some(report) = report else {
            return;
        };
        if is_sent(report) {
            sent.insert(ids::call(agent, own));
        } else if report.cost.is_some() {
            own.cost = report.cost;
        }
        // When the delivery is read again, it finds the call by this id.
        own.response.get_or_insert_with(|| report.id.clone());
    });
    sent
}

/// Reports of calls, one per call.
struct Reports<'a> {
    open: Vec<Option<&'a Generation>>,
    by_id: HashMap<&'a str, usize>,
}

impl<'a> Reports<'a> {
    fn of(delivered: &'a [Generation]) -> Self {
        let mut by_id = HashMap::new();
        for (place, report) in delivered.iter().enumerate() {
            by_id.insert(report.id.as_str(), place);
            by_id.extend(first_tool(report).map(|tool| (tool, place)));
        }
        Self {
            open: delivered.iter().map(Some).collect(),
            by_id,
        }
    }

    /// Takes the report of a call: by OpenRouter's id of its response, else by the first tool that
    /// it asked for, else by usage and time.
    fn take(&mut self, own: &Generation) -> Option<&'a Generation> {
        let ids = [own.response.as_deref(), first_tool(own)];
        let known = ids.into_iter().flatten().find_map(|id| self.by_id.get(id));
        let place = known.copied().or_else(|| {
            let mut open = self.open.iter();
            open.position(|it| it.is_some_and(|it| is_same(own, it)))
        })?;
        self.open[place].take()
    }
}

fn first_tool(generation: &Generation) -> Option<&str> {
    let first = generation.tool_calls().next();
    let drawn = first.filter(|call| call.has_drawn_id());
    drawn.map(|call| call.id.as_str())
}

/// Whether two reports of one session without a common id belong to one call: they have the same
/// usage and the same end.
fn is_same(own: &Generation, report: &Generation) -> bool {
    let used = |it: &Generation| {
        let cached = it.usage.cache_read + it.usage.cache_write;
        (it.usage.input.saturating_add(cached), it.usage.output)
    };
    let difference = own.ended_at - report.ended_at;
    let is_counted = own.output_count == OutputCount::Final && own.usage.output > 0;
    is_counted && used(own) == used(report) && difference.abs() <= NEAR
}
