//! `ingest --dry-run`: what would be sent, a row a session and the sum.

use super::read::{Own, read_all};
use crate::commands::prospect::Prospect;
use crate::commands::{Exit, day, short};
use crate::config::Config;
use crate::consent::Environment;
use crate::events::{Frozen, Tally};
use crate::pipeline::{Collected, Pipeline};
use crate::redact::Counts;
use crate::sources::Found;
use crate::ui;

/// What a session would come to.
struct Row {
    text: String,
    tally: Tally,
    replaced: Counts,
}

pub(super) fn run(
    sessions: &[Found],
    config: &Config,
    environment: &Environment,
) -> anyhow::Result<Exit> {
    ui::print(format_args!(
        "{:<13} {:<10} {:>5} {:>5} {:>5} {:>6} {:>6} {:>6} {:>6}  {}",
        "session", "started", "turns", "calls", "tools", "events", "in", "out", "cached", "books"
    ))?;
    let prospect = Prospect::of(config, environment)?;
    let pipeline = prospect.pipeline();
    let mut sum = Tally::default();
    let mut shown = 0;
    let mut replaced = Counts::default();
    let exit = read_all(
        sessions,
        config,
        &environment.host,
        |own, emit| row(own, &prospect, &pipeline)?.map_or(Ok(()), emit),
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

fn row(
    own: &mut Own<'_>,
    prospect: &Prospect<'_>,
    pipeline: &Pipeline<'_>,
) -> anyhow::Result<Option<Row>> {
    let mut tally = Tally::default();
    let mut replaced = Counts::default();
    let mut books = Books::None;
    let mut frozen = None;
    let mut session = None;
    while let Some(part) = own.next_part() {
        let frozen: &Frozen = match &frozen {
            Some(frozen) => frozen,
            None => frozen.insert(prospect.frozen(&part)?),
        };
        if part.is_first() {
            // Perhaps not for the first time: history that was written again is.
            (tally, replaced) = (Tally::default(), Counts::default());
        }
        pipeline.events(&part, frozen.clone(), &mut replaced, &mut |event| {
            tally += event.get();
            Ok(())
        })?;
        books = books.max(Books::of(&part));
        session = Some((part.session.id, part.session.started_at));
    }
    let Some((id, started_at)) = session else {
        return Ok(None);
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
    Ok(Some(Row {
        text,
        tally,
        replaced,
    }))
}

/// Whether a session agrees with what the agent itself says that it used.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Books {
    None,
    Agree,
    /// They show calls that are in no line.
    Added,
    /// Lines show more than they do.
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
