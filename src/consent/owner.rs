//! The owner of a settings file.

use std::path::Path;

use crate::git::{self, Standing};
use crate::integrations::claude_code::settings::{Kind, ProjectFile, Variables};
use crate::variables::Variable;

/// The owner of a settings file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The user, or the administrator of the machine.
    User,
    /// Anyone who may push to the repository, as far as known.
    Repository,
}

/// The owner of a settings file. A file inside a project is the user's only if git reports that it
/// did not come with the repository.
pub(super) fn of(file: &ProjectFile) -> Owner {
    match file.kind {
        Kind::Committed => Owner::Repository,
        Kind::Local => of_local(&file.path),
        Kind::User => Owner::User,
    }
}

/// The owner of a local settings file, which is meant not to be committed.
pub(super) fn of_local(path: &Path) -> Owner {
    match git::standing(path) {
        Standing::Untracked => Owner::User,
        Standing::Tracked | Standing::Unknown => Owner::Repository,
    }
}

/// The value that a settings file gives to `variable`, as Claude Code does: with names in another
/// case it sets other variables, except on Windows.
pub(super) fn given(variables: &Variables, variable: Variable) -> Option<&String> {
    if cfg!(windows) {
        named(variables, variable)
    } else {
        variables.get(variable.name())
    }
}

/// The value of `variable` in a settings file, whatever the case of its name.
pub(super) fn named(variables: &Variables, variable: Variable) -> Option<&String> {
    let exact = variables.get(variable.name());
    exact.or_else(|| {
        let mut named = variables.iter();
        let named = named.find(|(name, _)| variable.is_named(name));
        named.map(|(_, value)| value)
    })
}

/// Whether `variables` contain one that this program reads.
pub(super) fn name_any(variables: &Variables) -> bool {
    variables
        .keys()
        .any(|name| Variable::ALL.iter().any(|variable| variable.is_named(name)))
}
