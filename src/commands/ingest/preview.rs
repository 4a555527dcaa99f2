//! `ingest --dry-run`: what would be sent, a row a session and the sum.

use super::read::{Own, read_all};
use crate::commands::{Exit, day, passing_redactor, short};
use crate::config::Config;
use crate::events::limits::AI_LANE_EVENT;
use crate::events::{Foreign, Tally};
use crate::host::Host;
use crate::pipeline::Pipeline;
use crate::redact::Counts;
use crate::session::Session;
use crate::sources::Found;
use crate::ui;

/// What a session would come to.
struct Row {
    text: String,
    tally: Tally,
    replaced: Counts,
}

pub(super) fn run(sessions: &[Found], config: &Config, host: &Host) -> anyhow::Result<Exit> {
    ui::print(format_args!(
        "{:<8}  {:<10}  {:>5}  {:>5}  {:>5}  {:>6}  {:>5}  {:>6}  {:>6}  {}",
        "session", "started", "turns", "calls", "tools", "events", "in", "out", "cached", "books"
    ))?;
    let redactor = passing_redactor(config)?;
    let pipeline = Pipeline::new(config, &redactor, AI_LANE_EVENT);
    let mut sum = Tally::default();
    let mut shown = 0;
    let mut replaced = Counts::default();
    let exit = read_all(
        sessions,
        config,
        host,
        |own, emit| emit(row(own, &pipeline)?),
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

fn row(own: &Own, pipeline: &Pipeline<'_>) -> anyhow::Result<Row> {
    let session = &own.collected.session;
    let mut tally = Tally::default();
    let mut replaced = Counts::default();
    pipeline.events(
        &own.collected,
        pipeline.freeze(session),
        &own.foreign,
        &mut replaced,
        &mut |event| {
            tally += event.get();
            Ok(())
        },
    )?;
    let text = format!(
        "{:<8}  {}  {:>5}  {:>5}  {:>5}  {:>6}  {:>5}  {:>6}  {:>6}  {}",
        short(&session.id),
        day(session.started_at),
        tally.turns,
        tally.generations,
        tally.tools,
        tally.events,
        ui::short_number(tally.input),
        ui::short_number(tally.output),
        ui::short_number(tally.cache_read + tally.cache_write),
        books(session, &own.foreign),
    );
    Ok(Row {
        text,
        tally,
        replaced,
    })
}

/// Whether the session agrees with what the agent itself says that it used.
fn books(session: &Session, foreign: &Foreign) -> &'static str {
    let found = session.reconcile(&|generation| !foreign.has(session.agent, generation));
    match (
        found.balance.statements,
        found.exceeded,
        found.unlisted.as_slice(),
    ) {
        (0, _, _) => "none",
        (_, 0, []) => "agree",
        (_, 0, _) => "added",
        _ => "over",
    }
}
