//! Reads sessions for their sums.

use std::mem;

use chrono::{DateTime, Utc};

use crate::commands::Exit;
use crate::commands::read::{Audience, Build, Emit, Own, read_all};
use crate::config::Config;
use crate::host::Host;
use crate::pipeline::{KnownEvents, Pipeline, Step};
use crate::posthog::Frozen;
use crate::redact::Counts;
use crate::sources::SessionRef;
use crate::usage::SessionUsage;
use crate::views::Prospect;

/// The extent of a report: audience, period and facts.
#[derive(Clone, Copy, Debug)]
pub(in crate::commands) struct Extent {
    pub(in crate::commands) audience: Audience,
    /// Start of the period: work that ended earlier is left out.
    pub(in crate::commands) since: Option<DateTime<Utc>>,
    /// Whether to look up the person, for which git runs for each session.
    pub(in crate::commands) has_person: bool,
    /// Whether to read recorded content and look for work that bought nothing.
    pub(in crate::commands) has_findings: bool,
}

/// The sums of each session, without its content, in reading order.
pub(in crate::commands) fn sums(
    sessions: &[SessionRef],
    extent: Extent,
    config: &Config,
    host: &Host,
) -> anyhow::Result<(Vec<SessionUsage>, Exit)> {
    let config = if extent.has_findings {
        config.clone()
    } else if extent.has_person {
        config.without_content()
    } else {
        config.for_numbers()
    };
    let prospect = Prospect::of(&config)?;
    let pipeline = prospect.pipeline().for_owner();
    let mut usages = Vec::with_capacity(sessions.len());
    let exit = read_all(
        sessions,
        extent.audience,
        &config,
        host,
        || Adder::of(&prospect, &pipeline, extent.since),
        |usage| {
            usages.push(usage);
            Ok(())
        },
    )?;
    Ok((usages, exit))
}

/// The sums of a session that is being read.
struct Adder<'a> {
    prospect: &'a Prospect,
    pipeline: &'a Pipeline<'a>,
    since: Option<DateTime<Utc>>,
    frozen: Option<Frozen>,
    known: KnownEvents,
    usage: Option<SessionUsage>,
}

impl<'a> Adder<'a> {
    fn of(
        prospect: &'a Prospect,
        pipeline: &'a Pipeline<'a>,
        since: Option<DateTime<Utc>>,
    ) -> Self {
        Self {
            prospect,
            pipeline,
            since,
            frozen: None,
            known: KnownEvents::default(),
            usage: None,
        }
    }
}

impl Build<SessionUsage> for Adder<'_> {
    fn add(&mut self, own: &mut Own<'_>, _: &mut Emit<'_, SessionUsage>) -> anyhow::Result<()> {
        let before = self.usage.clone();
        loop {
            let part = match own.next() {
                Step::Part(part) => part,
                Step::Restart => {
                    self.usage.clone_from(&before);
                    continue;
                }
                Step::OptedOut(_) | Step::End => break,
            };
            let frozen = match &self.frozen {
                Some(frozen) => frozen.clone(),
                None => self.frozen.insert(self.prospect.frozen(&part)?).clone(),
            };
            let agent = part.session.agent;
            let usage = self.usage.get_or_insert_with(|| SessionUsage::new(agent));
            let mut known = mem::take(&mut self.known);
            let counts = &mut Counts::default();
            let (pipeline, since) = (self.pipeline, self.since);
            pipeline.new_events(&part, frozen, &mut known, counts, &mut |event| {
                let event = event.get();
                if since.is_none_or(|since| event.timestamp >= since) {
                    usage.add(event);
                }
                Ok(())
            })?;
            self.known = known;
        }
        self.known.next_transcript();
        Ok(())
    }

    fn finish(self, emit: &mut Emit<'_, SessionUsage>) -> anyhow::Result<()> {
        self.usage.map_or(Ok(()), emit)
    }
}
