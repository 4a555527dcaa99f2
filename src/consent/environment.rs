//! The environment that the user agreed to.
//!
//! Claude Code hands hooks one environment and does not tell who set what. So the settings files
//! are read again: a variable that a file of the repository names is the repository's, whatever
//! value stands there or in the environment, unless a stronger file of the user's names it too.
//! What the user's own value was is then known only from the user's own settings; where it is not
//! known, the strictest value counts.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::beginning::{Beginning, Moment};
use super::files::{Files, Layer};
use super::hidden::{Hidden, UnknownValue};
use super::owner::{self, Owner};
use super::project::{RulesFile, is_strict};
use crate::host::Host;
use crate::integrations::claude_code::in_force::Scope;
use crate::integrations::claude_code::settings::ProjectFile;
use crate::variables::{IfCommitted, Variable};

/// Through whose hands the environment came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Claude Code, which has put the variables of its settings files in the place of the user's.
    ClaudeCode,
    /// Another agent, which passes on the environment of the shell that it was started from.
    OtherAgent,
    /// A shell. The settings of Claude Code are looked up: a person means what its hooks do.
    Shell,
    /// Somebody who asks what the hooks of Claude Code see here, or whom Claude Code has called for
    /// something else than a hook.
    Onlooker,
}

impl Caller {
    /// Who calls a command that a person could have typed.
    pub(crate) fn of_command(host: &Host) -> Self {
        let told = [Variable::InsideClaudeCode, Variable::ClaudeSessionId];
        // A project can set them to nothing, and not unset them.
        if told.iter().any(|variable| host.has(*variable)) {
            Self::Onlooker
        } else {
            Self::Shell
        }
    }

    /// Whether a project's settings may hide what the user's shell says.
    pub(super) const fn sees_no_shell(self) -> bool {
        matches!(self, Self::ClaudeCode | Self::Onlooker)
    }

    /// Whether what Claude Code's settings say is still to be put into the environment.
    pub(super) const fn wants_settings(self) -> bool {
        matches!(self, Self::Shell | Self::Onlooker)
    }
}

/// The environment in which every value is one that the user agreed to, or that only makes things
/// stricter. The only source of [`Config`](crate::config::Config).
#[derive(Clone, Debug)]
pub struct Environment {
    /// The machine and the process, without the values that do not count.
    pub(crate) host: Host,
    /// Variables whose value did not count.
    pub(super) hidden: BTreeMap<Variable, Hidden>,
    /// The user's files with redaction rules.
    pub(crate) rules: Vec<RulesFile>,
    /// The project that chose where sessions go, if one did.
    pub(crate) chosen_by: Option<PathBuf>,
    /// Why nothing may be read or sent, if that is so.
    pub(crate) stopped: Option<Stopped>,
    /// Values from the project's files that do not count, for `status` and `doctor` to tell.
    pub(crate) overruled: Vec<Overruled>,
    /// The settings files that decide variables.
    pub(super) deciders: BTreeMap<Variable, Decider>,
}

/// A settings file that decides a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decider {
    /// The file.
    pub(crate) path: PathBuf,
    /// Whose it is meant to be.
    pub(crate) scope: Scope,
}

/// Why nothing may be read or sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stopped {
    /// Whether that goes for writing down the reason, too.
    pub(super) scope: StopScope,
    /// The obstacle.
    pub(crate) found: String,
    /// The next step for the user.
    pub(crate) fix: String,
}

/// The extent of a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StopScope {
    /// Reading and sending: what the user wants cannot be known.
    Sessions,
    /// Everything: a project moves the user's own folders, so that what is found or written there
    /// is not the user's.
    Everything,
}

impl Stopped {
    pub(super) fn sessions(found: String, fix: String) -> Self {
        Self {
            scope: StopScope::Sessions,
            found,
            fix,
        }
    }

    /// The obstacle and the next step, in a line.
    pub(crate) fn reason(&self) -> String {
        format!("{}; {}", self.found, self.fix)
    }
}

/// A value that came with a project and does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Overruled {
    /// The variable it sets.
    pub(crate) variable: Variable,
    /// The file it is in.
    pub(crate) file: PathBuf,
}

impl Environment {
    /// Judges every variable of the table in `variables`. Reads the settings files of
    /// Claude Code, and asks git whose those inside the project are.
    #[must_use]
    pub fn of(host: &Host, caller: Caller) -> Self {
        let is_inside = caller == Caller::Onlooker && host.has(Variable::InsideClaudeCode);
        Self::judged(host, caller, is_inside.then_some(Moment::GoesOn))
    }

    /// The same for a hook that Claude Code calls, or another agent inside of it: a value of which
    /// no file tells now counts as the user's if it was there, and theirs, when the process began.
    pub(crate) fn of_hook(host: &Host, moment: Moment) -> Self {
        Self::judged(host, Caller::ClaudeCode, Some(moment))
    }

    fn judged(host: &Host, caller: Caller, moment: Option<Moment>) -> Self {
        let files = &Files::read(host, caller);
        let named = |variable| files.names(variable, caller);
        let of_repository = |variable| files.of_repository(variable, caller).is_some();
        let beginning = moment.map_or(Beginning::Untold, |moment| {
            Beginning::of(host, moment, &named, &of_repository)
        });
        let mut judged = Self {
            host: host.clone(),
            hidden: BTreeMap::new(),
            rules: Vec::new(),
            chosen_by: None,
            stopped: files.unreadable.clone(),
            overruled: Vec::new(),
            deciders: BTreeMap::new(),
        };
        for variable in Variable::ALL {
            judged.decide(*variable, files, caller);
            if !files.names(*variable, caller) && !beginning.vouches(*variable, host) {
                judged.doubt(*variable);
            }
        }
        judged.host.state = state_folder(&judged.host, host);
        judged
    }

    /// The value of a variable; unset, empty and blank are all `None`.
    ///
    /// # Errors
    /// When the user's own value is unknown.
    pub(crate) fn variable(&self, variable: Variable) -> Result<Option<&str>, UnknownValue> {
        match self.hidden.get(&variable) {
            Some(hidden) => Err(UnknownValue::Hidden(*hidden)),
            None => Ok(self.host.variable(variable)?),
        }
    }

    /// The settings file that decides a variable; `None` when the environment does, or nothing.
    pub(crate) fn decider(&self, variable: Variable) -> Option<&Decider> {
        self.deciders.get(&variable)
    }

    /// Whether everything in this scope has to stop.
    pub(crate) fn stops(&self, scope: StopScope) -> bool {
        self.stopped.as_ref().is_some_and(|it| it.scope == scope)
    }

    fn decide(&mut self, variable: Variable, files: &Files, caller: Caller) {
        let strongest = files.strongest(variable);
        let repositorys = files.of_repository(variable, caller);
        match (variable.if_committed(), repositorys) {
            (IfCommitted::Stricter, repositorys) => {
                self.decide_privacy(variable, files, caller);
                if let Some((value, file)) = repositorys
                    && !is_strict(variable, value)
                {
                    self.overrule(variable, file);
                }
            }
            (_, None) => {
                self.credit(variable, strongest);
                let layer = strongest.filter(|_| caller != Caller::OtherAgent);
                if let Some(value) = layer.and_then(|it| owner::named(&it.variables, variable)) {
                    self.take(variable, value, caller);
                }
            }
            (IfCommitted::NeverRoutes, Some((_, file))) => {
                self.restore(variable, files, caller);
                self.overrule(variable, file);
                self.stop_on_route(variable, file, caller);
            }
            (IfCommitted::Ignored | IfCommitted::SwitchesOff, Some((value, file))) => {
                self.restore(variable, files, caller);
                if !is_strict(variable, value) {
                    self.overrule(variable, file);
                }
            }
            (IfCommitted::ChoosesDestination, Some((value, _))) if value.trim().is_empty() => {
                self.restore(variable, files, caller);
            }
            (IfCommitted::ChoosesDestination, Some((value, file))) => {
                // A file above the project is not in force in every version of Claude Code.
                let is_in_force = strongest.is_some_and(|it| it.owner == Owner::Repository);
                if is_in_force && caller.wants_settings() {
                    self.set(variable, value);
                }
                self.credit(variable, strongest);
                self.chosen_by = Some(file.folder.clone());
            }
            (IfCommitted::StopsEverything, Some((_, file))) => {
                if caller.sees_no_shell() {
                    let path = file.path.display();
                    self.stopped = Some(Stopped {
                        scope: StopScope::Everything,
                        found: format!(
                            "{path} sets {variable}, and so where your own settings are looked for"
                        ),
                        fix: format!("remove {variable} from {path}"),
                    });
                }
            }
        }
    }

    /// A command that Claude Code runs cannot take back what libraries go by already.
    fn stop_on_route(&mut self, variable: Variable, file: &ProjectFile, caller: Caller) {
        if caller == Caller::Onlooker && self.host.has(Variable::InsideClaudeCode) {
            let file = file.path.display();
            let found = format!("{file} sets {variable}, and so through whose hands it goes");
            let fix = "run it in a terminal of your own".to_owned();
            self.stopped.get_or_insert(Stopped::sessions(found, fix));
        }
    }

    /// Takes the value of a file of the user's own. Where a hook was given another one, nobody can
    /// tell where that came from: perhaps from settings that are gone.
    fn take(&mut self, variable: Variable, value: &str, caller: Caller) {
        if caller.wants_settings() {
            return self.set(variable, value);
        }
        let given = self.host.value(variable);
        if given.is_some_and(|given| given != OsStr::new(value)) {
            self.hide(variable, Hidden::Unexplained);
        }
    }

    /// Values of which no file tells where they came from, and which are not known to be the
    /// user's.
    fn doubt(&mut self, variable: Variable) {
        let found = format!("{variable} was set by something that is not there any more");
        let fix = "start Claude Code again".to_owned();
        match variable.if_committed() {
            IfCommitted::StopsEverything => {
                let scope = StopScope::Everything;
                self.stopped = Some(Stopped { scope, found, fix });
            }
            _ if variable == Variable::RedactFile => {
                self.rules.clear();
                self.stopped.get_or_insert(Stopped::sessions(found, fix));
            }
            _ => self.hide(variable, Hidden::Unexplained),
        }
    }

    /// Settings of a project are left to its own sessions; here stands what holds for all: the
    /// strictest of what the user's settings, the administrator's and the shell say.
    fn decide_privacy(&mut self, variable: Variable, files: &Files, caller: Caller) {
        let mut said: Vec<String> = files.of_user(variable).cloned().collect();
        let is_told = !said.is_empty();
        let is_users = !caller.sees_no_shell() || !files.of_project(variable, caller);
        if is_users {
            let value = self.host.path_variable(variable);
            let value = value.map(|value| value.to_string_lossy().into_owned());
            said.extend(value.filter(|value| !said.contains(value)));
        }
        if said.is_empty() && !is_users {
            return self.unknown(variable, files, caller);
        }
        if variable == Variable::RedactFile {
            let of_files = files.of_user(variable).count();
            for (at, path) in said.iter().enumerate() {
                // Of another file than those of the settings nobody can tell where it came from.
                let is_users = !is_told || at < of_files || !caller.sees_no_shell();
                if !path.trim().is_empty() {
                    self.rules.push(RulesFile {
                        may_allow: is_users,
                        ..RulesFile::of_user(path)
                    });
                }
            }
            return;
        }
        let strictest = said.iter().find(|value| is_strict(variable, value));
        if let Some(value) = strictest.or(said.first()) {
            let value = value.clone();
            self.set(variable, &value);
        }
    }

    /// What to take where a project's files hide what the user's shell may have said.
    fn unknown(&mut self, variable: Variable, files: &Files, caller: Caller) {
        let Some((_, file)) = files.of_repository(variable, caller) else {
            // A file of the user's own hides it, which speaks for its project alone.
            self.host.unset(variable);
            return;
        };
        if variable == Variable::RedactFile {
            let file = file.path.display();
            let found = format!("{file} sets {variable}, which hides redaction rules of your own");
            let fix = format!("set {variable} in your own settings.json, to \"\" if you have none");
            self.stopped.get_or_insert(Stopped::sessions(found, fix));
        }
        self.hide(variable, Hidden::ByProject);
    }

    /// Puts the user's own value in the place of the repository's.
    fn restore(&mut self, variable: Variable, files: &Files, caller: Caller) {
        let users = files.layers_of_user(variable).next();
        self.credit(variable, users);
        match users.and_then(|layer| owner::named(&layer.variables, variable)) {
            Some(value) => self.set(variable, value),
            None if caller.sees_no_shell() => self.hide(variable, Hidden::ByProject),
            None => {}
        }
    }

    fn credit(&mut self, variable: Variable, layer: Option<&Layer>) {
        if let Some(Layer { path, scope, .. }) = layer {
            let (path, scope) = (path.clone(), *scope);
            self.deciders.insert(variable, Decider { path, scope });
        }
    }

    fn hide(&mut self, variable: Variable, how: Hidden) {
        self.hidden.insert(variable, how);
        self.host.unset(variable);
    }

    fn set(&mut self, variable: Variable, value: &str) {
        self.host.set(variable, value);
    }

    fn overrule(&mut self, variable: Variable, file: &ProjectFile) {
        let file = file.path.clone();
        self.overruled.push(Overruled { variable, file });
    }
}

/// Where state is kept unless a setting moves it, when a project may have moved it.
fn state_folder(judged: &Host, host: &Host) -> Option<PathBuf> {
    let moved = judged.path_variable(Variable::XdgStateHome);
    if moved == host.path_variable(Variable::XdgStateHome) {
        return host.state.clone();
    }
    moved.or_else(|| Some(host.home.as_ref()?.join(".local/state")))
}

#[cfg(test)]
mod tests;
