//! The environment that the user agreed to.
//!
//! Claude Code passes hooks one environment and does not say where each value comes from. So the
//! settings files are read again: a variable named by a file of the repository counts as the
//! repository's, whatever its value there or in the environment, unless a stronger file of the user
//! names it too. The user's own value is then known only from the user's own settings; where it is
//! unknown, the strictest value applies.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::PathBuf;

use super::beginning::{Beginning, Moment};
use super::caller::Caller;
use super::files::{Files, Layer};
use super::hidden::{Hidden, UnknownValue};
use super::owner::{self, Owner};
use super::project::{Exceptions, RulesFile, is_strict};
use super::stopped::{StopScope, Stopped};
use crate::host::Host;
use crate::integrations::claude_code::in_force::Scope;
use crate::integrations::claude_code::settings::ProjectFile;
use crate::variables::{IfCommitted, Variable};

/// The environment in which every value is one that the user agreed to, or that only makes things
/// stricter. The only source of [`Config`](crate::config::Config).
#[derive(Clone, Debug)]
pub struct Environment {
    /// The machine and the process, without the rejected values.
    pub(crate) host: Host,
    /// Variables whose value was rejected.
    pub(super) hidden: BTreeMap<Variable, Hidden>,
    /// The user's files with redaction rules.
    pub(crate) rules: Vec<RulesFile>,
    /// The project that chose the destination, if one did.
    pub(crate) chosen_by: Option<PathBuf>,
    /// Why nothing may be read or sent, if so.
    pub(crate) stopped: Option<Stopped>,
    /// Rejected values from the project's files, to be shown by `status` and `doctor`.
    pub(crate) overruled: Vec<Overruled>,
    /// The settings files that decide variables.
    pub(super) deciders: BTreeMap<Variable, Decider>,
}

/// A settings file that decides a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decider {
    /// The file.
    pub(crate) path: PathBuf,
    /// The scope it is meant for.
    pub(crate) scope: Scope,
}

/// A rejected value that came with a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Overruled {
    /// The variable.
    pub(crate) variable: Variable,
    /// The file it is in.
    pub(crate) file: PathBuf,
}

impl Environment {
    /// Judges every variable of the table in `variables`. Reads the settings files of Claude Code,
    /// and asks git whether those inside the project came with the repository.
    #[must_use]
    pub fn of(host: &Host, caller: Caller) -> Self {
        let is_inside = caller == Caller::Onlooker && host.has(Variable::InsideClaudeCode);
        Self::judged(host, caller, is_inside.then_some(Moment::GoesOn))
    }

    /// Like [`Environment::of`], for a hook called by Claude Code, or by another agent inside
    /// Claude Code. A value that no settings file explains now is accepted if it was set, and the
    /// user's, when the process began.
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
            if files.is_outranked(*variable, caller) {
                judged.host.unset(*variable);
                if let Some((_, file)) = files.of_repository(*variable, caller) {
                    judged.overrule(*variable, file);
                }
                continue;
            }
            judged.decide(*variable, files, caller);
            if !files.names(*variable, caller) && !beginning.vouches(*variable, host) {
                judged.doubt(*variable);
            }
        }
        judged.host.state = state_folder(&judged.host, host);
        judged
    }

    /// The value of a variable; `None` if it is unset, empty or blank.
    ///
    /// # Errors
    /// When the user's own value is unknown.
    pub(crate) fn variable(&self, variable: Variable) -> Result<Option<&str>, UnknownValue> {
        match self.hidden.get(&variable) {
            Some(hidden) => Err(UnknownValue::Hidden(*hidden)),
            None => Ok(self.host.variable(variable)?),
        }
    }

    /// The settings file that decides a variable; `None` if the environment does, or nothing.
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
                if let Some(value) = layer.and_then(|it| owner::given(&it.variables, variable)) {
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
            (IfCommitted::ChoosesDestination, Some((value, file))) if value.trim().is_empty() => {
                self.restore(variable, files, caller);
                self.overrule(variable, file);
            }
            (IfCommitted::ChoosesDestination, Some((value, file))) => {
                self.choose_destination(variable, value, file, strongest, caller);
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

    /// Lets a project's file choose a part of the destination, unless the user's own value is in
    /// force: not every version of Claude Code applies a settings file above the project.
    fn choose_destination(
        &mut self,
        variable: Variable,
        value: &str,
        file: &ProjectFile,
        strongest: Option<&Layer>,
        caller: Caller,
    ) {
        self.credit(variable, strongest);
        let is_in_force = strongest.is_some_and(|it| it.owner == Owner::Repository);
        let own = strongest.and_then(|it| owner::given(&it.variables, variable));
        if let Some(own) = own.filter(|_| !is_in_force) {
            let given = self.host.value(variable);
            if caller.wants_settings() || given.is_some_and(|it| it == own.as_str()) {
                return self.take(variable, own, caller);
            }
        }
        if is_in_force && caller.wants_settings() {
            self.set(variable, value);
        }
        self.chosen_by = Some(file.folder.clone());
    }

    /// Stops a command run by Claude Code if a project sets a route: libraries in this process have
    /// already read the variable, so it is too late to replace it.
    fn stop_on_route(&mut self, variable: Variable, file: &ProjectFile, caller: Caller) {
        if caller == Caller::Onlooker && self.host.has(Variable::InsideClaudeCode) {
            let file = file.path.display();
            let found = format!("{file} sets {variable}, and so through whose hands it goes");
            let fix = "run it in a terminal of your own".to_owned();
            self.stopped.get_or_insert(Stopped::sessions(found, fix));
        }
    }

    /// Uses the value of a settings file of the user. If a hook was given another value, the origin
    /// of that value is unknown: it may come from settings that no longer exist.
    fn take(&mut self, variable: Variable, value: &str, caller: Caller) {
        let given = self.host.value(variable);
        // A running Claude Code may not know what was set meanwhile. Sessions that run are not
        // switched on by that, and libraries have read their variables already.
        let is_new = given.is_none()
            && match variable.if_committed() {
                IfCommitted::SwitchesOff => is_strict(variable, value),
                IfCommitted::Ignored | IfCommitted::ChoosesDestination => true,
                IfCommitted::Stricter | IfCommitted::NeverRoutes | IfCommitted::StopsEverything => {
                    false
                }
            };
        if caller.wants_settings() || is_new {
            return self.set(variable, value);
        }
        if given.is_some_and(|given| given != OsStr::new(value)) {
            self.hide(variable, Hidden::Unexplained);
        }
    }

    /// Rejects a value that no settings file explains and that is not known to be the user's.
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

    /// The strictest value of the user's settings, the administrator's and the shell. A project's
    /// own settings apply only to its own sessions and are not considered here.
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
                // The origin of a file that the settings do not name is unknown.
                let is_users = !is_told || at < of_files || !caller.sees_no_shell();
                let owner = if is_users {
                    Owner::User
                } else {
                    Owner::Repository
                };
                if !path.trim().is_empty() {
                    self.rules.push(RulesFile {
                        exceptions: Exceptions::of_owner(owner),
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

    /// Decides a variable if a project's files hide the value from the user's shell.
    fn unknown(&mut self, variable: Variable, files: &Files, caller: Caller) {
        let Some((_, file)) = files.of_repository(variable, caller) else {
            // It is hidden by a file of the user, which applies to that project only.
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

    /// Replaces the repository's value by the user's own.
    fn restore(&mut self, variable: Variable, files: &Files, caller: Caller) {
        let users = files.layers_of_user(variable).next();
        self.credit(variable, users);
        match users.and_then(|layer| owner::given(&layer.variables, variable)) {
            Some(value) => self.set(variable, value),
            // Claude Code alone sets the plugin's options: a value in a shell is not the user's.
            None if caller.sees_no_shell() || variable.is_option() => {
                self.hide(variable, Hidden::ByProject);
            }
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

/// The default folder for state, computed from the judged environment if a project may have moved
/// it.
fn state_folder(judged: &Host, host: &Host) -> Option<PathBuf> {
    let moved = judged.path_variable(Variable::XdgStateHome);
    // Other systems have no such variable for it.
    if !cfg!(target_os = "linux") || moved == host.path_variable(Variable::XdgStateHome) {
        return host.state.clone();
    }
    moved.or_else(|| Some(host.home.as_ref()?.join(".local/state")))
}

#[cfg(test)]
mod tests;
