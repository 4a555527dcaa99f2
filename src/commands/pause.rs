//! `posthog-llma pause`: excludes a session from sending until `resume`.
//!
//! It also runs inside coding agents. A project that caused it can only make its own sessions more
//! private, which its settings can do as well.

use super::excluded::{self, Named};
use super::select::{self, Filter};
use super::{Exit, WrongUse, is_inside_agent, short};
use crate::cli;
use crate::consent::{Caller, Environment};
use crate::host::Host;
use crate::outbox::Cause;
use crate::session::Agent;
use crate::sources::{self, SessionRef};
use crate::ui;
use crate::variables::Variable;

pub(super) fn run(arguments: &cli::Pause, host: &Host) -> anyhow::Result<Exit> {
    let environment = Environment::of(host, Caller::of_command(host));
    let host = &environment.host;
    let sessions = match &arguments.session {
        Some(_) if is_inside_agent(host) => {
            let what = "inside a coding agent pause takes the session that it runs in and no \
                        other; name another one in a terminal of your own";
            return Err(WrongUse(what.to_owned()).into());
        }
        Some(_) => vec![Named::of(&select::one(arguments.session.as_ref(), host)?)],
        None => here(host)?,
    };
    for session in &sessions {
        let withdrawal = excluded::exclude(session, Cause::Paused, host)?;
        let id = short(&session.key);
        if session.agent == Agent::Otlp {
            ui::say_in_lines(format_args!(
                "trace {id} is paused: nothing more of it is sent"
            ));
        } else {
            ui::say_in_lines(format_args!(
                "session {id} of {} is paused: nothing more of it is sent, not even earlier messages",
                session.agent.name(),
            ));
        }
        excluded::say(session, &withdrawal);
    }
    Ok(Exit::Done)
}

/// The sessions that the command runs in: those that the agents name, or else the newest of the
/// project. An agent inside another gives two.
fn here(host: &Host) -> Result<Vec<Named>, WrongUse> {
    let named = [of_claude_code(host), of_pi(host)];
    let named: Vec<Named> = named.into_iter().flatten().collect();
    if !named.is_empty() {
        return Ok(named);
    }
    let mut sessions = sources::of_project(host);
    if let Some(agent) = inside(host) {
        sessions.found.retain(|found| found.agent == agent);
    }
    let newest = select::newest(sessions, &Filter::default(), host)?;
    Ok(newest.found.iter().map(Named::of).collect())
}

/// Claude Code names the session from its first prompt on, possibly before the transcript exists
/// (observed with 2.1.329 to 2.1.332).
fn of_claude_code(host: &Host) -> Option<Named> {
    let id = host.variable(Variable::ClaudeSessionId).ok().flatten()?;
    let found = sources::locate(Agent::ClaudeCode, id, host);
    let found = found.and_then(|path| SessionRef::at(&path));
    Some(found.as_ref().map_or_else(
        || Named {
            agent: Agent::ClaudeCode,
            key: id.to_owned(),
        },
        Named::of,
    ))
}

/// Pi names the file of the session, which it writes with the first answer (observed with 0.87).
fn of_pi(host: &Host) -> Option<Named> {
    let file = host.path_variable(Variable::PiSessionFile)?;
    if let Some(found) = SessionRef::at(&file) {
        return Some(Named::of(&found));
    }
    let id = host.variable(Variable::PiSessionId).ok().flatten()?;
    Some(Named {
        agent: Agent::Pi,
        key: id.to_owned(),
    })
}

/// The agent that runs the command, if its sessions can be read.
fn inside(host: &Host) -> Option<Agent> {
    let agents = [
        (Variable::InsideOpencode, Agent::OpenCode),
        (Variable::InsidePi, Agent::Pi),
        (Variable::InsideClaudeCode, Agent::ClaudeCode),
    ];
    let inside = agents.iter().find(|(variable, _)| host.has(*variable));
    inside.map(|(_, agent)| *agent)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use chrono::Utc;

    use super::*;

    #[test]
    fn the_sessions_are_those_that_the_agents_around_the_command_name() {
        let home = tempfile::tempdir().unwrap();
        let mut bare = Host::bare(Utc::now);
        bare.home = Some(home.path().to_owned());
        let file = home.path().join("2026-03-02T09-30-00-000Z_01a21ec9.jsonl");
        fs::write(
            &file,
            r#"{"type":"session","version":3,"id":"01a21ec9-ad37-755c-832c-f7af7b9154a9","timestamp":"2026-03-02T09:30:00.000Z","cwd":"/p"}"#,
        )
        .unwrap();
        let file = file.to_str().unwrap();
        let claude = (Variable::ClaudeSessionId, "4f2a");
        let pi = [
            (Variable::PiSessionFile, file),
            (Variable::PiSessionId, "id"),
        ];
        let early = [(Variable::PiSessionFile, "/not/there.jsonl"), pi[1]];
        let of_claude = (Agent::ClaudeCode, "4f2a");
        let of_pi = (Agent::Pi, "01a21ec9-ad37-755c-832c-f7af7b9154a9");
        for (variables, expected) in [
            (&[claude][..], &[of_claude][..]),
            (&pi, &[of_pi]),
            // The file does not exist before the first answer.
            (&early, &[(Agent::Pi, "id")]),
            // Two agents name a session: one runs inside the other, in either order.
            (&[claude, pi[0]], &[of_claude, of_pi]),
        ] {
            let host = variables.iter().fold(bare.clone(), |host, (name, value)| {
                host.with(name.name(), value)
            });
            let here = here(&host).unwrap();
            let here: Vec<_> = here.iter().map(|it| (it.agent, it.key.as_str())).collect();
            assert_eq!(here, expected, "{variables:?}");
        }
        assert!(here(&bare).is_err());
    }
}
