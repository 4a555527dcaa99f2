//! A project's settings for its own sessions, wherever the program runs.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::opt_out::{self, No};
use super::owner::{self, Owner};
use crate::host::Host;
use crate::integrations::claude_code::settings::{self, ProjectFile};
use crate::session::Recording;
use crate::variables::{IfCommitted, Variable, yes_or_no};

/// A file with redaction rules.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RulesFile {
    /// The file.
    pub(crate) path: PathBuf,
    /// The use of its exceptions.
    pub(crate) exceptions: Exceptions,
}

/// The use of the exceptions in a file of redaction rules, which keep values readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Exceptions {
    /// They apply: the file is the user's.
    Apply,
    /// They are ignored: a file that came with a repository may only add redactions.
    Ignored,
}

impl Exceptions {
    pub(super) const fn of_owner(owner: Owner) -> Self {
        match owner {
            Owner::User => Self::Apply,
            Owner::Repository => Self::Ignored,
        }
    }
}

impl RulesFile {
    pub(super) fn of_user(path: &str) -> Self {
        Self {
            path: PathBuf::from(path.trim()),
            exceptions: Exceptions::Apply,
        }
    }
}

/// The privacy that a project's settings ask for, in addition to the user's own settings. It never
/// weakens those.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProjectPrivacy {
    /// The content that the project allows to be sent.
    pub(crate) recording: Recording,
    /// Redaction rules in addition to the user's.
    pub(crate) rules: Vec<RulesFile>,
}

impl ProjectPrivacy {
    fn of(files: &[ProjectFile]) -> Self {
        let mut privacy = Self::default();
        for file in files {
            // A project with an unreadable settings file is left alone.
            let Ok(variables) = &file.variables else {
                continue;
            };
            let says = |variable| {
                let value = owner::named(variables, variable);
                value.is_some_and(|value| is_strict(variable, value))
            };
            let is_private = Variable::PRIVACY_MODE.into_iter().any(says);
            let allows = |variable| !is_private && !says(variable);
            privacy.recording = privacy.recording.and(Recording::of(
                allows(Variable::RecordInputs),
                allows(Variable::RecordOutputs),
            ));
            let rules = owner::named(variables, Variable::RedactFile);
            if let Some(rules) = rules.filter(|path| !path.trim().is_empty()) {
                privacy.rules.push(RulesFile {
                    path: file.folder.join(rules.trim()),
                    exceptions: Exceptions::of_owner(owner::of(file)),
                });
            }
        }
        privacy
    }

    /// Adds the privacy of another folder of the same session.
    fn add(&mut self, other: Self) {
        self.recording = self.recording.and(other.recording);
        self.rules.extend(other.rules);
        self.rules.sort();
        self.rules.dedup();
    }
}

/// The decision about a session, based on its folders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The session is left alone, for this reason.
    LeftAlone(String),
    /// The session is left alone until a file can be read that may say so, for this reason.
    Unclear(String),
    /// The session may be read, with at least this privacy.
    Permitted(ProjectPrivacy),
}

impl Verdict {
    /// The strictest verdict of the folders and of the user's own settings where the transcript is
    /// stored, by the settings files that exist now.
    #[must_use]
    pub(crate) fn of<'a>(
        folders: impl IntoIterator<Item = &'a str>,
        transcript: &Path,
        host: &Host,
    ) -> Self {
        let others = settings::of_other_folders(transcript, host);
        let elsewhere = others.iter().find_map(|file| sends_elsewhere(file, host));
        match elsewhere {
            Some(reason) => Self::LeftAlone(reason),
            None => Self::of_stored(folders, transcript, host),
        }
    }

    /// The same for a session with stored events. These have a destination already, so the one that
    /// the settings name now does not matter.
    #[must_use]
    pub(crate) fn of_stored<'a>(
        folders: impl IntoIterator<Item = &'a str>,
        transcript: &Path,
        host: &Host,
    ) -> Self {
        let mut privacy = ProjectPrivacy::default();
        for file in settings::of_other_folders(transcript, host) {
            let files = [file];
            if let Some(no) = opt_out::said_no(&files) {
                return no.into();
            }
            privacy.add(ProjectPrivacy::of(&files));
        }
        for folder in folders {
            let folder = Path::new(folder);
            if let Some(reason) = opt_out::marked(folder) {
                return Self::LeftAlone(reason);
            }
            let files = settings::of_project(folder, host);
            if let Some(no) = opt_out::said_no(&files) {
                return no.into();
            }
            privacy.add(ProjectPrivacy::of(&files));
        }
        Self::Permitted(privacy)
    }
}

impl From<No> for Verdict {
    fn from(no: No) -> Self {
        match no {
            No::Said(reason) => Self::LeftAlone(reason),
            No::Perhaps(reason) => Self::Unclear(reason),
        }
    }
}

/// Whether a value asks for less to be sent. A value that cannot be parsed counts as strict, a
/// blank one does not.
pub(super) fn is_strict(variable: Variable, value: &str) -> bool {
    let value = value.trim();
    let strict_unless = |lax| yes_or_no(value) != Some(lax);
    !value.is_empty()
        && match variable {
            _ if Variable::PRIVACY_MODE.contains(&variable) => strict_unless(false),
            Variable::RecordInputs | Variable::RecordOutputs | Variable::CcEnabled => {
                strict_unless(true)
            }
            Variable::RedactFile => true,
            _ => false,
        }
}

/// Why sessions must not be sent from here: the user's own settings in another Claude Code folder
/// name a destination other than the current one.
fn sends_elsewhere(file: &ProjectFile, host: &Host) -> Option<String> {
    let variables = file.variables.as_ref().ok()?;
    let is_other = |variable: &&Variable| {
        let value = owner::named(variables, **variable).map(|value| value.trim());
        let value = value.filter(|value| !value.is_empty());
        variable.if_committed() == IfCommitted::ChoosesDestination
            && value.is_some_and(|value| host.variable(**variable) != Ok(Some(value)))
    };
    let other = Variable::ALL.iter().find(is_other)?;
    Some(format!(
        "{} has another {other}; set {} to {} to send them there",
        file.path.display(),
        Variable::ClaudeConfigDir,
        file.folder.display()
    ))
}

/// Whether the settings of the current project and of the project around `directory` name the same
/// destination: only then may one send the other's sessions.
#[must_use]
pub(crate) fn shares_destination(directory: &Path, host: &Host) -> bool {
    let here = host.path_variable(Variable::ClaudeProjectDir);
    let here = here.or_else(|| host.cwd.clone());
    let here = here.map_or(Some(Vec::new()), |here| destination(&here, host));
    here.is_some() && destination(directory, host) == here
}

/// The destination that a project's settings name; `None` if they cannot be read.
fn destination(directory: &Path, host: &Host) -> Option<Vec<(Variable, String)>> {
    let mut named = Vec::new();
    for file in settings::of_project(directory, host) {
        let variables = file.variables.as_ref().ok()?;
        let chosen = Variable::ALL.iter().filter_map(|variable| {
            let value = match variable.if_committed() {
                IfCommitted::ChoosesDestination => owner::named(variables, *variable)?,
                _ => return None,
            };
            Some((*variable, value.clone()))
        });
        named.extend(chosen);
    }
    named.sort();
    Some(named)
}
