//! The rows of a report, whatever its format.

use std::collections::{BTreeSet, HashSet};

use serde_json::{Value, json};

use crate::commands::short;
use crate::usage::{By, Numbers, OfSession, Usage};

/// A row: a group and its sums.
pub(super) struct Row<'a> {
    by: By,
    pub(super) name: Option<&'a str>,
    /// The project of a session; that of a branch too, if there are several.
    pub(super) project: Option<&'a str>,
    pub(super) pull_requests: Option<&'a BTreeSet<String>>,
    pub(super) session: Option<&'a OfSession>,
    pub(super) numbers: &'a Numbers,
}

/// The rows: by time, or else the largest first.
pub(super) fn rows(usage: &Usage) -> Vec<Row<'_>> {
    let by = usage.by();
    if by == By::Branch {
        let projects: HashSet<_> = usage.branches.iter().map(|it| &it.project).collect();
        let branches = usage.branches.iter();
        return branches
            .map(|it| Row {
                by,
                name: it.branch.as_deref(),
                project: it.project.as_deref().filter(|_| projects.len() > 1),
                pull_requests: Some(&it.pull_requests),
                session: None,
                numbers: &it.numbers,
            })
            .collect();
    }
    let groups = usage.groups.iter();
    groups
        .map(|it| {
            let session = it.name.as_ref().and_then(|id| usage.sessions.get(id));
            Row {
                by,
                name: it.name.as_deref(),
                project: session.and_then(|session| session.project.as_deref()),
                pull_requests: None,
                session,
                numbers: &it.total,
            }
        })
        .collect()
}

impl Row<'_> {
    /// Name for people.
    pub(super) fn label(&self) -> String {
        let name = self.name.unwrap_or(match self.by {
            By::Pr => "no pull request",
            By::User => "no person",
            By::Branch => "no branch",
            By::Project => "no project",
            By::Model => "no model",
            _ => "unknown",
        });
        match (self.by, self.project) {
            (By::Pr, _) => pull_request(name).unwrap_or_else(|| name.to_owned()),
            (By::Model, _) => without_date(name).to_owned(),
            (By::Session, project) => {
                let project = project.map(|project| format!(" {project}"));
                short(name) + project.as_deref().unwrap_or_default()
            }
            (_, Some(project)) => format!("{name} ({project})"),
            (_, None) => name.to_owned(),
        }
    }

    /// The shortest name for people.
    pub(super) fn short_label(&self) -> String {
        let label = self.label();
        let is_pull_request = self.by == By::Pr && self.name.and_then(pull_request).is_some();
        match label.rsplit_once('/') {
            Some((_, own)) if is_pull_request => own.to_owned(),
            _ => label,
        }
    }

    /// Page of the session in PostHog.
    pub(super) fn url(&self) -> Option<&str> {
        self.session?.url.as_deref()
    }

    pub(super) fn as_json(&self) -> Value {
        let mut row = json!({ "name": self.name });
        if self.by == By::Branch {
            row["project"] = self.project.into();
            row["pull_requests"] = json!(self.pull_requests);
        }
        if let Some(session) = self.session {
            row["agent"] = session.agent.as_str().into();
            row["project"] = self.project.into();
            row["url"] = self.url().into();
        }
        row["numbers"] = json!(self.numbers);
        row
    }
}

/// `owner/repository#number` from the address of a pull request; with the host before it, unless that
/// is GitHub's own.
pub(super) fn pull_request(address: &str) -> Option<String> {
    let path = address.strip_prefix("https://")?.trim_end_matches('/');
    let parts: Vec<&str> = path.split('/').collect();
    let [host, owner, repository, kind, number] = parts.as_slice() else {
        return None;
    };
    let is_number = !number.is_empty() && number.bytes().all(|it| it.is_ascii_digit());
    if *kind != "pull" || !is_number {
        return None;
    }
    let name = format!("{owner}/{repository}#{number}");
    Some(match *host {
        "github.com" => name,
        host => format!("{host}/{name}"),
    })
}

/// The name of a model without its version's date.
fn without_date(name: &str) -> &str {
    let dated = name.rsplit_once('-');
    let is_date = |it: &str| it.len() == 8 && it.bytes().all(|it| it.is_ascii_digit());
    dated.map_or(
        name,
        |(model, date)| if is_date(date) { model } else { name },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_pull_request_is_shortened() {
        for (address, expected) in [
            (
                "https://github.com/ada/bookshop/pull/12",
                Some("ada/bookshop#12"),
            ),
            (
                "https://github.com/ada/bookshop/pull/12/",
                Some("ada/bookshop#12"),
            ),
            (
                "https://git.example.com/ada/bookshop/pull/12",
                Some("git.example.com/ada/bookshop#12"),
            ),
            ("https://github.com/ada/bookshop/issues/12", None),
            ("https://github.com/ada/bookshop/pull/", None),
            ("http://github.com/ada/bookshop/pull/12", None),
            ("12", None),
        ] {
            assert_eq!(pull_request(address).as_deref(), expected, "{address}");
        }
    }

    #[test]
    fn a_model_is_named_without_its_date() {
        for (name, expected) in [
            ("claude-opus-4-5-20251101", "claude-opus-4-5"),
            ("claude-opus-4-5", "claude-opus-4-5"),
            ("gpt", "gpt"),
        ] {
            assert_eq!(without_date(name), expected);
        }
    }
}
