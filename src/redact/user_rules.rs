//! The user's own rules, as text.
//!
//! One rule per line. Empty lines and lines that begin with `#` are skipped.
//!
//! ```text
//! rule  acme-token  acme_[a-z0-9]{32}
//! rule  badge       badge number (\d{6})
//! allow acme_00000000000000000000000000000000
//! ```
//!
//! `rule` takes an id (small letters, digits, dashes) and a regular expression over ASCII up to the
//! end of the line. If it has a group, only the first group is replaced. `allow` takes a value that
//! no rule, built in or not, replaces.

use std::collections::HashSet;

use regex::bytes::{Regex, RegexBuilder};
use thiserror::Error;

use super::mark;

/// Rules and allowed values from a user's file.
#[derive(Clone, Debug, Default)]
pub struct UserRules {
    rules: Vec<UserRule>,
    /// Values that stay readable; `None` if the exceptions of the file are ignored.
    allowed: Option<HashSet<String>>,
}

#[derive(Clone, Debug)]
struct UserRule {
    id: String,
    pattern: Regex,
}

/// An error in a line of user rules.
#[derive(Debug, Error)]
pub enum UserRulesError {
    /// The line begins with an unknown word.
    #[error(
        "line {line}: expected `rule <id> <regular expression>` or `allow <value>`, found `{found}`"
    )]
    Directive {
        /// Number of the line, from 1.
        line: usize,
        /// The word.
        found: String,
    },
    /// Words are missing after the first one.
    #[error("line {line}: `{directive}` needs {needs}")]
    Incomplete {
        /// Number of the line, from 1.
        line: usize,
        /// `rule` or `allow`.
        directive: &'static str,
        /// The missing words.
        needs: &'static str,
    },
    /// The id is not allowed in a mark.
    #[error(
        "line {line}: rule id `{id}` may hold small letters, digits and dashes only, at most 48"
    )]
    Id {
        /// Number of the line, from 1.
        line: usize,
        /// The id.
        id: String,
    },
    /// The regular expression does not compile.
    #[error("line {line}: rule `{id}`: {cause}")]
    Pattern {
        /// Number of the line, from 1.
        line: usize,
        /// The rule's id.
        id: String,
        /// The error of the regular expression.
        cause: Box<regex::Error>,
    },
    /// The regular expression matches the empty text.
    #[error("line {line}: rule `{id}` matches the empty text, so it would match everywhere")]
    MatchesEmpty {
        /// Number of the line, from 1.
        line: usize,
        /// The rule's id.
        id: String,
    },
}

impl UserRules {
    /// The rules of several files together. A value is replaced if any of them replaces it, and
    /// stays readable if all of them that have exceptions name it as one.
    #[must_use]
    pub fn joined(files: impl IntoIterator<Item = Self>) -> Self {
        let mut joined = Self::default();
        for file in files {
            joined.rules.extend(file.rules);
            joined.allowed = match (joined.allowed, file.allowed) {
                (Some(allowed), Some(other)) => Some(&allowed & &other),
                (allowed, other) => allowed.or(other),
            };
        }
        joined
    }

    /// The rules, which only add redactions.
    #[must_use]
    pub fn without_exceptions(self) -> Self {
        Self {
            allowed: None,
            ..self
        }
    }

    /// Reads rules from the text of a file.
    ///
    /// # Errors
    ///
    /// At the first line that is not a rule.
    pub fn parse(text: &str) -> Result<Self, UserRulesError> {
        let (mut rules, mut allowed) = (Vec::new(), HashSet::new());
        for (index, content) in text.lines().enumerate() {
            let (line, content) = (index + 1, content.trim());
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            match split(content) {
                ("rule", rest) => rules.push(UserRule::parse(line, rest)?),
                ("allow", "") => {
                    return Err(UserRulesError::Incomplete {
                        line,
                        directive: "allow",
                        needs: "a value",
                    });
                }
                ("allow", value) => {
                    allowed.insert(value.to_owned());
                }
                (found, _) => {
                    return Err(UserRulesError::Directive {
                        line,
                        found: found.to_owned(),
                    });
                }
            }
        }
        let allowed = Some(allowed);
        Ok(Self { rules, allowed })
    }

    pub(super) fn allows(&self, secret: &str) -> bool {
        let allowed = self.allowed.as_ref();
        allowed.is_some_and(|allowed| allowed.contains(secret))
    }

    /// The first match of any rule at or after `from` that touches no mark.
    pub(super) fn next<'a>(&'a self, text: &str, from: usize) -> Option<(usize, usize, &'a str)> {
        self.rules
            .iter()
            .filter_map(|rule| rule.next(text, from))
            .min_by_key(|(start, ..)| *start)
    }
}

impl UserRule {
    fn parse(line: usize, rest: &str) -> Result<Self, UserRulesError> {
        let (id, pattern) = split(rest);
        if pattern.is_empty() {
            let needs = "an id and a regular expression";
            return Err(UserRulesError::Incomplete {
                line,
                directive: "rule",
                needs,
            });
        }
        let id = id.to_owned();
        if !mark::is_valid_id(&id) {
            return Err(UserRulesError::Id { line, id });
        }
        match RegexBuilder::new(pattern).unicode(false).build() {
            Err(error) => Err(UserRulesError::Pattern {
                line,
                id,
                cause: Box::new(error),
            }),
            Ok(pattern) if pattern.is_match(b"") => Err(UserRulesError::MatchesEmpty { line, id }),
            Ok(pattern) => Ok(Self { id, pattern }),
        }
    }

    fn next(&self, text: &str, mut from: usize) -> Option<(usize, usize, &str)> {
        loop {
            let captures = self.pattern.captures_at(text.as_bytes(), from)?;
            let found = captures.get(1).or_else(|| captures.get(0))?;
            // The match is of bytes; whole characters are replaced.
            let start = text.floor_char_boundary(found.start());
            let end = text.ceil_char_boundary(found.end());
            match mark_at(text, start, end) {
                Some(after) => from = after,
                None if end > start => return Some((start, end, &self.id)),
                None => from = text.ceil_char_boundary(end + 1),
            }
            if from >= text.len() {
                return None;
            }
        }
    }
}

/// The end of a mark that overlaps `start..end`.
fn mark_at(text: &str, start: usize, end: usize) -> Option<usize> {
    const LONGEST_MARK: usize = 72;
    let from = text.floor_char_boundary(start.saturating_sub(LONGEST_MARK));
    memchr::memmem::find_iter(&text.as_bytes()[from..], mark::ANCHOR.as_bytes())
        .map(|offset| from + offset)
        .take_while(|opening| *opening < end)
        .filter_map(|opening| mark::end_of_mark(text.as_bytes(), opening))
        .find(|closing| *closing > start)
}

/// The first word and the rest.
fn split(text: &str) -> (&str, &str) {
    text.split_once(char::is_whitespace)
        .map_or((text, ""), |(word, rest)| (word, rest.trim_start()))
}
