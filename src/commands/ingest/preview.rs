//! `ingest --dry-run`: a table of the events that would be sent, one row per session and the sum.

use chrono::{DateTime, Utc};

use crate::commands::read::{Audience, Build, Emit, Own, read_all};
use crate::commands::{self, Exit, day, short};
use crate::config::Config;
use crate::host::Host;
use crate::pipeline::{Collected, KnownEvents, Pipeline, Step};
use crate::posthog::{Frozen, Tally};
use crate::redact::Counts;
use crate::sources::SessionRef;
use crate::ui;
use crate::views::Prospect;

/// Explanation of the columns, in lines that fit a terminal.
const LEGEND: &str = "
turns: prompts; calls: requests to a model; in, out, cached: tokens of the calls
totals: whether the calls agree with the totals that the agent itself recorded
  none   it recorded none
  agree  they agree
  added  calls that only the totals know are sent as one event for each model
  over   the transcript shows more than the totals";

/// Counts of a session and its line.
struct Row {
    text: String,
    tally: Tally,
    replaced: Counts,
}

pub(super) fn run(sessions: &[SessionRef], config: &Config, host: &Host) -> anyhow::Result<Exit> {
    ui::print(format_args!(
        "{:<13} {:<10} {:>5} {:>5} {:>5} {:>6} {:>6} {:>6} {:>6}  {}",
        "session", "started", "turns", "calls", "tools", "events", "in", "out", "cached", "totals"
    ))?;
    let prospect = commands::prospect(config)?;
    let pipeline = prospect.pipeline();
    let mut sum = Tally::default();
    let mut shown = 0;
    let mut replaced = Counts::default();
    let exit = read_all(
        sessions,
        Audience::PostHog,
        config,
        host,
        || Preview::of(&prospect, &pipeline),
        |row| {
            ui::print(row.text)?;
            sum += row.tally;
            shown += 1;
            replaced.merge(&row.replaced);
            Ok(())
        },
    )?;
    ui::print(format_args!(
        "\n{}, {}: {}, {}, {}\ntokens: {} in, {} out, {} read from the cache, {} written to it",
        ui::count(shown, "session"),
        ui::count(sum.events, "event"),
        ui::count(sum.turns, "turn"),
        ui::count(sum.generations, "model call"),
        ui::count(sum.tools, "tool call"),
        ui::number(sum.input),
        ui::number(sum.output),
        ui::number(sum.cache_read),
        ui::number(sum.cache_write),
    ))?;
    ui::say(LEGEND);
    if !replaced.is_empty() {
        let mut rules: Vec<(&str, u64)> = replaced.iter().collect();
        rules.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        ui::print(format_args!(
            "secrets replaced: {}",
            ui::number(replaced.total())
        ))?;
        for (rule, count) in rules {
            ui::print(format_args!("{:>8}  {rule}", ui::number(count)))?;
        }
    }
    Ok(exit)
}

/// The state of a session that is being counted.
struct Preview<'a> {
    prospect: &'a Prospect,
    pipeline: &'a Pipeline<'a>,
    frozen: Option<Frozen>,
    known: KnownEvents,
    tally: Tally,
    replaced: Counts,
    books: Books,
    /// The id and start of the session.
    session: Option<(String, DateTime<Utc>)>,
}

impl<'a> Preview<'a> {
    fn of(prospect: &'a Prospect, pipeline: &'a Pipeline<'a>) -> Self {
        Self {
            prospect,
            pipeline,
            frozen: None,
            known: KnownEvents::default(),
            tally: Tally::default(),
            replaced: Counts::default(),
            books: Books::None,
            session: None,
        }
    }
}

impl Build<Row> for Preview<'_> {
    fn add(&mut self, own: &mut Own<'_>, _: &mut Emit<'_, Row>) -> anyhow::Result<()> {
        let mut tally = Tally::default();
        let mut replaced = Counts::default();
        loop {
            let part = match own.next() {
                Step::Part(part) => part,
                Step::Restart => {
                    (tally, replaced) = (Tally::default(), Counts::default());
                    continue;
                }
                Step::OptedOut(_) | Step::End => break,
            };
            let frozen: &Frozen = match &self.frozen {
                Some(frozen) => frozen,
                None => self.frozen.insert(self.prospect.frozen(&part)?),
            };
            let frozen = frozen.clone();
            let known = &mut self.known;
            let counts = &mut replaced;
            tally += (self.pipeline).new_events(&part, frozen, known, counts, &mut |_| Ok(()))?;
            self.books = self.books.max(Books::of(&part));
            self.session = Some((part.session.id, part.session.started_at));
        }
        self.known.next_transcript();
        self.tally += tally;
        self.replaced.merge(&replaced);
        Ok(())
    }

    fn finish(self, emit: &mut Emit<'_, Row>) -> anyhow::Result<()> {
        let Self {
            tally,
            replaced,
            books,
            session,
            ..
        } = self;
        let Some((id, started_at)) = session else {
            return Ok(());
        };
        let text = format!(
            "{:<13} {} {:>5} {:>5} {:>5} {:>6} {:>6} {:>6} {:>6}  {}",
            short(&id),
            day(started_at),
            tally.turns,
            tally.generations,
            tally.tools,
            tally.events,
            ui::short_number(tally.input),
            ui::short_number(tally.output),
            ui::short_number(tally.cache_read + tally.cache_write),
            books.word(),
        );
        emit(Row {
            text,
            tally,
            replaced,
        })
    }
}

/// Whether the usage in the lines of a session agrees with the agent's books.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Books {
    None,
    Agree,
    /// The books have usage that is in no line.
    Added,
    /// The lines have more usage than the books.
    Over,
}

impl Books {
    fn of(part: &Collected) -> Self {
        let found = part.session.reconcile(&|it| part.owns(it));
        match (
            found.balance.statements,
            found.exceeded,
            found.unlisted.as_slice(),
        ) {
            (0, _, _) => Self::None,
            (_, 0, []) => Self::Agree,
            (_, 0, _) => Self::Added,
            _ => Self::Over,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Agree => "agree",
            Self::Added => "added",
            Self::Over => "over",
        }
    }
}
