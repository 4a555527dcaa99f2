//! `toolUseResult`: what Claude Code notes about a tool's run beside what the model got.

use std::fmt;

use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::super::fields::lenient;
use super::wire::{Count, Number, Text, items, payload};
use crate::session::Work;

/// The few small fields of `toolUseResult` that say something `message.content` does not.
/// More than a third of a transcript's bytes stand here: they are passed over once, in place.
#[derive(Debug, Default)]
pub(super) struct ToolUseResult {
    /// Milliseconds the tool itself took.
    pub(super) duration_ms: Option<f64>,
    /// The subagent that the call started.
    pub(super) agent_id: Option<String>,
    /// Its type.
    pub(super) agent_type: Option<String>,
    /// Whether the subagent goes on in the background.
    pub(super) is_launch: bool,
    /// Whether the user refused to let the tool run.
    pub(super) is_refused: bool,
    /// Web searches that ran.
    pub(super) searches: u64,
    /// What was done to files and repository.
    pub(super) work: Work,
}

/// What Claude Code notes when the user refused to let a tool run.
const REFUSALS: [&str; 2] = [
    "User rejected tool use",
    "Error: The user doesn't want to proceed with this tool use",
];

impl ToolUseResult {
    pub(super) const NONE: Self = Self {
        duration_ms: None,
        agent_id: None,
        agent_type: None,
        is_launch: false,
        is_refused: false,
        searches: 0,
        work: Work::NONE,
    };
}

impl<'de> Deserialize<'de> for ToolUseResult {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ResultVisitor;
        impl<'de> Visitor<'de> for ResultVisitor {
            type Value = ToolUseResult;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("the result of a tool")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ToolUseResult, A::Error> {
                let mut result = ToolUseResult::default();
                let mut written = Written::default();
                while let Some(Text(key)) = map.next_key()? {
                    match key.as_ref() {
                        "durationMs" | "totalDurationMs" => {
                            result.duration_ms = map.next_value::<Number>()?.0;
                        }
                        "durationSeconds" => {
                            let Number(seconds) = map.next_value()?;
                            result.duration_ms = seconds.map(|seconds| seconds * 1000.0);
                        }
                        "agentId" => result.agent_id = map.next_value::<Loose>()?.0,
                        "agentType" => result.agent_type = map.next_value::<Loose>()?.0,
                        "status" => {
                            let status = map.next_value::<Loose>()?.0;
                            result.is_launch = status.as_deref() == Some("async_launched");
                        }
                        "searchCount" => result.searches = map.next_value::<Count>()?.0,
                        "gitOperation" => note_git(&mut result.work, map.next_value()?),
                        "structuredPatch" => written.patch = Some(map.next_value()?),
                        "type" => written.kind = map.next_value::<Loose>()?.0,
                        "content" => written.content = Some(map.next_value()?),
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                written.count(&mut result.work);
                Ok(result)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<ToolUseResult, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(ToolUseResult::default())
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<ToolUseResult, E> {
                Ok(ToolUseResult {
                    is_refused: REFUSALS.iter().any(|start| text.starts_with(start)),
                    ..ToolUseResult::default()
                })
            }

            fn visit_unit<E: Error>(self) -> Result<ToolUseResult, E> {
                Ok(ToolUseResult::default())
            }

            fn visit_bool<E: Error>(self, _: bool) -> Result<ToolUseResult, E> {
                Ok(ToolUseResult::default())
            }

            fn visit_f64<E: Error>(self, _: f64) -> Result<ToolUseResult, E> {
                Ok(ToolUseResult::default())
            }

            fn visit_u64<E: Error>(self, _: u64) -> Result<ToolUseResult, E> {
                Ok(ToolUseResult::default())
            }

            fn visit_i64<E: Error>(self, _: i64) -> Result<ToolUseResult, E> {
                Ok(ToolUseResult::default())
            }
        }
        deserializer.deserialize_any(ResultVisitor)
    }
}

/// A small string, or `None` for anything else that stands in its place.
struct Loose(Option<String>);

impl<'de> Deserialize<'de> for Loose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw: &RawValue = Deserialize::deserialize(deserializer)?;
        Ok(Self(serde_json::from_str(raw.get()).ok()))
    }
}

/// What a tool that writes files says of them.
#[derive(Default)]
struct Written<'a> {
    kind: Option<String>,
    patch: Option<&'a RawValue>,
    content: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Hunk<'a> {
    #[serde(borrow, default)]
    lines: Option<&'a RawValue>,
}

impl Written<'_> {
    /// A new file has no patch: all of its lines were added.
    fn count(self, work: &mut Work) {
        let hunks: Vec<Hunk<'_>> = items(self.patch);
        let lines = hunks.iter().flat_map(|hunk| items::<Text<'_>>(hunk.lines));
        for line in lines {
            match line.as_str().as_bytes().first() {
                Some(b'+') => work.lines_added += 1,
                Some(b'-') => work.lines_removed += 1,
                _ => {}
            }
        }
        if self.kind.as_deref() == Some("create") && hunks.is_empty() {
            let content: Option<Text<'_>> = payload(self.content);
            let lines = content.map_or(0, |content| content.as_str().lines().count());
            work.lines_added += lines as u64;
        }
    }
}

#[derive(Deserialize)]
struct GitOperation {
    #[serde(default, deserialize_with = "lenient")]
    commit: Option<Commit>,
    #[serde(default, deserialize_with = "lenient")]
    push: Option<Push>,
    #[serde(default, deserialize_with = "lenient")]
    pr: Option<PullRequest>,
}

#[derive(Deserialize)]
struct Commit {
    sha: String,
}

#[derive(Deserialize)]
struct Push {
    branch: String,
}

#[derive(Deserialize)]
struct PullRequest {
    url: String,
}

fn note_git(work: &mut Work, raw: &RawValue) {
    let Some(operation) = payload::<GitOperation>(Some(raw)) else {
        return;
    };
    work.commits.extend(operation.commit.map(|it| it.sha));
    work.pushed_branches
        .extend(operation.push.map(|it| it.branch));
    work.pull_requests.extend(operation.pr.map(|it| it.url));
}
