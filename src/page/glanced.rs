//! Facts from the beginning of a session, redacted.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};

use super::here::Here;
use crate::consent::{ProjectPrivacy, Verdict};
use crate::pipeline;
use crate::posthog;
use crate::sources::SessionRef;

/// Facts from the beginning of a session, redacted.
#[derive(Clone, Debug, Default)]
pub(super) struct Glanced {
    pub(super) id: String,
    pub(super) started_at: Option<DateTime<Utc>>,
    /// The first prompt as a title, unless prompts are not recorded.
    pub(super) title: Option<String>,
    pub(super) project: Option<String>,
    /// Why the project's sessions are not sent.
    pub(super) left_alone: Option<String>,
}

/// Names of projects, by folder: git runs once for each.
#[derive(Default)]
pub(super) struct Projects(Mutex<HashMap<String, Option<String>>>);

impl Projects {
    fn name(&self, folder: &str, here: &Here) -> Option<String> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(name) = known.get(folder) {
            return name.clone();
        }
        let of_settings = here.config.events.project_name.clone();
        let name = of_settings.or_else(|| pipeline::project_name(folder));
        let name = name.map(|name| here.redacted(name));
        known.insert(folder.to_owned(), name.clone());
        name
    }
}

impl Glanced {
    /// Reads the beginning of a session.
    pub(super) fn of(found: &SessionRef, projects: &Projects, here: &Here) -> Self {
        let glance = found.glance();
        let transcript = found.locator.path();
        let verdict = Verdict::of(glance.cwd.as_deref(), &transcript, &here.host);
        let (privacy, left_alone) = match verdict {
            Verdict::Permitted(privacy) => (Some(privacy), None),
            // A session that is left alone is shown to its owner.
            Verdict::LeftAlone(reason) => (Some(ProjectPrivacy::default()), Some(reason)),
            Verdict::Unclear(reason) => (None, Some(reason)),
        };
        let title = privacy
            .zip(glance.prompt)
            .and_then(|(privacy, prompt)| title(prompt, &privacy, here));
        Self {
            id: here.redacted(found.session_id()),
            started_at: glance.started_at,
            title,
            project: glance.cwd.and_then(|cwd| projects.name(&cwd, here)),
            left_alone: left_alone.map(|reason| here.redacted(reason)),
        }
    }
}

fn title(prompt: String, privacy: &ProjectPrivacy, here: &Here) -> Option<String> {
    let recording = here.config.events.recording.and(privacy.recording);
    if !recording.inputs() {
        return None;
    }
    // Without usable rules, no prompt is shown.
    let redactor = here.prospect.redactors().with(&privacy.rules).ok()?;
    // Redaction comes before cutting: half a secret would not be recognised.
    let prompt = redactor.written(|replace| replace(prompt)).into_inner();
    posthog::title(&prompt)
}
