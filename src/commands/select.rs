//! Which sessions the arguments mean.

use std::path::{Path, PathBuf};

use super::WrongUse;
use crate::host::Host;
use crate::sources::{self, Found};

/// How many candidates an error shows.
const CANDIDATES: usize = 5;

/// The sessions that `arguments` name: ids, beginnings of ids, transcripts, folders.
pub(super) fn named(arguments: &[PathBuf], host: &Host) -> Result<Vec<Found>, WrongUse> {
    let mut selected: Vec<Found> = Vec::new();
    let mut known = None;
    for argument in arguments {
        let found = if argument.is_dir() {
            folder(argument)?
        } else if argument.exists() {
            let found = Found::at(argument);
            vec![found.ok_or_else(|| WrongUse(format!("{} cannot be read", argument.display())))?]
        } else {
            vec![by_id(
                argument,
                known.get_or_insert_with(|| sources::all(host)),
            )?]
        };
        for session in found {
            if !selected.contains(&session) {
                selected.push(session);
            }
        }
    }
    Ok(selected)
}

/// The newest session of the project that the program runs in.
pub(super) fn newest(host: &Host) -> Result<Vec<Found>, WrongUse> {
    let newest = sources::of_project(host).into_iter().next();
    let newest = newest.ok_or_else(|| {
        let here = host
            .cwd
            .as_deref()
            .unwrap_or(Path::new("this folder"))
            .display()
            .to_string();
        WrongUse(format!(
            "no session of {here} found; name a session (`ingest --list` shows them) or use --all"
        ))
    })?;
    Ok(vec![newest])
}

fn folder(path: &Path) -> Result<Vec<Found>, WrongUse> {
    let found = sources::below(path);
    if found.is_empty() {
        return Err(WrongUse(format!(
            "no transcripts (*.jsonl) in {}",
            path.display()
        )));
    }
    Ok(found)
}

fn by_id(argument: &Path, known: &[Found]) -> Result<Found, WrongUse> {
    let wanted = argument.to_string_lossy().to_lowercase();
    let matching: Vec<&Found> = known
        .iter()
        .filter(|session| session.id.to_lowercase().starts_with(&wanted))
        .collect();
    let exact = matching
        .iter()
        .find(|session| session.id.to_lowercase() == wanted);
    match (exact, matching.as_slice()) {
        (Some(session), _) | (None, [session]) => Ok((*session).clone()),
        (None, []) => {
            let nearest = nearest(&wanted, known);
            let hint = if nearest.is_empty() {
                "no sessions were found in Claude Code's folder".to_owned()
            } else {
                format!("the nearest are:\n{}", lines(&nearest))
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

/// The sessions whose ids share the most with what was typed.
fn nearest<'a>(wanted: &str, known: &'a [Found]) -> Vec<&'a Found> {
    let mut ranked: Vec<&Found> = known.iter().collect();
    // Stable: of equally near ones the newest stay first.
    ranked.sort_by_key(|session| {
        let common = session
            .id
            .chars()
            .zip(wanted.chars())
            .take_while(|(a, b)| a == b)
            .count();
        std::cmp::Reverse(common)
    });
    ranked.truncate(CANDIDATES);
    ranked
}

fn lines(sessions: &[&Found]) -> String {
    let shown = sessions.iter().take(CANDIDATES);
    shown
        .map(|session| format!("  {}", session.id))
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::session::Agent;

    fn known() -> Vec<Found> {
        let found = |id: &str| Found {
            agent: Agent::ClaudeCode,
            id: id.to_owned(),
            path: PathBuf::from(format!("/p/{id}.jsonl")),
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
    fn an_id_or_its_unique_beginning_selects_a_session() {
        for (typed, expected) in [
            ("4f2a", "4f2a-one"),
            ("4F2B-TWO", "4f2b-two"),
            ("4f2", "4f2"),
        ] {
            assert_eq!(
                by_id(Path::new(typed), &known()).map(|found| found.id),
                Ok(expected.into())
            );
        }
    }

    #[test]
    fn what_is_ambiguous_or_unknown_gets_candidates() {
        let ambiguous = by_id(Path::new("4f"), &known()).unwrap_err().to_string();
        assert!(ambiguous.contains("3 sessions begin with"), "{ambiguous}");
        let unknown = by_id(Path::new("98"), &known()).unwrap_err().to_string();
        assert!(
            unknown.starts_with("no session or file \"98\"; the nearest are:\n  99"),
            "{unknown}"
        );
        let nothing = by_id(Path::new("98"), &[]).unwrap_err().to_string();
        assert!(nothing.contains("no sessions were found"), "{nothing}");
    }
}
