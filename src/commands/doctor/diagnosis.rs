//! The result of a check of `doctor`.

use serde_json::{Value, json};

use crate::views::Trouble;

/// One result, which `doctor` shows in a line.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Diagnosis {
    /// Name of the check: the label of the line and, with `_` between its words, a name for
    /// scripts.
    pub(super) check: &'static str,
    pub(super) verdict: Verdict,
    /// The result in words, without the next step.
    pub(super) found: String,
    /// The numbers and names in it, for scripts.
    pub(super) details: Value,
}

/// Meaning of a diagnosis for the user, with the next step if there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing is wrong.
    Fine,
    /// Information, with advice if there is any; no event is lost.
    Note(Option<String>),
    /// Sessions do not arrive, or will be lost, until the user takes this step.
    Problem(String),
}

impl Diagnosis {
    pub(super) fn fine(check: &'static str, found: impl Into<String>) -> Self {
        Self::new(check, Verdict::Fine, found)
    }

    pub(super) fn note(check: &'static str, found: impl Into<String>) -> Self {
        Self::new(check, Verdict::Note(None), found)
    }

    pub(super) fn advice(
        check: &'static str,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::new(check, Verdict::Note(Some(advice.into())), found)
    }

    pub(super) fn problem(
        check: &'static str,
        found: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self::new(check, Verdict::Problem(fix.into()), found)
    }

    pub(super) fn of(check: &'static str, trouble: &Trouble) -> Self {
        Self::problem(check, &trouble.found, &trouble.fix)
    }

    fn new(check: &'static str, verdict: Verdict, found: impl Into<String>) -> Self {
        Self {
            check,
            verdict,
            found: found.into(),
            details: Value::Null,
        }
    }

    pub(super) fn with(self, details: Value) -> Self {
        Self { details, ..self }
    }

    pub(super) const fn is_problem(&self) -> bool {
        matches!(self.verdict, Verdict::Problem(_))
    }

    pub(super) fn fix(&self) -> Option<&str> {
        match &self.verdict {
            Verdict::Fine => None,
            Verdict::Note(advice) => advice.as_deref(),
            Verdict::Problem(fix) => Some(fix),
        }
    }

    pub(super) const fn word(&self) -> &'static str {
        match self.verdict {
            Verdict::Fine => "ok",
            Verdict::Note(_) => "note",
            Verdict::Problem(_) => "problem",
        }
    }

    pub(super) fn as_json(&self) -> Value {
        json!({
            "check": self.check.replace(' ', "_"),
            "verdict": self.word(),
            "found": self.found,
            "fix": self.fix(),
            "details": self.details,
        })
    }
}
