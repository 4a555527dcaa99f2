//! `posthog-llma ingest`: sends past sessions, or shows what would be sent.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Context;
use chrono::{DateTime, Local, Utc};
use uuid::Uuid;

use super::{Exit, WrongUse, select, strict_config};
use crate::cli::Ingest;
use crate::config::Config;
use crate::events::limits::AI_LANE_EVENT;
use crate::events::{self, Event, EventName};
use crate::host::Host;
use crate::pipeline::{self, Collected, Pipeline};
use crate::redact::{Counts, Redacted, RedactionKey, Redactor};
use crate::session::Totals;
use crate::sources::{self, Found, claude_code};
use crate::ui;

/// How many sessions `--list` shows.
const RECENT: usize = 20;

pub(super) fn run(arguments: &Ingest, host: &Host) -> anyhow::Result<Exit> {
    if arguments.list {
        return list(host);
    }
    let config = strict_config(host)?;
    let sessions = if arguments.all {
        sources::all(host)
    } else if arguments.sessions.is_empty() {
        select::newest(host)?
    } else {
        select::named(&arguments.sessions, host)?
    };
    let sessions = oldest_first(sessions);
    if let Some(target) = &arguments.output {
        return write(target, &sessions, &config, host);
    }
    if arguments.dry_run {
        return preview(&sessions, &config, host);
    }
    let Some(_key) = &config.api_key else {
        ui::say("POSTHOG_API_KEY is not set: nothing is sent, this is what would be");
        return preview(&sessions, &config, host);
    };
    Err(WrongUse("not yet".to_owned()).into())
}

/// The original of a copied session began before the copy and must be read before it.
fn oldest_first(sessions: Vec<Found>) -> Vec<Found> {
    let mut dated: Vec<(Option<DateTime<Utc>>, Found)> = sessions
        .into_iter()
        .map(|session| (claude_code::glance(&session.path).started_at, session))
        .collect();
    dated.sort_by(|(a_start, a), (b_start, b)| {
        (a_start, a.modified, &a.path).cmp(&(b_start, b.modified, &b.path))
    });
    dated.into_iter().map(|(_, session)| session).collect()
}

fn list(host: &Host) -> anyhow::Result<Exit> {
    let sessions = sources::all(host);
    if sessions.is_empty() {
        ui::say("no sessions were found in Claude Code's folder");
        return Ok(Exit::Done);
    }
    ui::print(format_args!(
        "{:<8}  {:<16}  {:<14}  {:>6}  first prompt",
        "id", "when", "project", "size"
    ))?;
    for session in sessions.iter().take(RECENT) {
        let glance = claude_code::glance(&session.path);
        let when = local(session.modified.into());
        let project = glance
            .cwd
            .as_deref()
            .and_then(|cwd| Path::new(cwd).file_name());
        let project = project
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        ui::print(format_args!(
            "{:<8}  {when}  {:<14}  {:>6}  {}",
            short(&session.id),
            ui::fit(&project, 14),
            ui::short_number(session.bytes),
            ui::fit(glance.prompt.as_deref().unwrap_or(""), 26),
        ))?;
    }
    if sessions.len() > RECENT {
        ui::say(format_args!("and {} more", sessions.len() - RECENT));
    }
    Ok(Exit::Done)
}

/// Enough of an id to name a session.
fn short(id: &str) -> String {
    id.chars().take(8).collect()
}

fn local(at: DateTime<Utc>) -> String {
    at.with_timezone(&Local)
        .format("%Y-%m-%d %H:%M")
        .to_string()
}

/// Who owns what, over the sessions of one run.
#[derive(Default)]
struct Claims {
    owners: HashMap<Uuid, String>,
}

impl Claims {
    /// Claims for a session what nobody owns yet; the answer is what others own.
    fn claim(&mut self, collected: &Collected) -> HashSet<Uuid> {
        let session = &collected.session.id;
        let mut foreign = HashSet::new();
        for claim in events::claims(&collected.session) {
            let owner = self.owners.entry(claim).or_insert_with(|| session.clone());
            if owner != session {
                foreign.insert(claim);
            }
        }
        foreign
    }
}

/// Reads sessions one after the other and hands their events on. Sessions that cannot be read
/// are said and skipped.
fn each_session(
    sessions: &[Found],
    config: &Config,
    host: &Host,
    handle: &mut dyn FnMut(
        &Found,
        &Collected,
        &HashSet<Uuid>,
        &mut Pipeline<'_>,
    ) -> anyhow::Result<()>,
) -> anyhow::Result<Exit> {
    let redactor = Redactor::new(RedactionKey([0; 32]));
    let mut pipeline = Pipeline::new(config, &redactor, AI_LANE_EVENT);
    let mut claims = Claims::default();
    let mut exit = Exit::Done;
    for found in sessions {
        match pipeline::collect(&found.path, None, None, host.now()) {
            Ok(Some(collected)) => {
                for (path, reason) in collected.unreadable() {
                    ui::say(format_args!("cannot read {}: {reason}", path.display()));
                    exit = Exit::Incomplete;
                }
                let foreign = claims.claim(&collected);
                handle(found, &collected, &foreign, &mut pipeline)?;
            }
            Ok(None) => ui::say(format_args!("nothing in {}", found.path.display())),
            Err(error) => {
                ui::say(format_args!("{error:#}"));
                exit = Exit::Incomplete;
            }
        }
    }
    Ok(exit)
}

fn write(target: &Path, sessions: &[Found], config: &Config, host: &Host) -> anyhow::Result<Exit> {
    let name = target.display();
    let mut out: Box<dyn Write> = if target == Path::new("-") {
        ui::data()
    } else {
        let file = File::create(target).with_context(|| format!("cannot write {name}"))?;
        Box::new(BufWriter::new(file))
    };
    let exit = each_session(
        sessions,
        config,
        host,
        &mut |_, collected, foreign, pipeline| {
            let frozen = pipeline.freeze(&collected.session);
            let mut counts = Counts::default();
            let is_foreign = |id: Uuid| foreign.contains(&id);
            pipeline.events(collected, frozen, &is_foreign, &mut counts, &mut |event| {
                serde_json::to_writer(&mut out, event.get())?;
                out.write_all(b"\n")
                    .with_context(|| format!("cannot write {name}"))
            })
        },
    )?;
    out.flush()
        .with_context(|| format!("cannot write {name}"))?;
    Ok(exit)
}

/// What a session would send.
#[derive(Default)]
struct Tally {
    events: u64,
    generations: u64,
    tools: u64,
    turns: u64,
    totals: Totals,
}

impl Tally {
    fn count(&mut self, event: &Redacted<Event>) {
        let properties = &event.get().properties;
        let number = |name: &str| {
            properties
                .get(name)
                .and_then(serde_json::Value::as_u64)
                .unwrap_or(0)
        };
        let kind = properties
            .get("$ai_span_type")
            .and_then(serde_json::Value::as_str);
        self.events += 1;
        match event.get().name {
            EventName::Generation => {
                self.generations += 1;
                self.totals.input += number("$ai_input_tokens");
                self.totals.output += number("$ai_output_tokens");
                self.totals.cache_read += number("$ai_cache_read_input_tokens");
                self.totals.cache_write += number("$ai_cache_creation_input_tokens");
            }
            EventName::Span if kind == Some("turn") => self.turns += 1,
            EventName::Span => self.tools += 1,
            EventName::Trace => {}
        }
    }

    fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.generations += other.generations;
        self.tools += other.tools;
        self.turns += other.turns;
        self.totals.input += other.totals.input;
        self.totals.output += other.totals.output;
        self.totals.cache_read += other.totals.cache_read;
        self.totals.cache_write += other.totals.cache_write;
    }
}

fn preview(sessions: &[Found], config: &Config, host: &Host) -> anyhow::Result<Exit> {
    ui::print(format_args!(
        "{:<8}  {:<16}  {:>5}  {:>5}  {:>5}  {:>6}  {:>5}  {:>6}  {:>6}",
        "session", "started", "turns", "calls", "tools", "events", "in", "out", "cached"
    ))?;
    let mut sum = Tally::default();
    let mut shown = 0;
    let exit = each_session(
        sessions,
        config,
        host,
        &mut |_, collected, foreign, pipeline| {
            let session = &collected.session;
            let mut tally = Tally::default();
            let is_foreign = |id: Uuid| foreign.contains(&id);
            let frozen = pipeline.freeze(session);
            pipeline.events(
                collected,
                frozen,
                &is_foreign,
                &mut Counts::default(),
                &mut |event| {
                    tally.count(&event);
                    Ok(())
                },
            )?;
            let totals = tally.totals;
            ui::print(format_args!(
                "{:<8}  {}  {:>5}  {:>5}  {:>5}  {:>6}  {:>5}  {:>6}  {:>6}",
                short(&session.id),
                local(session.started_at),
                tally.turns,
                tally.generations,
                tally.tools,
                tally.events,
                ui::short_number(totals.input),
                ui::short_number(totals.output),
                ui::short_number(totals.cache_read + totals.cache_write),
            ))?;
            sum.add(&tally);
            shown += 1;
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
        ui::number(sum.totals.input),
        ui::number(sum.totals.output),
        ui::number(sum.totals.cache_read),
        ui::number(sum.totals.cache_write),
    ))?;
    Ok(exit)
}
