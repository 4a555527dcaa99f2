//! `toolUseResult`: facts about a tool's run that its result for the model does not contain.

use serde::de::{IgnoredAny, MapAccess};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::session::Work;
use crate::sources::lenient::{Kind, Known, Text, items, known, optional, payload};

/// The fields of `toolUseResult` that are used. More than a third of a transcript's bytes are in
/// the others, which are skipped in place.
#[derive(Debug, Default)]
pub(super) struct ToolUseResult {
    /// Running time of the tool, in milliseconds.
    pub(super) duration_ms: Option<f64>,
    /// The subagent that the call started.
    pub(super) agent_id: Option<String>,
    /// Its type.
    pub(super) agent_type: Option<String>,
    /// Whether the subagent continues in the background.
    pub(super) is_launch: bool,
    /// Whether the user refused to let the tool run.
    pub(super) is_refused: bool,
    /// Number of web searches.
    pub(super) searches: u64,
    /// Changes to files and repository.
    pub(super) work: Work,
}

/// Beginnings of the text for a tool that the user refused.
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

impl<'de> Kind<'de> for ToolUseResult {
    fn of_object<A: MapAccess<'de>>(mut object: A) -> Result<Option<Self>, A::Error> {
        let mut result = Self::default();
        let mut written = Written::default();
        while let Some(Text(field)) = object.next_key()? {
            match field.as_ref() {
                "durationMs" | "totalDurationMs" => {
                    Known(result.duration_ms) = object.next_value()?;
                }
                "durationSeconds" => {
                    let Known(seconds): Known<f64> = object.next_value()?;
                    result.duration_ms = seconds.map(|seconds| seconds * 1000.0);
                }
                "agentId" => result.agent_id = owned(object.next_value()?),
                "agentType" => result.agent_type = owned(object.next_value()?),
                "status" => {
                    let Known(status): Known<Text<'_>> = object.next_value()?;
                    result.is_launch = status.is_some_and(|it| it.as_str() == "async_launched");
                }
                "searchCount" => {
                    let Known(searches) = object.next_value()?;
                    result.searches = searches.unwrap_or(0);
                }
                "gitOperation" => note_git(&mut result.work, object.next_value()?),
                "structuredPatch" => written.patch = Some(object.next_value()?),
                "type" => written.kind = owned(object.next_value()?),
                "content" => written.content = Some(object.next_value()?),
                _ => {
                    object.next_value::<IgnoredAny>()?;
                }
            }
        }
        written.count(&mut result.work);
        Ok(Some(result))
    }

    fn of_str(text: &str) -> Option<Self> {
        Some(Self {
            is_refused: REFUSALS.iter().any(|start| text.starts_with(start)),
            ..Self::default()
        })
    }
}

impl<'de> Deserialize<'de> for ToolUseResult {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(known(deserializer)?.unwrap_or_default())
    }
}

fn owned(Known(text): Known<Text<'_>>) -> Option<String> {
    text.map(|text| text.0.into_owned())
}

/// The fields of a tool that writes files.
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
    /// Counts the changed lines. A new file has no patch: all of its lines were added.
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
    #[serde(default, deserialize_with = "optional")]
    commit: Option<Commit>,
    #[serde(default, deserialize_with = "optional")]
    push: Option<Push>,
    #[serde(default, deserialize_with = "optional")]
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
