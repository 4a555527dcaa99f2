//! The settings files of Claude Code that may have set variables of an environment.

use std::path::{Path, PathBuf};

use super::caller::Caller;
use super::owner::{self, Owner};
use super::stopped::Stopped;
use crate::host::Host;
use crate::integrations::claude_code::in_force::{InForce, Scope};
use crate::integrations::claude_code::settings::{self, ProjectFile, Variables};
use crate::variables::{IfCommitted, Variable};

/// A settings file in force.
pub(super) struct Layer {
    /// The file.
    pub(super) path: PathBuf,
    /// The scope it is meant for.
    pub(super) scope: Scope,
    /// Its owner, as far as known.
    pub(super) owner: Owner,
    /// The variables it sets.
    pub(super) variables: Variables,
}

/// The settings files that may have set variables.
pub(super) struct Files {
    /// Files in force, the weakest first.
    layers: Vec<Layer>,
    /// Files of the repository, in the project and in folders above it.
    of_repository: Vec<ProjectFile>,
    /// Why one of the files cannot be read.
    pub(super) unreadable: Option<Stopped>,
}

impl Files {
    pub(super) fn read(host: &Host, caller: Caller) -> Self {
        let in_force = InForce::read(host);
        let mut files = Self {
            layers: Vec::new(),
            of_repository: Vec::new(),
            unreadable: None,
        };
        for file in &in_force.files {
            let is_project = matches!(file.scope, Scope::Project | Scope::Local);
            if is_project && caller == Caller::OtherAgent {
                continue;
            }
            if let Some(problem) = &file.problem {
                files.note_unreadable(&file.path, problem);
            }
            let mut variables = file.variables();
            if file.scope == Scope::User {
                variables.extend(in_force.options());
            }
            let owner = match file.scope {
                Scope::Project => Owner::Repository,
                // Git is asked only if the file sets one of our variables.
                Scope::Local if owner::name_any(&variables) => owner::of_local(&file.path),
                Scope::User | Scope::Local | Scope::Managed => Owner::User,
            };
            files.layers.push(Layer {
                path: file.path.clone(),
                scope: file.scope,
                owner,
                variables,
            });
        }
        if caller != Caller::OtherAgent {
            files.look_above(host);
        }
        files
    }

    /// Finds the files of the repository, including those above the project.
    fn look_above(&mut self, host: &Host) {
        let project = host.path_variable(Variable::ClaudeProjectDir);
        let folders = [host.cwd.clone(), project];
        let files = folders.iter().flatten();
        for file in files.flat_map(|folder| settings::of_project(folder, host)) {
            match &file.variables {
                Err(problem) => self.note_unreadable(&file.path, problem),
                Ok(variables)
                    if owner::name_any(variables) && owner::of(&file) == Owner::Repository =>
                {
                    self.of_repository.push(file);
                }
                Ok(_) => {}
            }
        }
    }

    fn note_unreadable(&mut self, path: &Path, problem: &str) {
        let path = path.display();
        self.unreadable.get_or_insert_with(|| {
            let found = format!("nothing is sent while {path} cannot be read: {problem}");
            Stopped::sessions(found, format!("mend or remove {path}"))
        });
    }

    /// Whether any of the files sets a variable.
    pub(super) fn names(&self, variable: Variable, caller: Caller) -> bool {
        self.strongest(variable).is_some() || self.of_repository(variable, caller).is_some()
    }

    /// Whether a stronger file says that the key comes from somewhere else. One decision is made
    /// about the key, by the strongest file that names a source of it: an administrator's file with
    /// the key is not replaced by a key of the shell.
    pub(super) fn is_outranked(&self, variable: Variable, caller: Caller) -> bool {
        let may_choose = |it: Variable, layer: &Layer| {
            layer.owner == Owner::User || it.if_committed() == IfCommitted::ChoosesDestination
        };
        let place_of = |it: Variable| {
            self.layers.iter().rposition(|layer| {
                let value = owner::named(&layer.variables, it);
                // An empty value counts as unset.
                may_choose(it, layer) && value.is_some_and(|value| !value.trim().is_empty())
            })
        };
        let is_source = Variable::API_KEY.contains(&variable) && !variable.is_option();
        if !is_source || caller == Caller::OtherAgent {
            return false;
        }
        let sources = Variable::API_KEY.into_iter();
        let others = sources.filter(|it| !it.is_option() && *it != variable);
        let Some(other) = others.filter_map(place_of).max() else {
            return false;
        };
        // A file above the project is not in force everywhere, and as strong as one of the project.
        let is_above = variable.if_committed() == IfCommitted::ChoosesDestination
            && self
                .of_repository(variable, caller)
                .is_some_and(|(value, _)| !value.trim().is_empty());
        place_of(variable).map_or_else(
            || !is_above || self.layers[other].scope != Scope::User,
            |own| own < other,
        )
    }

    /// The strongest file in force that sets a variable.
    pub(super) fn strongest(&self, variable: Variable) -> Option<&Layer> {
        let mut strongest_first = self.layers.iter().rev();
        strongest_first.find(|layer| owner::named(&layer.variables, variable).is_some())
    }

    /// Values from the administrator's and the user's global settings, the strongest first.
    pub(super) fn of_user(&self, variable: Variable) -> impl Iterator<Item = &String> {
        let layers = self.layers_of_user(variable);
        layers.filter_map(move |layer| owner::named(&layer.variables, variable))
    }

    /// Global settings of the administrator and the user that set a variable, the strongest first.
    pub(super) fn layers_of_user(&self, variable: Variable) -> impl Iterator<Item = &Layer> {
        let strongest_first = self.layers.iter().rev();
        strongest_first
            .filter(|layer| matches!(layer.scope, Scope::User | Scope::Managed))
            .filter(move |layer| owner::named(&layer.variables, variable).is_some())
    }

    /// Whether a file in the project, whoever owns it, hides the value from the user's shell.
    pub(super) fn of_project(&self, variable: Variable, caller: Caller) -> bool {
        let strongest = self.strongest(variable).map(|layer| layer.scope);
        matches!(strongest, Some(Scope::Project | Scope::Local))
            || self.of_repository(variable, caller).is_some()
    }

    /// The repository's value and file that decide a variable, unless a stronger file of the user
    /// does.
    pub(super) fn of_repository(
        &self,
        variable: Variable,
        caller: Caller,
    ) -> Option<(&str, &ProjectFile)> {
        let strongest = self.strongest(variable);
        let is_repositorys = match strongest {
            Some(layer) => match (layer.owner, layer.scope) {
                (Owner::Repository, _) => true,
                (Owner::User, Scope::User) => caller.sees_no_shell(),
                (Owner::User, _) => false,
            },
            None => caller.sees_no_shell(),
        };
        if !is_repositorys {
            return None;
        }
        let mut strongest_first = self.of_repository.iter().rev();
        strongest_first.find_map(|file| {
            let variables = file.variables.as_ref().ok()?;
            Some((owner::named(variables, variable)?.as_str(), file))
        })
    }
}
