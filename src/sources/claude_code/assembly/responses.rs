//! Finds the response that a part belongs to, and names it.
//!
//! Providers give ids to their responses, but not all are unique: the API itself has given one id
//! to several responses under load, and gateways give a constant, an empty one or none. Two parts
//! belong to one response when its id, the id of its request (if there is one) and its counts
//! agree. The identity of a response is the provider's id only if that can be trusted.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::parts::{Origin, ResponsePart};
use crate::session::{Timing, Usage};

/// The facts about a part that identify its response.
pub(super) struct PartFacts<'a> {
    pub(super) origin: &'a Origin,
    pub(super) at: DateTime<Utc>,
    /// Whether `at` comes from a line.
    pub(super) timing: Timing,
    pub(super) usage: Option<Usage>,
    pub(super) has_stopped: bool,
}

impl PartFacts<'_> {
    pub(super) fn of(part: &ResponsePart, timing: Timing) -> PartFacts<'_> {
        PartFacts {
            origin: &part.origin,
            at: part.at,
            timing,
            usage: part.usage,
            has_stopped: part.stop_reason.is_some(),
        }
    }
}

/// The state of the conversation before a part.
pub(super) struct ThreadFacts<'a> {
    /// Index of the last response of the conversation.
    pub(super) current: Option<usize>,
    /// Whether there were messages after it.
    pub(super) is_waiting: bool,
    /// Whether a response, by its index, already contains everything in the part.
    pub(super) repeats: &'a dyn Fn(usize) -> bool,
}

/// The responses so far, by index.
#[derive(Debug, Default)]
pub(super) struct Responses {
    known: Vec<Known>,
    /// Responses by likeness, see [`Origin::likeness`].
    alike: HashMap<String, Vec<usize>>,
    by_time: HashMap<DateTime<Utc>, Vec<usize>>,
    names: HashSet<String>,
}

#[derive(Debug)]
struct Known {
    request: Option<String>,
    counts: Option<[u64; 3]>,
    has_stopped: bool,
    parts: Vec<(Option<String>, DateTime<Utc>)>,
}

impl Origin {
    /// Whether the provider's id is unique, apart from copies in other sessions: it has Anthropic's
    /// form and comes from the API or a cloud, or the agent drew it at random.
    fn is_trusted(&self) -> bool {
        let of_api = |id: &str| id.starts_with("msg_") && self.request.is_some();
        let of_cloud = |id: &str| {
            let clouds = ["msg_bdrk_", "msg_vrtx_"];
            clouds.iter().any(|cloud| id.starts_with(cloud)) && is_drawn(id)
        };
        let id = self.response.as_deref();
        id.is_some_and(|id| of_api(id) || of_cloud(id) || self.is_of_agent && is_drawn(id))
    }

    /// A key in which all parts of one response agree.
    fn likeness(&self) -> String {
        let id = self.response.as_deref().unwrap_or_default();
        match &self.request {
            Some(request) if !self.is_trusted() => format!("{id}\u{1e}{request}"),
            _ => id.to_owned(),
        }
    }

    fn is_drawn(&self) -> bool {
        [&self.response, &self.request]
            .into_iter()
            .flatten()
            .any(|id| is_drawn(id))
    }
}

impl Known {
    fn may_have_request(&self, origin: &Origin) -> bool {
        self.request.is_none() || origin.request.is_none() || self.request == origin.request
    }

    fn has_line(&self, id: &str) -> bool {
        self.parts
            .iter()
            .any(|(line, _)| line.as_deref() == Some(id))
    }
}

/// Whether an id is long enough to be random.
fn is_drawn(id: &str) -> bool {
    const SHORTEST: usize = 16;
    let of_random = id.bytes().filter(u8::is_ascii_alphanumeric).count();
    of_random >= SHORTEST && id.bytes().any(|byte| byte.is_ascii_digit())
}

/// Counts that are the same in all parts of a response: all but the output.
fn counts(usage: Option<Usage>) -> Option<[u64; 3]> {
    let counts = usage.map(|usage| [usage.input, usage.cache_read, usage.cache_write]);
    counts.filter(|counts| *counts != [0; 3])
}

/// Whether the counts of a part agree with those of another, apart from zeros.
fn leaves_out(part: [u64; 3], other: [u64; 3]) -> bool {
    part.iter()
        .zip(other)
        .all(|(count, other)| *count == 0 || *count == other)
}

impl Responses {
    /// The index of the response that a part belongs to; `None` when it begins one.
    pub(super) fn find(&self, part: &PartFacts<'_>, thread: &ThreadFacts<'_>) -> Option<usize> {
        let alike = self.alike.get(&part.origin.likeness())?;
        if part.origin.is_trusted() {
            let may_be = |index: &usize| self.known[*index].may_have_request(part.origin);
            return alike.iter().rev().copied().find(may_be);
        }
        let at_once = self.by_time.get(&part.at).into_iter().flatten().copied();
        let mut copied = at_once.filter(|index| {
            let known = &self.known[*index];
            let is_again = |(line, at): &(Option<String>, DateTime<Utc>)| {
                *at == part.at && (*line == part.origin.line || (thread.repeats)(*index))
            };
            alike.contains(index) && known.parts.iter().any(is_again)
        });
        copied.next().or_else(|| {
            let latest = *alike.last()?;
            self.continues(latest, part, thread).then_some(latest)
        })
    }

    /// Whether a part continues the last response with its likeness.
    fn continues(&self, index: usize, part: &PartFacts<'_>, thread: &ThreadFacts<'_>) -> bool {
        let known = &self.known[index];
        let counted = counts(part.usage);
        if let (Some(known), Some(counted)) = (known.counts, counted)
            && !leaves_out(known, counted)
            && !leaves_out(counted, known)
        {
            return false;
        }
        if thread.current != Some(index) {
            // Two processes may write at once.
            return part.origin.is_drawn() && counted.is_some();
        }
        match &part.origin.parent {
            _ if !thread.is_waiting => true,
            Some(parent) => known.has_line(parent),
            None => !known.has_stopped,
        }
    }

    /// The name of the response that a part begins, the same for every copy in any session or file.
    pub(super) fn name(&self, part: &PartFacts<'_>) -> String {
        let origin = part.origin;
        let id = origin.response.as_deref().unwrap_or_default();
        if origin.is_trusted() && !self.names.contains(id) {
            return id.to_owned();
        }
        let own = match (&origin.request, &origin.line) {
            (Some(request), _) if is_drawn(request) => request.clone(),
            (Some(own), _) | (None, Some(own)) => format!("{own}\u{1e}{}", stamp(part)),
            (None, None) => stamp(part),
        };
        let mut name = format!("{id}\u{1e}{own}");
        while self.names.contains(&name) {
            name.push('+');
        }
        name
    }

    /// Adds a response with its first part.
    pub(super) fn begin(&mut self, name: &str, part: &PartFacts<'_>) {
        let index = self.known.len();
        let alike = self.alike.entry(part.origin.likeness());
        alike.or_default().push(index);
        self.by_time.entry(part.at).or_default().push(index);
        self.names.insert(name.to_owned());
        self.known.push(Known {
            request: part.origin.request.clone(),
            counts: counts(part.usage),
            has_stopped: part.has_stopped,
            parts: vec![(part.origin.line.clone(), part.at)],
        });
    }

    /// Adds a part to a response.
    pub(super) fn add_part(&mut self, index: usize, part: &PartFacts<'_>) {
        let known = &mut self.known[index];
        known.request = known.request.take().or_else(|| part.origin.request.clone());
        known.counts = known.counts.or_else(|| counts(part.usage));
        known.has_stopped |= part.has_stopped;
        known.parts.push((part.origin.line.clone(), part.at));
        self.by_time.entry(part.at).or_default().push(index);
    }
}

/// The time of a part as text; empty when no line states it, since it then differs between copies.
fn stamp(part: &PartFacts<'_>) -> String {
    match part.timing {
        Timing::Known => part.at.timestamp_millis().to_string(),
        Timing::Unknown => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(response: &str, request: &str, line: &str) -> Origin {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Origin {
            response: some(response),
            request: some(request),
            line: some(line),
            ..Origin::default()
        }
    }

    /// The names of consecutive responses with a message before each.
    fn names(origins: &[Origin]) -> Vec<String> {
        let mut responses = Responses::default();
        let mut names = Vec::new();
        for (second, origin) in (1_i64..).zip(origins) {
            let part = PartFacts {
                origin,
                at: DateTime::from_timestamp(second, 0).unwrap(),
                timing: Timing::Known,
                usage: None,
                has_stopped: true,
            };
            let thread = ThreadFacts {
                current: names.len().checked_sub(1),
                is_waiting: true,
                repeats: &|_| false,
            };
            if responses.find(&part, &thread).is_none() {
                let name = responses.name(&part);
                responses.begin(&name, &part);
                names.push(name.replace('\u{1e}', " "));
            }
        }
        names
    }

    #[test]
    fn a_response_of_the_api_is_named_by_its_id() {
        let twice = origin("msg_1", "req_1", "a");
        assert_eq!(names(&[twice.clone(), twice]), ["msg_1"]);
        let cloud = origin("msg_bdrk_01AbCdEfGhIjKlMn", "", "a");
        assert_eq!(names(&[cloud]), ["msg_bdrk_01AbCdEfGhIjKlMn"]);
    }

    #[test]
    fn one_id_for_several_requests_is_a_response_each() {
        let origins = ["req_1", "req_2"].map(|request| origin("msg_1", request, "a"));
        assert_eq!(names(&origins), ["msg_1", "msg_1 req_2 2000"]);
    }

    #[test]
    fn an_id_that_may_be_shared_is_completed_by_the_line() {
        for id in ["gateway", "", "msg_constant"] {
            let origins = ["a", "b"].map(|line| origin(id, "", line));
            let expected = [format!("{id} a 1000"), format!("{id} b 2000")];
            assert_eq!(names(&origins), expected, "{id:?}");
            let nothing = [origin(id, "", ""), origin(id, "", "")];
            assert_eq!(
                names(&nothing),
                [format!("{id} 1000"), format!("{id} 2000")]
            );
        }
    }
}
