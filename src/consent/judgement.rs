//! The judged environment, as one process passes it to the process it starts.
//!
//! The second process runs in another folder and later, and would see other settings files or none.
//! So it does not judge again.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::environment::Environment;
use super::hidden::Hidden;
use super::project::RulesFile;
use super::stopped::Stopped;
use crate::host::Host;
use crate::variables::Variable;

/// The part of an [`Environment`] that environment variables cannot carry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Judgement {
    hidden: BTreeMap<Variable, Hidden>,
    rules: Vec<RulesFile>,
    chosen_by: Option<PathBuf>,
    stopped: Option<Stopped>,
}

impl Judgement {
    /// The judgement that produced an environment.
    pub(crate) fn of(environment: &Environment) -> Self {
        Self {
            hidden: environment.hidden.clone(),
            rules: environment.rules.clone(),
            chosen_by: environment.chosen_by.clone(),
            stopped: environment.stopped.clone(),
        }
    }

    /// Restores the judged environment in a process that was given its variables.
    pub(crate) fn on(self, host: &Host) -> Environment {
        let mut host = host.clone();
        for variable in self.hidden.keys() {
            host.unset(*variable);
        }
        Environment {
            host,
            hidden: self.hidden,
            rules: self.rules,
            chosen_by: self.chosen_by,
            stopped: self.stopped,
            overruled: Vec::new(),
            deciders: BTreeMap::new(),
        }
    }
}
