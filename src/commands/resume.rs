//! `posthog-llma resume`: includes a session again that was paused or forgotten.

use std::path::Path;

use super::{Exit, WrongUse, excluded, refuse_inside_agent, short, typed, without_kind};
use crate::cli;
use crate::host::Host;
use crate::inbox::{self, Inbox, Reader, TraceKey};
use crate::outbox::{Cause, Exclusion, Exclusions};
use crate::session::Agent;
use crate::sources;
use crate::ui;

pub(super) fn run(arguments: &cli::Resume, host: &Host) -> anyhow::Result<Exit> {
    refuse_inside_agent(&typed(&host.arguments), host)?;
    let directories = excluded::state_dirs(host)?;
    let mut all: Vec<Exclusion> = Vec::new();
    for directory in &directories {
        for exclusion in Exclusions::of(directory).all()? {
            let is_known = all.iter().any(|it| is_same(it, &exclusion));
            if !is_known {
                all.push(exclusion);
            }
        }
    }
    let chosen = choose(arguments.session.as_deref(), &all)?;
    for directory in &directories {
        Exclusions::of(directory).remove(chosen)?;
    }
    let id = short(&chosen.session);
    let mut is_received = false;
    for directory in &directories {
        is_received |= read_again(chosen, directory)?;
    }
    let cause = chosen.cause.word();
    if is_received {
        ui::say_in_lines(format_args!(
            "trace {id} is no longer {cause}: posthog-llma serve sends it, or now posthog-llma flush"
        ));
    } else {
        ui::say_in_lines(format_args!(
            "session {id} is no longer {cause}: it is sent with the next session of {}, or now with \
             posthog-llma ingest {id}",
            agent_of(chosen)
        ));
    }
    Ok(Exit::Done)
}

/// Makes received traces wait to be mapped again, since no hook would read them: the excluded
/// trace, and traces in which a gateway reports the session. Returns whether the exclusion is of a
/// trace that still exists.
fn read_again(exclusion: &Exclusion, directory: &Path) -> anyhow::Result<bool> {
    if !inbox::is_there(directory) {
        return Ok(false);
    }
    let trace = sources::trace_of_key(&exclusion.agent, &exclusion.session);
    let is_trace = trace.is_some();
    let traces = match trace {
        Some(trace) => vec![trace],
        None => naming(&exclusion.session, directory)?,
    };
    if traces.is_empty() {
        return Ok(false);
    }
    let inbox = Inbox::open(directory, inbox::Settings::default())?;
    Ok(inbox.mark_waiting(traces)? > 0 && is_trace)
}

/// The received traces that name a session, and those that report the same calls.
fn naming(session: &str, directory: &Path) -> anyhow::Result<Vec<TraceKey>> {
    let Some(reader) = Reader::open(directory)? else {
        return Ok(Vec::new());
    };
    let mut traces = Vec::new();
    for trace in reader.naming(session)? {
        let key = trace.revision.key;
        traces.extend(reader.of_same_requests(&key)?);
        traces.extend(reader.reports_with(&key)?);
        traces.extend(reader.summary(&key)?);
    }
    Ok(traces.into_iter().map(|it| it.revision.key).collect())
}

/// The name of the agent of a session.
fn agent_of(exclusion: &Exclusion) -> &str {
    let known = Agent::ALL.into_iter();
    let known = known.map(|agent| (agent.as_str(), agent.name()));
    let mut known = known.filter(|(id, _)| *id == exclusion.agent);
    known.next().map_or(&exclusion.agent, |(_, name)| name)
}

fn is_same(one: &Exclusion, other: &Exclusion) -> bool {
    (&one.agent, &one.session) == (&other.agent, &other.session)
}

/// The excluded session whose id begins with `wanted`; without it, the only paused one.
fn choose<'a>(wanted: Option<&str>, all: &'a [Exclusion]) -> Result<&'a Exclusion, WrongUse> {
    let wanted = wanted.map(|typed| without_kind(typed).to_lowercase());
    let id_of = |exclusion: &Exclusion| without_kind(&exclusion.session).to_lowercase();
    let matches = |exclusion: &&Exclusion| match &wanted {
        Some(wanted) => id_of(exclusion).starts_with(wanted),
        None => exclusion.cause == Cause::Paused,
    };
    let matching: Vec<&Exclusion> = all.iter().filter(matches).collect();
    match (matching.as_slice(), &wanted) {
        ([one], _) => Ok(one),
        ([], None) if all.is_empty() => Err(WrongUse("no session is paused".to_owned())),
        ([], None) => Err(WrongUse(format!(
            "no session is paused; name the forgotten one that is to be sent again{}",
            lines(&all.iter().collect::<Vec<_>>())
        ))),
        ([], Some(wanted)) => Err(WrongUse(format!(
            "no session that is paused or forgotten begins with {wanted:?}{}",
            lines(&all.iter().collect::<Vec<_>>())
        ))),
        (several, Some(wanted)) => {
            let exact = several.iter().find(|it| id_of(it) == *wanted);
            exact.copied().ok_or_else(|| which(several))
        }
        (several, None) => Err(which(several)),
    }
}

fn which(several: &[&Exclusion]) -> WrongUse {
    WrongUse(format!("name one of them{}", lines(several)))
}

fn lines(exclusions: &[&Exclusion]) -> String {
    let lines = exclusions.iter().map(|it| {
        let Exclusion { session, cause, .. } = it;
        format!("\n  {session}  {}", cause.word())
    });
    let lines: String = lines.collect();
    if lines.is_empty() {
        lines
    } else {
        format!(":{lines}")
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn excluded(session: &str, cause: Cause) -> Exclusion {
        Exclusion {
            agent: "claude-code".to_owned(),
            session: session.to_owned(),
            cause,
            since: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_session_is_chosen_by_the_beginning_of_its_id_or_as_the_only_one_that_is_paused() {
        let all = [
            excluded("4f2a-one", Cause::Paused),
            excluded("4f2a", Cause::Forgotten),
            excluded("ses_de12", Cause::Forgotten),
        ];
        for (typed, expected) in [
            (None, "4f2a-one"),
            (Some("4F2A-"), "4f2a-one"),
            (Some("4f2a"), "4f2a"),
            (Some("de"), "ses_de12"),
            (Some("ses_d"), "ses_de12"),
        ] {
            assert_eq!(
                choose(typed, &all).map(|it| it.session.as_str()),
                Ok(expected)
            );
        }
        let refused = |typed, all: &[Exclusion]| choose(typed, all).unwrap_err().to_string();
        assert_eq!(refused(None, &[]), "no session is paused");
        let forgotten = refused(None, &all[1..]);
        assert!(forgotten.ends_with("again:\n  4f2a  forgotten\n  ses_de12  forgotten"));
        assert!(refused(Some("4f"), &all).starts_with("name one of them:\n  4f2a-one  paused"));
        assert!(refused(Some("77"), &all).contains("begins with \"77\":\n  4f2a-one"));
        assert!(refused(Some("77"), &[]).ends_with("begins with \"77\""));
    }
}
