//! Choice of sessions by arguments.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Local, Utc};

use super::nearest::nearest;
use super::{Exit, WrongUse, without_kind};
use crate::cli::Which;
use crate::host::Host;
use crate::paths;
use crate::session::Agent;
use crate::sources::{self, Glance, Listing, Locator, Reason, SessionRef, Unreadable};
use crate::ui;

/// Number of candidates that an error shows.
const CANDIDATES: usize = 5;

/// Why a file that somebody named has no session, although it is not empty.
const NOTHING: &str = "not a transcript: nothing in it can be read";

/// Conditions that chosen sessions satisfy.
#[derive(Debug, Default)]
pub(super) struct Filter {
    since: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
    /// The folder, as typed and with links resolved.
    project: Vec<PathBuf>,
    /// The agents; empty for all.
    agents: Vec<Agent>,
}

impl Filter {
    pub(super) fn of(which: &Which, host: &Host) -> Result<Self, WrongUse> {
        let now = host.now();
        let since = which.since.map(|since| since.begin(now, &Local));
        let until = which.until.map(|until| until.end(now, &Local));
        if since
            .zip(until)
            .is_some_and(|(since, until)| since >= until)
        {
            return Err(WrongUse(
                "--since is later than --until: no session can match".to_owned(),
            ));
        }
        let project = which.project.as_deref();
        Ok(Self {
            since,
            until,
            project: project.map_or_else(Vec::new, |project| spellings(project, host)),
            agents: which.agent.clone(),
        })
    }

    /// Whether every session passes.
    pub(super) const fn is_open(&self) -> bool {
        self.has_no_limits() && self.agents.is_empty()
    }

    /// Whether every session of the wanted agents passes.
    pub(super) const fn has_no_limits(&self) -> bool {
        self.since.is_none() && self.until.is_none() && self.project.is_empty()
    }

    /// Sessions that were started in the current folder or below it.
    pub(super) fn of_here(host: &Host) -> Self {
        Self {
            project: spellings(Path::new(""), host),
            ..Self::default()
        }
    }

    /// The wanted times, from the first to before the second.
    pub(super) const fn period(&self) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
        (self.since, self.until)
    }

    /// Whether a session's agent is wanted.
    fn admits_agent(&self, agent: Agent) -> bool {
        self.agents.is_empty() || self.agents.contains(&agent)
    }

    /// Whether a session passes: it has messages between the times and was started in the project.
    pub(super) fn passes(&self, found: &SessionRef) -> bool {
        self.is_open()
            || self.admits_agent(found.agent)
                && self.admits(&found.glance(), &|| found.last_written())
    }

    fn admits(&self, glance: &Glance, last_written: &dyn Fn() -> Option<DateTime<Utc>>) -> bool {
        let begins = |until| glance.started_at.is_some_and(|begin| begin < until);
        let lasts = |since| last_written().is_some_and(|end| end >= since);
        let is_below = |cwd: &String| {
            let cwd = Path::new(cwd);
            let lies_in = |path: &Path| self.project.iter().any(|it| paths::is_below(path, it));
            lies_in(cwd) || !self.project.is_empty() && lies_in(&paths::without_links(cwd))
        };
        self.until.is_none_or(begins)
            && (self.project.is_empty() || glance.cwd.as_ref().is_some_and(is_below))
            && self.since.is_none_or(lasts)
    }
}

/// The spellings with which a transcript may name a folder.
fn spellings(folder: &Path, host: &Host) -> Vec<PathBuf> {
    let cwd = host.cwd.as_deref().unwrap_or(Path::new(""));
    let all = paths::spellings(&cwd.join(folder)).into_iter();
    all.map(|path| PathBuf::from(path.to_string_lossy().into_owned()))
        .collect()
}

/// The session that an argument names; without one, the newest of the current project.
pub(super) fn one(argument: Option<&PathBuf>, host: &Host) -> Result<SessionRef, WrongUse> {
    let Some(argument) = argument else {
        let mut newest = newest(sources::of_project(host), &Filter::default(), host)?;
        told(&newest.unreadable);
        return Ok(newest.found.remove(0));
    };
    let Listing {
        mut found,
        unreadable,
    } = named(std::slice::from_ref(argument), host)?;
    told(&unreadable);
    if found.is_empty() {
        return Err(no_session(argument));
    }
    // Of several transcripts of one session, the largest is the most complete.
    found.sort_by_key(|transcript| Reverse(transcript.bytes));
    let found = each_once(found);
    if let [session] = found.as_slice() {
        return Ok(session.clone());
    }
    // A session in a file of several is named below the file.
    let is_file = argument.is_file();
    let names = found.iter().map(|session| {
        if is_file {
            argument.join(&session.id).display().to_string()
        } else {
            session.id.clone()
        }
    });
    Err(WrongUse(format!(
        "{} holds {} sessions; name one of them:\n{}",
        argument.display(),
        found.len(),
        listed(names)
    )))
}

/// The sessions that the arguments name: ids, beginnings of ids, transcripts, folders.
pub(super) fn named(arguments: &[PathBuf], host: &Host) -> Result<Listing<SessionRef>, WrongUse> {
    let mut selected: Listing<SessionRef> = Listing::default();
    let mut known = None;
    for argument in arguments {
        let found = if sources::holds_many(argument) {
            let listing = folder(argument, host)?;
            selected.unreadable.extend(listing.unreadable);
            listing.found
        } else if let Some(found) = SessionRef::at(argument) {
            let is_file = matches!(found.locator, Locator::File(_));
            if is_file && sources::holds_no_object(argument) {
                selected.unreadable.push(Unreadable {
                    path: argument.clone(),
                    reason: Reason::Error(NOTHING.to_owned()),
                });
                continue;
            }
            vec![found]
        } else if argument.exists() {
            return Err(WrongUse(format!("{} cannot be read", argument.display())));
        } else {
            by_id(argument, known.get_or_insert_with(|| sources::all(host)))?
        };
        for session in found {
            if !selected.found.contains(&session) {
                selected.found.push(session);
            }
        }
    }
    Ok(selected)
}

/// The sessions among `all` that ids or beginnings of ids name.
pub(super) fn by_ids(
    arguments: &[PathBuf],
    known: &Listing<SessionRef>,
) -> Result<Listing<SessionRef>, WrongUse> {
    let mut selected = Listing::default();
    for argument in arguments {
        for session in by_id(argument, known)? {
            if !selected.found.contains(&session) {
                selected.found.push(session);
            }
        }
    }
    Ok(selected)
}

/// Prints the paths that could not be listed. Returns whether there were none; links out of the
/// user's own folders are skipped on purpose and do not count.
pub(super) fn told(unreadable: &[Unreadable]) -> Exit {
    for line in in_words(unreadable) {
        ui::say(line);
    }
    if unreadable.iter().all(Unreadable::is_left_alone) {
        Exit::Done
    } else {
        Exit::Incomplete
    }
}

/// Messages about folders that could not be listed, one for each, and one message for all links
/// that were not followed.
pub(super) fn in_words(unreadable: &[Unreadable]) -> Vec<String> {
    let (left_alone, failed): (Vec<_>, Vec<_>) =
        unreadable.iter().partition(|it| it.is_left_alone());
    let failed = failed.iter();
    let mut lines: Vec<String> = failed
        .map(|it| format!("{it}; sessions in it are left out"))
        .collect();
    if let [first, ..] = left_alone.as_slice() {
        let number = ui::count(left_alone.len() as u64, "link");
        lines.push(format!("{number} not followed: {first}"));
    }
    lines
}

/// The newest session of the current project, and the folders that could not be listed.
pub(super) fn newest(
    mut sessions: Listing<SessionRef>,
    filter: &Filter,
    host: &Host,
) -> Result<Listing<SessionRef>, WrongUse> {
    sessions
        .found
        .retain(|found| filter.admits_agent(found.agent));
    sessions.found.truncate(1);
    if !sessions.found.is_empty() {
        return Ok(sessions);
    }
    told(&sessions.unreadable);
    Err({
        let here = host
            .cwd
            .as_deref()
            .unwrap_or(Path::new("this folder"))
            .display()
            .to_string();
        WrongUse(if sources::all(host).found.is_empty() {
            format!(
                "no session found, of {here} or any other folder; `posthog-llma doctor` says where \
                 they are looked for"
            )
        } else {
            format!(
                "no session of {here} found; name a session: `posthog-llma ingest --list` shows them"
            )
        })
    })
}

fn folder(path: &Path, host: &Host) -> Result<Listing<SessionRef>, WrongUse> {
    let found = sources::below_for(path, host);
    // A damaged file is not the mistake of whoever named it.
    if found.found.is_empty() && found.unreadable.iter().all(Unreadable::is_left_alone) {
        told(&found.unreadable);
        let what = if path.is_dir() {
            "no transcripts (*.jsonl) and no files of OpenTelemetry (such as *.json, *.jsonl, *.gz, *.pb)"
        } else {
            return Err(no_session(path));
        };
        return Err(WrongUse(format!("{what} in {}", path.display())));
    }
    Ok(found)
}

fn no_session(path: &Path) -> WrongUse {
    WrongUse(format!("no session in {}", path.display()))
}

/// The transcripts of the session named by an id or its beginning.
fn by_id(argument: &Path, known: &Listing<SessionRef>) -> Result<Vec<SessionRef>, WrongUse> {
    let found = find(argument, &known.found);
    if found.is_err() {
        told(&known.unreadable);
    }
    found
}

fn find(argument: &Path, known: &[SessionRef]) -> Result<Vec<SessionRef>, WrongUse> {
    let typed = argument.to_string_lossy().to_lowercase();
    // Traces of two routes may have the same id; then the route before the id distinguishes them.
    let has_route = typed.contains('/');
    let wanted = if has_route {
        typed
    } else {
        without_kind(&typed).to_owned()
    };
    let id_of = |session: &SessionRef| {
        if has_route {
            session.session_key().to_lowercase()
        } else {
            without_kind(&session.id).to_lowercase()
        }
    };
    let matching: Vec<&SessionRef> = known
        .iter()
        .filter(|session| id_of(session).starts_with(&wanted))
        .collect();
    let exact: Vec<&SessionRef> = matching
        .iter()
        .filter(|session| id_of(session) == wanted)
        .copied()
        .collect();
    match (exact.first(), matching.as_slice()) {
        (Some(session), _) if exact.iter().all(|it| it.is_copy_of(session)) => {
            Ok(copies(session, &matching))
        }
        (Some(_), _) => Err(WrongUse(format!(
            "{} traces have this id; name one of them:\n{}",
            exact.len(),
            lines(&exact)
        ))),
        (None, [session, others @ ..]) if others.iter().all(|it| it.is_copy_of(session)) => {
            Ok(copies(session, &matching))
        }
        (None, []) => {
            let newest: Vec<&SessionRef> = known.iter().collect();
            let hint = match nearest(&wanted, known).as_slice() {
                _ if known.is_empty() => "no sessions were found".to_owned(),
                [] => format!("the newest are:\n{}", lines(&newest)),
                nearest => format!("the nearest are:\n{}", lines(nearest)),
            };
            Err(WrongUse(format!(
                "no session or file {:?}; {hint}",
                argument.display()
            )))
        }
        (None, several) => Err(WrongUse(format!(
            "{} sessions begin with {wanted:?}; name one of them:\n{}",
            several.len(),
            lines(several)
        ))),
    }
}

/// The transcripts of a session among `all`.
fn copies(session: &SessionRef, all: &[&SessionRef]) -> Vec<SessionRef> {
    let is_copy = |it: &&&SessionRef| **it == session || it.is_copy_of(session);
    all.iter().filter(is_copy).map(|it| (*it).clone()).collect()
}

/// Each session once, at the position of the first of its transcripts.
pub(super) fn each_once(transcripts: Vec<SessionRef>) -> Vec<SessionRef> {
    let mut seen: HashMap<(Agent, String), Vec<SessionRef>> = HashMap::new();
    let mut sessions = Vec::with_capacity(transcripts.len());
    for found in transcripts {
        let of_id = seen.entry((found.agent, found.id.clone())).or_default();
        if !of_id.iter().any(|it| it.is_copy_of(&found)) {
            of_id.push(found.clone());
            sessions.push(found);
        }
    }
    sessions
}

/// The id of a session; for a trace that came by another route than the default, preceded by the
/// route.
fn name(session: &SessionRef) -> String {
    let is_of_settings = session.route().is_none_or(|route| route.is_main());
    if is_of_settings {
        session.id.clone()
    } else {
        session.session_key()
    }
}

fn lines(sessions: &[&SessionRef]) -> String {
    listed(sessions.iter().map(|session| name(session)))
}

/// Some of the names, one per line.
fn listed(names: impl ExactSizeIterator<Item = String>) -> String {
    let number = names.len();
    let mut lines: Vec<String> = names.take(CANDIDATES).map(|it| format!("  {it}")).collect();
    if number > CANDIDATES {
        lines.push(format!("  and {} more", number - CANDIDATES));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::session::Agent;
    use crate::sources::Locator;

    fn known() -> Vec<SessionRef> {
        let found = |id: &str| SessionRef {
            agent: Agent::ClaudeCode,
            id: id.to_owned(),
            locator: Locator::File(format!("/p/{id}.jsonl").into()),
            bytes: 1,
            modified: SystemTime::UNIX_EPOCH,
        };
        vec![
            found("4f2a-one"),
            found("4f2b-two"),
            found("4f2"),
            found("99"),
        ]
    }

    #[test]
    fn sessions_are_chosen_by_their_own_times_and_folder() {
        let day = |day: u32| format!("2026-03-{day:02}T00:00:00Z").parse().ok();
        let glance = Glance {
            started_at: day(10),
            cwd: Some("/home/ada/book shop/api".to_owned()),
            prompt: None,
        };
        let nowhere = Glance::default();
        for (since, until, project, passes) in [
            (None, None, None, true),
            (day(12), None, None, true),
            (day(13), None, None, false),
            (None, day(11), None, true),
            (None, day(10), None, false),
            (day(11), day(12), None, true),
            (day(1), day(9), None, false),
            (None, None, Some("/home/ada/book shop"), true),
            (None, None, Some("/home/ada/book shop/api/"), true),
            (None, None, Some("/home/ada/book"), false),
            (None, None, Some("/home/ada/book shop/api/src"), false),
            (day(13), None, Some("/home/ada/book shop"), false),
        ] {
            let filter = Filter {
                since,
                until,
                project: project.into_iter().map(PathBuf::from).collect(),
                agents: Vec::new(),
            };
            assert_eq!(filter.admits(&glance, &|| day(12)), passes, "{filter:?}");
            let is_open = filter.is_open();
            assert_eq!(filter.admits(&nowhere, &|| None), is_open, "{filter:?}");
        }
    }

    #[test]
    fn an_id_or_its_unique_beginning_selects_a_session() {
        for (typed, expected) in [
            ("4f2a", "4f2a-one"),
            ("4F2B-TWO", "4f2b-two"),
            ("4f2", "4f2"),
        ] {
            let found = find(Path::new(typed), &known());
            let ids = found.map(|found| found.into_iter().map(|it| it.id).collect::<Vec<_>>());
            assert_eq!(ids, Ok(vec![expected.to_owned()]));
        }
    }

    #[test]
    fn the_transcripts_of_one_session_are_no_choice() {
        let copy = |folder: &str, id: &str| SessionRef {
            locator: Locator::File(format!("/{folder}/{id}.jsonl").into()),
            id: id.to_owned(),
            ..known()[0].clone()
        };
        let known = [copy("p", "4f2a"), copy("q", "4f2a"), copy("p", "77")];
        for typed in ["4f2a", "4f"] {
            let found = find(Path::new(typed), &known);
            assert_eq!(found.as_deref(), Ok(&known[..2]), "{typed}");
        }
        assert_eq!(
            each_once(known.to_vec()),
            [known[0].clone(), known[2].clone()]
        );
    }

    #[test]
    fn what_is_ambiguous_or_unknown_gets_candidates() {
        let ambiguous = find(Path::new("4f"), &known()).unwrap_err().to_string();
        assert!(ambiguous.contains("3 sessions begin with"), "{ambiguous}");
        let unknown = find(Path::new("98"), &known()).unwrap_err().to_string();
        assert!(
            unknown.starts_with("no session or file \"98\"; the nearest are:\n  99"),
            "{unknown}"
        );
        let far = find(Path::new("zz"), &known()).unwrap_err().to_string();
        assert!(far.contains("the newest are:\n  4f2a-one\n"), "{far}");
        let nothing = find(Path::new("98"), &[]).unwrap_err().to_string();
        assert!(nothing.contains("no sessions were found"), "{nothing}");
    }
}
