//! `posthog-llma show`: the events of a session as the tree that PostHog will show.

mod node;
mod perfetto;
mod text;
mod tree;

use std::path::Path;

use anyhow::Context as _;
use serde_json::json;

use super::output::{ExistingFile, Output};
use super::{Exit, excluded, prospect, select, settings, short, words};
use crate::cli::Show;
use crate::config::{Config, Routes};
use crate::host::Host;
use crate::outbox::Exclusion;
use crate::pipeline::{self, Collected};
use crate::posthog::{Recording, Tally};
use crate::redact::Counts;
use crate::session::{Session, SessionState};
use crate::sources::SessionRef;
use crate::ui::{self, Styled};
use crate::variables::Variable;
use node::Node;
use text::Text;

/// Maximum number of traces with a link.
const LINKS: usize = 3;

pub(super) fn run(arguments: &Show, host: &Host) -> anyhow::Result<Exit> {
    let (host, config) = &settings(host)?;
    let found = select::one(arguments.session.as_ref(), host)?;
    let config = &of_route(&found, config, host)?;
    // Before reading, so that a missing --force is reported at once.
    let output = arguments.perfetto.as_deref();
    let output = output.map(|file| Output::open(file, ExistingFile::of(arguments.force)));
    let output = output.transpose()?;
    let Some(mut collected) = pipeline::collect(&found, None, None, config.wanted(), host)? else {
        ui::say(format_args!("nothing in {}", found.locator));
        return Ok(Exit::Incomplete);
    };
    let exclusion = excluded::exclusion(&found, config)?;
    if let Some(reason) = collected.opted_out() {
        let id = short(&collected.session.id);
        ui::say_in_lines(format_args!("nothing of {id} is read or sent: {reason}"));
        return Ok(Exit::Done);
    }
    let shown = Shown {
        exclusion,
        ..Shown::of(&mut collected, config, host)?
    };
    if let Some(mut output) = output {
        output.write(&perfetto::write(&shown.traces))?;
        if let Some((path, bytes)) = output.finish()? {
            let bytes = ui::count(bytes, "byte");
            let path = path.display();
            ui::say(format_args!("wrote {path}: {bytes}, for ui.perfetto.dev"));
        }
    } else if arguments.json {
        ui::print(format_args!("{:#}", shown.json(&collected)))?;
    } else {
        let columns = host.variable(Variable::Columns).ok().flatten();
        let text = shown.text(&collected, ui::width(columns));
        ui::print_styled(&text.trimmed())?;
    }
    for note in shown.notes(&collected) {
        ui::say(note);
    }
    Ok(if collected.unreadable().is_empty() {
        Exit::Done
    } else {
        Exit::Incomplete
    })
}

/// The settings of the route by which a trace came; the settings themselves for all else.
fn of_route(found: &SessionRef, config: &Config, host: &Host) -> anyhow::Result<Config> {
    let route = found.route().filter(|route| !route.is_main());
    let Some(route) = route else {
        return Ok(config.clone());
    };
    let routes = Routes::read(host, config)?;
    let own = routes.config_of(&route).cloned();
    own.with_context(|| format!("it came by route {route}, which serve.toml does not have"))
}

/// Branch and folder in which a session began.
fn place(session: &Session, host: &Host) -> String {
    let first = session.turns.first().map(|turn| &turn.circumstances);
    let branch = first.and_then(|it| it.git_branch.clone());
    let cwd = first.and_then(|it| it.cwd.as_ref());
    let cwd = cwd.map(|cwd| words::path(Path::new(cwd), host));
    let known: Vec<String> = branch.into_iter().chain(cwd).collect();
    known.join(" · ")
}

/// The tree, and facts about it.
struct Shown {
    traces: Vec<Node>,
    tally: Tally,
    replaced: Counts,
    /// Number of responses and tools that another session owns.
    foreign: usize,
    is_private: bool,
    /// Branch and folder in which the session began, redacted.
    place: String,
    /// The reason why the session is excluded from sending, if it is.
    exclusion: Option<Exclusion>,
}

impl Shown {
    /// Builds the events as they would be sent now, with the settings of the session's first send,
    /// and without the events of other sessions.
    fn of(collected: &mut Collected, config: &Config, host: &Host) -> anyhow::Result<Self> {
        let prospect = prospect(config)?;
        let pipeline = prospect.pipeline();
        collected.foreign = prospect.foreign(collected)?;
        let frozen = prospect.frozen(collected)?;
        let session = &collected.session;
        let limits = pipeline.limits(session.agent);
        let cwds = session.turns.iter();
        let cwd = cwds.filter_map(|turn| turn.circumstances.cwd.as_deref());
        let cwd = cwd.map(Path::new).next();
        let mut tally = Tally::default();
        let mut replaced = Counts::default();
        let mut nodes = Vec::new();
        pipeline.events(collected, frozen, &mut replaced, &mut |event| {
            tally += event.get();
            nodes.push(Node::of(event.shortened(&limits).get(), cwd));
            Ok(())
        })?;
        let redactor = pipeline.redactor(collected)?;
        let place = place(&collected.session, host);
        let place = redactor.written(|replace| replace(place)).into_inner();
        let mut traces = tree::grow(nodes);
        let destination = &config.destination;
        if let Some(endpoint) = &destination.endpoint
            && destination.has_key()
        {
            for trace in &mut traces {
                trace.link(endpoint);
            }
        }
        Ok(Self {
            traces,
            tally,
            replaced,
            foreign: collected.foreign.len(),
            is_private: pipeline.recording(collected) != Recording::Full,
            place,
            exclusion: None,
        })
    }

    fn json(&self, collected: &Collected) -> serde_json::Value {
        let session = &collected.session;
        json!({
            "session": session.id,
            "agent": session.agent.as_str(),
            "is_running": collected.state == SessionState::Running,
            "excluded": self.exclusion.as_ref().map(|it| it.cause),
            "events": self.tally.events,
            "secrets_replaced": self.replaced.total(),
            "traces": self.traces,
        })
    }

    fn text(&self, collected: &Collected, width: usize) -> Styled {
        let mut text = Text::new(width);
        text.head(&collected.session, &self.place);
        for trace in &self.traces {
            text.tree(trace);
        }
        text.foot(&self.tally, &self.replaced);
        text.finish()
    }

    /// The reasons why the tree may be smaller than expected.
    fn notes(&self, collected: &Collected) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(exclusion) = &self.exclusion {
            let reason = exclusion.reason();
            notes.push(format!("nothing more of it is sent: {reason}"));
        }
        let links = self.traces.iter().filter_map(|trace| trace.url.as_deref());
        for link in links.take(LINKS) {
            notes.push(format!("in PostHog, once it is sent: {link}"));
        }
        if self.traces.len() > LINKS {
            notes.push("links to all traces and spans: --json".to_owned());
        }
        if collected.state == SessionState::Running {
            notes.push(format!("it {}", words::STILL_RUNNING));
        }
        if self.foreign > 0 {
            let copies = ui::count(self.foreign as u64, "event");
            notes.push(format!(
                "{copies} copied from an earlier session: sent with that one"
            ));
        }
        if self.is_private {
            notes.push("the settings leave content out".to_owned());
        }
        let unreadable = collected.unreadable().iter();
        notes.extend(
            unreadable.map(|(path, reason)| format!("cannot read {}: {reason}", path.display())),
        );
        notes
    }
}
