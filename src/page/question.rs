//! The parameters of requests, from their queries.

use std::str::FromStr;

use chrono::{DateTime, Local, Utc};
use hyper::StatusCode;

use super::answer::Failure;
use super::catalogue::Listed;
use crate::cli::When;
use crate::host::Host;

/// The parameters of a request.
pub(super) struct Question(Vec<(String, String)>);

/// Conditions on sessions, as on the command line.
#[derive(Debug, Default)]
pub(super) struct Filter {
    pub(super) since: Option<DateTime<Utc>>,
    pub(super) until: Option<DateTime<Utc>>,
    project: Option<String>,
    agent: Option<String>,
}

impl Question {
    pub(super) fn of(query: Option<&str>) -> Self {
        let fields = query.unwrap_or_default().split('&');
        let fields = fields.filter_map(|field| {
            let (name, value) = field.split_once('=')?;
            Some((decoded(name), decoded(value)))
        });
        Self(fields.collect())
    }

    /// A parameter; `None` if it is missing or empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut fields = self.0.iter();
        let value = fields.find_map(|(known, value)| (known == name).then_some(value.as_str()))?;
        (!value.is_empty()).then_some(value)
    }

    /// A required parameter.
    pub(super) fn need(&self, name: &str) -> Result<&str, Failure> {
        self.get(name).ok_or_else(|| wrong(name, "is missing"))
    }

    /// A parameter parsed into a type.
    pub(super) fn parsed<T: FromStr>(&self, name: &str) -> Result<Option<T>, Failure> {
        let value = self.get(name).map(str::parse).transpose();
        value.map_err(|_| wrong(name, "cannot be read"))
    }

    pub(super) fn filter(&self, host: &Host) -> Result<Filter, Failure> {
        let now = host.now();
        let since: Option<When> = self.parsed("since")?;
        let until: Option<When> = self.parsed("until")?;
        Ok(Filter {
            since: since.map(|since| since.begin(now, &Local)),
            until: until.map(|until| until.end(now, &Local)),
            project: self.get("project").map(str::to_owned),
            agent: self.get("agent").map(str::to_owned),
        })
    }
}

impl Filter {
    pub(super) fn passes(&self, session: &Listed) -> bool {
        self.since.is_none_or(|since| session.ended_at() >= since)
            && self.until.is_none_or(|until| session.started_at() < until)
            && (self.project.as_deref()).is_none_or(|it| session.project() == Some(it))
            && self.agent.as_ref().is_none_or(|it| session.agent() == it)
    }
}

fn wrong(name: &str, what: &str) -> Failure {
    let error = format!("the parameter {name} {what}");
    Failure::new(StatusCode::BAD_REQUEST, &error, "reload the page")
}

/// A part of a query as text. Invalid UTF-8 is replaced.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let hex = bytes.get(at + 1..at + 3);
        let hex = hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match (byte, hex) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                at += 3;
                continue;
            }
            (b'+', _) => decoded.push(b' '),
            (byte, _) => decoded.push(*byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded() {
        let question = Question::of(Some("a=1&b=%C3%A4+%2F%26x&c=&d=50%&e=%zz&f=%ff"));
        for (name, expected) in [
            ("a", Some("1")),
            ("b", Some("ä /&x")),
            ("c", None),
            ("d", Some("50%")),
            ("e", Some("%zz")),
            ("f", Some("\u{fffd}")),
            ("g", None),
        ] {
            assert_eq!(question.get(name), expected, "{name}");
        }
        assert!(question.parsed::<usize>("a").is_ok_and(|it| it == Some(1)));
        assert!(question.parsed::<usize>("b").is_err());
    }
}
